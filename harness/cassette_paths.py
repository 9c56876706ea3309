"""File names for tests, and the default cassette of a test. Imported at plugin start, so kept light."""

from __future__ import annotations

import os
import re
from hashlib import sha256
from typing import TYPE_CHECKING
from unicodedata import normalize

if TYPE_CHECKING:
    from pathlib import Path

UNSAFE = re.compile(r"[^\w.,=+@ ()\[\]-]")
# device names of Windows, with any extension
RESERVED = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[1-9¹²³]) *(?:\.|\Z)", re.IGNORECASE)
MAX_CHARACTERS = 80
MAX_BYTES = 200  # most file systems take 255, and temporary files have longer names


def default_path(module: Path, test: str, root: Path, folder: Path) -> Path:
    """The cassette of a test that names none: beside its module if pytest-recording put one there, else in `folder`.

    >>> from pathlib import Path
    >>> default_path(Path("/no/tests/test_app.py"), "test_it", Path("/no"), Path("/no/cassettes")).as_posix()
    '/no/cassettes/tests/test_app/test_it.yaml'
    """
    stem = module.with_suffix("")
    beside = cassette_path(module.parent / "cassettes" / stem.name, test)
    if os.path.exists(beside):
        return beside
    return cassette_path(folder / (stem.relative_to(root) if stem.is_relative_to(root) else stem.name), test)


def cassette_path(folder: Path, test: str) -> Path:
    """The path of a test's cassette in a folder, whether it exists or is to be created.

    An existing one is found under the names of earlier versions, too, which could be longer or reserved by Windows. The
    name of a new one differs from all others in more than case, which some file systems ignore.
    """
    plain = _plain(test, MAX_CHARACTERS)
    hashed = _hashed(plain, test)
    earlier = plain if plain == test else f"{plain}-{_hash(test)}"
    for name in (earlier, hashed):
        if _is_there(folder, f"{name}.yaml"):
            return folder / f"{name}.yaml"
    new = file_name(test)
    if folded(new) in map(folded, _names_in(folder)):
        new = f"{hashed}.yaml"
    return folder / new


def file_name(name: str, suffix: str = ".yaml", max_characters: int = MAX_CHARACTERS) -> str:
    """A name that is valid on every file system; if it had to be changed, with a hash that keeps it distinct.

    >>> file_name("test_it[a-1]"), file_name("test_it[a/b]"), file_name("con")
    ('test_it[a-1].yaml', 'test_it[a-b]-306b0382.yaml', 'con-1143da2b.yaml')
    """
    plain = _plain(name, max_characters)
    fits = plain == name and len(plain.encode()) <= MAX_BYTES and not RESERVED.match(plain)
    return (plain if fits else _hashed(plain, name)) + suffix


def folded(name: str) -> str:
    """A key that is equal for names which some file systems treat as the same."""
    return normalize("NFC", name).casefold()


def _plain(name: str, max_characters: int) -> str:
    return UNSAFE.sub("-", name)[:max_characters]


def _hashed(plain: str, name: str) -> str:
    return f"{plain.encode()[:MAX_BYTES].decode(errors='ignore')}-{_hash(name)}"


def _hash(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:8]


def _is_there(folder: Path, name: str) -> bool:
    """Whether there is a file of exactly this name, also on file systems that ignore case."""
    if not os.path.exists(folder / name):
        return False
    if not os.path.exists(folder / name.replace(".yaml", ".YAML")):
        return True  # the file system is case-sensitive
    return normalize("NFC", name) in (normalize("NFC", other) for other in _names_in(folder))


def _names_in(folder: Path) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []
