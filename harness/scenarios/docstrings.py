"""Parses docstrings, for the descriptions in a schema."""

from __future__ import annotations

import inspect
import re
from typing import Any

SUMMARY_ENDS = re.compile(r"\n\w+(?:, from the method)?:\n|\n>>> |\n- ")
ARGUMENTS = re.compile(r"^Args:\n((?: .*\n|\n)*)", re.MULTILINE)
# `name:` or `one, another:`, indented once; its continuation lines are indented deeper.
ARGUMENT = re.compile(r"^    (\S[^:]*): (.*(?:\n     .*|\n)*)", re.MULTILINE)
LISTED = re.compile(r"^- `(\w+)`: (.*(?:\n  .*)*)", re.MULTILINE)


def descriptions(of: Any) -> dict[str, str]:
    """The descriptions of the arguments in the docstring of a function or class and, under "", its summary.

    >>> from harness.service.acts import fail
    >>> descriptions(fail)["code"]
    '`server_error`, `rate_limit_exceeded` or `invalid_prompt`; other codes are used as they are.'
    """
    text = (inspect.getdoc(of) or "") + "\n"
    texts = {"": SUMMARY_ENDS.split(text)[0], **dict(LISTED.findall(text))}
    for section in ARGUMENTS.findall(text):
        for names, what in ARGUMENT.findall(section):
            texts.update({name.strip("* "): what for name in names.split(",")})
    return {name: _one_line(what) for name, what in texts.items()}


def _one_line(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())
