"""Secrets in prose and code: `password = "…"`, where no structure separates name and value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.recording.redacting.fields import ID, PLACEHOLDER, is_random
from harness.recording.redacting.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DISTANCE = 64  # characters before the sign that are searched for the name
NAME = re.compile(
    r"""(?: (?P<pass> password | passwd | passphrase | passcode | (?<![a-z])pwd | 비밀번호 | 암호 )
          | secret | phpsessid | jsessionid
          | (?:api|secret|access|account|shared[_-]?access|subscription|private|encryption|auth|functions)[_-]?key
          | (?:access|refresh|auth|api|session|bot|bearer|security|csrf|xsrf|oauth)[_-]?token
          | (?P<weak> (?<![a-z])(?: token | key | session(?:[_-]?id)? | sid ))
        )(?:\\{0,8}["']|%2[27])?[ \t]{0,8}\Z""",
    re.IGNORECASE | re.VERBOSE,
)
VALUE = re.compile(
    r"""[ \t]{0,8}(?:(?P<quote>\\{0,8}["']|%2[27]))?
        (?P<secret>(?(quote)(?:(?!%2[27])[^"'\n\\]){4,400}|[^\s"'&,;<>(){}\[\]\\]{6,400}))""",
    re.VERBOSE,
)
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
# A digit, and a character that is none.
MIXED = re.compile(r"(?=.{0,60}\d)(?=.{0,60}[A-Za-z!@#$%^*?~])", re.DOTALL)
CODE = ("(", "[")


class Assignment(Kind):
    """A secret that is assigned to a name. It is searched for from the sign, because most texts contain few."""

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        last = 0
        for sign in self.pattern.finditer(text):
            before = text[max(last, sign.start() - MAX_DISTANCE) : sign.start()].lower()
            name = NAME.search(before) if any(trigger in before for trigger in self.triggers) else None
            value = VALUE.match(text, sign.end()) if name else None
            if name and value and value.start() >= last and self._is_secret(name, value):
                last = value.end()
                yield value.span("secret")

    @staticmethod
    def _is_secret(name: re.Match[str], value: re.Match[str]) -> bool:
        """Whether a value is a quoted literal or a word with digits among its letters, and not a name in code."""
        secret, after = value["secret"], value.string[value.end() : value.end() + 1]
        if PLACEHOLDER.fullmatch(secret) or ID.fullmatch(secret):
            return False
        if secret != secret.strip() or secret[0] in "),+{[%<$":
            return False  # text between two quoted ones, or a variable of a shell or template
        if name["weak"]:
            return is_random(secret)
        if value["quote"]:
            return bool(name["pass"]) or not re.search(r"\s", secret)
        if after in CODE or DOTTED.fullmatch(secret):
            return False
        return bool(MIXED.match(secret)) or (bool(name["pass"]) and secret.isdecimal())


ASSIGNMENT = Assignment(
    "secret field",
    ("pass", "pwd", "secret", "key", "token", "session", "sid", "비밀번호", "암호"),
    re.compile(r"[:=][=>]?"),
    "",
    needs=(":", "="),
)
