"""When a request is one that was recorded, although a newer client writes it in another way."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote_to_bytes

from pydantic_core import from_json

from harness.failures import HarnessFailure
from harness.service.params.upload import parts
from harness.service.paths import below_root

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence

    from harness.recording.masking import Masks
    from harness.recording.session import Seen
    from harness.service.http import Request
    from harness.service.params.upload import Part

OnMiss = Literal["fail", "script"]
# Whether a client polls or streams is no part of what it asks; v1 said `retrieval` for what v2 calls `file_search`.
IGNORED = frozenset({"stream"})
# What every stand-in holds one of: names, addresses, and numbers that nobody has.
STAND_INS = re.compile(rb"redacted-\d|@example\.|000|555|999")
# whichever way the cassette came in
SCRIPTED = """\
@pytest.mark.assistants_cassette(…, on_miss="script")   # scripts answer what was not recorded, as a changed prompt
assistants.replay(path, on_miss="script")               # the same without the marker"""
RENAMED = {"retrieval": "file_search"}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def normal(request: Request, file: Callable[[bytes], str] = digest) -> Any:
    """What a request asks, without what SDK versions write differently: order, nulls, empty values, boundaries.

    `file` tells what stands for the content of a file, and for a body that is no JSON.

    >>> from harness.service.http import Request
    >>> normal(Request("POST", "https://h/v1/threads", body=b'{"metadata": null, "messages": []}'))
    {}
    """
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return {part.name: _field(part, file) for part in parts(request.body, kind)}
    try:
        return _normal(from_json(bytes(request.body))) if request.body else {}
    except ValueError:
        return file(bytes(request.body))


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _normal(item) for key, item in value.items() if key not in IGNORED}
        if kept.get("type") == "text" and isinstance(kept.get("text"), str):
            return kept["text"]  # a part of a message, which may also be written as a plain text
        return {key: kept[key] for key in sorted(kept) if kept[key] not in (None, [], {})}
    if isinstance(value, list):
        items = [_normal(item) for item in value]
        return items[0] if len(items) == 1 and isinstance(items[0], str) else items
    return RENAMED.get(value, value) if isinstance(value, str) else value


def _field(part: Part, file: Callable[[bytes], str]) -> Any:
    """A text as it is, a file by its name and content."""
    return part.text if part.filename is None else [part.filename, file(bytes(part.content))]


class Redacted:
    """The recorded requests that may hold stand-ins, for clients that send the secrets themselves.

    Asked only when no request fits as it is; and where the cassette holds no stand-in, nothing else is looked at.

    Args:
        redact: regular expressions of what else was redacted, and `keep`, what was not, when the session was recorded.
        where: what of a request's URL has to be the same.
    """

    def __init__(
        self,
        exchanges: Sequence[Seen],
        where: Callable[[Request], Any],
        *,
        redact: Iterable[str] = (),
        keep: Iterable[str] = (),
    ) -> None:
        self._exchanges = exchanges
        self._where = where
        self._secret = (tuple(redact), tuple(keep))
        if redact:
            _ = self._masks  # a pattern that is none is told now

    def fitting(self, request: Request, used: Container[Seen]) -> list[Seen]:
        """The unused exchanges whose requests are this one, but for stand-ins in place of its secrets."""
        left = [seen for seen in self._holders if seen.method == request.method and seen not in used]
        masked = self._masks.masked(request) if left else None
        return [] if masked is None else [seen for seen in left if masked.fits(seen.recorded.request, self._told)]

    def missed(
        self, request: Request, candidates: Sequence[Seen], used: Container[Seen], reason: str = ""
    ) -> HarnessFailure:
        """No recorded exchange answers this request: the nearest one, and how they differ. No secret is shown."""
        masked = self._masks.masked(request)
        path = masked.shown(below_root(masked.request.path))
        what = f"{request.method} {path} was not recorded like this{reason}."
        if not candidates:
            return HarnessFailure(
                what,
                there_was="The cassette holds no request to this endpoint with these ids.",
                do=SCRIPTED,
            )
        asked = masked.shown(self._lines(masked.request)).splitlines()
        lines = {seen: self._lines(seen.recorded.request).splitlines() for seen in candidates}
        fresh = [seen for seen in candidates if seen not in used]
        nearest = max(fresh or candidates, key=lambda seen: _likeness(asked, lines[seen]))
        if lines[nearest] == asked or masked.fits(nearest.recorded.request, self._told):
            there_was = f"It was recorded {len(candidates)} times, and each of them is used: the last is {nearest}."
        else:
            changes = difflib.unified_diff(lines[nearest], asked, lineterm="", n=0)
            shown = [line for line in changes if not re.match(r"---|\+\+\+|@@", line)]
            there_was = f"The nearest is {nearest}; it differs (- recorded, + sent):\n" + "\n".join(
                f"    {line}" for line in shown[:20]
            )
        return HarnessFailure(what, there_was=there_was, do=SCRIPTED)

    @cached_property
    def _masks(self) -> Masks:
        from harness.recording.masking import Masks  # noqa: PLC0415 - its tables take longer than most replays

        return Masks(*self._secret)

    @cached_property
    def _holders(self) -> list[Seen]:
        texts = ((seen, unquote_to_bytes(seen.recorded.request.url), seen.recorded.sent) for seen in self._exchanges)
        return [seen for seen, url, body in texts if STAND_INS.search(url) or STAND_INS.search(body)]

    def _told(self, request: Request) -> str:
        """What a request asks, as one text."""
        return json.dumps([self._where(request), normal(request, lambda content: content.decode("latin-1"))])

    def _lines(self, request: Request) -> str:
        """The same to be read, and to be compared line by line."""
        return "\n".join(
            json.dumps(part, indent=1, ensure_ascii=False) for part in (self._where(request), normal(request))
        )


def _likeness(one: list[str], other: list[str]) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
