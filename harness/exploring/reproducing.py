"""A test that reproduces what a client did, as source: the client's call, and what has to happen around it."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from harness.exploring.verdicts import Verdict
from harness.failures import HarnessFailure
from harness.source.acts import all_told
from harness.source.values import Call, Code, layout, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.exploring.verdicts import Outcome
    from harness.service.acts import Act

INDENT = " " * 4
# What the test expects of a client that is right, by what this one did.
EXPECTED = {
    Verdict.WRONG_SUCCESS: "assert not {call}  # no answer was produced; raising is as good",
    Verdict.RETURNED: "{call}",
    Verdict.RAISED: "{call}",
    Verdict.CRASHED: "{call}",
    Verdict.HUNG: "{call}",
}
UNLOCKED = "assert not [run for run in assistants.runs if run.active]"


@dataclass(frozen=True)
class Client:
    """The code that is explored, and how a test writes it.

    Attributes:
        function: what is called, with the fake if it takes a parameter.
        parameters: how many it takes: none, or one.
        call: an expression.
        imports: what stands on top of the test's module.
        before: lines that stand in front of the call.
        fixtures: the parameters of the test.
    """

    function: Callable[..., Any]
    name: str
    parameters: int
    call: str
    imports: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    fixtures: tuple[str, ...] = ("assistants",)

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Client:
        """Read off a function.

        Raises:
            HarnessFailure: it takes more than one argument.
        """
        taken = _required(function)
        name = getattr(function, "__name__", type(function).__name__)
        if len(taken) > 1:
            raise HarnessFailure(
                f"explore({name}) cannot call it: it takes {', '.join(taken)}.",
                do=f'explore(lambda: {name}("…"))   # or a function that takes the fake: lambda assistants: …',
            )
        before: tuple[str, ...] = ()
        body = _lambda(function) if name == "<lambda>" else None
        if body is None:
            call = f"{name}({'assistants' if taken else ''})"
            names = {name} - {"<lambda>"}
        else:
            call = ast.unparse(body)
            names = {node.id for node in ast.walk(body) if isinstance(node, ast.Name)}
            before = tuple(f"{parameter} = assistants" for parameter in taken if parameter != "assistants")
        if inspect.iscoroutinefunction(function):
            call = f"asyncio.run({call})"
        return cls(function, name, len(taken), call, _imports(function, names, call), before)

    @classmethod
    def of_test(cls, function: Callable[..., Any], call: Callable[[], Any], fixtures: Sequence[str]) -> Client:
        """A test function, which `call` calls with its fixtures. What it returns is the client's answer."""
        source = textwrap.dedent(inspect.getsource(function))
        definition = next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
        body = [node for node in definition.body if not _is_docstring(node)]
        *before, last = body
        answer = last.value if isinstance(last, ast.Return | ast.Expr) else None
        lines = [line for node in (before if answer else body) for line in ast.unparse(node).splitlines()]
        names = {node.id for each in body for node in ast.walk(each) if isinstance(node, ast.Name)} - set(fixtures)
        written = "" if answer is None else ast.unparse(answer)
        imports = _imports(function, names, written)
        return cls(call, function.__name__, 0, written, imports, tuple(lines), tuple(fixtures))


def reproduction(client: Client, outcome: Outcome, acts: Sequence[Act] | None, faults: Sequence[str]) -> str:
    """A test that fails as long as the client does what it did, where that is a bug.

    Args:
        client: the code.
        outcome: what it did.
        acts: what the model did in the first run; None if the client's own scripts say that.
        faults: what was planned, as calls of `assistants.faults`.
    """
    script: list[str] = []
    if acts is not None:
        told = tuple(Code(written(act)) for act in all_told(acts))
        script = list(layout(Call("assistants.every_run", told), indent=4))
    timing = ", ".join(f"{name}={seconds!r}" for name, seconds in outcome.situation.timing.items())
    arranged = [*script, *(f"{INDENT}assistants.faults.{fault}" for fault in faults)]
    expected = EXPECTED[outcome.verdict].format(call=client.call) if client.call else ""
    called = [line for line in [*client.before, expected] if line]
    if outcome.locked:
        called = [
            f"{INDENT}try:",
            *(f"{INDENT}{line}" for line in called),
            f"{INDENT}finally:",
            f"{INDENT * 2}{UNLOCKED}",
        ]
    test = re.sub(r"\W+", "_", f"test_{client.name.removeprefix('test_')}_{outcome.situation.name}").strip("_").lower()
    body = [
        f"def {test}({', '.join(client.fixtures)}):",
        f'{INDENT}"""It {outcome.label}: {_harmless(outcome.detail)}"""',
        *arranged,
        *(f"{INDENT}{line}" for line in called),
    ]
    marker = [f"@pytest.mark.assistants({timing})"] if timing else []
    return "\n".join([*_top("\n".join(body), client, marked=bool(marker)), *marker, *body]) + "\n"


def _top(body: str, client: Client, *, marked: bool) -> Iterator[str]:
    """The imports, of the acts that are used and of what the client's call names."""
    used = sorted(set(re.findall(r"(?<![\w.])(call|calls|cancel|fail|hang|refuse|run_code|say|truncate|wait)\(", body)))
    groups = [
        [line for line in client.imports if line.startswith("import ")],
        ["import pytest"] if marked else [],
        [f"from harness import {', '.join(used)}"] if used else [],
        [line for line in client.imports if not line.startswith("import ")],
    ]
    for group in groups:
        yield from [*group, *([""] if group else [])]
    yield ""


def _required(function: Callable[..., Any]) -> list[str]:
    """The parameters without a default."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.kind in kinds and each.default is inspect.Parameter.empty]


def _lambda(function: Callable[..., Any]) -> ast.expr | None:
    """The body of a lambda, if its source can be read."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return None
    found = [node.body for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    return found[0] if len(found) == 1 else None


def _imports(function: Callable[..., Any], names: set[str], call: str) -> tuple[str, ...]:
    """Where the names of a call come from: modules, and what the function's own module has."""
    known = {name: value for name, value in getattr(function, "__globals__", {}).items() if name in names}
    modules = {name: value.__name__ for name, value in known.items() if isinstance(value, ModuleType)}
    lines = [f"import {module}" + (f" as {name}" if name != module else "") for name, module in modules.items()]
    lines += ["import asyncio"] if call.startswith("asyncio.run(") else []
    others = sorted(known.keys() - modules)
    own = getattr(function, "__module__", "__main__")
    return (*sorted({*lines}), *([f"from {own} import {', '.join(others)}"] if others else []))


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _harmless(text: str) -> str:
    """A text that may stand in a docstring."""
    return text.replace("\\", "\\\\").replace('"""', "'''").rstrip('"')
