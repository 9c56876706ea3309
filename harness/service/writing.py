"""The output of each act: the parts of a message or the tool calls of a step, and the pieces that a stream shows."""

from __future__ import annotations

from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from harness.service import tokens
from harness.service.acts import Call, Calls, Refuse, RunCode, Say, Search
from harness.service.drafts import ActOutput, Continuation, Opening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.service.drafts import Part, Piece


def text_of(act: Call | Calls | RunCode | Search) -> str:
    """The text of a tool call that counts as completion tokens; a search has none."""
    if isinstance(act, RunCode):
        return act.source
    return "" if isinstance(act, Search) else "".join(call.name + call.arguments for call in _calls_of(act))


def message(act: Say | Refuse, text: str) -> ActOutput:
    """The output of a message; `text` is what the run's token limits leave of the act's."""
    if isinstance(act, Refuse):
        refusal: list[Part] = [{"type": "refusal", "refusal": text}] if text else []
        return ActOutput(refusal, partial(_refusal_pieces, text, act.pieces), len(text))
    images: list[Part] = [{"type": "image_file", "image_file": {"file_id": image}} for image in act.images or ()]
    annotations = [annotation for annotation in act.annotations if annotation["end_index"] <= len(text)]
    said = [_text_part(text, annotations)] if text else []
    return ActOutput(images + said, partial(_message_pieces, text, images, annotations, act.pieces), len(text) + 1)


def tool_calls(act: Call | Calls | RunCode | Search, make_id: Callable[[], str]) -> ActOutput:
    """The output of a tool_calls step; its calls are all of one type."""
    if isinstance(act, RunCode):
        outputs: list[Part] = [] if act.logs is None else [{"type": "logs", "logs": act.logs}]
        outputs += ({"type": "image", "image": {"file_id": image}} for image in act.images)
        cell = {"input": act.source, "outputs": outputs}
        code: Part = {"id": make_id(), "type": "code_interpreter", "code_interpreter": cell}
        return ActOutput([code], partial(_code_pieces, code, act.pieces), 1 + len(act.source) + len(outputs))
    if isinstance(act, Search):
        search: Part = {"id": make_id(), "type": "file_search", "results": [dict(found) for found in act.results or ()]}
        return ActOutput([search], partial(_search_pieces, search), 1)
    calls = _calls_of(act)
    parts: list[Part] = [
        {
            "id": call.id or make_id(),
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments, "output": None},
        }
        for call in calls
    ]
    size = sum(1 + len(call.arguments) for call in calls)
    return ActOutput(parts, partial(_call_pieces, parts, [call.pieces for call in calls]), size)


def _calls_of(act: Call | Calls) -> tuple[Call, ...]:
    return act.calls if isinstance(act, Calls) else (act,)


# --- pieces -------------------------------------------------------------------------------------------------


def _message_pieces(
    text: str, images: Sequence[Part], annotations: Sequence[Part], chosen: Sequence[str] | None
) -> Iterator[Piece]:
    """The pieces of a message: all images, then the text; an annotation comes with the piece in which its mark ends.

    With images, an empty text opens together with them, else with its first piece (CONTRACT §5.3, recorded so).
    """
    place = len(images)
    opened = False
    if images:
        empty_text = [(place, _text_part("", []))] if text else []
        yield Opening((*enumerate(images), *empty_text))
        opened = True
    begins = 0
    # of marks that overlap, none comes before one that begins earlier: clients merge annotations by their index
    due = list(accumulate((annotation["end_index"] for annotation in annotations), max))
    for value in _split(text, annotations) if chosen is None else _texts(text, chosen):
        ends = begins + len(value)
        marks = [
            {"index": index, **annotation}
            for index, annotation in enumerate(annotations)
            if begins < due[index] <= ends
        ]
        begins = ends
        if opened:
            yield Continuation(place, "text", "value", value, marks)
        else:
            yield Opening(((0, _text_part(value, marks)),), size=1 + len(value))
            opened = True


def _refusal_pieces(text: str, chosen: Sequence[str] | None) -> Iterator[Piece]:
    for value in _texts(text, chosen):
        yield Continuation(0, "refusal", None, value)


def _call_pieces(calls: Sequence[Part], chosen: Sequence[Sequence[str] | None]) -> Iterator[Piece]:
    """The pieces of function calls, one after the other: each opens with its name, then its arguments follow."""
    for index, (call, texts) in enumerate(zip(calls, chosen, strict=True)):
        yield Opening(((index, {**call, "function": {**call["function"], "arguments": ""}}),))
        for value in _texts(call["function"]["arguments"], texts):
            yield Continuation(index, "function", "arguments", value)


def _code_pieces(call: Part, chosen: Sequence[str] | None) -> Iterator[Piece]:
    """The pieces of a cell: its source, then all its outputs at once."""
    cell = call["code_interpreter"]
    yield Opening(((0, {**call, "code_interpreter": {"input": "", "outputs": []}}),))
    for value in _texts(cell["input"], chosen):
        yield Continuation(0, "code_interpreter", "input", value)
    if cell["outputs"]:
        yield Continuation(0, "code_interpreter", "outputs", cell["outputs"])


def _search_pieces(call: Part) -> Iterator[Piece]:
    """The only piece of a search: it has no results, which show in the finished step (CONTRACT §5.2)."""
    yield Opening(((0, {**call, "results": []}),))


def _text_part(value: str, annotations: list[Part]) -> Part:
    return {"type": "text", "text": {"value": value, "annotations": annotations}}


def _texts(text: str, chosen: Sequence[str] | None) -> Iterator[str]:
    """The pieces that the user chose, up to the length of the text, which a token limit may have cut; else tokens."""
    if chosen is None:
        yield from tokens.iter_pieces(text)
        return
    left = len(text)
    for piece in chosen:
        if left > 0:
            yield piece[:left]
        left -= len(piece)


def _split(text: str, annotations: Sequence[Part]) -> Iterator[str]:
    """The text in tokens, but each annotated mark in one piece (CONTRACT §5.3)."""
    begins = 0
    for start, end in sorted({(item["start_index"], item["end_index"]) for item in annotations}):
        if start >= begins:
            yield from tokens.iter_pieces(text[begins:start])
            yield text[start:end]
            begins = end
    yield from tokens.iter_pieces(text[begins:])
