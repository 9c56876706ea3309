"""Sees through redaction: whether a request that holds secrets is one that was recorded without them.

A client that is replayed sends its addresses and keys as ever, and the cassette has stand-ins in their places. So each
secret of the request becomes a gap, and the recorded request has to be the same text with a stand-in of the same kind
in every gap: for one secret the same one, for two secrets two. What is no secret has to be the same to the letter, an
address that was made for examples too.

What it cannot see through: secrets within base64 or binary data, and credentials without a form of their own, which
were known only because a header held them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from harness.recording.redacting.bodies import rewritten_body, rewritten_url
from harness.recording.redacting.patterns import KINDS, UserKind, is_stand_in, user_kind
from harness.recording.redacting.rewriting import Rewriter
from harness.service.http import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from harness.recording.redacting.kinds import Kind

# A gap looks like a stand-in, which all the tables of redaction leave alone, and no cassette counts so far.
FIRST = 10**9
GAP = re.compile(r"redacted-(1\d{9})")
ADDRESS = r"[\w.%+-]{1,64}@example\.(?:com|net|org)"
# Of stand-ins that are made of digits: how many of one kind a cassette may hold.
MOST = 1000


class Masks:
    """What counts as a secret: what redaction knows, and `redact` but not `keep`, as when it was recorded."""

    def __init__(self, redact: Iterable[str] = (), keep: Iterable[str] = ()) -> None:
        self._kinds: tuple[Kind, ...] = (*map(user_kind, redact), *KINDS)
        self._keep = frozenset(keep)

    def masked(self, request: Request) -> Masked:
        numbers: dict[tuple[str, str], int] = {}
        secrets: list[tuple[Kind, str]] = []

        def gap(kind: Kind, secret: str) -> str:
            number = numbers.setdefault((kind.name, secret), len(secrets))
            if number == len(secrets):
                secrets.append((kind, secret))
            return f"redacted-{FIRST + number}"

        rewriter = Rewriter(self._kinds, gap, lambda secret: is_stand_in(secret) or secret in self._keep)
        url = rewritten_url(rewriter, request.url)
        body = rewritten_body(rewriter, bytes(request.body), request.headers.get("content-type", ""))
        changed = Request(request.method, url, request.headers, body)
        return Masked(changed, secrets)


class Masked:
    """A request with gaps where its secrets were."""

    def __init__(self, request: Request, secrets: list[tuple[Kind, str]]) -> None:
        self.request = request
        self._secrets = secrets

    def fits(self, recorded: Request, told: Callable[[Request], str]) -> bool:
        """Whether the recorded request tells the same as this one, with stand-ins in the gaps."""
        found = self._pattern(told(self.request)).fullmatch(told(recorded)) if self._secrets else None
        return found is not None and self._is_consistent(found)

    def shown(self, text: str) -> str:
        """A text of this request, with the kinds of secrets in its gaps."""
        return GAP.sub(lambda gap: f"<{_name(self._secrets[int(gap[1]) - FIRST][0])}>", text)

    def _pattern(self, text: str) -> re.Pattern[str]:
        """Texts and gaps by turns; where a secret comes again, so does its stand-in."""
        seen: set[int] = set()
        pieces = []
        for at, piece in enumerate(GAP.split(text)):
            number = int(piece) - FIRST if at % 2 else -1
            if not at % 2:
                pieces.append(re.escape(piece))
            elif number in seen:
                pieces.append(f"(?P=s{number})")
            else:
                seen.add(number)
                pieces.append(f"(?P<s{number}>{_stand_in(*self._secrets[number])})")
        return re.compile("".join(pieces))

    def _is_consistent(self, found: re.Match[str]) -> bool:
        stand_ins: dict[Hashable, Hashable] = {}
        for group, text in found.groupdict().items():
            kind, secret = self._secrets[int(group[1:])]
            which = _which(kind, secret, text)
            if which is None or stand_ins.setdefault((_family(kind), kind.same(secret)), which) != which:
                return False
        return len(set(stand_ins.values())) == len(stand_ins)


def _stand_in(kind: Kind, secret: str) -> str:
    """The pattern of what may stand in for a secret. One that is made of digits has the layout of the secret."""
    if kind.disguise is None:
        return ADDRESS
    if isinstance(kind.disguise, str):
        return re.escape(json.dumps(kind.disguise)[1:-1]) + r"redacted-\d+"
    return re.sub("[A-Za-z0-9]", "[A-Za-z0-9]", re.escape(json.dumps(secret)[1:-1]))


def _which(kind: Kind, secret: str, text: str) -> Hashable:
    """Which stand-in of its family a text is, however it is laid out; None if it is none for this secret."""
    if kind.disguise is None or isinstance(kind.disguise, str):
        return text
    numbers = (number for number in range(1, MOST) if kind.disguise(secret, number) == text)
    return next(((_family(kind), number) for number in numbers), None)


def _family(kind: Kind) -> str:
    """Kinds that share their stand-ins, as `StandIns` hands them out."""
    return kind.disguise if isinstance(kind.disguise, str) else kind.name


def _name(kind: Kind) -> str:
    return "secret of yours" if isinstance(kind, UserKind) else kind.name
