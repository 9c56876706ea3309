"""Checks of what acts and faults are given: mappings, lists and seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

from harness.failures import HarnessFailure


def entries(given: Mapping[str, Any] | None, do: str) -> Iterable[tuple[str, Any]]:
    """What an argument such as `files` gives to each name or mark; `do` shows how it is written.

    Raises:
        HarnessFailure: it is no mapping.
    """
    if given is not None and not isinstance(given, Mapping):
        raise HarnessFailure(f"{given!r} has to say what each file is called, or which mark stands for it.", do=do)
    return (given or {}).items()


def listed(given: Iterable[Any], argument: str, do: str) -> Iterable[Any]:
    """The values of an argument that takes several; `do` shows how it is written.

    Raises:
        HarnessFailure: it is a single value; a text would be taken for its characters.
    """
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise HarnessFailure(f"{argument} takes several, and was given {given!r} by itself.", do=do)
    return given


def objects(given: Iterable[Mapping[str, Any]], argument: str, do: str) -> Iterable[Mapping[str, Any]]:
    """The values of an argument that takes JSON objects; `do` shows how one is written.

    Raises:
        HarnessFailure: one of them is no object.
    """
    for value in listed(given, argument, do):
        if not isinstance(value, Mapping):
            raise HarnessFailure(f"{argument} takes objects, and {value!r} is none.", do=do)
        yield value


def check_seconds(given: object, call: str, do: str, *, zero: bool = True) -> None:
    """
    Raises:
        HarnessFailure: it is no number, or negative, or 0 unless `zero`; `call` is what the user wrote.
    """
    if not isinstance(given, Real):
        raise HarnessFailure(f"{call}: seconds are a number.", do=do)
    if not (float(given) > 0 or (zero and given == 0)):
        raise HarnessFailure(f"{call}: time only moves forward.", do=do)
