"""Stand-ins for secrets: the same one for the same secret in the whole cassette."""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure
from harness.recording.redacting.numerals import digits

if TYPE_CHECKING:
    from harness.recording.redacting.kinds import Kind

# Anchored to the beginning of a word: otherwise a long one would take quadratic time.
TAKEN_NAMES = re.compile(rb"(?<![\w.+-])(?:[\w.-]{0,60}?redacted-\d+|[\w.+-]{1,64}@example\.(?:com|net|org))", re.ASCII)
TAKEN_NUMBERS = re.compile(rb"[+(]?\d[\d ().-]{7,24}\d")


class StandIns:
    """Creates stand-ins, deterministically for a seed and the order of secrets.

    A cassette that is extended contains stand-ins already: `reserve` prevents their use for other secrets.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._fake_addresses: list[str] = []
        self._numbers_by_secret: dict[tuple[str, str], int] = {}
        self._used: set[str] = set()
        self._taken: set[str] = set()
        self._taken_digits = ""
        self._numbers: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def reserve(self, data: bytes) -> None:
        """Do not use the stand-ins in this data for new secrets."""
        if b"redacted-" in data or b"@example." in data:
            self._taken.update(match.decode().lower() for match in TAKEN_NAMES.findall(data))
        if b"0000" in data or b"555" in data:
            runs = {match.decode() for match in TAKEN_NUMBERS.findall(data)}
            self._taken_digits += "".join(f" {digits(run)}" for run in sorted(runs))

    def __call__(self, kind: Kind, secret: str) -> str:
        """The stand-in for a secret. The same number in two layouts has the same stand-in in two layouts."""
        same = kind.same(secret)
        family = kind.disguise if isinstance(kind.disguise, str) else kind.name
        number = self._numbers_by_secret.get((family, same))
        if number is None:
            number = self._numbers_by_secret[family, same] = self._unused_number(kind, secret, family)
            self.counts[kind.name] += 1
        return self._formatted(kind, secret, number)

    def _unused_number(self, kind: Kind, secret: str, family: str) -> int:
        """The next number whose stand-in is not in use."""
        while True:
            self._numbers[family] += 1
            number = self._numbers[family]
            name = self._formatted(kind, secret, number)
            if not (digits(name) in self._taken_digits if kind.numeral else name.lower() in self._taken):
                return number

    def _formatted(self, kind: Kind, secret: str, number: int) -> str:
        if kind.disguise is None:
            return self._address(number)
        if isinstance(kind.disguise, str):
            return f"{kind.disguise}redacted-{number}"
        return kind.disguise(secret, number)

    def _address(self, number: int) -> str:
        """The nth e-mail address made by Faker, each different."""
        while len(self._fake_addresses) < number:
            address = str(self._faker.ascii_safe_email())
            if address in self._used:  # Faker repeats itself after some hundreds
                address = address.replace("@", f"{len(self._fake_addresses)}@")
            self._used.add(address)
            self._fake_addresses.append(address)
        return self._fake_addresses[number - 1]

    @cached_property
    def _faker(self) -> Any:
        try:
            from faker import Faker  # noqa: PLC0415 - half a second, for those who need it
        except ImportError:
            raise HarnessFailure(
                "An e-mail address was recorded, and Faker, which makes the stand-in for it, is not installed.",
                do='pip install "pytest-assistants[recording]"',
            ) from None
        faker = Faker("en_US")
        faker.seed_instance(self._seed)
        return faker
