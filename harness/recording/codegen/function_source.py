"""The source of a test function, collected line by line; unused variables and lines are dropped at the end."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from harness.source.values import NAME, WIDTH, Call, Code, layout, names, to_source, width

if TYPE_CHECKING:
    from collections.abc import Iterator

INDENT = 4


@dataclass
class Line:
    """One statement: a value, and the text around it.

    Attributes:
        target: the variable that the value is assigned to, if a later line reads it.
        only_if_read: whether the line is dropped if no later line reads its variable.
        around: the head of a block that contains the line: a `with` item, or code such as `while …`.
        blank_before: whether a blank line precedes it.
    """

    value: Any
    before: str = ""
    after: str = ""
    target: str = ""
    only_if_read: bool = False
    around: Call | Code | None = None
    blank_before: bool = False

    @property
    def reads(self) -> set[str]:
        return names(self.value) | names(self.around) | set(NAME.findall(self.before))

    def source(self, *, assigned: bool) -> Iterator[str]:
        if self.around is not None:
            keyword = "" if isinstance(self.around, Code) else "with "
            yield from layout(self.around, before=keyword, after=":", indent=INDENT)
        before = f"{self.target} = " if assigned else self.before
        yield from layout(
            self.value, before=before, after=self.after, indent=INDENT if self.around is None else 2 * INDENT
        )


@dataclass
class Comment:
    text: str
    blank_before: bool = False

    def source(self) -> Iterator[str]:
        yield from comment(self.text, INDENT)


class FunctionSource:
    """The source of a test function, to which lines are added from top to bottom."""

    def __init__(self) -> None:
        self.lines: list[Line | Comment] = []
        self._taken: Counter[str] = Counter()

    def new_variable(self, name: str) -> str:
        """A variable name that is not yet in use: `name`, or else with a number."""
        self._taken[name] += 1
        return name if self._taken[name] == 1 else f"{name}_{self._taken[name]}"

    def add(self, value: Any, **how: Any) -> None:
        self.lines.append(Line(value, **how))

    def expect(self, left: Code, value: Any) -> None:
        """Add an assertion; a text that is too long for one line is compared in a list."""
        line = f"assert {left} == {to_source(value)}"
        if isinstance(value, str | bytes) and not isinstance(value, Code) and INDENT + width(line) > WIDTH:
            left, value = Code(f"[{left}]"), [value]
        self.add(value, before=f"assert {left} == ")

    def finish(self) -> None:
        """Begin the function with a client; if nothing uses one, skip the test."""
        if "client" in self.reads:
            self.lines.insert(0, Line(Call("openai.OpenAI"), target="client"))
        else:
            self.add(Call("pytest.skip", ("nothing of this recording can be repeated",)))

    def comment(self, text: str, *, blank_before: bool = False) -> None:
        self.lines.append(Comment(text, blank_before))

    @property
    def kept(self) -> list[tuple[Line | Comment, bool]]:
        """The lines that are not dropped, each with whether its variable is read."""
        found: list[tuple[Line | Comment, bool]] = []
        read: set[str] = set()
        for line in reversed(self.lines):
            is_read = isinstance(line, Line) and line.target in read
            if isinstance(line, Line):
                if line.only_if_read and not is_read:
                    continue
                read |= line.reads
            found.append((line, is_read))
        return found[::-1]

    def source(self) -> Iterator[str]:
        for number, (line, is_read) in enumerate(self.kept):
            if line.blank_before and number:
                yield ""
            yield from line.source(assigned=is_read) if isinstance(line, Line) else line.source()

    @property
    def reads(self) -> set[str]:
        """Every name that the function reads."""
        return set().union(*(line.reads for line, _ in self.kept if isinstance(line, Line)))


def comment(text: str, indent: int = 0) -> Iterator[str]:
    """The lines of a wrapped comment; characters that could end a line are replaced."""
    plain = "".join(char if char.isprintable() else " " for char in " ".join(text.split()))
    for line in textwrap.wrap(plain, WIDTH - indent - 2, break_long_words=False, break_on_hyphens=False):
        yield " " * indent + "# " + line


def head(title: str) -> list[str]:
    """The `def` line of a test that is named after a title.

    >>> head("cassettes/math-tutor.yaml")
    ['def test_math_tutor(assistants):']
    """
    stem = re.sub(r"\.(ya?ml|jsonl?|har)$", "", re.split(r"[/\\]", title)[-1])
    name = re.sub(r"\W+", "_", normalize("NFKC", stem)).strip("_").lower()
    line = f"def test_{(name or 'session').removeprefix('test_')}(assistants):"
    return [line] if width(line) <= WIDTH else [line[: -len("assistants):")], "    assistants,", "):"]
