r"""Objects of the API as a program printed them, anywhere in a text: reprs of the SDK, Python dicts, JSON.

    Run(id='run_x', status='queued', tools=[ToolCodeInterpreter(type='code_interpreter')], object='thread.run')

Nothing is evaluated: brackets are paired in one pass, which is linear in the text, and the text between a pair that may
be an object is parsed, as JSON or with `ast`, of which only literals and calls with keywords are accepted. No character
is parsed more than `MAX_TRIES` times. What cannot be read is reported if it begins like an object, else skipped.
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

MAX_LENGTH = 1_000_000  # characters of an object that is not JSON
MAX_DEPTH = 60  # levels of brackets in an object
MAX_TRIES = 4  # nested pairs around a character that are parsed
EXCERPT_LENGTH = 50  # characters of an unreadable object that a message shows

NAMES = (
    "Assistant|AssistantFile|Thread|Message|ThreadMessage|MessageFile|Run|RunStep|FileObject|VectorStore|VectorStoreFile"
    "|VectorStoreFileBatch|(?:Assistant|Thread|Message|File|VectorStore|VectorStoreFile)Deleted|FileDeleteResponse"
    "|(?:Async|Sync)(?:Cursor)?Page"
)
# A quote within a word is an apostrophe. Printed strings contain no raw line ends.
STRING = r"""(?:(?<![^\s=(\[{,:<])(?:'[^'\\\n]*(?:\\.[^'\\\n]*)*'|"[^"\\\n]*(?:\\.[^"\\\n]*)*"))"""
TOKEN = re.compile(
    rf"(?P<string>{STRING})|(?P<open>(?<![\w.])(?:{NAMES})(?:\[[\w., ]{{1,80}}\])?\(|[(\[{{])|(?P<close>[)\]}}])"
)
JSON_TEXT = re.compile(r"^['\"]\{", re.MULTILINE)  # the repr of a string with JSON in it
CLOSED_BY = {"(": ")", "[": "]", "{": "}"}
CANDIDATE = re.compile(r"[A-Z][^(]*\(\s*\w+=|\{\s*['\"]")
ID_PREFIX = r"['\"](?:asst|thread|msg|run|step|vs|vsfb|file|assistant)[_-]"
OBJECT_START = re.compile(rf"[A-Z][^(]*\(\s*(?:id|data)=|\{{\s*(['\"])id\1:\s*{ID_PREFIX}")
ENUM = re.compile(rf"({STRING})|<[A-Za-z_][\w.]{{0,80}}: ({STRING})>")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
# Outside of strings; deep trees of these, unlike those of brackets, could exhaust the stack of old versions of Python.
OPERATORS = re.compile(r"[^\w\s.,:=()\[\]{}'-]|[\w)\]}']\s*-|(?:\.\s*\w+\s*){5}|[)}]\s*[.(\[]|\]\s*[\[.]")
WORDS = {"true": True, "false": False, "null": None}


class Unreadable(Exception):  # noqa: N818 - a finding about the text, not an error of this program
    """A text looks like an object and cannot be read as one."""


class ObjectInText(NamedTuple):
    """An object in a text, or the reason why it could not be read.

    Attributes:
        line: the line in which it begins, counted from 1.
        value: the object; None if it could not be read.
        why: the reason in that case.
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


def objects(text: str) -> list[ObjectInText]:
    r"""All objects of the API in a text, in its order, without those nested in others.

    >>> objects("It's\nThreadDeleted(id='thread_x', deleted=True, object='thread.deleted'), and {'a': 1}")
    [ObjectInText(line=2, value={'id': 'thread_x', 'deleted': True, 'object': 'thread.deleted'}, why='')]
    """
    plain = ANSI.sub("", text)
    ends = [match.start() for match in re.finditer("\n", plain)]
    found = ((at, _printed(plain, at, result)) for at, result in _found(plain))
    return [ObjectInText(bisect_right(ends, at) + 1, value, why) for at, (value, why) in found]


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """The outermost objects of the API in a parsed value."""
    if isinstance(value, dict) and isinstance(value.get("object"), str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from objects_in(item)


def _is_refusal(value: Any) -> bool:
    """Whether a value is the body of a refusal (CONTRACT §7)."""
    error = value.get("error") if isinstance(value, dict) else None
    return isinstance(error, dict) and error.keys() >= {"message", "type"}


def _printed(text: str, at: int, result: dict[str, Any] | str) -> tuple[dict[str, Any] | None, str]:
    if isinstance(result, dict):
        return result, ""
    return None, f"what begins with {text[at : at + EXCERPT_LENGTH]!r} {result}"


def _found(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The index of each object in a text, with the object or the reason why it cannot be read."""
    todo = [(pair, MAX_TRIES) for pair in reversed(_pairs(text))]
    while todo:
        pair, tries = todo.pop()
        if pair.bracket == "'":
            yield from ((pair.start, result) for _, result in _found(_unquoted(text[pair.start : pair.end])))
            continue
        if CANDIDATE.match(text, pair.start):
            try:
                value = _value(text, pair)
            except Unreadable as reason:
                tries -= pair.height <= MAX_DEPTH
                if OBJECT_START.match(text, pair.start):
                    yield pair.start, str(reason)
            else:
                if _is_refusal(value):
                    yield pair.start, "is a refusal of the service without its request"
                yield from ((pair.start, item) for item in objects_in(value))
                continue
        if tries:
            todo.extend((inner, tries) for inner in reversed(pair.inside))


def _pairs(text: str) -> list[_Pair]:
    """The outermost pairs of brackets in a text, in order; a bracket without its counterpart is a pair without end."""
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
    if pair.height > MAX_DEPTH:
        raise Unreadable(f"has more than {MAX_DEPTH} levels")
    source = text[pair.start : pair.end]
    try:
        return json.loads(source)
    except ValueError:
        return _parsed(source)


def _parsed(source: str) -> Any:
    """The value of a Python literal, where a call with keywords is a dict and an enum member its value."""
    if len(source) > MAX_LENGTH:
        raise Unreadable(f"is longer than {MAX_LENGTH} characters")
    source = ENUM.sub(lambda match: match[1] or match[2], source)
    if OPERATORS.search(re.sub(STRING, "''", source)):
        raise Unreadable("is not a printed object: it holds more than values")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # backslashes that escape nothing
            tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"is not a printed object: {error}") from None
    return _literal(tree.body)


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return [_literal(item) for item in items]
        case ast.Dict(keys=keys, values=values) if all(isinstance(key, ast.Constant) for key in keys):
            names = (str(key.value) for key in keys if isinstance(key, ast.Constant))
            return dict(zip(names, map(_literal, values), strict=True))
        case ast.Call(args=[], keywords=[_, *_] as fields) if all(item.arg for item in fields):
            return {str(item.arg): _literal(item.value) for item in fields}
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
    raise Unreadable(f"is not a printed object: it holds `{ast.unparse(node)[:EXCERPT_LENGTH]}`")
