"""Arguments that fit the JSON schema of a function, without any library: `arguments_for(parameters)`.

`ValueGenerator` walks the schema and leaves each choice to a small method. Here they choose the smallest value; a
subclass overrides them to choose others (`harness.faking.arguments`).
"""

from __future__ import annotations

import re
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from harness.failures import HarnessFailure
from harness.schemas import Unsatisfiable, alternatives, merged, multiples, type_of, without

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.schemas import Schema

# The nth text of each format; a text of any other format is a plain one.
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
# Texts tried for a `pattern`, besides one letter or digit repeated, which fits postcodes and currencies.
PATTERN_GUESSES = (
    "00:00",
    "2024-01-01",
    "2024-01",
    "+10000000000",
    "A-0",
    "AA-00",
    "https://example.com",
    "a@example.com",
)
MAX_GUESS_LENGTH = 40
MAX_REFINEMENTS = 20  # how often the step is divided by ten until a multiple lies between two limits
MAX_DRAWS = 100  # for an item that differs from the others, under `uniqueItems`


def arguments_for(parameters: Schema | None, *, strict: bool = False) -> dict[str, Any]:
    """The smallest arguments that fit the `parameters` of a function; the same every time.

    A value is one that the schema declares (`const`, `default`, `examples`, `enum`), else the smallest: the number
    nearest to zero, one letter (code tends to refuse empty texts), no items, only required properties. Of `anyOf` and
    `oneOf` the first satisfiable alternative is taken, so recursive schemas end; a value may fit two of `oneOf`. For a
    `pattern` a few texts are tried. Conditions (`not`, `if`, `dependentRequired`, `minProperties`, …) are ignored:
    declare `examples` in such a schema.

    Args:
        parameters: a JSON schema; None, as for a function without parameters, gives no arguments.
        strict: include all properties, also optional ones.

    Raises:
        HarnessFailure: nothing fits the schema, or a `$ref` in it cannot be resolved.

    >>> arguments_for({"properties": {"city": {"type": "string"}, "days": {"minimum": 2}}, "required": ["city"]})
    {'city': 'a'}
    """
    return ValueGenerator(parameters or {}, everything=strict).arguments()


class ValueGenerator:
    """Values that fit one schema. Different `nth` give different values, as far as the schema allows."""

    finest_step = Fraction(1)  # numbers are its multiples, unless the schema needs finer ones
    # How often a `$ref` may be followed within itself: the second is tried where nothing fits with the first.
    ref_depths = (1, 3)

    def __init__(self, root: Schema, *, everything: bool = False) -> None:
        self.root = root
        self.everything = everything
        self._open_refs: list[str] = []  # those being followed
        self._ref_depth = 1

    def arguments(self) -> dict[str, Any]:
        """An object that fits the whole schema.

        Raises:
            HarnessFailure: no such object was found.
        """
        reason = "The schema does not describe an object."
        for ref_depth in self.ref_depths:
            self._ref_depth = ref_depth
            try:
                made = self.value({"type": "object", **self.root})
            except Unsatisfiable as error:
                reason = str(error)
            else:
                if isinstance(made, dict):
                    return made
        raise HarnessFailure(
            "No arguments could be generated for the schema of a function.",
            there_was=f"{reason}\n{dict(self.root)}"[:2000],
            do='parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}',
        )

    # --- choices, for subclasses to override ----------------------------------------------------------------

    def declared(self, schema: Schema) -> list[Any]:
        """The values that a schema itself gives, but a default of null, by which pydantic marks the optional."""
        default = schema.get("default")
        if schema.get("enum"):
            return sorted(schema["enum"], key=lambda value: bool(value != default))
        return [*([] if default is None else [default]), *schema.get("examples", ())]

    def choose(self, values: Sequence[Any], nth: int) -> Any:
        """One of several values."""
        return values[min(nth, len(values) - 1)]

    def order(self, options: Sequence[Any]) -> Sequence[Any]:
        """The alternatives, in the order in which they are tried."""
        return options

    def array_length(self, least: int, most: int | None) -> int:
        """The number of items of an array."""
        return least

    def includes(self, name: str) -> bool:
        """Whether an object gets an optional property."""
        return self.everything

    def integer_between(self, first: int | None, last: int | None, nth: int) -> int:
        """An integer from `first` to `last`; None is no limit."""
        nearest = max(0, first) if first is not None else 0
        nearest = min(nearest, last) if last is not None else nearest
        above = nth if last is None else min(nth, last - nearest)
        return nearest + above if above == nth else nearest + above - nth

    def text(self, schema: Schema, name: str, nth: int) -> str:
        """A text for the property `name`."""
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]].format(nth=nth, next=nth + 1, year=2024 + nth)
        return (str(nth) if nth else "").rjust(max(schema.get("minLength", 1), 1), "a")[: schema.get("maxLength")]

    # --- the walk -------------------------------------------------------------------------------------------

    def value(self, schema: Any, name: str = "", nth: int = 0) -> Any:
        """A value that fits a subschema.

        Raises:
            Unsatisfiable: there is none, or none was found.
        """
        schema = merged({}, schema)
        if "const" in schema:
            return schema["const"]
        if values := self.declared(schema):
            return self.choose(values, nth)
        if "$ref" in schema:
            return self._follow_ref(schema, name, nth)
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
        return makers.get(type_of(schema), self._string)(schema, name, nth)

    def _follow_ref(self, schema: Schema, name: str, nth: int) -> Any:
        reference = schema["$ref"]
        if self._open_refs.count(reference) >= self._ref_depth:
            raise Unsatisfiable(f"{reference} contains itself without end.")
        self._open_refs.append(reference)
        try:
            return self.value(merged(self._ref_target(reference), without(schema, "$ref")), name, nth)
        finally:
            self._open_refs.pop()

    def _ref_target(self, reference: str) -> Any:
        start, *steps = reference.split("/")
        target: Any = self.root
        if start == "#":
            with suppress(LookupError, TypeError, ValueError):
                for step in steps:
                    key = unquote(step).replace("~1", "/").replace("~0", "~")
                    target = target[int(key) if isinstance(target, list) else key]
                return target
        raise Unsatisfiable(f"There is no {reference} in the schema.")

    def _one_of(self, rest: Schema, options: Sequence[Any], name: str, nth: int) -> Any:
        for option in self.order(options):
            with suppress(Unsatisfiable):
                return self.value(merged(rest, option), name, nth)
        raise Unsatisfiable(f"No alternative fits {name!r}.")

    def _object(self, schema: Schema, name: str, nth: int) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), schema.get("required", ())
        made: dict[str, Any] = {}
        for key, inner in properties.items():
            if key in required:
                made[key] = self.value(inner, key, nth)
            elif self.includes(key):
                with suppress(Unsatisfiable):
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
        with suppress(Unsatisfiable):
            for at in range(self.array_length(least, most)):
                made.append(self._item(tuples[at] if at < len(tuples) else inner, name, made, schema))
        if len(made) < least:
            raise Unsatisfiable(f"Fewer than the {least} items that {name!r} needs could be generated.")
        return made

    def _item(self, inner: Any, name: str, made: list[Any], schema: Schema) -> Any:
        if not schema.get("uniqueItems"):
            return self.value(inner, name)
        for nth in range(len(made), len(made) + MAX_DRAWS):
            item = self.value(inner, name, nth)
            if item not in made:
                return item
        raise Unsatisfiable(f"No more distinct items could be generated for {name!r}.")

    def _string(self, schema: Schema, name: str, nth: int) -> str:
        pattern, least, most = schema.get("pattern", ""), schema.get("minLength", 0), schema.get("maxLength")
        lengths = range(max(least, 1), MAX_GUESS_LENGTH + 1)
        guesses = (*PATTERN_GUESSES, *(letter * length for length in lengths for letter in "a0A"))
        with suppress(re.error):
            for text in (self.text(schema, name, nth), *guesses):
                if re.search(pattern, text) and least <= len(text[:most]) == len(text):
                    return text
        raise Unsatisfiable(f"No text was found for {name!r} that fits {pattern!r}: declare `examples` in the schema.")

    def _number(self, schema: Schema, name: str, nth: int) -> float:
        steps = [self.finest_step / 10**n for n in range(MAX_REFINEMENTS)]
        if schema.get("multipleOf"):
            steps = [Fraction(str(schema["multipleOf"]))]
        return self._multiple(schema, steps, name, nth)

    def _integer(self, schema: Schema, name: str, nth: int) -> float:
        step = Fraction(str(schema.get("multipleOf", 1)))
        # the whole multiples of 5/2 are those of 5
        return self._multiple(schema, [Fraction(step.numerator)], name, nth)

    def _multiple(self, schema: Schema, steps: Sequence[Fraction], name: str, nth: int) -> float:
        for step in steps:
            first, last = multiples(schema, step)
            if first is None or last is None or first <= last:
                number = self.integer_between(first, last, nth) * step
                return int(number) if number.denominator == 1 else float(number)
        raise Unsatisfiable(f"No number is within the limits of {name!r}.")

    def _boolean(self, schema: Schema, name: str, nth: int) -> bool:
        return bool(self.choose((False, True), nth))

    def _null(self, schema: Schema, name: str, nth: int) -> None:
        return None
