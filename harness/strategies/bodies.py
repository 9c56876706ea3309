"""Request bodies: the fields of each, and invalid variants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from harness.service.resources import compatibility
from harness.strategies import fields
from harness.strategies.fields import Field
from harness.strategies.texts import by_validity, texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

    Ids = Sequence[str]

# Ids in the service's format; a fake with `adopt_unknown=True` accepts them.
ASSISTANTS, THREADS, FILES = ("asst_example",), ("thread_example",), ("file-example", "file-another")
UNKNOWN_KEYS = ("extra", "Model", "file_ids")  # the last is v1's
MAX_TEXT_LENGTH = 256_000
MODELS = ("gpt-4o", "gpt-4o-mini", "my-deployment")


@dataclass(frozen=True)
class Body:
    """A JSON object with these fields and no others; valid bodies include all of `always`, although optional."""

    required: Mapping[str, Field] = field(default_factory=dict)
    optional: Mapping[str, Field] = field(default_factory=dict)
    always: Mapping[str, Field] = field(default_factory=dict)

    def strategy(self, valid: bool | None) -> SearchStrategy[Any]:
        good = st.fixed_dictionaries(
            {name: known.good for name, known in {**self.required, **self.always}.items()},
            optional={name: known.good for name, known in self.optional.items()},
        )
        good = good.map(_fitting) if "response_format" in self.optional else good
        return by_validity(valid, good, _invalid(self, good))


def _fitting(body: dict[str, Any]) -> dict[str, Any]:
    """A body whose tools and `response_format` fit each other: with JSON as the format, all tools are functions.

    With other tools it has an explicit format, as the assistant's might be JSON.
    """
    response_format, tools = body.get("response_format"), body.get("tools") or []
    functions = [tool for tool in tools if tool["type"] == "function"]
    if isinstance(response_format, dict) and response_format["type"] in compatibility.JSON_FORMATS:
        return {**body, "tools": functions}
    return {**body, "response_format": response_format or "auto"} if len(functions) < len(tools) else body


@st.composite
def _invalid(draw: DrawFn, body: Body, good: SearchStrategy[dict[str, Any]]) -> Any:
    """A body with one defect: it is no object, or has an unknown field, a missing one, or one with an invalid value."""
    made = draw(good)
    known = {**body.required, **body.optional, **body.always}
    variants = ["no object", "unknown", *(f"missing {name}" for name in body.required), *known]
    variant = draw(st.sampled_from(variants))
    if variant == "no object":
        return draw(st.sampled_from([["text"], "text", 1, True]))
    if variant == "unknown":
        return {**made, draw(st.sampled_from([key for key in UNKNOWN_KEYS if key not in known])): draw(st.just("x"))}
    if variant in known:
        return {**made, variant: draw(known[variant].bad)}
    return {name: value for name, value in made.items() if name != variant.removeprefix("missing ")}


# --- messages (CONTRACT §1.3) -----------------------------------------------------------------------------------


def messages(*, valid: bool | None = True, files: Ids = FILES) -> SearchStrategy[Any]:
    """The body of a message: a text or parts, perhaps with attachments.

    Args:
        files: ids of files that a valid message may show and attach; none for messages without files. To be attached
            for search, a file needs a type that can be searched.

    >>> from hypothesis import find
    >>> find(messages(), lambda drawn: True)
    {'role': 'user', 'content': ''}
    """
    return message(files).strategy(valid)


def message(files: Ids) -> Body:
    optional = {"metadata": fields.METADATA}
    if files:
        optional["attachments"] = Field(st.none() | st.lists(_attachments(files), max_size=2), BAD_ATTACHMENTS)
    return Body({"role": fields.choice_field("user", "assistant", null=False), "content": _content(files)}, optional)


BAD_ATTACHMENTS: SearchStrategy[Any] = st.sampled_from(
    [1, {}, [1], [{}], [{"file_id": "file-example"}], [{"file_id": 1, "tools": []}], [{"tools": []}]]
)


def _attachments(files: Ids) -> SearchStrategy[Any]:
    kinds = st.sampled_from(["code_interpreter", "file_search"]).map(lambda kind: {"type": kind})
    return st.fixed_dictionaries({"file_id": st.sampled_from(files), "tools": st.lists(kinds, max_size=2)})


def _content(files: Ids) -> Field:
    detail = {"detail": st.sampled_from(["auto", "low", "high"])}
    link = st.fixed_dictionaries({"url": st.just("https://example.com/cat.png")}, optional=detail)
    parts: list[SearchStrategy[Any]] = [
        texts().map(lambda text: {"type": "text", "text": text}),
        link.map(lambda image: {"type": "image_url", "image_url": image}),
    ]
    if files:
        file = st.fixed_dictionaries({"file_id": st.sampled_from(files)}, optional=detail)
        parts.append(file.map(lambda image: {"type": "image_file", "image_file": image}))
    too_long = st.just("x" * (MAX_TEXT_LENGTH + 1))
    wrong: SearchStrategy[Any] = st.sampled_from(
        [None, 1, {}, [], [1], ["text"], [{"type": "text"}], [{"type": "text", "text": {}}], [{}]]
    )
    return Field(texts() | st.lists(st.one_of(parts), min_size=1, max_size=3), wrong | too_long)


# --- the others ---------------------------------------------------------------------------------------------------

MODEL = Field(st.sampled_from(MODELS), fields.NOT_TEXT)
MAYBE_MODEL = Field(st.none() | MODEL.good, MODEL.bad)
# None of the models above is known to reason; those that do take no temperature.
EFFORT = Field(st.none(), fields.choice_field("none", "minimal", "low", "medium", "high").bad)
LONG_TEXT = Field(st.none() | texts(), fields.NOT_TEXT | st.just("x" * (MAX_TEXT_LENGTH + 1)))
INSTRUCTIONS = Field(texts(min_size=1), LONG_TEXT.bad)
CHUNKS = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
CHUNKING = Field(
    st.sampled_from([{"type": "auto"}, CHUNKS]),
    st.sampled_from(
        [
            *("auto", {}, {"type": "static"}, {"type": "whole"}),
            {"type": "static", "static": {"max_chunk_size_tokens": 99, "chunk_overlap_tokens": 0}},
            {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 401}},
        ]
    ),
)
EXPIRES_AFTER = Field(
    st.none() | st.integers(1, 365).map(lambda days: {"anchor": "last_active_at", "days": days}),
    st.sampled_from(
        [7, {}, {"anchor": "created_at", "days": 1}]
        + [{"anchor": "last_active_at", "days": days} for days in (0, 366, "7")]
    ),
)
TOOLS, RUN_TOOLS = fields.tools_field(128), fields.tools_field(20)
SAMPLING = {
    "temperature": fields.number_field(0, 2),
    "top_p": fields.number_field(0, 1),
    "response_format": fields.RESPONSE_FORMAT,
    "reasoning_effort": EFFORT,
    "metadata": fields.METADATA,
}
RUN_SETTINGS = {
    **SAMPLING,
    "model": MAYBE_MODEL,
    "tools": Field(st.none() | RUN_TOOLS.good, RUN_TOOLS.bad),
    "max_prompt_tokens": fields.TOKENS,
    "max_completion_tokens": fields.TOKENS,
    "truncation_strategy": fields.TRUNCATION,
    "tool_choice": fields.TOOL_CHOICE,
    "parallel_tool_calls": fields.BOOLEAN,
}


def _file_ids(files: Ids, most: int) -> Field:
    listed = st.lists(st.sampled_from(files), max_size=2, unique=True) if files else st.just([])
    return Field(listed, fields.NOT_AN_ARRAY | st.sampled_from([[1], [None], ["file-example"] * (most + 1)]))


def _tool_resources(files: Ids, *, new: bool) -> Field:
    """The resources of tools; those of a new object may create a vector store."""
    code = _file_ids(files, 20)
    store = st.fixed_dictionaries(
        {}, optional={"file_ids": _file_ids(files, 0).good, "chunking_strategy": CHUNKING.good}
    )
    searched = store.map(lambda made: {"vector_stores": [made]}) if new else st.just({"vector_store_ids": []})
    good = st.fixed_dictionaries(
        {},
        optional={
            "code_interpreter": st.fixed_dictionaries({}, optional={"file_ids": code.good}),
            "file_search": st.just({}) | searched,
        },
    )
    wrong = [1, [], {"function": {}}, {"file_search": []}, {"file_search": {"vector_store_ids": ["vs_a", "vs_b"]}}]
    in_code = code.bad.map(lambda ids: {"code_interpreter": {"file_ids": ids}})
    return Field(st.none() | good, st.sampled_from(wrong) | in_code)


def _assistant(files: Ids, *, new: bool) -> dict[str, Field]:
    return {
        "name": fields.text_field(256),
        "description": fields.text_field(512),
        "instructions": LONG_TEXT,
        "tools": TOOLS,
        "tool_resources": _tool_resources(files, new=new),
        **SAMPLING,
    }


def bodies(assistants: Ids = ASSISTANTS, files: Ids = FILES) -> dict[str, Body]:
    """The bodies of all endpoints that take one, by method and path; valid ones refer to these ids."""
    message_body = message(files)
    bad_messages = fields.NOT_AN_ARRAY | message_body.strategy(valid=False).map(lambda one: [one])
    messages_field = Field(st.lists(message_body.strategy(valid=True), max_size=2), bad_messages)
    thread = {
        "messages": messages_field,
        "tool_resources": _tool_resources(files, new=True),
        "metadata": fields.METADATA,
    }
    new_thread = Body(optional=thread)
    run = {"assistant_id": Field(st.sampled_from(assistants), fields.NOT_TEXT)}
    instructions = {"instructions": INSTRUCTIONS}  # a run on an empty thread needs them (CONTRACT §4)
    only_metadata = Body(optional={"metadata": fields.METADATA})
    return {
        "POST /assistants": Body({"model": MODEL}, _assistant(files, new=True)),
        "POST /assistants/{assistant_id}": Body({}, {"model": MODEL, **_assistant(files, new=False)}),
        "POST /threads": new_thread,
        "POST /threads/{thread_id}": only_metadata,
        "POST /threads/{thread_id}/messages": message_body,
        "POST /threads/{thread_id}/runs": Body(
            run,
            {
                **RUN_SETTINGS,
                "additional_instructions": LONG_TEXT,
                "additional_messages": Field(st.none() | messages_field.good, bad_messages),
            },
            instructions,
        ),
        "POST /threads/runs": Body(
            run,
            {
                **RUN_SETTINGS,
                "thread": Field(st.none() | new_thread.strategy(valid=True), new_thread.strategy(valid=False)),
                "tool_resources": _tool_resources(files, new=False),
            },
            instructions,
        ),
        "POST /vector_stores": Body(
            optional={
                "name": Field(st.none() | texts(), fields.NOT_TEXT),
                "file_ids": _file_ids(files, 500),
                "chunking_strategy": CHUNKING,
                "expires_after": EXPIRES_AFTER,
                "metadata": fields.METADATA,
            }
        ),
    }
