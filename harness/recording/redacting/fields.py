"""Secrets that are recognized by their context: a field's name, a scheme, a host, an at sign."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import TYPE_CHECKING

from harness.recording.redacting.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

# The value of such a field is secret. Names are compared without case, `_` and `-`.
STRONG = re.compile(
    r"(?:.*(?:password(?:hash|confirm|confirmation|\d)?|passwd|passphrase|passcode|secret|apikey|apisecret|secretkey|secretaccesskey|accountkey|"
    r"sharedaccesskey|subscriptionkey|privatekey|encryptionkey|accesskey|authkey|functionskey)"
    r"|.*(?:access|refresh|auth|api|(?<!\w)id|session|bot|bearer|security|csrf|xsrf|oauth|personalaccess)token"
    r"|pwd|dbpwd|userpwd|비밀번호|암호|주민등록번호|xamzsignature|xgoogsignature|xamzcredential|(?:proxy)?authorization|sig|jsessionid|phpsessid)\Z",
    re.DOTALL,
)
# The value of such a field is secret if it looks random; a `token` may also be a word of a language model.
WEAK = re.compile(r"(?:.*token|auth|session|sessionid|sid|sessionkey|credentials?|bearer|cookie|jwt)\Z", re.DOTALL)
# What people and recorders write in place of a secret, and what schemas and code contain for a field of that name.
PLACEHOLDER = re.compile(
    r"""\W*(?:|redacted|sanitized|filtered|removed|masked|hidden|dummy|none|null|nil|true|false|string|str|text|bytes
    |integer|number|required|optional|password|passwd|secret|token|key|api[_ -]?key|your[_ -][\w -]*|[x*•.…#\x7f-]+)\W*
    |<[^<>]*>|\{[^{}]*\}|\$\{?\w+\}?|%\w+%?|\[[A-Z_ -]*\]""",
    re.IGNORECASE | re.VERBOSE,
)
RANDOM = re.compile(r"(?=[^\d]{0,40}\d)(?=[^A-Za-z]{0,40}[A-Za-z])[^\s\"'(){}\[\]<>]{16,}\Z")
# Ids of the API and similar ones are not secret: they connect the exchanges, and name no account.
ID = re.compile(
    r"(?:asst|thread|msg|run|step|call|vs|vsfb|vsf|req|batch|resp|chatcmpl|ftjob|upload|rs|fc|tool)_\w+"
    r"|(?:file|assistant|chatcmpl|cmpl|batch)-\w+",
    re.ASCII,
)
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_secret_field(name: str, value: str) -> bool:
    """Whether the whole value of a field with this name is secret, in JSON, forms, queries and the like.

    >>> [is_secret_field("db_password", value) for value in ("hunter", "", "<password>", "${PASSWORD}")]
    [True, False, False, False]
    >>> is_secret_field("token", "Hello"), is_secret_field("max_tokens", "123456789012345678a")
    (False, False)
    """
    name = _plain(name)
    if PLACEHOLDER.fullmatch(value) or ID.fullmatch(value):
        return False
    return bool(STRONG.match(name) or (WEAK.match(name) and is_random(value)))


def may_be_secret_field(name: str) -> bool:
    name = _plain(name)
    return bool(STRONG.match(name) or WEAK.match(name))


def _plain(name: str) -> str:
    return re.sub("[_ -]", "", name[-80:].lower())


def is_random(value: str) -> bool:
    return bool(RANDOM.match(value)) and not UUID.fullmatch(value)


def _is_bearer(match: re.Match[str]) -> bool:
    return bool(re.search(r"\d", match["secret"]))


def _is_basic(match: re.Match[str]) -> bool:
    try:
        return b":" in b64decode(match["secret"], validate=True)
    except binascii.Error:
        return False


FIELD = Kind("secret field", (), re.compile(r"(?!)"), "")  # no pattern: the structure tells what is a field
FIELD_KINDS = (
    Kind(
        "bearer token",
        ("bearer", "token "),
        re.compile(
            r"(?i)(?<![a-z])(?:bearer|(?<=authorization: )token)[ \t]+(?P<secret>[\w.~+/-]{8,4000}=*)", re.ASCII
        ),
        "",
        _is_bearer,
    ),
    Kind(
        "basic credentials",
        ("basic ",),
        re.compile(r"(?i)(?<![a-z])basic[ \t]+(?P<secret>[a-z0-9+/]{8,4000}={0,2})", re.ASCII),
        "",
        _is_basic,
    ),
    Kind(
        "basic credentials",
        ("curl",),
        re.compile(
            r"(?i)\bcurl\b[^\n|;&]{0,200}?[ \t](?:-u|--user|--proxy-user)(?:[ \t]+|=)[\"']?[^\s:\"']{1,100}"
            r":(?P<secret>[^\s\"'<>]{4,200})"
        ),
        "",
        lambda match: not PLACEHOLDER.fullmatch(match["secret"]),
    ),
    Kind(
        "password in a URL",
        ("://",),
        re.compile(r"://[^\s/:@?#\"'<>]{0,200}:(?P<secret>[^\s/\"'<>]{1,200})@"),
        "",
        lambda match: not PLACEHOLDER.fullmatch(match["secret"]),
    ),
    Kind(
        "token in a URL",
        ("://",),
        re.compile(r"://(?P<secret>(?=[^\s@]{0,60}\d)\w{16,200})@", re.ASCII),
        "",
    ),
    Kind(
        "signature of a URL",
        ("sig", "credential", "security-token"),
        re.compile(
            r"(?i)[?&;](?:amp;)?(?:sig|signature|x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-signature"
            r"|x-goog-credential)=(?P<secret>[^\s&\"'<>#;\\]{8,4000})"
        ),
        "",
    ),
)


# How the service quotes a wrong key: with its first and last characters.
MASKED_KEY = Kind(
    "masked API key",
    ("key provided: ",),
    re.compile(r"(?i)key provided: (?P<secret>[\w-]{0,40}\*{3,}[\w*-]{0,400})"),
    "sk-",
)

# Domains that are reserved for examples (RFC 2606), as in the addresses that Faker makes.
RESERVED = re.compile(r"(?:.*\.)?(?:example(?:\.(?:com|net|org))?|invalid|test|localhost)", re.IGNORECASE)
STAND_IN_BEFORE_HOST = re.compile(r"[A-Za-z0-9_.-]{0,20}redacted-\d+")  # such as the password in a URL
LOCAL = re.compile(r"[\w.%+-]{1,64}\Z", re.ASCII)


class MailKind(Kind):
    """E-mail addresses. They are searched for from the at sign, so that long words without one cost nothing."""

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        last = 0
        for match in self.pattern.finditer(text):
            at, end = match.span()
            # the host of an address does not begin another one
            local = LOCAL.search(text[max(last, at - 64) : at])
            if local is None or RESERVED.fullmatch(match["host"]) or STAND_IN_BEFORE_HOST.fullmatch(local[0]):
                continue
            start = at - len(local[0])
            if start and text[start - 1] == "\\" and text[start] in "bfnrt":
                start += 1  # an escaped line end is not part of the address
            if start < at and not self._is_code(text, start, at, end, match["host"]):
                yield start, end
                last = end

    @staticmethod
    def _is_code(text: str, start: int, at: int, end: int, host: str) -> bool:
        """Whether it is a matrix product, a call, or the user `git` of an SSH URL."""
        return text[end : end + 1] == "(" or text[start:at] == "git" or (at - start == 1 and host.index(".") == 1)


MAIL = MailKind(
    "e-mail address",
    ("@",),
    re.compile(r"@(?P<host>(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,16}[A-Za-z]{2,24})(?![A-Za-z0-9-])", re.ASCII),
    None,
    same=str.lower,
    strong=True,
)
AZURE_KINDS = (
    Kind(
        "Azure subscription",
        ("/subscriptions/",),
        re.compile(rf"(?i)/subscriptions/(?!0{{8}}-)(?P<secret>{UUID.pattern})"),
        "",
        same=str.lower,
    ),
    Kind(
        "Azure resource",
        (".azure.com", ".windows.net", ".azure-api.net", ".azurewebsites.net", ".azure.net"),
        re.compile(
            r"(?i)(?<![a-z0-9-])(?P<secret>[a-z0-9][a-z0-9-]{0,62})\.(?:(?:openai|cognitiveservices|services\.ai|inference\.ai"
            r"|documents)\.azure\.com|(?:search|database|servicebus|redis\.cache|(?:blob|file|queue|table|dfs)\.core)"
            r"\.windows\.net|(?:azure-api|azurewebsites|vault\.azure)\.net)(?![a-z0-9-]|\.[a-z])"
        ),
        "",
        lambda match: not PLACEHOLDER.fullmatch(match["secret"]),
        same=str.lower,
    ),
    Kind(
        "Azure resource",
        ("accountname=",),
        re.compile(r"(?i)accountname=(?P<secret>[a-z0-9]{3,24})(?![a-z0-9-])"),
        "",
        same=str.lower,
    ),
)
