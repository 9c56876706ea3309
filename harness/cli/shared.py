"""What several commands have in common: their options, and how they tell and write what they found."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, TypeVar

import click

from harness.atomic_files import is_stream, write_atomic
from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from click._termui_impl import ProgressBar

T = TypeVar("T")
MANY = 20

FILE = click.Path(exists=True, path_type=Path)
OUTPUT = click.Path(dir_okay=False, path_type=Path)


def secrets(command: Callable[..., None]) -> Callable[..., None]:
    """The options of all commands that remove secrets or look for them."""
    redact = click.option(
        "--redact", multiple=True, metavar="REGEX", help="What else is secret; may be given more than once."
    )
    keep = click.option(
        "--keep", multiple=True, metavar="TEXT", help="What is no secret although it looks like one; as above."
    )
    return redact(keep(command))


def count(number: int, what: str) -> str:
    """A number of things, in the plural where it is one.

    >>> count(1, "run"), count(0, "run")
    ('1 run', '0 runs')
    """
    return f"{number} {what}{'' if number == 1 else 's'}"


def progress(items: Sequence[T], label: str) -> ProgressBar[T]:
    """A bar on stderr while a program goes through many things, if somebody looks."""
    return click.progressbar(items, label=label, file=sys.stderr, hidden=len(items) < MANY or not sys.stderr.isatty())


def told_or_written(text: str, output: Path | None, *, force: bool, command: str) -> None:
    """Print a text, or write it to a file, whole or not at all, and print where it is.

    Raises:
        HarnessFailure: there is such a file and `force` was not given, or it cannot be written.
    """
    if output is None:
        click.echo(text, nl=False)
        return
    refuse_to_replace(output, force=force, command=command)
    write_output(output, text)
    click.echo(output)


def refuse_to_replace(output: Path, *, force: bool, command: str) -> None:
    """Before long work is done for nothing.

    Raises:
        HarnessFailure: there is such a file and `force` was not given.
    """
    if output.exists() and not (force or is_stream(output)):
        raise HarnessFailure(f"{output} is there already, and was left as it is.", do=f"harness {command} --force …")


def write_output(output: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        HarnessFailure: it cannot be written there.
    """
    try:
        write_atomic(output, text.encode())
    except OSError as error:
        raise HarnessFailure(
            f"{output} cannot be written: {error.strerror or error}.",
            there_was="What was there before is unchanged.",
            do=f"ls -ld {quote(str(output.parent))}   # is it there, and writable?",
        ) from error
