"""The loops around a line of Python source."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from harness.loops.interpretation import EXITS, EXITS_IF_REFUSED, LOOPS, AnyLoop, LoopInterpreter, constants
from harness.service.stuck import STATUSES, Loop

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def enclosing_loops(source: str, line: int, file: str) -> Iterator[Loop]:
    """The loops around a line in its function, innermost first, and the statuses that they wait for.

    >>> poll = '''
    ... while run.status in ("queued", "in_progress", "cancelling"):
    ...     run = look()
    ... '''
    >>> [loop] = enclosing_loops(poll, 3, "app.py")
    >>> sorted(loop.waits_for), loop.line
    (['cancelled', 'completed', 'expired', 'failed', 'incomplete', 'requires_action'], 2)
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:  # not Python, or not what was executed
        return
    texts = constants(tree)
    for loop in _enclosing_nodes(tree, line):
        interpreter = LoopInterpreter(loop, texts, line)
        outcomes = {status: interpreter.outcomes(status) for status in STATUSES}
        ends = frozenset(status for status in STATUSES if outcomes[status] == {EXITS})
        yield Loop(
            file,
            loop.lineno,
            source.split("\n")[loop.lineno - 1].strip(),  # a form feed ends no line
            waits_for=frozenset() if len(ends) == len(STATUSES) else ends,
            stays_on=frozenset(status for status in STATUSES if not outcomes[status] & {EXITS, EXITS_IF_REFUSED}),
            unknown=tuple(sorted(interpreter.unknown)),
            reads_time=any(isinstance(node, ast.Call) and ast.unparse(node.func) == "time.time" for node in ast.walk(loop)),
        )


def _enclosing_nodes(tree: ast.AST, line: int) -> list[AnyLoop]:
    """The nodes of these loops, innermost first. The head of a `for` runs once, so its lines are not in the loop."""
    found: list[AnyLoop] = []
    nodes = [node for node in ast.walk(tree) if isinstance(node, (*FUNCTIONS, *LOOPS))]
    for node in sorted(nodes, key=lambda node: node.lineno):
        begin = node.body[0].lineno if isinstance(node, (ast.For, ast.AsyncFor)) else node.lineno
        if begin <= line <= (node.body[-1].end_lineno or 0):
            if isinstance(node, LOOPS):
                found.append(node)
            else:
                found.clear()  # loops around a function's definition are not around its calls
    return found[::-1]
