"""Headers that are secret by their names: credentials, accounts, cookies, and where a request came from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.recording.redacting.bodies import rewritten_url
from harness.recording.redacting.fields import PLACEHOLDER
from harness.recording.redacting.kinds import Kind
from harness.recording.redacting.places import Lines

if TYPE_CHECKING:
    from harness.recording.redacting.rewriting import Rewriter

COOKIES = frozenset({"cookie", "cookie2", "set-cookie", "set-cookie2"})
EVERYTHING = re.compile(r"(?s)(?P<secret>.+)")
CREDENTIALS = Kind(
    "credentials",
    (),
    re.compile(r"(?s)(?:(?i:bearer|basic|token|digest|sharedaccesssignature) +)?(?P<secret>.+)"),
    "",
)
ORGANIZATION = Kind("organization", (), EVERYTHING, "org-")
PROJECT = Kind("project", (), EVERYTHING, "proj_")
ACCOUNT = Kind("account", (), EVERYTHING, "")
# Of Cloudflare: it ends on the airport next to which the request was made.
RAY = Kind("place of the client", (), EVERYTHING, "ray-")
# RFC 5737 and 3849: addresses for documentation, which nobody has.
NETS = ("192.0.2", "198.51.100", "203.0.113")
ADDRESS = Kind(
    "IP address",
    (),
    re.compile(
        r"(?i)(?<![\w.:])(?!192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|2001:db8:)"
        r"(?:\d{1,3}(?:\.\d{1,3}){3}|(?=[0-9a-f]*:)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})(?![\w.])",
        re.ASCII,
    ),
    lambda secret, nth: f"2001:db8::{nth:x}" if ":" in secret else f"{NETS[nth // 254 % 3]}.{nth % 254 + 1}",
)
BY_NAME = tuple(
    (re.compile(names, re.VERBOSE), kind)
    for names, kind in (
        (
            r"""(?:proxy-|x-)?authorization|x-session-id|x-csrf.*|x-xsrf.*|x-goog-iam-authorization-token
            |(?:.*-)?(?:api-?key|access-?key|subscription-key|functions-key|secret|token|password|credentials?|signature)""",
            CREDENTIALS,
        ),
        (r"(?:x-)?(?:openai-|anthropic-)?organization(?:-id)?|x-org-id", ORGANIZATION),
        (r"(?:x-)?(?:openai-)?project(?:-id)?|x-goog-user-project", PROJECT),
        (r"x-ms-client-principal.*|x-azure-ref|(?:.*-)?(?:account|tenant|subscription|user)-id", ACCOUNT),
        (r"cf-ray", RAY),
        (r"(?:x-)?(?:original-)?forwarded(?:-.*)?|(?:.*-)?ip|x-ms-forwarded.*|.*-external-address|via", ADDRESS),
    )
)


HEADER_KINDS = tuple(kind for _, kind in BY_NAME)


def kind_of_header(name: str) -> Kind | None:
    return next((kind for names, kind in BY_NAME if names.fullmatch(name)), None)


def rewritten_header(rewriter: Rewriter, name: str, value: str) -> str:
    """A header's value without its secrets. Of a credential nothing stays but its scheme.

    Where the value is, or holds, a key of a known kind, that gets the stand-in which it has everywhere.
    """
    if name == "content-type":
        return value  # a boundary has to stay what it is in the body
    since = rewriter.count
    kind = kind_of_header(name)
    new = rewritten_url(rewriter, value) if "://" in value else rewriter.text(value)
    if kind is ADDRESS:
        new = rewriter.replaced(ADDRESS, new)
    elif kind:
        shown, secret = kind.pattern.search(new), kind.pattern.search(value)
        if (
            shown
            and secret
            and not (
                PLACEHOLDER.fullmatch(shown["secret"])
                or rewriter.spares(shown["secret"])
                or rewriter.spares(secret["secret"])
            )
        ):
            new = value[: secret.start("secret")] + rewriter.found(kind, secret["secret"], Lines(value), 0)
    rewriter.placed(since, "header {}".format, name)
    return new
