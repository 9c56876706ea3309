"""The command line: `harness serve`, `harness record` and so on, each a wrapper around one function of the library.

The commands are in `serving.py`, `recordings.py` and `reference.py`. Each imports what it needs when it is run, so that
no command pays for another.
"""

from __future__ import annotations

from typing import Any

import click

from harness import __version__
from harness.cli import recordings, reference, serving
from harness.failures import HarnessFailure


class HarnessGroup(click.Group):
    """Shows a `HarnessFailure` without a traceback, and lists commands in the order in which they were added."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HarnessFailure as failure:
            raise click.ClickException(str(failure)) from failure

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=HarnessGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="pytest-assistants")
def main() -> None:
    """A fake OpenAI Assistants API for other programs, and recorded sessions of the real one.

    Recordings are cassettes of vcrpy, Betamax, Ruby VCR, R vcr, nock and the Azure SDK test proxy, HAR files, logs of
    JSON lines and notebooks with printed objects, whatever the files are called.

    \b
    Exit codes:
      0  success
      1  an error, which the message explains
      2  wrong usage of the command
    `harness record` ends with the exit code of the program that it runs.

    Your shell can complete commands and options: harness completion --help
    """


COMMANDS = (
    serving.serve,
    recordings.record,
    recordings.import_,
    recordings.check,
    recordings.show,
    recordings.report,
    recordings.to_test,
    reference.lifecycle,
    reference.routes,
    reference.completion,
)
for command in COMMANDS:
    main.add_command(command)
