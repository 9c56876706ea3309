"""What is wrong with a cassette, one line a finding: `harness check`.

A rule takes the exchanges of one conversation and yields what it finds; a new rule is a new row of `RULES`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure
from harness.recording.cassettes import read
from harness.recording.checking.bodies import schema
from harness.recording.checking.findings import Finding
from harness.recording.checking.histories import transition
from harness.recording.checking.hygiene import age, dead, duplicate, secret
from harness.recording.checking.streams import order
from harness.recording.exchanges import by_conversation
from harness.recording.redaction import Redactor
from harness.recording.session import ParsedExchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from harness.recording.checking.findings import Found, Level

    Rule = Callable[[Sequence[ParsedExchange]], Iterable[Found]]

__all__ = ["RULES", "Finding", "check"]

RULES: dict[str, Rule] = {
    "schema": schema,
    "transition": transition,
    "order": order,
    "duplicate": duplicate,
    "dead": dead,
    "age": age,
}


def check(path: Path, *, redactor: Redactor | None = None) -> list[Finding]:
    """What is wrong with a cassette of any dialect; an empty list if nothing is.

    A log of many conversations is checked one conversation at a time. Findings with the same words become one, with
    the number of their places. A file that cannot be read is a finding, too: nothing is raised for it.

    Args:
        path: a file.
        redactor: what counts as a secret, and what does not.
    """
    skipped: list[str] = []
    try:
        recorded = read(path, skipped)
    except HarnessFailure as failure:
        return [Finding("error", "unreadable", str(path), failure.happened)]
    found = [Finding("note", "skipped", *_place_and_reason(line)) for line in skipped]
    rules: dict[str, Rule] = {**RULES, "secret": partial(secret, redactor=redactor or Redactor())}
    for conversation in by_conversation(recorded).values():
        exchanges = [ParsedExchange(item) for item in conversation]
        for name, rule in rules.items():
            found += _merged(name, rule(exchanges))
    return found


def _merged(rule: str, found: Iterable[Found]) -> list[Finding]:
    places: dict[tuple[Level, str], list[str]] = {}
    for level, exchange, what in found:
        places.setdefault((level, what), []).append(exchange.recorded.origin)
    return [Finding(level, rule, _summarized(where), what) for (level, what), where in places.items()]


def _summarized(places: list[str]) -> str:
    more = len(dict.fromkeys(places)) - 1
    return f"{places[0]} and {more} more" if more else places[0]


def _place_and_reason(line: str) -> tuple[str, str]:
    """The two parts of a line of `read` about a record that it skipped."""
    place, _, reason = line.partition("]: ")
    return f"{place}]", reason
