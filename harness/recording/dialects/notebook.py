"""Documents that show objects of the API: Jupyter notebooks, and texts of any form.

The origin of an exchange is the cell or line where its object stands, and `inferred from` it where nobody printed that.
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any

from harness.recording.dialects import inferred
from harness.recording.dialects.inferred import Shown
from harness.recording.dialects.parts import Unusable, recorded
from harness.recording.dialects.printed import objects
from harness.recording.dialects.texts import json_got
from harness.recording.dialects.unsupported import unsupported_format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.recording.dialects.parts import Place
    from harness.recording.exchanges import RecordedExchange

# A cassette or a notebook that is broken is not read as a text, or only some of its bodies would be found.
BROKEN = re.compile(
    r"^[\s{-]*[\"']?(?:interactions|http_interactions|recorded_with|Entries|entries|RequestUri|response_body|nbformat|cells)"
    r"[\"']?\s*:",
    re.MULTILINE,
)
RETRIEVES = re.compile(r"\.(?:retrieve|list)\(")
MAKES = {
    "assistant": re.compile(r"assistants\.create"),
    "thread": re.compile(r"threads\.create"),
    "thread.message": re.compile(r"messages\.create|threads\.create"),
    "thread.run": re.compile(r"runs\.(?:create|stream)|create_and_run"),
}


def rows(data: Any) -> list[Any] | None:
    """What a notebook, a text, or one or more objects imply; None for a text in which no object stands."""
    if isinstance(data, str):
        other = unsupported_format(data)
        if BROKEN.search(data) or (other and other.is_recording):
            return None
        shown = [Shown(value, f"line {n}", why) for n, value, why in objects(data)]
        return inferred.rows(shown) if any(item.value for item in shown) else None
    if isinstance(data, dict) and "nbformat" in data:
        return inferred.rows(_shown_by(data)) or [Unusable("no output of this notebook shows an object of the API")]
    return None


def exchange(row: Any, place: Place) -> RecordedExchange:
    if isinstance(row, Unusable):
        raise row
    headers = {"content-type": "application/json"}
    origin = f"inferred from {place.path}: {row.where}" if row.inferred else f"{place.path}: {row.where}"
    return recorded(origin, row.request, (200, headers, json_got(row.body, headers)), row.at)


def _shown_by(notebook: dict[str, Any]) -> Iterator[Shown]:
    """What the outputs of the cells show, those of version 3 of the format too; cells are counted from 1."""
    sheets = notebook.get("worksheets") or [notebook]
    cells = [cell for sheet in sheets for cell in sheet.get("cells", ())]
    not_made = set(MAKES)
    for number, cell in enumerate(cells, 1):
        source = _joined(cell.get("source") or cell.get("input") or "")
        not_made -= {kind for kind in not_made if MAKES[kind].search(source)}
        older = frozenset(not_made) if RETRIEVES.search(source) else frozenset[str]()
        for output in _outputs(cell.get("outputs") or ()):
            yield from (Shown(value, f"cell {number}", why, older) for _, value, why in objects(output))


def _outputs(outputs: Any) -> Iterator[str]:
    """As texts. What a cell prints in one go may lie in several outputs, and what failed shows nothing."""
    for is_stream, some in groupby(outputs, key=lambda output: output.get("output_type") == "stream"):
        if is_stream:
            yield "".join(_joined(output.get("text", "")) for output in some)
            continue
        for output in some:
            data = output.get("data") or output
            if "application/json" in data:
                yield json.dumps(data["application/json"])
            else:
                yield _joined(data.get("text/plain") or data.get("text") or "")


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
