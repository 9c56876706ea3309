"""A scenario file on its way to a server, which reads no files: those that it names go along, as base64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.scenarios.contents import InFolder, encoded, read
from harness.scenarios.places import Place, Source

if TYPE_CHECKING:
    from pathlib import Path

CELL = "run_code"
HOLDERS = ("images", "files")  # where a cell names files
NO_ACTS = "arguments"  # of a call: what stands there is the user's own


def enclosed(scenario: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The same scenario, without paths.

    Raises:
        HarnessFailure: it names a file that cannot be read, or that lies outside its folder.
    """
    place = Place(Source(str(path), path.parent, lines=getattr(scenario, "lines", {})))
    data: dict[str, Any] = {key: _cells(value, place / key) for key, value in scenario.items()}
    if "files" in data:
        given = data["files"]
        data["files"] = (
            [_file(item, place / "files" / index) for index, item in enumerate(given)]
            if isinstance(given, list)
            else _file(given, place / "files")
        )
    return data


def _file(given: Any, place: Place) -> Any:
    """A file that is there, which its path alone may stand for."""
    said = {"path": given} if isinstance(given, str) else given
    if not isinstance(said, Mapping) or not isinstance(said.get("path"), str):
        return given
    held = read(said["path"], place / "path")
    others = {key: value for key, value in said.items() if key != "path"}
    return {"filename": held.name, "content": {"base64": encoded(held.content)}, **others}


def _cells(given: Any, place: Place) -> Any:
    """Whatever it is, with the files of the cells in it."""
    if isinstance(given, list):
        return [_cells(item, place / index) for index, item in enumerate(given)]
    if not isinstance(given, Mapping):
        return given
    if CELL in given:
        return {key: _held(value, place / key) if key in HOLDERS else value for key, value in given.items()}
    return {key: value if key == NO_ACTS else _cells(value, place / key) for key, value in given.items()}


def _held(given: Any, place: Place) -> Any:
    """The files of a cell: a list of images, or files by name."""
    if isinstance(given, list):
        return [_content(item, place / index, named=True) for index, item in enumerate(given)]
    if isinstance(given, Mapping):
        return {name: _content(item, place / name, named=False) for name, item in given.items()}
    return given


def _content(given: Any, place: Place, *, named: bool) -> Any:
    if not isinstance(given, Mapping) or set(given) != set(InFolder.model_fields) or not isinstance(given["path"], str):
        return given
    held = read(given["path"], place / "path")
    return {"base64": encoded(held.content), **({"name": held.name} if named else {})}
