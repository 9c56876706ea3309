"""Entry point of `harness` and `python -m harness`; the command line itself needs the extra `cli`."""

from __future__ import annotations

import sys
from io import TextIOWrapper

HOW_TO_INSTALL = """\
The command line needs click, which is not installed.

What to do:
    pip install "pytest-assistants[cli]\""""


def main() -> None:
    try:
        from harness.cli import main as command_line  # noqa: PLC0415 - to say what is missing
    except ModuleNotFoundError as missing:
        if missing.name != "click":
            raise
        sys.exit(HOW_TO_INSTALL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # for characters that a pipe on Windows cannot encode; in JSON and Python source the escapes mean the same
            stream.reconfigure(errors="backslashreplace")
    command_line(prog_name="harness")


if __name__ == "__main__":
    main()
