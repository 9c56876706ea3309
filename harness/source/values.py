"""Python values and calls as source, formatted as `ruff format` would."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 88
# a name that is no attribute of another
NAME = re.compile(r"(?<![.\w])[^\W\d]\w*")
_WORD = re.compile(r"[^ \n]*(?: +|\n+|$)")
_WORD_OF_BYTES = re.compile(_WORD.pattern.encode())
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Code(str):
    """An expression, to be copied into the source as it is."""

    __slots__ = ()


@dataclass(frozen=True)
class Call:
    """A call of the function that is written as `function`."""

    function: str
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)


def to_source(value: Any) -> str:
    """The source of a value, on one line.

    >>> to_source(Call("say", ("It's 4 °C",), {"images": [Code("file.id")]}))
    'say("It\\'s 4 °C", images=[file.id])'
    """
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, str | bytes):
        return literal(value)
    if isinstance(value, float) and not abs(value) < float("inf"):
        return f'float("{value}")'
    if not isinstance(value, Call | dict | list | tuple):
        return repr(value)
    opening, items, closing = _parts(value)
    comma = "," if isinstance(value, tuple) and len(items) == 1 else ""
    return opening + ", ".join(label + to_source(item) for label, item in items) + comma + closing


def layout(value: Any, *, before: str = "", after: str = "", indent: int = 0) -> Iterator[str]:
    """The lines of a value's source, between `before` and `after`: one if it fits, else one for each item.

    A text that needs more than a line is split after line ends and words.

    >>> print("\\n".join(layout([1, "two " * 20], before="x = ")))
    x = [
        1,
        "two two two two two two two two two two two two two two two two two two two two ",
    ]
    """
    room = WIDTH - indent
    if width(line := before + to_source(value) + after) <= room or not _has_items(value):
        yield " " * indent + line
        return
    opening, items, closing = _parts(value)
    yield " " * indent + before + opening
    for label, item in items:
        pieces = cut(item, room - 8) if isinstance(item, str | bytes) and not isinstance(item, Code) else []
        on_one_line = width(label + to_source(item)) < room - 4 or width(to_source(item)) <= room - 8
        if len(pieces) < 2 or on_one_line:
            yield from layout(item, before=label, after=",", indent=indent + 4)
        elif isinstance(value, Call) and len(items) == 1 and not label:
            pieces = cut(item, room - 5)
            ends = [""] * (len(pieces) - 1) + [","]
            yield from (" " * (indent + 4) + literal(piece) + end for piece, end in zip(pieces, ends, strict=True))
        else:
            yield f"{' ' * (indent + 4)}{label}("
            yield from (" " * (indent + 8) + literal(piece) for piece in pieces)
            yield f"{' ' * (indent + 4)}),"
    yield " " * indent + closing + after


def names(value: Any) -> set[str]:
    """The names that the source of a value reads."""
    if isinstance(value, Code):
        return set() if value.endswith('"') else set(NAME.findall(value))
    if not isinstance(value, Call | dict | list | tuple):
        return set()
    _, items, _ = _parts(value)
    called = {value.function.partition(".")[0]} if isinstance(value, Call) else set()
    return called.union(*(names(item) for _, item in items))


def literal(text: str | bytes) -> str:
    """The literal of a text or bytes, with the quotes that need fewer escapes.

    >>> literal('She said "yes"'), literal(b"1,2\\n")
    ('\\'She said "yes"\\'', 'b"1,2\\\\n"')
    """
    plain, prefix = (text, "") if isinstance(text, str) else (text.decode("latin-1"), "b")
    quote = "'" if plain.count('"') > plain.count("'") else '"'
    escapes = {**_ESCAPES, quote: "\\" + quote}
    # in literals of bytes, only ASCII is allowed
    is_verbatim = str.isprintable if isinstance(text, str) else lambda char: char.isascii() and char.isprintable()
    return (
        prefix
        + quote
        + "".join(escapes.get(char) or (char if is_verbatim(char) else _code(char)) for char in plain)
        + quote
    )


def _code(char: str) -> str:
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def cut(text: str | bytes, room: int) -> list[Any]:
    """A text in pieces whose literals fit into `room`, if possible split after line ends and spaces."""
    words: list[Any] = _WORD.findall(text) if isinstance(text, str) else _WORD_OF_BYTES.findall(text)
    pieces: list[Any] = [text[:0]]
    for word in words:
        for part in _fitting(word, room):
            if pieces[-1][-1:] in ("\n", b"\n") or width(literal(pieces[-1] + part)) > room:
                pieces.append(part)
            else:
                pieces[-1] += part
    return [piece for piece in pieces if piece]


def _fitting(word: Any, room: int) -> Iterator[Any]:
    """A word, halved until the pieces fit."""
    if width(literal(word)) <= room or len(word) < 2:
        yield word
    else:
        yield from _fitting(word[: len(word) // 2], room)
        yield from _fitting(word[len(word) // 2 :], room)


def width(text: str) -> int:
    """The width of a text in columns, as `ruff format` counts them."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(char) in ("Mn", "Me", "Cf") else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def _has_items(value: Any) -> bool:
    return isinstance(value, Call | dict | list | tuple) and bool(_parts(value)[1])


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]], str]:
    """The opening of a value's source, its items each with its label, and the closing."""
    if isinstance(value, Call):
        given = [("", item) for item in value.arguments]
        return f"{value.function}(", given + [(f"{name}=", item) for name, item in value.keywords.items()], ")"
    if isinstance(value, dict):
        return "{", [(f"{to_source(key)}: ", item) for key, item in value.items()], "}"
    opening, closing = "()" if isinstance(value, tuple) else "[]"
    return opening, [("", item) for item in value], closing
