"""Content types: what a request says its body is, and what the service says where it takes another.

Azure's gateway stands in front of the service there, and what it says is not known.
"""

from __future__ import annotations

from harness.service.errors import Refusal

JSON, FORM = "application/json", "multipart/form-data"
# Nothing says whether threads took it, as the Responses API does; curl's -d sends it.
UNKNOWN = "application/x-www-form-urlencoded"


def check_form(content_type: str) -> None:
    """For uploads: dongri/openai-api-rs#51 (November 2023), and glific/glific#4356 still in August 2025."""
    if kind(content_type) not in ("", FORM):
        raise Refusal(
            415,
            f"Invalid Content-Type header ({content_type}), expected {FORM}. (HINT: If you're using curl, you can pass "
            f"-H 'Content-Type: {FORM}')",
        )


def check_json(content_type: str) -> None:
    """For all other bodies: openai/openai-openapi#194 and #502, of threads TheoKanning/openai-java#465.

    That a character set was too much, too, was over after a day.
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
