"""When a request is one that was recorded, although a newer client writes it in another way."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import from_json

from harness.failures import HarnessFailure
from harness.service.params.upload import parts
from harness.service.paths import below_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.recording.session import Seen
    from harness.service.http import Request
    from harness.service.params.upload import Part

OnMiss = Literal["fail", "script"]
# Whether a client polls or streams is no part of what it asks; v1 said `retrieval` for what v2 calls `file_search`.
IGNORED = frozenset({"stream"})
RENAMED = {"retrieval": "file_search"}


def normal(request: Request) -> Any:
    """What a request asks, without what SDK versions write differently: order, nulls, empty values, boundaries.

    >>> from harness.service.http import Request
    >>> normal(Request("POST", "https://h/v1/threads", body=b'{"metadata": null, "messages": []}'))
    {}
    """
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return {part.name: _field(part) for part in parts(request.body, kind)}
    try:
        return _normal(from_json(request.body)) if request.body else {}
    except ValueError:
        return hashlib.sha256(request.body).hexdigest()


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


def _field(part: Part) -> Any:
    """A text as it is, a file by its name and content."""
    return part.text if part.filename is None else [part.filename, hashlib.sha256(part.content).hexdigest()[:16]]


def missed(request: Request, candidates: Sequence[Seen], used: Iterable[Seen], reason: str = "") -> HarnessFailure:
    """No recorded exchange answers this request: the nearest one, and how they differ."""
    path = below_root(request.path)
    what = f"{request.method} {path} was not recorded like this{reason}."
    used_up = set(used)
    fresh = [seen for seen in candidates if seen not in used_up]
    if not candidates:
        return HarnessFailure(
            what,
            there_was="The cassette holds no request to this endpoint with these ids.",
            do='assistants.replay(path, on_miss="script")   # let scripts answer what was not recorded',
        )
    asked = _lines(normal(request))
    nearest = max(fresh or candidates, key=lambda seen: _likeness(asked, _lines(seen.asked)))
    recorded = _lines(nearest.asked)
    if recorded == asked:
        there_was = f"It was recorded {len(candidates)} times, and each of them is used: the last is {nearest}."
    else:
        changes = [
            line
            for line in difflib.unified_diff(recorded, asked, lineterm="", n=0)
            if not re.match(r"---|\+\+\+|@@", line)
        ]
        there_was = f"The nearest is {nearest}; it differs (- recorded, + sent):\n" + "\n".join(
            f"    {line}" for line in changes[:20]
        )
    return HarnessFailure(
        what,
        there_was=there_was,
        do='assistants.replay(path, on_miss="script")   # a changed prompt has no recorded answer',
    )


def _lines(value: Any) -> list[str]:
    return json.dumps(value, indent=1, ensure_ascii=False).splitlines()


def _likeness(one: list[str], other: list[str]) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
