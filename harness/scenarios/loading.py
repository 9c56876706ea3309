"""Loads scenario files, YAML or JSON, with the line number of each value."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, ClassVar

from harness.failures import HarnessFailure
from harness.scenarios.places import preview
from harness.yaml_limits import MAX_ALIASED_VALUES

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.scenarios.places import Key

EXAMPLE = 'next_run: [{"say": "4 °C and rain"}]'
TOO_DEEP = "it is nested too deeply"
TAG = "tag:yaml.org,2002:"
# The core schema of YAML 1.2, without .nan and .inf, which JSON lacks: first characters, and a pattern for the whole.
PLAIN_SCALARS: dict[str, tuple[list[str], str]] = {
    "null": (["~", "n", "N", ""], "~|null|Null|NULL|"),
    "bool": (list("tTfF"), "true|True|TRUE|false|False|FALSE"),
    "int": (list("-+0123456789"), "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    "float": (list("-+.0123456789"), r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"),
}


class Document(dict[str, Any]):
    """A scenario from a file, with its path, and the line of each value by the keys that lead to it."""

    def __init__(self, data: dict[str, Any], path: Path, lines: dict[tuple[Key, ...], int]) -> None:
        super().__init__(data)
        self.path = path
        self.lines = lines


def load(path: Path) -> Document:
    """Load a scenario file: JSON if its name ends in `.json`, else YAML.

    Only `true` and `false` are booleans, as in JSON: `on`, `no` and dates are texts. Tags cannot create objects.

    Raises:
        HarnessFailure: it cannot be read, or is malformed; the message names the line.
    """
    file = Path(path)
    lines: dict[tuple[Key, ...], int] = {}
    try:
        text = file.read_bytes().decode("utf-8-sig")
        data = _json(text) if file.suffix == ".json" else _yaml(text, lines)
    except OSError as error:
        raise HarnessFailure(f"The scenario {file} cannot be read: {error}", do=f"ls -l {quote(str(file))}") from error
    except UnicodeDecodeError as error:
        raise HarnessFailure(
            f"The scenario {file} is not a text in UTF-8: {error}", do=f"file {quote(str(file))}"
        ) from error
    except _LoadError as error:
        raise HarnessFailure(f"{file}{error.line}: {error}.", do=EXAMPLE) from error
    return Document(data, file, lines)


class _LoadError(ValueError):
    """What is wrong with a file, and in which line."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.line = "" if line is None else f":{line}"


def _json(text: str) -> dict[str, Any]:
    try:
        return _mapping(json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant))
    except json.JSONDecodeError as error:
        raise _LoadError(error.msg, error.lineno) from error
    except RecursionError as error:
        raise _LoadError(TOO_DEEP) from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise _LoadError(f"the key {key!r} is there twice in one object")
        mapping[key] = value
    return mapping


def _refuse_constant(constant: str) -> Any:
    raise _LoadError(f"{constant} is not JSON")


def _mapping(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise _LoadError(f"a scenario is an object with sections, and this is {preview(data)}")
    return data


# --- YAML -----------------------------------------------------------------------------------------------------


def _yaml(text: str, lines: dict[tuple[Key, ...], int]) -> dict[str, Any]:
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        raise HarnessFailure(
            "This scenario is YAML, and PyYAML is not installed.",
            do='pip install "pytest-assistants[recording]"   # or write it as JSON, into a file called ….json',
        ) from error
    try:
        loader = _loader(yaml)(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        return _mapping(None if node is None else _Constructor(lines).value(node, ()))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _LoadError(
            getattr(error, "problem", None) or " ".join(str(error).split()), mark and mark.line + 1
        ) from error
    except RecursionError as error:
        raise _LoadError(TOO_DEEP) from error


def _loader(yaml: Any) -> Any:
    """A loader class of PyYAML that resolves plain scalars as YAML 1.2 does, not 1.1."""

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the base class depends on the installation
        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    for tag, (first, pattern) in PLAIN_SCALARS.items():
        Loader.add_implicit_resolver(TAG + tag, re.compile(f"(?:{pattern})$"), first)
    return Loader


class _Constructor:
    """Constructs data from nodes, and notes their lines. Aliases become copies, the number of which is limited."""

    def __init__(self, lines: dict[tuple[Key, ...], int]) -> None:
        self._lines = lines
        self._values = 0

    def value(self, node: Any, path: tuple[Key, ...]) -> Any:
        self._values += 1
        line = node.start_mark.line + 1
        self._lines.setdefault(path, line)  # unless `mapping` has set that of the key
        if self._values > MAX_ALIASED_VALUES:
            raise _LoadError(f"there are more than {MAX_ALIASED_VALUES} values", line)
        construct = CONSTRUCTORS.get(node.tag.removeprefix(TAG))
        if construct is None:
            raise _LoadError(
                f"the tag {node.tag.replace(TAG, '!!')} would make an object, and a scenario is data", line
            )
        try:
            return construct(self, node, path)
        except ValueError as error:
            raise error if isinstance(error, _LoadError) else _LoadError(str(error), line) from error

    def mapping(self, node: Any, path: tuple[Key, ...]) -> dict[str, Any]:
        """A mapping; its keys are texts, whatever they look like."""
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            line, where = key.start_mark.line + 1, (*path, key.value)
            if not isinstance(key.value, str):
                raise _LoadError("a key that is not a text", line)
            if key.value in mapping:
                raise _LoadError(f"{key.value!r} is there twice, in line {self._lines[where]} too", line)
            self._lines[where] = line
            mapping[key.value] = self.value(value, where)
        return mapping

    def sequence(self, node: Any, path: tuple[Key, ...]) -> list[Any]:
        return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]


def _scalar(read: Callable[[str], Any]) -> Callable[[_Constructor, Any, tuple[Key, ...]], Any]:
    """A constructor that reads the text of a scalar."""
    return lambda _constructor, node, _path: read(node.value)


# By tag.
CONSTRUCTORS: dict[str, Callable[[_Constructor, Any, tuple[Key, ...]], Any]] = {
    "map": _Constructor.mapping,
    "seq": _Constructor.sequence,
    "str": _scalar(str),
    "null": _scalar(lambda text: None),
    "bool": _scalar(lambda text: text.lower() == "true"),
    "int": _scalar(lambda text: int(text, 0 if text.startswith(("0x", "0o")) else 10)),
    "float": _scalar(float),
    "binary": _scalar(lambda text: {"base64": text}),  # as in JSON
}
