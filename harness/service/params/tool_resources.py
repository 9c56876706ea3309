"""Tool resources, the files and vector stores of tools; only in v2 (CONTRACT §1.1, §1.6)."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from harness.service.params.common import ABSENT, Body, Metadata, TypeOnly, array_of, by_type, of_type


class StaticChunks(Body):
    max_chunk_size_tokens: Annotated[int, Field(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[int, Field(ge=0)]

    @field_validator("chunk_overlap_tokens")
    @classmethod
    def at_most_half(cls, value: int, info: ValidationInfo) -> int:
        """CONTRACT §1.6. Passes if the size itself was refused."""
        most = info.data.get("max_chunk_size_tokens", 2 * value) // 2
        if value > most:
            raise PydanticKnownError("less_than_equal", {"le": most})
        return value


class StaticChunking(Body):
    type: Literal["static"]
    static: StaticChunks


ChunkingStrategy = Annotated[
    Annotated[TypeOnly, of_type("auto")] | Annotated[StaticChunking, of_type("static")],
    Discriminator(by_type),
]


class NewVectorStore(Body):
    """The helper that creates a store with the object. Its limit of files is too high to matter (CONTRACT §1.1)."""

    file_ids: Annotated[list[str], array_of("strings")] = ABSENT
    chunking_strategy: ChunkingStrategy = ABSENT
    metadata: Metadata | None = None


class CodeInterpreterResources(Body):
    file_ids: Annotated[list[str], Field(max_length=20), array_of("strings")] = ABSENT


class FileSearchResources(Body):
    """Both keys may be null, as Azure's client for Go sends them (azure-sdk-for-go, TestAssistantsWithVectorStores)."""

    vector_store_ids: Annotated[list[str], Field(max_length=1), array_of("strings")] | None = None


class NewFileSearchResources(FileSearchResources):
    vector_stores: Annotated[list[NewVectorStore], Field(max_length=1), array_of("objects")] | None = None

    @model_validator(mode="after")
    def not_both(self) -> "NewFileSearchResources":
        if self.vector_store_ids is not None and self.vector_stores is not None:
            names = {"first": "vector_store_ids", "second": "vector_stores"}
            raise PydanticCustomError("mutually_exclusive", "{first} or {second}", names)
        return self


class ToolResources(Body):
    """A tool may be null, as in the published example of an agent framework (G)."""

    code_interpreter: CodeInterpreterResources | None = None
    file_search: FileSearchResources | None = None


class NewToolResources(ToolResources):
    """For new objects, with which a vector store may be created."""

    file_search: NewFileSearchResources | None = None
