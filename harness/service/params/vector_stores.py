"""Bodies of the vector-store endpoints, which exist only in v2 (CONTRACT §1.6, §8)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from harness.service.params.common import ABSENT, Body, Metadata, array_of
from harness.service.params.tool_resources import ChunkingStrategy


def _attribute(value: object) -> object:
    """Accepts a string, a number or a boolean; the refusal of others is a guess (G)."""
    if isinstance(value, str) and len(value) > MAX_VALUE_LENGTH:
        raise PydanticKnownError("string_too_long", {"max_length": MAX_VALUE_LENGTH})
    if not isinstance(value, str | int | float):
        raise PydanticCustomError("kind", "one of a string, number, or boolean")
    return value


MAX_VALUE_LENGTH = 512
Attributes = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[object, AfterValidator(_attribute)]], Field(max_length=16)
]


class ExpiresAfter(Body):
    anchor: Literal["last_active_at"]
    days: Annotated[int, Field(ge=1, le=365)]


class ModifyVectorStore(Body):
    name: str | None = None
    expires_after: ExpiresAfter | None = None
    metadata: Metadata | None = None


class CreateVectorStore(ModifyVectorStore):
    """Every field may be null, as in each store that litellm makes (BerriAI/litellm#13284, #13285)."""

    description: str | None = None
    file_ids: Annotated[list[str], Field(max_length=500), array_of("strings")] | None = None
    chunking_strategy: ChunkingStrategy | None = None


class CreateStoreFile(Body):
    file_id: str
    chunking_strategy: ChunkingStrategy = ABSENT
    attributes: Attributes | None = None


class ModifyStoreFile(Body):
    attributes: Attributes | None


class CreateFileBatch(Body):
    """Files by their ids, or as objects with options; which of the two a body without both lacks is a guess (G)."""

    file_ids: Annotated[list[str], Field(min_length=1, max_length=2000), array_of("strings")] = ABSENT
    files: Annotated[list[CreateStoreFile], Field(min_length=1, max_length=2000), array_of("objects")] = ABSENT
    chunking_strategy: ChunkingStrategy = ABSENT
    attributes: Attributes | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> "CreateFileBatch":
        if {"file_ids", "files"} <= self.model_fields_set:
            raise PydanticCustomError(
                "mutually_exclusive", "{first} or {second}", {"first": "file_ids", "second": "files"}
            )
        return self
