"""Stories: what the model does in a run, from the first act to the ending."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

from hypothesis import strategies as st

from harness.service import acts
from harness.strategies.texts import sometimes, split_at, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy

    from harness.service.acts import Act, Call, Say

    Positions = list[int] | None

MARKS = ("【4:0†weather.txt】", "【1†source】", "【1†source】 and 【", "sandbox:/mnt/data/결과.csv", "data", "👍")
FUNCTIONS = ("f", "get_weather")
# a run lives for 600 seconds: it may expire while it waits, or in the middle of what comes then
SECONDS = (0, 0.5, 1, 3, 598, 700)

POSITIONS: SearchStrategy[Positions] = st.none() | st.lists(st.integers(0, 40), max_size=6)
IMAGES = st.lists(st.sampled_from(["file-one", "file-two"]), max_size=2)


def stories(*, functions: Sequence[str] = FUNCTIONS, max_acts: int = 6) -> SearchStrategy[tuple[Act, ...]]:
    """What the model does in one run: a few acts, which mostly complete the run, or else an ending.

    A story is for `assistants.next_run(*story)`. The acts are `say`, `refuse`, `call`, `calls`, `run_code`, `search`
    and `wait`; the endings are `fail`, `truncate`, `hang` and `cancel`. The files that a story shows and cites do not
    exist. Stories shrink to fewer acts, without an ending, and with shorter texts.

    Args:
        functions: the functions that are called, simplest first; none for clients without tools. Arguments are any
            text, also malformed JSON.
        max_acts: how many acts there are at most, besides the ending.
    """
    script = st.lists(_acts(tuple(functions)), min_size=1, max_size=max_acts)
    return st.builds(lambda begin, end: (*begin, *([] if end is None else [end])), script, sometimes(ENDINGS))


def _say(  # noqa: PLR0917 - in the order in which they are drawn
    parts: list[str], cited: set[str], files: set[str], shown: list[str], at: Positions, late: bool
) -> Say:
    """A message, with annotations for those marks that its text contains."""
    text = "".join(parts)
    return acts.say(
        text,
        citations={mark: "file-cited" for mark in sorted(cited) if mark in text},
        files={mark: "file-made" for mark in sorted(files) if mark in text},
        images=shown,
        pieces=split_at(text, at),
        beats_cancel=late,
    )


def _call(name: str, arguments: str, at: Positions, call_id: str | None) -> Call:
    return acts.call(name, arguments_json=arguments, arguments_pieces=split_at(arguments, at), call_id=call_id)


MESSAGES = st.builds(
    _say,
    st.lists(st.sampled_from(MARKS) | texts(), max_size=4),
    st.sets(st.sampled_from(MARKS), max_size=3),
    st.sets(st.sampled_from(MARKS), max_size=2),
    IMAGES,
    POSITIONS,
    st.booleans(),
)
ARGUMENTS = texts() | st.dictionaries(texts(), texts() | st.integers() | st.none(), max_size=2).map(json.dumps)
RESULTS = st.fixed_dictionaries(
    {"file_id": st.just("file-found"), "file_name": texts(), "score": st.sampled_from([0.0, 0.68])},
    optional={"content": texts().map(lambda text: [{"type": "text", "text": text}])},
)
ACTS: tuple[SearchStrategy[Any], ...] = (
    MESSAGES,
    st.builds(lambda text, at: acts.refuse(text, pieces=split_at(text, at)), texts(), POSITIONS),
    st.builds(
        lambda source, logs, images, at: acts.run_code(source, logs=logs, images=images, pieces=split_at(source, at)),
        texts(),
        st.none() | texts(),
        IMAGES,
        POSITIONS,
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
        return st.one_of(ACTS)
    one_call = st.builds(_call, st.sampled_from(functions), ARGUMENTS, POSITIONS, st.sampled_from([None, "call_1"]))
    several = st.lists(one_call, min_size=1, max_size=3).map(lambda calls: acts.calls(*calls))
    say, refuse, *others = ACTS
    return st.one_of(say, refuse, one_call, several, *others)
