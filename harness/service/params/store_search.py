"""The body of a search in a vector store (CONTRACT §1.6, the specification's VectorStoreSearchRequest)."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field
from pydantic_core import PydanticCustomError

from harness.service.params.common import ABSENT, TAG, Body, array_of, of_type, one_of_kinds


def _comparable(value: object) -> object:
    """Accepts a string, a number, a boolean, or a list of these."""
    items = value if isinstance(value, list) else [value]
    if all(isinstance(item, str | int | float) for item in items):
        return value
    raise PydanticCustomError("kind", "one of a string, a number, a boolean, or an array of strings and numbers")


class Comparison(Body):
    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: str
    value: Annotated[Any, BeforeValidator(_comparable)]


class Compound(Body):
    type: Literal["and", "or"]
    filters: Annotated[list["Filter"], array_of("objects")]


def _comparison_or_compound(value: Any) -> str:
    """Discriminates filters by their `type`; an unknown one counts as a comparison."""
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"{TAG}{'compound' if kind in ('and', 'or') else 'comparison'}"


Filter = Annotated[
    Annotated[Comparison, of_type("comparison")] | Annotated[Compound, of_type("compound")],
    Discriminator(_comparison_or_compound),
]


class StoreRankingOptions(Body):
    ranker: Literal["none", "auto", "default-2024-11-15"] = ABSENT
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


class SearchVectorStore(Body):
    """All but the query may be null, as in litellm's searches (its tests/vector_store_tests, run on OpenAI)."""

    query: Annotated[
        Annotated[str, of_type("string")] | Annotated[list[str], of_type("array")],
        one_of_kinds("one of a string or array of strings"),
    ]
    filters: Filter | None = None
    max_num_results: Annotated[int, Field(ge=1, le=50)] | None = None
    ranking_options: StoreRankingOptions | None = None
    rewrite_query: bool | None = None
