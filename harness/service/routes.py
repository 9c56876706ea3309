"""The route table: one row an endpoint. `harness.service.service` reads it and does the rest.

A row names the handler, what validates its body and its query, and in which API versions the endpoint exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from harness.service.params import queries, v1, v2
from harness.service.params import vector_stores as stores
from harness.service.params.azure import on_azure
from harness.service.params.store_search import SearchVectorStore
from harness.service.params.upload import Upload
from harness.service.resources import (
    assistants,
    file_batches,
    files,
    messages,
    models,
    runs,
    starting,
    steps,
    store_search,
    threads,
    vector_store_files,
    vector_stores,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.shapes import Api


@dataclass(frozen=True)
class Route:
    """One endpoint.

    Attributes:
        bodies: the model of the body by API version; a version that is not named takes no body.
        beta: whether the `OpenAI-Beta` header is needed (CONTRACT §1: not for files and models).
        v1_only: belongs to the endpoints that v2 dropped (CONTRACT §1.7).
        v2_only: belongs to those that v1 never had (CONTRACT §1.6).
    """

    method: str
    template: str
    handler: Callable[[Any], Any]
    bodies: dict[Api, Any]
    query: Any = queries.NoQuery
    beta: bool = True
    v1_only: bool = False
    v2_only: bool = False

    @property
    def family(self) -> str:
        return self.template.split("/")[1]

    def body(self, api: Api, *, azure: bool) -> Any:
        """The model of the body, by version and host; None if the endpoint takes no body."""
        model = self.bodies.get(api) or self.bodies.get("v1" if self.v1_only else api)
        return on_azure(model) if azure else model


def _row(method: str, template: str, handler: Callable[[Any], Any], body: str = "", **more: Any) -> Route:
    """A row whose body model has this name in `params.v1` and `params.v2`, or in the one that has it."""
    bodies: dict[Api, Any] = {api: getattr(module, body) for api, module in _BODIES.items() if hasattr(module, body)}
    return Route(method, template, handler, bodies, **more)


def _of_stores(method: str, rest: str, handler: Callable[[Any], Any], body: Any = None, **more: Any) -> Route:
    """A row of the vector stores, which only v2 has and which need no beta header (FACTS 0)."""
    bodies: dict[Api, Any] = {} if body is None else {"v2": body}
    return Route(method, f"/vector_stores{rest}", handler, bodies, beta=False, v2_only=True, **more)


_BODIES: dict[Api, Any] = {"v1": v1, "v2": v2}

A = "/assistants"
AF = "/assistants/{assistant_id}/files"
T = "/threads"
M = "/threads/{thread_id}/messages"
MF = "/threads/{thread_id}/messages/{message_id}/files"
R = "/threads/{thread_id}/runs"
S = "/threads/{thread_id}/runs/{run_id}/steps"
V = "/{vector_store_id}"
VF = "/{vector_store_id}/files"
VB = "/{vector_store_id}/file_batches"

ROUTES: tuple[Route, ...] = (
    _row("POST", A, assistants.create, "CreateAssistant"),
    _row("GET", A, assistants.index, query=queries.Page),
    _row("GET", A + "/{assistant_id}", assistants.retrieve),
    _row("POST", A + "/{assistant_id}", assistants.modify, "ModifyAssistant"),
    _row("DELETE", A + "/{assistant_id}", assistants.delete),
    _row("POST", AF, assistants.attach_file, "AttachFile", v1_only=True),
    _row("GET", AF, assistants.index_files, query=queries.Page, v1_only=True),
    _row("GET", AF + "/{assistant_file_id}", assistants.retrieve_file, v1_only=True),
    _row("DELETE", AF + "/{assistant_file_id}", assistants.detach_file, v1_only=True),
    _row("POST", T, threads.create, "CreateThread"),
    _row("GET", T + "/{thread_id}", threads.retrieve),
    _row("POST", T + "/{thread_id}", threads.modify, "ModifyThread"),
    _row("DELETE", T + "/{thread_id}", threads.delete),
    _row("POST", M, messages.create, "CreateMessage"),
    _row("GET", M, messages.index, query=queries.MessagesPage),
    _row("GET", M + "/{message_id}", messages.retrieve),
    _row("POST", M + "/{message_id}", messages.modify, "ModifyMessage"),
    _row("DELETE", M + "/{message_id}", messages.delete),
    _row("GET", MF, messages.index_files, query=queries.Page, v1_only=True),
    _row("GET", MF + "/{message_file_id}", messages.retrieve_file, v1_only=True),
    _row("POST", T + "/runs", starting.create_with_thread, "CreateThreadAndRun", query=queries.Include),
    _row("POST", R, starting.create, "CreateRun", query=queries.Include),
    _row("GET", R, runs.index, query=queries.Page),
    _row("GET", R + "/{run_id}", runs.retrieve),
    _row("POST", R + "/{run_id}", runs.modify, "ModifyRun"),
    _row("POST", R + "/{run_id}/cancel", runs.cancel, "Empty"),
    _row("POST", R + "/{run_id}/submit_tool_outputs", starting.submit_tool_outputs, "SubmitToolOutputs"),
    _row("GET", S, steps.index, query=queries.StepsPage),
    _row("GET", S + "/{step_id}", steps.retrieve, query=queries.Include),
    Route("POST", "/files", files.create, {"v1": Upload, "v2": Upload}, beta=False),
    _row("GET", "/files", files.index, query=queries.FilesPage, beta=False),
    _row("GET", "/files/{file_id}", files.retrieve, beta=False),
    _row("DELETE", "/files/{file_id}", files.delete, beta=False),
    _row("GET", "/files/{file_id}/content", files.content, beta=False),
    _of_stores("POST", "", vector_stores.create, stores.CreateVectorStore),
    _of_stores("GET", "", vector_stores.index, query=queries.Page),
    _of_stores("GET", V, vector_stores.retrieve),
    _of_stores("POST", V, vector_stores.modify, stores.ModifyVectorStore),
    _of_stores("DELETE", V, vector_stores.delete),
    _of_stores("POST", VF, vector_store_files.create, stores.CreateStoreFile),
    _of_stores("GET", VF, vector_store_files.index, query=queries.StoreFilesPage),
    _of_stores("GET", VF + "/{store_file_id}", vector_store_files.retrieve),
    _of_stores("POST", VF + "/{store_file_id}", vector_store_files.modify, stores.ModifyStoreFile),
    _of_stores("DELETE", VF + "/{store_file_id}", vector_store_files.delete),
    _of_stores("GET", VF + "/{store_file_id}/content", vector_store_files.content),
    _of_stores("POST", VB, file_batches.create, stores.CreateFileBatch),
    _of_stores("GET", VB + "/{batch_id}", file_batches.retrieve),
    _of_stores("POST", VB + "/{batch_id}/cancel", file_batches.cancel, v2.Empty),
    _of_stores("GET", VB + "/{batch_id}/files", file_batches.index, query=queries.StoreFilesPage),
    _of_stores("POST", V + "/search", store_search.create, SearchVectorStore),
    _row("GET", "/models", models.index, beta=False),
    _row("GET", "/models/{model}", models.retrieve, beta=False),
)

FAMILIES = frozenset(route.family for route in ROUTES)


class Match(NamedTuple):
    route: Route
    path_ids: dict[str, str]


class Router:
    """Finds the row for a method and a path below the API's root.

    Names and ids alternate in every template with ids, so the names and the number of ids identify the row.
    """

    def __init__(self) -> None:
        self._without_ids: dict[str, dict[str, Route]] = {}
        self._with_ids: dict[tuple[str | int, ...], tuple[Route, list[str]]] = {}
        for route in ROUTES:
            if "{" in route.template:
                _, *segments = route.template.split("/")
                ids = [segment.strip("{}") for segment in segments[1::2]]
                key: tuple[str | int, ...] = (route.method, len(ids), *segments[::2])
                self._with_ids[key] = route, ids
            else:
                self._without_ids.setdefault(route.template, {})[route.method] = route

    def match(self, method: str, path: str) -> Match | None:
        by_method = self._without_ids.get(path)
        if by_method is not None:
            return Match(by_method[method], {}) if method in by_method else None
        segments = path.split("/")
        values = segments[2::2]
        if "%" in path:
            values = [unquote(value) for value in values]
        row = self._with_ids.get((method, len(values), *segments[1::2]))
        if row is None or not all(values):
            return None
        route, ids = row
        return Match(route, dict(zip(ids, values, strict=True)))


ROUTER = Router()
