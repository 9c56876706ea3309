"""What docstrings say, for the descriptions of a schema."""

from __future__ import annotations

import inspect
import re
from typing import Any

SUMMARY_ENDS = re.compile(r"\n\w+(?:, from the method)?:\n|\n>>> |\n- ")
ARGUMENTS = re.compile(r"^Args:\n((?: .*\n|\n)*)", re.MULTILINE)
# `name:` or `one, another:`, indented once; what follows it is indented deeper.
ARGUMENT = re.compile(r"^    (\S[^:]*): (.*(?:\n     .*|\n)*)", re.MULTILINE)
LISTED = re.compile(r"^- `(\w+)`: (.*(?:\n  .*)*)", re.MULTILINE)


def descriptions(of: Any) -> dict[str, str]:
    """What the docstring of a function or class says of each argument and, under "", of the whole.

    >>> from harness.service.acts import fail
    >>> descriptions(fail)["code"]
    '`server_error`, `rate_limit_exceeded` or `invalid_prompt`; another text is passed on as it is.'
    """
    text = (inspect.getdoc(of) or "") + "\n"
    told = {"": SUMMARY_ENDS.split(text)[0], **dict(LISTED.findall(text))}
    for section in ARGUMENTS.findall(text):
        for names, what in ARGUMENT.findall(section):
            told.update({name.strip("* "): what for name in names.split(",")})
    return {name: _sentence(what) for name, what in told.items()}


def _sentence(text: str) -> str:
    """On one line."""
    return " ".join(text.split())
