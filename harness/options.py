"""All options of a fake, and how a user's spelling of them is checked. Imported at plugin start, so kept light."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from harness.failures import HarnessFailure
from harness.service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, kw_only=True)
class Options(Settings):
    """The options of `@pytest.mark.assistants(…)`, of `harness.fake_assistants(…)` and, prefixed, of the ini file.

    Attributes:
        sleep: `virtual`, sleeping in the code under test takes no time and moves the clock; or `real`.
        unused: what happens at the end when a script was not used: `fail`, `warn` or `ignore`.
        base_url: URLs, besides those of OpenAI and Azure, whose requests the fake answers.
        block_other_hosts: refuse every connection that leaves this machine, not only those to OpenAI and Azure.
        code_seconds, code_memory, code_disk, code_output: limits of a cell that is executed: seconds, MiB of memory and
            in its folder, and characters that it prints.
    """

    sleep: Literal["virtual", "real"] = "virtual"
    unused: Literal["fail", "warn", "ignore"] = "fail"
    base_url: str | tuple[str, ...] = ()
    block_other_hosts: bool = False
    code_seconds: float = 30.0
    code_memory: int = 2048
    code_disk: int = 128
    code_output: int = 100_000

    @property
    def base_urls(self) -> tuple[str, ...]:
        return (self.base_url,) if isinstance(self.base_url, str) else self.base_url


NAMES = tuple(field.name for field in fields(Options))


def make_options(given: Mapping[str, Any], *, where: str) -> Options:
    """Options from what a user wrote, checked.

    Args:
        where: how the user wrote it, for the message: `@pytest.mark.assistants` or `fake_assistants`.

    Raises:
        HarnessFailure: a name that does not exist (with the nearest that does), or a value that is not allowed.
    """
    for name, value in given.items():
        if name not in NAMES:
            nearest = difflib.get_close_matches(name, NAMES, n=1)
            raise HarnessFailure(
                f"{where} has no option {name!r}.",
                there_was=f"It has {', '.join(NAMES)}.",
                do=f"{where}({nearest[0]}={value!r})" if nearest else f"{where}()",
            )
        allowed = _choices().get(name, ())
        if allowed and value not in allowed:
            nearest = difflib.get_close_matches(str(value), allowed, n=1) or [allowed[0]]
            raise HarnessFailure(
                f"{where}({name}={value!r}): there is no such choice.",
                there_was=f"The choices are {', '.join(map(repr, allowed))}.",
                do=f"{where}({name}={nearest[0]!r})",
            )
    as_of = given.get("as_of")
    if as_of is not None and not _is_day(as_of):
        raise HarnessFailure(f"{where}(as_of={as_of!r}): that is no day.", do=f'{where}(as_of="2024-05-01")')
    if isinstance(given.get("base_url"), list):
        given = {**given, "base_url": tuple(given["base_url"])}
    return Options(**given)


@cache
def _choices() -> dict[str, tuple[Any, ...]]:
    """The options that take one of a few words, each with its words."""
    hints = get_type_hints(Options)
    return {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}


def _is_day(text: object) -> bool:
    """Whether this is a day as `2024-05-01`; from Python 3.11 on the parser would also take `20240501`."""
    try:
        return isinstance(text, str) and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def from_text(name: str, text: str) -> Any:
    """The value of an option as an ini file writes it: `true` or `false`, a number, a word; URLs apart by spaces.

    >>> from_text("queued", "2.5"), from_text("adopt_unknown", "true"), from_text("clock", "timed")
    (2.5, True, 'timed')

    Raises:
        HarnessFailure: the option takes a number or a truth value, and the text is none.
    """
    if name == "base_url":
        return tuple(text.split())
    default = getattr(_DEFAULTS, name)
    if isinstance(default, bool):
        read: Callable[[str], Any] = _TRUTH.__getitem__
    elif isinstance(default, (int, float)) and name != "seed":
        read = type(default)
    else:
        read = float if name == "start" else str
    try:
        return read(text)
    except (KeyError, ValueError):
        wanted = "true or false" if isinstance(default, bool) else "a number"
        raise HarnessFailure(
            f"The ini option assistants_{name} takes {wanted}, and is {text!r}.",
            do=f"assistants_{name} = {str(default).lower()}",
        ) from None


_DEFAULTS = Options()
_TRUTH = {"true": True, "false": False}
