"""Files named like tests: where a cassette is looked for when nobody says. Imported at plugin start, so kept light."""

from __future__ import annotations

import os
import re
from hashlib import sha256
from typing import TYPE_CHECKING
from unicodedata import normalize

if TYPE_CHECKING:
    from pathlib import Path

NO_NAME = re.compile(r"[^\w.,=+@ ()\[\]-]")
# what Windows takes for a device, whatever comes behind the first dot
RESERVED = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[1-9¹²³]) *(?:\.|\Z)", re.IGNORECASE)
LONGEST = 80  # characters
LARGEST = 200  # bytes: most file systems take 255, and beside a file lie others with longer names while it is written


def default_path(module: Path, test: str, root: Path, folder: Path) -> Path:
    """Below the module's own folder, where pytest-recording keeps it, if it is there; else below that of cassettes.

    >>> from pathlib import Path
    >>> default_path(Path("/no/tests/test_app.py"), "test_it", Path("/no"), Path("/no/cassettes")).as_posix()
    '/no/cassettes/tests/test_app/test_it.yaml'
    """
    stem = module.with_suffix("")
    beside = path_in(module.parent / "cassettes" / stem.name, test)
    if os.path.exists(beside):
        return beside
    return path_in(folder / (stem.relative_to(root) if stem.is_relative_to(root) else stem.name), test)


def path_in(folder: Path, test: str) -> Path:
    """The cassette of a test: the one that is there, else the one to be made.

    One that is there is found under the names of earlier versions, too: they took more bytes, and what Windows
    reserves. One that is to be made differs from all others in more than capitals, which not all file systems tell
    apart.
    """
    plain = _plain(test, LONGEST)
    hashed = _hashed(plain, test)
    earlier = plain if plain == test else f"{plain}-{_hash(test)}"
    for name in (earlier, hashed):
        if _is_there(folder, f"{name}.yaml"):
            return folder / f"{name}.yaml"
    new = file_name(test)
    if folded(new) in map(folded, _names_in(folder)):
        new = f"{hashed}.yaml"
    return folder / new


def file_name(name: str, suffix: str = ".yaml", longest: int = LONGEST) -> str:
    """A name that every file system takes. Where it had to be changed, a hash keeps it apart from others like it.

    >>> file_name("test_it[a-1]"), file_name("test_it[a/b]"), file_name("con")
    ('test_it[a-1].yaml', 'test_it[a-b]-306b0382.yaml', 'con-1143da2b.yaml')
    """
    plain = _plain(name, longest)
    fits = plain == name and len(plain.encode()) <= LARGEST and not RESERVED.match(plain)
    return (plain if fits else _hashed(plain, name)) + suffix


def folded(name: str) -> str:
    """The same for names that some file system takes for one."""
    return normalize("NFC", name).casefold()


def _plain(name: str, longest: int) -> str:
    return NO_NAME.sub("-", name)[:longest]


def _hashed(plain: str, name: str) -> str:
    return f"{plain.encode()[:LARGEST].decode(errors='ignore')}-{_hash(name)}"


def _hash(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:8]


def _is_there(folder: Path, name: str) -> bool:
    """Whether there is a file of this very name, also where the file system would open another for it."""
    if not os.path.exists(folder / name):
        return False
    if not os.path.exists(folder / name.replace(".yaml", ".YAML")):
        return True  # capitals count here
    return normalize("NFC", name) in (normalize("NFC", other) for other in _names_in(folder))


def _names_in(folder: Path) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []
