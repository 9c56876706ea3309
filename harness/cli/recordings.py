"""The commands about recordings: `record`, `import`, `check`, `show`, `to-test` and `report`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.shared import FILE, OUTPUT, count, progress, refuse_to_replace, secrets, told_or_written, write_output
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
    help="The endpoint that the program shall talk to, such as http://localhost:8000/v1.",
)
@click.option("--azure", is_flag=True, help="The program is a client of Azure: set AZURE_OPENAI_ENDPOINT for it.")
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="once",
    show_default=True,
    help="What becomes of a cassette that is there: once, it answers; new_episodes, it answers and what it lacks is "
    "added; all, what is asked is recorded anew; rewrite, it is forgotten.",
)
@click.option("--keep-failed", is_flag=True, help="Write the cassette even if the program fails.")
@secrets
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
    """Run a program in any language, and record what it asks the API.

    The program is pointed at a server on this machine, which passes everything on. Secrets are taken out before
    anything is written; if the program fails, nothing is.

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
    help="The folder of the cassettes.",
)
@click.option("--force", is_flag=True, help="Replace cassettes that are there.")
@secrets
def import_(files: tuple[Path, ...], folder: Path, **how: Any) -> None:
    """Make cassettes of recordings in other forms, one for each conversation, without their secrets.

    If something is wrong with one of the files, or a secret would be left in a cassette, none is written.
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
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding.")
@secrets
@click.pass_context
def check(
    ctx: click.Context, paths: tuple[Path, ...], as_json: bool, redact: tuple[str, ...], keep: tuple[str, ...]
) -> None:
    """Look for what is wrong with cassettes: bodies, impossible transitions, secrets, duplicates, dead exchanges.

    Prints one line a finding. Ends with 1 if one of them is an error; notes are only told. Of a folder, all cassettes
    in it are checked (.yaml, .yml).
    """
    from harness.recording.checking import check as findings_of
    from harness.recording.redaction import Redactor

    files = [file for path in paths for file in _cassettes(path)]
    redactor = Redactor(patterns=redact, keep=keep)
    with progress(files, "checking") as all_:
        found = [finding for file in all_ for finding in findings_of(file, redactor=redactor)]
    for finding in found:
        click.echo(json.dumps(asdict(finding), ensure_ascii=False) if as_json else f"{finding.level}: {finding}")
    errors = sum(finding.level == "error" for finding in found)
    told = f"{count(errors, 'error')}, {count(len(found) - errors, 'note')}"
    click.echo(f"{count(len(files), 'file')} checked: {told}.", err=True)
    ctx.exit(1 if errors else 0)


@click.command()
@click.argument("path", type=FILE)
def show(path: Path) -> None:
    """Print a cassette as a timeline: what was asked and came, each thread, each run with what the model did."""
    from harness.recording.exchanges import understanding
    from harness.recording.timeline import timeline

    sessions = _sessions(path)
    with understanding(path):
        parts = [f"{name or path}: {timeline(session)}" for name, session in sessions.items()]
    click.echo_via_pager("\n\n".join(parts) + "\n")


@click.command("to-test")
@click.argument("path", type=FILE)
@click.option("-o", "--output", type=OUTPUT, help="The file to write.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def to_test(path: Path, output: Path | None, force: bool) -> None:
    """Write a test with scripts that tell the recorded story, without the cassette.

    It stands on its own: what the model did is scripted, what the client did are calls of the SDK, and what came is
    asserted. Without -o it is printed.
    """
    from harness.recording.exchanges import understanding
    from harness.recording.retelling import retold

    sessions = _sessions(path)
    if len(sessions) > 1:
        raise HarnessFailure(
            f"{path} holds {len(sessions)} conversations, and a test tells one.",
            do=f"harness import {path} -o cassettes   # a cassette for each",
        )
    [session] = sessions.values()
    with understanding(path):
        source = retold(session, title=path.name)
    told_or_written(source, output, force=force, command="to-test")


def _sessions(path: Path) -> dict[str, Session]:
    """The conversations of a file, by their names."""
    from harness.recording.cassettes import read
    from harness.recording.exchanges import by_conversation
    from harness.recording.session import Session

    skipped: list[str] = []
    found = {name: Session.of(exchanges) for name, exchanges in by_conversation(read(path, skipped)).items()}
    for line in skipped:
        click.echo(f"left out: {line}", err=True)
    return found


def _cassettes(path: Path) -> list[Path]:
    return sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]) if path.is_dir() else [path]


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("-o", "--output", required=True, type=OUTPUT, help="The page to write, such as report.html.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def report(files: tuple[Path, ...], output: Path, force: bool) -> None:
    """Write what recordings tell as one HTML page: conversations, timelines of runs, files and every request.

    The page needs no network and no server; it may be sent to somebody, or kept as an artifact of a build. It shows
    recordings as they are: what `harness check` calls a secret is on it, too.
    """
    from harness.recording.reporting import report as page_of

    refuse_to_replace(output, force=force, command="report")
    write_output(output, page_of(files))
    click.echo(output)
