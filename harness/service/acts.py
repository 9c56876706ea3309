"""What the model does in a run: acts, checked when they are made.

An act is a value, which the engine performs.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from harness.failures import HarnessFailure
from harness.service import last_errors
from harness.service.checks import check_seconds, entries, listed, objects
from harness.service.products import Product, checked_files, checked_images
from harness.service.texts import annotations_for, check_text, file_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.service.records import File

FailureCode = Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
Reason = Literal["max_completion_tokens", "max_prompt_tokens"]
Cancelled = Literal["cancelled", "completed", "failed"]


@dataclass(frozen=True)
class Say:
    text: str
    beats_cancel: bool = False
    images: tuple[str, ...] | None = field(default=None, repr=False)  # None: what the run's cells drew
    annotations: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    pieces: tuple[str, ...] | None = field(default=None, repr=False)
    auto_citations: bool = field(default=False, repr=False)  # cites what the run's last search found


@dataclass(frozen=True)
class Refuse:
    text: str
    pieces: tuple[str, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Call:
    name: str
    arguments: str
    id: str | None = None
    pieces: tuple[str, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Calls:
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class RunCode:
    source: str
    logs: str | None = None
    images: tuple[str | Product, ...] = field(default=(), repr=False)
    pieces: tuple[str, ...] | None = field(default=None, repr=False)
    files: tuple[Product, ...] = field(default=(), repr=False)
    execute: bool = field(default=False, repr=False)


@dataclass(frozen=True)
class Search:
    results: tuple[Mapping[str, Any], ...] | None = None  # None: the run's files are searched
    query: str | None = None


@dataclass(frozen=True)
class Fail:
    code: str
    message: str
    beats_cancel: bool = False
    on_azure: str | None = field(default=None, repr=False)  # the message on Azure, if it differs


@dataclass(frozen=True)
class Truncate:
    reason: Reason


@dataclass(frozen=True)
class Hang:
    pass


@dataclass(frozen=True)
class Cancel:
    takes: float | None = None
    then: Cancelled = "cancelled"


@dataclass(frozen=True)
class Wait:
    seconds: float


Act = Say | Refuse | Call | Calls | RunCode | Search | Fail | Truncate | Hang | Cancel | Wait
ACTS = (Say, Refuse, Call, Calls, RunCode, Search, Fail, Truncate, Hang, Cancel, Wait)

CITED = 'say("…【4:0†name.txt】", citations={"【4:0†name.txt】": "file-abc"})   # or citations="auto"'
FOUND = 'search(results=[{"file_id": "file-abc", "file_name": "shop.md", "score": 0.9, "content": []}])'
LINKED = 'say("…sandbox:/mnt/data/a.csv", files={"sandbox:/mnt/data/a.csv": "file-abc"})'
CITATION_PLACEHOLDER = "【】"  # replaced by a mark with `citations="auto"`

# After one of these the model does nothing more in the run.
ENDS = (Fail, Truncate, Hang, Cancel)


def say(
    text: str | None = None,
    *,
    citations: Mapping[str, File | str] | Literal["auto"] | None = None,
    files: Mapping[str, File | str] | None = None,
    images: Iterable[File | str] | None = None,
    pieces: Iterable[str] | None = None,
    beats_cancel: bool = False,
) -> Say:
    """The assistant writes a message: a message_creation step and an assistant message.

    An ending (`fail`, `truncate`, `hang`, `cancel`) that directly follows cuts the message off: it stays
    `in_progress` and then becomes `incomplete`. Put a `wait` between the two to let the message complete first.

    Args:
        text: what the message says; may be left out where `pieces` or `images` are given.
        citations: marks in the text and the file that each cites, by id or as a file: each becomes a
            `file_citation` annotation (CONTRACT §2.3). `"auto"` cites each file that the run's last search found, the
            best first: where the text has the placeholder `【】` (one too many is removed), else at its end.
        files: marks such as `sandbox:/mnt/data/out.csv` and the file to download for each: `file_path` annotations.
        images: files shown in front of the text, each an `image_file` part; by default what cells of the run have
            drawn since its last message. Links to files that cells wrote are annotated in any case.
        pieces: how a stream cuts the text, between any two characters. By default it is cut like tokens, with each
            citation in one piece.
        beats_cancel: a cancellation that arrives while this message is written comes too late, and the run
            completes from `cancelling` (CONTRACT §3.1, "attempted but not guaranteed").

    Raises:
        HarnessFailure: a mark is not in the text, the pieces do not add up to the text, or a text is not valid Unicode;
            or `citations="auto"` is combined with `pieces` or `files`, whose positions it would shift.

    >>> say("4 °C and rain")
    Say(text='4 °C and rain', beats_cancel=False)
    >>> say(pieces=["4 °", "C and rain"]).text
    '4 °C and rain'
    >>> say("Cold 【1†weather.txt】.", citations={"【1†weather.txt】": "file-abc"}).annotations[0]["start_index"]
    5
    """
    said = "" if text is None and pieces is None and images else text
    said, chosen = check_text(said, pieces, "say")
    shown = None if images is None else tuple(map(file_id, listed(images, "images", 'say("…", images=["file-abc"])')))
    if citations == "auto":
        if chosen is not None or files:
            raise HarnessFailure(
                'say(…, citations="auto") writes marks into the text, so it takes neither pieces nor files.',
                do='say("…", citations={"【4:0†name.txt】": "file-abc"}, pieces=[…])',
            )
        return Say(said, beats_cancel, shown, auto_citations=True)
    marks = [("file_citation", *mark) for mark in entries(citations, CITED)]
    marks += [("file_path", *mark) for mark in entries(files, LINKED)]
    marked = [annotation for mark in marks for annotation in annotations_for(said, *mark)]
    marked.sort(key=lambda annotation: annotation["start_index"])
    return Say(said, beats_cancel, shown, tuple(marked), chosen)


def refuse(text: str | None = None, *, pieces: Iterable[str] | None = None) -> Refuse:
    """The assistant declines: a message whose only part is of type `refusal` (CONTRACT §2.3).

    `pieces` says how a stream cuts the text, as for `say`.

    >>> refuse("I can't help with that.")
    Refuse(text="I can't help with that.")
    """
    return Refuse(*check_text(text, pieces, "refuse"))


def call(
    name: str,
    /,
    *,
    arguments_json: str | None = None,
    arguments_pieces: Iterable[str] | None = None,
    call_id: str | None = None,
    **arguments: object,
) -> Call:
    """The model calls a function: the run goes to `requires_action` and waits for its output.

    Args:
        name: the function's name.
        arguments_json: the arguments exactly as the model wrote them, even malformed; instead of keywords.
        arguments_pieces: how a stream cuts the arguments; joined they are `arguments_json`, if that is given too.
        call_id: the id of the tool call, for code with a hard-coded one; by default one is made.
        **arguments: the arguments, encoded as JSON with non-ASCII text unescaped.

    Raises:
        HarnessFailure: both keywords and `arguments_json` are given, or a value that JSON cannot express, or pieces
            that do not add up to the arguments.

    >>> call("get_weather", city="Oslo")
    Call(name='get_weather', arguments='{"city":"Oslo"}', id=None)
    """
    if arguments_json is None and arguments_pieces is not None:
        arguments_json, arguments_pieces = check_text(None, arguments_pieces, "call")
    if arguments_json is not None and arguments:
        raise HarnessFailure(
            f"call({name!r}, …) was given arguments twice.",
            there_was=f"arguments_json={arguments_json!r} and the keywords {', '.join(arguments)}.",
            do="Keep one of them; arguments_json is for text that keywords cannot express, such as invalid JSON.",
        )
    if arguments_json is None:
        try:
            arguments_json = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            raise HarnessFailure(
                f"call({name!r}, …) was given an argument that is not JSON: {error}.",
                do=f"call({name!r}, arguments_json='…')   # or pass plain values",
            ) from error
    written, chosen = check_text(arguments_json, arguments_pieces, "call")
    return Call(name, written, call_id, chosen)


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


def run_code(
    source: str | None = None,
    *,
    logs: str | None = None,
    images: Iterable[File | str | bytes | Product] = (),
    files: Mapping[str, bytes | str | Product] | None = None,
    execute: bool = False,
    pieces: Iterable[str] | None = None,
) -> RunCode:
    """The code interpreter runs a cell: a tool_calls step with the source and its outputs (CONTRACT §2.5).

    Nothing is executed unless you ask for it. In a generator, `logs = yield run_code(…)` returns what it printed.

    Args:
        logs: what the cell printed. Without it the step has no logs, as recorded from 2025 on.
        images: what it drew: ids, files, bytes, paths, or a name such as `plot.png`, for which an image of one pixel is
            made. They also show in front of the run's next message.
        files: what it wrote below `/mnt/data`: bytes, text or a path for each name. They can be downloaded, and the
            run's messages link to them by `sandbox:/mnt/data/NAME`.
        execute: really run the source, in a process of its own; see `harness.sandbox` for what protects you from it.
        pieces: how a stream cuts the source.

    Raises:
        HarnessFailure: a file cannot be read, its name is not valid below `/mnt/data`, or outputs are given together
            with `execute=True`.

    >>> run_code("print(6 * 7)", logs="42")
    RunCode(source='print(6 * 7)', logs='42')
    """
    code, chosen = check_text(source, pieces, "run_code")
    made = RunCode(code, logs, checked_images(images), chosen, checked_files(files), execute)
    if execute and (logs is not None or made.images or made.files):
        raise HarnessFailure(
            "run_code(…, execute=True) was also given what the cell prints, draws or writes; executing it shows that.",
            do=f"run_code({code[:40]!r}, execute=True)",
        )
    return made


def search(query: str | None = None, *, results: Iterable[Mapping[str, Any]] | None = None) -> Search:
    """The model searches the files: a file_search step (v1: retrieval).

    Args:
        query: what is searched for; by default the newest user message. The search is by words, not by meaning: every
            result shares at least one word with it (see `harness.service.searching`).
        results: shown as they are, in the shape of CONTRACT §2.5, and nothing is searched; `[]` is a search that
            finds nothing. Without it the completed files of the run's stores are really searched.

    Raises:
        HarnessFailure: both are given, or a result is no object; or, when the run searches, a file needs a library
            that is not installed.

    >>> search("opening hours")
    Search(results=None, query='opening hours')
    >>> search(results=[])
    Search(results=(), query=None)
    """
    if results is None:
        return Search(None, query)
    if query is not None:
        raise HarnessFailure(
            f"search({query!r}, results=…): given results need no query, because nothing is searched.",
            do=f"search({query!r})   # or search(results=[…])",
        )
    return Search(tuple(objects(results, "results", FOUND)))


def fail(code: FailureCode | str = "server_error", message: str | None = None, *, beats_cancel: bool = False) -> Fail:
    """The run fails with `last_error`. Every HTTP answer of such a run is still 200 (CONTRACT §3.5).

    Args:
        code: `server_error`, `rate_limit_exceeded` or `invalid_prompt`; other codes are used as they are.
        message: the text of `last_error`; by default the service's own for that code, which may differ on Azure.
        beats_cancel: the run fails even if it is cancelled before.

    Raises:
        HarnessFailure: the code looks like a misspelling of one of the three.

    >>> fail().message
    'Sorry, something went wrong.'
    """
    if not isinstance(code, str):
        raise HarnessFailure(f"fail({code!r}): a code is a text.", do='fail("server_error")')
    near = difflib.get_close_matches(code, last_errors.TEXTS, n=1, cutoff=0.85)
    if near and near[0] != code and abs(len(near[0]) - len(code)) <= 2:
        raise HarnessFailure(f"fail({code!r}): the code looks like a misspelt {near[0]!r}.", do=f'fail("{near[0]}")')
    if message is None:
        return Fail(code, last_errors.TEXTS.get(code, code), beats_cancel, last_errors.ON_AZURE.get(code))
    return Fail(code, message, beats_cancel)


def truncate(reason: Reason = "max_completion_tokens") -> Truncate:
    """The run ends `incomplete` because a token limit was reached; a message just being written is cut off.

    Raises:
        HarnessFailure: the reason is not one of the service's two.

    >>> truncate().reason
    'max_completion_tokens'
    """
    if reason not in ("max_completion_tokens", "max_prompt_tokens"):
        raise HarnessFailure(
            f"truncate({reason!r}): the service has no such reason.",
            do='truncate("max_completion_tokens")   # or "max_prompt_tokens"',
        )
    return Truncate(reason)


def hang() -> Hang:
    """The model never comes back: the run stays `in_progress` until it expires, 600 s after its creation."""
    return Hang()


def cancel(*, takes: float | None = None, then: Cancelled = "cancelled") -> Cancel:
    """Another client cancels the run: it goes to `cancelling` and then to `cancelled`.

    Directly after a `wait` that begins the script, or follows tool outputs, the run is still `queued` then.

    Args:
        takes: virtual seconds in `cancelling`, during which the thread is still locked; by default the option
            `cancelling`. 600 seconds after its creation the run expires even then.
        then: the final status. Cancelling is "attempted but not guaranteed" (CONTRACT §3.1): it may come too late, and
            the run completes or fails.

    Raises:
        HarnessFailure: `then` is not one of these statuses, or `takes` is negative or no number.

    >>> cancel(takes=30)
    Cancel(takes=30, then='cancelled')
    """
    if then not in get_args(Cancelled):
        raise HarnessFailure(
            f"cancel(then={then!r}): a run that is being cancelled cannot get that status.",
            there_was=f"It can get {', '.join(get_args(Cancelled))}.",
            do='cancel(then="completed")',
        )
    if takes is not None:
        check_seconds(takes, f"cancel(takes={takes!r})", "cancel(takes=0)   # or more")
    return Cancel(takes, then)


def wait(seconds: float) -> Wait:
    """Virtual time passes in the current status.

    As the first act, or the first after tool outputs, it keeps the run `queued` that much longer.

    Raises:
        HarnessFailure: `seconds` is negative, or no number.

    >>> wait(30)
    Wait(seconds=30)
    """
    check_seconds(seconds, f"wait({seconds!r})", "wait(0)   # or more")
    return Wait(seconds)
