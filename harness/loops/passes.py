"""When a loop ends: it is executed in the abstract, once for each status that a run can have.

A condition on the status is true or false, any other may be either. So it does not matter how the loop is written:
`while`, `break` under `if`, `return` under `match` and a flag come to the same.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, TypeAlias

from harness.service.stuck import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Calls that neither end a loop nor raise while a run does not change, by their last name; of others nobody knows.
HARMLESS = frozenset({"append", "debug", "info", "len", "list", "print", "retrieve", "sleep", "str", "warning"})

AnyLoop: TypeAlias = "ast.While | ast.For | ast.AsyncFor"
Texts: TypeAlias = "frozenset[str]"
Verdict: TypeAlias = "bool | None"  # None: may be either

LOOPS = (ast.While, ast.For, ast.AsyncFor)
# `except*` came with Python 3.11: a node with the same fields, whose handlers leave a loop only by what they raise
TRIES: tuple[type[ast.Try], ...] = (ast.Try, getattr(ast, "TryStar", ast.Try))
NO_FLAGS: Mapping[str, object] = {}
# What a statement may do. What it raises may be caught within the loop; the last is for what only a refusal leads to.
ON, STAYS, LEAVES, RAISES, MAY_LEAVE = "goes on", "stays in the loop", "leaves it", "raises", "leaves it if refused"


class Passes:
    """What the passes of a loop may do. `unknown` collects what it compares a status with, and is none of a run's.

    Args:
        known: the names that stand for texts.
        line: where the request is made; what is called there comes back.
    """

    def __init__(self, loop: AnyLoop, known: Mapping[str, Texts], line: int) -> None:
        self.unknown: set[str] = set()
        self._loop = loop
        self._test = loop.test if isinstance(loop, ast.While) else None
        self._known = known
        self._line = line

    def ways(self, status: str) -> set[str]:
        """What one pass may do while the run has this status."""
        ways = {LEAVES if way == RAISES else way for way in self._block(self._loop.body, status)}
        if ways - {MAY_LEAVE} == {LEAVES}:
            return {LEAVES}
        again = None if self._test is None else self._truth(self._test, status)  # a `for` ends some time
        return {LEAVES} if again is False else ways | {LEAVES} if again is None else ways

    # --- statements ---------------------------------------------------------------------------------------

    def _block(self, statements: Iterable[ast.stmt], status: str) -> set[str]:
        ways: set[str] = set()
        for statement in statements:
            now = self._statement(statement, status)
            ways |= now - {ON}
            if ON not in now:
                return ways
        return ways | {ON}

    def _statement(self, node: ast.stmt, status: str) -> set[str]:
        ways = {ON}
        match node:
            case ast.Break() | ast.Return():
                ways = {LEAVES}
            case ast.Raise():
                ways = {RAISES}
            case ast.Continue():
                ways = {STAYS}
            case ast.If(test=test, body=body, orelse=otherwise):
                ways = self._either(self._truth(test, status), body, otherwise, status)
            case ast.Match(subject=subject, cases=cases):
                ways = self._cases(subject, cases, status)
            case ast.With(body=body) | ast.AsyncWith(body=body):
                ways = self._block(body, status)
            case _ if isinstance(node, TRIES):
                ways = self._tried(node, status)
            case ast.Assert(test=test):
                ways = {True: {ON}, False: {RAISES}, None: {ON, RAISES}}[self._truth(test, status)]
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)) if self._test is not None:
                ways = {LEAVES} if self._truth(self._test, status, {name: value}) is False else {ON}
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass  # what is in there is not executed now
            case _ if _holds(node, ast.Return, ast.Yield, ast.YieldFrom):
                ways = {ON, LEAVES}
            case _ if self._may_raise(node):
                ways = {ON, RAISES}
        return ways

    def _tried(self, node: ast.Try, status: str) -> set[str]:
        ways = self._block([*node.body, *node.orelse, *node.finalbody], status)
        ways |= {ON} if node.handlers and RAISES in ways else set()
        handled = [self._block(handler.body, status) for handler in node.handlers]
        return ways | {MAY_LEAVE} if any(way & {LEAVES, RAISES} for way in handled) else ways

    def _either(self, test: Verdict, then: list[ast.stmt], otherwise: list[ast.stmt], status: str) -> set[str]:
        ways: set[str] = set()
        if test is not False:
            ways |= self._block(then, status)
        if test is not True:
            ways |= self._block(otherwise, status)
        return ways

    def _cases(self, subject: ast.expr, cases: list[ast.match_case], status: str) -> set[str]:
        ways: set[str] = set()
        for case in cases:
            fits = self._fits(subject, case.pattern, status)
            if case.guard is not None and fits:
                fits = self._truth(case.guard, status)
            if fits is not False:
                ways |= self._block(case.body, status)
            if fits is True:
                return ways
        return ways | {ON}

    def _fits(self, subject: ast.expr, pattern: ast.pattern, status: str) -> Verdict:
        match pattern:
            case ast.MatchValue(value=value):
                return self._compared(subject, value, status)
            case ast.MatchOr(patterns=patterns):
                return _any(self._fits(subject, each, status) for each in patterns)
            case ast.MatchAs(pattern=None):
                return True
            case ast.MatchAs(pattern=inner) if inner is not None:
                return self._fits(subject, inner, status)
        return None

    def _may_raise(self, node: ast.AST) -> bool:
        """Whether it raises, or calls something that may; what makes the request has come back."""
        return _holds(node, ast.Raise) or any(
            _last_name(call.func) not in HARMLESS
            for call in ast.walk(node)
            if isinstance(call, ast.Call) and not call.lineno <= self._line <= (call.end_lineno or 0)
        )

    # --- conditions ---------------------------------------------------------------------------------------

    def _truth(self, node: ast.expr, status: str, flags: Mapping[str, object] = NO_FLAGS) -> Verdict:
        verdict: Verdict = None
        match node:
            case ast.Constant(value=value):
                verdict = bool(value)
            case ast.Name(id=name) if name in flags:
                verdict = bool(flags[name])
            case ast.NamedExpr(value=value):
                verdict = self._truth(value, status, flags)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                verdict = _not(self._truth(operand, status, flags))
            case ast.BoolOp(op=ast.Or(), values=values):
                verdict = _any(self._truth(value, status, flags) for value in values)
            case ast.BoolOp(op=ast.And(), values=values):
                verdict = _not(_any(_not(self._truth(value, status, flags)) for value in values))
            case ast.Compare(left=left, ops=[ast.Eq() | ast.In() | ast.Is()], comparators=[right]):
                verdict = self._compared(left, right, status)
            case ast.Compare(left=left, ops=[ast.NotEq() | ast.NotIn() | ast.IsNot()], comparators=[right]):
                verdict = _not(self._compared(left, right, status))
        return verdict

    def _compared(self, left: ast.expr, right: ast.expr, status: str) -> Verdict:
        """Whether the status is among the texts. Either side may be the status; one that is not named so counts if
        all the texts are statuses."""
        if _is_status(right) and not _is_status(left) and _texts(right, self._known) is None:
            left, right = right, left
        texts = _texts(right, self._known)
        if texts is None:
            return None
        strange = texts.difference(STATUSES)
        if strange and not _is_status(left):
            return None
        self.unknown |= strange
        return status in texts


def _holds(node: ast.AST, *kinds: type[ast.AST]) -> bool:
    return any(isinstance(inner, kinds) for inner in ast.walk(node))


def _not(verdict: Verdict) -> Verdict:
    return None if verdict is None else not verdict


def _any(verdicts: Iterable[Verdict]) -> Verdict:
    found = set(verdicts)
    return True if True in found else None if None in found else False


# --- the texts that names stand for --------------------------------------------------------------------------


def constants(tree: ast.AST) -> dict[str, Texts]:
    """The names of this file that are given the same texts wherever they are given anything."""
    stored: Counter[str | None] = Counter()
    given: defaultdict[str, list[Texts]] = defaultdict(list)
    for node in ast.walk(tree):
        match node:
            case ast.Name(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
                stored[_last_name(node)] += 1
            case ast.arg(arg=name):
                stored[name] += 1
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=value):
                texts, assigned = _texts(value, {}), _last_name(target)
                if texts is not None and assigned is not None:
                    given[assigned].append(texts)
    return {name: texts[0] for name, texts in given.items() if texts == texts[:1] * stored[name]}


def _texts(node: ast.AST | None, constants: Mapping[str, Texts]) -> Texts | None:
    """The text or texts that an expression stands for, if it is that simple."""
    match node:
        case ast.Constant(value=str(text)):
            return frozenset({text})
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            parts = [_texts(item, constants) for item in items]
            return frozenset().union(*(part for part in parts if part)) if None not in parts else None
        case ast.Call(func=ast.Name(id="frozenset" | "set" | "tuple" | "list"), args=[items]):
            return _texts(items, constants)
        case ast.Attribute(value=member, attr="value"):  # of an enumeration
            return _texts(member, constants)
        case ast.Name() | ast.Attribute():
            return constants.get(_last_name(node) or "")
    return None


def _last_name(node: ast.AST) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def _is_status(node: ast.AST) -> bool:
    """Whether an expression is by its name a status: `run.status`, `status`, `run["status"]`, `run.get("status")`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return "status" in name.lower()
        case ast.Subscript(slice=ast.Constant(value="status")):
            return True
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value="status"), *_]):
            return True
        case ast.NamedExpr(value=value):
            return _is_status(value)
    return False
