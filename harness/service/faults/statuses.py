"""The answers of the service, or of a proxy in front of it, that refuse a request with a given status.

The texts are those of CONTRACT §7.1 and §7.2, or of a report that is named beside the text; (G) is a guess.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from pydantic_core import to_json

from harness.failures import HarnessFailure
from harness.service import dialects, errors
from harness.service.dialects import AzureRefusal
from harness.service.errors import INVALID_REQUEST, Refusal
from harness.service.http import Response

if TYPE_CHECKING:
    from harness.service.faults.matching import Arrival

DEFAULT_WAIT = 20  # seconds that the text of a 429 names, unless a test sets `retry_after` (CONTRACT §7.1)
SERVER_ERROR = "server_error"


class ErrorText(NamedTuple):
    """The fields of an error; with `gateway` its body has the two keys of Azure's gateway."""

    message: str
    type: str = INVALID_REQUEST
    code: str | None = None
    gateway: bool = False


OPENAI = {
    400: ErrorText(errors.not_json().message),
    # github.com/home-assistant/core/issues/120072
    403: ErrorText(
        "Country, region, or territory not supported", "request_forbidden", "unsupported_country_region_territory"
    ),
    404: ErrorText("Not found"),
    408: ErrorText("Request timed out.", SERVER_ERROR),  # (G)
    409: ErrorText("The resource was updated by another request."),  # (G) after what the SDK's documentation says of it
    # github.com/Huanshere/VideoLingo/issues/34
    429: ErrorText(
        "Rate limit reached for requests in organization pytest-assistants on requests per min (RPM): Limit 3, "
        "Used 3, Requested 1. Please try again in {wait}s. Visit https://platform.openai.com/account/rate-limits to "
        "learn more.",
        "requests",
        "rate_limit_exceeded",
    ),
    500: ErrorText(
        "The server had an error processing your request. Sorry about that! You can retry your request, or contact us "
        "through our help center at help.openai.com if you keep seeing this error. (Please include the request ID "
        "{request_id} in your email.)",
        SERVER_ERROR,
    ),
    502: ErrorText("Bad gateway", SERVER_ERROR),  # only with a message or code of the test: see BAD_GATEWAY_PAGE
    503: ErrorText("The server is overloaded or not ready yet.", SERVER_ERROR),
}
AZURE = {
    **OPENAI,
    # github.com/Azure-Samples/azure-sql-db-chatbot/issues/3
    403: ErrorText("Access denied due to Virtual Network/Firewall rules.", code="403", gateway=True),
    404: ErrorText(dialects.not_found_on_azure().message, code="404", gateway=True),
    # github.com/Ironclad/rivet/pull/344
    408: ErrorText("The operation was timeout.", code="Timeout", gateway=True),
    # github.com/microsoft/copilot-camp/issues/551
    429: ErrorText("Rate limit is exceeded. Try again in {wait} seconds.", code="429", gateway=True),
    # github.com/Azure-Samples/azure-search-openai-demo/issues/1390
    500: ErrorText(
        "The server had an error while processing your request. Sorry about that! You can retry your request, or "
        "contact us through an Azure support request at: https://go.microsoft.com/fwlink/?linkid=2213926 if the error "
        "persists. (Please include the request ID {request_id} in your message.)",
        SERVER_ERROR,
    ),
    502: ErrorText("Bad gateway", code="502", gateway=True),  # (G)
    503: ErrorText("Service unavailable", code="503", gateway=True),  # (G)
}
QUOTA = ErrorText(
    "You exceeded your current quota, please check your plan and billing details. For more information on this error, "
    "read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
    "insufficient_quota",
    "insufficient_quota",
)
STATUSES = (400, 401, *sorted(set(OPENAI) - {400}))

# The answer of the proxy in front of the API: github.com/n3d1117/chatgpt-telegram-bot/issues/637
BAD_GATEWAY_PAGE = b"""<html>\r
<head><title>502 Bad Gateway</title></head>\r
<body>\r
<center><h1>502 Bad Gateway</h1></center>\r
<hr><center>cloudflare</center>\r
</body>\r
</html>\r
"""


def check(status: int) -> None:
    """Check the status of a plan.

    Raises:
        HarnessFailure: the service is not known to refuse requests with this status.
    """
    if status not in STATUSES:
        raise HarnessFailure(
            f"faults.status({status!r}): the service is not known to refuse requests with that status.",
            there_was=f"It refuses with {', '.join(map(str, STATUSES))}.",
            do='faults.status(500)   # or answer yourself: assistants.on("GET", "/…", lambda request: Response(…))',
        )


def answer(
    arrival: Arrival,
    status: int,
    *,
    retry_after: float | None = None,
    message: str | None = None,
    code: str | None = None,
) -> Response:
    """The answer with this status; `message` and `code` replace the usual ones."""
    headers = dialects.headers(arrival.world, arrival.request, status, azure=arrival.azure, length=None)
    if retry_after is not None:
        headers["retry-after"] = f"{retry_after:g}"
    if status == 502 and not arrival.azure and message is code is None:
        shown = {"date": headers["date"], "content-type": "text/html", "server": "cloudflare"}
        return Response(502, {**shown, "content-length": str(len(BAD_GATEWAY_PAGE))}, BAD_GATEWAY_PAGE)
    request_id = headers["x-request-id"]
    refusal = _refusal(arrival, status, code, wait=ceil(retry_after or DEFAULT_WAIT), request_id=request_id)
    refusal.message = message or refusal.message
    refusal.code = code or refusal.code
    body = to_json(refusal.envelope(), indent=2)
    return Response(status, {**headers, **refusal.headers, "content-length": str(len(body))}, body)


def _refusal(arrival: Arrival, status: int, code: str | None, **blanks: object) -> Refusal:
    """The usual refusal with this status; `blanks` fill the placeholders in its text."""
    if status == 401:
        return dialects.unauthorized(arrival.request, azure=arrival.azure)
    error = QUOTA if status == 429 and code == QUOTA.code else (AZURE if arrival.azure else OPENAI)[status]
    text = error.message.format_map(blanks)
    return (AzureRefusal if error.gateway else Refusal)(status, text, type=error.type, code=error.code)
