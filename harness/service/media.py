"""Content types: which ones the service accepts, and how it refuses others.

On Azure a gateway stands in front of the service; how that refuses them is not known.
"""

from __future__ import annotations

from harness.service.errors import Refusal

JSON, FORM = "application/json", "multipart/form-data"
# Not known to be refused: curl's -d sends it, and the Responses API accepts it.
UNKNOWN = "application/x-www-form-urlencoded"


def check_form(content_type: str) -> None:
    """Refuse an upload of another type: dongri/openai-api-rs#51 (November 2023), glific/glific#4356 (August 2025)."""
    if kind(content_type) not in ("", FORM):
        raise Refusal(
            415,
            f"Invalid Content-Type header ({content_type}), expected {FORM}. (HINT: If you're using curl, you can pass "
            f"-H 'Content-Type: {FORM}')",
        )


def check_json(content_type: str) -> None:
    """Refuse other bodies that are not JSON: openai/openai-openapi#194, #502; of threads TheoKanning/openai-java#465.

    For a day a character set was refused as well; here it never is.
    """
    if kind(content_type) not in ("", JSON, UNKNOWN):
        raise Refusal(
            400,
            f"Unsupported content type: '{content_type}'. This API method only accepts '{JSON}' requests, but you "
            f"specified the header 'Content-Type: {content_type}'. Please try again with a supported content type.",
            code="unsupported_content_type",
        )


def kind(content_type: str) -> str:
    """The media type without its parameters.

    >>> kind("application/JSON; charset=utf-8")
    'application/json'
    """
    return content_type.partition(";")[0].strip().lower()
