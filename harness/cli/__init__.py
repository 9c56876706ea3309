"""The command line: `harness serve`, `harness record` and so on, each around one function of the library.

This file knows what commands there are and what all of them share; `serving.py`, `recordings.py` and `looking.py` hold
them. A command imports what it needs when it is run, so that none pays for another.
"""

from __future__ import annotations

from typing import Any

import click

from harness import __version__
from harness.cli import looking, recordings, serving
from harness.failures import HarnessFailure


class Explained(click.Group):
    """What the harness complains about is shown as it is, without a traceback; commands stay in their order."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HarnessFailure as failure:
            raise click.ClickException(str(failure)) from failure

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Explained, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="pytest-assistants")
def main() -> None:
    """A fake OpenAI Assistants API for other programs, and recorded sessions of the real one.

    Recordings are cassettes of vcrpy, Betamax, Ruby VCR, R vcr, nock and the Azure SDK test proxy, HAR files, logs of
    JSON lines and notebooks with printed objects, whatever the files are called.

    \b
    Exit codes:
      0  all is well
      1  something is wrong with what was given, and the message says what
      2  the command was not written as it has to be
    `harness record` ends as the program that it runs does.

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
    looking.lifecycle,
    looking.routes,
    looking.completion,
)
for command in COMMANDS:
    main.add_command(command)
