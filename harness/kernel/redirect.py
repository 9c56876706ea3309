"""Redirects `/mnt/data` to the folder that stands for it."""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Hashable
from itertools import chain
from typing import TYPE_CHECKING, Any

if sys.version_info < (3, 11):
    import pathlib  # in these versions it copies functions of `os` when imported, so before `redirect_paths` is called

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FOLDER = "/mnt/data"


class PathRedirect:
    """Maps paths below `/mnt/data` into the folder; `names` are the names of files by their ids."""

    def __init__(self, folder: str, names: Mapping[str, str]) -> None:
        self.folder = folder
        self.names = dict(names)

    def resolve(self, path: Any) -> Any:
        """The path to use in place of `path`; anything else is returned as it is."""
        try:
            text = os.fspath(path)
        except TypeError:
            return path
        if isinstance(text, bytes):
            return os.fsencode(self.resolve(os.fsdecode(text)))
        if text != FOLDER and not text.startswith(FOLDER + "/"):
            return path
        below = text[len(FOLDER) :].strip("/")
        return os.path.join(self.folder, self.names.get(below, below)) if below else self.folder


# Functions of `os` that take paths, with the names of those parameters, which come first. All of `pathlib`, `shutil`,
# `glob` and `os.path` calls these.
OS_FUNCTIONS = {
    **dict.fromkeys(("access", "chdir", "chflags", "chmod", "chown", "getxattr", "lchflags", "lchmod"), ("path",)),
    **dict.fromkeys(("lchown", "listdir", "listxattr", "lstat", "mkdir", "mkfifo", "open", "readlink"), ("path",)),
    **dict.fromkeys(("remove", "removexattr", "rmdir", "scandir", "setxattr", "stat", "statvfs"), ("path",)),
    **dict.fromkeys(("truncate", "unlink", "utime"), ("path",)),
    **dict.fromkeys(("link", "rename", "replace", "symlink"), ("src", "dst")),
}
# These of `os.path` do not call them on Windows from Python 3.12 on, where they are written in C.
OS_PATH_FUNCTIONS = {
    **dict.fromkeys(("exists", "isfile", "isjunction", "islink", "lexists"), ("path",)),
    "isdir": ("s",),
}


def redirect_paths(redirect: PathRedirect) -> None:
    """Patch everything that opens or names a file to resolve its paths by `redirect`."""

    def redirected(function: Callable[..., Any], paths: tuple[str, ...]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            for name in paths:
                if name in keywords:
                    keywords[name] = redirect.resolve(keywords[name])
            resolved = map(redirect.resolve, arguments[: len(paths)])
            return function(*chain(resolved, arguments[len(paths) :]), **keywords)

        call.__name__ = function.__name__
        return call

    supporting = (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks)
    originals: dict[Any, Any] = {io.open: redirected(io.open, ("file",))}
    for module, functions in ((os, OS_FUNCTIONS), (os.path, OS_PATH_FUNCTIONS)):
        for name, paths in functions.items():
            function = getattr(module, name, None)
            if function is not None:
                wrapped = originals[function] = redirected(function, paths)
                setattr(module, name, wrapped)
                for supported in supporting:  # `shutil` looks here for what it may do
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
    os.getcwd = lambda: real_cwd().replace(redirect.folder, FOLDER, 1)
