"""Recorded requests as calls of the SDK, translated to v2, which is all that its newest versions support."""

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

STORE = "/vector_stores/{vector_store_id}"
# The SDK's method for each endpoint, and the variable for its answer in a test; empty where none is needed.
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
    f"GET {STORE}": ("vector_stores.retrieve", "store"),
    f"POST {STORE}": ("vector_stores.update", "store"),
    f"DELETE {STORE}": ("vector_stores.delete", ""),
    f"POST {STORE}/search": ("vector_stores.search", ""),
    f"GET {STORE}/files/{{store_file_id}}/content": ("vector_stores.files.content", ""),
    f"POST {STORE}/files": ("vector_stores.files.create", "store_file"),
    f"GET {STORE}/files": ("vector_stores.files.list", "store_files"),
    f"GET {STORE}/files/{{store_file_id}}": ("vector_stores.files.retrieve", "store_file"),
    f"POST {STORE}/files/{{store_file_id}}": ("vector_stores.files.update", "store_file"),
    f"DELETE {STORE}/files/{{store_file_id}}": ("vector_stores.files.delete", ""),
    f"POST {STORE}/file_batches": ("vector_stores.file_batches.create", "batch"),
    f"GET {STORE}/file_batches/{{batch_id}}": ("vector_stores.file_batches.retrieve", "batch"),
    f"POST {STORE}/file_batches/{{batch_id}}/cancel": ("vector_stores.file_batches.cancel", "batch"),
    f"GET {STORE}/file_batches/{{batch_id}}/files": ("vector_stores.file_batches.list_files", "store_files"),
}
# What the service accepts although the SDK's method has no parameter for it.
MISSING_PARAMETERS = {"POST /threads/runs": frozenset({"reasoning_effort", "include"})}
MAX_LITERAL = 2000  # bytes of a file that a test contains as they are
QUERY_PARAMETERS = frozenset({"limit", "order", "after", "before", "run_id", "include", "filter"})


class LeftOut(Exception):  # noqa: N818 - not an error: the test says what is missing, and goes on
    """Something recorded cannot be part of a test; the text says why."""


@dataclass
class SdkRequest:
    """A recorded request, translated to v2, with the recorded ids.

    Attributes:
        key: its method and the template of its path, as in `METHODS`.
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
    def of(cls, exchange: ParsedExchange) -> SdkRequest:
        """The request of an exchange. Raises `LeftOut` if the fake or the SDK does not support it."""
        if exchange.route is None:
            raise LeftOut("the fake does not serve it")
        if exchange.route.v1_only:
            raise LeftOut("only v1 had this endpoint")
        key = f"{exchange.method} {exchange.route.template}"
        if key not in METHODS:
            raise LeftOut("it lists all that an account holds")
        request = cls(key, exchange.route, exchange.path, exchange.path_ids, query=_query(exchange.recorded.request))
        if Upload in exchange.route.bodies.values():
            request.upload = _upload(exchange, request)
        elif exchange.method == "POST" and not key.endswith("/cancel"):
            request.body = _body_in_v2(_body(exchange.recorded.request_body), request)
            _refuse_if_incomplete(request.body, exchange.route)
        return request

    @property
    def ids(self) -> list[str]:
        """All strings of the request that may be ids."""
        return [*self.path_ids.values(), *_strings(self.body), *_strings(self.query)]

    def call(self, names: Mapping[str, Code], *, function: str = "", **more: Any) -> Call:
        """The call of the SDK, with variables in place of ids."""
        places = {name: names.get(given, given) for name, given in self.path_ids.items()}
        # the methods that poll accept only keywords
        first = [places.pop(list(places)[-1])] if places and not function.endswith("_and_poll") else []
        lacks = MISSING_PARAMETERS.get(self.key, frozenset())
        body, query = replace_ids(self.body or {}, names), replace_ids(self.query, names)
        known = getattr(self.route.bodies.get("v2"), "model_fields", {}).keys() - lacks
        keywords = {name: value for name, value in body.items() if name in known}
        keywords |= {name: value for name, value in query.items() if name in QUERY_PARAMETERS - lacks}
        extra = {
            "extra_body": {name: value for name, value in body.items() if name not in keywords},
            "extra_query": {name: value for name, value in query.items() if name not in keywords},
        }
        keywords |= {name: value for name, value in extra.items() if value}
        method = function or METHODS[self.key][0]
        return Call(f"client.{method}", tuple(first), {**places, **(self.upload or {}), **keywords, **more})

    def http_request(self, ids: Mapping[str, str], *, stream: bool = False) -> Request:
        """The HTTP request that the SDK sends, with other ids in place of the recorded ones."""
        path = "/".join(ids.get(part, part) for part in self.path.split("/"))
        headers = {}
        raw = b""
        if self.upload is not None:
            headers["content-type"] = "multipart/form-data; boundary=dry-run"
            raw = _multipart(self.upload)
        elif self.body is not None:
            headers["content-type"] = "application/json"
            raw = json.dumps({**replace_ids(self.body, ids), **({"stream": True} if stream else {})}).encode()
        query = "&".join(
            f"{name}[]={item}" if isinstance(value, list) else f"{name}={item}"
            for name, value in replace_ids(self.query, ids).items()
            for item in (value if isinstance(value, list) else [value])
        )
        method = self.key.partition(" ")[0]
        return http_request(method, path + (f"?{query}" if query else ""), headers, raw)


def http_request(method: str, path: str, headers: Json | None = None, body: bytes = b"") -> Request:
    """An HTTP request as the SDK sends it in a test."""
    usual = {"authorization": "Bearer sk-dry-run", "openai-beta": "assistants=v2"}
    return Request(method, f"https://api.openai.com/v1{path}", {**usual, **(headers or {})}, body, "test")


def replace_ids(value: Any, names: Mapping[str, Any]) -> Any:
    """A value in which every string that is a key of `names` is replaced.

    >>> replace_ids({"file_ids": ["file-abc"]}, {"file-abc": Code("file.id")})
    {'file_ids': ['file.id']}
    """
    if isinstance(value, Call):
        return Call(value.function, replace_ids(value.arguments, names), replace_ids(value.keywords, names))
    if isinstance(value, dict):
        return {key: replace_ids(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(replace_ids(item, names) for item in value)
    return names.get(value, value) if isinstance(value, str) else value


def assistant_in_v2(fields: Json, *, new: bool = True) -> tuple[Json, list[str]]:
    """The fields of an assistant of v1, translated to v2, and notes on what cannot be.

    >>> assistant_in_v2({"tools": [{"type": "code_interpreter"}], "file_ids": ["file-abc"]})[0]["tool_resources"]
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


def _body_in_v2(body: Any, request: SdkRequest) -> Json:
    """The body of a request, translated to v2."""
    if not isinstance(body, dict):
        raise LeftOut("its body was not kept")
    modern: Json = _value_in_v2({key: value for key, value in body.items() if key != "stream"})
    if request.route.family == "assistants":
        modern, request.notes = assistant_in_v2(modern, new=not request.path_ids)
    return modern


def _value_in_v2(value: Any) -> Any:
    if isinstance(value, list):
        return [_value_in_v2(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"type"} and value["type"] in V2_TOOL_NAMES:
        return {"type": V2_TOOL_NAMES[value["type"]]}
    kept = {key: _value_in_v2(item) for key, item in value.items()}
    if "role" in kept and "file_ids" in kept:
        tools = [{"type": "file_search"}]
        attached = [{"file_id": file_id, "tools": tools} for file_id in kept.pop("file_ids")]
        return {**kept, "attachments": attached} if attached else kept
    return kept


def _refuse_if_incomplete(body: Json, route: Route) -> None:
    """Raises `LeftOut` if a body lacks a required parameter of the SDK's method."""
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


def _upload(exchange: ParsedExchange, request: SdkRequest) -> Json:
    """The arguments of an upload. A large file becomes zeros of the same length: its content does not matter."""
    recorded, answer = exchange.recorded.request, exchange.response_json
    form = {part.name: part for part in parts(recorded.body, recorded.headers.get("content-type", ""))}
    if not form and exchange.ok:
        request.notes.append("the content of the file, which the recording does not have either; here it is zeros")
        return {"file": (answer["filename"], Code(f"bytes({answer['bytes']})")), "purpose": answer["purpose"]}
    if "file" not in form or "purpose" not in form or form["file"].filename is None:
        raise LeftOut("its form was not kept, or lacks what the SDK always sends")
    content: Any = form["file"].content
    if len(content) > MAX_LITERAL:
        content = Code(f"bytes({len(content)})")
    part_names = {name: f"expires_after[{name}]" for name in ("anchor", "seconds")}
    expiry = {name: form[part_name].text for name, part_name in part_names.items() if part_name in form}
    given = {"file": (form["file"].filename, content), "purpose": form["purpose"].text}
    return {**given, "expires_after": expiry} if expiry else given


def _multipart(upload: Json) -> bytes:
    filename, content = upload["file"]
    data = b"\0" * int(content[6:-1]) if isinstance(content, Code) else content
    expiry = {f"expires_after[{name}]": text for name, text in upload.get("expires_after", {}).items()}
    texts = {"purpose": upload["purpose"], **expiry}
    part_head = '--dry-run\r\nContent-Disposition: form-data; name="{}"'
    head = "".join(f"{part_head.format(name)}\r\n\r\n{text}\r\n" for name, text in texts.items())
    head += f'{part_head.format("file")}; filename="{filename}"\r\n\r\n'
    return head.encode() + data + b"\r\n--dry-run--\r\n"


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []
