"""Which run gets which script, as data: `next_run`, `when` and `every_run`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from harness.failures import HarnessFailure
from harness.scenarios import acts
from harness.scenarios.contents import StrictModel
from harness.scenarios.places import ScenarioError, preview
from harness.scenarios.validating import validated
from harness.service.director import CONDITIONS, Rule
from harness.service.script import Script, as_acts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.scenarios.places import Place

RULE = '- {"message": "weather", "run": [{"say": "4 °C and rain"}]}'


class Matches(StrictModel):
    """A regular expression of Python, which is searched for."""

    matches: str = Field(description="`(?i)` in front ignores case.")


_FIELDS: dict[str, Any] = {
    **{name: (dict[str, str] if name == "metadata" else str | Matches, Field(None)) for name in CONDITIONS},
    "run": (Any, Field(..., description="What the model does: an act, or a list of acts.")),
}
When = create_model("When", __base__=StrictModel, __doc__="Conditions, all of which a run has to meet.", **_FIELDS)


def items(data: Any, place: Place) -> Iterator[tuple[Any, Place]]:
    """The items of a section, each with its place; a value that is not a list counts as a list of one."""
    if isinstance(data, list):
        yield from ((item, place / index) for index, item in enumerate(data))
    else:
        yield data, place


def script(data: Any, place: Place) -> Script:
    """The script that data describes: an act, or a list of acts.

    Raises:
        HarnessFailure: an item is no act, or an act can never happen.
    """
    read = [acts.read(item, where) for item, where in items(data, place)]
    try:
        return Script(as_acts(read, where=str(place)), str(place))
    except HarnessFailure as error:
        raise ScenarioError(error.happened, do=f"- {acts.VERBS['hang'].example}   # and nothing after it") from error


def queue(data: Any, place: Place) -> list[Script]:
    """The scripts for the next runs: a list of lists of acts; a list of acts, even an empty one, is a single script.

    Raises:
        HarnessFailure: some items are acts, and some are lists of acts.
    """
    lists = [isinstance(item, list) for item in data] if isinstance(data, list) else []
    if not any(lists):
        return [script(data, place)]
    if not all(lists):
        index = lists.index(False)
        raise (place / index).failure(
            f"{preview(data[index])} is not a list of acts, but others beside it are.",
            there_was="There can be one script, a list of acts, or several, a list of such lists.",
            do=f"- [{acts.VERBS['say'].example}]",
        )
    return [script(item, place / index) for index, item in enumerate(data)]


def rule(data: Any, place: Place) -> Rule:
    """The rule that data describes: a script, and the conditions under which a run gets it.

    Raises:
        HarnessFailure: a condition does not exist, or a regular expression is invalid.
    """
    given = validated(When, data, place, "rule", RULE)
    conditions = {name: _condition(getattr(given, name), place / name) for name in data if name != "run"}
    return Rule(conditions, script(data["run"], place / "run"))


def _condition(wanted: Any, place: Place) -> Any:
    if not isinstance(wanted, Matches):
        return wanted
    try:
        return re.compile(wanted.matches)
    except re.error as error:
        raise (place / "matches").failure(
            f"{wanted.matches!r} is not a regular expression: {error}.", do='{"matches": "(?i)weather|rain"}'
        ) from error
