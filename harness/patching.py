"""Patched functions that can be retired in any order, also while a later patch still wraps them."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

_retired: WeakSet[Callable[..., Any]] = WeakSet()


def retire(replacement: Callable[..., Any]) -> None:
    """Mark a replacement, made with `functools.wraps`, as no longer in force."""
    _retired.add(replacement)


def unwrap_retired(function: Any) -> Any:
    """The function itself, or what it wraps if it is a retired replacement.

    A later patch of the same name may have kept such a replacement as its original.

    >>> from functools import wraps
    >>> replacement = wraps(len)(lambda value: 7)
    >>> unwrap_retired(replacement)("x")
    7
    >>> retire(replacement)
    >>> unwrap_retired(replacement)("x")
    1
    """
    # only plain functions can be ours: a proxy of wrapt claims to equal the function it wraps
    while type(function) is FunctionType and function in _retired:
        function = vars(function)["__wrapped__"]
    return function
