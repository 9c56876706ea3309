"""Scenario files: YAML or JSON, read as data and with the line of each value."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, ClassVar

from harness.failures import HarnessFailure
from harness.scenarios.places import shown
from harness.yaml_limits import MAX_ALIASED_VALUES

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.scenarios.places import Key

EXAMPLE = 'next_run: [{"say": "4 °C and rain"}]'
TOO_DEEP = "it is nested too deeply"
TAG = "tag:yaml.org,2002:"
# The core schema of YAML 1.2, without .nan and .inf, which no JSON has: first characters, and what fits as a whole.
PLAIN: dict[str, tuple[list[str], str]] = {
    "null": (["~", "n", "N", ""], "~|null|Null|NULL|"),
    "bool": (list("tTfF"), "true|True|TRUE|false|False|FALSE"),
    "int": (list("-+0123456789"), "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    "float": (list("-+.0123456789"), r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"),
}


class Document(dict[str, Any]):
    """A scenario from a file; it knows its file, and the line of each value by the keys that lead to it."""

    def __init__(self, data: dict[str, Any], path: Path, lines: dict[tuple[Key, ...], int]) -> None:
        super().__init__(data)
        self.path = path
        self.lines = lines


def load(path: Path) -> Document:
    """A scenario file: JSON if its name ends in `.json`, else YAML.

    Only `true` and `false` are truth values, as in JSON: `on`, `no` and days are texts. No tag makes an object.

    Raises:
        HarnessFailure: it cannot be read, or is no such file, with its line.
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
            f"The scenario {file} is no text in UTF-8: {error}", do=f"file {quote(str(file))}"
        ) from error
    except _Wrong as wrong:
        raise HarnessFailure(f"{file}{wrong.line}: {wrong}.", do=EXAMPLE) from wrong
    return Document(data, file, lines)


class _Wrong(ValueError):  # noqa: N818 - a finding about a file, no mistake of this program
    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.line = "" if line is None else f":{line}"


def _json(text: str) -> dict[str, Any]:
    try:
        return _scenario(json.loads(text, object_pairs_hook=_object, parse_constant=_no_number))
    except json.JSONDecodeError as error:
        raise _Wrong(error.msg, error.lineno) from error
    except RecursionError as error:
        raise _Wrong(TOO_DEEP) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise _Wrong(f"the key {key!r} stands twice in one object")
        made[key] = value
    return made


def _no_number(constant: str) -> Any:
    raise _Wrong(f"{constant} is no JSON")


def _scenario(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise _Wrong(f"a scenario is an object with sections, and this is {shown(data)}")
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
        return _scenario(None if node is None else _Reader(lines).value(node, ()))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _Wrong(getattr(error, "problem", None) or " ".join(str(error).split()), mark and mark.line + 1) from error
    except RecursionError as error:
        raise _Wrong(TOO_DEEP) from error


def _loader(yaml: Any) -> Any:
    """The scanner and parser of PyYAML, with what YAML 1.2 takes plain scalars for in place of YAML 1.1."""

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # which of the two, the installation decides
        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    for tag, (first, pattern) in PLAIN.items():
        Loader.add_implicit_resolver(TAG + tag, re.compile(f"(?:{pattern})$"), first)
    return Loader


class _Reader:
    """Nodes as data, with the line of each. Nothing is shared, so aliases are copies; too many of them are refused."""

    def __init__(self, lines: dict[tuple[Key, ...], int]) -> None:
        self._lines = lines
        self._values = 0

    def value(self, node: Any, path: tuple[Key, ...]) -> Any:
        self._values += 1
        line = node.start_mark.line + 1
        self._lines.setdefault(path, line)  # that of the key, if there is one
        if self._values > MAX_ALIASED_VALUES:
            raise _Wrong(f"there are more than {MAX_ALIASED_VALUES} values", line)
        make = MAKERS.get(node.tag.removeprefix(TAG))
        if make is None:
            raise _Wrong(f"the tag {node.tag.replace(TAG, '!!')} would make an object, and a scenario is data", line)
        try:
            return make(self, node, path)
        except ValueError as error:
            raise error if isinstance(error, _Wrong) else _Wrong(str(error), line) from error

    def mapping(self, node: Any, path: tuple[Key, ...]) -> dict[str, Any]:
        """Keys are texts, whatever they look like."""
        made: dict[str, Any] = {}
        for key, value in node.value:
            line, where = key.start_mark.line + 1, (*path, key.value)
            if not isinstance(key.value, str):
                raise _Wrong("a key that is no text", line)
            if key.value in made:
                raise _Wrong(f"{key.value!r} stands here twice, in line {self._lines[where]} too", line)
            self._lines[where] = line
            made[key.value] = self.value(value, where)
        return made

    def sequence(self, node: Any, path: tuple[Key, ...]) -> list[Any]:
        return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]


# How each tag is read: from the text of a scalar, or by the reader.
def _scalar(read: Callable[[str], Any]) -> Callable[[_Reader, Any, tuple[Key, ...]], Any]:
    return lambda _reader, node, _path: read(node.value)


MAKERS: dict[str, Callable[[_Reader, Any, tuple[Key, ...]], Any]] = {
    "map": _Reader.mapping,
    "seq": _Reader.sequence,
    "str": _scalar(str),
    "null": _scalar(lambda text: None),
    "bool": _scalar(lambda text: text.lower() == "true"),
    "int": _scalar(lambda text: int(text, 0 if text.startswith(("0x", "0o")) else 10)),
    "float": _scalar(float),
    "binary": _scalar(lambda text: {"base64": text}),  # as JSON has to say it
}
