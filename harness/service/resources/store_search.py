"""Searching a vector store without a run (CONTRACT §1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service.resources.tools import as_json
from harness.service.searching.file_search import documents_of

if TYPE_CHECKING:
    from harness.service.context import Call


DEFAULT_RESULTS = 10  # the specification's default of max_num_results


def create(call: Call) -> dict[str, Any]:
    """The one page of results, ranked as in a run.

    Queries are searched as they are, even with `rewrite_query`, which would take a model.
    """
    body = call.body
    queries = [body.query] if isinstance(body.query, str) else body.query
    found = call.world.searcher.search(
        list(documents_of(call.vector_store, call.store)),
        *queries,
        max_num_results=body.max_num_results or DEFAULT_RESULTS,
        score_threshold=body.ranking_options.score_threshold if body.ranking_options else 0.0,
        filter_by=as_json(body.filters),
    )
    return {
        "object": "vector_store.search_results.page",
        "search_query": queries,
        "data": [
            {
                "file_id": item.file_id,
                "filename": item.file_name,
                "score": item.score,
                "attributes": dict(item.attributes),
                "content": item.content,
            }
            for item in found
        ],
        "has_more": False,
        "next_page": None,
    }
