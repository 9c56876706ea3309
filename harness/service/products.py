"""What a cell of the code interpreter makes: files under `/mnt/data`, and drawings."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure
from harness.service.texts import file_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER = "/mnt/data/"
LINK = f"sandbox:{FOLDER}"


@dataclass(frozen=True)
class Product:
    """A file that a cell wrote, by its name below `/mnt/data`; without a name, a drawing that it showed."""

    name: str | None
    content: bytes = field(repr=False)


def written(files: Mapping[str, Any] | None) -> tuple[Product, ...]:
    """Files as a user gives them: by name, each with bytes, text, or what was read from a path."""
    return tuple(Product(_checked(name), _content(given)) for name, given in (files or {}).items())


def drawn(images: Iterable[Any]) -> tuple[str | Product, ...]:
    """Images as a user gives them; a text that ends in `.png` is a name, for which a picture is made, else an id."""
    return tuple(_drawing(given) for given in images)


def _drawing(given: Any) -> str | Product:
    if isinstance(given, str):
        return Product(_checked(given), PIXEL) if given.lower().endswith(".png") else given
    if isinstance(given, bytes):
        return Product(None, given)
    if isinstance(given, Product):
        return Product(_checked(given.name or ""), given.content)
    return file_id(given)


def _content(given: Any) -> bytes:
    if isinstance(given, Product):
        return given.content
    if isinstance(given, str):
        return given.encode()
    if not isinstance(given, bytes):
        raise unreadable(given, "there are no bytes in it")
    return given


def unreadable(given: object, why: object) -> HarnessFailure:
    """Something has no bytes for a file."""
    return HarnessFailure(
        f"run_code(…) cannot read {given!r}: {why}",
        do='run_code("…", files={"mean.csv": b"month,mean\\n"})   # bytes, text, or a pathlib.Path',
    )


def _checked(name: str) -> str:
    parts = name.split("/")
    if not name.isprintable() or "\\" in name or any(part in ("", ".", "..") for part in parts):
        raise HarnessFailure(
            f"run_code(…) cannot make a file called {name!r}.",
            there_was="The name is a place below /mnt/data: mean.csv, or plots/mean.png.",
            do='run_code("…", files={"mean.csv": b"month,mean\\n"})',
        )
    return name


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# One grey pixel: the smallest picture that is one.
PIXEL = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\x80"))
    + _chunk(b"IEND", b"")
)
