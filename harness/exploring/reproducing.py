"""A test that reproduces what a client did, as source: the client's call, and what has to happen around it."""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.exploring import naming
from harness.exploring.naming import Source
from harness.exploring.verdicts import Verdict
from harness.failures import HarnessFailure
from harness.options import Options
from harness.source.acts import told
from harness.source.values import Call, Code, layout, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from harness.exploring.verdicts import Outcome
    from harness.service.acts import Act

INDENT = " " * 4
UNLOCKED = "assert not [run for run in assistants.runs if run.active]"
# These say nothing of what is answered: ids may be others, and a test complains of what it did not use.
NO_MATTER = frozenset({"seed", "unused"})


@dataclass(frozen=True)
class Client:
    """The code that is explored, and how a test writes it.

    Attributes:
        function: what is called, with the fake if it takes a parameter.
        parameters: how many it takes: none, or one.
        source: the call.
        answer_of: takes the answer out of what it returns; None if that is the answer.
        fixtures: the parameters of the test.
    """

    function: Callable[..., Any]
    name: str
    parameters: int
    source: Source
    answer_of: Callable[[Any], Any] | None = None
    fixtures: tuple[str, ...] = ("assistants",)

    @classmethod
    def of(cls, function: Callable[..., Any], answer_of: Callable[[Any], Any] | None = None) -> Client:
        """Read off a function.

        Raises:
            HarnessFailure: it is none, or takes more than one argument.
        """
        given: Any = function
        if not callable(given):
            getattr(given, "close", lambda: None)()  # a coroutine that nobody awaits
            raise HarnessFailure(
                f"explore(…) calls a client again and again, and was given {given!r:.200}.",
                do='explore(lambda: my_app.ask("…"))   # not what one call of it gives',
            )
        taken = _required(function)
        named = getattr(function, "func", function)  # what a partial calls
        name = getattr(named, "__name__", type(named).__name__)
        if len(taken) > 1:
            raise HarnessFailure(
                f"explore({name}) cannot call it: it takes {', '.join(taken)}.",
                do=f'explore(lambda: {name}("…"))   # or a function that takes the fake: lambda assistants: …',
            )
        return cls(function, name, len(taken), naming.called(function, *["assistants"][: len(taken)]), answer_of)

    @classmethod
    def of_test(cls, test: Callable[..., Any], call: Callable[[], Any], fixtures: Iterable[str]) -> Client:
        """A test function, which `call` calls with its fixtures. What it returns is the client's answer."""
        given = tuple(fixtures)
        function: Any = inspect.unwrap(test)
        owner = getattr(function, "__self__", None)
        arguments = list(given)
        source = naming.copied(getattr(function, "__func__", function), f"_{test.__name__}")
        source = source or Source(f"_{test.__name__}")
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
    """What happened around a client.

    Attributes:
        acts: what the model did in the first run; None if the client's own scripts say that.
        faults: what was planned, as calls of `assistants.faults`.
        options: of the fake.
        awaited: the client gave something to await.
        mistaken: it returned this text of a user for an answer.
    """

    acts: Sequence[Act] | None
    faults: Sequence[str]
    options: Mapping[str, Any]
    awaited: bool = False
    mistaken: str | None = None


def changed(options: Options) -> dict[str, Any]:
    """The options that are not as they are by default, and make a difference to a client."""
    usual = Options()
    return {
        each.name: getattr(options, each.name)
        for each in fields(Options)
        if each.name not in NO_MATTER and getattr(options, each.name) != getattr(usual, each.name)
    }


def reproduction(client: Client, outcome: Outcome, around: Circumstances) -> str:
    """A test that fails as long as the client does what it did, where that is a bug."""
    source = _answer(client, awaited=around.awaited)
    called = [*source.before, _expectation(source.text, outcome.verdict, around.mistaken)]
    if outcome.locked:
        called = ["try:", *(INDENT + line for line in called), "finally:", INDENT + UNLOCKED]
    acts = [] if around.acts is None else [Code(written(told(act))) for act in around.acts]
    arranged = [] if around.acts is None else list(layout(Call("assistants.every_run", tuple(acts)), indent=4))
    arranged += [f"{INDENT}assistants.faults.{fault}" for fault in around.faults]
    options = {**around.options, **outcome.situation.timing}
    marker = list(layout(Call("@pytest.mark.assistants", (), options))) if options else []
    name = re.sub(r"\W+", "_", f"test_{client.name.removeprefix('test_')}_{outcome.situation.name}").strip("_").lower()
    body = [
        *marker,
        f"def {name}({', '.join(client.fixtures)}):",
        f'{INDENT}"""{outcome.label.capitalize()}: {_harmless(outcome.detail)}"""',
        *arranged,
        *(f"{INDENT}{line}" for line in called),
    ]
    imports = {*source.imports, *(("harness", name) for name in re.findall(r"(?<![\w.])([a-z_]+)\(", " ".join(acts)))}
    imports |= {("asyncio", "")} if "asyncio.run(" in source.text or around.awaited else set()
    imports |= {("pytest", "")} if any("pytest." in line for line in (*marker, *arranged)) else set()
    above = "\n".join(source.above).strip("\n")
    return "\n".join([*_imports(imports), *([above, "", ""] if above else []), *body]) + "\n"


def _answer(client: Client, *, awaited: bool) -> Source:
    """The expression for the client's answer."""
    source = client.source
    if awaited:
        source = source._replace(text=f"asyncio.run({source.text})")
    if client.answer_of is None:
        return source
    answer = naming.called(client.answer_of, source.text)
    return source._replace(text=answer.text, before=()).of([source, answer])


def _expectation(call: str, verdict: Verdict, mistaken: str | None) -> str:
    if verdict is not Verdict.WRONG_SUCCESS:
        return call
    if mistaken is not None:
        return f"assert {call} != {written(mistaken)}"
    return f"assert not {call}  # no answer was produced; raising is as good"


def _imports(imports: set[tuple[str, str]]) -> Iterator[str]:
    """The lines on top: the standard library, other packages, and the client's own modules."""
    groups: dict[int, list[str]] = {}
    for module in sorted({module for module, _ in imports}):
        names = sorted(name for each, name in imports if each == module)
        whole = [f"import {module}{name}" for name in names if not name or name.startswith(" as ")]
        parts = [name for name in names if name and not name.startswith(" as ")]
        lines = [*whole, *([f"from {module} import {', '.join(parts)}"] if parts else [])]
        groups.setdefault(_distance(module), []).extend(lines)
    for _, lines in sorted(groups.items()):
        yield from sorted(lines, key=lambda line: not line.startswith("import"))
        yield ""
    if groups:
        yield ""


def _distance(module: str) -> int:
    """How far a module is from the language itself."""
    package = module.partition(".")[0]
    if package in sys.stdlib_module_names:
        return 0
    file = getattr(sys.modules.get(package), "__file__", None) or ""
    return 1 if package in ("harness", "pytest") or "site-packages" in Path(file).parts else 2


def _required(function: Callable[..., Any]) -> list[str]:
    """The parameters without a default."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.kind in kinds and each.default is inspect.Parameter.empty]


def _harmless(text: str) -> str:
    """A text that may stand in a docstring."""
    return text.replace("\\", "\\\\").replace('"""', "'''").rstrip('"')
