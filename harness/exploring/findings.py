"""What `explore` found: as lines, as a table of rich, as JSON, and as a failure."""

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

FALSE = ("None", "False", "0", "''", "[]", "{}", "()")  # as they are printed
MOST_BUGS = 8  # that a failure lists


@dataclass(frozen=True)
class Findings:
    """What became of a client in every situation. Printed, a line for each; `rich.print` makes a table of it.

    Attributes:
        client: its name.
        outcomes: single situations, and of pairs those that show more than their parts.
        left_out: situations that did not come about: the client never makes the request that was to go wrong, or its
            assistant lacks the tool.
        played: how many did.
    """

    client: str
    outcomes: Sequence[Outcome]
    left_out: Sequence[str]
    played: int

    @property
    def bugs(self) -> list[Outcome]:
        """Where it hung, crashed, made a success of a failure, or returned and left the thread locked."""
        return [outcome for outcome in self.outcomes if outcome.is_bug]

    def check(self, *, allow: Iterable[str] = ()) -> None:
        """Nothing, if there are no bugs.

        Args:
            allow: situations whose bugs are known, by name or pattern (`*` stands for any text).

        Raises:
            HarnessFailure: there are; the message lists them, with a test that reproduces the first.
        """
        __tracebackhide__ = True
        allowed = (allow,) if isinstance(allow, str) else tuple(allow)
        left = [bug for bug in self.bugs if not any(matches(bug.situation.name, pattern) for pattern in allowed)]
        if not left:
            return
        more = f"\n    … and {len(left) - MOST_BUGS} more" if len(left) > MOST_BUGS else ""
        raise HarnessFailure(
            f"{self.client} does not survive {len(left)} of {self.played} situations.",
            there_was="\n".join(f"    {bug}" for bug in left[:MOST_BUGS]) + more,
            do=f"# a test that reproduces the first of them\n{left[0].script}",
        )

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
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
        usual = self.outcomes[0]
        if usual.situation.name == BASELINE and usual.detail in FALSE:
            line += f" (it returns {usual.detail} when all goes well: without an answer there, wrong ones are not seen)"
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
