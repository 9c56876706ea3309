"""The text of a file, by the extension of its name, as file search reads it (CONTRACT §8).

Whatever the bytes are, the result is a text or `Unreadable`; a library that is missing here is a `HarnessFailure`.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Literal

from harness.failures import HarnessFailure
from harness.service.searching import chunks, office

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.records import File

# Files that are text, in utf-8, utf-16 or ascii. Neither csv nor xlsx nor images are searched (CONTRACT §8).
PLAIN_TEXT = ("c", "cpp", "cs", "css", "go", "java", "js", "json", "md", "php", "py", "rb", "sh", "tex", "ts", "txt")
MAX_TOKENS = 5_000_000  # of one file (CONTRACT §8; other sources say two million)
_BINARY_SIGNATURES = (b"%PDF-", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\xd0\xcf\x11\xe0")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Unreadable(Exception):  # noqa: N818 - it says what the file is
    """The service would not index this file; `code` and `message` are those of its `last_error`.

    For an unsupported type and a file that is too large: openai/openai-openapi#300; for one that could not be parsed:
    openai/openai-node#1496, without the reason that is given here (G).
    """

    def __init__(
        self,
        code: Literal["unsupported_file", "invalid_file"] = "unsupported_file",
        message: str = "The file type is not supported.",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def extension(filename: str) -> str:
    """The part of a name behind its last dot, in its own case; empty if there is no dot.

    >>> extension("notes.v2.md"), extension("README")
    ('md', '')
    """
    return filename.rpartition(".")[2] if "." in filename else ""


def is_supported(filename: str) -> bool:
    """Whether file search accepts files of this name. An extension in capitals is refused (CONTRACT §7.1).

    >>> is_supported("a.pdf"), is_supported("a.PDF"), is_supported("a.csv")
    (True, False, False)
    """
    return extension(filename) in _READERS


def indexing_error(file: File) -> Unreadable | None:
    """Why the service would not index a file; None if it would, or if the library that reads it is missing here.

    A missing library is no error yet, because a file that is attached and never searched does not need it.
    """
    try:
        text_of(file)
    except Unreadable as unreadable:
        return unreadable
    except HarnessFailure:
        return None
    return None


def text_of(file: File) -> str:
    """The text of a file; empty if only its id is known.

    Raises:
        Unreadable: its type is not supported, or its bytes are of another type, or too many.
        HarnessFailure: the library that reads this type is not installed, or there is none (`.doc`).
    """
    return extract(file.filename, bytes(file.content)) if file.content_known else ""


def extract(filename: str, content: bytes) -> str:
    """The text of these bytes under this name; see `text_of`.

    >>> extract("page.html", b"<h1>Tea</h1><script>steep()</script><p>3&nbsp;minutes</p>").split()
    ['Tea', '3', 'minutes']

    Raises:
        Unreadable, HarnessFailure: as `text_of`.
    """
    reader = _READERS.get(extension(filename))
    if reader is None:
        raise Unreadable
    if not content:
        raise Unreadable("invalid_file", "The file could not be parsed because it is empty.")
    try:
        text = reader(content)
    except office.CorruptFile as corrupt:
        raise Unreadable("invalid_file", f"The file could not be parsed: {corrupt}.") from corrupt
    if chunks.is_longer(text, MAX_TOKENS):
        raise Unreadable("invalid_file", "The file could not be parsed because it is too large.")
    return text


def _decode(content: bytes) -> str:
    """Decode text. Other bytes are of an unsupported type, whatever the file's name (openai/openai-python#2439)."""
    if content.startswith(_BINARY_SIGNATURES):
        raise Unreadable
    encoding = next((name for bom, name in _BOMS if content.startswith(bom)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable from error
    if "\0" in text:
        raise Unreadable
    return text


def _html(content: bytes) -> str:
    from harness.service.searching import webpages  # noqa: PLC0415 - takes milliseconds, and few stores hold any

    return webpages.text_of(_decode(content))


def _old_word(content: bytes) -> str:
    raise HarnessFailure(
        "A .doc file cannot be searched here: the service reads Word's old format, the fake does not.",
        do="Save it as .docx and upload that.",
    )


_READERS: dict[str, Callable[[bytes], str]] = {
    **dict.fromkeys(PLAIN_TEXT, _decode),
    "html": _html,
    "doc": _old_word,
    "pdf": office.pdf,
    "docx": office.docx,
    "pptx": office.pptx,
}
