"""Query strings (CONTRACT §1, §6). Unknown parameters are ignored: the Azure client adds `api-version`."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# The only value (CONTRACT §1.4): it asks for the text that a file search found.
IncludeValue = Literal["step_details.tool_calls[*].file_search.results[*].content"]

# An empty cursor counts as none: betalgo/openai's playground begins every list with one.
Cursor = Annotated[str | None, AfterValidator(lambda cursor: cursor or None)]


class Query(BaseModel):
    """The parameters of a query. Numbers are parsed from text; `lists` names the parameters that may repeat."""

    model_config = ConfigDict(extra="ignore")
    lists: ClassVar[frozenset[str]] = frozenset()


class NoQuery(Query):
    """For endpoints without query parameters."""


class Include(Query):
    lists = frozenset({"include"})
    include: list[IncludeValue] = []


class Page(Query):
    """Which part of a list (CONTRACT §6)."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    order: Literal["asc", "desc"] = "desc"
    after: Cursor = None
    before: Cursor = None


class MessagesPage(Page):
    run_id: str | None = None


class StepsPage(Page, Include):
    pass


class StoreFilesPage(Page):
    filter: Literal["in_progress", "completed", "failed", "cancelled"] | None = None


class FilesPage(Query):
    """The list of files has much longer pages, and no `before` (CONTRACT §1.5)."""

    purpose: str | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] = 10_000
    order: Literal["asc", "desc"] = "desc"
    after: Cursor = None
