"""A file that exists before the first request, as data; other objects are described by the bodies of requests."""

from typing import Literal

from pydantic import Field

from harness.scenarios.contents import Base64, StrictModel

# Those of uploads, and of files that the code interpreter makes.
Purpose = Literal["assistants", "assistants_output", "batch", "evals", "fine-tune", "user_data", "vision"]


class SeededFile(StrictModel):
    """A file, by its path or with its content."""

    id: str | None = Field(None, description="By default one is made.")
    path: str | None = Field(
        None, description="Relative to the scenario file, and not outside its folder. Only scenario files may name one."
    )
    content: str | Base64 | None = Field(None, description="In place of a path: a text, or base64.")
    filename: str | None = Field(None, description="By default that of the path.")
    purpose: Purpose = Field("assistants", description="What it is for.")
