"""`harness`, or `python -m harness`: the command line, which belongs to an extra."""

from __future__ import annotations

import sys

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
    command_line(prog_name="harness")


if __name__ == "__main__":
    main()
