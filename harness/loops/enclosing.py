"""The loops around a line of Python source, and the timeouts around it."""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from harness.loops.deadlines import clocks, imported_names, timeouts
from harness.loops.interpretation import (
    EXITS,
    EXITS_IF_REFUSED,
    LOOPS,
    AnyLoop,
    LoopInterpreter,
    constants,
    last_name,
)
from harness.service.stuck import STATUSES, Loop

if TYPE_CHECKING:
    from harness.service.deadlines import Deadline

ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
ITERATIONS = frozenset({"range", "Retrying", "AsyncRetrying", "retry_context"})  # those of tenacity and stamina
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
WITHS = (ast.With, ast.AsyncWith)

Block: TypeAlias = "AnyLoop | ast.With | ast.AsyncWith"


# A client that counts its rounds may repeat a request often before it is stuck, each time with dozens of frames.
@lru_cache(maxsize=256)
def enclosing_loops(source: str, line: int, file: str, module: str = "") -> tuple[Loop, ...]:
    """The loops around a line in its function, innermost first, and the statuses that they wait for.

    >>> poll = '''
    ... while run.status in ("queued", "in_progress", "cancelling"):
    ...     run = look()
    ... '''
    >>> [loop] = enclosing_loops(poll, 3, "app.py")
    >>> sorted(loop.waits_for), loop.line
    (['cancelled', 'completed', 'expired', 'failed', 'incomplete', 'requires_action'], 2)
    """
    if (tree := _parsed(source)) is None:
        return ()
    texts, imported, lines = constants(tree), imported_names(tree), source.split("\n")  # a form feed ends no line
    blocks = _enclosing_blocks(tree, line)
    return tuple(
        replace(
            _described(node, LoopInterpreter(node, texts, line), file, lines[node.lineno - 1]),
            clocks=(read := tuple(clocks(node, imported, module))),
            timeouts=tuple(timeouts(blocks[place:], imported, module)),
            counts=_ends_by_itself(node) or _compares_rounds(node, {clock.call for clock in read}),
        )
        for place, node in enumerate(blocks)
        if isinstance(node, LOOPS)
    )


def _described(node: AnyLoop, interpreter: LoopInterpreter, file: str, head: str) -> Loop:
    """A loop, and what its end has to do with statuses."""
    outcomes = {status: interpreter.outcomes(status) for status in STATUSES}
    ends = frozenset(status for status in STATUSES if outcomes[status] == {EXITS})
    return Loop(
        file,
        node.lineno,
        head.strip(),
        waits_for=frozenset() if len(ends) == len(STATUSES) else ends,
        stays_on=frozenset(status for status in STATUSES if not outcomes[status] & {EXITS, EXITS_IF_REFUSED}),
        unknown=tuple(sorted(interpreter.unknown)),
    )


@lru_cache(maxsize=256)
def enclosing_timeouts(source: str, line: int, module: str) -> tuple[Deadline, ...]:
    """The timeouts around a line in its function."""
    tree = _parsed(source)
    return () if tree is None else tuple(timeouts(_enclosing_blocks(tree, line), imported_names(tree), module))


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except SyntaxError:  # not Python, or not what was executed
        return None


def _ends_by_itself(loop: AnyLoop) -> bool:
    """Whether the loop goes over something that most likely ends."""
    return not isinstance(loop, ast.While) and any(
        isinstance(node, ast.Call) and last_name(node.func) in ITERATIONS for node in ast.walk(loop.iter)
    )


def _compares_rounds(loop: AnyLoop, clocks: set[str]) -> bool:
    """Whether the loop compares something by its size, such as its rounds with a limit, that is no time."""
    nodes = list(ast.walk(loop))
    assigned = [node for node in nodes if isinstance(node, ast.Assign) and _calls(node.value, clocks)]
    times = {last_name(target) for node in assigned for target in node.targets} - {None}
    return any(
        isinstance(node, ast.Compare)
        and any(isinstance(operator, ORDERINGS) for operator in node.ops)
        and not _calls(node, clocks)
        and times.isdisjoint(map(last_name, ast.walk(node)))
        for node in nodes
    )


def _calls(node: ast.AST, functions: set[str]) -> bool:
    return any(isinstance(call, ast.Call) and ast.unparse(call.func) in functions for call in ast.walk(node))


def _enclosing_blocks(tree: ast.AST, line: int) -> list[Block]:
    """The loops and `with`s around a line in its function, innermost first.

    The head of a `for` runs once, so its lines are not in the loop.
    """
    found: list[Block] = []
    nodes = [node for node in ast.walk(tree) if isinstance(node, (*FUNCTIONS, *LOOPS, *WITHS))]
    for node in sorted(nodes, key=lambda node: node.lineno):
        begin = node.lineno if isinstance(node, ast.While) else node.body[0].lineno
        if begin <= line <= (node.body[-1].end_lineno or 0):
            if isinstance(node, FUNCTIONS):
                found.clear()  # loops around a function's definition are not around its calls
            else:
                found.append(node)
    return found[::-1]
