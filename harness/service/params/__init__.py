"""Validation of requests: bodies, query strings and uploads, checked before any handler sees them.

`v2` and `v1` hold the bodies, `queries` the query strings, `upload` the one multipart form. Handlers get validated
values; anything else becomes an `errors.Refusal` in the wording of the API version.
"""

from harness.service.params.reading import parse_json, parse_query, validate
from harness.service.params.upload import parse_upload
from harness.service.shapes import Api

__all__ = ["Api", "parse_json", "parse_query", "parse_upload", "validate"]
