"""Functions that stand in for others for a while, and end in any order."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

_ended: WeakSet[Callable[..., Any]] = WeakSet()


def end(replacement: Callable[..., Any]) -> None:
    """Note that a replacement, made with `functools.wraps`, stands in for nobody any more."""
    _ended.add(replacement)


def lasting(function: Any) -> Any:
    """The function itself, or what it stood in for if it has ended: whoever replaced it may have outlived it.

    >>> from functools import wraps
    >>> replacement = wraps(len)(lambda value: 7)
    >>> lasting(replacement)("x")
    7
    >>> end(replacement)
    >>> lasting(replacement)("x")
    1
    """
    # what is no plain function is somebody else's, even if it says that it equals one, as proxies of wrapt do
    while type(function) is FunctionType and function in _ended:
        function = vars(function)["__wrapped__"]
    return function
