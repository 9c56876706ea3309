"""Reads YAML as cassettes need it: mappings, sequences, texts and bytes.

It works on the events of PyYAML's parser, which is in C where libyaml is present. PyYAML's resolver and constructors
are not used: they take most of the time, guess types (`2024-05-07` would be a date, `no` a boolean), and can create
objects from tags.
"""

from __future__ import annotations

import base64
import importlib
from typing import Any

from harness.failures import HarnessFailure
from harness.yaml_limits import MAX_ALIASED_VALUES

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
BINARY = frozenset({"tag:yaml.org,2002:binary", "!binary"})  # the second is what Ruby writes
HARMLESS = ("bool", "float", "int", "map", "seq", "str", "timestamp")
PLAIN = frozenset({None, "!", *(f"tag:yaml.org,2002:{name}" for name in HARMLESS)})


class NotPlainYaml(ValueError):  # noqa: N818 - a finding about a file, not an error of this program
    """A text is not YAML, or uses what a cassette must not."""


def load(text: str) -> Any:
    """The one document of a text. A scalar is a str, whatever it looks like; None if it is null; bytes if `!!binary`.

    Raises `NotPlainYaml` at any tag that could create an object: a cassette is data.

    >>> load("a: [1, yes, ~, 2024-05-07, !!binary AAE=]")
    {'a': ['1', 'yes', None, '2024-05-07', b'\\x00\\x01']}
    """
    yaml = _pyyaml()
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        try:
            return _Reader(yaml, loader.get_event).document()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise NotPlainYaml(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise NotPlainYaml("it is nested too deeply for a cassette") from error


def _pyyaml() -> Any:
    try:
        return importlib.import_module("yaml")
    except ImportError as error:
        raise HarnessFailure(
            "This cassette is YAML, and PyYAML is not installed.", do='pip install "pytest-assistants[recording]"'
        ) from error


class _Anchored:
    """The value of an anchor, and how many values it contains; 0 until it is read to its end."""

    def __init__(self, made: Any) -> None:
        self.made = made
        self.values = 0


class _Reader:
    """Builds a document from events. Repeated aliases count each time, because whoever walks the data meets them so."""

    def __init__(self, yaml: Any, get_event: Any) -> None:
        self._next = get_event
        self._scalar, self._alias = yaml.ScalarEvent, yaml.AliasEvent
        self._mapping, self._mapping_end = yaml.MappingStartEvent, yaml.MappingEndEvent
        self._sequence, self._sequence_end = yaml.SequenceStartEvent, yaml.SequenceEndEvent
        self._stream_end, self._document_end = yaml.StreamEndEvent, yaml.DocumentEndEvent
        self._anchors: dict[str, _Anchored] = {}
        self._values = 0
        self._repeated = 0

    def document(self) -> Any:
        self._next()  # the stream begins
        if type(self._next()) is self._stream_end:
            return None
        made = self._value(self._next())
        self._next()  # the document ends
        if type(self._next()) is not self._stream_end:
            raise NotPlainYaml("it holds more than one YAML document")
        return made

    def _value(self, event: Any) -> Any:
        kind = type(event)
        if kind is self._alias:
            return self._repeat(event)
        before = self._values
        self._values += 1
        made: Any
        if kind is self._scalar:
            made = self._scalar_value(event)
        elif event.tag not in PLAIN:
            raise _refused(event)
        elif kind is self._mapping:
            made = {}
        else:
            made = []
        anchored = None
        if event.anchor is not None:
            anchored = self._anchors[event.anchor] = _Anchored(made)
        if kind is self._mapping:
            self._fill_mapping(made)
        elif kind is self._sequence:
            while type(event := self._next()) is not self._sequence_end:
                made.append(self._value(event))
        if anchored is not None:
            anchored.values = self._values - before
        return made

    def _repeat(self, event: Any) -> Any:
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            raise NotPlainYaml(f"the anchor {event.anchor!r} is used before it is set")
        if not anchored.values:
            raise NotPlainYaml(f"the anchor {event.anchor!r} is used within its own value")
        self._values += anchored.values
        self._repeated += anchored.values
        if self._repeated > MAX_ALIASED_VALUES:
            raise NotPlainYaml(
                f"line {event.start_mark.line + 1}: its aliases repeat more than {MAX_ALIASED_VALUES} values"
            )
        return anchored.made

    def _fill_mapping(self, made: dict[Any, Any]) -> None:
        step, end, scalar, value = self._next, self._mapping_end, self._scalar, self._value
        while type(event := step()) is not end:
            if type(event) is not scalar:
                raise NotPlainYaml(f"a key that is not text, line {event.start_mark.line + 1}")
            made[value(event)] = value(step())

    @staticmethod
    def _scalar_value(event: Any) -> str | bytes | None:
        text: str = event.value
        if event.tag in BINARY:
            try:
                return base64.b64decode(text)
            except ValueError as error:
                raise NotPlainYaml(f"broken base64, line {event.start_mark.line + 1}: {error}") from error
        if event.tag not in PLAIN:
            if event.tag == "tag:yaml.org,2002:null":
                return None
            raise _refused(event)
        return None if text in NULLS and event.implicit[0] else text


def _refused(event: Any) -> NotPlainYaml:
    tag = event.tag.replace("tag:yaml.org,2002:", "!!")
    return NotPlainYaml(
        f"line {event.start_mark.line + 1} has the tag {tag}, which would create an object; a cassette is data, and "
        "nothing in it is executed"
    )
