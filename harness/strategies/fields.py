"""The fields of request bodies: the values that the service accepts in each, and others (CONTRACT §7.1, §8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from harness.strategies.texts import by_validity, texts

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Json = dict[str, Any]


class Field(NamedTuple):
    """Valid and invalid values of a field."""

    good: SearchStrategy[Any]
    bad: SearchStrategy[Any]


# --- kinds of values ----------------------------------------------------------------------------------------

NOT_TEXT: SearchStrategy[Any] = st.sampled_from([1, True, [], {}])
NOT_A_NUMBER: SearchStrategy[Any] = st.sampled_from(["1", True, [], {}])
NOT_AN_ARRAY: SearchStrategy[Any] = st.sampled_from(["[]", 1, {}])
NOT_AN_OBJECT: SearchStrategy[Any] = st.sampled_from(["{}", 1, []])


def longer_than(limit: int) -> SearchStrategy[str]:
    return st.sampled_from(["x" * (limit + 1), "값" * (limit + 1), "x" * limit + "👍"])


def text_field(limit: int) -> Field:
    """A text of up to `limit` characters, or null."""
    good = st.none() | texts(max_size=limit) | st.just("x" * limit)
    return Field(good, NOT_TEXT | longer_than(limit))


def number_field(low: int, high: int) -> Field:
    good = st.none() | st.floats(low, high) | st.sampled_from([low, high])
    return Field(good, NOT_A_NUMBER | st.sampled_from([low - 0.5, high + 0.5, high + 1]))


def choice_field(*words: str, null: bool = True) -> Field:
    """One of a few words, or null."""
    good: SearchStrategy[Any] = st.sampled_from(words)
    wrong = texts().filter(lambda text: text not in words)
    return Field(st.none() | good if null else good, wrong | NOT_AN_OBJECT.filter(lambda value: value != "{}"))


# --- metadata (CONTRACT §8) -----------------------------------------------------------------------------------


def metadata(*, valid: bool | None = True) -> SearchStrategy[Any]:
    """Values of the key `metadata`: at most 16 pairs of texts, keys up to 64 and values up to 512 characters.

    >>> from hypothesis import find
    >>> find(metadata(), lambda drawn: True)
    {}
    """
    # Hypothesis shrinks towards the first alternative
    keys = st.just("key") | texts(max_size=64) | st.just("k" * 64)
    values = st.just("") | texts(max_size=512) | st.just("v" * 512)
    few = st.dictionaries(keys, values, max_size=3)
    full = st.just({f"key {number}": "value" for number in range(16)})
    bad = st.one_of(
        st.sampled_from(["{}", 1, [], [["key", "value"]]]),
        st.just({f"key {number}": "value" for number in range(17)}),
        longer_than(64).map(lambda key: {key: "value"}),
        longer_than(512).map(lambda value: {"key": value}),
        st.sampled_from([1, True, None, [], {}]).map(lambda value: {"key": value}),
    )
    return by_validity(valid, st.just({}) | few | full, bad)


METADATA = Field(st.none() | metadata(), metadata(valid=False))


# --- tools (CONTRACT §1.1) ------------------------------------------------------------------------------------

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
NAMES = st.sampled_from(["f", "get_weather", "x" * 64]) | st.text(LETTERS, min_size=1, max_size=12)
INVALID_NAMES: SearchStrategy[Any] = NOT_TEXT | st.sampled_from(["", "get weather", "날씨", "f()", "x" * 65])
PLAIN_TYPES = ("string", "number", "integer", "boolean")


def schemas(depth: int = 2) -> SearchStrategy[Json]:
    """The JSON schema of a value, nested at most `depth` times."""
    described = {"description": texts()}
    plain = st.fixed_dictionaries({"type": st.sampled_from(PLAIN_TYPES)}, optional=described)
    words = st.lists(texts(min_size=1), min_size=1, max_size=3, unique=True)
    enum = st.fixed_dictionaries({"type": st.just("string"), "enum": words}, optional=described)
    if not depth:
        return plain | enum
    array = st.fixed_dictionaries({"type": st.just("array"), "items": schemas(depth - 1)}, optional=described)
    return st.one_of(plain, enum, array, parameters(depth - 1))


def parameters(depth: int = 2) -> SearchStrategy[Json]:
    """The JSON schema of a function's parameters, which is that of an object."""
    properties = st.dictionaries(NAMES, schemas(depth), max_size=3)
    required = st.sets(st.integers(0, 2))
    return st.builds(_object, properties, required)


def _object(properties: Json, required: set[int]) -> Json:
    names = [name for place, name in enumerate(properties) if place in required]
    return {"type": "object", "properties": properties, **({"required": names} if names else {})}


def functions(*, valid: bool | None = True) -> SearchStrategy[Json]:
    """A tool of type `function`, with a JSON schema for its parameters.

    >>> from hypothesis import find
    >>> find(functions(), lambda drawn: True)
    {'type': 'function', 'function': {'name': 'f'}}
    """
    optional = {"description": texts(), "parameters": parameters(), "strict": st.none() | st.booleans()}
    good = st.fixed_dictionaries({"name": NAMES}, optional=optional)
    broken = st.one_of(
        st.just({}),
        st.builds(lambda name: {"name": name}, INVALID_NAMES),
        st.builds(lambda value: {"name": "f", "parameters": value}, NOT_AN_OBJECT),
        st.builds(lambda value: {"name": "f", "description": value}, NOT_TEXT),
        st.just({"name": "f", "arguments": {}}),
    )
    without = st.just({"type": "function"})
    return by_validity(valid, _of_type(good), without | _of_type(broken))


def _of_type(function: SearchStrategy[Json]) -> SearchStrategy[Json]:
    return function.map(lambda drawn: {"type": "function", "function": drawn})


RANKING = st.fixed_dictionaries({"score_threshold": st.floats(0, 1)}, optional={"ranker": st.just("auto")})
SEARCHING = st.fixed_dictionaries({}, optional={"max_num_results": st.integers(1, 50), "ranking_options": RANKING})
SEARCH = st.fixed_dictionaries({"type": st.just("file_search")}, optional={"file_search": SEARCHING})
INVALID_TOOLS: SearchStrategy[Any] = st.sampled_from(
    [
        *("code_interpreter", 1, {}, {"type": "retrieval"}, {"type": 1}),
        {"type": "code_interpreter", "file_ids": []},
        {"type": "file_search", "file_search": {"max_num_results": 51}},
        {"type": "file_search", "file_search": {"ranking_options": {}}},
    ]
)


def tools(*, valid: bool | None = True) -> SearchStrategy[Any]:
    """One tool of v2: `code_interpreter`, `file_search` with its options, or a function.

    >>> from hypothesis import find
    >>> find(tools(), lambda tool: True)
    {'type': 'code_interpreter'}
    """
    good = st.one_of(st.just({"type": "code_interpreter"}), SEARCH, functions())
    return by_validity(valid, good, INVALID_TOOLS | functions(valid=False))


def tools_field(most: int) -> Field:
    """The tools of an assistant, or of a run, which takes fewer and null. No two functions have the same name."""
    listed = st.lists(tools(), max_size=3, unique_by=lambda tool: tool.get("function", tool).get("name", tool["type"]))
    too_many = st.just([{"type": "code_interpreter"}] * (most + 1))
    bad = st.one_of(NOT_AN_ARRAY, too_many, tools(valid=False).map(lambda tool: [tool]))
    return Field(st.just([]) | listed | st.just([{"type": "code_interpreter"}] * most), bad)


# --- how a run answers (CONTRACT §1.1, §1.4) --------------------------------------------------------------------

ANSWER = {"name": "answer", "schema": {"type": "object"}}
RESPONSE_FORMAT = Field(
    st.sampled_from(
        [
            *(None, "auto", {"type": "text"}, {"type": "json_object"}),
            {"type": "json_schema", "json_schema": ANSWER},
        ]
    ),
    st.sampled_from(["json", 1, [], {}, {"type": "yaml"}, {"type": "json_schema"}, {"type": "text", "text": ""}]),
)
TOOL_CHOICE = Field(
    st.sampled_from(
        [
            *(None, "none", "auto", "required", {"type": "code_interpreter"}, {"type": "file_search"}),
            {"type": "function", "function": {"name": "f"}},
        ]
    ),
    st.sampled_from(
        ["always", 1, [], {}, {"type": "retrieval"}, {"type": "function"}, {"type": "function", "name": "f"}]
    ),
)
TRUNCATION = Field(
    st.sampled_from([None, {"type": "auto"}, {"type": "last_messages", "last_messages": 1}]),
    st.sampled_from(["auto", {}, {"type": "last"}, {"type": "last_messages", "last_messages": 0}]),
)
TOKENS = Field(st.none() | st.integers(256, 10_000), NOT_A_NUMBER | st.sampled_from([0, -1, 0.5]))
BOOLEAN = Field(st.none() | st.booleans(), st.sampled_from(["true", 1, [], {}]))
