"""How a module of its own names what was explored: by imports, as an expression, or with a copy of the source."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import partial
from pathlib import Path
from textwrap import dedent
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.service import acts
from harness.source.values import written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Source(NamedTuple):
    """An expression, and what it needs.

    Attributes:
        imports: modules, each with the name that is taken out of it; none is the module itself.
        above: what else the module defines.
        before: statements that come before the expression.
    """

    text: str
    imports: frozenset[tuple[str, str]] = frozenset()
    above: tuple[str, ...] = ()
    before: tuple[str, ...] = ()

    def of(self, others: Sequence[Source]) -> Source:
        """The same, with what others need too."""
        return Source(
            self.text,
            self.imports.union(*(other.imports for other in others)),
            (*self.above, *(line for other in others for line in other.above)),
            (*self.before, *(line for other in others for line in other.before)),
        )


def called(function: Callable[..., Any], *arguments: str) -> Source:
    """A call with these expressions for arguments."""
    if isinstance(function, partial):
        given = [named(value, f"argument_{nth}") for nth, value in enumerate(function.args, 1)]
        by_name = {name: named(value, name) for name, value in function.keywords.items()}
        keywords = [f"{name}={source.text}" for name, source in by_name.items()]
        made = called(function.func, *(source.text for source in given), *arguments, *keywords)
        return made.of([*given, *by_name.values()])
    found = None if place(function) else _lambda(function)
    if found is not None:
        node, body = found
        parameters = [parameter.arg for parameter in node.args.args]
        before = tuple(f"{name} = {text}" for name, text in zip(parameters, arguments, strict=False) if name != text)
        return Source(body, before=before).of(_needed(node, function))
    name = getattr(function, "__name__", "")
    source = named(function, name if name.isidentifier() else "client")
    return source._replace(text=f"{source.text}({', '.join(arguments)})")


def named(value: Any, name: str, within: tuple[Any, ...] = ()) -> Source:
    """An expression for a value; where there is none, a gap of this name for the reader to fill.

    Args:
        within: functions whose copies need this value.
    """
    found = place(value)
    if found is not None:
        module, text = found
        return Source(text, frozenset({(module, text.partition(".")[0])}))
    if isinstance(value, ModuleType):
        return Source(name, frozenset({_import(value, name)}))
    if _is_literal(text := written(value)):
        return Source(text)
    source = copied(value, name, within) if isinstance(value, FunctionType) else None
    return source or Source(name, above=(f"{name} = ...  # as it was where this was found",))


def copied(function: FunctionType, name: str, within: tuple[Any, ...] = ()) -> Source | None:
    """A function under this name, with a copy of its source; None where that cannot be read."""
    try:
        lines = dedent(inspect.getsource(function)).split("\n")
        node = ast.parse("\n".join(lines)).body[0]
    except (OSError, SyntaxError):
        return None
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    node.decorator_list = []
    text = lines[node.lineno - 1 : node.end_lineno]
    text[0] = text[0].replace(f"def {node.name}", f"def {name}", 1)
    needed = Source(name).of(_needed(node, function, within))
    return needed._replace(above=(*needed.above, "", "", *text))


def place(value: Any) -> tuple[str, str] | None:
    """The module that has a value, and what it is called there; of a method, of what it belongs to."""
    if inspect.ismethod(value):
        owner = place(value.__self__)
        return owner and (owner[0], f"{owner[1]}.{value.__name__}")
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    names = (name for name, found in vars(module).items() if found is value) if module else iter(())
    name = next(names, None)
    return None if module is None or name is None else (_importable(module.__name__), name)


def _importable(module: str) -> str:
    """What others call a module: a script by its file."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file).stem if module == "__main__" and file else module


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True


def _lambda(function: Callable[..., Any]) -> tuple[ast.Lambda, str] | None:
    """The node of a lambda and its expression, if its source can be read and it is the only one on its line."""
    if getattr(function, "__name__", "") != "<lambda>":
        return None
    try:
        source = "".join(inspect.findsource(function)[0])
        tree = ast.parse(source)
    except (OSError, SyntaxError):
        return None
    line = function.__code__.co_firstlineno
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda) and node.lineno == line]
    if len(found) != 1:
        return None
    text = ast.get_source_segment(source, found[0].body) or ""
    return found[0], ast.unparse(found[0].body) if "\n" in text else text


def _needed(node: ast.AST, function: Any, within: tuple[Any, ...] = ()) -> list[Source]:
    """What gives the names that a function reads and does not bind itself."""
    own: dict[str, Any] = function.__globals__
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    outer = {name: cell.cell_contents for name, cell in cells}
    within = (*within, function)
    sources = []
    for name in sorted(_read(node) - _bound(node)):
        if name not in outer:
            sources += [Source(name, frozenset({_of_module(own, name)}))] if name in own else []
        elif not any(outer[name] is each for each in within):
            sources.append(_under(name, named(outer[name], name, within)))
    return sources


def _under(name: str, source: Source) -> Source:
    """The same under another name."""
    return source if source.text == name else source._replace(above=(*source.above, f"{name} = {source.text}"))


def _of_module(own: dict[str, Any], name: str) -> tuple[str, str]:
    """The import of what a module's global name stands for."""
    value = own[name]
    if isinstance(value, ModuleType):
        return _import(value, name)
    if value is getattr(acts, name, acts):
        return ("harness", name)
    return (_importable(own["__name__"]), name)


def _import(module: ModuleType, name: str) -> tuple[str, str]:
    return (module.__name__, "" if module.__name__.partition(".")[0] == name else f" as {name}")


def _read(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}


def _bound(node: ast.AST) -> set[str]:
    names: set[str] = set()
    for each in ast.walk(node):
        match each:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.alias(name=name, asname=other):
                names.add((other or name).partition(".")[0])
            case ast.ExceptHandler(name=str(name)):
                names.add(name)
    return names
