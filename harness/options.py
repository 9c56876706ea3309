"""All options of a fake, and the checks of what a user gives for them. Imported at plugin start, so kept light."""

from __future__ import annotations

import difflib
import sys
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import date
from functools import cache, partial
from operator import eq
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from harness.failures import HarnessFailure
from harness.service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Spelling = Callable[[str, object], str]  # how a user wrote an option and its value


@dataclass(frozen=True, kw_only=True)
class Options(Settings):
    """The options of `@pytest.mark.assistants(…)`, of `harness.fake_assistants(…)` and, prefixed, of the ini file.

    Attributes:
        sleep: `virtual`, sleeping in the code under test takes no time and moves the clock; or `real`.
        real_sleepers: modules and packages whose sleeps take real time and move no clock, besides those that are known.
        unused: what happens at the end if a script was not used: `fail`, `warn` or `ignore`.
        base_url: URLs, besides those of OpenAI and Azure, whose requests the fake answers: their hosts, at their ports.
        block_other_hosts: refuse every connection that leaves this machine, not only those to OpenAI and Azure.
        code_seconds: how many seconds an executed cell may take.
        code_memory: how many MiB of memory it may use.
        code_disk: how many MiB its folder may hold.
        code_output: how many characters of its output are kept.
    """

    sleep: Literal["virtual", "real"] = "virtual"
    real_sleepers: str | tuple[str, ...] = ()
    unused: Literal["fail", "warn", "ignore"] = "fail"
    base_url: str | tuple[str, ...] = ()
    block_other_hosts: bool = False
    code_seconds: float = 30.0
    code_memory: int = 2048
    code_disk: int = 128
    code_output: int = 100_000

    @property
    def base_urls(self) -> tuple[str, ...]:
        return _listed(self.base_url)

    @property
    def real_sleeper_names(self) -> tuple[str, ...]:
        return _listed(self.real_sleepers)


def _listed(texts: str | tuple[str, ...]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else texts


NAMES = tuple(field.name for field in fields(Options))


def make_options(given: Mapping[str, Any], *, where: str, spelling: Spelling | None = None) -> Options:
    """Options from what a user gave, checked.

    Args:
        where: where the user gave them, for messages: `@pytest.mark.assistants` or `fake_assistants`.
        spelling: writes an option and its value as the user would; by default as a keyword.

    Raises:
        HarnessFailure: a name does not exist (the message has the nearest), a value is not allowed, or two values
            contradict each other.
    """
    for name, value in given.items():
        if name not in NAMES:
            nearest = difflib.get_close_matches(name, NAMES, n=1)
            raise HarnessFailure(
                f"{where} has no option {name!r}.",
                there_was=f"It has {', '.join(NAMES)}.",
                do=f"{where}({nearest[0]}={value!r})" if nearest else f"{where}()",
            )
        _check(name, value, spelling or (lambda name, value: f"{where}({name}={value!r})"))
    if given.get("clock") == "timed" and given.get("sleep") == "real":
        raise HarnessFailure(
            f"{where}(clock='timed', sleep='real'): neither polling a run nor sleeping would move the clock.",
            there_was="Under clock='timed' only virtual sleep moves it.",
            do=f"{where}(clock='timed', sleep='virtual')\n{where}(clock='on_poll', sleep='real')",
        )
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return Options(**values)


def ini_type(name: str, *, native: bool) -> Any:
    """The `type` of an option for `parser.addini`.

    Args:
        native: whether pytest reads TOML's own types (from 9 on), which have to be those declared.
    """
    if tuple[str, ...] in _types()[name]:
        return "args"
    return {bool: "bool", int: "int", float: "float"}.get(_types()[name][0], "string") if native else "string"


def unreadable_ini(name: str, error: Exception) -> HarnessFailure:
    """The failure for an option that pytest itself could not read."""
    example = EXAMPLES.get(name, getattr(_DEFAULTS, name))
    return HarnessFailure(f"The ini file's assistants_{name}: {error}", do=_in_ini(name, example))


def from_text(name: str, text: str | list[str]) -> Any:
    """The value of an option from its text in an ini file: `true` or `false`, a number, a word, or several words.

    From TOML, pytest gives `true` as `"True"` and a list of texts as a list.

    >>> from_text("queued", "2.5"), from_text("adopt_unknown", "true"), from_text("clock", "timed")
    (2.5, True, 'timed')

    Raises:
        HarnessFailure: the option does not take this value.
    """
    types = _types()[name]
    value: Any = text
    if tuple[str, ...] in types:
        value = tuple(text.split() if isinstance(text, str) else text)
    elif isinstance(text, str) and str not in types and types[0] in PARSERS:
        with suppress(KeyError, ValueError):  # then it stays a text, which `_check` refuses
            value = PARSERS[types[0]](text)
    _check(name, value, _in_ini)
    return value


def _in_ini(name: str, value: object) -> str:
    match value:
        case bool():
            value = str(value).lower()
        case tuple():
            value = " ".join(value)
    return f"assistants_{name} = {value}"


# --- the values that an option takes ------------------------------------------------------------------------------


class Kind(NamedTuple):
    """A kind of values: its description for messages, and whether it accepts a value."""

    description: str
    accepts: Callable[[Any], bool]


def _check(name: str, value: object, spelling: Spelling) -> None:
    """
    Raises:
        HarnessFailure: the option does not take this value.
    """
    kinds = _kinds(name)
    if not any(kind.accepts(value) for kind in kinds):
        takes = dict.fromkeys(kind.description for kind in kinds if kind != NONE)
        nearest = difflib.get_close_matches(str(value), get_args(_types()[name][0]), n=1)  # of a `Literal`'s choices
        raise HarnessFailure(
            f"{spelling(name, value)}: {name} takes {' or '.join(takes)}.",
            do=spelling(name, nearest[0] if nearest else EXAMPLES.get(name, getattr(_DEFAULTS, name))),
        )


@cache
def _kinds(name: str) -> tuple[Kind, ...]:
    """The kinds of values that an option takes: its special kind, else those of its type."""
    types = _types()[name]
    if get_origin(types[0]) is Literal:
        return tuple(Kind(repr(choice), partial(eq, choice)) for choice in get_args(types[0]))
    return tuple(KINDS[kind] if kind is NoneType else SPECIAL_KINDS.get(name, KINDS[kind]) for kind in types)


@cache
def _types() -> dict[str, tuple[Any, ...]]:
    """The types of each option: those in a union, else the one."""
    hints = get_type_hints(Options).items()
    return {name: get_args(hint) if isinstance(hint, UnionType) else (hint,) for name, hint in hints}


def _is_day(text: object) -> bool:
    """Whether this is a date such as `2024-05-01`; from Python 3.11 on `fromisoformat` also takes `20240501`."""
    try:
        return isinstance(text, str) and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _are_modules(value: Any) -> bool:
    names = [value] if isinstance(value, str) else value
    return KINDS[tuple[str, ...]].accepts(names) and all(
        part.isidentifier() for name in names for part in name.split(".")
    )


def _numbers(description: str, *types: Any, least: float = 0, most: float = sys.float_info.max) -> Kind:
    """Numbers in a range, which infinity and NaN never are."""

    def accepts(value: Any) -> bool:
        return isinstance(value, types) and not isinstance(value, bool) and least <= value <= most

    return Kind(f"{description} from {least} " + ("on" if most == sys.float_info.max else f"to {most}"), accepts)


WHOLE, NUMBER = partial(_numbers, "a whole number", int), partial(_numbers, "a number", int, float)
TEXT = Kind("a text", lambda value: isinstance(value, str))
NONE = Kind("None", lambda value: value is None)
KINDS: dict[Any, Kind] = {
    bool: Kind("true or false", lambda value: isinstance(value, bool)),
    int: WHOLE(),
    float: NUMBER(),
    str: TEXT,
    tuple[str, ...]: Kind(
        "a list of texts", lambda value: isinstance(value, (list, tuple)) and all(map(TEXT.accepts, value))
    ),
    NoneType: NONE,
}
SPECIAL_KINDS = {
    "as_of": Kind("a day", _is_day),
    "real_sleepers": Kind("the name of a module or a list of such names", _are_modules),
    "start": NUMBER(most=250_000_000_000),  # HTTP dates end with the year 9999; larger numbers are milliseconds
    "seed": Kind("a text or a whole number", lambda value: isinstance(value, (str, int))),
    "stuck_after": WHOLE(least=1),  # no client is stuck before its first request
    "code_seconds": NUMBER(least=0.001),  # no cell can be executed without time or memory
    "code_memory": WHOLE(least=1),
}
# Values for messages to suggest, where the default is no good example.
EXAMPLES = {
    "as_of": "2024-05-01",
    "start": 1_700_000_000,
    "api_key": "sk-…",
    "base_url": "http://localhost:8000/v1",
    "real_sleepers": "my_library.heartbeat",
}
PARSERS: dict[Any, Callable[[str], Any]] = {
    bool: lambda text: {"true": True, "false": False}[text.lower()],
    int: int,
    float: float,
}
_DEFAULTS = Options()
