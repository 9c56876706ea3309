"""The findings of `explore`: as text, as a table of rich, as JSON, and as a failure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.endings import matches
from harness.exploring.situations import BASELINE
from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.table import Table

    from harness.exploring.verdicts import Outcome

FALSY = ("None", "False", "0", "''", "[]", "{}", "()")  # as they are printed
MAX_BUGS = 8  # that a failure lists


@dataclass(frozen=True)
class Findings:
    """The outcomes of a client in all situations. Printed, one line each; `rich.print` shows a table.

    Attributes:
        client: its name.
        outcomes: of single situations, and of those pairs that show more than their parts.
        left_out: situations that did not occur: the client never makes the request that was to fail, or its assistant
            lacks the tool.
        played: how many occurred.
    """

    client: str
    outcomes: Sequence[Outcome]
    left_out: Sequence[str]
    played: int

    @property
    def bugs(self) -> list[Outcome]:
        """Outcomes in which the client hung, crashed, took a failure for a success, or left the thread locked."""
        return [outcome for outcome in self.outcomes if outcome.is_bug]

    def check(self, *, allow: Iterable[str] = ()) -> None:
        """Fail if there are bugs.

        Args:
            allow: situations whose bugs are known, by name or pattern (`*` stands for any text).

        Raises:
            HarnessFailure: there are bugs; the message lists them, with a test that reproduces the first.
        """
        __tracebackhide__ = True
        allowed = (allow,) if isinstance(allow, str) else tuple(allow)
        unexpected = [bug for bug in self.bugs if not any(matches(bug.situation.name, pattern) for pattern in allowed)]
        if not unexpected:
            return
        more = f"\n    … and {len(unexpected) - MAX_BUGS} more" if len(unexpected) > MAX_BUGS else ""
        raise HarnessFailure(
            f"{self.client} does not survive {len(unexpected)} of {self.played} situations.",
            there_was="\n".join(f"    {bug}" for bug in unexpected[:MAX_BUGS]) + more,
            do=f"# a test that reproduces the first of them\n{unexpected[0].script}",
        )

    def as_json(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return {
            "client": self.client,
            "played": self.played,
            "verdicts": dict(Counter(outcome.label for outcome in self.outcomes)),
            "bugs": len(self.bugs),
            "outcomes": [outcome.as_json() for outcome in self.outcomes],
            "left_out": list(self.left_out),
        }

    def __str__(self) -> str:
        return "\n".join([self._headline(), *map(str, self.outcomes)])

    def _headline(self) -> str:
        bugs = len(self.bugs)
        line = f"{self.client}: {bugs} {'bug' if bugs == 1 else 'bugs'} in {self.played} situations"
        baseline = self.outcomes[0]
        if baseline.situation.name == BASELINE and baseline.detail in FALSY:
            line += f" (it returns {baseline.detail} when all goes well, so wrong answers cannot be recognized)"
        return line

    def __rich__(self) -> Table:
        from rich.table import Table  # noqa: PLC0415 - rich calls this, so it is there
        from rich.text import Text  # noqa: PLC0415 - it is there, as rich calls this

        table = Table("", "situation", "verdict", "what it did", title=self._headline())
        for outcome in self.outcomes:
            style = "red" if outcome.is_bug else "green"
            table.add_row(
                Text(outcome.mark, style), outcome.situation.name, Text(outcome.label, style), Text(outcome.detail)
            )
        return table
