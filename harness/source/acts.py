"""Acts as the source that writes them, and that source as acts again."""

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

TAKEN = frozenset({"arguments_json", "arguments_pieces", "call_id"})


def told(act: Act, call_ids: Iterable[str] = ()) -> Call:
    """The call that makes an act, with the arguments that differ from the defaults.

    How a stream cut a text is not told: the fake cuts it like tokens.

    Args:
        act: what the model did.
        call_ids: the tool calls that a client names, and which therefore keep their ids.

    >>> told(script.call("get_weather", city="Oslo", call_id="call_abc"), ["call_abc"])
    Call(function='call', arguments=('get_weather',), keywords={'call_id': 'call_abc', 'city': 'Oslo'})
    """
    if isinstance(act, script.Call):
        return _call(act, frozenset(call_ids))
    if isinstance(act, script.Calls):
        return Call("calls", tuple(told(item, call_ids) for item in act.calls))
    return _TELLERS[type(act)](act)


def all_told(acts: Iterable[Act], call_ids: Iterable[str] = ()) -> list[Call]:
    """The calls that make what a run did. A message that did not show what a cell had drawn says so: it would.

    >>> [call.keywords for call in all_told([script.run_code("plot()", images=["file-a"]), script.say("", images=[])])]
    [{'images': ['file-a']}, {'images': []}]
    """
    calls, drawn = [], False
    for act in acts:
        call = told(act, call_ids)
        if isinstance(act, script.Say):
            if drawn and not act.images:
                call.keywords["images"] = []
            drawn = False
        drawn = drawn or (isinstance(act, script.RunCode) and bool(act.images))
        calls.append(call)
    return calls


def performed(call: Call) -> Act:
    """The act that a call makes.

    >>> performed(Call("wait", (3,)))
    Wait(seconds=3)
    """
    arguments = [performed(item) if isinstance(item, Call) else item for item in call.arguments]
    act: Act = getattr(script, call.function)(*arguments, **call.keywords)
    return act


def _call(act: script.Call, kept: frozenset[str]) -> Call:
    """Keywords where the arguments are an object of names; the rest as it was written."""
    call_id = {"call_id": act.id} if act.id in kept else {}
    arguments = parsed(act.arguments)
    if isinstance(arguments, dict) and all(map(_is_keyword, arguments)):
        return Call("call", (act.name,), {**call_id, **arguments})
    return Call("call", (act.name,), {"arguments_json": act.arguments, **call_id})


def _is_keyword(name: str) -> bool:
    """Whether a name may stand for itself in a call; Python reads some letters as others."""
    return name.isidentifier() and not iskeyword(name) and name not in TAKEN and normalize("NFKC", name) == name


def parsed(arguments: str) -> Any:
    """The JSON value of arguments; None where they are malformed, or would not come back as they are."""
    try:
        value = json.loads(arguments)
        again = json.dumps(value, ensure_ascii=False)
        again.encode()  # half a surrogate pair is no character, and cannot be sent
        return value if json.loads(again) == value else None
    except ValueError:
        return None


def _say(act: script.Say) -> Call:
    marks: dict[str, dict[str, str]] = {"citations": {}, "files": {}}
    for mark in act.annotations:
        kind = "citations" if mark["type"] == "file_citation" else "files"
        marks[kind][mark["text"]] = mark[mark["type"]]["file_id"]
    images = list(act.images or ())
    return Call("say", (act.text,) if act.text or not images else (), _given(**marks, images=images))


def _fail(act: script.Fail) -> Call:
    usual = act == script.fail(act.code, beats_cancel=act.beats_cancel)
    code = () if usual and act.code == "server_error" else (act.code,)
    return Call("fail", code if usual else (act.code, act.message))


def _run_code(act: script.RunCode) -> Call:
    images = [_drawn(image) if isinstance(image, Product) else image for image in act.images]
    files = {file.name: file.content for file in act.files}
    return Call(
        "run_code", (act.source,), _given(logs=act.logs, images=images, files=files, execute=act.execute or None)
    )


def _drawn(image: Product) -> str | bytes:
    return image.name if image.name is not None and image.content == PIXEL else image.content


def _search(act: script.Search) -> Call:
    if act.results is None:
        return Call("search", () if act.query is None else (act.query,))
    return Call("search", (), {"results": list(act.results)})


def _truncate(act: script.Truncate) -> Call:
    return Call("truncate", () if act == script.truncate() else (act.reason,))


def _other(value: object, usual: object) -> object:
    return None if value == usual else value


def _given(**keywords: Any) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if value not in (None, [], {})}


_TELLERS: dict[type, Callable[[Any], Call]] = {
    script.Say: _say,
    script.Refuse: lambda act: Call("refuse", (act.text,)),
    script.RunCode: _run_code,
    script.Search: _search,
    script.Fail: _fail,
    script.Truncate: _truncate,
    script.Hang: lambda _act: Call("hang"),
    script.Cancel: lambda act: Call("cancel", (), _given(takes=act.takes, then=_other(act.then, "cancelled"))),
    script.Wait: lambda act: Call("wait", (act.seconds,)),
}
