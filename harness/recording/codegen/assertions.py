"""What can be asserted about an answer, and the helper functions that the assertions need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.source.acts import parse_arguments
from harness.source.values import Code

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.recording.session import Json

Assertion = tuple[Any, Any]

# Functions that are appended to a test file that uses them.
HELPERS = {
    "said": '''
def said(messages):
    """Who said what: a role and a text each."""
    return [(item.role, "\\n".join(map(words, item.content))) for item in messages]
''',
    "words": '''
def words(part):
    """A part of a message: its text, its refusal, or else its type."""
    if part.type == "text":
        return part.text.value
    return getattr(part, "refusal", part.type)
''',
    "asked": '''
def asked(run):
    """The functions that a run calls, each with its arguments."""
    return [(name, json.loads(arguments)) for name, arguments in asked_as_written(run)]
''',
    "asked_as_written": '''
def asked_as_written(run):
    """The functions that a run calls, each with its arguments as the model wrote them."""
    calls = run.required_action.submit_tool_outputs.tool_calls
    return [(item.function.name, item.function.arguments) for item in calls]
''',
    "shown": '''
def shown(events, kind):
    """The objects of a kind that a stream showed, each as it was last."""
    found = [event.data for event in events if event.data.object == kind]
    return list({item.id: item for item in found}.values())
''',
}
# Helpers that use other helpers.
HELPER_DEPENDENCIES = {"said": ("words",), "asked": ("asked_as_written",)}


def assertions_of(name: str, item: Json) -> list[Assertion]:
    """What an answer shows, as pairs of an expression over the variable `name` and its value.

    >>> assertions_of("thread_2", {"object": "thread", "metadata": {"user": "1"}})
    [('thread_2.metadata', {'user': '1'})]
    """
    if item.get("object") == "list":
        kinds = {item.get("object") for item in item["data"]}
        return _LISTS[kinds.pop()](name + ".data", item["data"]) if len(kinds) == 1 and kinds <= _LISTS.keys() else []
    kind = str(item.get("object"))
    return _OBJECTS[kind](name, item) if kind in _OBJECTS else []


def said(name: str, messages: list[Json]) -> list[Assertion]:
    """The assertion on the roles and texts of messages."""
    return [
        (Code(f"said({name})"), [(item["role"], "\n".join(map(_text_of_part, item["content"]))) for item in messages])
    ]


def _text_of_part(part: Json) -> str:
    return str(part["text"]["value"] if part["type"] == "text" else part.get("refusal", part["type"]))


def _run(name: str, run: Json) -> list[Assertion]:
    found: list[Assertion] = [(Code(f"{name}.status"), run["status"])]
    if error := run.get("last_error"):
        found += _fields("code", "message")(f"{name}.last_error", error)
    if details := run.get("incomplete_details"):
        found += _fields("reason")(f"{name}.incomplete_details", details)
    if action := run.get("required_action"):
        calls = [item["function"] for item in action["submit_tool_outputs"]["tool_calls"]]
        asked = [(item["name"], parse_arguments(item["arguments"])) for item in calls]
        if any(arguments is None for _, arguments in asked):
            found.append((Code(f"asked_as_written({name})"), [(item["name"], item["arguments"]) for item in calls]))
        else:
            found.append((Code(f"asked({name})"), asked))
    return found


def _fields(*keys: str) -> Callable[[str, Json], list[Assertion]]:
    """A function that makes an assertion on each of these keys that has a value."""
    return lambda name, item: [
        (Code(f"{name}.{key}"), item[key]) for key in keys if item.get(key) not in (None, [], {})
    ]


def _each(*keys: str) -> Callable[[str, list[Json]], list[Assertion]]:
    """A function that makes one assertion on these keys of all items of a list."""
    shown = ", ".join(f"item.{key}" for key in keys)
    one = len(keys) == 1

    def found(name: str, items: list[Json]) -> list[Assertion]:
        values = [item[keys[0]] if one else tuple(item[key] for key in keys) for item in items]
        return [(Code(f"[{shown if one else f'({shown})'} for item in {name}]"), values)]

    return found


_OBJECTS: dict[str, Callable[[str, Json], list[Assertion]]] = {
    "thread.run": _run,
    "thread.run.step": _fields("type", "status"),
    "thread.message": lambda name, message: [*said(f"[{name}]", [message]), *_fields("metadata")(name, message)],
    "thread": _fields("metadata"),
    "assistant": _fields("name", "description", "instructions", "model", "metadata"),
    "file": _fields("filename", "purpose", "bytes"),
}
_LISTS: dict[Any, Callable[[str, list[Json]], list[Assertion]]] = {
    "thread.message": said,
    "thread.run.step": _each("type", "status"),
    "thread.run": _each("status"),
}
