"""The options of a fake as options of a command, made from the dataclass that has them: names, types and help."""

from __future__ import annotations

import re
from dataclasses import fields
from inspect import cleandoc, getmro
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import click

from harness.options import NAMES, Options, make_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# What only a fake in the same process as the code under test can do.
IN_PROCESS = frozenset({"sleep", "unused", "base_url", "block_other_hosts"})
DAY = click.DateTime(["%Y-%m-%d"])


def of_a_fake(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command all options of a fake that is served; `chosen` takes them."""
    hints, told = get_type_hints(Options), descriptions()
    for field in reversed(fields(Options)):
        if field.name not in IN_PROCESS:
            flag = _flag(field.name)
            is_truth = hints[field.name] is bool
            command = click.option(
                f"{flag}/{flag.replace('--', '--no-')}" if is_truth else flag,
                field.name,
                type=_type(field.name, hints[field.name]),
                metavar="DAY" if field.name == "as_of" else None,
                default=field.default,
                show_default=True,
                help=told.get(field.name),  # without docstrings, under -OO, there are none
            )(command)
    return command


def chosen(given: Mapping[str, Any], *, command: str) -> tuple[Options, dict[str, Any]]:
    """The options of the fake among what a command was given, and the rest.

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
    """What the docstrings of the options say about each.

    >>> descriptions()["seed"]
    "What the ids are made from; the fixture gives the test's own name."
    """
    return {name: text for cls in getmro(Options) for name, text in _attributes(cls.__doc__ or "")}


def _attributes(docstring: str) -> Iterator[tuple[str, str]]:
    _, _, attributes = cleandoc(docstring).partition("Attributes:\n")
    for names, text in re.findall(r"^    (\w[\w, ]*): (.*(?:\n {8}.*)*)", attributes, re.MULTILINE):
        for name in names.split(", "):
            yield name, text[0].upper() + " ".join(text.split())[1:].replace("`", "")


def _type(name: str, hint: Any) -> Any:
    """Of a union, the type of what can be written: `float | None` is a number, `str | int` a text."""
    if name == "as_of":
        return DAY
    if get_origin(hint) is Literal:
        return click.Choice(get_args(hint))
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not type(None)]
    return str if str in kinds else kinds[0]
