"""What the bodies of both API versions are made of: small types with their limits, tools, formats, choices.

Limits are CONTRACT §8. Modules with models have no `from __future__ import annotations`, because pydantic reads
the annotations.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

# A tag takes a place in the location of an error. It begins with a character that no key of the API begins
# with, so that `wording` can tell it from the key `function` inside a tool of type `function`.
TAG = "\0"
# The value of a field that a client may leave out but not send as null.
ABSENT: Any = None


class Body(BaseModel):
    """A JSON object: no unknown keys, and JSON types as they are; only an integer may stand for a decimal."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Empty(Body):
    """For endpoints that take no body, or an empty object."""


# --- telling shapes apart -----------------------------------------------------------------------------------


def by_type(value: Any) -> str:
    """Tells objects apart by their `type`."""
    return f"{TAG}{value.get('type') if isinstance(value, dict) else getattr(value, 'type', None)}"


def of_type(kind: str) -> Tag:
    return Tag(TAG + kind)


_KINDS = ((str, "string"), (list, "array"), (dict, "object"), (BaseModel, "object"))


def by_kind(value: object) -> str:
    """Tells a string, an array and an object apart."""
    return TAG + next((kind for python, kind in _KINDS if isinstance(value, python)), "other")


def one_of_kinds(expected: str) -> Discriminator:
    """For values of several kinds; `expected` is what the service says it wanted of a value that is none of them."""
    return Discriminator(by_kind, custom_error_type="kind", custom_error_message=expected)


def array_of(items: str) -> BeforeValidator:
    """For lists: the service says what an array should have held."""

    def check(value: object) -> object:
        if isinstance(value, list):
            return value
        # the stub wants a literal, to keep what clients send out of templates; `items` is no such thing
        raise PydanticCustomError("kind", f"an array of {items}")  # pyright: ignore[reportArgumentType]

    return BeforeValidator(check)


def also(model: type[BaseModel]) -> AfterValidator:
    """Checks a free-form object by `model`, and passes it on as it came, in its own key order."""

    def check(value: dict[str, Any]) -> dict[str, Any]:
        model.model_validate(value)
        return value

    return AfterValidator(check)


# --- small types --------------------------------------------------------------------------------------------

Name = Annotated[str, Field(max_length=256)]
Description = Annotated[str, Field(max_length=512)]
LongText = Annotated[str, Field(max_length=256_000)]
FunctionName = Annotated[str, Field(min_length=1, max_length=64, pattern="^[a-zA-Z0-9_-]+$")]
Temperature = Annotated[float, Field(ge=0, le=2)]
TopP = Annotated[float, Field(ge=0, le=1)]
# The specification says 256 at least, but 16 was accepted (CONTRACT §1.4).
TokenLimit = Annotated[int, Field(ge=1)]
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], Field(max_length=16)
]


# Messages that a thread may begin with (openai-php/client#269, v1; dimagi/open-chat-studio#688, September 2024).
MAX_AT_ONCE = 32

# --- tools (CONTRACT §1.1) ----------------------------------------------------------------------------------


class TypeOnly(Body):
    """A tool with nothing to set. Its `type` was checked when it was chosen by it."""

    type: str


class FunctionDefinition(Body):
    name: FunctionName
    description: str = ABSENT
    parameters: dict[str, Any] = ABSENT
    strict: bool | None = None


class FunctionTool(Body):
    type: Literal["function"]
    function: FunctionDefinition


CodeInterpreterTool = Annotated[TypeOnly, of_type("code_interpreter")]


# --- how a run answers (CONTRACT §1.1, §1.4) ----------------------------------------------------------------


class Truncation(Body):
    type: Literal["auto", "last_messages"]
    last_messages: Annotated[int, Field(ge=1)] | None = None


class JsonSchema(BaseModel):
    """What is checked of `json_schema`; the schema itself is free-form."""

    model_config = ConfigDict(extra="ignore", strict=True)
    name: FunctionName
    description: str = ABSENT
    free_form: dict[str, Any] = Field(ABSENT, alias="schema")  # that name is taken by pydantic
    strict: bool | None = None


class JsonSchemaFormat(Body):
    type: Literal["json_schema"]
    json_schema: Annotated[dict[str, Any], also(JsonSchema)]


FormatObject = Annotated[
    Annotated[TypeOnly, of_type("json_object")]
    | Annotated[JsonSchemaFormat, of_type("json_schema")]
    | Annotated[TypeOnly, of_type("text")],
    Discriminator(by_type),
]
ResponseFormat = Annotated[
    Annotated[Literal["auto"], of_type("string")] | Annotated[FormatObject, of_type("object")],
    one_of_kinds("one of 'auto' or object"),
]


class FunctionChoiceName(Body):
    name: str


class FunctionChoice(Body):
    type: Literal["function"]
    function: FunctionChoiceName


ChoiceWord = Annotated[Literal["none", "auto", "required"], of_type("string")]
# The service's own words, stutter included; seen on a sibling endpoint that has the same validator.
ONE_OF_CHOICES = one_of_kinds("one of one of 'none', 'auto', or 'required' or object")
