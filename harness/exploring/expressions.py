"""Expressions for the explored code in a new module: an import, a literal, or a copy of the source."""

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
from harness.source.values import to_source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Expression(NamedTuple):
    """A Python expression and what it depends on.

    Attributes:
        imports: pairs of a module and the name that is imported from it; an empty name is the module itself.
        above: lines of definitions at the module's top level.
        before: statements to execute before the expression.
    """

    text: str
    imports: frozenset[tuple[str, str]] = frozenset()
    above: tuple[str, ...] = ()
    before: tuple[str, ...] = ()

    def needing(self, others: Sequence[Expression]) -> Expression:
        """The same expression with the dependencies of others, too."""
        return Expression(
            self.text,
            self.imports.union(*(other.imports for other in others)),
            (*self.above, *(line for other in others for line in other.above)),
            (*self.before, *(line for other in others for line in other.before)),
        )


def call_expression(function: Callable[..., Any], *arguments: str) -> Expression:
    """An expression that calls a function with these expressions as arguments."""
    if isinstance(function, partial):
        given = [expression_for(value, f"argument_{nth}") for nth, value in enumerate(function.args, 1)]
        by_name = {name: expression_for(value, name) for name, value in function.keywords.items()}
        keywords = [f"{name}={value.text}" for name, value in by_name.items()]
        call = call_expression(function.func, *(value.text for value in given), *arguments, *keywords)
        return call.needing([*given, *by_name.values()])
    found = None if import_location(function) else _lambda_body(function)
    if found is not None:
        node, body = found
        parameters = [parameter.arg for parameter in node.args.args]
        before = tuple(f"{name} = {text}" for name, text in zip(parameters, arguments, strict=False) if name != text)
        return Expression(body, before=before).needing(_dependencies(node, function))
    name = getattr(function, "__name__", "")
    callee = expression_for(function, name if name.isidentifier() else "client")
    return callee._replace(text=f"{callee.text}({', '.join(arguments)})")


def expression_for(value: Any, name: str, copied_by: tuple[Any, ...] = ()) -> Expression:
    """An expression for a value; where there is none, a variable of this name that the reader has to define.

    Args:
        copied_by: the functions whose copies need this value.
    """
    found = import_location(value)
    if found is not None:
        module, text = found
        return Expression(text, frozenset({(module, text.partition(".")[0])}))
    if isinstance(value, ModuleType):
        return Expression(name, frozenset({_module_import(value, name)}))
    if _is_literal(text := to_source(value)):
        return Expression(text)
    copy = function_copy(value, name, copied_by) if isinstance(value, FunctionType) else None
    return copy or Expression(name, above=(f"{name} = ...  # as it was where this was found",))


def function_copy(function: FunctionType, name: str, copied_by: tuple[Any, ...] = ()) -> Expression | None:
    """The name of a function that is defined by a copy of its source; None if the source cannot be read."""
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
    copy = Expression(name).needing(_dependencies(node, function, copied_by))
    return copy._replace(above=(*copy.above, "", "", *text))


def import_location(value: Any) -> tuple[str, str] | None:
    """The module in which a value, or the object of a method, is found under a name, and the value's name there."""
    if inspect.ismethod(value):
        owner = import_location(value.__self__)
        return owner and (owner[0], f"{owner[1]}.{value.__name__}")
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    names = (name for name, found in vars(module).items() if found is value) if module else iter(())
    name = next(names, None)
    return None if module is None or name is None else (_importable(module.__name__), name)


def _importable(module: str) -> str:
    """The name by which others import a module: of a script, its file's."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file).stem if module == "__main__" and file else module


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True


def _lambda_body(function: Callable[..., Any]) -> tuple[ast.Lambda, str] | None:
    """The node of a lambda and its body's source, if that can be read and no other lambda is on its line."""
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


def _dependencies(node: ast.AST, function: Any, copied_by: tuple[Any, ...] = ()) -> list[Expression]:
    """Expressions for the global and outer variables that a function reads."""
    global_names: dict[str, Any] = function.__globals__
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    closure = {name: cell.cell_contents for name, cell in cells}
    copied_by = (*copied_by, function)
    needed = []
    for name in sorted(_names_read(node) - _names_bound(node)):
        if name not in closure:
            if name in global_names:
                needed.append(Expression(name, frozenset({_import_of_global(global_names, name)})))
        elif not any(closure[name] is each for each in copied_by):
            needed.append(_aliased(name, expression_for(closure[name], name, copied_by)))
    return needed


def _aliased(name: str, value: Expression) -> Expression:
    """An expression that is also assigned to a name."""
    return value if value.text == name else value._replace(above=(*value.above, f"{name} = {value.text}"))


def _import_of_global(global_names: dict[str, Any], name: str) -> tuple[str, str]:
    """The import of a module's global variable."""
    value = global_names[name]
    if isinstance(value, ModuleType):
        return _module_import(value, name)
    if value is getattr(acts, name, acts):
        return ("harness", name)
    return (_importable(global_names["__name__"]), name)


def _module_import(module: ModuleType, name: str) -> tuple[str, str]:
    """The import of a module under a name, as a pair for `Expression.imports`."""
    return (module.__name__, "" if module.__name__.partition(".")[0] == name else f" as {name}")


def _names_read(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}


def _names_bound(node: ast.AST) -> set[str]:
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
