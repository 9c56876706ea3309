"""The text of PDF, Word and PowerPoint files, by the libraries of the extra `files`, within limits.

Whatever a library raises for corrupt bytes becomes a `CorruptFile`.
"""

from __future__ import annotations

import io
from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MEGABYTE = 1 << 20
MAX_PARTS = 10_000  # files in an archive
MAX_XML = 16 * MEGABYTE  # unpacked; a tree of it takes several times as much
MAX_MEDIA = 128 * MEGABYTE  # unpacked
MAX_PAGE = 4 * MEGABYTE  # drawing instructions of one page
MAX_TEXT = 64 * MEGABYTE  # characters


class CorruptFile(Exception):  # noqa: N818 - it says what the file is
    """The bytes are not of the type that the file's name says, or unpack to too much."""


def pdf(content: bytes) -> str:
    return _read("pypdf", "pdf", _pages, content)


def docx(content: bytes) -> str:
    _check_unpacked_size(content, "docx")
    return _read("docx", "docx", _blocks, content)


def pptx(content: bytes) -> str:
    _check_unpacked_size(content, "pptx")
    return _read("pptx", "pptx", _slides, content)


def _read(library: str, kind: str, texts: Callable[[Any, io.BytesIO], Iterable[str]], content: bytes) -> str:
    try:
        module = import_module(library)
    except ImportError as error:
        raise HarnessFailure(
            f"Searching a .{kind} file needs the library {library}, which is not installed.",
            do='pip install "pytest-assistants[files]"',
        ) from error
    found: list[str] = []
    size = 0
    try:
        for text in texts(module, io.BytesIO(content)):
            found.append(text)
            size += len(text)
            if size > MAX_TEXT:
                raise CorruptFile("it holds too much text")
    except CorruptFile:
        raise
    except Exception as error:  # a library may raise anything at broken bytes
        raise CorruptFile(f"it is no valid .{kind} file") from error
    return "\n".join(found)


def _check_unpacked_size(content: bytes, kind: str) -> None:
    """Check the unpacked sizes that an archive declares; no more than those is ever read from it."""
    import zipfile  # noqa: PLC0415 - takes milliseconds, and few stores hold any

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except Exception as error:  # zipfile lets errors of struct and others through
        raise CorruptFile(f"it is no valid .{kind} file") from error
    xml = sum(part.file_size for part in parts if part.filename.endswith((".xml", ".rels")))
    if len(parts) > MAX_PARTS or xml > MAX_XML or sum(part.file_size for part in parts) > MAX_MEDIA:
        raise CorruptFile("it unpacks to too much")


def _pages(pypdf: Any, file: io.BytesIO) -> Iterator[str]:
    for page in pypdf.PdfReader(file).pages:
        contents = page.get("/Contents")
        contents = contents.get_object() if contents is not None else []
        streams = contents if isinstance(contents, list) else [contents]
        if sum(len(stream.get_object().get_data()) for stream in streams) > MAX_PAGE:
            raise CorruptFile("a page unpacks to too much")
        yield page.extract_text()


def _blocks(python_docx: Any, file: io.BytesIO) -> Iterator[str]:
    return _paragraphs(python_docx.Document(file))


def _paragraphs(container: Any) -> Iterator[str]:
    """The texts of paragraphs and tables in page order; a cell may contain another table."""
    for block in container.iter_inner_content():
        if hasattr(block, "rows"):
            yield from ("\t".join("\n".join(_paragraphs(cell)) for cell in row.cells) for row in block.rows)
        else:
            yield block.text


def _slides(python_pptx: Any, file: io.BytesIO) -> Iterator[str]:
    for slide in python_pptx.Presentation(file).slides:
        yield from _shapes(slide.shapes)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            yield slide.notes_slide.notes_text_frame.text


def _shapes(shapes: Any) -> Iterator[str]:
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        elif shape.has_text_frame:
            yield shape.text_frame.text
        elif getattr(shape, "has_table", False):
            yield from ("\t".join(cell.text for cell in row.cells) for row in shape.table.rows)
