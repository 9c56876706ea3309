"""Files named like tests: where a cassette is looked for when nobody says. Imported at plugin start, so kept light."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path


def default_paths(module: Path, test: str, root: Path) -> tuple[Path, Path]:
    """The paths below the module's own folder, where pytest-recording keeps them, and below the folder of cassettes.

    >>> beside, in_folder = default_paths(Path("/project/tests/test_app.py"), "test_it", Path("/project"))
    >>> beside.as_posix(), in_folder.as_posix()
    ('cassettes/test_app/test_it.yaml', 'tests/test_app/test_it.yaml')
    """
    name = file_name(test)
    stem = module.with_suffix("")
    below = stem.relative_to(root) if stem.is_relative_to(root) else Path(stem.name)
    return Path("cassettes", stem.name, name), below / name


def file_name(name: str, suffix: str = ".yaml") -> str:
    """A name that every file system takes. Where it had to be changed, a hash keeps it apart from others like it.

    >>> file_name("test_it[a-1]"), file_name("test_it[a/b]")
    ('test_it[a-1].yaml', 'test_it[a-b]-306b0382.yaml')
    """
    plain = re.sub(r"[^\w.,=+@ ()\[\]-]", "-", name)[:80]
    return plain + suffix if plain == name else f"{plain}-{sha256(name.encode()).hexdigest()[:8]}{suffix}"
