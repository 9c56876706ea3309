"""Matches a request that contains secrets with one that was recorded with stand-ins in their places.

Each secret of the request becomes a gap, and the recorded request has to be the same text with a stand-in of the same
kind in every gap: the same stand-in for the same secret, another for another. All other text has to be equal, addresses
at example.com included.

Not matched: secrets within base64 or binary data, and credentials without a format of their own, which were recognized
only by the header that held them.
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

# A gap looks like a stand-in, which redaction leaves alone, with a number that no cassette reaches.
FIRST_GAP = 10**9
GAP = re.compile(r"redacted-(1\d{9})")
ADDRESS = r"[\w.%+-]{1,64}@example\.(?:com|net|org)"
# How many stand-ins made of digits a cassette may hold of one kind: they are found by trying.
MAX_STAND_INS = 1000


class Masker:
    """Replaces the secrets of requests by gaps; `redact` and `keep` are what the session was recorded with."""

    def __init__(self, redact: Iterable[str] = (), keep: Iterable[str] = ()) -> None:
        self._kinds: tuple[Kind, ...] = (*map(user_kind, redact), *KINDS)
        self._keep = frozenset(keep)

    def mask(self, request: Request) -> MaskedRequest:
        numbers: dict[tuple[str, str], int] = {}
        secrets: list[tuple[Kind, str]] = []

        def gap(kind: Kind, secret: str) -> str:
            number = numbers.setdefault((kind.name, secret), len(secrets))
            if number == len(secrets):
                secrets.append((kind, secret))
            return f"redacted-{FIRST_GAP + number}"

        rewriter = Rewriter(self._kinds, gap, lambda secret: is_stand_in(secret) or secret in self._keep)
        url = rewritten_url(rewriter, request.url)
        body = rewritten_body(rewriter, bytes(request.body), request.headers.get("content-type", ""))
        changed = Request(request.method, url, request.headers, body)
        return MaskedRequest(changed, secrets)


class MaskedRequest:
    """A request with gaps where its secrets were."""

    def __init__(self, request: Request, secrets: list[tuple[Kind, str]]) -> None:
        self.request = request
        self._secrets = secrets

    def matches(self, recorded: Request, comparable: Callable[[Request], str]) -> bool:
        """Whether the recorded request equals this one, with stand-ins in the gaps. False if this one has no gaps."""
        found = self._pattern(comparable(self.request)).fullmatch(comparable(recorded)) if self._secrets else None
        return found is not None and self._stand_ins_agree(found)

    def label_gaps(self, text: str) -> str:
        """A text of this request with the kind of secret in each gap, such as `<e-mail address>`."""
        return GAP.sub(lambda gap: f"<{_label(self._secrets[int(gap[1]) - FIRST_GAP][0])}>", text)

    def _pattern(self, text: str) -> re.Pattern[str]:
        """An expression for the text with any stand-ins in its gaps, the same one for a repeated secret."""
        seen: set[int] = set()
        pieces = []
        for at, piece in enumerate(GAP.split(text)):
            number = int(piece) - FIRST_GAP if at % 2 else -1
            if not at % 2:
                pieces.append(re.escape(piece))
            elif number in seen:
                pieces.append(f"(?P=s{number})")
            else:
                seen.add(number)
                pieces.append(f"(?P<s{number}>{_stand_in(*self._secrets[number])})")
        return re.compile("".join(pieces))

    def _stand_ins_agree(self, found: re.Match[str]) -> bool:
        stand_ins: dict[Hashable, Hashable] = {}
        for group, text in found.groupdict().items():
            kind, secret = self._secrets[int(group[1:])]
            which = _stand_in_of(kind, secret, text)
            if which is None or stand_ins.setdefault((_family(kind), kind.same(secret)), which) != which:
                return False
        return len(set(stand_ins.values())) == len(stand_ins)


def _stand_in(kind: Kind, secret: str) -> str:
    """A pattern of the stand-ins for a secret. Those made of digits have the layout of the secret."""
    if kind.disguise is None:
        return ADDRESS
    if isinstance(kind.disguise, str):
        return re.escape(json.dumps(kind.disguise)[1:-1]) + r"redacted-\d+"
    return re.sub("[A-Za-z0-9]", "[A-Za-z0-9]", re.escape(json.dumps(secret)[1:-1]))


def _stand_in_of(kind: Kind, secret: str, text: str) -> Hashable:
    """An identity for the stand-in that a text is, whatever its layout; None if it is none for this secret."""
    if kind.disguise is None or isinstance(kind.disguise, str):
        return text
    numbers = (number for number in range(1, MAX_STAND_INS) if kind.disguise(secret, number) == text)
    return next(((_family(kind), number) for number in numbers), None)


def _family(kind: Kind) -> str:
    """The name of the kinds that share stand-ins, as in `StandIns`."""
    return kind.disguise if isinstance(kind.disguise, str) else kind.name


def _label(kind: Kind) -> str:
    return "secret of yours" if isinstance(kind, UserKind) else kind.name
