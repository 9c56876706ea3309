"""OpenAI and Azure OpenAI: authentication, API versions and response headers (CONTRACT §1.8, §7, §9)."""

from __future__ import annotations

import base64
import re
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from harness.service import access
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
AZURE_DEFAULT_VERSION = f"{AZURE_V2_BEGAN}-preview"  # for clients that the fake makes, unless they name another
# The first api-version with assistants, and the form of all; others are not found (CONTRACT §1.8, §7.2).
AZURE_BEGAN = "2024-02-15"
AZURE_VERSION = re.compile(r"\d{4}-\d\d-\d\d(?:-preview)?")
# The URL of an Azure resource, except for Azure's newer API, which has no versions.
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
# Not sent to those without a valid key: none of the recorded answers of status 401 names an owner (FACTS C).
OWNER = ("openai-organization", "openai-project")
AZURE_HEADERS = {
    "x-ms-region": "Sweden Central",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
}
# The headers with a request id by each of Azure's layers, and the client's own (CONTRACT §1.8, FACTS 0).
AZURE_IDS = ("apim-request-id", "x-ms-middleware-request-id", "x-request-id")
CLIENT_ID = "x-ms-client-request-id"


class AzureRefusal(Refusal):
    """A refusal by Azure's gateway: two keys, and a code that is a string of digits (CONTRACT §7.2)."""

    def envelope(self) -> dict[str, object]:
        return {"error": {"code": self.code, "message": self.message}}


def is_azure(request: Request) -> bool:
    """Whether a request is for Azure: below `/openai`, with its version in the query (CONTRACT §1.8). A gateway in
    front of it may add a folder of its own."""
    if "/openai/" not in request.path:
        return False
    return "api-version" in request.query or AZURE_RESOURCE.match(request.url) is not None


def azure_api(request: Request) -> Api | None:
    """The API that the api-version of a request to Azure selects; None if there is none with assistants."""
    version = request.query.get("api-version", [""])[0]
    if not AZURE_VERSION.fullmatch(version) or version < AZURE_BEGAN:
        return None
    return "v2" if version >= AZURE_V2_BEGAN else "v1"


def not_found_on_azure() -> AzureRefusal:
    """The refusal of an unknown path or api-version (CONTRACT §7.2)."""
    return AzureRefusal(404, "Resource not found", code="404")


def authenticate(request: Request, *, azure: bool, accepted: str | None) -> None:
    """Accept any key, or only `accepted` if the user has set it.

    Raises:
        Refusal: the key is missing or another.
    """
    key = key_of(request, azure=azure)
    if not key or accepted not in (None, key):
        raise unauthorized(request, azure=azure)


def unauthorized(request: Request, *, azure: bool) -> Refusal:
    """The refusal of a request because of its key, or because it has none."""
    if azure:
        return AzureRefusal(
            401,
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid "
            "key for an active subscription and use a correct regional API endpoint for your resource.",
            code="401",
        )
    key = key_of(request, azure=azure)
    return access.wrong_api_key(key) if key else access.no_api_key()


def key_of(request: Request, *, azure: bool) -> str:
    """The API key of a request; empty if it has none.

    OpenAI also takes it as a password, as `curl -u :KEY` sends it in the guide to Code Interpreter.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else ""
    if azure:
        return request.headers.get("api-key", "") or key
    return _password_of_nobody(token) if scheme.lower() == "basic" else key


def _password_of_nobody(credentials: str) -> str:
    """The password of credentials with a blank user name (CONTRACT §7.1); of others nothing, which is a guess (G)."""
    try:
        user, _, password = base64.b64decode(credentials).decode().partition(":")
    except ValueError:
        return ""
    return "" if user else password


class AvailableVersions(NamedTuple):
    """The API versions that exist, by the user's settings and the day that they name (CONTRACT, timeline).

    Attributes:
        ended: the Assistants API has been shut down.
        v1, v2: whether this version is served.
        shared: on the named day v1 still existed, so v2 clients could use its endpoints.
    """

    ended: bool
    v1: bool
    v2: bool
    shared: bool

    @classmethod
    def of(cls, settings: Settings) -> AvailableVersions:
        day = settings.as_of
        v1 = settings.api in ("both", "v1") and (day is None or day < V1_ENDED)
        return cls(
            ended=settings.api == "sunset" or (day is not None and day >= ASSISTANTS_ENDED),
            v1=v1,
            v2=settings.api != "v1" and (day is None or day >= V2_BEGAN),
            shared=v1 and day is not None,
        )


def unknown_route(request: Request, available: AvailableVersions, *, azure: bool) -> Refusal:
    """The refusal of a method and path that no route serves. Threads can be listed, but not with an API key."""
    if azure:
        return not_found_on_azure()
    if request.method == "GET" and request.path.endswith("/v1/threads") and not available.ended:
        return access.needs_session_key(request.method, request.path)
    return access.unknown_url(request.method, request.path)


def api_version(request: Request, route: Route, available: AvailableVersions, *, azure: bool) -> Api:
    """v1 or v2: by the beta header, on Azure by the api-version.

    Raises:
        Refusal: the header is missing or unknown, or names a version that is not served (CONTRACT §7.1).
    """
    if route.beta and available.ended:
        # not recorded (CONTRACT §10, G): here it is refused like an unknown path
        raise not_found_on_azure() if azure else access.unknown_url(request.method, request.path)
    newest: Api = "v2" if available.v2 else "v1"
    header = request.headers.get("openai-beta")
    if azure:
        named = azure_api(request)
        if named is None or (route.v2_only if named == "v1" else route.v1_only):
            raise not_found_on_azure()
        return named
    if route.v2_only:
        return _v2_only(request, available)
    if not route.beta:
        return "v1" if header == V1_HEADER and available.v1 else newest
    if header is None:
        raise access.no_beta_header(newest)
    if header == V1_HEADER and not available.v1:
        raise access.v1_path_deprecated() if route.v1_only else access.v1_deprecated()
    if header == V1_HEADER:
        return "v1"
    if header != V2_HEADER or newest == "v1":
        raise access.unknown_beta(header)
    if route.v1_only and not available.shared:
        # both versions shared these endpoints until v1 ended (FACTS I: lemur, May 2024, header v2)
        raise access.v1_path_deprecated()
    return "v2"


def _v2_only(request: Request, available: AvailableVersions) -> Api:
    """For vector stores, which v1 does not have. No header is needed (FACTS 0); refusing v1 is a guess (G).

    Raises:
        Refusal: the header names v1 or another beta, or v2 is not served.
    """
    if not available.v2:
        raise access.unknown_url(request.method, request.path)
    header = request.headers.get("openai-beta")
    if header == V1_HEADER:
        raise access.no_beta_header("v2") if available.v1 else access.v1_deprecated()
    if header not in (None, V2_HEADER):
        raise access.unknown_beta(header)
    return "v2"


def _date(second: int) -> str:
    """The HTTP date. The formatted day is cached; the second changes too often for that."""
    day, rest = divmod(second, 86_400)
    return f"{_day(day)}{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02} GMT"


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    return formatdate(number * 86_400, usegmt=True).removesuffix("00:00:00 GMT")


def headers(world: World, request: Request, status: int, *, azure: bool, length: int | None) -> dict[str, str]:
    """The headers of an answer, named as in the recordings; `length` is None for a stream.

    Azure returns the client's own request id; to a client that sends none it returns that of its gateway
    (BerriAI/litellm#1721). The recordings do not show it: the value was removed from them.
    """
    ids = world.store.ids
    answered = {
        "date": _date(world.second),
        "content-type": "application/json",
        "x-request-id": ids.request(),  # for Azure too, so that an Azure request does not shift the ids of others
        **(AZURE_HEADERS if azure else CONSTANT_HEADERS),
    }
    if length is not None:
        answered["content-length"] = str(length)
    if status == 401:
        for name in OWNER:
            answered.pop(name, None)
    if azure:
        answered.update((name, ids.uuid()) for name in AZURE_IDS)
        answered[CLIENT_ID] = request.headers.get(CLIENT_ID) or answered[AZURE_IDS[0]]
    return answered
