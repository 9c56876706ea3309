"""Converts acts to the calls that make them in a script, and back."""

from __future__ import annotations

import json
from keyword import iskeyword
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from harness.service import acts as script
from harness.service.products import PIXEL, Product
from harness.source.values import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.service.acts import Act

RESERVED_NAMES = frozenset({"arguments_json", "arguments_pieces", "call_id"})


def to_call(act: Act, call_ids: Iterable[str] = ()) -> Call:
    """The call that makes an act, with the arguments that differ from the defaults.

    It does not say how a stream split a text: the fake splits texts into tokens.

    Args:
        act: what the model did.
        call_ids: the ids of tool calls to keep, as a client uses them.

    >>> to_call(script.call("get_weather", city="Oslo", call_id="call_abc"), ["call_abc"])
    Call(function='call', arguments=('get_weather',), keywords={'call_id': 'call_abc', 'city': 'Oslo'})
    """
    if isinstance(act, script.Call):
        return _call(act, frozenset(call_ids))
    if isinstance(act, script.Calls):
        return Call("calls", tuple(to_call(item, call_ids) for item in act.calls))
    return _CONVERTERS[type(act)](act)


def to_calls(acts: Iterable[Act], call_ids: Iterable[str] = ()) -> list[Call]:
    """The calls that make the acts of a run.

    By default a message shows the images that cells have drawn before it, so one that did not gets `images=[]`.

    >>> [call.keywords for call in to_calls([script.run_code("plot()", images=["file-a"]), script.say("", images=[])])]
    [{'images': ['file-a']}, {'images': []}]
    """
    calls, drawn = [], False
    for act in acts:
        call = to_call(act, call_ids)
        if isinstance(act, script.Say):
            if drawn and not act.images:
                call.keywords["images"] = []
            drawn = False
        drawn = drawn or (isinstance(act, script.RunCode) and bool(act.images))
        calls.append(call)
    return calls


def to_act(call: Call) -> Act:
    """The act that a call makes.

    >>> to_act(Call("wait", (3,)))
    Wait(seconds=3)
    """
    arguments = [to_act(item) if isinstance(item, Call) else item for item in call.arguments]
    act: Act = getattr(script, call.function)(*arguments, **call.keywords)
    return act


def _call(act: script.Call, kept_ids: frozenset[str]) -> Call:
    """Arguments as keywords if they are a JSON object with suitable keys, else verbatim as `arguments_json`."""
    call_id = {"call_id": act.id} if act.id in kept_ids else {}
    arguments = parse_arguments(act.arguments)
    if isinstance(arguments, dict) and all(map(_is_keyword, arguments)):
        return Call("call", (act.name,), {**call_id, **arguments})
    return Call("call", (act.name,), {"arguments_json": act.arguments, **call_id})


def _is_keyword(name: str) -> bool:
    """Whether a name can be a keyword in a call; not so if Python would normalize its letters."""
    return (
        name.isidentifier() and not iskeyword(name) and name not in RESERVED_NAMES and normalize("NFKC", name) == name
    )


def parse_arguments(arguments: str) -> Any:
    """The value of JSON arguments; None if they are malformed, or would be changed by a round trip."""
    try:
        value = json.loads(arguments)
        again = json.dumps(value, ensure_ascii=False)
        again.encode()  # fails for lone surrogates, which cannot be sent
        return value if json.loads(again) == value else None
    except ValueError:
        return None


def _say(act: script.Say) -> Call:
    marks: dict[str, dict[str, str]] = {"citations": {}, "files": {}}
    for mark in act.annotations:
        kind = "citations" if mark["type"] == "file_citation" else "files"
        marks[kind][mark["text"]] = mark[mark["type"]]["file_id"]
    images = list(act.images or ())
    return Call("say", (act.text,) if act.text or not images else (), _present(**marks, images=images))


def _fail(act: script.Fail) -> Call:
    is_default = act == script.fail(act.code, beats_cancel=act.beats_cancel)
    code = () if is_default and act.code == "server_error" else (act.code,)
    return Call("fail", code if is_default else (act.code, act.message))


def _run_code(act: script.RunCode) -> Call:
    images = [_image(image) if isinstance(image, Product) else image for image in act.images]
    files = {file.name: file.content for file in act.files}
    return Call(
        "run_code", (act.source,), _present(logs=act.logs, images=images, files=files, execute=act.execute or None)
    )


def _image(image: Product) -> str | bytes:
    return image.name if image.name is not None and image.content == PIXEL else image.content


def _search(act: script.Search) -> Call:
    if act.results is None:
        return Call("search", () if act.query is None else (act.query,))
    return Call("search", (), {"results": list(act.results)})


def _truncate(act: script.Truncate) -> Call:
    return Call("truncate", () if act == script.truncate() else (act.reason,))


def _unless_default(value: object, default: object) -> object:
    return None if value == default else value


def _present(**keywords: Any) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if value not in (None, [], {})}


_CONVERTERS: dict[type, Callable[[Any], Call]] = {
    script.Say: _say,
    script.Refuse: lambda act: Call("refuse", (act.text,)),
    script.RunCode: _run_code,
    script.Search: _search,
    script.Fail: _fail,
    script.Truncate: _truncate,
    script.Hang: lambda _act: Call("hang"),
    script.Cancel: lambda act: Call(
        "cancel", (), _present(takes=act.takes, then=_unless_default(act.then, "cancelled"))
    ),
    script.Wait: lambda act: Call("wait", (act.seconds,)),
}
