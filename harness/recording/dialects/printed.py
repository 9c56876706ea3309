r"""Objects of the API as a program printed them, anywhere in a text: reprs of the SDK, Python dicts, JSON.

    Run(id='run_x', status='queued', tools=[ToolCodeInterpreter(type='code_interpreter')], object='thread.run')

Nothing is evaluated: brackets are paired in one pass, which is linear in the text, and what lies between a pair that
may be an object is parsed, as JSON or with `ast`, of which only literals and calls with keywords count. No character is
parsed more than `TRIES` times. What can't be read is reported if it begins like an object; other text is passed over.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 1_000_000  # characters of one object that is not JSON
DEEPEST = 60  # levels of brackets in one object
TRIES = 4
SHOWN = 50  # of what could not be read, in messages

NAMES = (
    "Assistant|AssistantFile|Thread|Message|ThreadMessage|MessageFile|Run|RunStep|FileObject|VectorStore|VectorStoreFile"
    "|VectorStoreFileBatch|(?:Assistant|Thread|Message|File|VectorStore|VectorStoreFile)Deleted|FileDeleteResponse"
    "|(?:Async|Sync)(?:Cursor)?Page"
)
# A quote within a word is an apostrophe. Nobody prints a raw line end within a string.
STRING = r"""(?:(?<![^\s=(\[{,:<])(?:'[^'\\\n]*(?:\\.[^'\\\n]*)*'|"[^"\\\n]*(?:\\.[^"\\\n]*)*"))"""
TOKEN = re.compile(
    rf"(?P<string>{STRING})|(?P<open>(?<![\w.])(?:{NAMES})(?:\[[\w., ]{{1,80}}\])?\(|[(\[{{])|(?P<close>[)\]}}])"
)
JSON_TEXT = re.compile(r"^['\"]\{", re.MULTILINE)  # a line that begins so is the repr of a text
CLOSED_BY = {"(": ")", "[": "]", "{": "}"}
CANDIDATE = re.compile(r"[A-Z][^(]*\(\s*\w+=|\{\s*['\"]")
AN_ID = r"['\"](?:asst|thread|msg|run|step|vs|vsfb|file|assistant)[_-]"
AN_OBJECT = re.compile(rf"[A-Z][^(]*\(\s*(?:id|data)=|\{{\s*(['\"])id\1:\s*{AN_ID}")
ENUM = re.compile(rf"({STRING})|<[A-Za-z_][\w.]{{0,80}}: ({STRING})>")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
# Outside of strings; deep trees of these, unlike those of brackets, could exhaust the stack of old versions of Python.
OPERATORS = re.compile(r"[^\w\s.,:=()\[\]{}'-]|[\w)\]}']\s*-|(?:\.\s*\w+\s*){5}|[)}]\s*[.(\[]|\]\s*[\[.]")
WORDS = {"true": True, "false": False, "null": None}


class Unreadable(Exception):  # noqa: N818 - a finding about the text, no mistake of this program
    """What looks like an object but is none."""


class Printed(NamedTuple):
    """An object in a text, or why what begins like one could not be read.

    Attributes:
        line: where it begins, counted from 1.
        value: the object, None if it could not be read.
        why: what is wrong with it then.
    """

    line: int
    value: dict[str, Any] | None
    why: str = ""


@dataclass(slots=True)
class _Pair:
    """Brackets that belong together, or a string that may hold JSON."""

    start: int
    bracket: str
    end: int = -1
    height: int = 0
    inside: list[_Pair] = field(default_factory=list)


def objects(text: str) -> list[Printed]:
    r"""All objects of the API in a text, in its order; an object in another counts as a part of that.

    >>> objects("It's\nThreadDeleted(id='thread_x', deleted=True, object='thread.deleted'), and {'a': 1}")
    [Printed(line=2, value={'id': 'thread_x', 'deleted': True, 'object': 'thread.deleted'}, why='')]
    """
    plain = ANSI.sub("", text)
    ends = [match.start() for match in re.finditer("\n", plain)]
    found = ((at, _printed(plain, at, result)) for at, result in _found(plain))
    return [Printed(bisect_right(ends, at) + 1, value, why) for at, (value, why) in found]


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """The objects of the API in a parsed value, from the outside; not those in others."""
    if isinstance(value, dict) and isinstance(value.get("object"), str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from objects_in(item)


def _is_refusal(value: Any) -> bool:
    """Whether it is the body of one (CONTRACT §7)."""
    told = value.get("error") if isinstance(value, dict) else None
    return isinstance(told, dict) and told.keys() >= {"message", "type"}


def _printed(text: str, at: int, result: dict[str, Any] | str) -> tuple[dict[str, Any] | None, str]:
    if isinstance(result, dict):
        return result, ""
    return None, f"what begins with {text[at : at + SHOWN]!r} {result}"


def _found(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Where an object begins, and the object; or what is wrong with it."""
    todo = [(pair, TRIES) for pair in reversed(_pairs(text))]
    while todo:
        pair, tries = todo.pop()
        if pair.bracket == "'":
            yield from ((pair.start, result) for _, result in _found(_unquoted(text[pair.start : pair.end])))
            continue
        if CANDIDATE.match(text, pair.start):
            try:
                value = _value(text, pair)
            except Unreadable as reason:
                tries -= pair.height <= DEEPEST
                if AN_OBJECT.match(text, pair.start):
                    yield pair.start, str(reason)
            else:
                if _is_refusal(value):
                    yield pair.start, "is a refusal of the service, and nothing tells of which request"
                yield from ((pair.start, item) for item in objects_in(value))
                continue
        if tries:
            todo.extend((inner, tries) for inner in reversed(pair.inside))


def _pairs(text: str) -> list[_Pair]:
    """The outermost pairs of brackets; a bracket that nothing closes stands alone, before what follows it."""
    roots: list[_Pair] = []
    opened: list[_Pair] = []
    for token in TOKEN.finditer(text):
        if token["open"]:
            opened.append(_Pair(token.start(), token["open"][-1]))
        elif token["close"] and opened and CLOSED_BY[opened[-1].bracket] == token["close"]:
            pair = opened.pop()
            pair.end = token.end()
            pair.height = 1 + max((inner.height for inner in pair.inside), default=0)
            (opened[-1].inside if opened else roots).append(pair)
        elif token["string"] and JSON_TEXT.match(text, token.start()):
            (opened[-1].inside if opened else roots).append(_Pair(token.start(), "'", token.end()))
    for alone in opened:
        roots += [alone, *alone.inside]
        alone.inside = []
    return roots


def _unquoted(source: str) -> str:
    try:
        return str(_parsed(source))
    except Unreadable:
        return ""


def _value(text: str, pair: _Pair) -> Any:
    if pair.end < 0:
        raise Unreadable("has no end: the output was cut off")
    if pair.height > DEEPEST:
        raise Unreadable(f"has more than {DEEPEST} levels")
    source = text[pair.start : pair.end]
    try:
        return json.loads(source)
    except ValueError:
        return _parsed(source)


def _parsed(source: str) -> Any:
    """What a literal of Python says; calls with keywords are dicts, enums their values."""
    if len(source) > LARGEST:
        raise Unreadable(f"is longer than {LARGEST} characters")
    source = ENUM.sub(lambda match: match[1] or match[2], source)
    if OPERATORS.search(re.sub(STRING, "''", source)):
        raise Unreadable("is no printed object: it holds more than values")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # backslashes that escape nothing
            tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"is no printed object: {error}") from None
    return _literal(tree.body)


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return [_literal(item) for item in items]
        case ast.Dict(keys=keys, values=values) if all(isinstance(key, ast.Constant) for key in keys):
            names = (str(key.value) for key in keys if isinstance(key, ast.Constant))
            return dict(zip(names, map(_literal, values), strict=True))
        case ast.Call(args=[], keywords=[_, *_] as told) if all(item.arg for item in told):
            return {str(item.arg): _literal(item.value) for item in told}
    return _scalar(node)


def _scalar(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=str() | int() | float() | None as value):
            return value
        case ast.Constant(value=value) if value is ...:
            raise Unreadable("was shortened with `...` when it was printed")
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Name(id=name):
            return WORDS.get(name, name)
        case ast.Attribute() | ast.Call(func=ast.Attribute(value=ast.Name(id="datetime"))):
            return ast.unparse(node)
    raise Unreadable(f"is no printed object: it holds `{ast.unparse(node)[:SHOWN]}`")
