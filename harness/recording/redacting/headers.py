"""Headers that are secret by their names: credentials, accounts, cookies, and addresses of clients."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.recording.redacting.bodies import rewritten_url
from harness.recording.redacting.fields import PLACEHOLDER
from harness.recording.redacting.kinds import Kind
from harness.recording.redacting.places import LinePositions

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
# Cloudflare's id of a request ends with the airport code of the nearest data centre.
RAY = Kind("place of the client", (), EVERYTHING, "ray-")
# Addresses that are reserved for documentation (RFC 5737 and 3849).
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
    """A header's value without its secrets. Only the scheme of a credential stays.

    If the value is or contains a key of a known kind, the key gets the same stand-in as everywhere.
    """
    if name == "content-type":
        return value  # the boundary has to match the body
    since = rewriter.count
    kind = kind_of_header(name)
    new = rewritten_url(rewriter, value) if "://" in value else rewriter.text(value)
    if kind is ADDRESS:
        new = rewriter.replace_kind(ADDRESS, new)
    elif kind:
        shown, secret = kind.pattern.search(new), kind.pattern.search(value)
        if (
            shown
            and secret
            and not (
                PLACEHOLDER.fullmatch(shown["secret"])
                or rewriter.is_kept(shown["secret"])
                or rewriter.is_kept(secret["secret"])
            )
        ):
            new = value[: secret.start("secret")] + rewriter.stand_in_for(
                kind, secret["secret"], LinePositions(value), 0
            )
    rewriter.locate(since, "header {}".format, name)
    return new
