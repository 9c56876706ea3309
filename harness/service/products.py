"""The files and drawings that a cell of the code interpreter makes."""

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
WRITTEN = 'run_code("…", files={"mean.csv": b"month,mean\\n"})'


@dataclass(frozen=True)
class Product:
    """A file that a cell wrote, with its name below `/mnt/data`; without a name, a drawing."""

    name: str | None
    content: bytes = field(repr=False)


def checked_files(files: Mapping[str, Any] | None) -> tuple[Product, ...]:
    """The argument `files` of `run_code`: for each name bytes, text, or a product, such as scripts make of a path."""
    return tuple(Product(_checked_name(name), _content(given)) for name, given in (files or {}).items())


def checked_images(images: Iterable[Any]) -> tuple[str | Product, ...]:
    """The argument `images` of `run_code`: a text that ends in `.png` is a name and gets an image, others are ids."""
    return tuple(_drawing(given) for given in images)


def _drawing(given: Any) -> str | Product:
    if isinstance(given, str):
        return Product(_checked_name(given), PIXEL) if given.lower().endswith(".png") else given
    if isinstance(given, bytes):
        return Product(None, given)
    if isinstance(given, Product):
        return Product(_checked_name(given.name or ""), given.content)
    return file_id(given)


def _content(given: Any) -> bytes:
    if isinstance(given, Product):
        return given.content
    if isinstance(given, str):
        return given.encode()
    if not isinstance(given, bytes):
        raise unreadable(given, "it has no content")
    return given


def unreadable(given: object, why: object) -> HarnessFailure:
    """The failure for a value that is not the content of a file."""
    return HarnessFailure(
        f"run_code(…) cannot read {given!r}: {why}",
        do=f"{WRITTEN}   # bytes, text, or a pathlib.Path",
    )


def _checked_name(name: str) -> str:
    parts = name.split("/")
    if not name.isprintable() or "\\" in name or any(part in ("", ".", "..") for part in parts):
        raise HarnessFailure(
            f"run_code(…) cannot make a file called {name!r}.",
            there_was="The name is a path below /mnt/data: mean.csv, or plots/mean.png.",
            do=WRITTEN,
        )
    return name


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# One grey pixel: the smallest image.
PIXEL = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\x80"))
    + _chunk(b"IEND", b"")
)
