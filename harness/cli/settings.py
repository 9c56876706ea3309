"""The options of a fake as options of a command: names, types and help are derived from the dataclass `Options`."""

from __future__ import annotations

import re
from dataclasses import fields
from inspect import cleandoc, getmro
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import click

from harness.options import NAMES, Options, make_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Options that need the fake and the code under test in the same process.
IN_PROCESS_ONLY = frozenset({"sleep", "real_sleepers", "unused", "base_url", "block_other_hosts"})
DAY = click.DateTime(["%Y-%m-%d"])


def fake_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command with the options of a served fake, for `split_options`."""
    hints, texts = get_type_hints(Options), descriptions()
    for field in reversed(fields(Options)):
        if field.name not in IN_PROCESS_ONLY:
            flag = _flag(field.name)
            is_flag = hints[field.name] is bool
            command = click.option(
                f"{flag}/{flag.replace('--', '--no-')}" if is_flag else flag,
                field.name,
                type=_click_type(field.name, hints[field.name]),
                metavar="DAY" if field.name == "as_of" else None,
                default=field.default,
                show_default=True,
                help=texts.get(field.name),  # without docstrings, under -OO, there are none
            )(command)
    return command


def split_options(given: Mapping[str, Any], *, command: str) -> tuple[Options, dict[str, Any]]:
    """The options of the fake, and the other parameters of a command.

    Raises:
        HarnessFailure: a value is not allowed.
    """
    values = {name: value for name, value in given.items() if name in NAMES}
    if values["as_of"] is not None:
        values["as_of"] = values["as_of"].date().isoformat()
    options = make_options(values, where=command, spelling=lambda name, value: f"{command} {_flag(name)} {value}")
    return options, {name: value for name, value in given.items() if name not in NAMES}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def descriptions() -> dict[str, str]:
    """The description of each option, from the docstrings of `Options`.

    >>> descriptions()["seed"]
    'What ids are generated from; the fixture uses the name of the test.'
    """
    return {name: text for cls in getmro(Options) for name, text in _attribute_descriptions(cls.__doc__ or "")}


def _attribute_descriptions(docstring: str) -> Iterator[tuple[str, str]]:
    _, _, attributes = cleandoc(docstring).partition("Attributes:\n")
    for name, text in re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", attributes, re.MULTILINE):
        yield name, text[0].upper() + " ".join(text.split())[1:].replace("`", "")


def _click_type(name: str, hint: Any) -> Any:
    """The click type of an option; of a union, the one that text can be converted to: for `str | int` it is `str`."""
    if name == "as_of":
        return DAY
    if get_origin(hint) is Literal:
        return click.Choice(get_args(hint))
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not type(None)]
    return str if str in kinds else kinds[0]
