"""Whether a request is one that was recorded, although another version of a client writes it differently."""

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

    from harness.recording.masking import Masker
    from harness.recording.session import ParsedExchange
    from harness.service.http import Request
    from harness.service.params.upload import Part

OnMiss = Literal["fail", "script"]
# A client may stream what was recorded by polling.
IGNORED_KEYS = frozenset({"stream"})
# Each stand-in for a secret contains one of these: names, addresses, and numbers that nobody has.
STAND_INS = re.compile(rb"redacted-\d|@example\.|000|555|999")
# A cassette is named by the marker or by a call.
SCRIPT_HINT = """\
@pytest.mark.assistants_cassette(…, on_miss="script")   # scripts answer what was not recorded, as a changed prompt
assistants.replay(path, on_miss="script")               # the same without the marker"""
# What v2 renamed.
V2_TOOL_NAMES = {"retrieval": "file_search"}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def normalized(request: Request, file: Callable[[bytes], str] = digest) -> Any:
    """The body of a request without what SDK versions write differently: order, nulls, empty values, boundaries.

    `file` makes what represents the content of a file, or a body that is not JSON.

    >>> from harness.service.http import Request
    >>> normalized(Request("POST", "https://h/v1/threads", body=b'{"metadata": null, "messages": []}'))
    {}
    """
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return {part.name: _field(part, file) for part in parts(request.body, kind)}
    try:
        return _normalized_value(from_json(bytes(request.body))) if request.body else {}
    except ValueError:
        return file(bytes(request.body))


def _normalized_value(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _normalized_value(item) for key, item in value.items() if key not in IGNORED_KEYS}
        if kept.get("type") == "text" and isinstance(kept.get("text"), str):
            return kept["text"]  # a text part of a message may also be written as a plain string
        return {key: kept[key] for key in sorted(kept) if kept[key] not in (None, [], {})}
    if isinstance(value, list):
        items = [_normalized_value(item) for item in value]
        return items[0] if len(items) == 1 and isinstance(items[0], str) else items
    return V2_TOOL_NAMES.get(value, value) if isinstance(value, str) else value


def _field(part: Part, file: Callable[[bytes], str]) -> Any:
    """The text of a form field, or the name and content of a file."""
    return part.text if part.filename is None else [part.filename, file(bytes(part.content))]


class RedactedRequests:
    """The recorded requests that contain stand-ins, to be matched by clients that send the secrets themselves.

    Used only when no request matches as it is; a cassette without stand-ins costs nothing more.

    Args:
        location: gives the part of a request's URL that has to be equal.
        redact: regular expressions of what else was redacted when the session was recorded.
        keep: what was not redacted then, although it looks secret.
    """

    def __init__(
        self,
        exchanges: Sequence[ParsedExchange],
        location: Callable[[Request], Any],
        *,
        redact: Iterable[str] = (),
        keep: Iterable[str] = (),
    ) -> None:
        self._exchanges = exchanges
        self._location = location
        self._masker_arguments = (tuple(redact), tuple(keep))
        if redact:
            _ = self._masker  # raises now if a pattern is invalid

    def matching(self, request: Request, used: Container[ParsedExchange]) -> list[ParsedExchange]:
        """The unused exchanges whose requests equal this one, except for stand-ins in place of its secrets."""
        unused = [each for each in self._with_stand_ins if each.method == request.method and each not in used]
        masked = self._masker.mask(request) if unused else None
        return (
            []
            if masked is None
            else [each for each in unused if masked.matches(each.recorded.request, self._comparable)]
        )

    def miss(
        self, request: Request, candidates: Sequence[ParsedExchange], used: Container[ParsedExchange], reason: str = ""
    ) -> HarnessFailure:
        """The failure that no recorded exchange answers this request: shows the nearest one, and no secrets."""
        masked = self._masker.mask(request)
        path = masked.label_gaps(below_root(masked.request.path))
        what = f"{request.method} {path} was not recorded like this{reason}."
        if not candidates:
            return HarnessFailure(
                what,
                there_was="The cassette holds no request to this endpoint with these ids.",
                do=SCRIPT_HINT,
            )
        sent = masked.label_gaps(self._lines(masked.request)).splitlines()
        lines = {exchange: self._lines(exchange.recorded.request).splitlines() for exchange in candidates}
        fresh = [exchange for exchange in candidates if exchange not in used]
        nearest = max(fresh or candidates, key=lambda exchange: _similarity(sent, lines[exchange]))
        equal = [
            exchange
            for exchange in candidates
            if lines[exchange] == sent or masked.matches(exchange.recorded.request, self._comparable)
        ]
        if nearest in equal:
            times = "once" if len(equal) == 1 else f"{len(equal)} times"
            there_was = f"It was recorded {times}, and no recording of it is left: the last is {equal[-1]}."
        else:
            changes = difflib.unified_diff(lines[nearest], sent, lineterm="", n=0)
            shown = [line for line in changes if not re.match(r"---|\+\+\+|@@", line)]
            there_was = f"The nearest is {nearest}; it differs (- recorded, + sent):\n" + "\n".join(
                f"    {line}" for line in shown[:20]
            )
        return HarnessFailure(what, there_was=there_was, do=SCRIPT_HINT)

    @cached_property
    def _masker(self) -> Masker:
        from harness.recording.masking import Masker  # noqa: PLC0415 - its tables take longer than most replays

        return Masker(*self._masker_arguments)

    @cached_property
    def _with_stand_ins(self) -> list[ParsedExchange]:
        texts = (
            (each, unquote_to_bytes(each.recorded.request.url), each.recorded.request_body) for each in self._exchanges
        )
        return [each for each, url, body in texts if STAND_INS.search(url) or STAND_INS.search(body)]

    def _comparable(self, request: Request) -> str:
        """A request as one text, equal for equal requests."""
        return json.dumps([self._location(request), normalized(request, lambda content: content.decode("latin-1"))])

    def _lines(self, request: Request) -> str:
        """The same for people, to be compared line by line."""
        return "\n".join(
            json.dumps(part, indent=1, ensure_ascii=False) for part in (self._location(request), normalized(request))
        )


def _similarity(one: list[str], other: list[str]) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
