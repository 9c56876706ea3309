"""What a client may send: bodies, query strings and uploads, checked before any handler sees them.

`v2` and `v1` hold the bodies, `queries` the query strings, `upload` the one multipart form. A handler reads
the validated value; what was wrong leaves as an `errors.Refusal` in the words of the API version asked.
"""

from harness.service.params.reading import parse_json, parse_query, validate
from harness.service.params.upload import parse_upload
from harness.service.shapes import Api

__all__ = ["Api", "parse_json", "parse_query", "parse_upload", "validate"]
