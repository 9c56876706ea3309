"""Converts acts to data, without loss: the opposite of `acts.py`."""

from __future__ import annotations

import json
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure
from harness.scenarios.acts import VERBS, dumped, read
from harness.scenarios.contents import encoded
from harness.scenarios.places import PREVIEW_LENGTH, Place, Source, preview
from harness.service import acts as script
from harness.service.products import PIXEL, Product
from harness.source.acts import to_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.acts import Act


def data(act: Act) -> dict[str, Any]:
    """An act as data, from which `act` makes an equal one; as JSON values, if those of the act are.

    Raises:
        HarnessFailure: no data describes the act, as it was not made by its function; or it holds a value that JSON
            lacks.

    >>> data(script.call("get_weather", city="Oslo"))
    {'call': 'get_weather', 'arguments': {'city': 'Oslo'}}
    """
    dump: Callable[[Any], dict[str, Any]] = _DUMPERS.get(type(act), _from_source)
    dumped_act = dump(act)
    if read(dumped_act, Place(Source(f"{act!r}"[:PREVIEW_LENGTH]))) != act:
        verb = next(iter(dumped_act))
        raise HarnessFailure(
            f"{act!r} cannot be described as data: {type(act).__name__}(…) was not made by {verb}(…).",
            there_was=f"The nearest is {preview(dumped_act)}.",
            do=VERBS[verb].example,
        )
    return dumped_act


def _from_source(act: Act) -> dict[str, Any]:
    """The arguments in the source of an act, and the fields that are not among them."""
    call = to_call(act)
    keys, arguments = VERBS[call.function].keys, call.arguments or (True,)
    return {**dict(zip(keys, arguments, strict=False)), **call.keywords, **_omitted_by_source(act)}


def _omitted_by_source(act: Act) -> dict[str, Any]:
    """The fields that the source omits: how a stream splits the text, and whether the act beats a cancellation."""
    fields: dict[str, Any] = {}
    if (pieces := getattr(act, "pieces", None)) is not None:
        fields["pieces"] = list(pieces)
    if getattr(act, "beats_cancel", False):
        fields["beats_cancel"] = True
    return fields


def _say(act: script.Say) -> dict[str, Any]:
    data: dict[str, Any] = {"say": act.text}
    for key, kind in (("citations", "file_citation"), ("files", "file_path")):
        marks = _marks([mark for mark in act.annotations if mark["type"] == kind], kind)
        if marks:
            data[key] = marks
    if act.auto_citations:
        data["citations"] = "auto"
    if act.images is not None:
        data["images"] = list(act.images)
    return {**data, **_omitted_by_source(act)}


def _marks(annotations: list[dict[str, Any]], kind: str) -> dict[str, str]:
    """File ids by mark, in an order from which `say` places marks at the same position as they are now."""
    files = {mark["text"]: mark[kind]["file_id"] for mark in annotations}
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(files, ()))
    for mark, following in pairwise(annotations):
        if mark["start_index"] == following["start_index"] and mark["text"] != following["text"]:
            order.add(following["text"], mark["text"])
    return {text: files[text] for text in order.static_order()}


def _call(act: script.Call) -> dict[str, Any]:
    data: dict[str, Any] = {"call": act.name}
    if act.pieces is not None:
        data["arguments_pieces"] = list(act.pieces)
    elif (arguments := _parsed(act.arguments)) is None:
        data["arguments_json"] = act.arguments
    elif arguments:
        data["arguments"] = arguments
    if act.id is not None:
        data["call_id"] = act.id
    return data


def _run_code(act: script.RunCode) -> dict[str, Any]:
    data: dict[str, Any] = {"run_code": act.source}
    if act.logs is not None:
        data["logs"] = act.logs
    if act.images:
        data["images"] = [_image(image) for image in act.images]
    if act.files:
        data["files"] = {str(file.name): _content(file.content) for file in act.files}
    if act.execute:
        data["execute"] = True
    return {**data, **_omitted_by_source(act)}


def _image(image: str | Product) -> Any:
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
    data: dict[str, Any] = {"search": True if act.query is None else act.query}
    if act.results is not None:
        data["results"] = [dict(result) for result in act.results]
    return data


_DUMPERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    script.Say: _say,
    script.Call: _call,
    script.Calls: lambda act: {"calls": [_call(each) for each in act.calls]},
    script.RunCode: _run_code,
    script.Search: _search,
}


def _parsed(arguments: str) -> dict[str, Any] | None:
    """The object in a JSON text, if dumping it gives the same text again; else None."""
    try:
        value = json.loads(arguments, parse_constant=_refuse_constant)
        same = isinstance(value, dict) and dumped(value) == arguments
    except (ValueError, RecursionError):
        return None
    return value if same else None


def _refuse_constant(constant: str) -> Any:
    """Refuse `NaN` and the like, which only Python accepts in JSON."""
    raise ValueError(constant)
