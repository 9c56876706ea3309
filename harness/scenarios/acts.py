"""Acts as data, in the vocabulary of Python: `{"call": "get_weather", "arguments": {"city": "Oslo"}}`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.scenarios.contents import Drawing, InFolder
from harness.scenarios.places import Place, Source, shown
from harness.scenarios.verbs import Verb, chosen, verb
from harness.service import acts as script

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.service.acts import Act

CALL = '{"call": "get_weather", "arguments": {"city": "Oslo"}}'
# Each act with a line that a user can paste.
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
            types={"images": list[str | Drawing | InFolder]},  # only drawings have names of their own
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
    """An act from data; a text is what the assistant says.

    Args:
        where: how the user knows the data, for messages.
        folder: where files lie that it names as `{"path": …}`; by default it may name none.
        execute: whether it may ask for code to be executed.

    Raises:
        HarnessFailure: it is no act, or one that cannot be.

    >>> act({"call": "get_weather", "arguments": {"city": "Oslo"}}, where="weather.yaml")
    Call(name='get_weather', arguments='{"city":"Oslo"}', id=None)
    """
    return read(data, Place(Source(where, folder, execute)))


def read(data: Any, place: Place) -> Act:
    """An act from data that stands somewhere."""
    if isinstance(data, str):
        data = {"say": data}
    if not isinstance(data, Mapping):
        raise place.failure(f"{shown(data)} is no act.", do=f"- {VERBS['say'].example}")
    found = chosen(VERBS, data, place, "act")
    made: Act = found.perform(data, place, _MAKERS[found.name](place) if found.name in _MAKERS else None)
    if isinstance(made, script.RunCode) and made.execute and not place.source.execute:
        raise (place / "execute").failure(
            "code that comes from here is not executed.",
            there_was="Who starts the server can allow it.",
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
    """As `call` writes its keywords."""
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))


# Where data is not what the function takes.
_MAKERS: dict[str, Callable[[Place], Callable[..., Any]]] = {"call": _call, "calls": _calls}
