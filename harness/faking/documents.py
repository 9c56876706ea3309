"""Conversations, documents and tables, from the phrases of a language and the names of a locale.

`generator` is Faker's, for one locale. All randomness comes from its `random`, so its seed determines everything.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from html import escape
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.faking.phrases import Language

# The days of made-up data: fixed, as data relative to today would differ tomorrow.
FIRST_DAY, DAYS = date(2024, 1, 1), 366


def some_day(generator: Any) -> date:
    return FIRST_DAY + timedelta(days=generator.random.randrange(DAYS))


def slots(generator: Any, language: Language) -> dict[str, str]:
    """Values for the slots of related phrases."""
    draw = generator.random
    day = some_day(generator)
    return {
        "name": generator.name(),
        "colleague": generator.name(),
        "city": generator.city(),
        "company": generator.company(),
        "product": draw.choice(language.products),
        "order": f"A-{draw.randrange(10_000, 100_000)}",
        "count": str(draw.randrange(2, 10)),
        "price": language.price.format(price(generator, language) / language.cents),
        "date": language.date.format(month=day.month, day=day.day, name=language.months[day.month - 1]),
    }


def price(generator: Any, language: Language) -> int:
    """A price in the smallest unit of the currency: 5 to 100 dollars, 5,000 to 100,000 won."""
    hundredths = int(generator.random.randrange(50, 1000)) * 10
    return hundredths if language.cents == 100 else hundredths * 10


def assistant(generator: Any, language: Language) -> tuple[str, str, str]:
    """The name of an assistant, what it does, and its instructions."""
    topic = generator.random.choice(language.topics)
    values = slots(generator, language)
    name = language.assistant.format(job=topic.job, company=values["company"])
    return name, topic.job, topic.instructions.format(**values)


def conversation(generator: Any, language: Language, turns: int) -> list[dict[str, str]]:
    """Questions and answers, topic after topic."""
    messages: list[dict[str, str]] = []
    while len(messages) < 2 * turns:
        for topic in generator.random.sample(language.topics, len(language.topics)):
            values = slots(generator, language)
            for question, answer in topic.turns:
                messages.append({"role": "user", "content": question.format(**values)})
                messages.append({"role": "assistant", "content": answer.format(**values)})
    return messages[: 2 * max(turns, 0)]


# --- tables -------------------------------------------------------------------------------------------------------


def sales(generator: Any, language: Language, rows: int) -> bytes:
    """A table of orders with a header, in the order of their days."""
    days = sorted(some_day(generator) for _ in range(rows))
    decimals = len(str(language.cents)) - 1
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(language.columns)
    for day in days:
        unit, quantity = price(generator, language), generator.random.randrange(1, 6)
        table.writerow(
            [
                day.isoformat(),
                f"A-{generator.random.randrange(10_000, 100_000)}",
                generator.name(),
                generator.city(),
                generator.random.choice(language.products),
                quantity,
                f"{unit / language.cents:.{decimals}f}",
                f"{unit * quantity / language.cents:.{decimals}f}",
            ]
        )
    return written.getvalue().encode()


# --- documents ----------------------------------------------------------------------------------------------------

Document = tuple[str, list[tuple[str, str]]]  # a title, and each heading with its paragraph


def document(generator: Any, language: Language, kind: str) -> bytes:
    """A handbook with a title and one paragraph for each heading.

    Raises:
        HarnessFailure: there are no documents of that kind.
    """
    if kind not in KINDS:
        raise HarnessFailure(
            f"document({kind!r}): there is no such kind of document.",
            there_was=f"The kinds are {', '.join(KINDS)}.",
            do='fake.document("md")',
        )
    values = slots(generator, language)
    sections = generator.random.sample(language.sections, len(language.sections))
    parts = (
        language.title.format(**values),
        [(section.heading, " ".join(section.sentences).format(**values)) for section in sections],
    )
    return KINDS[kind](parts, language).encode()


def _txt(parts: Document, language: Language) -> str:
    title, sections = parts
    return "\n\n".join([title, *(f"{heading}\n\n{text}" for heading, text in sections)]) + "\n"


def _md(parts: Document, language: Language) -> str:
    title, sections = parts
    return "\n\n".join([f"# {title}", *(f"## {heading}\n\n{text}" for heading, text in sections)]) + "\n"


def _html(parts: Document, language: Language) -> str:
    title, sections = escape(parts[0]), parts[1]
    body = "\n".join(f"<h2>{escape(heading)}</h2>\n<p>{escape(text)}</p>" for heading, text in sections)
    return (
        f'<!DOCTYPE html>\n<html lang="{language.code}">\n<head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )


def _json(parts: Document, language: Language) -> str:
    title, sections = parts
    listed = [{"heading": heading, "text": text} for heading, text in sections]
    return json.dumps({"title": title, "sections": listed}, ensure_ascii=False, indent=2) + "\n"


KINDS: dict[str, Callable[[Document, Language], str]] = {"txt": _txt, "md": _md, "html": _html, "json": _json}
