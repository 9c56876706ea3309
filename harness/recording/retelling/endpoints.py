"""Recorded requests as calls of the SDK, in the words of v2, which is all that its newest versions speak."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from harness.recording.matching import V2_TOOL_NAMES
from harness.service.http import Request
from harness.service.params.upload import Upload, parts
from harness.source.values import Call, Code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.recording.session import Json, ParsedExchange
    from harness.service.routes import Route

V = "/vector_stores/{vector_store_id}"
# The SDK's method for an endpoint, and what its answer is called in a test.
METHODS = {
    "POST /assistants": ("beta.assistants.create", "assistant"),
    "GET /assistants/{assistant_id}": ("beta.assistants.retrieve", "assistant"),
    "POST /assistants/{assistant_id}": ("beta.assistants.update", "assistant"),
    "DELETE /assistants/{assistant_id}": ("beta.assistants.delete", ""),
    "POST /threads": ("beta.threads.create", "thread"),
    "GET /threads/{thread_id}": ("beta.threads.retrieve", "thread"),
    "POST /threads/{thread_id}": ("beta.threads.update", "thread"),
    "DELETE /threads/{thread_id}": ("beta.threads.delete", ""),
    "POST /threads/{thread_id}/messages": ("beta.threads.messages.create", "message"),
    "GET /threads/{thread_id}/messages": ("beta.threads.messages.list", "messages"),
    "GET /threads/{thread_id}/messages/{message_id}": ("beta.threads.messages.retrieve", "message"),
    "POST /threads/{thread_id}/messages/{message_id}": ("beta.threads.messages.update", "message"),
    "DELETE /threads/{thread_id}/messages/{message_id}": ("beta.threads.messages.delete", ""),
    "POST /threads/runs": ("beta.threads.create_and_run", "run"),
    "POST /threads/{thread_id}/runs": ("beta.threads.runs.create", "run"),
    "GET /threads/{thread_id}/runs": ("beta.threads.runs.list", "runs"),
    "GET /threads/{thread_id}/runs/{run_id}": ("beta.threads.runs.retrieve", "run"),
    "POST /threads/{thread_id}/runs/{run_id}": ("beta.threads.runs.update", "run"),
    "POST /threads/{thread_id}/runs/{run_id}/cancel": ("beta.threads.runs.cancel", "run"),
    "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs": ("beta.threads.runs.submit_tool_outputs", "run"),
    "GET /threads/{thread_id}/runs/{run_id}/steps": ("beta.threads.runs.steps.list", "steps"),
    "GET /threads/{thread_id}/runs/{run_id}/steps/{step_id}": ("beta.threads.runs.steps.retrieve", "step"),
    "POST /files": ("files.create", "file"),
    "GET /files/{file_id}": ("files.retrieve", "file"),
    "DELETE /files/{file_id}": ("files.delete", ""),
    "GET /files/{file_id}/content": ("files.content", ""),
    "POST /vector_stores": ("vector_stores.create", "store"),
    f"GET {V}": ("vector_stores.retrieve", "store"),
    f"POST {V}": ("vector_stores.update", "store"),
    f"DELETE {V}": ("vector_stores.delete", ""),
    f"POST {V}/search": ("vector_stores.search", ""),
    f"GET {V}/files/{{store_file_id}}/content": ("vector_stores.files.content", ""),
    f"POST {V}/files": ("vector_stores.files.create", "store_file"),
    f"GET {V}/files": ("vector_stores.files.list", "store_files"),
    f"GET {V}/files/{{store_file_id}}": ("vector_stores.files.retrieve", "store_file"),
    f"POST {V}/files/{{store_file_id}}": ("vector_stores.files.update", "store_file"),
    f"DELETE {V}/files/{{store_file_id}}": ("vector_stores.files.delete", ""),
    f"POST {V}/file_batches": ("vector_stores.file_batches.create", "batch"),
    f"GET {V}/file_batches/{{batch_id}}": ("vector_stores.file_batches.retrieve", "batch"),
    f"POST {V}/file_batches/{{batch_id}}/cancel": ("vector_stores.file_batches.cancel", "batch"),
    f"GET {V}/file_batches/{{batch_id}}/files": ("vector_stores.file_batches.list_files", "store_files"),
}
LISTS = frozenset({"/assistants", "/files", "/models"})
# What the service takes, and the SDK's method has no parameter for.
NO_PARAMETER = {"POST /threads/runs": frozenset({"reasoning_effort", "include"})}
BIG = 2000
QUERY = frozenset({"limit", "order", "after", "before", "run_id", "include", "filter"})


class LeftOut(Exception):  # noqa: N818 - no error: a test says what it could not retell, and goes on
    """Something recorded cannot be said in a test; the text says why."""


@dataclass
class Asked:
    """One request in the words of v2, before ids become variables.

    Attributes:
        notes: what of it is left out.
    """

    key: str
    route: Route
    path: str
    path_ids: dict[str, str]
    body: Any = None
    query: Json = field(default_factory=dict)
    upload: Json | None = None
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, seen: ParsedExchange) -> Asked:
        """Raises LeftOut: neither the fake nor the SDK could do this."""
        if seen.route is None:
            raise LeftOut("the fake does not serve it")
        if seen.route.v1_only:
            raise LeftOut("only v1 had this endpoint")
        key = f"{seen.method} {seen.route.template}"
        if key not in METHODS:
            raise LeftOut("it lists all that an account holds")
        asked = cls(key, seen.route, seen.path, seen.path_ids, query=_query(seen.recorded.request))
        if Upload in seen.route.bodies.values():
            asked.upload = _upload(seen, asked)
        elif seen.method == "POST" and not key.endswith("/cancel"):
            asked.body = _modern(_body(seen.recorded.request_body), asked)
            _check(asked.body, seen.route)
        return asked

    @property
    def ids(self) -> list[str]:
        """All texts of the request that could be ids."""
        return [*self.path_ids.values(), *_texts(self.body), *_texts(self.query)]

    def call(self, names: Mapping[str, Code], *, function: str = "", **more: Any) -> Call:
        """The SDK's call, with variables in place of ids."""
        places = {name: names.get(given, given) for name, given in self.path_ids.items()}
        # the methods that also wait take nothing but keywords
        first = [places.pop(list(places)[-1])] if places and not function.endswith("_and_poll") else []
        lacks = NO_PARAMETER.get(self.key, frozenset())
        body, query = renamed(self.body or {}, names), renamed(self.query, names)
        known = getattr(self.route.bodies.get("v2"), "model_fields", {}).keys() - lacks
        keywords = {name: value for name, value in body.items() if name in known}
        keywords |= {name: value for name, value in query.items() if name in QUERY - lacks}
        extra = {
            "extra_body": {name: value for name, value in body.items() if name not in keywords},
            "extra_query": {name: value for name, value in query.items() if name not in keywords},
        }
        keywords |= {name: value for name, value in extra.items() if value}
        method = function or METHODS[self.key][0]
        return Call(f"client.{method}", tuple(first), {**places, **(self.upload or {}), **keywords, **more})

    def request(self, ids: Mapping[str, str], *, stream: bool = False) -> Request:
        """The request that the SDK sends for it."""
        path = "/".join(ids.get(part, part) for part in self.path.split("/"))
        headers = {}
        raw = b""
        if self.upload is not None:
            headers["content-type"] = "multipart/form-data; boundary=rehearsal"
            raw = _multipart(self.upload)
        elif self.body is not None:
            headers["content-type"] = "application/json"
            raw = json.dumps({**renamed(self.body, ids), **({"stream": True} if stream else {})}).encode()
        query = "&".join(
            f"{name}[]={item}" if isinstance(value, list) else f"{name}={item}"
            for name, value in renamed(self.query, ids).items()
            for item in (value if isinstance(value, list) else [value])
        )
        method = self.key.partition(" ")[0]
        return sent(method, path + (f"?{query}" if query else ""), headers, raw)


def sent(method: str, path: str, headers: Json | None = None, body: bytes = b"") -> Request:
    """A request as the SDK of a test sends it."""
    usual = {"authorization": "Bearer sk-rehearsal", "openai-beta": "assistants=v2"}
    return Request(method, f"https://api.openai.com/v1{path}", {**usual, **(headers or {})}, body, "test")


def renamed(value: Any, names: Mapping[str, Any]) -> Any:
    """A value with every text that is an id replaced.

    >>> renamed({"file_ids": ["file-abc"]}, {"file-abc": Code("file.id")})
    {'file_ids': ['file.id']}
    """
    if isinstance(value, Call):
        return Call(value.function, renamed(value.arguments, names), renamed(value.keywords, names))
    if isinstance(value, dict):
        return {key: renamed(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(renamed(item, names) for item in value)
    return names.get(value, value) if isinstance(value, str) else value


def modern_assistant(fields: Json, *, new: bool = True) -> tuple[Json, list[str]]:
    """The fields of an assistant of v1 in v2, and what has no place there.

    >>> modern_assistant({"tools": [{"type": "code_interpreter"}], "file_ids": ["file-abc"]})[0]["tool_resources"]
    {'code_interpreter': {'file_ids': ['file-abc']}}
    """
    rest = {key: value for key, value in fields.items() if key != "file_ids"}
    file_ids = fields.get("file_ids")
    if not file_ids:
        return rest, []
    kinds = [tool.get("type") for tool in rest.get("tools", ())]
    if "code_interpreter" in kinds:
        return {**rest, "tool_resources": {"code_interpreter": {"file_ids": file_ids}}}, []
    if new and "file_search" in kinds:
        return {**rest, "tool_resources": {"file_search": {"vector_stores": [{"file_ids": file_ids}]}}}, []
    return rest, ["its file_ids, for which v2 has no place here"]


def _modern(body: Any, asked: Asked) -> Json:
    """A body in the words of v2."""
    if not isinstance(body, dict):
        raise LeftOut("its body was not kept")
    modern: Json = _modern_parts({key: value for key, value in body.items() if key != "stream"})
    if asked.route.family == "assistants":
        modern, asked.notes = modern_assistant(modern, new=not asked.path_ids)
    return modern


def _modern_parts(value: Any) -> Any:
    if isinstance(value, list):
        return [_modern_parts(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"type"} and value["type"] in V2_TOOL_NAMES:
        return {"type": V2_TOOL_NAMES[value["type"]]}
    kept = {key: _modern_parts(item) for key, item in value.items()}
    if "role" in kept and "file_ids" in kept:
        tools = [{"type": "file_search"}]
        attached = [{"file_id": file_id, "tools": tools} for file_id in kept.pop("file_ids")]
        return {**kept, "attachments": attached} if attached else kept
    return kept


def _check(body: Json, route: Route) -> None:
    model = route.bodies["v2"]
    lacking = [name for name, info in model.model_fields.items() if info.is_required() and name not in body]
    if lacking:
        raise LeftOut(f"it was sent or kept without {' and '.join(lacking)}, and the SDK always sends that")


def _body(raw: bytes) -> Any:
    try:
        return from_json(raw) if raw else {}
    except ValueError:
        return None


def _query(request: Request) -> Json:
    found: Json = {}
    for name, values in request.query.items():
        if name.endswith("[]"):
            found[name[:-2]] = values
        elif name != "api-version":
            found[name] = int(values[0]) if name == "limit" and values[0].isdecimal() else values[0]
    return found


def _upload(seen: ParsedExchange, asked: Asked) -> Json:
    """The arguments of an upload. A big file is told as zeros: nothing reads what is in it."""
    request, got = seen.recorded.request, seen.response_json
    form = {part.name: part for part in parts(request.body, request.headers.get("content-type", ""))}
    if not form and seen.ok:
        asked.notes.append("the content of the file, which the recording does not have either; here it is zeros")
        return {"file": (got["filename"], Code(f"bytes({got['bytes']})")), "purpose": got["purpose"]}
    if "file" not in form or "purpose" not in form or form["file"].filename is None:
        raise LeftOut("its form was not kept, or lacks what the SDK always sends")
    content: Any = form["file"].content
    if len(content) > BIG:
        content = Code(f"bytes({len(content)})")
    times = {name: f"expires_after[{name}]" for name in ("anchor", "seconds")}
    expiry = {name: form[field].text for name, field in times.items() if field in form}
    given = {"file": (form["file"].filename, content), "purpose": form["purpose"].text}
    return {**given, "expires_after": expiry} if expiry else given


def _multipart(upload: Json) -> bytes:
    filename, content = upload["file"]
    data = b"\0" * int(content[6:-1]) if isinstance(content, Code) else content
    expiry = {f"expires_after[{name}]": text for name, text in upload.get("expires_after", {}).items()}
    texts = {"purpose": upload["purpose"], **expiry}
    field = '--rehearsal\r\nContent-Disposition: form-data; name="{}"'
    head = "".join(f"{field.format(name)}\r\n\r\n{text}\r\n" for name, text in texts.items())
    head += f'{field.format("file")}; filename="{filename}"\r\n\r\n'
    return head.encode() + data + b"\r\n--rehearsal--\r\n"


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
