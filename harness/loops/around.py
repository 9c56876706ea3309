"""The loops around a line of Python, from its text alone."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from harness.loops.passes import LEAVES, LOOPS, MAY_LEAVE, AnyLoop, Passes, constants
from harness.service.stuck import STATUSES, Loop

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def loops_in(source: str, line: int, file: str) -> Iterator[Loop]:
    """The loops around a line, in its function and from the inside out, and what they wait for.

    >>> poll = '''
    ... while run.status in ("queued", "in_progress", "cancelling"):
    ...     run = look()
    ... '''
    >>> [loop] = loops_in(poll, 3, "app.py")
    >>> sorted(loop.waits_for), loop.line
    (['cancelled', 'completed', 'expired', 'failed', 'incomplete', 'requires_action'], 2)
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:  # not Python, or not what was executed
        return
    texts = constants(tree)
    for loop in _around(tree, line):
        passes = Passes(loop, texts, line)
        may = {status: passes.ways(status) for status in STATUSES}
        ends = frozenset(status for status in STATUSES if may[status] == {LEAVES})
        yield Loop(
            file,
            loop.lineno,
            source.split("\n")[loop.lineno - 1].strip(),  # a form feed ends no line
            waits_for=frozenset() if len(ends) == len(STATUSES) else ends,
            stays_on=frozenset(status for status in STATUSES if not may[status] & {LEAVES, MAY_LEAVE}),
            unknown=tuple(sorted(passes.unknown)),
        )


def _around(tree: ast.AST, line: int) -> list[AnyLoop]:
    """From the inside out. The head of a `for` is executed once, so it belongs to no loop."""
    found: list[AnyLoop] = []
    nodes = [node for node in ast.walk(tree) if isinstance(node, (*FUNCTIONS, *LOOPS))]
    for node in sorted(nodes, key=lambda node: node.lineno):
        begin = node.body[0].lineno if isinstance(node, (ast.For, ast.AsyncFor)) else node.lineno
        if begin <= line <= (node.body[-1].end_lineno or 0):
            if isinstance(node, LOOPS):
                found.append(node)
            else:
                found.clear()  # what is around a function is not around its calls
    return found[::-1]
