"""Secrets made of digits: cards, accounts, identity and telephone numbers, each with its own check.

Every stand-in keeps the layout of its secret and fails the same check: no card number begins with 1000, no resident
was born in month 00, no social security number begins with 000, no IBAN has the check digits 00, and telephone numbers
are in ranges that are reserved for fiction (555-01xx) or were never assigned (010-0000-xxxx, +999).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.recording.redacting.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Not within a longer number, a word, or an id with hyphens.
NOT_AFTER, NOT_BEFORE = r"(?<![A-Za-z0-9+])(?<![A-Za-z0-9]-)(?<!\d\.)", r"(?![A-Za-z0-9]|-[A-Za-z0-9]|\.\d)"
# Runs with enough digits, and what may separate them. Digits are ASCII only, here and in the patterns: so no number
# extends beyond its run, and runs do not overlap.
RUN = re.compile(r"\d[\d ()./-]{5,}\d", re.ASCII)
# Country codes (ITU E.164); any other number after a plus sign is arithmetic.
COUNTRY_CODE = re.compile(
    r"1|7|2[07]|3[0-4]|36|39|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    r"|2(?:1[12368]|[2-5]\d|6\d|9[01789])|3(?:5\d|7\d|8\d)|42[013]|50\d|59\d|67\d|68\d|69[0-2]"
    r"|85[02356]|88[06]|9(?:6\d|7\d|9[2-68])"
)
# The first digits and lengths of card numbers that are issued.
CARD_NUMBER = re.compile(
    r"(?:4\d{15}|4\d{18}|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|(?:6011|65\d\d|64[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|62\d{14,17}|9[4-9]\d{14})\Z"
)
# The countries by the length of their IBANs (ISO 13616).
COUNTRIES_BY_IBAN_LENGTH = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE IL IQ OM TL",
    24: "AD CZ DZ ES MD PK RO SA SE SK TN VG",
    25: "AO LY PT ST",
    26: "IS TR",
    27: "FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    33: "RU",
}
IBAN_LENGTHS = {
    country: length for length, countries in COUNTRIES_BY_IBAN_LENGTH.items() for country in countries.split()
}


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def dialed_number(text: str) -> str:
    """The digits of a telephone number; one of Korea as it is dialled there, because both forms are in use."""
    number = digits(text)
    return re.sub(r"\A820?", "0", number) if text.startswith("+") else number


def letters_and_digits(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text).upper()


def in_layout(form: Callable[[str, int], str]) -> Callable[[str, int], str]:
    """A disguise with the digits of `form` in the layout of the secret: with its spaces, hyphens and brackets."""

    def disguise(secret: str, number: int) -> str:
        new = iter(form(digits(secret), number))
        return re.sub(r"\d", lambda _: next(new), secret)

    return disguise


def is_card(match: re.Match[str]) -> bool:
    """Whether a match is a card number: Luhn's check, ISO/IEC 7812-1.

    >>> [is_card(re.match(".*", text)) for text in ("4000056655665556", "4000056655665557", "1000000000000008")]
    [True, False, False]
    """
    number = digits(match[0])
    if not CARD_NUMBER.match(number):
        return False
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(doubled) + sum(map(int, number[-1::-2]))) % 10 == 0


def is_iban(match: re.Match[str]) -> bool:
    """Whether a match is an IBAN: ISO 7064, mod 97-10.

    >>> [is_iban(re.match(".*", text)) for text in ("DE89 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00")]
    [True, False]
    """
    number = letters_and_digits(match[0])
    if IBAN_LENGTHS.get(number[:2]) != len(number) or number[2:4] == "00":
        return False
    return int("".join(str(int(sign, 36)) for sign in number[4:] + number[:4])) % 97 == 1


def is_resident_number(match: re.Match[str]) -> bool:
    """Whether a match is a Korean resident registration number: of an existing day and, without hyphen, checked.

    Numbers assigned since October 2020 have no check digit, so one with its hyphen needs none. Without the hyphen it
    could be a time in milliseconds: those of our days begin with 13 to 19, and are left alone.
    """
    number = digits(match[0])
    month, day = int(number[2:4]), int(number[4:6])
    if not (1 <= month <= 12 and 1 <= day <= 31 and number[6] in "12345678"):
        return False
    if len(match[0]) > 13:
        return True
    weighted = sum(
        int(digit) * weight for digit, weight in zip(number, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), strict=False)
    )
    return not re.match("1[3-9]", number) and (11 - weighted % 11) % 10 == int(number[12])


def is_international_phone(match: re.Match[str]) -> bool:
    """Whether a match is a telephone number in international form (E.164): a country code, and enough digits."""
    number, divided = digits(match[0]), re.search(r"\d[ .()/-]", match[0])
    code = COUNTRY_CODE.match(number)
    if code is None or not 8 + (not divided) * 2 <= len(number) <= 15:
        return False
    if code[0] == "1":
        return bool(re.fullmatch(r"1[2-9]\d\d[2-9]\d{6}", number)) and not is_fictional_phone(number)
    if code[0] == "82":
        return len(number) in (10, 11, 12, 13) and not re.match("820?100000", number)
    return True


def is_fictional_phone(number: str) -> bool:
    return bool(re.search(r"55501\d\d\Z", number))


def is_american_phone(match: re.Match[str]) -> bool:
    return not is_fictional_phone(digits(match[0]))


def is_korean_phone(match: re.Match[str]) -> bool:
    number = digits(match[0])
    # 01011011010 is a binary number
    return not number.startswith("0100000") and not set(number) <= {"0", "1"}


def _fictional_american_phone(number: str, nth: int) -> str:
    """The nth American number that is reserved for fiction: a hundred in each area."""
    areas, last = divmod(nth, 100)
    return f"{number[:-10]}{201 + areas % 700}55501{last:02}"


def _unassigned_phone(number: str, nth: int) -> str:
    """The nth unassigned number, in the same country for America and Korea, otherwise in one that does not exist."""
    if number.startswith("1"):
        return _fictional_american_phone(number, nth)
    if number.startswith(("8210", "82010")):
        return f"{number[: number.index('10') + 2]}{nth:0{len(number) - number.index('10') - 2}}"
    return f"999{nth:0{len(number) - 3}}"


def _invalid_iban(secret: str, nth: int) -> str:
    return secret[:2] + in_layout(lambda number, nth: f"{nth:0{len(number)}}")(re.sub("[A-Z]", "0", secret[2:]), nth)


class NumeralKind(Kind):
    """A kind whose pattern is tried only on runs of digits, which are a small part of most texts."""

    def spans(self, text: str) -> Iterator[re.Match[str]]:
        for run in RUN.finditer(text):
            # a plus sign and a bracket may precede the first digit; NOT_BEFORE looks two characters ahead
            yield from self.pattern.finditer(text, max(0, run.start() - 2), run.end() + 2)


CARD = NumeralKind(
    "card number",
    (),
    re.compile(
        NOT_AFTER + r"(?:\d{14,19}|\d{4}([ -])(?:\d{4}\1){2,3}\d{1,4}|\d{4}([ -])\d{6}\2\d{4,5})" + NOT_BEFORE, re.ASCII
    ),
    in_layout(lambda number, nth: f"1{nth:0{len(number) - 1}}"),
    is_card,
    digits,
    numeral=True,
)
NUMERAL_KINDS = (
    CARD,
    Kind(
        "IBAN",
        (),
        re.compile(
            r"[A-Z]{2}(?<![A-Za-z0-9][A-Z]{2})\d\d"
            r"(?:[A-Z0-9]{11,29}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,4})?)(?![A-Za-z0-9])"
        ),
        _invalid_iban,
        is_iban,
        letters_and_digits,
    ),
    NumeralKind(
        "resident registration number",
        (),
        re.compile(NOT_AFTER + r"\d{6}(?: ?- ?)?[1-8]\d{6}" + NOT_BEFORE, re.ASCII),
        in_layout(lambda number, nth: f"{nth:0{len(number)}}"),
        is_resident_number,
        digits,
        numeral=True,
    ),
    NumeralKind(
        "social security number",
        ("-",),
        re.compile(NOT_AFTER + r"(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}" + NOT_BEFORE, re.ASCII),
        in_layout(lambda number, nth: f"{nth:09}"),
        same=digits,
        numeral=True,
    ),
    NumeralKind(
        "telephone number",
        ("+",),
        re.compile(r"(?<![A-Za-z0-9+])\+\d{1,3}(?:[ .-]?\(\d{1,4}\))?(?:[ ./-]?\d){6,13}" + NOT_BEFORE, re.ASCII),
        in_layout(_unassigned_phone),
        is_international_phone,
        dialed_number,
        numeral=True,
    ),
    NumeralKind(
        "telephone number",
        ("-", ".", ")"),
        re.compile(
            NOT_AFTER + r"(?:1[ .-])?(?:\([2-9]\d\d\) ?[2-9]\d\d[ .-]|[2-9]\d\d([.-])[2-9]\d\d\1)\d{4}" + NOT_BEFORE,
            re.ASCII,
        ),
        in_layout(_fictional_american_phone),
        is_american_phone,
        dialed_number,
        numeral=True,
    ),
    NumeralKind(
        "telephone number",
        ("01",),
        re.compile(NOT_AFTER + r"01[016-9]([-. ]?)\d{3,4}\1\d{4}" + NOT_BEFORE, re.ASCII),
        in_layout(lambda number, nth: f"010{nth:0{len(number) - 3}}"),
        is_korean_phone,
        dialed_number,
        numeral=True,
    ),
    NumeralKind(
        "telephone number",
        ("0",),
        re.compile(NOT_AFTER + r"\(?0(?:2|[3-6][1-5]|70|50[2-8])(?:\) ?|-)\d{3,4}-\d{4}" + NOT_BEFORE, re.ASCII),
        in_layout(lambda number, nth: f"010{nth:0{len(number) - 3}}"),
        is_korean_phone,
        dialed_number,
        numeral=True,
    ),
)
