"""Stories: what the model does in a run, from the first act to the ending."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

from hypothesis import strategies as st

from harness.service import acts
from harness.strategies.texts import cut, seldom, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy

    from harness.service.acts import Act, Call, Say

    Places = list[int] | None

MARKS = ("【4:0†weather.txt】", "【1†source】", "【1†source】 and 【", "sandbox:/mnt/data/결과.csv", "data", "👍")
FUNCTIONS = ("f", "get_weather")
# a run lives for 600 seconds: it may expire while it waits, or in the middle of what comes then
SECONDS = (0, 0.5, 1, 3, 598, 700)

places: SearchStrategy[Places] = st.none() | st.lists(st.integers(0, 40), max_size=6)
images = st.lists(st.sampled_from(["file-one", "file-two"]), max_size=2)


def stories(*, functions: Sequence[str] = FUNCTIONS, max_acts: int = 6) -> SearchStrategy[tuple[Act, ...]]:
    """What the model does in one run: a few acts, and mostly no ending of its own, which completes the run.

    A story is for `assistants.next_run(*story)`. Among the acts are `say`, `refuse`, `call`, `calls`, `run_code`,
    `search` and `wait`; the endings are `fail`, `truncate`, `hang` and `cancel`. The files that it shows and cites do
    not exist. Stories shrink to fewer acts, without an ending, and with shorter texts.

    Args:
        functions: the names that are called, in this order of simplicity; none, for clients that have no tools.
            Arguments are any text, also malformed.
        max_acts: how many acts there are at most, besides the ending.
    """
    script = st.lists(_acts(tuple(functions)), min_size=1, max_size=max_acts)
    return st.builds(lambda begin, end: (*begin, *([] if end is None else [end])), script, seldom(ENDINGS))


def _saying(  # noqa: PLR0917 - in the order in which they are drawn
    parts: list[str], cited: set[str], files: set[str], shown: list[str], at: Places, late: bool
) -> Say:
    """A message; a mark that is not in it is not annotated."""
    text = "".join(parts)
    return acts.say(
        text,
        citations={mark: "file-cited" for mark in sorted(cited) if mark in text},
        files={mark: "file-made" for mark in sorted(files) if mark in text},
        images=shown,
        pieces=cut(text, at),
        beats_cancel=late,
    )


def _calling(name: str, arguments: str, at: Places, call_id: str | None) -> Call:
    return acts.call(name, arguments_json=arguments, arguments_pieces=cut(arguments, at), call_id=call_id)


SAYING = st.builds(
    _saying,
    st.lists(st.sampled_from(MARKS) | texts(), max_size=4),
    st.sets(st.sampled_from(MARKS), max_size=3),
    st.sets(st.sampled_from(MARKS), max_size=2),
    images,
    places,
    st.booleans(),
)
ARGUMENTS = texts() | st.dictionaries(texts(), texts() | st.integers() | st.none(), max_size=2).map(json.dumps)
RESULTS = st.fixed_dictionaries(
    {"file_id": st.just("file-found"), "file_name": texts(), "score": st.sampled_from([0.0, 0.68])},
    optional={"content": texts().map(lambda text: [{"type": "text", "text": text}])},
)
PLAIN: tuple[SearchStrategy[Any], ...] = (
    SAYING,
    st.builds(lambda text, at: acts.refuse(text, pieces=cut(text, at)), texts(), places),
    st.builds(
        lambda source, logs, drawn, at: acts.run_code(source, logs=logs, images=drawn, pieces=cut(source, at)),
        texts(),
        st.none() | texts(),
        images,
        places,
    ),
    st.lists(RESULTS, max_size=2).map(lambda found: acts.search(results=found)),
    st.sampled_from(SECONDS).map(acts.wait),
)
ENDINGS: SearchStrategy[Any] = st.one_of(
    st.builds(
        acts.fail,
        st.sampled_from(["server_error", "rate_limit_exceeded", "invalid_prompt", "content_filter"]),
        st.none() | texts(),
        beats_cancel=st.booleans(),
    ),
    st.sampled_from(["max_completion_tokens", "max_prompt_tokens"]).map(acts.truncate),  # type: ignore[arg-type]
    st.builds(acts.hang),
    st.builds(acts.cancel, takes=st.sampled_from((None, 0, 30, 700)), then=st.sampled_from(get_args(acts.Cancelled))),
)


def _acts(functions: tuple[str, ...]) -> SearchStrategy[Any]:
    if not functions:
        return st.one_of(PLAIN)
    one_call = st.builds(_calling, st.sampled_from(functions), ARGUMENTS, places, st.sampled_from([None, "call_1"]))
    several = st.lists(one_call, min_size=1, max_size=3).map(lambda calls: acts.calls(*calls))
    say, refuse, *others = PLAIN
    return st.one_of(say, refuse, one_call, several, *others)
