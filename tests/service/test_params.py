"""Validation of requests: tables of bodies, queries and uploads that are accepted, and of those that are refused."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from harness.service import errors, params
from harness.service.errors import Refusal
from harness.service.params import queries, v1, v2
from harness.service.params import upload as uploads
from harness.service.params.upload import Upload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from harness.service.params import Api

INCLUDE = "step_details.tool_calls[*].file_search.results[*].content"
FUNCTION = {"type": "function", "function": {"name": "f"}}
SCHEMA = {"type": "json_schema", "json_schema": {"schema": {"z": 1, "a": {}}, "name": "n", "strict": None}}
LONG_KEY = "abc" + "k" * 64 + "xyz"
SHARED = Path(os.environ.get("PYTEST_ASSISTANTS_SHARED", Path(__file__).parents[3] / "shared"))
RECORDINGS = sorted((SHARED / "recordings").glob("*.jsonl"))


def refusal_of(model: type[BaseModel], data: object, api: Api) -> Refusal:
    with pytest.raises(Refusal) as caught:
        params.validate(model, data, api)
    return caught.value


def assistant(**more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", **more}


def message(content: Any = "Hello", **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **more}


def run(**more: Any) -> dict[str, Any]:
    return {"assistant_id": "asst_1", **more}


def store(**more: Any) -> dict[str, Any]:
    return {"tool_resources": {"file_search": {"vector_stores": [more]}}}


def chunks(size: int, overlap: int) -> dict[str, Any]:
    static = {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}
    return store(chunking_strategy={"type": "static", "static": static})


def schema(**more: Any) -> dict[str, Any]:
    return assistant(response_format={"type": "json_schema", "json_schema": {"name": "n", **more}})


def search(**options: Any) -> dict[str, Any]:
    return assistant(tools=[{"type": "file_search", "file_search": options}])


# --- v2 -----------------------------------------------------------------------------------------------------

# Bodies that come back from `model_dump(exclude_unset=True)` as they were sent.
ACCEPTED_V2: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (v2.Empty, {}),
    (v2.CreateAssistant, assistant()),
    (
        v2.CreateAssistant,
        assistant(
            name=None,
            description="d" * 512,
            instructions="i" * 256_000,
            reasoning_effort=None,
            tools=[{"type": "code_interpreter"}, FUNCTION, {"type": "file_search"}],
            tool_resources={
                "code_interpreter": {"file_ids": ["file-1"] * 20},
                "file_search": {"vector_store_ids": ["vs_1"]},
            },
            metadata={f"{n}".ljust(64): "v" * 512 for n in range(16)},
            temperature=2,
            top_p=0.5,
            response_format="auto",
        ),
    ),
    (v2.CreateAssistant, assistant(tools=[FUNCTION] * 128, response_format=SCHEMA, reasoning_effort="low")),
    (v2.CreateAssistant, assistant(response_format={"type": "text"}, **store(file_ids=["file-1"], metadata=None))),
    (v2.CreateAssistant, assistant(**chunks(100, 50))),
    (v2.CreateAssistant, assistant(**store(chunking_strategy={"type": "auto"}))),
    (v2.CreateAssistant, search()),
    (
        v2.CreateAssistant,
        search(max_num_results=50, ranking_options={"ranker": "auto", "score_threshold": 0, "hybrid_search": None}),
    ),
    (v2.CreateAssistant, search(ranking_options={"ranker": "default-2024-08-21", "score_threshold": 0.0})),
    (v2.ModifyAssistant, {}),
    (v2.ModifyAssistant, {"tools": [], "metadata": None, "tool_resources": None}),
    (v2.CreateThread, {}),
    (v2.CreateThread, {"messages": [message()], "tool_resources": {"code_interpreter": {}}, "metadata": {}}),
    (v2.ModifyThread, {"tool_resources": {"file_search": {"vector_store_ids": []}}}),
    (v2.ModifyThread, {"tool_resources": {"code_interpreter": None, "file_search": None}}),
    (v2.CreateThread, {"messages": None, "tool_resources": None}),
    (v2.CreateThreadAndRun, run(thread={"messages": None})),
    (v2.CreateThread, {"tool_resources": {"file_search": {"vector_store_ids": ["vs_1"], "vector_stores": None}}}),
    (v2.CreateThread, {"tool_resources": {"file_search": {"vector_store_ids": None, "vector_stores": [{}]}}}),
    (v2.SubmitToolOutputs, {"tool_outputs": [{"tool_call_id": "call_1", "output": None}]}),
    (v2.CreateMessage, {"role": "assistant", "content": "x" * 256_000}),
    (
        v2.CreateMessage,
        message(
            [
                {"type": "text", "text": ""},
                {"type": "image_file", "image_file": {"file_id": "file-1"}},
                {"type": "image_url", "image_url": {"url": "https://x", "detail": "low"}},
            ],
            attachments=[
                {"file_id": "file-1", "tools": [{"type": "code_interpreter"}, {"type": "file_search"}]},
            ],
        ),
    ),
    (v2.CreateMessage, message(attachments=None, metadata=None)),
    (v2.ModifyMessage, {"metadata": {"a": "b"}}),
    (v2.CreateRun, run(additional_instructions="More.", additional_messages=[message()], max_completion_tokens=16)),
    (v2.CreateRun, run(truncation_strategy={"type": "last_messages", "last_messages": 1}, tool_choice="required")),
    (v2.CreateRun, run(tool_choice={"type": "file_search"}, tools=[FUNCTION] * 20, parallel_tool_calls=False)),
    (v2.CreateRun, run(tool_choice=FUNCTION)),
    (v2.CreateRun, dict.fromkeys(v2.CreateRun.model_fields) | run()),
    (v2.CreateThreadAndRun, run(thread={"messages": []}, tool_resources=None, stream=True)),
    (v2.ModifyRun, {}),
    (v2.SubmitToolOutputs, {"tool_outputs": [{"tool_call_id": "call_1", "output": "4"}, {"tool_call_id": "call_2"}]}),
]


@pytest.mark.parametrize(("model", "body"), ACCEPTED_V2)
def test_v2_takes_a_body_and_gives_it_back(model: type[BaseModel], body: dict[str, Any]) -> None:
    read = params.validate(model, params.parse_json(json.dumps(body).encode(), "v2"), "v2")
    assert read.model_dump(exclude_unset=True) == body
    assert read.model_fields_set == set(body)


def test_free_form_objects_keep_their_key_order() -> None:
    parameters = {"type": "object", "properties": {"z": {}, "a": {}}, "$defs": {"b": None}}
    function = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    read = params.validate(v2.CreateAssistant, assistant(tools=[function], response_format=SCHEMA), "v2")
    assert json.dumps(read.model_dump(exclude_unset=True)["tools"]) == json.dumps([function])
    assert json.dumps(read.model_dump(exclude_unset=True)["response_format"]) == json.dumps(SCHEMA)


class Refused(NamedTuple):
    """A body, and how v2 refuses it."""

    model: type[BaseModel]
    body: object
    message: str
    param: str | None
    code: str


def missing(model: type[BaseModel], body: object, param: str) -> Refused:
    return Refused(model, body, f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def unknown(model: type[BaseModel], body: object, param: str) -> Refused:
    return Refused(model, body, f"Unknown parameter: '{param}'.", param, "unknown_parameter")


def wrong(model: type[BaseModel], body: object, param: str, expected: str, got: str) -> Refused:
    said = f"Invalid type for '{param}': expected {expected}, but got {got} instead."
    return Refused(model, body, said, param, "invalid_type")


def not_among(model: type[BaseModel], body: object, param: str, value: str, supported: str) -> Refused:
    said = f"Invalid value: '{value}'. Supported values are: {supported}."
    return Refused(model, body, said, param, "invalid_value")


def too_long(model: type[BaseModel], body: object, param: str, limit: int) -> Refused:
    said = (
        f"Invalid '{param}': string too long. Expected a string with maximum length {limit}, but got a string with "
        f"length {limit + 1} instead."
    )
    return Refused(model, body, said, param, "string_above_max_length")


def too_many(model: type[BaseModel], body: object, param: str, limit: int) -> Refused:
    said = (
        f"Invalid '{param}': array too long. Expected an array with maximum length {limit}, but got an array with "
        f"length {limit + 1} instead."
    )
    return Refused(model, body, said, param, "array_above_max_length")


def outside(
    model: type[BaseModel], body: object, param: str, bound: str, got: object, *, kind: str = "integer"
) -> Refused:
    side, code = ("below minimum", "below_min") if bound.startswith(">") else ("above maximum", "above_max")
    said = f"Invalid '{param}': {kind} {side} value. Expected a value {bound}, but got {got} instead."
    return Refused(model, body, said, param, f"{kind}_{code}_value")


TOOLS = "'code_interpreter', 'function', and 'file_search'"
FORMATS = "'json_object', 'json_schema', and 'text'"
CONTENT = "one of a string or array of objects"
CHOICES = "one of one of 'none', 'auto', or 'required' or object"
A, M, R, T = v2.CreateAssistant, v2.CreateMessage, v2.CreateRun, v2.CreateThread
FS = "tool_resources.file_search"
JSON_SCHEMA = "response_format.json_schema"
VS = f"{FS}.vector_stores[0]"

REFUSED_V2 = [
    # missing and unknown keys, at any depth
    missing(A, {}, "model"),
    missing(M, {}, "role"),
    missing(M, {"role": "user"}, "content"),
    missing(M, message([{"text": "x"}]), "content[0].type"),
    missing(M, message([{"type": "text"}]), "content[0].text"),
    missing(M, message(attachments=[{"tools": []}]), "attachments[0].file_id"),
    missing(M, message(attachments=[{"file_id": "file-1"}]), "attachments[0].tools"),
    missing(R, {"thread": {}}, "assistant_id"),
    missing(R, run(tool_choice={"type": "function"}), "tool_choice.function"),
    missing(A, assistant(tools=[{"type": "function"}]), "tools[0].function"),
    missing(A, assistant(tools=[{"type": "function", "function": {}}]), "tools[0].function.name"),
    missing(A, assistant(response_format={}), "response_format.type"),
    missing(A, assistant(response_format=SCHEMA | {"json_schema": {}}), "response_format.json_schema.name"),
    missing(A, search(ranking_options={}), "tools[0].file_search.ranking_options.score_threshold"),
    missing(v2.SubmitToolOutputs, {}, "tool_outputs"),
    missing(v2.SubmitToolOutputs, {"tool_outputs": [{"output": ""}]}, "tool_outputs[0].tool_call_id"),
    unknown(A, assistant(file_ids=[]), "file_ids"),
    unknown(T, {"messages": [message(file_ids=["file.id"])]}, "messages[0].file_ids"),
    unknown(A, assistant(tool_resources={"foo": {}}), "tool_resources.foo"),
    unknown(A, assistant(tool_resources={"code interpreter": {}}), "tool_resources.code interpreter"),
    unknown(v2.ModifyThread, store(), f"{FS}.vector_stores"),
    unknown(v2.ModifyAssistant, store(), f"{FS}.vector_stores"),
    unknown(v2.CreateThreadAndRun, run(additional_instructions="x"), "additional_instructions"),
    unknown(A, assistant(tools=[{"type": "function", "function": {"name": "f", "x": 1}}]), "tools[0].function.x"),
    unknown(v2.ModifyMessage, {"role": "user"}, "role"),
    unknown(v2.Empty, {"x": None}, "x"),
    # types: no coercion, null only where it may be
    wrong(A, [], "body", "an object", "an array"),
    wrong(A, assistant(model=None), "model", "a string", "null"),
    wrong(A, assistant(name=1), "name", "a string", "an integer"),
    wrong(A, assistant(tools=None), "tools", "an array of objects", "null"),
    wrong(A, assistant(tools={}), "tools", "an array of objects", "an object"),
    wrong(A, assistant(tools=["x"]), "tools[0]", "an object", "a string"),
    wrong(A, assistant(temperature="hot"), "temperature", "a decimal", "a string"),
    wrong(A, assistant(temperature=True), "temperature", "a decimal", "a boolean"),
    wrong(A, assistant(metadata=[]), "metadata", "a metadata object", "an array"),
    wrong(A, assistant(response_format=1), "response_format", "one of 'auto' or object", "an integer"),
    wrong(v2.ModifyRun, {"metadata": {"modified": True}}, "metadata.modified", "a string", "a boolean"),
    wrong(v2.ModifyRun, {"metadata": {"[key]": 1}}, "metadata.[key]", "a string", "an integer"),
    wrong(T, {"messages": "hi"}, "messages", "an array of objects", "a string"),
    wrong(T, {"messages": [message(3)]}, "messages[0].content", CONTENT, "an integer"),
    wrong(M, message(None), "content", CONTENT, "null"),
    wrong(M, message([{"type": "text", "text": {"value": "x"}}]), "content[0].text", "a string", "an object"),
    wrong(M, {"role": 1, "content": "x"}, "role", "one of 'user' or 'assistant'", "an integer"),
    wrong(R, run(stream="true"), "stream", "a boolean", "a string"),
    wrong(R, run(max_prompt_tokens=True), "max_prompt_tokens", "an integer", "a boolean"),
    wrong(R, run(max_prompt_tokens="300"), "max_prompt_tokens", "an integer", "a string"),
    wrong(R, run(max_prompt_tokens=300.5), "max_prompt_tokens", "an integer", "a decimal number"),
    wrong(R, run(tool_choice=7), "tool_choice", CHOICES, "an integer"),
    wrong(
        R, run(tool_choice={"type": "file_search", "function": 7}), "tool_choice.function", "an object", "an integer"
    ),
    wrong(R, run(truncation_strategy="auto"), "truncation_strategy", "an object", "a string"),
    wrong(
        A,
        assistant(tool_resources={"code_interpreter": {"file_ids": "file-1"}}),
        "tool_resources.code_interpreter.file_ids",
        "an array of strings",
        "a string",
    ),
    wrong(
        A,
        assistant(tools=[{"type": None}]),
        "tools[0].type",
        "one of 'code_interpreter', 'function', or 'file_search'",
        "null",
    ),
    wrong(
        v2.SubmitToolOutputs,
        {"tool_outputs": [{"tool_call_id": "call_1", "output": {}}]},
        "tool_outputs[0].output",
        "a string",
        "an object",
    ),
    wrong(A, schema(schema=3), f"{JSON_SCHEMA}.schema", "an object", "an integer"),
    wrong(A, schema(description=[1]), f"{JSON_SCHEMA}.description", "a string", "an array"),
    # values
    not_among(M, {"role": "human", "content": "x"}, "role", "human", "'user' and 'assistant'"),
    not_among(M, message([{"type": "x"}]), "content[0].type", "x", "'image_file', 'image_url', and 'text'"),
    not_among(A, assistant(tools=[FUNCTION, {"type": "retrieval"}]), "tools[1].type", "retrieval", TOOLS),
    not_among(A, assistant(tools=[{"type": "code-interpreter"}]), "tools[0].type", "code-interpreter", TOOLS),
    not_among(A, assistant(response_format="x"), "response_format", "x", "'auto'"),
    not_among(A, assistant(response_format={"type": "x"}), "response_format.type", "x", FORMATS),
    not_among(R, run(tool_choice="x"), "tool_choice", "x", "'none', 'auto', and 'required'"),
    # lengths and counts
    too_long(A, assistant(name="x" * 257), "name", 256),
    too_long(A, assistant(description="x" * 513), "description", 512),
    too_long(A, assistant(instructions="x" * 256_001), "instructions", 256_000),
    too_long(M, message("x" * 256_001), "content", 256_000),
    too_long(M, message([{"type": "text", "text": "x" * 256_001}]), "content[0].text", 256_000),
    too_long(M, message(metadata={"k": "v" * 513}), "metadata.k", 512),
    too_long(A, assistant(tools=[{"type": "function", "function": {"name": "f" * 65}}]), "tools[0].function.name", 64),
    too_many(A, assistant(tools=[FUNCTION] * 129), "tools", 128),
    too_many(R, run(tools=[FUNCTION] * 21), "tools", 20),
    too_many(
        A, assistant(tool_resources={"file_search": {"vector_store_ids": ["vs_1"] * 2}}), FS + ".vector_store_ids", 1
    ),
    too_many(A, assistant(tool_resources={"file_search": {"vector_stores": [{}] * 2}}), FS + ".vector_stores", 1),
    too_many(
        A,
        assistant(tool_resources={"code_interpreter": {"file_ids": ["file-1"] * 21}}),
        "tool_resources.code_interpreter.file_ids",
        20,
    ),
    Refused(
        M,
        message([]),
        "Invalid 'content': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        "content",
        "empty_array",
    ),
    Refused(
        A,
        assistant(tools=[{"type": "function", "function": {"name": ""}}]),
        "Invalid 'tools[0].function.name': empty string. Expected a string with minimum length 1, but got an empty "
        "string instead.",
        "tools[0].function.name",
        "empty_string",
    ),
    Refused(
        A,
        assistant(tools=[{"type": "function", "function": {"name": "get weather"}}]),
        "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches the pattern "
        "'^[a-zA-Z0-9_-]+$'.",
        "tools[0].function.name",
        "invalid_value",
    ),
    Refused(
        A,
        assistant(metadata={str(n): "v" for n in range(17)}),
        "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object "
        "with 17 properties instead.",
        "metadata",
        "object_above_max_properties",
    ),
    Refused(
        A,
        assistant(metadata={LONG_KEY: "v"}),
        "Invalid property name in 'metadata': 'abc...xyz' is too long. Expected a string with maximum length 64, but "
        "got a string with length 70 instead.",
        f"metadata.{LONG_KEY}",
        "property_name_above_max_length",
    ),
    Refused(
        A,
        assistant(tool_resources={"file_search": {"vector_store_ids": [], "vector_stores": []}}),
        f"Mutually exclusive parameters: '{FS}.vector_store_ids' and '{FS}.vector_stores'. Ensure you are only "
        f"providing one of: '{FS}.vector_store_ids' or '{FS}.vector_stores'.",
        None,
        "mutually_exclusive_parameters",
    ),
    # ranges
    outside(A, assistant(temperature=3), "temperature", "<= 2", 3, kind="decimal"),
    outside(A, assistant(temperature=-0.5), "temperature", ">= 0", -0.5, kind="decimal"),
    outside(A, assistant(top_p=1.5), "top_p", "<= 1", 1.5, kind="decimal"),
    outside(R, run(max_completion_tokens=0), "max_completion_tokens", ">= 1", 0),
    outside(
        R,
        run(truncation_strategy={"type": "last_messages", "last_messages": 0}),
        "truncation_strategy.last_messages",
        ">= 1",
        0,
    ),
    outside(A, search(max_num_results=51), "tools[0].file_search.max_num_results", "<= 50", 51),
    outside(
        A,
        search(ranking_options={"score_threshold": 2}),
        "tools[0].file_search.ranking_options.score_threshold",
        "<= 1",
        2,
        kind="decimal",
    ),
    outside(T, chunks(99, 50), f"{VS}.chunking_strategy.static.max_chunk_size_tokens", ">= 100", 99),
    outside(T, chunks(101, 51), f"{VS}.chunking_strategy.static.chunk_overlap_tokens", "<= 50", 51),
    # several at once: the first field counts, and unknown keys come last
    missing(A, {"zzz": 1, "name": 3}, "model"),
    wrong(A, assistant(zzz=1, name=3), "name", "a string", "an integer"),
]


@pytest.mark.parametrize("case", REFUSED_V2, ids=lambda case: f"{case.model.__name__}:{case.code}:{case.param}")
def test_v2_names_what_is_wrong(case: Refused) -> None:
    refusal = refusal_of(case.model, case.body, "v2")
    assert (refusal.status, refusal.message, refusal.param, refusal.code) == (400, *case[2:])


# --- v1 -----------------------------------------------------------------------------------------------------

ACCEPTED_V1: list[tuple[type[BaseModel], dict[str, Any], dict[str, Any]]] = [
    (v1.ModifyThread, {"metadata": []}, {"metadata": {}}),
    (v1.ModifyThread, {"metadata": {"a": True, "b": 1, "c": 1.0}}, {"metadata": {"a": "True", "b": "1", "c": "1.0"}}),
    (v1.CreateMessage, message(1, file_ids=[]), message("1", file_ids=[])),
    (v1.CreateAssistant, assistant(tools=[{"type": "retrieval"}, FUNCTION]), {}),
    (v1.CreateAssistant, assistant(file_ids=None), {}),
    (v1.ModifyAssistant, {"file_ids": ["file-1"] * 20}, {}),
    (v1.AttachFile, {"file_id": "file-1"}, {}),
    (v1.CreateRun, run(max_prompt_tokens="256", temperature=1), run(max_prompt_tokens=256, temperature=1.0)),
    (v1.CreateRun, run(tool_choice={"type": "retrieval"}, response_format={"type": "json_object"}, stream=None), {}),
    (v1.CreateThread, {"messages": None}, {}),
    (v1.CreateThreadAndRun, run(thread={"messages": [message()]}), {}),
    (v1.SubmitToolOutputs, {"tool_outputs": [{"tool_call_id": "call_1", "output": 4}]}, {}),
]


@pytest.mark.parametrize(("model", "body", "read"), ACCEPTED_V1)
def test_v1_takes_a_body_as_pydantic_v1_did(model: type[BaseModel], body: dict[str, Any], read: dict[str, Any]) -> None:
    found = params.validate(model, body, "v1").model_dump(exclude_unset=True)
    assert found == (read or found)
    assert set(found) == set(body)


TOO_MANY = "ensure this value has at most {0} items (type=value_error.list.max_items; limit_value={0})"
TOO_LONG = "ensure this value has at most {0} characters (type=value_error.any_str.max_length; limit_value={0})"
UNEXPECTED = "unexpected value; permitted: {} (type=value_error.const; given={}; permitted={})"
NULL = "none is not an allowed value (type=type_error.none.not_allowed)"
NO_DICT = "value is not a valid dict (type=type_error.dict)"
EXTRA = "extra fields not permitted (type=value_error.extra)"
NO_FIELD = "field required (type=value_error.missing)"
NO_STRING = "str type expected (type=type_error.str)"

REFUSED_V1: list[tuple[type[BaseModel], object, dict[str, str]]] = [
    (v1.AttachFile, "x", {"body": NO_DICT}),
    (
        v1.CreateMessage,
        message("Hi", role="system"),
        {"body -> role": UNEXPECTED.format("'user', 'assistant'", "system", ("user", "assistant"))},
    ),
    (v1.SubmitToolOutputs, {"tool_outputs": [{}]}, {"body -> tool_outputs -> 0 -> tool_call_id": NO_FIELD}),
    (
        v1.CreateMessage,
        message("", file_ids="x", attachments=None, metadata={"a": None, "b": {}, LONG_KEY: "v", "c": "v" * 513}),
        {
            "body -> content": "ensure this value has at least 1 characters "
            "(type=value_error.any_str.min_length; limit_value=1)",
            "body -> file_ids": "value is not a valid list (type=type_error.list)",
            "body -> metadata -> a": NULL,
            "body -> metadata -> b": NO_STRING,
            f"body -> metadata -> {LONG_KEY}": TOO_LONG.format(64),
            "body -> metadata -> c": TOO_LONG.format(512),
            "body -> attachments": EXTRA,
        },
    ),
    (
        v1.CreateAssistant,
        {
            "name": "x" * 257,
            "file_ids": ["file-1"] * 21,
            "temperature": "hot",
            "top_p": 2,
            "response_format": 3,
        },
        {
            "body -> model": NO_FIELD,
            "body -> name": TOO_LONG.format(256),
            "body -> file_ids": TOO_MANY.format(20),
            "body -> temperature": "value is not a valid float (type=type_error.float)",
            "body -> top_p": "ensure this value is less than or equal to 1 "
            "(type=value_error.number.not_le; limit_value=1)",
            "body -> response_format": NO_DICT,
        },
    ),
    (
        v1.CreateRun,
        run(max_prompt_tokens=0, max_completion_tokens=1.5, stream="perhaps", metadata=1, instructions=[]),
        {
            "body -> instructions": NO_STRING,
            "body -> metadata": NO_DICT,
            "body -> stream": "value could not be parsed to a boolean (type=type_error.bool)",
            "body -> max_prompt_tokens": "ensure this value is greater than or equal to 1 "
            "(type=value_error.number.not_ge; limit_value=1)",
            "body -> max_completion_tokens": "value is not a valid integer (type=type_error.integer)",
        },
    ),
]


@pytest.mark.parametrize(("model", "body", "problems"), REFUSED_V1)
def test_v1_lists_all_that_is_wrong(model: type[BaseModel], body: object, problems: dict[str, str]) -> None:
    refusal = refusal_of(model, body, "v1")
    count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} for Request"
    assert refusal.message.split("\n") == [
        count,
        *(line for where, t in problems.items() for line in (where, f"  {t}")),
    ]
    assert (refusal.param, refusal.code) == (None, None)


def none_of(*permitted: str, given: str) -> list[tuple[str, str]]:
    shown = [f"<ToolTypeParam.{each.upper()}: {each!r}>" for each in permitted]
    return [("type", UNEXPECTED.format(each, given, f"({each},)")) for each in shown]


SHAPELESS = {"name": "x", "parameters": {}}
NO_NAME = 'string does not match regex "^[a-zA-Z0-9_-]+$" (type=value_error.str.regex; pattern=^[a-zA-Z0-9_-]+$)'
# What was reported first: sashabaranov/go-openai#663 and TheoKanning/openai-java#467, both of early 2024.
WRONG_TOOLS_V1: list[tuple[object, list[tuple[str, str]]]] = [
    (
        {"type": "retrieval", "function": SHAPELESS},
        [
            *none_of("code_interpreter", given="retrieval"),
            ("function", EXTRA),
            ("function", EXTRA),
            *none_of("function", given="retrieval"),
        ],
    ),
    (
        {"type": "code_interpreter", "function": None},
        [
            ("function", EXTRA),
            *none_of("retrieval", given="code_interpreter"),
            ("function", EXTRA),
            *none_of("function", given="code_interpreter"),
            ("function", NULL),
        ],
    ),
    (
        {"type": "file_search"},
        [*none_of("code_interpreter", "retrieval", "function", given="file_search"), ("function", NO_FIELD)],
    ),
    ({}, [("type", NO_FIELD), ("type", NO_FIELD), ("type", NO_FIELD), ("function", NO_FIELD)]),
    (3, [("", NO_DICT)] * 3),
    (
        {"type": "function", "function": {"name": "a b"}},
        [
            *none_of("code_interpreter", given="function"),
            ("function", EXTRA),
            *none_of("retrieval", given="function"),
            ("function", EXTRA),
            ("function -> name", NO_NAME),
        ],
    ),
]


@pytest.mark.parametrize(("tool", "problems"), WRONG_TOOLS_V1)
def test_v1_says_of_each_kind_why_a_tool_is_none(tool: object, problems: list[tuple[str, str]]) -> None:
    lines = refusal_of(v1.CreateAssistant, {"model": "gpt-4", "tools": [tool]}, "v1").message.split("\n")
    assert lines == [
        f"{len(problems)} validation errors for Request",
        *(
            line
            for where, why in problems
            for line in (" -> ".join(["body -> tools -> 0", *filter(None, [where])]), f"  {why}")
        ),
    ]


# --- both versions ------------------------------------------------------------------------------------------

ODD_VALUES: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**400, float("inf"), "", "\0x", "9" * 5000, "x" * 300_000),
    *([], [None], ["x"] * 200, [{}], [{"type": "x"}], [{"type": {}}], [[]]),
    *({}, {"": 1}, {"\0x": 1}, {"[key]": 1}, {"type": 1}, {"type": "json_schema"}, {"type": "function", "function": 1}),
]
MODELS = [(api, getattr(module, name)) for api, module in (("v1", v1), ("v2", v2)) for name in module.__all__]


@pytest.mark.parametrize(("api", "model"), MODELS, ids=lambda value: getattr(value, "__name__", value))
def test_whatever_comes_is_taken_or_refused(api: Api, model: type[BaseModel]) -> None:
    """No value, however unusual, causes a pydantic error for which there is no wording."""
    for field in [*model.model_fields, "zzz"]:
        for value in ODD_VALUES:
            body = {"model": "m", "assistant_id": "a", "role": "user", "content": "c", "tool_outputs": [], field: value}
            known = {key: body[key] for key in body if key in model.model_fields or key == field}
            with contextlib.suppress(Refusal):
                params.validate(model, known, api)


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_no_body_is_an_empty_object(api: Api) -> None:
    assert params.parse_json(b"", api) == {}


NO_JSON = [b"{", b" ", b"\xff", b'{"a": NaN}', b'"\\ud800"', b"[" * 10_000, b"------boundary\r\n"]


@pytest.mark.parametrize("body", NO_JSON, ids=lambda body: repr(body[:9]))
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal, match=r"^We could not parse the JSON body"):
        params.parse_json(body, "v2")
    with pytest.raises(Refusal) as caught:
        params.parse_json(body, "v1")
    assert caught.value.message == f"1 validation error for Request\nbody\n  {NO_DICT}"


# --- queries ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "query", "read"),
    [
        (queries.NoQuery, {"api-version": ["2024-05-01-preview"]}, {}),
        (queries.Page, {}, {"limit": 20, "order": "desc", "after": None, "before": None}),
        (queries.Page, {"limit": ["1", "100"], "order": ["asc"], "after": ["x"]}, {"limit": 100, "after": "x"}),
        (queries.MessagesPage, {"run_id": ["run_1"], "before": ["msg_1"]}, {"run_id": "run_1", "before": "msg_1"}),
        (queries.StepsPage, {"include[]": [INCLUDE], "limit": ["2"]}, {"include": [INCLUDE], "limit": 2}),
        (queries.Include, {"include": [INCLUDE, INCLUDE]}, {"include": [INCLUDE, INCLUDE]}),
        (queries.Include, {}, {"include": []}),
        (queries.FilesPage, {}, {"limit": 10_000, "purpose": None}),
        (queries.FilesPage, {"purpose": ["vision"], "limit": ["10000"]}, {"purpose": "vision", "limit": 10_000}),
    ],
)
def test_queries_are_read(model: type[queries.Query], query: dict[str, list[str]], read: dict[str, Any]) -> None:
    found = params.parse_query(model, query, "v2").model_dump()
    assert {name: found[name] for name in read} == read


@pytest.mark.parametrize(
    ("model", "query", "v2_says", "v1_says"),
    [
        (
            queries.Page,
            {"limit": ["101"]},
            "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 101 instead.",
            "limit\n  ensure this value is less than or equal to 100 (type=value_error.number.not_le; limit_value=100)",
        ),
        (
            queries.FilesPage,
            {"limit": ["0"]},
            "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead.",
            "limit\n  ensure this value is greater than or equal to 1 (type=value_error.number.not_ge; limit_value=1)",
        ),
        (
            queries.Page,
            {"limit": ["ten"]},
            "Invalid type for 'limit': expected an integer, but got a string instead.",
            "limit\n  value is not a valid integer (type=type_error.integer)",
        ),
        (
            queries.Page,
            {"limit": ["9" * 5000]},
            "Invalid type for 'limit': expected an integer, but got a string instead.",
            "limit\n  value is not a valid integer (type=type_error.integer)",
        ),
        (
            queries.MessagesPage,
            {"order": ["foo"]},
            "Invalid value: 'foo'. Supported values are: 'asc' and 'desc'.",
            "order\n  " + UNEXPECTED.format("'asc', 'desc'", "foo", ("asc", "desc")),
        ),
        (
            queries.Include,
            {"include[]": [INCLUDE, "x"]},
            f"Invalid value: 'x'. Supported values are: '{INCLUDE}'.",
            "include -> 1\n  " + UNEXPECTED.format(repr(INCLUDE), "x", (INCLUDE,)),
        ),
    ],
)
def test_queries_are_refused(
    model: type[queries.Query], query: dict[str, list[str]], v2_says: str, v1_says: str
) -> None:
    said: dict[Api, str] = {"v2": v2_says, "v1": f"1 validation error for Request\nquery -> {v1_says}"}
    for api, text in said.items():
        with pytest.raises(Refusal) as caught:
            params.parse_query(model, query, api)
        assert caught.value.message == text


# --- uploads ------------------------------------------------------------------------------------------------

FORM = "multipart/form-data; boundary=frontier"
FILE = 'name="file"; filename="a.txt"'


def form(*parts: tuple[str, bytes]) -> bytes:
    """A form from dispositions, each with its content; a disposition may go on with further headers."""
    written = (b"--frontier\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (d.encode(), c) for d, c in parts)
    return b"".join(written) + b"--frontier--\r\n"


def purpose(value: bytes = b"assistants") -> tuple[str, bytes]:
    return 'name="purpose"', value


@pytest.mark.parametrize(
    "content",
    [
        bytes(range(256)) * 3,
        *(
            b"\r\n",
            b"\n",
            b"\r",
            b"\0",
            b"\r\n\r\n",
            b"x\r\n",
            b"\r\nx",
            b"\r\n--",
            b"--frontier--x",
            b"\n--frontier--\n",
        ),
        *(b"\r\n--frontier-longer\r\n", b"\r\n--frontie\r\n", b"\r\r\n\n", b" --frontier\r\n", "你好".encode("utf-16")),
    ],
    ids=repr,
)
@pytest.mark.parametrize("held", [bytes, memoryview])
def test_upload_keeps_every_byte(held: type[bytes | memoryview], content: bytes) -> None:
    body = form(purpose(), (f"{FILE}\r\nContent-Type: text/plain\r\nContent-Length: 3", content))
    upload = params.parse_upload(held(body), FORM)
    assert upload == Upload("a.txt", content, "text/plain", "assistants")
    assert type(upload.content) is held


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ('name="file"; filename="你好.txt"', "你好.txt"),
        ("name=file; filename*=utf-8''%E4%BD%A0%E5%A5%BD.txt", "你好.txt"),
        ("name=file; filename=\"=?utf-8?B?5L2g?=\"; filename*=utf-8''%E4%BD%A0.txt", "你.txt"),
        ("name=file; filename*=iso-8859-1'en'%e9.txt", "é.txt"),
        ("name=file; filename*=no-such-set''%C3%A9.txt", "é.txt"),
        ("name=file; filename*=base64''%C3%A9.txt", "é.txt"),
        ("filename=test_data.csv; name=file", "test_data.csv"),
        (r'name="file"; filename="a\"b;c\\d.txt"', r'a"b;c\d.txt'),
        ('name="file"; filename="text/csv"', "text/csv"),
        ('name="file"; filename=""', ""),
    ],
)
def test_upload_takes_the_name_from_the_form(disposition: str, filename: str) -> None:
    upload = params.parse_upload(form((disposition, b"x"), purpose(b"vision")), FORM)
    assert (upload.filename, upload.content_type, upload.purpose) == (filename, None, "vision")


@pytest.mark.parametrize(
    ("content_type", "change"),
    [
        ('Multipart/Form-Data; charset=utf-8; boundary="frontier"', lambda body: body),
        (FORM, lambda body: b"a preamble\r\n" + body + b"an epilogue"),
        (FORM, lambda body: body.removesuffix(b"\r\n")),
        (FORM, lambda body: body.replace(b"--frontier\r\n", b"--frontier \t\r\n")),
    ],
)
@pytest.mark.parametrize("held", [bytes, memoryview])
def test_forms_may_be_written_otherwise(held: type[bytes | memoryview], content_type: str, change: Any) -> None:
    assert params.parse_upload(held(change(form((FILE, b"x"), purpose()))), content_type).content == b"x"


def expiry(anchor: bytes | None = b"created_at", seconds: bytes | None = b"3600") -> list[tuple[str, bytes]]:
    fields = {"anchor": anchor, "seconds": seconds}
    return [(f'name="expires_after[{key}]"', value) for key, value in fields.items() if value is not None]


@pytest.mark.parametrize("seconds", [3600, 2_592_000])
def test_upload_may_expire(seconds: int) -> None:
    body = form((FILE, b"x"), purpose(), *expiry(seconds=b"%d" % seconds))
    assert params.parse_upload(body, FORM).expires_after_seconds == seconds


SECONDS = "expires_after.seconds"
PURPOSES = "['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals']"


@pytest.mark.parametrize(
    ("parts", "message", "param"),
    [
        ([purpose()], "'file' is a required property", None),
        ([('name="file"', b"x"), purpose()], "'file' is a required property", None),
        ([(FILE, b"x")], "'purpose' is a required property", None),
        (
            [(FILE, b"x"), purpose(b"world_domination")],
            f"'world_domination' is not one of {PURPOSES} - 'purpose'",
            "purpose",
        ),
        (
            [(FILE, b"x"), ('name="foo"', b"1"), purpose()],
            "Additional properties are not allowed ('foo' was unexpected)",
            None,
        ),
        (
            [('name="foo"', b"1"), (FILE, b"x"), ('name="expires_after"', b"1"), purpose(b"world_domination")],
            "Additional properties are not allowed ('expires_after', 'foo' were unexpected)",
            None,
        ),
        ([('name="foo"', b"1"), purpose()], "'file' is a required property", None),
        (
            [(FILE, b"x"), purpose(), *expiry(), ('name="expires_after[foo]"', b"1")],
            "Unknown parameter: 'expires_after.foo'.",
            "expires_after.foo",
        ),
        ([(FILE, b""), purpose()], "File is empty.", "file"),
        (
            [(FILE, b"x"), purpose(), *expiry(anchor=b"now")],
            "Invalid value: 'now'. Supported values are: 'created_at'.",
            "expires_after.anchor",
        ),
        (
            [(FILE, b"x"), purpose(), *expiry(seconds=None)],
            f"Missing required parameter: '{SECONDS}'.",
            SECONDS,
        ),
        (
            [(FILE, b"x"), purpose(), *expiry(seconds=b"3599")],
            f"Invalid '{SECONDS}': integer below minimum value. Expected a value >= 3600, but got 3599 instead.",
            SECONDS,
        ),
        (
            [(FILE, b"x"), purpose(), *expiry(seconds=b"2592001")],
            f"Invalid '{SECONDS}': integer above maximum value. Expected a value <= 2592000, but got 2592001 instead.",
            SECONDS,
        ),
    ],
)
def test_upload_is_refused(parts: list[tuple[str, bytes]], message: str, param: str | None) -> None:
    with pytest.raises(Refusal) as caught:
        params.parse_upload(form(*parts), FORM)
    assert (caught.value.status, caught.value.message, caught.value.param) == (400, message, param)


@pytest.mark.parametrize("names", [["foo"], ["bar", "foo"]])
def test_unknown_fields_of_a_form_are_refused_as_jsonschema_words_it(names: list[str]) -> None:
    """CONTRACT l. 36 has the refusal, and not its words (G): those of this form that are recorded (§7.1, invalid
    purpose) are those of jsonschema."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = {"properties": {"file": {}, "purpose": {}}, "additionalProperties": False}
    sent = dict.fromkeys(["file", "purpose", *names], "x")
    [error] = jsonschema.Draft202012Validator(schema).iter_errors(sent)
    assert errors.unknown_form_fields(names).message == error.message


def test_an_upload_is_as_long_as_the_limit_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """CONTRACT §8 has the limit; the words are those of github.com/bespokelabsai/curator/issues/111."""
    assert uploads.MAX_BYTES == 512 * 1024 * 1024
    monkeypatch.setattr(uploads, "MAX_BYTES", 3)
    assert params.parse_upload(form((FILE, b"abc"), purpose()), FORM).content == b"abc"
    with pytest.raises(Refusal) as caught:
        params.parse_upload(form((FILE, b"abcd"), purpose()), FORM)
    refusal = caught.value
    assert (refusal.status, refusal.message, refusal.param, refusal.code) == (400, "File is too large.", None, None)


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/form-data", "multipart/form-data; boundary="]
)
def test_what_is_no_form_has_no_file(content_type: str) -> None:
    with pytest.raises(Refusal, match=r"^'file' is a required property$"):
        params.parse_upload(form((FILE, b"x"), purpose()), content_type)


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_upload_as_the_sdk_writes_it(library: str) -> None:
    httpx = pytest.importorskip(library)
    content = os.urandom(1000)
    fields = {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "86400"}
    sent = httpx.Request("POST", "https://x", data=fields, files={"file": ("你好.jsonl", content)})
    upload = params.parse_upload(sent.read(), sent.headers["content-type"])
    assert upload == Upload("你好.jsonl", content, upload.content_type, "batch", 86_400)


@pytest.mark.parametrize("content", [bytes(20_000_000), b"\r\n--" * 5_000_000, b"\r\n--frontieR" * 1_500_000], ids=len)
def test_large_uploads_take_no_time(content: bytes) -> None:
    body = form(purpose(), (FILE, content))
    began = time.process_time()
    assert params.parse_upload(body, FORM).content == content
    assert time.process_time() - began < 2


# --- the recordings -----------------------------------------------------------------------------------------

ROUTES = {
    "/assistants": "CreateAssistant",
    "/assistants/{id}": "ModifyAssistant",
    "/assistants/{id}/files": "AttachFile",
    "/threads": "CreateThread",
    "/threads/runs": "CreateThreadAndRun",
    "/threads/{id}": "ModifyThread",
    "/threads/{id}/messages": "CreateMessage",
    "/threads/{id}/messages/{id}": "ModifyMessage",
    "/threads/{id}/runs": "CreateRun",
    "/threads/{id}/runs/{id}": "ModifyRun",
    "/threads/{id}/runs/{id}/cancel": "Empty",
    "/threads/{id}/runs/{id}/submit_tool_outputs": "SubmitToolOutputs",
}
LISTS: dict[str, type[queries.Query]] = {
    "/files": queries.FilesPage,
    "/threads/{id}/messages": queries.MessagesPage,
    "/threads/{id}/runs/{id}/steps": queries.StepsPage,
    "/threads/{id}/runs/{id}/steps/{id}": queries.Include,
}


def answer(record: dict[str, Any]) -> Iterator[object]:
    """How a recorded request is validated: yields the envelope of a refusal, or nothing."""
    api: Api = "v1" if record["beta"] == "assistants=v1" else "v2"
    route, body = record["route"], record["request_body"]
    try:
        if record["method"] == "GET":
            params.parse_query(LISTS.get(route, queries.Page), {k: [v] for k, v in record["query"].items()}, api)
            yield None
        elif record["method"] == "POST" and route in ROUTES and (body is not None or ROUTES[route] == "Empty"):
            raw = body if isinstance(body, str) else "" if body is None else json.dumps(body)
            model = getattr(v1 if api == "v1" or route.endswith("/files") else v2, ROUTES[route])
            params.validate(model, params.parse_json(raw.encode(), api), api)
            yield None
        elif record["method"] == "POST" and route == "/files" and body and not body.endswith("<cut>"):
            upload = params.parse_upload(body.encode(), record["request_headers"]["content-type"], early=True)
            if record["status"] != 200:  # for another reason than its form, such as its key
                return
            assert upload.purpose == record["response_body"]["purpose"]
            assert upload.filename == record["response_body"]["filename"]
            # Contents that are no text were recorded in other forms, of other lengths.
            assert not body.isascii() or len(upload.content) == record["response_body"]["bytes"] or "b64:" in body
            yield None
    except Refusal as refusal:
        yield refusal.envelope()


@pytest.mark.skipif(not RECORDINGS, reason="the recordings are not in the repository; see PYTEST_ASSISTANTS_SHARED")
def test_recorded_requests_get_the_recorded_answer() -> None:
    """What the service accepted is accepted; what it refused for its form is refused with the same text."""
    seen = {"taken": 0, "refused": 0}
    for path in RECORDINGS:
        for record in map(json.loads, path.read_text(encoding="utf-8").rstrip("\n").split("\n")):
            if record["beta"] is None and record["route"] != "/files":
                continue
            error = (record["response_body"] or {}).get("error", {}) if (record["status"] or 200) >= 400 else {}
            about_form = error.get("code") == "invalid_type" or "validation error" in error.get("message", "")
            for said in answer(record):
                assert said == ({"error": error} if about_form else None), record
                seen["refused" if about_form else "taken"] += 1
    assert min(seen.values()) > 0, seen
