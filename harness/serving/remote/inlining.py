"""Inlines the files that a scenario names, as base64: a server reads no files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.scenarios.contents import LocalFile, encoded, read
from harness.scenarios.places import Place, Source

if TYPE_CHECKING:
    from pathlib import Path

RUN_CODE = "run_code"
FILE_KEYS = ("images", "files")  # of a cell
ARGUMENTS = "arguments"  # of a call: any value of the user's, which is left alone


def with_files_inlined(scenario: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The scenario with the contents of files in place of their paths.

    Raises:
        HarnessFailure: it names a file that cannot be read, or that is outside the scenario's folder.
    """
    place = Place(Source(str(path), path.parent, lines=getattr(scenario, "lines", {})))
    data: dict[str, Any] = {key: _inline_cells(value, place / key) for key, value in scenario.items()}
    if "files" in data:
        given = data["files"]
        data["files"] = (
            [_inline_file(item, place / "files" / index) for index, item in enumerate(given)]
            if isinstance(given, list)
            else _inline_file(given, place / "files")
        )
    return data


def _inline_file(given: Any, place: Place) -> Any:
    """An item of `files`, which may be just a path, with its content inlined."""
    said = {"path": given} if isinstance(given, str) else given
    if not isinstance(said, Mapping) or not isinstance(said.get("path"), str):
        return given
    product = read(said["path"], place / "path")
    others = {key: value for key, value in said.items() if key != "path"}
    return {"filename": product.name, "content": {"base64": encoded(product.content)}, **others}


def _inline_cells(given: Any, place: Place) -> Any:
    """A value with the files of all cells in it inlined."""
    if isinstance(given, list):
        return [_inline_cells(item, place / index) for index, item in enumerate(given)]
    if not isinstance(given, Mapping):
        return given
    if RUN_CODE in given:
        return {
            key: _inline_files_of_cell(value, place / key) if key in FILE_KEYS else value
            for key, value in given.items()
        }
    return {key: value if key == ARGUMENTS else _inline_cells(value, place / key) for key, value in given.items()}


def _inline_files_of_cell(given: Any, place: Place) -> Any:
    """The images of a cell, a list, or its files, by name, with their contents inlined."""
    if isinstance(given, list):
        return [_inline_content(item, place / index, named=True) for index, item in enumerate(given)]
    if isinstance(given, Mapping):
        return {name: _inline_content(item, place / name, named=False) for name, item in given.items()}
    return given


def _inline_content(given: Any, place: Place, *, named: bool) -> Any:
    if (
        not isinstance(given, Mapping)
        or set(given) != set(LocalFile.model_fields)
        or not isinstance(given["path"], str)
    ):
        return given
    product = read(given["path"], place / "path")
    return {"base64": encoded(product.content), **({"name": product.name} if named else {})}
