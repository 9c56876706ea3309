"""The bodies of `OpenAI-Beta: assistants=v2` (CONTRACT §1.1 to §1.4).

Fields are in the order in which the service reports errors in them. A field that may be null has None in its type; one
that may be left out but not null has the value `ABSENT`.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field

from harness.service.params.common import (
    ABSENT,
    MAX_AT_ONCE,
    ONE_OF_CHOICES,
    Body,
    ChoiceWord,
    CodeInterpreterTool,
    Description,
    Empty,
    FunctionChoice,
    FunctionChoiceName,
    FunctionTool,
    LongText,
    Metadata,
    Name,
    ResponseFormat,
    Temperature,
    TokenLimit,
    TopP,
    Truncation,
    TypeOnly,
    array_of,
    by_type,
    of_type,
    one_of_kinds,
)
from harness.service.params.tool_resources import NewToolResources, ToolResources

__all__ = [
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

ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


# --- tools --------------------------------------------------------------------------------------------------


class RankingOptions(Body):
    # the last is not in the specification, but in a recorded assistant (sashirestela/simple-openai, March 2025)
    ranker: Literal["auto", "default_2024_08_21", "default-2024-08-21"] = ABSENT
    score_threshold: Annotated[float, Field(ge=0, le=1)]
    # Not in the specification, but the service shows it, so a client may send it back (CONTRACT §2.1).
    hybrid_search: dict[str, Any] | None = None


class FileSearchOptions(Body):
    max_num_results: Annotated[int, Field(ge=1, le=50)] = ABSENT
    ranking_options: RankingOptions = ABSENT


class FileSearchTool(Body):
    type: Literal["file_search"]
    file_search: FileSearchOptions = ABSENT


Tool = Annotated[
    CodeInterpreterTool
    | Annotated[FunctionTool, of_type("function")]
    | Annotated[FileSearchTool, of_type("file_search")],
    Discriminator(by_type),
]
AssistantTools = Annotated[list[Tool], Field(max_length=128), array_of("objects")]
RunTools = Annotated[list[Tool], Field(max_length=20), array_of("objects")]


class ToolByType(TypeOnly):
    """The specification allows a `function` here, too; that it is ignored is a guess (G).

    Azure's client for Go sends these tools with one that is null (azure-sdk-for-go, TestAPIToolChoiceUnion).
    """

    function: FunctionChoiceName | None = Field(None, exclude=True)


ToolChoice = Annotated[
    ChoiceWord
    | Annotated[
        Annotated[
            Annotated[FunctionChoice, of_type("function")]
            | Annotated[ToolByType, of_type("code_interpreter")]
            | Annotated[ToolByType, of_type("file_search")],
            Discriminator(by_type),
        ],
        of_type("object"),
    ],
    ONE_OF_CHOICES,
]


# --- assistants ---------------------------------------------------------------------------------------------


class ModifyAssistant(Body):
    model: str = ABSENT
    name: Name | None = None
    description: Description | None = None
    instructions: LongText | None = None
    reasoning_effort: ReasoningEffort | None = None
    tools: AssistantTools = ABSENT
    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    response_format: ResponseFormat | None = None


class CreateAssistant(ModifyAssistant):
    model: str = Field(...)
    tool_resources: NewToolResources | None = None


# --- messages -----------------------------------------------------------------------------------------------


class TextPart(Body):
    """In a request the text is a bare string (CONTRACT §1.3)."""

    type: Literal["text"]
    text: LongText


class ImageFile(Body):
    file_id: str
    detail: Literal["auto", "low", "high"] = ABSENT


class ImageFilePart(Body):
    type: Literal["image_file"]
    image_file: ImageFile


class ImageUrl(Body):
    url: str
    detail: Literal["auto", "low", "high"] = ABSENT


class ImageUrlPart(Body):
    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[
    Annotated[ImageFilePart, of_type("image_file")]
    | Annotated[ImageUrlPart, of_type("image_url")]
    | Annotated[TextPart, of_type("text")],
    Discriminator(by_type),
]
Content = Annotated[
    Annotated[LongText, of_type("string")] | Annotated[list[Part], Field(min_length=1), of_type("array")],
    one_of_kinds("one of a string or array of objects"),
]


class Attachment(Body):
    file_id: str
    tools: Annotated[
        list[Annotated[CodeInterpreterTool | Annotated[TypeOnly, of_type("file_search")], Discriminator(by_type)]],
        array_of("objects"),
    ]


class CreateMessage(Body):
    role: Literal["user", "assistant"]
    content: Content
    attachments: Annotated[list[Attachment], array_of("objects")] | None = None
    metadata: Metadata | None = None


class ModifyMessage(Body):
    metadata: Metadata | None = None


# --- threads ------------------------------------------------------------------------------------------------


class CreateThread(Body):
    """Marvin 2 creates every thread with null messages, in v1 and v2 (PrefectHQ/marvin#663, #911)."""

    messages: Annotated[list[CreateMessage], Field(max_length=MAX_AT_ONCE), array_of("objects")] | None = None
    tool_resources: NewToolResources | None = None
    metadata: Metadata | None = None


class ModifyThread(Body):
    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None


# --- runs ---------------------------------------------------------------------------------------------------


class _RunSettings(Body):
    """The fields by which a run differs from its assistant. All optional ones may be null (CONTRACT §1.4)."""

    assistant_id: str
    model: str | None = None
    reasoning_effort: ReasoningEffort | None = None
    instructions: LongText | None = None
    tools: RunTools | None = None
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    stream: bool | None = None
    max_prompt_tokens: TokenLimit | None = None
    max_completion_tokens: TokenLimit | None = None
    truncation_strategy: Truncation | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None


class CreateRun(_RunSettings):
    additional_instructions: LongText | None = None
    additional_messages: Annotated[list[CreateMessage], array_of("objects")] | None = None


class CreateThreadAndRun(_RunSettings):
    thread: CreateThread | None = None
    tool_resources: ToolResources | None = None


class ModifyRun(Body):
    metadata: Metadata | None = None


class ToolOutput(Body):
    """The specification requires neither key, but without the id the call is unknown. A missing output is null (G).

    The maximum length: microsoft/semantic-kernel#12814, July 2025.
    """

    tool_call_id: str
    output: Annotated[str, Field(max_length=1_048_576)] | None = None


class SubmitToolOutputs(Body):
    tool_outputs: Annotated[list[ToolOutput], array_of("objects")]
    stream: bool | None = None
