"""The bodies of `OpenAI-Beta: assistants=v1` (CONTRACT §1.7, §10), with the fields that v1 got in April 2024.

The v1 service used pydantic v1 with its defaults: a number in place of a string becomes the string that Python writes
(`true` → `"True"`, recorded for metadata), and a numeric string is valid as a number (inferred from that).
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field

from harness.service.params.common import (
    ABSENT,
    MAX_AT_ONCE,
    ONE_OF_CHOICES,
    Body,
    ChoiceWord,
    Empty,
    FunctionChoice,
    FunctionTool,
    ResponseFormat,
    Temperature,
    TokenLimit,
    TopP,
    Truncation,
    TypeOnly,
    by_type,
    of_type,
)

__all__ = [
    "AttachFile",
    "CreateAssistant",
    "CreateMessage",
    "CreateRun",
    "CreateThread",
    "CreateThreadAndRun",
    "Empty",
    "ModifyAssistant",
    "ModifyMessage",
    "ModifyRun",
    "ModifyThread",
    "SubmitToolOutputs",
]


def as_text(value: object) -> object:
    """The string that pydantic v1 made of a value; it refused null, arrays and objects.

    >>> as_text(True), as_text(1.0), as_text("a"), as_text(None)
    ('True', '1.0', 'a', None)
    """
    return str(value) if isinstance(value, bool | int | float) else value


Text = Annotated[str, BeforeValidator(as_text)]
Name = Annotated[str, Field(max_length=256), BeforeValidator(as_text)]
Description = Annotated[str, Field(max_length=512), BeforeValidator(as_text)]
LongText = Annotated[str, Field(max_length=256_000), BeforeValidator(as_text)]
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512), BeforeValidator(as_text)]],
    Field(max_length=16),
    # pydantic v1 accepted an empty list as an empty dict (hiddenhatpress/openai-assistants#1)
    BeforeValidator(lambda given: {} if given == [] else given),
]


class Lenient(Body):
    model_config = ConfigDict(strict=False)


class CodeInterpreterTool(Body):
    type: Literal["code_interpreter"]


class RetrievalTool(Body):
    type: Literal["retrieval"]


# A wrong tool gets the errors of all three types, in this order (sashabaranov/go-openai#663, February 2024).
Tool = Annotated[
    Annotated[CodeInterpreterTool, of_type("code_interpreter")]
    | Annotated[RetrievalTool, of_type("retrieval")]
    | Annotated[FunctionTool, of_type("function")],
    Field(union_mode="left_to_right"),
]
ToolChoice = Annotated[
    ChoiceWord
    | Annotated[
        Annotated[
            Annotated[FunctionChoice, of_type("function")]
            | Annotated[TypeOnly, of_type("code_interpreter")]
            | Annotated[TypeOnly, of_type("retrieval")],
            Discriminator(by_type),
        ],
        of_type("object"),
    ],
    ONE_OF_CHOICES,
]


class ModifyAssistant(Lenient):
    """`file_ids` replaces the list that the assistant has (CONTRACT §1.7).

    LangChain creates assistants without files with null (langchain-ai/langchain#19199); that it may also be null when
    one is modified is a guess (G).
    """

    model: Text = ABSENT
    name: Name | None = None
    description: Description | None = None
    instructions: LongText | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] = ABSENT
    file_ids: Annotated[list[Text], Field(max_length=20)] | None = None
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    response_format: ResponseFormat | None = None


class CreateAssistant(ModifyAssistant):
    model: Text = Field(...)


class AttachFile(Lenient):
    file_id: Text


class CreateMessage(Lenient):
    """At first the role was always `user`; an empty list of files is valid, despite the specification's 1 to 10."""

    role: Literal["user", "assistant"]
    content: Annotated[str, Field(min_length=1, max_length=256_000), BeforeValidator(as_text)]
    file_ids: Annotated[list[Text], Field(max_length=10)] = ABSENT
    metadata: Metadata | None = None


class ModifyMessage(Lenient):
    metadata: Metadata | None = None


class CreateThread(Lenient):
    messages: Annotated[list[CreateMessage], Field(max_length=MAX_AT_ONCE)] | None = None  # null: PrefectHQ/marvin#663
    metadata: Metadata | None = None


class ModifyThread(Lenient):
    metadata: Metadata | None = None


class _RunSettings(Lenient):
    assistant_id: Text
    model: Text | None = None
    instructions: LongText | None = None
    tools: Annotated[list[Tool], Field(max_length=20)] | None = None
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    stream: bool | None = None
    max_prompt_tokens: TokenLimit | None = None
    max_completion_tokens: TokenLimit | None = None
    truncation_strategy: Truncation | None = None
    tool_choice: ToolChoice | None = None
    response_format: ResponseFormat | None = None


class CreateRun(_RunSettings):
    additional_instructions: LongText | None = None
    additional_messages: list[CreateMessage] | None = None


class CreateThreadAndRun(_RunSettings):
    thread: CreateThread | None = None


class ModifyRun(Lenient):
    metadata: Metadata | None = None


class ToolOutput(Lenient):
    tool_call_id: Text
    output: Text | None = None


class SubmitToolOutputs(Lenient):
    tool_outputs: list[ToolOutput]
    stream: bool | None = None
