"""Arguments that fit the JSON schema of a function, without any library: `arguments_for(parameters)`.

`Values` walks the schema and asks small methods wherever there is something to choose. Here they choose the smallest;
whoever wants other values overrides them (`harness.faking.arguments`).
"""

from __future__ import annotations

import re
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from harness.failures import HarnessFailure
from harness.schemas import Impossible, alternatives, kind_of, merged, multiples, without

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.schemas import Schema

# The nth text of a format; other formats are texts like any.
FORMATS = {
    "date": "{year}-01-01",
    "date-time": "{year}-01-01T00:00:00Z",
    "time": "00:00:{nth:02}Z",
    "duration": "P{next}D",
    "email": "a{nth}@example.com",
    "hostname": "a{nth}.example.com",
    "ipv4": "192.0.2.{next}",
    "ipv6": "2001:db8::{next:x}",
    "uri": "https://example.com/{nth}",
    "url": "https://example.com/{nth}",
    "uuid": "00000000-0000-4000-8000-{nth:012x}",
}
# What is tried for a pattern, besides one letter or digit repeated, as in postcodes and currencies.
GUESSES = ("00:00", "2024-01-01", "2024-01", "+10000000000", "A-0", "AA-00", "https://example.com", "a@example.com")
LONGEST_GUESS = 40
FINER = 20  # times a tenth of the step, until a number lies between two limits
DRAWS = 100  # for an item of an array whose items differ


def arguments_for(parameters: Schema | None, *, strict: bool = False) -> dict[str, Any]:
    """The smallest arguments that fit the `parameters` of a function; the same every time.

    A value is one that the schema names (`const`, `default`, `examples`, `enum`), else the smallest: the number next
    to zero, one letter (code tends to refuse empty texts), no items, only the required properties. Of `anyOf` and
    `oneOf` it is the first that can be had, so a schema that refers to itself comes to an end; nothing is done to
    keep a value from fitting two of `oneOf`. For a `pattern` a few texts are tried. Conditions (`not`, `if`,
    `dependentRequired`, `minProperties`, …) are not read: name `examples` in such a schema.

    Args:
        parameters: a JSON schema; None, as for a function without parameters, gives no arguments.
        strict: all properties, also those that are not required.

    Raises:
        HarnessFailure: nothing fits the schema, or a `$ref` in it leads nowhere.

    >>> arguments_for({"properties": {"city": {"type": "string"}, "days": {"minimum": 2}}, "required": ["city"]})
    {'city': 'a'}
    """
    return Values(parameters or {}, everything=strict).arguments()


class Values:
    """Values that fit one schema. With `nth` another value is asked for than the ones before, if there is one."""

    finest = Fraction(1)  # numbers are its multiples, where the schema asks for nothing else
    # How often a reference may stand in itself: rarely; more often where it only looks like a recursion.
    nestings = (1, 3)

    def __init__(self, root: Schema, *, everything: bool = False) -> None:
        self.root = root
        self.everything = everything
        self._open: list[str] = []  # the references that are being followed
        self._deepest = 1

    def arguments(self) -> dict[str, Any]:
        """An object that fits the whole schema."""
        why = "The schema is not one of an object."
        for deepest in self.nestings:
            self._deepest = deepest
            try:
                made = self.value({"type": "object", **self.root})
            except Impossible as impossible:
                why = str(impossible)
            else:
                if isinstance(made, dict):
                    return made
        raise HarnessFailure(
            "There are no arguments that fit the schema of a function.",
            there_was=f"{why}\n{dict(self.root)}"[:2000],
            do='parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}',
        )

    # --- what there is to choose ----------------------------------------------------------------------------

    def named(self, schema: Schema) -> list[Any]:
        """The values that a schema itself names. A default of null is none: that is how pydantic says optional."""
        default = schema.get("default")
        if schema.get("enum"):
            return sorted(schema["enum"], key=lambda value: bool(value != default))
        return [*([] if default is None else [default]), *schema.get("examples", ())]

    def pick(self, values: Sequence[Any], nth: int) -> Any:
        return values[min(nth, len(values) - 1)]

    def order(self, options: Sequence[Any]) -> Sequence[Any]:
        """In which order alternatives are tried."""
        return options

    def length(self, least: int, most: int | None) -> int:
        """How many items an array gets."""
        return least

    def wants(self, name: str) -> bool:
        """Whether an object gets a property that is not required."""
        return self.everything

    def whole(self, first: int | None, last: int | None, nth: int) -> int:
        """A whole number between two, both included."""
        nearest = max(0, first) if first is not None else 0
        nearest = min(nearest, last) if last is not None else nearest
        above = nth if last is None else min(nth, last - nearest)
        return nearest + above if above == nth else nearest + above - nth

    def text(self, schema: Schema, name: str, nth: int) -> str:
        """A text; `name` is the property's."""
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]].format(nth=nth, next=nth + 1, year=2024 + nth)
        return (str(nth) if nth else "").rjust(max(schema.get("minLength", 1), 1), "a")[: schema.get("maxLength")]

    # --- the walk -------------------------------------------------------------------------------------------

    def value(self, schema: Any, name: str = "", nth: int = 0) -> Any:
        """A value that fits a part of the schema.

        Raises:
            Impossible: there is none.
        """
        schema = merged({}, schema)
        if "const" in schema:
            return schema["const"]
        if values := self.named(schema):
            return self.pick(values, nth)
        if "$ref" in schema:
            return self._referred(schema, name, nth)
        key, options = alternatives(schema)
        if options:
            return self._one_of(without(schema, key), options, name, nth)
        if schema.get("allOf"):
            first, *others = schema["allOf"]
            return self.value(merged({**schema, "allOf": others}, first), name, nth)
        makers: dict[str, Callable[[Schema, str, int], Any]] = {
            "object": self._object,
            "array": self._array,
            "integer": self._integer,
            "number": self._number,
            "boolean": self._boolean,
            "null": self._null,
        }
        return makers.get(kind_of(schema), self._string)(schema, name, nth)

    def _referred(self, schema: Schema, name: str, nth: int) -> Any:
        reference = schema["$ref"]
        if self._open.count(reference) >= self._deepest:
            raise Impossible(f"{reference} holds itself without end.")
        self._open.append(reference)
        try:
            return self.value(merged(self._target(reference), without(schema, "$ref")), name, nth)
        finally:
            self._open.pop()

    def _target(self, reference: str) -> Any:
        start, *steps = reference.split("/")
        target: Any = self.root
        if start == "#":
            with suppress(LookupError, TypeError, ValueError):
                for step in steps:
                    key = unquote(step).replace("~1", "/").replace("~0", "~")
                    target = target[int(key) if isinstance(target, list) else key]
                return target
        raise Impossible(f"There is no {reference} in the schema.")

    def _one_of(self, rest: Schema, options: Sequence[Any], name: str, nth: int) -> Any:
        for option in self.order(options):
            with suppress(Impossible):
                return self.value(merged(rest, option), name, nth)
        raise Impossible(f"No alternative fits {name!r}.")

    def _object(self, schema: Schema, name: str, nth: int) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), schema.get("required", ())
        made: dict[str, Any] = {}
        for key, inner in properties.items():
            if key in required:
                made[key] = self.value(inner, key, nth)
            elif self.wants(key):
                with suppress(Impossible):
                    made[key] = self.value(inner, key, nth)
        for key in required:
            if key not in made:
                made[key] = self.value(schema.get("additionalProperties", True), key, nth)
        return made

    def _array(self, schema: Schema, name: str, nth: int) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        inner = schema.get("items", True)
        tuples = schema.get("prefixItems", ())
        made: list[Any] = []
        with suppress(Impossible):
            for at in range(self.length(least, most)):
                made.append(self._item(tuples[at] if at < len(tuples) else inner, name, made, schema))
        if len(made) < least:
            raise Impossible(f"There are not {least} items for {name!r}.")
        return made

    def _item(self, inner: Any, name: str, made: list[Any], schema: Schema) -> Any:
        if not schema.get("uniqueItems"):
            return self.value(inner, name)
        for nth in range(len(made), len(made) + DRAWS):
            item = self.value(inner, name, nth)
            if item not in made:
                return item
        raise Impossible(f"There are no more different items for {name!r}.")

    def _string(self, schema: Schema, name: str, nth: int) -> str:
        pattern, least, most = schema.get("pattern", ""), schema.get("minLength", 0), schema.get("maxLength")
        lengths = range(max(least, 1), LONGEST_GUESS + 1)
        guesses = (*GUESSES, *(letter * length for length in lengths for letter in "a0A"))
        with suppress(re.error):
            for text in (self.text(schema, name, nth), *guesses):
                if re.search(pattern, text) and least <= len(text[:most]) == len(text):
                    return text
        raise Impossible(f"No text for {name!r} was found that fits {pattern!r}: name `examples` in the schema.")

    def _number(self, schema: Schema, name: str, nth: int) -> float:
        steps = [self.finest / 10**n for n in range(FINER)]
        if schema.get("multipleOf"):
            steps = [Fraction(str(schema["multipleOf"]))]
        return self._multiple(schema, steps, name, nth)

    def _integer(self, schema: Schema, name: str, nth: int) -> float:
        step = Fraction(str(schema.get("multipleOf", 1)))
        return self._multiple(schema, [Fraction(step.numerator)], name, nth)  # of 5/2, each second is whole

    def _multiple(self, schema: Schema, steps: Sequence[Fraction], name: str, nth: int) -> float:
        for step in steps:
            first, last = multiples(schema, step)
            if first is None or last is None or first <= last:
                number = self.whole(first, last, nth) * step
                return int(number) if number.denominator == 1 else float(number)
        raise Impossible(f"No number is within the limits of {name!r}.")

    def _boolean(self, schema: Schema, name: str, nth: int) -> bool:
        return bool(self.pick((False, True), nth))

    def _null(self, schema: Schema, name: str, nth: int) -> None:
        return None
