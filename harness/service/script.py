"""What the model does in a run: acts, checked when they are written down, and the source a run takes them from.

An act is a value. The engine performs it; nothing here knows how.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.service.views import RunView

FailureCode = Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
Reason = Literal["max_completion_tokens", "max_prompt_tokens"]

# CONTRACT §3.5: the texts the service gave with each code. That of invalid_prompt is not recorded.
FAILURE_TEXTS: dict[str, str] = {
    "server_error": "Sorry, something went wrong.",
    "rate_limit_exceeded": (
        "You exceeded your current quota, please check your plan and billing details. For more information on "
        "this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
    ),
    "invalid_prompt": "Invalid prompt.",
}


@dataclass(frozen=True)
class Say:
    text: str
    beats_cancel: bool = False


@dataclass(frozen=True)
class Refuse:
    text: str


@dataclass(frozen=True)
class Call:
    name: str
    arguments: str
    id: str | None = None


@dataclass(frozen=True)
class Calls:
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class RunCode:
    source: str
    logs: str | None = None


@dataclass(frozen=True)
class Search:
    results: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Fail:
    code: str
    message: str
    beats_cancel: bool = False


@dataclass(frozen=True)
class Truncate:
    reason: Reason


@dataclass(frozen=True)
class Hang:
    pass


@dataclass(frozen=True)
class Cancel:
    pass


@dataclass(frozen=True)
class Wait:
    seconds: float


Act = Say | Refuse | Call | Calls | RunCode | Search | Fail | Truncate | Hang | Cancel | Wait
ACTS = (Say, Refuse, Call, Calls, RunCode, Search, Fail, Truncate, Hang, Cancel, Wait)

# After one of these the model does nothing more in the run.
ENDS = (Fail, Truncate, Hang, Cancel)


def say(text: str, *, beats_cancel: bool = False) -> Say:
    """The assistant writes a message: a message_creation step and an assistant message.

    An ending (`fail`, `truncate`, `hang`, `cancel`) that directly follows cuts the message off: it stays
    `in_progress` and then becomes `incomplete`. Put a `wait` between the two to let the message complete first.

    Args:
        text: what the message says.
        beats_cancel: a cancellation that arrives while this message is written comes too late, and the run
            completes from `cancelling` (CONTRACT §3.1, "attempted but not guaranteed").

    >>> say("4 °C and rain")
    Say(text='4 °C and rain', beats_cancel=False)
    """
    return Say(_text(text, "say"), beats_cancel)


def refuse(text: str) -> Refuse:
    """The assistant declines: a message whose only part is of type `refusal` (CONTRACT §2.3).

    >>> refuse("I can't help with that.")
    Refuse(text="I can't help with that.")
    """
    return Refuse(_text(text, "refuse"))


def call(name: str, /, *, arguments_json: str | None = None, call_id: str | None = None, **arguments: object) -> Call:
    """The model calls a function: the run goes to `requires_action` and waits for its output.

    Args:
        name: the function's name.
        arguments_json: the arguments exactly as the model wrote them, also malformed; in place of keywords.
        call_id: the id of the tool call, for code that has one written down; by default one is made.
        **arguments: the arguments, encoded as JSON with non-ASCII text unescaped.

    Raises:
        HarnessFailure: both keywords and `arguments_json` are given, or a value that JSON cannot express.

    >>> call("get_weather", city="Oslo")
    Call(name='get_weather', arguments='{"city":"Oslo"}', id=None)
    """
    if arguments_json is not None and arguments:
        raise HarnessFailure(
            f"call({name!r}, …) was given arguments twice.",
            there_was=f"arguments_json={arguments_json!r} and the keywords {', '.join(arguments)}.",
            do="Keep one of them; arguments_json is for text that is not valid JSON.",
        )
    if arguments_json is None:
        try:
            arguments_json = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            raise HarnessFailure(
                f"call({name!r}, …) was given an argument that is not JSON: {error}.",
                do=f"call({name!r}, arguments_json='…')   # or pass plain values",
            ) from error
    return Call(name, arguments_json, call_id)


def calls(*several: Call) -> Calls:
    """The model calls several functions at once: one step, one `requires_action`, all outputs in one request.

    Raises:
        HarnessFailure: something other than `call(…)` is given, or nothing.

    >>> len(calls(call("get_weather", city="Oslo"), call("get_weather", city="Bergen")).calls)
    2
    """
    wrong = [act for act in several if not isinstance(act, Call)]
    if wrong or not several:
        raise HarnessFailure(
            "calls(…) takes one or more call(…).",
            there_was=f"It was given {', '.join(map(repr, wrong)) or 'nothing'}.",
            do='calls(call("get_weather", city="Oslo"), call("get_weather", city="Bergen"))',
        )
    return Calls(several)


def run_code(source: str, *, logs: str | None = None) -> RunCode:
    """The code interpreter runs a cell: a tool_calls step with the source and, if given, its logs.

    Nothing is executed; `logs` is what the cell is said to have printed. Without it the step has no outputs,
    which is what the service showed from 2025 on (CONTRACT §2.5).

    >>> run_code("print(6 * 7)", logs="42")
    RunCode(source='print(6 * 7)', logs='42')
    """
    return RunCode(_text(source, "run_code"), logs)


def search(*, results: Iterable[Mapping[str, Any]] = ()) -> Search:
    """The model searches the files: a file_search step (v1: retrieval) with the given results.

    Nothing is searched; `results` are shown as they are, in the shape of CONTRACT §2.5.

    >>> search()
    Search(results=())
    """
    return Search(tuple(results))


def fail(code: FailureCode | str = "server_error", message: str | None = None, *, beats_cancel: bool = False) -> Fail:
    """The run fails with `last_error`. Every HTTP answer of such a run is still 200 (CONTRACT §3.5).

    Args:
        code: `server_error`, `rate_limit_exceeded` or `invalid_prompt`; another text is passed on as it is.
        message: the text of `last_error`; by default the service's own for that code.
        beats_cancel: fails even when a cancellation arrives first.

    >>> fail().message
    'Sorry, something went wrong.'
    """
    return Fail(code, FAILURE_TEXTS.get(code, code) if message is None else message, beats_cancel)


def truncate(reason: Reason = "max_completion_tokens") -> Truncate:
    """The run ends `incomplete` because a token limit was reached; a message just being written is cut off.

    Raises:
        HarnessFailure: the reason is not one of the service's two.

    >>> truncate().reason
    'max_completion_tokens'
    """
    if reason not in ("max_completion_tokens", "max_prompt_tokens"):
        raise HarnessFailure(
            f"truncate({reason!r}): the service knows no such reason.",
            do='truncate("max_completion_tokens")   # or "max_prompt_tokens"',
        )
    return Truncate(reason)


def hang() -> Hang:
    """The model never comes back: the run stays `in_progress` until it expires, 600 s after its creation."""
    return Hang()


def cancel() -> Cancel:
    """Somebody else cancels the run: it goes to `cancelling` and then to `cancelled`."""
    return Cancel()


def wait(seconds: float) -> Wait:
    """Virtual time passes in the current status.

    As the first act, or the first after tool outputs, the run is still `queued`, and stays so that much longer.

    Raises:
        HarnessFailure: `seconds` is negative.

    >>> wait(30)
    Wait(seconds=30)
    """
    if not seconds >= 0:
        raise HarnessFailure(f"wait({seconds!r}): time only moves forward.", do="wait(0)   # or more")
    return Wait(seconds)


def _text(text: object, act: str) -> str:
    if not isinstance(text, str):
        raise HarnessFailure(
            f"{act}(…) takes a text, and was given {text!r}.",
            do=f"{act}(str(value))   # or json.dumps(value)",
        )
    return text


def as_acts(given: object, *, where: str) -> tuple[Act, ...]:
    """What a user wrote down as acts, checked: a text is `say(text)`, and nothing follows an ending.

    Raises:
        HarnessFailure: something is not an act, or an act can never be reached.
    """
    acts: list[Act] = []
    items: Iterable[object] = (given,)
    if isinstance(given, Iterable) and not isinstance(given, (str, *ACTS)):
        items = given
    for item in items:
        act = say(item) if isinstance(item, str) else item
        if not isinstance(act, ACTS):
            raise HarnessFailure(
                f"{where}: {act!r} is not an act.",
                there_was="Acts are made by say, call, calls, refuse, run_code, search, wait, fail, truncate, "
                "hang and cancel.",
                do='from harness import say\nassistants.next_run(say("…"))',
            )
        if acts and isinstance(acts[-1], ENDS):
            raise HarnessFailure(
                f"{where}: {act!r} can never happen, because {acts[-1]!r} ends the run.",
                do="Remove it, or give it to another run: assistants.next_run(…)",
            )
        acts.append(act)
    return tuple(acts)


@dataclass
class Script:
    """Acts, or a function that gives them, for one run or for many; `origin` is the user's own line."""

    source: tuple[Act, ...] | Callable[[RunView], object]
    origin: str
    taken_by: list[str] = field(default_factory=list)


@dataclass
class Playback:
    """Where one run stands in its script.

    A generator cannot be copied, and a snapshot copies everything: so what was sent into it is kept, and a
    copied playback starts its generator anew and sends the same again.
    """

    script: Script
    acts: list[Act] = field(default_factory=list)
    started: bool = False
    sent: list[object] = field(default_factory=list)
    _generator: Generator[object, object, object] | None = None

    def __deepcopy__(self, memo: dict[int, object]) -> Playback:
        return Playback(self.script, list(self.acts), self.started, list(self.sent))

    def peek(self, view: Callable[[], RunView]) -> Act | None:
        """The act that comes next, without taking it; None when the script is at its end."""
        if not self.acts:
            self.acts = self._more(view, None)
        return self.acts[0] if self.acts else None

    def take(self) -> Act:
        """Take the act that `peek` showed."""
        return self.acts.pop(0)

    def put(self, act: Act) -> Act:
        """Let this act come next."""
        self.acts.insert(0, act)
        return act

    def answer(self, view: Callable[[], RunView], outputs: object) -> None:
        """Hand the tool outputs to the generator that asked for them."""
        if not self.acts:
            self.acts = self._more(view, outputs)

    def beats_cancel(self) -> bool:
        """Whether the act under way, or an ending right behind it, is done before a cancellation."""
        return any(getattr(act, "beats_cancel", False) for act in self.acts[:2])

    def _more(self, view: Callable[[], RunView], value: object) -> list[Act]:
        source = self.script.source
        try:
            if not callable(source):
                given: object = () if self.started else source
            elif inspect.isgeneratorfunction(source):
                given = self._resume(source, view, value)
            else:
                given = () if self.started else _ask(source, view(), self.script.origin)
        except Exception as error:
            raise HarnessFailure(
                f"{self.script.origin}: the model function raised {type(error).__name__}: {error}",
                do="Its traceback stands above this one.",
            ) from error
        self.started = True
        return list(as_acts(given, where=self.script.origin))

    def _resume(
        self,
        model: Callable[[RunView], Generator[object, object, object]],
        view: Callable[[], RunView],
        value: object,
    ) -> object:
        try:
            if self._generator is None:
                self._generator = model(view())
                for earlier in self.sent:
                    self._generator.send(earlier)
            self.sent.append(value if self.started else None)
            return self._generator.send(self.sent[-1])
        except StopIteration as stop:
            return () if stop.value is None else stop.value


def _ask(model: Callable[[RunView], object], run: RunView, origin: str) -> object:
    given = model(run)
    if inspect.isawaitable(given):
        getattr(given, "close", lambda: None)()
        raise HarnessFailure(
            f"{origin}: the model is an async function, and nothing awaits it.",
            do="def model(run): ...   # without async",
        )
    return () if given is None else given
