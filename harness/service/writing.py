"""What each act writes: the parts of a message or the calls of a step, and the pieces in which they are written."""

from __future__ import annotations

from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from harness.service import tokens
from harness.service.acts import Call, Calls, Refuse, RunCode, Say, Search
from harness.service.drafts import More, Opening, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.service.drafts import Part, Piece


def text_of(act: Call | Calls | RunCode | Search) -> str:
    """What of a tool's call counts as completion tokens; a search is free."""
    if isinstance(act, RunCode):
        return act.source
    return "" if isinstance(act, Search) else "".join(call.name + call.arguments for call in _several(act))


def message(act: Say | Refuse, text: str) -> Written:
    """A message of which the limits of the run left this text."""
    if isinstance(act, Refuse):
        refusal: list[Part] = [{"type": "refusal", "refusal": text}] if text else []
        return Written(refusal, partial(_refusal_pieces, text, act.pieces), len(text))
    images: list[Part] = [{"type": "image_file", "image_file": {"file_id": image}} for image in act.images or ()]
    annotations = [annotation for annotation in act.annotations if annotation["end_index"] <= len(text)]
    said = [_text_part(text, annotations)] if text else []
    return Written(images + said, partial(_message_pieces, text, images, annotations, act.pieces), len(text) + 1)


def tool_calls(act: Call | Calls | RunCode | Search, make_id: Callable[[], str]) -> Written:
    """The calls of one step; they are all of one type."""
    if isinstance(act, RunCode):
        outputs: list[Part] = [] if act.logs is None else [{"type": "logs", "logs": act.logs}]
        outputs += ({"type": "image", "image": {"file_id": image}} for image in act.images)
        cell = {"input": act.source, "outputs": outputs}
        code: Part = {"id": make_id(), "type": "code_interpreter", "code_interpreter": cell}
        return Written([code], partial(_code_pieces, code, act.pieces), 1 + len(act.source) + len(outputs))
    if isinstance(act, Search):
        search: Part = {"id": make_id(), "type": "file_search", "results": [dict(found) for found in act.results or ()]}
        return Written([search], partial(_search_pieces, search), 1)
    several = _several(act)
    calls: list[Part] = [
        {
            "id": call.id or make_id(),
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments, "output": None},
        }
        for call in several
    ]
    size = sum(1 + len(call.arguments) for call in several)
    return Written(calls, partial(_call_pieces, calls, [call.pieces for call in several]), size)


def _several(act: Call | Calls) -> tuple[Call, ...]:
    return act.calls if isinstance(act, Calls) else (act,)


# --- pieces -------------------------------------------------------------------------------------------------


def _message_pieces(
    text: str, images: Sequence[Part], annotations: Sequence[Part], chosen: Sequence[str] | None
) -> Iterator[Piece]:
    """A message: its images at once, then its text; each annotation with the piece in which its mark ends.

    With images the text is opened beside them, empty; else by its first piece (CONTRACT §5.3, recorded so).
    """
    place = len(images)
    opened = False
    if images:
        beside = [(place, _text_part("", []))] if text else []
        yield Opening((*enumerate(images), *beside))
        opened = True
    begins = 0
    # of marks that overlap, none is told before one that begins earlier: clients add them up by their index
    told = list(accumulate((annotation["end_index"] for annotation in annotations), max))
    for value in _split(text, annotations) if chosen is None else _texts(text, chosen):
        ends = begins + len(value)
        marks = [
            {"index": index, **annotation}
            for index, annotation in enumerate(annotations)
            if begins < told[index] <= ends
        ]
        begins = ends
        if opened:
            yield More(place, "text", "value", value, marks)
        else:
            yield Opening(((0, _text_part(value, marks)),), size=1 + len(value))
            opened = True


def _refusal_pieces(text: str, chosen: Sequence[str] | None) -> Iterator[Piece]:
    for value in _texts(text, chosen):
        yield More(0, "refusal", None, value)


def _call_pieces(calls: Sequence[Part], chosen: Sequence[Sequence[str] | None]) -> Iterator[Piece]:
    """Function calls, one after the other: each opens with its name, then come its arguments."""
    for index, (call, texts) in enumerate(zip(calls, chosen, strict=True)):
        yield Opening(((index, {**call, "function": {**call["function"], "arguments": ""}}),))
        for value in _texts(call["function"]["arguments"], texts):
            yield More(index, "function", "arguments", value)


def _code_pieces(call: Part, chosen: Sequence[str] | None) -> Iterator[Piece]:
    """A cell: its source in pieces, then all its outputs at once."""
    cell = call["code_interpreter"]
    yield Opening(((0, {**call, "code_interpreter": {"input": "", "outputs": []}}),))
    for value in _texts(cell["input"], chosen):
        yield More(0, "code_interpreter", "input", value)
    if cell["outputs"]:
        yield More(0, "code_interpreter", "outputs", cell["outputs"])


def _search_pieces(call: Part) -> Iterator[Piece]:
    """A search: one piece without its results, which show when it is done (CONTRACT §5.2)."""
    yield Opening(((0, {**call, "results": []}),))


def _text_part(value: str, annotations: list[Part]) -> Part:
    return {"type": "text", "text": {"value": value, "annotations": annotations}}


def _texts(text: str, chosen: Sequence[str] | None) -> Iterator[str]:
    """The pieces a user chose, as far as a token limit left the text, or tokens."""
    if chosen is None:
        yield from tokens.each(text)
        return
    left = len(text)
    for piece in chosen:
        if left > 0:
            yield piece[:left]
        left -= len(piece)


def _split(text: str, annotations: Sequence[Part]) -> Iterator[str]:
    """Tokens, but a mark that is annotated comes in one piece (CONTRACT §5.3)."""
    begins = 0
    for start, end in sorted({(item["start_index"], item["end_index"]) for item in annotations}):
        if start >= begins:
            yield from tokens.each(text[begins:start])
            yield text[start:end]
            begins = end
    yield from tokens.each(text[begins:])
