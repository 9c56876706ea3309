"""What several commands share: options, and functions that print and write results."""

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
LEAST_FOR_A_BAR = 20  # items

FILE = click.Path(exists=True, path_type=Path)
OUTPUT = click.Path(dir_okay=False, path_type=Path)


def redaction_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command that removes or finds secrets with its options."""
    redact = click.option("--redact", multiple=True, metavar="REGEX", help="What else is secret; may be repeated.")
    keep = click.option(
        "--keep", multiple=True, metavar="TEXT", help="What is not secret, although it looks like it; may be repeated."
    )
    return redact(keep(command))


def count(number: int, what: str) -> str:
    """A number with its noun, which is in the plural unless the number is 1.

    >>> count(1, "run"), count(0, "run")
    ('1 run', '0 runs')
    """
    return f"{number} {what}{'' if number == 1 else 's'}"


def progress(items: Sequence[T], label: str) -> ProgressBar[T]:
    """A progress bar on stderr, if there are many items and stderr is a terminal."""
    return click.progressbar(
        items, label=label, file=sys.stderr, hidden=len(items) < LEAST_FOR_A_BAR or not sys.stderr.isatty()
    )


def print_or_write(text: str, output: Path | None, *, force: bool, command: str) -> None:
    """Print a text, or write it to a file, whole or not at all, and print the path.

    Raises:
        HarnessFailure: the file exists and `force` was not given, or it cannot be written.
    """
    if output is None:
        click.echo(text, nl=False)
        return
    refuse_to_replace(output, force=force, command=command)
    write_output(output, text)
    click.echo(output)


def refuse_to_replace(output: Path, *, force: bool, command: str) -> None:
    """Check that a file may be written, before long work is done for nothing.

    Raises:
        HarnessFailure: the file exists and `force` was not given.
    """
    if output.exists() and not (force or is_stream(output)):
        raise HarnessFailure(f"{output} exists already, and was left as it is.", do=f"harness {command} --force …")


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
            there_was="An existing file is unchanged.",
            do=f"ls -ld {quote(str(output.parent))}   # is it there, and writable?",
        ) from error
