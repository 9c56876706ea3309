"""Every way a run can end or stall, as scripts for `run_ending` and `explore`.

A way is a path through the lifecycle table (`ways`). For each, `RECIPES` says what the model does in a run that takes
it, often in several forms. A new row in the table without a recipe is an error here, before any test runs.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
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
EXPIRES_AFTER = 601  # seconds, more than the lifetime of a run
MAX_RUNS = 20  # more than a client starts

MARKER = '@pytest.mark.assistants_endings("{}")'

OPENING = "Let me see."
ANSWER = "The answer is 42."


@dataclass(frozen=True)
class CallFunctions:
    """The model calls functions of the run's own assistant, which are only known when the run begins.

    Attributes:
        calls: how many, in parallel.
        arguments: JSON or not; by default the smallest that fit the function's schema.
        name: a function that the assistant does not have, to call instead.
    """

    calls: int = 1
    arguments: str | None = None
    name: str | None = None

    def act(self, run: RunView) -> Act:
        functions = [tool["function"] for tool in run.tools if tool["type"] == "function"]
        calls = [self._call(functions[number % len(functions)]) for number in range(self.calls)]
        return calls[0] if len(calls) == 1 else acts.calls(*calls)

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


Script: TypeAlias = "tuple[Act | CallFunctions, ...]"

REQUIRED_TOOLS: dict[type, str] = {CallFunctions: "function", acts.RunCode: "code_interpreter"}


class Recipe(NamedTuple):
    """What the model does, its answer if the run gives one, and what happens before outputs arrive."""

    script: Script
    answer: str | None = None
    meanwhile: str | None = None


@dataclass(frozen=True)
class RunEnding:
    """One way a run can end or stall, as the fixture `run_ending` gives it.

    Attributes:
        name: its name in pytest's test ids: `failed-server_error-after_message`.
        status: the run's final status, if the client does everything that it is asked to.
        answer: the text of the model's last message; None where the run gives no answer, so code that returns one
            anyway has taken something else for it. A refusal is an answer; what an incomplete run wrote is not.
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

    def with_answer(self, text: str) -> RunEnding:
        """The same ending with another answer, for an app that can use only answers of a certain form, such as JSON.

        Other endings stay as they are: those without an answer, and a refusal.

        Raises:
            HarnessFailure: it is not a text.

        >>> ending("completed-one_message").with_answer('{"city": "Oslo"}').answer
        '{"city": "Oslo"}'
        """
        usual, other = acts.say(ANSWER), acts.say(text)
        script = tuple(other if act == usual else act for act in self.script)
        return replace(self, script=script, answer=text if self.answer == ANSWER else self.answer)

    def play(self, assistants: FakeAssistants, run: RunView) -> list[Act]:
        """What the model does in this run; if the run cannot end so, that is noted as a failure (`Inapplicable`)."""
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
            needed = REQUIRED_TOOLS.get(type(act))
            if needed is not None and needed not in tools:
                raise Inapplicable(
                    f"No run of {run.assistant_id} ends as {self.name}: that needs a tool of type {needed}.",
                    there_was=f"Its tools: {', '.join(sorted(tools)) or 'none'}.",
                    do=f'pytest -k "not {self.name}"',
                )
        return [act.act(run) if isinstance(act, CallFunctions) else act for act in self.script]

    def arrange(self, assistants: FakeAssistants) -> None:
        """Make every run end this way that is not scripted otherwise.

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
            action = partial(MEANWHILE_ACTIONS[self.meanwhile], assistants)
            assistants.faults.meanwhile(action, on=SUBMIT, times=MAX_RUNS)
            plan = assistants.faults.planned[-1]
            plan.always = True  # not reported as unused where a client submits no outputs
            plan.call = f'meanwhile(lambda: {self.meanwhile}, on="{SUBMIT}", times={MAX_RUNS})'


# Things that happen before outputs arrive, by their source in a test. They are no acts, as the model is idle then.
MEANWHILE_ACTIONS: dict[str, Callable[[FakeAssistants], object]] = {
    "assistants.clock.advance(601)": lambda assistants: assistants.clock.advance(601),
    "assistants.cancel_runs()": lambda assistants: assistants.cancel_runs(),
}

# By the title of a way: its recipes, by the names of the endings.
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
        "requires_action-one_call": Recipe((CallFunctions(), acts.say(ANSWER)), ANSWER),
        "requires_action-parallel_calls": Recipe((CallFunctions(calls=2), acts.say(ANSWER)), ANSWER),
        "requires_action-twice_in_a_row": Recipe((CallFunctions(), CallFunctions(), acts.say(ANSWER)), ANSWER),
        "requires_action-malformed_arguments": Recipe(
            (CallFunctions(arguments='{"query": "Os'), acts.say(ANSWER)), ANSWER
        ),
        "requires_action-empty_arguments": Recipe((CallFunctions(arguments="{}"), acts.say(ANSWER)), ANSWER),
        "requires_action-unknown_function": Recipe((CallFunctions(name="no_such_function"), acts.say(ANSWER)), ANSWER),
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
    "queued expire": {"expired-never_picked_up": Recipe((acts.wait(EXPIRES_AFTER), acts.say(ANSWER)))},
    "in_progress expire": {"expired-in_progress": Recipe((acts.hang(),))},
    "in_progress call, requires_action expire": {
        "expired-waiting_for_outputs": Recipe(
            (CallFunctions(), acts.say(ANSWER)), None, "assistants.clock.advance(601)"
        )
    },
    "queued cancel, cancelling stop": {"cancelled-queued": Recipe((acts.wait(5), acts.cancel()))},
    "in_progress call, requires_action cancel, cancelling stop": {
        "cancelled-waiting_for_outputs": Recipe((CallFunctions(), acts.say(ANSWER)), None, "assistants.cancel_runs()")
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
        "cancelling-expired_meanwhile": Recipe((acts.say(OPENING), acts.cancel(takes=EXPIRES_AFTER)))
    },
}


def ways(table: Iterable[Row] = RUN) -> Iterator[tuple[Row, ...]]:
    """Every path from a new run to a terminal status, or to the first row that leads back to a status.

    A cancellation is not overtaken by an idle model, which has nothing to finish or to fail.
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
    """The rows of a way but `create` and `pick_up`, as text: `in_progress call, requires_action expire`."""
    return ", ".join(f"{row.source} {row.because}" for row in way if row.because not in ("create", "pick_up"))


@cache
def endings() -> tuple[RunEnding, ...]:
    """All endings, always in the same order.

    >>> [str(each) for each in endings() if each.status == "expired"][:2]
    ['expired-never_picked_up', 'expired-in_progress']
    """
    found = {title(way): way for way in ways()}
    unmatched = found.keys() ^ RECIPES.keys()
    assert not unmatched, (
        f"every way through the lifecycle table has a recipe, and every recipe a way: {sorted(unmatched)}"
    )
    return tuple(
        RunEnding(name, _status(found[way]), recipe.answer, found[way], recipe.script, recipe.meanwhile)
        for way, forms in RECIPES.items()
        for name, recipe in forms.items()
    )


def _status(way: tuple[Row, ...]) -> str:
    """The final status of a way. One that ends with outputs, which put the run back in the queue, completes."""
    return "completed" if way[-1].to == "queued" else way[-1].to


def ending(name: str) -> RunEnding:
    """The ending with this name.

    Raises:
        HarnessFailure: there is none; the message has the nearest.
    """
    for each in endings():
        if each.name == name:
            return each
    raise _unknown(name)


def matching_endings(patterns: Iterable[str], *, usage: str = MARKER) -> list[RunEnding]:
    """The endings whose name matches one of the patterns, see `matches`.

    Args:
        usage: how the user writes a pattern, for the message, with `{}` for the pattern.

    >>> [str(each) for each in matching_endings(["incomplete-max_prompt_tokens", "*refusal"])]
    ['completed-refusal', 'incomplete-max_prompt_tokens-before_message', 'incomplete-max_prompt_tokens-during_message']

    Raises:
        HarnessFailure: a pattern matches none.
    """
    wanted = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    for pattern in wanted:
        if not any(matches(each.name, pattern) for each in endings()):
            raise _unknown(pattern, usage)
    return [each for each in endings() if any(matches(each.name, pattern) for pattern in wanted)]


def matches(name: str, pattern: str) -> bool:
    """Whether a name matches a pattern, in which `*` stands for any text, or begins with it and a hyphen."""
    return fnmatchcase(name, pattern) or name.startswith(f"{pattern}-")


def _unknown(name: str, usage: str = MARKER) -> HarnessFailure:
    names = [each.name for each in endings()]
    patterns = dict.fromkeys(pattern for name in names for pattern in accumulate(name.split("-"), "{}-{}".format))
    near = difflib.get_close_matches(name, patterns, n=1)
    return HarnessFailure(
        f"No run ending is called {name!r}.",
        there_was=f"There are {', '.join(names)}.",
        do=usage.format(near[0] if near else "expired"),
    )
