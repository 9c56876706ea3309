"""Checks of the texts in acts: their pieces, and the marks in them that stand for files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.service.records import File

_SURROGATE = re.compile("[\ud800-\udfff]")


def check_text(text: object, pieces: Iterable[str] | None, act: str) -> tuple[str, tuple[str, ...] | None]:
    """The text of an act, and the pieces that a stream cuts it into, if the user chose them.

    Raises:
        HarnessFailure: one of them is not a text, the pieces do not add up to the text, or it is not valid Unicode.
    """
    chosen = None if pieces is None else tuple(pieces)
    given = (text,) if chosen is None else chosen
    wrong = next((value for value in given if not isinstance(value, str)), None)
    if wrong is not None or given == (None,):
        raise HarnessFailure(
            f"{act}(…) takes a text, and was given {wrong!r}.",
            do=f"{act}(str(value))   # or json.dumps(value)",
        )
    joined = "".join(str(value) for value in given)
    if chosen is not None and text is not None and text != joined:
        raise HarnessFailure(
            f"{act}(…): the pieces do not add up to the text.",
            there_was=f"The text:   {text!r}\nThe pieces: {joined!r}",
            do="Leave the text out: the pieces make it.",
        )
    if (half := _SURROGATE.search(joined)) is not None:
        raise HarnessFailure(
            f"{act}(…) cannot send {half[0]!r}: half of a surrogate pair is not a character.",
            do="Cut between characters; a character may be separated from its combining marks.",
        )
    return joined, chosen


def file_id(file: File | str) -> str:
    """The id of a file that a message shows.

    Raises:
        HarnessFailure: `file` is a file name, by which no client could download it.
    """
    if not isinstance(file, str):
        return file.id
    if "." in file:  # no id has a dot
        raise HarnessFailure(
            f"{file!r} is the name of a file, and a message shows files by their ids.",
            do=f"assistants.add_file({file!r})   # give this instead\n"
            f'say("sandbox:/mnt/data/{file.rpartition("/")[2]}")   # this is enough if a cell of the run wrote it',
        )
    return file


def annotations_for(text: str, kind: str, mark: str, file: File | str) -> list[dict[str, Any]]:
    """One annotation for each occurrence of the mark; offsets count characters."""
    found: list[dict[str, Any]] = []
    start = text.find(mark) if mark else -1
    while start >= 0:
        end = start + len(mark)
        found.append(
            {"type": kind, "text": mark, "start_index": start, "end_index": end, kind: {"file_id": file_id(file)}}
        )
        start = text.find(mark, end)
    if not found:
        raise HarnessFailure(
            f"say(…): the mark {mark!r} is not in the text.",
            there_was=f"The text: {text!r}",
            do=f'say("… {mark or "【4:0†name.txt】"}", …)   # the mark is part of what the message says',
        )
    return found
