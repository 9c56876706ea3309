"""The commands about recordings: `record`, `import`, `check`, `show`, `to-test` and `report`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.shared import (
    FILE,
    OUTPUT,
    count,
    print_or_write,
    progress,
    redaction_options,
    refuse_to_replace,
    write_output,
)
from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from harness.recording.session import Session

MODES = ("once", "new_episodes", "all", "rewrite")


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("-o", "--output", "path", required=True, type=click.Path(path_type=Path), help="The cassette to write.")
@click.option(
    "--from",
    "upstream",
    required=True,
    metavar="URL",
    help="The endpoint to forward requests to, such as http://localhost:8000/v1.",
)
@click.option("--azure", is_flag=True, help="The program is a client of Azure: set AZURE_OPENAI_ENDPOINT for it.")
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="once",
    show_default=True,
    help="What to do with an existing cassette: once, replay it; new_episodes, replay it and add what it lacks; all, "
    "record every request again; rewrite, discard it first.",
)
@click.option("--keep-failed", is_flag=True, help="Write the cassette even if the program fails.")
@redaction_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def record(
    ctx: click.Context,
    /,
    path: Path,
    command: tuple[str, ...],
    redact: tuple[str, ...],
    keep: tuple[str, ...],
    **how: Any,
) -> None:
    """Run a program in any language, and record its requests to the API.

    The program's environment points it to a server on this machine, which forwards all requests. Secrets are removed
    before anything is written; if the program fails, nothing is written.

    \b
        harness record -o cassettes/weather.yaml --from https://example.com/v1 -- python weather.py
    """
    from harness.recording.redaction import Redactor
    from harness.recording_proxy import record_command

    exit_code = record_command(command, path, redactor=Redactor(patterns=redact, keep=keep), **how)
    if not exit_code and not path.exists():
        click.echo("Nothing was recorded: the program sent nothing to the base URL in its environment.", err=True)
    ctx.exit(exit_code)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("cassettes"),
    show_default=True,
    help="The folder to write to.",
)
@click.option("--force", is_flag=True, help="Replace existing cassettes.")
@redaction_options
def import_(files: tuple[Path, ...], folder: Path, **how: Any) -> None:
    """Convert recordings in other formats to cassettes, one for each conversation, without secrets.

    If one of the files is invalid, or a secret would be left in a cassette, none is written.
    """
    from harness.recording.importing import imports, write_all

    skipped: list[str] = []
    made = imports(files, folder, skipped=skipped, **how)
    for line in skipped:
        click.echo(f"left out: {line}", err=True)
    with progress(made, "checking") as all_:
        rendered = [item.rendered() for item in all_]
    write_all(rendered)
    for item in made:
        runs = [story.run.get("status", "unseen") for story in item.session.stories.values()]
        parts = [count(len(item.exchanges), "exchange")]
        parts += [f"{count(len(runs), 'run')} ({', '.join(dict.fromkeys(runs))})"] if runs else []
        parts += [f"{count(item.replaced, 'secret')} replaced"] if item.replaced else []
        parts += [f"{count(item.left_out, 'request')} to others left out"] if item.left_out else []
        click.echo(f"{item.path}: {', '.join(parts)}")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each finding.")
@redaction_options
@click.pass_context
def check(
    ctx: click.Context, paths: tuple[Path, ...], as_json: bool, redact: tuple[str, ...], keep: tuple[str, ...]
) -> None:
    """Check cassettes for invalid bodies, impossible transitions, secrets, duplicates and dead exchanges.

    Prints one line for each finding. The exit code is 1 if one of them is an error; notes do not count. Of a folder,
    all cassettes in it are checked (.yaml, .yml).
    """
    from harness.recording.checking import check as findings_of
    from harness.recording.redaction import Redactor

    files = [file for path in paths for file in _cassette_paths(path)]
    redactor = Redactor(patterns=redact, keep=keep)
    with progress(files, "checking") as all_:
        found = [finding for file in all_ for finding in findings_of(file, redactor=redactor)]
    for finding in found:
        click.echo(json.dumps(asdict(finding), ensure_ascii=False) if as_json else f"{finding.level}: {finding}")
    errors = sum(finding.level == "error" for finding in found)
    summary = f"{count(errors, 'error')}, {count(len(found) - errors, 'note')}"
    click.echo(f"{count(len(files), 'file')} checked: {summary}.", err=True)
    ctx.exit(1 if errors else 0)


@click.command()
@click.argument("path", type=FILE)
def show(path: Path) -> None:
    """Print a cassette as a timeline: requests and answers, threads, and runs with what the model did."""
    from harness.recording.exchanges import malformed_as_failure
    from harness.recording.timeline import timeline

    sessions = _sessions(path)
    with malformed_as_failure(path):
        parts = [f"{name or path}: {timeline(session)}" for name, session in sessions.items()]
    click.echo_via_pager("\n\n".join(parts) + "\n")


@click.command("to-test")
@click.argument("path", type=FILE)
@click.option("-o", "--output", type=OUTPUT, help="The file to write.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def to_test(path: Path, output: Path | None, force: bool) -> None:
    """Convert a recording to a test that does not need the cassette.

    The test scripts what the model did, makes the client's requests with the SDK, and asserts the answers. Without -o
    it is printed.
    """
    from harness.recording.codegen import generate_test
    from harness.recording.exchanges import malformed_as_failure

    sessions = _sessions(path)
    if len(sessions) > 1:
        raise HarnessFailure(
            f"{path} holds {len(sessions)} conversations, and a test is made from one.",
            do=f"harness import {path} -o cassettes   # a cassette for each",
        )
    [session] = sessions.values()
    with malformed_as_failure(path):
        source = generate_test(session, title=path.name)
    print_or_write(source, output, force=force, command="to-test")


def _sessions(path: Path) -> dict[str, Session]:
    """The recorded conversations in a file, by name; exchanges that cannot be read are reported on stderr."""
    from harness.recording.cassettes import read
    from harness.recording.exchanges import by_conversation
    from harness.recording.session import Session

    skipped: list[str] = []
    found = {name: Session.of(exchanges) for name, exchanges in by_conversation(read(path, skipped)).items()}
    for line in skipped:
        click.echo(f"left out: {line}", err=True)
    return found


def _cassette_paths(path: Path) -> list[Path]:
    """The cassettes in a folder, or the file itself."""
    return sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]) if path.is_dir() else [path]


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("-o", "--output", required=True, type=OUTPUT, help="The page to write, such as report.html.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def report(files: tuple[Path, ...], output: Path, force: bool) -> None:
    """Show recordings on one HTML page: conversations, timelines of runs, files and all requests.

    The page needs no network and no server; it can be sent to somebody, or kept as a build artifact. It shows
    recordings unchanged, including what `harness check` reports as secrets.
    """
    from harness.recording.reporting import report as page_of

    refuse_to_replace(output, force=force, command="report")
    write_output(output, page_of(files))
    click.echo(output)
