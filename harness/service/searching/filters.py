"""Attribute filters: which files a search includes, as the specification's ComparisonFilter and CompoundFilter.

Values that cannot be compared do not match: a missing attribute, or a text with a number. That a missing attribute is
neither equal nor unequal to anything is a guess (G); only `nin` matches it, as it matches all that is not in a list.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_MISSING = object()


def matches(given: Mapping[str, Any] | None, attributes: Mapping[str, Any]) -> bool:
    """Whether a file with these attributes passes the filter; None passes all.

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


def _json_type(value: object) -> str:
    """The JSON type of a value: unlike in Python, a boolean is not a number."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _same_type(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    return lambda have, want: _json_type(have) == _json_type(want) and bool(compare(have, want))


def _is_in(have: object, wanted: Iterable[object]) -> bool:
    return any(_json_type(have) == _json_type(want) and have == want for want in _as_list(wanted))


def _as_list(value: Any) -> Iterable[object]:
    return value if isinstance(value, list) else (value,)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": _same_type(operator.eq),
    "ne": lambda have, want: have is not _MISSING and not (_json_type(have) == _json_type(want) and have == want),
    "gt": _same_type(operator.gt),
    "gte": _same_type(operator.ge),
    "lt": _same_type(operator.lt),
    "lte": _same_type(operator.le),
    "in": _is_in,
    "nin": lambda have, wanted: not _is_in(have, wanted),
}
COMPOUNDS: dict[str, Callable[[Iterable[bool]], bool]] = {"and": all, "or": any}
