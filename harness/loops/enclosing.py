"""The loops around a line of Python source."""

from __future__ import annotations

import ast
from functools import lru_cache

from harness.loops.interpretation import EXITS, EXITS_IF_REFUSED, LOOPS, AnyLoop, LoopInterpreter, constants
from harness.service.stuck import STATUSES, Loop

ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@lru_cache(maxsize=32)  # a client that counts its rounds may repeat a request often before it is stuck
def enclosing_loops(source: str, line: int, file: str) -> tuple[Loop, ...]:
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
        return ()
    texts, lines = constants(tree), source.split("\n")  # a form feed ends no line
    nodes = _enclosing_nodes(tree, line)
    return tuple(_described(node, LoopInterpreter(node, texts, line), file, lines[node.lineno - 1]) for node in nodes)


def _described(node: AnyLoop, interpreter: LoopInterpreter, file: str, head: str) -> Loop:
    outcomes = {status: interpreter.outcomes(status) for status in STATUSES}
    ends = frozenset(status for status in STATUSES if outcomes[status] == {EXITS})
    reads_time = "time.time" in _called(node)
    return Loop(
        file,
        node.lineno,
        head.strip(),
        waits_for=frozenset() if len(ends) == len(STATUSES) else ends,
        stays_on=frozenset(status for status in STATUSES if not outcomes[status] & {EXITS, EXITS_IF_REFUSED}),
        unknown=tuple(sorted(interpreter.unknown)),
        reads_time=reads_time,
        counts=not reads_time and _has_limit(node),
    )


def _called(node: ast.AST) -> set[str]:
    """The names of the functions that are called somewhere in a node."""
    return {ast.unparse(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}


def _has_limit(loop: AnyLoop) -> bool:
    """Whether the loop most likely counts its rounds: it goes over a range, or compares something by its size."""
    if isinstance(loop, ast.For) and "range" in _called(loop.iter):
        return True
    compared = (node.ops for node in ast.walk(loop) if isinstance(node, ast.Compare))
    return any(isinstance(operator, ORDERINGS) for operators in compared for operator in operators)


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
