"""Arguments that fit a schema and look real: names, cities and dates where the schema asks for such."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.arguments import ValueGenerator
from harness.faking import documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.faking.phrases import Language
    from harness.schemas import Schema

# By the last word of a property's name, the method of Faker that makes its text.
BY_NAME = {
    "address": "street_address",
    "author": "name",
    "city": "city",
    "company": "company",
    "country": "country",
    "customer": "name",
    "destination": "city",
    "email": "ascii_safe_email",
    "guest": "name",
    "job": "job",
    "location": "city",
    "name": "name",
    "origin": "city",
    "person": "name",
    "phone": "phone_number",
    "place": "city",
    "street": "street_name",
    "user": "name",
}
BY_FORMAT = {"email": "ascii_safe_email", "uuid": "uuid4"}
MAX_OPTIONAL_ITEMS = 3


class RandomValueGenerator(ValueGenerator):
    """Values chosen at random; `nth` is ignored, as each draw differs anyway."""

    finest_step = ValueGenerator.finest_step / 100
    ref_depths = (2, 3)

    def __init__(self, root: Schema, generator: Any, language: Language, *, everything: bool = False) -> None:
        super().__init__(root, everything=everything)
        self._generator = generator
        self._random = generator.random
        self._language = language

    def declared(self, schema: Schema) -> list[Any]:
        """Leaves out the default: a model gives an argument where it differs from that."""
        return [*(schema.get("enum") or schema.get("examples", ()))]

    def choose(self, values: Sequence[Any], nth: int) -> Any:
        return self._random.choice(values)

    def order(self, options: Sequence[Any]) -> Sequence[Any]:
        return [*self._random.sample(options, len(options))]

    def array_length(self, least: int, most: int | None) -> int:
        longest = least + MAX_OPTIONAL_ITEMS
        return int(self._random.randint(least, longest if most is None else max(least, min(most, longest))))

    def includes(self, name: str) -> bool:
        return self.everything or self._random.random() < 0.5

    def integer_between(self, first: int | None, last: int | None, nth: int) -> int:
        """Without limits, small numbers are as frequent as large ones."""
        wide = 10 ** self._random.randint(1, 4)
        if first is None:
            first = 0 if last is None or last >= 0 else last - wide
        return int(self._random.randint(first, first + wide if last is None else last))

    def text(self, schema: Schema, name: str, nth: int) -> str:
        form = schema.get("format")
        if form in ("date", "date-time"):
            day = documents.some_day(self._generator).isoformat()
            hours, minutes = self._random.randrange(24), self._random.randrange(60)
            return day if form == "date" else f"{day}T{hours:02}:{minutes:02}:00Z"
        if form in BY_FORMAT:
            return str(self._generator.format(BY_FORMAT[form]))
        smallest = super().text(schema, name, int(self._random.randrange(60)))
        return smallest if form else self._fitting(schema, self._like(name))

    def _like(self, name: str) -> str:
        """A text for a property of this name: a person's name for `customer_name`."""
        method = BY_NAME.get(name.lower().replace("-", "_").rpartition("_")[2])
        return str(self._generator.format(method) if method else self._random.choice(self._language.products))

    @staticmethod
    def _fitting(schema: Schema, text: str) -> str:
        """The text repeated or cut to the length that the schema asks for."""
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        times = -(-least // len(text)) or 1
        return (text * times)[:most]
