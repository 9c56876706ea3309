"""Calls in Python source that tell the time, and timeouts."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from harness.service.deadlines import EVENT_LOOP, EVENT_LOOPS, TIMEOUTS, VIRTUAL, Deadline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

OF_AN_EVENT_LOOP = ("loop.time", "loop().time")  # the ends of calls, such as `asyncio.get_running_loop().time`


def imported_names(tree: ast.Module) -> dict[str, str]:
    """The names that a module imports at its top level, with what they stand for."""
    names = {}
    for node in tree.body:
        match node:
            case ast.Import(names=aliases):
                names.update({alias.asname or alias.name: alias.name for alias in aliases})
            case ast.ImportFrom(module=module, names=aliases):
                names.update({alias.asname or alias.name: f"{module}.{alias.name}" for alias in aliases})
    return names


def clocks(node: ast.AST, imported: Mapping[str, str], module: str) -> Iterator[Deadline]:
    """The calls within a node that tell the time, each once."""
    called = {ast.unparse(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
    for deadline in _deadlines(sorted(called), imported, module):
        if deadline.function in VIRTUAL or deadline.function in EVENT_LOOPS:
            yield deadline


def timeouts(blocks: Iterable[ast.AST], imported: Mapping[str, str], module: str) -> Iterator[Deadline]:
    """Those of these blocks that are the body of a timeout."""
    entered = (item.context_expr for block in blocks for item in getattr(block, "items", ()))
    for deadline in _deadlines(
        (ast.unparse(one.func) for one in entered if isinstance(one, ast.Call)), imported, module
    ):
        if deadline.function.rpartition(".")[2] in TIMEOUTS:
            yield deadline


def _deadlines(calls: Iterable[str], imported: Mapping[str, str], module: str) -> Iterator[Deadline]:
    for call in calls:
        name, dot, rest = call.partition(".")
        function = EVENT_LOOP if call.endswith(OF_AN_EVENT_LOOP) else imported.get(name, name) + dot + rest
        yield Deadline(call, function, module if name in imported else "")
