"""`/mnt/data`, which is a folder elsewhere."""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Hashable
from itertools import chain
from typing import TYPE_CHECKING, Any

if sys.version_info < (3, 11):
    import pathlib  # which there copies functions of `os` into an object: before `lead` replaces them

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FOLDER = "/mnt/data"


class Places:
    """Where paths below `/mnt/data` really lead: into the folder, and by a file's id to the file of that name."""

    def __init__(self, folder: str, names: Mapping[str, str]) -> None:
        self.folder = folder
        self.names = dict(names)

    def real(self, path: Any) -> Any:
        """The path to use for a path as code writes it; what is no path stays what it is."""
        try:
            text = os.fspath(path)
        except TypeError:
            return path
        if isinstance(text, bytes):
            return os.fsencode(self.real(os.fsdecode(text)))
        if text != FOLDER and not text.startswith(FOLDER + "/"):
            return path
        below = text[len(FOLDER) :].strip("/")
        return os.path.join(self.folder, self.names.get(below, below)) if below else self.folder


# Functions that take paths, by the names of those parameters, which come first. All of `pathlib`, `shutil`, `glob` and
# `os.path` ends in these.
PATHS = {
    **dict.fromkeys(("access", "chdir", "chflags", "chmod", "chown", "getxattr", "lchflags", "lchmod"), ("path",)),
    **dict.fromkeys(("lchown", "listdir", "listxattr", "lstat", "mkdir", "mkfifo", "open", "readlink"), ("path",)),
    **dict.fromkeys(("remove", "removexattr", "rmdir", "scandir", "setxattr", "stat", "statvfs"), ("path",)),
    **dict.fromkeys(("truncate", "unlink", "utime"), ("path",)),
    **dict.fromkeys(("link", "rename", "replace", "symlink"), ("src", "dst")),
}
# Of `os.path` these do not end there on Windows from Python 3.12 on, where they are written in C.
QUESTIONS = {**dict.fromkeys(("exists", "isfile", "isjunction", "islink", "lexists"), ("path",)), "isdir": ("s",)}


def lead(places: Places) -> None:
    """Let everything that opens or names a file find `/mnt/data` in the folder."""

    def led(function: Callable[..., Any], paths: tuple[str, ...]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            for name in paths:
                if name in keywords:
                    keywords[name] = places.real(keywords[name])
            real = map(places.real, arguments[: len(paths)])
            return function(*chain(real, arguments[len(paths) :]), **keywords)

        call.__name__ = function.__name__
        return call

    supporting = (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks)
    originals: dict[Any, Any] = {io.open: led(io.open, ("file",))}
    for module, functions in ((os, PATHS), (os.path, QUESTIONS)):
        for name, paths in functions.items():
            function = getattr(module, name, None)
            if function is not None:
                wrapped = originals[function] = led(function, paths)
                setattr(module, name, wrapped)
                for supported in supporting:  # in which `shutil` looks up what it may do
                    if function in supported:
                        supported.add(wrapped)
    if sys.version_info < (3, 11):
        accessor: Any = vars(pathlib)["_normal_accessor"]
        for name, function in vars(type(accessor)).items():
            if isinstance(function, Hashable) and function in originals:
                setattr(accessor, name, originals[function])
    globber: Any = getattr(sys.modules.get("glob"), "_StringGlobber", None)  # of Python 3.13 and later; copies, too
    for name, copy in list(vars(globber).items()) if globber else ():
        if isinstance(copy, staticmethod) and copy.__func__ in originals:
            setattr(globber, name, staticmethod(originals[copy.__func__]))
    builtins.open = io.open = originals[io.open]
    real_cwd = os.getcwd
    os.getcwd = lambda: real_cwd().replace(places.folder, FOLDER, 1)
