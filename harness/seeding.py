"""What is checked of objects that exist when a test starts: that there is something to add, and that it is new."""

from __future__ import annotations

import difflib
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure
from harness.service.records import Assistant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.service.store import R, Table

FIELDS = [field.name for field in fields(Assistant) if field.name not in ("id", "created_at", "model")]


def check_fields(given: Mapping[str, object]) -> None:
    """Raises HarnessFailure for a field that an assistant does not have, with the nearest that it has."""
    for name, value in given.items():
        if name not in FIELDS:
            nearest = difflib.get_close_matches(name, FIELDS, n=1)
            raise HarnessFailure(
                f"add_assistant(…): an assistant has no field {name!r}.",
                there_was=f"It has {', '.join(FIELDS)}.",
                do=f"assistants.add_assistant({f'{nearest[0]}={value!r}' if nearest else ''})",
            )


def content_of(path: str | Path | None, content: bytes | None, filename: str | None) -> tuple[str, bytes]:
    """The name and the bytes of a file, from its path, or from what was given in place of either.

    Raises:
        HarnessFailure: neither a path nor bytes are given.
    """
    if path is None and content is None:
        raise HarnessFailure(
            "add_file(…) needs something to add.",
            do='assistants.add_file("data.csv")   # or add_file(content=b"…", filename="data.csv")',
        )
    data = Path(path).read_bytes() if content is None and path is not None else content or b""
    return filename or (Path(path).name if path is not None else "file.bin"), data


def added(table: Table[R], record: R, method: str) -> R:
    """The record, now in its table.

    Raises:
        HarnessFailure: there is one with its id.
    """
    if record.id in table:
        raise HarnessFailure(
            f"{method}(…): the id {record.id!r} is taken.",
            do=f"assistants.{method}(id=…)   # another one; or none, and one is made",
        )
    return table.add(record)
