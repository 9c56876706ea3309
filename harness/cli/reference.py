"""The commands that describe the fake, `lifecycle` and `routes`; and `completion` for shells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import get_completion_class

from harness.cli.shared import OUTPUT, print_or_write

if TYPE_CHECKING:
    from pathlib import Path

# The names of harness.report.diagrams, which is imported only to draw; a test keeps them equal.
MACHINES = ("run", "step", "message", "file", "batch")
FORMS = ("text", "mermaid", "svg", "json")
SHELLS = {
    "bash": 'add to ~/.bashrc:\n    eval "$(harness completion bash)"',
    "zsh": 'add to ~/.zshrc:\n    eval "$(harness completion zsh)"',
    "fish": "once:\n    harness completion fish > ~/.config/fish/completions/harness.fish",
}


@click.command()
@click.option(
    "--machine",
    type=click.Choice([*MACHINES, "all"]),
    default="run",
    show_default=True,
    help="The object: a run, a run step, a message, a file or a file batch of a vector store, or all of these.",
)
@click.option(
    "--format", "form", type=click.Choice(FORMS), default="text", show_default=True, help="The output format."
)
@click.option("-o", "--output", type=OUTPUT, help="The file to write.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def lifecycle(machine: str, form: str, output: Path | None, force: bool) -> None:
    """Draw the state machine of an object: the moves from status to status, what causes them, and who makes them.

    It is drawn from the tables that the fake itself uses. Without -o it is printed.

    \b
        harness lifecycle
        harness lifecycle --machine all --format svg -o lifecycle.svg
    """
    from harness.report.diagrams import FORMS as DRAW
    from harness.report.diagrams import MACHINES as TABLES

    chosen = list(TABLES.values()) if machine == "all" else [TABLES[machine]]
    print_or_write(DRAW[form](chosen) + "\n", output, force=force, command="lifecycle")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON array, with an object for each endpoint.")
def routes(as_json: bool) -> None:
    """List every endpoint of the fake, with the number of recordings of the real service that it was compared with.

    v1 and v2 are the versions in the header OpenAI-Beta; files, models and vector stores need no header.
    """
    from harness.report import conformance

    render = conformance.as_json if as_json else conformance.as_text
    click.echo(render(conformance.endpoints()))


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)), required=False)
def completion(shell: str | None) -> None:
    """Print the script that lets a shell complete commands, options and files; without SHELL, how to install it."""
    if shell is None:
        click.echo("\n\n".join(f"{name}: {how}" for name, how in SHELLS.items()))
        return
    completer = get_completion_class(shell)
    assert completer is not None, "click knows these shells"
    command = click.get_current_context().find_root().command
    click.echo(completer(command, {}, "harness", "_HARNESS_COMPLETE").source())
