"""Every way a run can end or stall, as scripts: what `run_ending` and `explore` take a client through.

The ways are walked off the lifecycle table (`ways`); `RECIPES` says for each what the model has to do for a run to go
it, often in several forms. A new row in the table without a recipe is an error here, before any test runs.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, get_args

from pydantic_core import to_json

from harness.arguments import arguments_for
from harness.failures import HarnessFailure, Inapplicable
from harness.service import acts, last_errors
from harness.service.director import PLACEHOLDER
from harness.service.lifecycle import NEW, RUN, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from harness.fake import FakeAssistants
    from harness.service.acts import Act
    from harness.service.views import RunView

SUBMIT = "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs"
LATE = 601  # seconds, more than a run lives
OFTEN = 20  # more runs than a client tries

MARKER = '@pytest.mark.assistants_endings("{}")'

OPENING = "Let me see."
ANSWER = "The answer is 42."


@dataclass(frozen=True)
class Ask:
    """The model calls functions of the run's own assistant, which are known when the run begins.

    `arguments` are as the model wrote them, by default the smallest that fit the function's schema; `name` is that of
    a function which the assistant does not have.
    """

    calls: int = 1
    arguments: str | None = None
    name: str | None = None

    def act(self, run: RunView) -> Act:
        functions = [tool["function"] for tool in run.tools if tool["type"] == "function"]
        made = [self._call(functions[number % len(functions)]) for number in range(self.calls)]
        return made[0] if len(made) == 1 else acts.calls(*made)

    def _call(self, function: Mapping[str, Any]) -> acts.Call:
        name = self.name or str(function["name"])
        if self.arguments is not None:
            return acts.call(name, arguments_json=self.arguments)
        parameters: Any = function.get("parameters")
        try:
            arguments = arguments_for(parameters, strict=bool(function.get("strict")))
        except HarnessFailure as failure:
            raise Inapplicable(failure.happened, there_was=failure.there_was, do=failure.do) from failure
        return acts.call(name, arguments_json=to_json(arguments).decode())


Script: TypeAlias = "tuple[Act | Ask, ...]"

NEEDS: dict[type, str] = {Ask: "function", acts.RunCode: "code_interpreter"}


class Recipe(NamedTuple):
    """What the model does, the text it answers with, and what else has to happen."""

    script: Script
    answer: str | None = None
    meanwhile: str | None = None


@dataclass(frozen=True)
class RunEnding:
    """One way a run can end or stall: what the fixture `run_ending` gives.

    Attributes:
        name: how pytest shows it: `failed-server_error-after_message`.
        status: the run's last status, if the client does all that is asked of it.
        answer: what the model's last message says; None where the run gives no answer, so code that returns one
            anyway has taken something else for it. A refusal is an answer. What an incomplete run has written is none.
        way: the rows of the lifecycle table that the run goes through.
    """

    name: str
    status: str
    answer: str | None
    way: tuple[Row, ...] = field(repr=False)
    script: Script = field(repr=False)
    meanwhile: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.name

    def play(self, assistants: FakeAssistants, run: RunView) -> list[Act]:
        """What the model does in this run; an ending that the run cannot have is noted, see `Inapplicable`."""
        try:
            return self.acts(run)
        except Inapplicable as reason:
            assistants.failures.append(reason)
            return [PLACEHOLDER]

    def acts(self, run: RunView) -> list[Act]:
        """What the model does in this run.

        Raises:
            Inapplicable: the model would use a tool that the run does not have.
        """
        tools = {tool["type"] for tool in run.tools}
        for act in self.script:
            needed = NEEDS.get(type(act))
            if needed is not None and needed not in tools:
                raise Inapplicable(
                    f"No run of {run.assistant_id} ends as {self.name}: that needs a tool of type {needed}.",
                    there_was=f"Its tools: {', '.join(sorted(tools)) or 'none'}.",
                    do=f'pytest -k "not {self.name}"',
                )
        return [act.act(run) if isinstance(act, Ask) else act for act in self.script]

    def arrange(self, assistants: FakeAssistants) -> None:
        """Let every run that is not scripted otherwise end this way.

        >>> from harness import fake_assistants
        >>> with fake_assistants() as assistants:
        ...     ending("failed-server_error-before_message").arrange(assistants)
        ...     client = assistants.client()
        ...     assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.")
        ...     client.beta.threads.create_and_run_poll(assistant_id=assistant.id).status
        'failed'
        """
        assistants.model(partial(self.play, assistants))
        if self.meanwhile is not None:
            happens = partial(MEANWHILE[self.meanwhile], assistants)
            assistants.faults.meanwhile(happens, on=SUBMIT, times=OFTEN)
            plan = assistants.faults.planned[-1]
            plan.always = True  # a client that submits nothing misses nothing
            plan.call = f'meanwhile(lambda: {self.meanwhile}, on="{SUBMIT}", times={OFTEN})'


# What happens before outputs arrive, as a test would write it: the model is not at work then, so it is no act.
MEANWHILE: dict[str, Callable[[FakeAssistants], object]] = {
    "assistants.clock.advance(601)": lambda assistants: assistants.clock.advance(601),
    "assistants.cancel_runs()": lambda assistants: assistants.cancel_runs(),
}

# By the rows that matter, all but `create` and `pick_up`: the forms of this way, by what is added to its name.
RECIPES: dict[str, dict[str, Recipe]] = {
    "in_progress finish": {
        "completed-one_message": Recipe((acts.say(ANSWER),), ANSWER),
        "completed-several_messages": Recipe((acts.say(OPENING), acts.say(ANSWER)), ANSWER),
        "completed-image_first": Recipe((acts.run_code("plt.plot(x)", images=["plot.png"]), acts.say(ANSWER)), ANSWER),
        "completed-empty_text": Recipe((acts.say(""),)),
        "completed-no_message": Recipe(()),
        "completed-refusal": Recipe((acts.refuse("I can't help with that."),), "I can't help with that."),
    },
    "in_progress call, requires_action submit_tool_outputs": {
        "requires_action-one_call": Recipe((Ask(), acts.say(ANSWER)), ANSWER),
        "requires_action-parallel_calls": Recipe((Ask(calls=2), acts.say(ANSWER)), ANSWER),
        "requires_action-twice_in_a_row": Recipe((Ask(), Ask(), acts.say(ANSWER)), ANSWER),
        "requires_action-malformed_arguments": Recipe((Ask(arguments='{"query": "Os'), acts.say(ANSWER)), ANSWER),
        "requires_action-empty_arguments": Recipe((Ask(arguments="{}"), acts.say(ANSWER)), ANSWER),
        "requires_action-unknown_function": Recipe((Ask(name="no_such_function"), acts.say(ANSWER)), ANSWER),
    },
    "in_progress fail": {
        f"failed-{code}-{when}": Recipe((*before, acts.fail(code)))
        for code in last_errors.TEXTS
        for when, before in {
            "before_message": (),
            "during_message": (acts.say(OPENING),),
            "after_message": (acts.say(OPENING), acts.wait(1)),
        }.items()
    },
    "in_progress truncate": {
        f"incomplete-{reason}-{when}": Recipe((*before, acts.truncate(reason)))
        for reason in get_args(acts.Reason)
        for when, before in {"before_message": (), "during_message": (acts.say(OPENING),)}.items()
    },
    "queued expire": {"expired-never_picked_up": Recipe((acts.wait(LATE), acts.say(ANSWER)))},
    "in_progress expire": {"expired-in_progress": Recipe((acts.hang(),))},
    "in_progress call, requires_action expire": {
        "expired-waiting_for_outputs": Recipe((Ask(), acts.say(ANSWER)), None, "assistants.clock.advance(601)")
    },
    "queued cancel, cancelling stop": {"cancelled-queued": Recipe((acts.wait(5), acts.cancel()))},
    "in_progress call, requires_action cancel, cancelling stop": {
        "cancelled-waiting_for_outputs": Recipe((Ask(), acts.say(ANSWER)), None, "assistants.cancel_runs()")
    },
    "in_progress cancel, cancelling stop": {
        "cancelled-in_progress": Recipe((acts.say(OPENING), acts.cancel())),
        "cancelled-slowly": Recipe((acts.say(OPENING), acts.cancel(takes=60))),
    },
    "in_progress cancel, cancelling finish": {
        "cancelling-completed_after_all": Recipe((acts.say(ANSWER), acts.cancel(then="completed")), ANSWER)
    },
    "in_progress cancel, cancelling fail": {
        "cancelling-failed_meanwhile": Recipe((acts.say(OPENING), acts.cancel(then="failed")))
    },
    "in_progress cancel, cancelling expire": {
        "cancelling-expired_meanwhile": Recipe((acts.say(OPENING), acts.cancel(takes=LATE)))
    },
}


def ways(table: Iterable[Row] = RUN) -> Iterator[tuple[Row, ...]]:
    """Every way from a new run to an end on which no status comes twice; or to where it leads back to one.

    What overtakes a cancellation is left out where the model is not at work: it has nothing to finish or to fail.
    """
    rows = tuple(table)

    def onward(way: tuple[Row, ...]) -> Iterator[tuple[Row, ...]]:
        leaving = [row for row in rows if row.source == way[-1].to]
        for row in leaving:
            if row.source == "cancelling" and row.because != "stop" and way[-1].source != "in_progress":
                continue
            if any(row.to == passed.to for passed in way):
                yield (*way, row)
            else:
                yield from onward((*way, row))
        if not leaving:
            yield way

    for row in rows:
        if row.source == NEW:
            yield from onward((row,))


def title(way: tuple[Row, ...]) -> str:
    """The rows of a way that matter: `in_progress call, requires_action expire`."""
    return ", ".join(f"{row.source} {row.because}" for row in way if row.because not in ("create", "pick_up"))


@cache
def endings() -> tuple[RunEnding, ...]:
    """All of them, in an order that stays.

    >>> [str(each) for each in endings() if each.status == "expired"][:2]
    ['expired-never_picked_up', 'expired-in_progress']
    """
    found = {title(way): way for way in ways()}
    odd = found.keys() ^ RECIPES.keys()
    assert not odd, f"every way through the lifecycle table has a recipe, and every recipe a way: {sorted(odd)}"
    return tuple(
        RunEnding(name, _status(found[way]), recipe.answer, found[way], recipe.script, recipe.meanwhile)
        for way, forms in RECIPES.items()
        for name, recipe in forms.items()
    )


def _status(way: tuple[Row, ...]) -> str:
    """Where a way ends. Outputs lead back into the queue, and from there the run ends well."""
    return "completed" if way[-1].to == "queued" else way[-1].to


def ending(name: str) -> RunEnding:
    """The one of this name.

    Raises:
        HarnessFailure: there is none; the message has the nearest.
    """
    for each in endings():
        if each.name == name:
            return each
    raise _unknown(name)


def chosen(patterns: Iterable[str], *, spelt: str = MARKER) -> list[RunEnding]:
    """Those whose name fits one of the patterns, where `*` stands for any text, or begins with one.

    `spelt` is how the user writes one, with `{}` in its place.

    >>> [str(each) for each in chosen(["incomplete-max_prompt_tokens", "*refusal"])]
    ['completed-refusal', 'incomplete-max_prompt_tokens-before_message', 'incomplete-max_prompt_tokens-during_message']

    Raises:
        HarnessFailure: a pattern fits none.
    """
    wanted = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    for pattern in wanted:
        if not any(fits(each.name, pattern) for each in endings()):
            raise _unknown(pattern, spelt)
    return [each for each in endings() if any(fits(each.name, pattern) for pattern in wanted)]


def fits(name: str, pattern: str) -> bool:
    """Whether a name is what the pattern says, or begins with it."""
    return fnmatchcase(name, pattern) or name.startswith(f"{pattern}-")


def _unknown(name: str, spelt: str = MARKER) -> HarnessFailure:
    names = [each.name for each in endings()]
    patterns = dict.fromkeys(pattern for name in names for pattern in accumulate(name.split("-"), "{}-{}".format))
    near = difflib.get_close_matches(name, patterns, n=1)
    return HarnessFailure(
        f"No run ending is called {name!r}.",
        there_was=f"There are {', '.join(names)}.",
        do=spelt.format(near[0] if near else "expired"),
    )
