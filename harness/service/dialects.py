"""OpenAI and Azure OpenAI: who is calling which API version, and what the answers carry (CONTRACT §1.8, §7, §9)."""

from __future__ import annotations

import re
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from harness.service import errors
from harness.service.errors import Refusal
from harness.service.shapes import ASSISTANTS_ENDED, V1_ENDED, V2_BEGAN

if TYPE_CHECKING:
    from harness.service.context import World
    from harness.service.http import Request
    from harness.service.routes import Route
    from harness.service.settings import Settings
    from harness.service.shapes import Api

# The api-version from which Azure answers in the v2 shape (CONTRACT §1.8).
AZURE_V2_BEGAN = "2024-05-01"
AZURE_USUAL = f"{AZURE_V2_BEGAN}-preview"  # for clients of whom nobody says which
# The first that knows assistants, and what an api-version looks like; others are not found (CONTRACT §1.8, §7.2).
AZURE_BEGAN = "2024-02-15"
AZURE_VERSION = re.compile(r"\d{4}-\d\d-\d\d(?:-preview)?")
# A resource of Azure's, but for its newer API, which has no versions.
AZURE_RESOURCE = re.compile(r"https?://[^/]*\.azure\.(?:com|us|cn)(?::\d+)?/openai/(?!v1[/?])")
V2_HEADER, V1_HEADER = "assistants=v2", "assistants=v1"

# Sent with every answer (FACTS C). Rate-limit, poll-after and retry-after headers were never seen.
CONSTANT_HEADERS = {
    "openai-version": "2020-10-01",
    "openai-organization": "pytest-assistants",
    "openai-processing-ms": "42",
    "openai-project": "proj_pytestassistants",
    "x-openai-proxy-wasm": "v0.1",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
}
AZURE_HEADERS = {
    "x-ms-region": "Sweden Central",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
}
# What each of Azure's layers calls a request, and what its client does (CONTRACT §1.8, FACTS 0).
AZURE_IDS = ("apim-request-id", "x-ms-middleware-request-id", "x-request-id")
CLIENT_ID = "x-ms-client-request-id"


class AzureRefusal(Refusal):
    """Azure's gateway answers with two keys, and a code that is a string of digits (CONTRACT §7.2)."""

    def envelope(self) -> dict[str, object]:
        return {"error": {"code": self.code, "message": self.message}}


def is_azure(request: Request) -> bool:
    """Azure lies under `/openai`, and names its version in the query (CONTRACT §1.8); a gateway may stand before it,
    with a folder of its own."""
    if "/openai/" not in request.path:
        return False
    return "api-version" in request.query or AZURE_RESOURCE.match(request.url) is not None


def azure_api(request: Request) -> Api | None:
    """What the api-version of a request to Azure selects; None if it has none that knows assistants."""
    version = request.query.get("api-version", [""])[0]
    if not AZURE_VERSION.fullmatch(version) or version < AZURE_BEGAN:
        return None
    return "v2" if version >= AZURE_V2_BEGAN else "v1"


def not_found_on_azure() -> AzureRefusal:
    """No such path, or no such api-version (CONTRACT §7.2)."""
    return AzureRefusal(404, "Resource not found", code="404")


def authenticate(request: Request, *, azure: bool, accepted: str | None) -> None:
    """Any key will do unless the user named the only good one.

    Raises:
        Refusal: there is no key, or not that one.
    """
    key = key_of(request, azure=azure)
    if not key or accepted not in (None, key):
        raise unauthorized(request, azure=azure)


def unauthorized(request: Request, *, azure: bool) -> Refusal:
    """The refusal for the key of a request, or because there is none."""
    if azure:
        return AzureRefusal(
            401,
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid "
            "key for an active subscription and use a correct regional API endpoint for your resource.",
            code="401",
        )
    key = key_of(request, azure=azure)
    return errors.wrong_api_key(key) if key else errors.no_api_key()


def key_of(request: Request, *, azure: bool) -> str:
    """The API key that a request carries, or nothing."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else ""
    return (request.headers.get("api-key", "") or key) if azure else key


class Offer(NamedTuple):
    """What is answered: by the user's settings, and by the day that they name (CONTRACT, timeline).

    Attributes:
        ended: there are no assistants any more.
        v1, v2: these versions are answered.
        shared: by that day, v1 had not ended for anybody.
    """

    ended: bool
    v1: bool
    v2: bool
    shared: bool

    @classmethod
    def of(cls, settings: Settings) -> Offer:
        day = settings.as_of
        v1 = settings.api in ("both", "v1") and (day is None or day < V1_ENDED)
        return cls(
            ended=settings.api == "sunset" or (day is not None and day >= ASSISTANTS_ENDED),
            v1=v1,
            v2=settings.api != "v1" and (day is None or day >= V2_BEGAN),
            shared=v1 and day is not None,
        )


def api_version(request: Request, route: Route, offer: Offer, *, azure: bool) -> Api:
    """v1 or v2: by the beta header, on Azure by the api-version.

    Raises:
        Refusal: the header is missing or unknown, or names a version that is not answered (CONTRACT §7.1).
    """
    if route.beta and offer.ended:
        # what the service says since then is not recorded (CONTRACT §10, G): here, as of any path that it has not
        raise not_found_on_azure() if azure else errors.unknown_url(request.method, request.path)
    newest: Api = "v2" if offer.v2 else "v1"
    header = request.headers.get("openai-beta")
    if azure:
        named = azure_api(request)
        if named is None or (route.v2_only if named == "v1" else route.v1_only):
            raise not_found_on_azure()
        return named
    if route.v2_only:
        return _v2_alone(request, offer)
    if not route.beta:
        return "v1" if header == V1_HEADER and offer.v1 else newest
    if header is None:
        raise errors.no_beta_header(newest)
    if header == V1_HEADER and not offer.v1:
        raise errors.v1_path_deprecated() if route.v1_only else errors.v1_deprecated()
    if header == V1_HEADER:
        return "v1"
    if header != V2_HEADER or newest == "v1":
        raise errors.unknown_beta(header)
    if route.v1_only and not offer.shared:
        # both versions shared these endpoints until v1 ended (FACTS I: lemur, May 2024, header v2)
        raise errors.v1_path_deprecated()
    return "v2"


def _v2_alone(request: Request, offer: Offer) -> Api:
    """For vector stores, which v1 has not. No header is needed (FACTS 0); the refusals of v1 are guesses (G).

    Raises:
        Refusal: the client is one of v1 or of another beta, or v2 is not answered.
    """
    if not offer.v2:
        raise errors.unknown_url(request.method, request.path)
    header = request.headers.get("openai-beta")
    if header == V1_HEADER:
        raise errors.no_beta_header("v2") if offer.v1 else errors.v1_deprecated()
    if header not in (None, V2_HEADER):
        raise errors.unknown_beta(header)
    return "v2"


def _date(second: int) -> str:
    """The HTTP date; its day is remembered, because the seconds of virtual time hardly ever come twice."""
    day, rest = divmod(second, 86_400)
    return f"{_day(day)}{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02} GMT"


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    return formatdate(number * 86_400, usegmt=True).removesuffix("00:00:00 GMT")


def headers(world: World, request: Request, *, azure: bool, length: int | None) -> dict[str, str]:
    """The headers of an answer, in the names the recordings have; no length is known of a stream.

    Azure gives a client its own id of the request back. To one that sends none it gives that of its gateway
    (BerriAI/litellm#1721); the recordings don't tell, for that value was removed from them.
    """
    ids = world.store.ids
    answered = {
        "date": _date(world.second),
        "content-type": "application/json",
        "x-request-id": ids.request(),  # for Azure too: what others get does not depend on it
        **(AZURE_HEADERS if azure else CONSTANT_HEADERS),
    }
    if length is not None:
        answered["content-length"] = str(length)
    if azure:
        answered.update((name, ids.uuid()) for name in AZURE_IDS)
        answered[CLIENT_ID] = request.headers.get(CLIENT_ID) or answered[AZURE_IDS[0]]
    return answered
