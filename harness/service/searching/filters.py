"""Attribute filters: which files a search may look into, as the specification's ComparisonFilter and CompoundFilter.

An operator is a row of a table. What cannot be compared does not match: a missing attribute, or a text with a number.
That a missing attribute is neither equal nor unequal to anything is a guess (G); only `nin` is true of it, as of all
that is not in a list.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_MISSING = object()


def matches(given: Mapping[str, Any] | None, attributes: Mapping[str, Any]) -> bool:
    """Whether a file with these attributes passes; no filter lets all pass.

    >>> matches({"type": "gte", "key": "year", "value": 2023}, {"year": 2024})
    True
    >>> matches({"type": "or", "filters": [{"type": "eq", "key": "lang", "value": "ko"}]}, {"lang": "en"})
    False
    """
    if given is None:
        return True
    compound = COMPOUNDS.get(given["type"])
    if compound is not None:
        return compound(matches(part, attributes) for part in given["filters"])
    return COMPARISONS[given["type"]](attributes.get(given["key"], _MISSING), given["value"])


def _kind(value: object) -> str:
    """A number and a boolean are two kinds here, whatever Python says."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _of_one_kind(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    return lambda have, want: _kind(have) == _kind(want) and bool(compare(have, want))


def _is_in(have: object, wanted: Iterable[object]) -> bool:
    return any(_kind(have) == _kind(want) and have == want for want in _listed(wanted))


def _listed(value: Any) -> Iterable[object]:
    return value if isinstance(value, list) else (value,)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": _of_one_kind(operator.eq),
    "ne": lambda have, want: have is not _MISSING and not (_kind(have) == _kind(want) and have == want),
    "gt": _of_one_kind(operator.gt),
    "gte": _of_one_kind(operator.ge),
    "lt": _of_one_kind(operator.lt),
    "lte": _of_one_kind(operator.le),
    "in": _is_in,
    "nin": lambda have, wanted: not _is_in(have, wanted),
}
COMPOUNDS: dict[str, Callable[[Iterable[bool]], bool]] = {"and": all, "or": any}
