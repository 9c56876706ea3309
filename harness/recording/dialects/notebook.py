"""Documents with printed objects of the API: Jupyter notebooks, and texts of any form.

The origin of an exchange is the cell or line of its object; of an exchange that was not printed, `inferred from` it.
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any

from harness.recording.dialects import inferred
from harness.recording.dialects.body_bytes import response_json_bytes
from harness.recording.dialects.common import Unusable, build_exchange
from harness.recording.dialects.inferred import DocumentObject
from harness.recording.dialects.printed import objects
from harness.recording.dialects.unsupported import unsupported_format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.recording.dialects.common import Place
    from harness.recording.exchanges import RecordedExchange

# A broken cassette or notebook is not read as a text: only some of its bodies would be found.
BROKEN = re.compile(
    r"^[\s{-]*[\"']?(?:interactions|http_interactions|recorded_with|Entries|entries|RequestUri|response_body|nbformat|cells)"
    r"[\"']?\s*:",
    re.MULTILINE,
)
RETRIEVAL = re.compile(r"\.(?:retrieve|list)\(")
CREATION = {
    "assistant": re.compile(r"assistants\.create"),
    "thread": re.compile(r"threads\.create"),
    "thread.message": re.compile(r"messages\.create|threads\.create"),
    "thread.run": re.compile(r"runs\.(?:create|stream)|create_and_run"),
}


def rows(data: Any) -> list[Any] | None:
    """The exchanges that a notebook or a text implies; None for a text without objects, or in a known other format."""
    if isinstance(data, str):
        other = unsupported_format(data)
        if BROKEN.search(data) or (other and other.is_recording):
            return None
        shown = [DocumentObject(value, f"line {n}", why) for n, value, why in objects(data)]
        return inferred.rows(shown) if any(item.value for item in shown) else None
    if isinstance(data, dict) and "nbformat" in data:
        return inferred.rows(_shown_by(data)) or [Unusable("no output of this notebook shows an object of the API")]
    return None


def exchange(row: Any, place: Place) -> RecordedExchange:
    if isinstance(row, Unusable):
        raise row
    headers = {"content-type": "application/json"}
    origin = f"inferred from {place.path}: {row.where}" if row.inferred else f"{place.path}: {row.where}"
    return build_exchange(origin, row.request, (200, headers, response_json_bytes(row.body, headers)), row.at)


def _shown_by(notebook: dict[str, Any]) -> Iterator[DocumentObject]:
    """The objects in the outputs of a notebook of format 3 or 4; cells are counted from 1."""
    sheets = notebook.get("worksheets") or [notebook]
    cells = [cell for sheet in sheets for cell in sheet.get("cells", ())]
    not_created = set(CREATION)
    for number, cell in enumerate(cells, 1):
        source = _joined(cell.get("source") or cell.get("input") or "")
        not_created -= {kind for kind in not_created if CREATION[kind].search(source)}
        older = frozenset(not_created) if RETRIEVAL.search(source) else frozenset[str]()
        for output in _outputs(cell.get("outputs") or ()):
            yield from (DocumentObject(value, f"cell {number}", why, older) for _, value, why in objects(output))


def _outputs(outputs: Any) -> Iterator[str]:
    """The outputs of a cell as texts, with consecutive stream outputs joined; errors have no text."""
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
