"""Acts as data, with the names that they have in Python: `{"call": "get_weather", "arguments": {"city": "Oslo"}}`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.scenarios.contents import LocalFile, NamedImage
from harness.scenarios.places import Place, Source, preview
from harness.scenarios.verbs import Verb, select_verb, verb
from harness.service import acts as script

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.service.acts import Act

CALL = '{"call": "get_weather", "arguments": {"city": "Oslo"}}'
# By name, each with an example for messages.
VERBS: dict[str, Verb] = {
    each.name: each
    for each in (
        verb(script.say, '{"say": "4 °C and rain"}'),
        verb(script.refuse, '{"refuse": "I cannot help with that."}'),
        verb(script.call, CALL, types={"arguments": dict[str, Any]}),
        verb(script.calls, f'{{"calls": [{CALL}]}}', types={"several": list[dict[str, Any]]}),
        verb(
            script.run_code,
            '{"run_code": "print(6 * 7)", "logs": "42"}',
            types={"images": list[str | NamedImage | LocalFile]},  # bytes in `files` have their key as a name
        ),
        verb(script.search, '{"search": "opening hours"}'),
        verb(script.fail, '{"fail": "rate_limit_exceeded"}'),
        verb(script.truncate, '{"truncate": "max_completion_tokens"}'),
        verb(script.hang, '{"hang": true}'),
        verb(script.cancel, '{"cancel": true, "takes": 30}'),
        verb(script.wait, '{"wait": 30}'),
    )
}


def act(data: Mapping[str, Any] | str, *, where: str, folder: Path | None = None, execute: bool = True) -> Act:
    """The act that data describes; a text is what the assistant says.

    Args:
        where: where the data comes from, for messages.
        folder: the folder of files that it names as `{"path": …}`; without one, it may name none.
        execute: whether it may ask for code to be executed.

    Raises:
        HarnessFailure: it is not an act, or its arguments are invalid.

    >>> act({"call": "get_weather", "arguments": {"city": "Oslo"}}, where="weather.yaml")
    Call(name='get_weather', arguments='{"city":"Oslo"}', id=None)
    """
    return read(data, Place(Source(where, folder, execute)))


def read(data: Any, place: Place) -> Act:
    """The act that data at a place of a scenario describes.

    Raises:
        HarnessFailure: it describes none, or one that executes code, which its source may not.
    """
    if isinstance(data, str):
        data = {"say": data}
    if not isinstance(data, Mapping):
        raise place.failure(f"{preview(data)} is no act.", do=f"- {VERBS['say'].example}")
    found = select_verb(VERBS, data, place, "act")
    made: Act = found.perform(data, place, _ADAPTERS[found.name](place) if found.name in _ADAPTERS else None)
    if isinstance(made, script.RunCode) and made.execute and not place.source.execute:
        raise (place / "execute").failure(
            "code from this source is not executed.",
            there_was="Whoever starts the server can allow it.",
            do='{"run_code": "print(6 * 7)", "logs": "42"}   # say what it prints',
        )
    return made


def _call(place: Place) -> Callable[..., script.Call]:
    def call(name: str, arguments: dict[str, Any] | None = None, **keywords: Any) -> script.Call:
        if arguments is None:
            return script.call(name, **keywords)
        if "arguments_json" in keywords or "arguments_pieces" in keywords:
            raise (place / "arguments").failure(
                "the arguments are given twice.",
                do='{"call": "f", "arguments_json": "{"}   # for what is no valid JSON',
            )
        return script.call(name, arguments_json=dumped(arguments), **keywords)

    return call


def _calls(place: Place) -> Callable[..., script.Calls]:
    def calls(several: list[Any]) -> script.Calls:
        # what is no call is refused by `script.calls`
        return script.calls(*(read(item, place / "calls" / index) for index, item in enumerate(several)))  # type: ignore[arg-type]

    return calls


def dumped(arguments: dict[str, Any]) -> str:
    """Arguments as JSON, in the form in which `script.call` writes its keywords."""
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))


# What is called in place of the acts' own functions, where data has another form than their arguments.
_ADAPTERS: dict[str, Callable[[Place], Callable[..., Any]]] = {"call": _call, "calls": _calls}
