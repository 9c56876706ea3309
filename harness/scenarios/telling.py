"""Acts told as data, and nothing of them lost."""

from __future__ import annotations

import json
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure
from harness.scenarios.acts import VERBS, dumped, read
from harness.scenarios.contents import encoded
from harness.scenarios.places import SHOWN, Place, Source, shown
from harness.service import acts as script
from harness.service.products import PIXEL, Product
from harness.source.acts import to_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.acts import Act


def data(act: Act) -> dict[str, Any]:
    """An act as data, from which `act` makes the same again; of plain JSON values, if the act is.

    Raises:
        HarnessFailure: the act was not made by its function, and no data says it; or it holds what no JSON can.

    >>> data(script.call("get_weather", city="Oslo"))
    {'call': 'get_weather', 'arguments': {'city': 'Oslo'}}
    """
    tell: Callable[[Any], dict[str, Any]] = _TELLERS.get(type(act), _told)
    made = tell(act)
    if read(made, Place(Source(f"{act!r}"[:SHOWN]))) != act:
        raise HarnessFailure(
            f"{act!r} cannot be told as data: {type(act).__name__}(…) was not made by {next(iter(made))}(…).",
            there_was=f"The nearest is {shown(made)}.",
            do=VERBS[next(iter(made))].example,
        )
    return made


def _told(act: Act) -> dict[str, Any]:
    """What the source of an act says, and what it leaves out."""
    call = to_call(act)
    keys, arguments = VERBS[call.function].keys, call.arguments or (True,)
    return {**dict(zip(keys, arguments, strict=False)), **call.keywords, **_given(act)}


def _given(act: Act) -> dict[str, Any]:
    """What the source does not say: how a stream cuts the text, and whether it comes before a cancellation."""
    given: dict[str, Any] = {}
    if (pieces := getattr(act, "pieces", None)) is not None:
        given["pieces"] = list(pieces)
    if getattr(act, "beats_cancel", False):
        given["beats_cancel"] = True
    return given


def _say(act: script.Say) -> dict[str, Any]:
    said: dict[str, Any] = {"say": act.text}
    for key, kind in (("citations", "file_citation"), ("files", "file_path")):
        marks = _marks([mark for mark in act.annotations if mark["type"] == kind], kind)
        if marks:
            said[key] = marks
    if act.cites:
        said["citations"] = "auto"
    if act.images is not None:
        said["images"] = list(act.images)
    return {**said, **_given(act)}


def _marks(annotations: list[dict[str, Any]], kind: str) -> dict[str, str]:
    """The marks, in an order that gives those of one place their order again."""
    files = {mark["text"]: mark[kind]["file_id"] for mark in annotations}
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(files, ()))
    for mark, following in pairwise(annotations):
        if mark["start_index"] == following["start_index"] and mark["text"] != following["text"]:
            order.add(following["text"], mark["text"])
    return {text: files[text] for text in order.static_order()}


def _call(act: script.Call) -> dict[str, Any]:
    said: dict[str, Any] = {"call": act.name}
    if act.pieces is not None:
        said["arguments_pieces"] = list(act.pieces)
    elif (arguments := _loaded(act.arguments)) is None:
        said["arguments_json"] = act.arguments
    elif arguments:
        said["arguments"] = arguments
    if act.id is not None:
        said["call_id"] = act.id
    return said


def _run_code(act: script.RunCode) -> dict[str, Any]:
    said: dict[str, Any] = {"run_code": act.source}
    if act.logs is not None:
        said["logs"] = act.logs
    if act.images:
        said["images"] = [_drawing(image) for image in act.images]
    if act.files:
        said["files"] = {str(file.name): _content(file.content) for file in act.files}
    if act.execute:
        said["execute"] = True
    return {**said, **_given(act)}


def _drawing(image: str | Product) -> Any:
    if isinstance(image, str):
        return image
    if image.name is None:
        return {"base64": encoded(image.content)}
    if image.content == PIXEL and image.name.lower().endswith(".png"):
        return image.name
    return {"name": image.name, "base64": encoded(image.content)}


def _content(content: bytes) -> Any:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": encoded(content)}


def _search(act: script.Search) -> dict[str, Any]:
    said: dict[str, Any] = {"search": True if act.query is None else act.query}
    if act.results is not None:
        said["results"] = [dict(result) for result in act.results]
    return said


_TELLERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    script.Say: _say,
    script.Call: _call,
    script.Calls: lambda act: {"calls": [_call(each) for each in act.calls]},
    script.RunCode: _run_code,
    script.Search: _search,
}


def _loaded(arguments: str) -> dict[str, Any] | None:
    """The object that arguments are, if writing it gives the same text again."""
    try:
        value = json.loads(arguments, parse_constant=_refused)
        same = isinstance(value, dict) and dumped(value) == arguments
    except (ValueError, RecursionError):
        return None
    return value if same else None


def _refused(constant: str) -> Any:
    """`NaN` and the like, which only Python takes for JSON."""
    raise ValueError(constant)
