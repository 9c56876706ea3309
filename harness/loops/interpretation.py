"""Abstract interpretation of a loop: whether one iteration can end it, for each status that a run can have.

A condition on the status is true or false, and any other condition is unknown. So it does not matter how the loop is
written: `while`, `break` under `if`, `return` under `match` and a flag all lead to the same result.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, TypeAlias

from harness.service.stuck import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Calls, by their last name, that neither end a loop nor raise while a run does not change. Any other call may.
HARMLESS = frozenset({"append", "debug", "info", "len", "list", "print", "retrieve", "sleep", "str", "warning"})

AnyLoop: TypeAlias = "ast.While | ast.For | ast.AsyncFor"
Texts: TypeAlias = "frozenset[str]"
Truth: TypeAlias = "bool | None"  # None: may be either

LOOPS = (ast.While, ast.For, ast.AsyncFor)
# `except*` came with Python 3.11: a node with the same fields, whose handlers can leave a loop only by raising
TRIES: tuple[type[ast.Try], ...] = (ast.Try, getattr(ast, "TryStar", ast.Try))
NO_FLAGS: Mapping[str, object] = {}
# The possible outcomes of a statement.
FALLS_THROUGH = "the next statement is executed"
CONTINUES = "the next iteration begins"
EXITS = "the loop ends"
EXITS_IF_REFUSED = "the loop ends if a request is refused"
RAISES = "an exception is raised, which the loop may catch"


class LoopInterpreter:
    """Finds the possible outcomes of an iteration.

    Attributes:
        unknown: what the loop compares a status with, and that is not a status of a run.

    Args:
        known: the texts that names stand for.
        line: the line of the request; calls there return normally.
    """

    def __init__(self, loop: AnyLoop, known: Mapping[str, Texts], line: int) -> None:
        self.unknown: set[str] = set()
        self._loop = loop
        self._test = loop.test if isinstance(loop, ast.While) else None
        self._known = known
        self._line = line

    def outcomes(self, status: str) -> set[str]:
        """The possible outcomes of one iteration while the run has this status."""
        outcomes = {EXITS if outcome == RAISES else outcome for outcome in self._block(self._loop.body, status)}
        if outcomes - {EXITS_IF_REFUSED} == {EXITS}:
            return {EXITS}
        again = None if self._test is None else self._truth(self._test, status)  # a `for` ends at some point
        return {EXITS} if again is False else outcomes | {EXITS} if again is None else outcomes

    # --- statements ---------------------------------------------------------------------------------------

    def _block(self, statements: Iterable[ast.stmt], status: str) -> set[str]:
        outcomes: set[str] = set()
        for statement in statements:
            possible = self._statement(statement, status)
            outcomes |= possible - {FALLS_THROUGH}
            if FALLS_THROUGH not in possible:
                return outcomes
        return outcomes | {FALLS_THROUGH}

    def _statement(self, node: ast.stmt, status: str) -> set[str]:
        outcomes = {FALLS_THROUGH}
        match node:
            case ast.Break() | ast.Return():
                outcomes = {EXITS}
            case ast.Raise():
                outcomes = {RAISES}
            case ast.Continue():
                outcomes = {CONTINUES}
            case ast.If(test=test, body=body, orelse=otherwise):
                outcomes = self._if(self._truth(test, status), body, otherwise, status)
            case ast.Match(subject=subject, cases=cases):
                outcomes = self._match(subject, cases, status)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                outcomes = self._block(body, status)
                outcomes |= {FALLS_THROUGH} if RAISES in outcomes and any(map(_may_suppress, items)) else set()
            case _ if isinstance(node, TRIES):
                outcomes = self._try(node, status)
            case ast.Assert(test=test):
                outcomes = {True: {FALLS_THROUGH}, False: {RAISES}, None: {FALLS_THROUGH, RAISES}}[
                    self._truth(test, status)
                ]
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)) if self._test is not None:
                outcomes = {EXITS} if self._truth(self._test, status, {name: value}) is False else {FALLS_THROUGH}
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass  # its body is not executed here
            case _ if _holds(node, ast.Return, ast.Yield, ast.YieldFrom):
                outcomes = {FALLS_THROUGH, EXITS}
            case _ if self._may_raise(node):
                outcomes = {FALLS_THROUGH, RAISES}
        return outcomes

    def _try(self, node: ast.Try, status: str) -> set[str]:
        outcomes = self._block([*node.body, *node.orelse, *node.finalbody], status)
        outcomes |= {FALLS_THROUGH} if node.handlers and RAISES in outcomes else set()
        handled = [self._block(handler.body, status) for handler in node.handlers]
        return outcomes | {EXITS_IF_REFUSED} if any(each & {EXITS, RAISES} for each in handled) else outcomes

    def _if(self, test: Truth, then: list[ast.stmt], otherwise: list[ast.stmt], status: str) -> set[str]:
        outcomes: set[str] = set()
        if test is not False:
            outcomes |= self._block(then, status)
        if test is not True:
            outcomes |= self._block(otherwise, status)
        return outcomes

    def _match(self, subject: ast.expr, cases: list[ast.match_case], status: str) -> set[str]:
        outcomes: set[str] = set()
        for case in cases:
            matches = self._matches(subject, case.pattern, status)
            if case.guard is not None and matches:
                matches = self._truth(case.guard, status)
            if matches is not False:
                outcomes |= self._block(case.body, status)
            if matches is True:
                return outcomes
        return outcomes | {FALLS_THROUGH}

    def _matches(self, subject: ast.expr, pattern: ast.pattern, status: str) -> Truth:
        match pattern:
            case ast.MatchValue(value=value):
                return self._is_among(subject, value, status)
            case ast.MatchOr(patterns=patterns):
                return _any(self._matches(subject, each, status) for each in patterns)
            case ast.MatchAs(pattern=None):
                return True
            case ast.MatchAs(pattern=inner) if inner is not None:
                return self._matches(subject, inner, status)
        return None

    def _may_raise(self, node: ast.AST) -> bool:
        """Whether it raises, or calls something that may; the call that sends the request has returned."""
        return _holds(node, ast.Raise) or any(
            last_name(call.func) not in HARMLESS
            for call in ast.walk(node)
            if isinstance(call, ast.Call) and not call.lineno <= self._line <= (call.end_lineno or 0)
        )

    # --- conditions ---------------------------------------------------------------------------------------

    def _truth(self, node: ast.expr, status: str, flags: Mapping[str, object] = NO_FLAGS) -> Truth:
        truth: Truth = None
        match node:
            case ast.Constant(value=value):
                truth = bool(value)
            case ast.Name(id=name) if name in flags:
                truth = bool(flags[name])
            case ast.NamedExpr(value=value):
                truth = self._truth(value, status, flags)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                truth = _not(self._truth(operand, status, flags))
            case ast.BoolOp(op=ast.Or(), values=values):
                truth = _any(self._truth(value, status, flags) for value in values)
            case ast.BoolOp(op=ast.And(), values=values):
                truth = _not(_any(_not(self._truth(value, status, flags)) for value in values))
            case ast.Compare(left=left, ops=[ast.Eq() | ast.In() | ast.Is()], comparators=[right]):
                truth = self._is_among(left, right, status)
            case ast.Compare(left=left, ops=[ast.NotEq() | ast.NotIn() | ast.IsNot()], comparators=[right]):
                truth = _not(self._is_among(left, right, status))
        return truth

    def _is_among(self, left: ast.expr, right: ast.expr, status: str) -> Truth:
        """Whether the status is among the texts on the other side.

        An expression that is not called a status counts as one if all the texts are statuses.
        """
        if _is_status(right) and not _is_status(left) and _texts(right, self._known) is None:
            left, right = right, left
        texts = _texts(right, self._known)
        if texts is None:
            return None
        unknown = texts.difference(STATUSES)
        if unknown and not _is_status(left):
            return None
        self.unknown |= unknown
        return status in texts


def _may_suppress(item: ast.withitem) -> bool:
    """Whether what is entered may suppress exceptions, as the attempts of tenacity do: `with attempt:`."""
    entered = item.context_expr
    return last_name(entered.func) == "suppress" if isinstance(entered, ast.Call) else isinstance(entered, ast.Name)


def _holds(node: ast.AST, *kinds: type[ast.AST]) -> bool:
    return any(isinstance(inner, kinds) for inner in ast.walk(node))


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _any(truths: Iterable[Truth]) -> Truth:
    found = set(truths)
    return True if True in found else None if None in found else False


# --- constants -----------------------------------------------------------------------------------------------


def constants(tree: ast.AST) -> dict[str, Texts]:
    """The names that every assignment in this file gives the same texts."""
    stored: Counter[str | None] = Counter()
    given: defaultdict[str, list[Texts]] = defaultdict(list)
    for node in ast.walk(tree):
        match node:
            case ast.Name(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
                stored[last_name(node)] += 1
            case ast.arg(arg=name):
                stored[name] += 1
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=value):
                texts, assigned = _texts(value, {}), last_name(target)
                if texts is not None and assigned is not None:
                    given[assigned].append(texts)
    return {name: texts[0] for name, texts in given.items() if texts == texts[:1] * stored[name]}


def _texts(node: ast.AST | None, constants: Mapping[str, Texts]) -> Texts | None:
    """The texts that an expression evaluates to, if it is simple enough to tell."""
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
            return constants.get(last_name(node) or "")
    return None


def last_name(node: ast.AST) -> str | None:
    """The last part of a name: `retrieve` of `client.beta.threads.runs.retrieve`."""
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
