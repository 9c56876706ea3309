"""The parts that bodies of both API versions share: small types with their limits, tools, formats, choices.

Limits are CONTRACT §8. Modules with models have no `from __future__ import annotations`, because pydantic reads
the annotations.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

# pydantic puts the tags of unions into the location of an error. They begin with a character that no key of the API
# begins with, so that `wording` can distinguish the tag `function` from the key of that name.
TAG = "\0"
# The value of a field that a client may leave out but not send as null.
ABSENT: Any = None


class Body(BaseModel):
    """A JSON object without unknown keys or type coercion, except that an integer is valid as a decimal."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Empty(Body):
    """For endpoints that take no body, or an empty object."""


# --- discriminators of unions -------------------------------------------------------------------------------


def by_type(value: Any) -> str:
    """Discriminates objects by their `type`."""
    return f"{TAG}{value.get('type') if isinstance(value, dict) else getattr(value, 'type', None)}"


def of_type(kind: str) -> Tag:
    return Tag(TAG + kind)


_KINDS = ((str, "string"), (list, "array"), (dict, "object"), (BaseModel, "object"))


def by_kind(value: object) -> str:
    """Discriminates strings, arrays and objects."""
    return TAG + next((kind for python, kind in _KINDS if isinstance(value, python)), "other")


def one_of_kinds(expected: str) -> Discriminator:
    """For values of several JSON types; `expected` completes the service's refusal of any other."""
    return Discriminator(by_kind, custom_error_type="kind", custom_error_message=expected)


def array_of(items: str) -> BeforeValidator:
    """For lists: refuses other types with the text that the service has for an array of these items."""

    def check(value: object) -> object:
        if isinstance(value, list):
            return value
        # the stub requires a literal, so that no client's data gets into a template; `items` is not a client's
        raise PydanticCustomError("kind", f"an array of {items}")  # pyright: ignore[reportArgumentType]

    return BeforeValidator(check)


def also(model: type[BaseModel]) -> AfterValidator:
    """Validates a free-form object by `model`, but keeps it as it is, with its key order."""

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
# The specification has a minimum of 256, but 16 was accepted (CONTRACT §1.4).
TokenLimit = Annotated[int, Field(ge=1)]
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], Field(max_length=16)
]


# Messages in the body of a new thread (openai-php/client#269, v1; dimagi/open-chat-studio#688, September 2024).
MAX_AT_ONCE = 32

# --- tools (CONTRACT §1.1) ----------------------------------------------------------------------------------


class TypeOnly(Body):
    """An object that has only a `type`, which the union has checked as its tag."""

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


# --- truncation, response formats, tool choices (CONTRACT §1.1, §1.4) ---------------------------------------


class Truncation(Body):
    type: Literal["auto", "last_messages"]
    last_messages: Annotated[int, Field(ge=1)] | None = None


class JsonSchema(BaseModel):
    """What is checked of `json_schema`; the schema itself is free-form."""

    model_config = ConfigDict(extra="ignore", strict=True)
    name: FunctionName
    description: str = ABSENT
    free_form: dict[str, Any] = Field(ABSENT, alias="schema")  # BaseModel has an attribute `schema`
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
# The service's own text, with "one of" twice; seen on a sibling endpoint that has the same validator.
ONE_OF_CHOICES = one_of_kinds("one of one of 'none', 'auto', or 'required' or object")
