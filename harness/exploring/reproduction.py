"""The source of a test that reproduces an outcome: the client's call, and the circumstances that led to it."""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.exploring import expressions
from harness.exploring.expressions import Expression
from harness.exploring.verdicts import Verdict
from harness.failures import HarnessFailure
from harness.options import Options
from harness.source.acts import to_call
from harness.source.values import Call, Code, layout, to_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from harness.exploring.verdicts import Outcome
    from harness.service.acts import Act

INDENT = " " * 4
ASSERT_UNLOCKED = "assert not [run for run in assistants.runs if run.active]"
# Options that do not change the outcome: ids may differ, and `unused` counts only at the end of a test.
IRRELEVANT_OPTIONS = frozenset({"seed", "unused"})


@dataclass(frozen=True)
class Client:
    """The code that is explored, and its call in a test.

    Attributes:
        function: the code, called with the fake if it takes a parameter.
        parameters: how many it takes: none, or one.
        source: the call as an expression.
        answer_of: extracts the answer from what it returns; None if that is the answer.
        fixtures: the parameters of the test.
    """

    function: Callable[..., Any]
    name: str
    parameters: int
    source: Expression
    answer_of: Callable[[Any], Any] | None = None
    fixtures: tuple[str, ...] = ("assistants",)

    @classmethod
    def of(cls, function: Callable[..., Any], answer_of: Callable[[Any], Any] | None = None) -> Client:
        """The client for a function.

        Raises:
            HarnessFailure: it is no function, or requires more than one argument.
        """
        given: Any = function
        if not callable(given):
            getattr(given, "close", lambda: None)()  # a coroutine that nobody awaits
            raise HarnessFailure(
                f"explore(…) takes a function to call in each situation, and was given {given!r:.200}.",
                do='explore(lambda: my_app.ask("…"))   # not the result of one call',
            )
        required = _required_parameters(function)
        named = getattr(function, "func", function)  # of a `functools.partial`, the function in it
        name = getattr(named, "__name__", type(named).__name__)
        if len(required) > 1:
            raise HarnessFailure(
                f"explore({name}) cannot call it: it takes {', '.join(required)}.",
                do=f'explore(lambda: {name}("…"))   # or a function that takes the fake: lambda assistants: …',
            )
        source = expressions.call_expression(function, *["assistants"][: len(required)])
        return cls(function, name, len(required), source, answer_of)

    @classmethod
    def of_test(cls, test: Callable[..., Any], call: Callable[[], Any], fixtures: Iterable[str]) -> Client:
        """The client for a test function; `call` calls it with its fixtures, and returns the client's answer."""
        given = tuple(fixtures)
        function: Any = inspect.unwrap(test)
        owner = getattr(function, "__self__", None)
        arguments = list(given)
        source = expressions.function_copy(getattr(function, "__func__", function), f"_{test.__name__}")
        source = source or Expression(f"_{test.__name__}")
        if owner is not None:
            module, _, name = f"{type(owner).__module__}.{type(owner).__qualname__}".partition(".")
            arguments.insert(0, f"{module}.{name}()")
            source = source._replace(imports=source.imports | {(module, "")})
        text = f"{source.text}({', '.join(arguments)})"
        return cls(
            call, test.__name__, 0, source._replace(text=text), None, tuple(dict.fromkeys([*given, "assistants"]))
        )


@dataclass(frozen=True)
class Circumstances:
    """The circumstances of an outcome.

    Attributes:
        acts: of the model in the first run; None if the client scripts its runs itself.
        faults: those planned, as calls of `assistants.faults`.
        options: of the fake.
        is_async: whether the client returned an awaitable.
        wrong_answer: the text of a user that it returned as the answer.
    """

    acts: Sequence[Act] | None
    faults: Sequence[str]
    options: Mapping[str, Any]
    is_async: bool = False
    wrong_answer: str | None = None


def changed_options(options: Options) -> dict[str, Any]:
    """The options with other values than the defaults, but those that make no difference to a client."""
    default = Options()
    return {
        each.name: getattr(options, each.name)
        for each in fields(Options)
        if each.name not in IRRELEVANT_OPTIONS and getattr(options, each.name) != getattr(default, each.name)
    }


def reproduction_test(client: Client, outcome: Outcome, circumstances: Circumstances) -> str:
    """The source of a test that fails as long as the client has the bug that the outcome shows, if it shows one."""
    source = _answer_expression(client, is_async=circumstances.is_async)
    body = [*source.before, _assertion(source.text, outcome.verdict, circumstances.wrong_answer)]
    if outcome.locked:
        body = ["try:", *(INDENT + line for line in body), "finally:", INDENT + ASSERT_UNLOCKED]
    acts = [] if circumstances.acts is None else [Code(to_source(to_call(act))) for act in circumstances.acts]
    arranged = [] if circumstances.acts is None else list(layout(Call("assistants.every_run", tuple(acts)), indent=4))
    arranged += [f"{INDENT}assistants.faults.{fault}" for fault in circumstances.faults]
    options = {**circumstances.options, **outcome.situation.timing}
    marker = list(layout(Call("@pytest.mark.assistants", (), options))) if options else []
    name = re.sub(r"\W+", "_", f"test_{client.name.removeprefix('test_')}_{outcome.situation.name}").strip("_").lower()
    lines = [
        *marker,
        f"def {name}({', '.join(client.fixtures)}):",
        f'{INDENT}"""{outcome.label.capitalize()}: {_docstring_safe(outcome.detail)}"""',
        *arranged,
        *(f"{INDENT}{line}" for line in body),
    ]
    imports = {*source.imports, *(("harness", name) for name in re.findall(r"(?<![\w.])([a-z_]+)\(", " ".join(acts)))}
    imports |= {("asyncio", "")} if "asyncio.run(" in source.text or circumstances.is_async else set()
    imports |= {("pytest", "")} if any("pytest." in line for line in (*marker, *arranged)) else set()
    above = "\n".join(source.above).strip("\n")
    return "\n".join([*_imports(imports), *([above, "", ""] if above else []), *lines]) + "\n"


def _answer_expression(client: Client, *, is_async: bool) -> Expression:
    """The expression for the client's answer."""
    source = client.source
    if is_async:
        source = source._replace(text=f"asyncio.run({source.text})")
    if client.answer_of is None:
        return source
    answer = expressions.call_expression(client.answer_of, source.text)
    return source._replace(text=answer.text, before=()).needing([source, answer])


def _assertion(call: str, verdict: Verdict, wrong_answer: str | None) -> str:
    """The statement that calls the client, and asserts that it returns no wrong answer."""
    if verdict is not Verdict.WRONG_SUCCESS:
        return call
    if wrong_answer is not None:
        return f"assert {call} != {to_source(wrong_answer)}"
    return f"assert not {call}  # no answer was produced; raising is as good"


def _imports(imports: set[tuple[str, str]]) -> Iterator[str]:
    """The lines of the import block: the standard library, other packages, and the client's own modules."""
    groups: dict[int, list[str]] = {}
    for module in sorted({module for module, _ in imports}):
        names = sorted(name for each, name in imports if each == module)
        whole = [f"import {module}{name}" for name in names if not name or name.startswith(" as ")]
        parts = [name for name in names if name and not name.startswith(" as ")]
        lines = [*whole, *([f"from {module} import {', '.join(parts)}"] if parts else [])]
        groups.setdefault(_import_group(module), []).extend(lines)
    for _, lines in sorted(groups.items()):
        yield from sorted(lines, key=lambda line: not line.startswith("import"))
        yield ""
    if groups:
        yield ""


def _import_group(module: str) -> int:
    """The group of a module in an import block: standard library, other packages, or the client's own modules."""
    package = module.partition(".")[0]
    if package in sys.stdlib_module_names:
        return 0
    file = getattr(sys.modules.get(package), "__file__", None) or ""
    return 1 if package in ("harness", "pytest") or "site-packages" in Path(file).parts else 2


def _required_parameters(function: Callable[..., Any]) -> list[str]:
    """The parameters without a default."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.kind in kinds and each.default is inspect.Parameter.empty]


def _docstring_safe(text: str) -> str:
    """A text escaped for use in a docstring."""
    return text.replace("\\", "\\\\").replace('"""', "'''").rstrip('"')
