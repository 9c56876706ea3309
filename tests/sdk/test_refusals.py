"""Every refusal of the service, over every client: status, text, type, param and code, and an untouched store.

Evidence for the texts: CONTRACT §3.3-§3.7, §4, §6, §7 and FACTS B.
"""

from __future__ import annotations

import base64
import copy
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from harness import call, calls, fail, hang, say
from harness.service.dialects import AvailableVersions

BOTH = ("v1", "v2")
V2 = ("v2",)
V1 = ("v1",)


@dataclass
class Case:
    """A refused request. `{a}`, `{t}`, `{m}`, `{r}`, `{s}`, `{f}` stand for the ids of what `world` made."""

    name: str
    method: str
    path: str
    message: str
    body: Any = None
    status: int = 400
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    apis: tuple[str, ...] = BOTH
    state: str = "completed"
    options: dict[str, Any] = field(default_factory=dict)
    send: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def too_long(name: str, limit: int, length: int) -> str:
    return (
        f"Invalid '{name}': string too long. Expected a string with maximum length {limit}, but got a string with "
        f"length {length} instead."
    )


RUNS = "/threads/{t}/runs"
RUN = "/threads/{t}/runs/{r}"
MESSAGES = "/threads/{t}/messages"
SUBMIT = RUN + "/submit_tool_outputs"
NO_KEY = {"headers": {"authorization": None}}
HELLO = {"role": "user", "content": "hello"}
ATTACHED = {**HELLO, "attachments": [{"file_id": "file-X", "tools": [{"type": "code_interpreter"}]}]}
ODD = {**HELLO, "attachments": [{"file_id": "31abac64", "tools": [{"type": "code_interpreter"}]}]}
# State of the run when the request comes: how it got there, and the seconds that passed.
STATES = {
    "queued": ((say("x"),), 0),
    "in_progress": ((hang(),), 2),
    "requires_action": ((calls(call("f", call_id="call_A"), call("g", call_id="call_B")),), 3),
    "completed": ((say("x"),), 3),
    "failed": ((fail(),), 3),
    "expired": ((hang(),), 600),
    "incomplete": ((say("x " * 90),), 3),
}

FUNCTION = {"type": "function", "function": {"name": "f"}}


def takes(schema: object) -> list[Any]:
    return [{"type": "code_interpreter"}, {"type": "function", "function": {"name": "f", "parameters": schema}}]


def outputs(text: str) -> dict[str, Any]:
    return {"tool_outputs": [{"tool_call_id": "call_A", "output": text}, {"tool_call_id": "call_B", "output": text}]}


WRONG_KEY = Case(
    "wrong key",
    "GET",
    "/assistants",
    "Incorrect API key provided: sk-test. You can find your API key at https://platform.openai.com/account/api-keys.",
    status=401,
    code="invalid_api_key",
    options={"api_key": "sk-another"},
)

CASES = [
    # public reports of what the service said (each with its place)
    *(
        Case(
            f"functions of one name, {path}",
            "POST",
            path,
            "Function tools must have unique names.",
            {**more, "tools": [FUNCTION, {"type": "code_interpreter"}, FUNCTION]},
            param="tools[2]",  # dotnet/extensions#6743
        )
        for path, more in [("/assistants", {"model": "gpt-4"}), (RUNS, {"assistant_id": "{a}"})]
    ),
    *(
        Case(
            f"parameters of the type {kind}",
            "POST",
            "/assistants",
            "Invalid schema for function 'f': schema must be a JSON Schema of 'type: \"object\"', got 'type: "
            f'"{kind}"\'.',
            {"model": "gpt-4", "tools": takes(schema)},
            param="tools[1].function.parameters",
            code="invalid_function_parameters",
        )
        for kind, schema in [
            ("string", {"type": "string"}),  # TheoKanning/openai-java#407
            ("None", {"properties": {}}),  # Lambdua/openai4j#83
        ]
    ),
    Case(
        "a long output",  # microsoft/semantic-kernel#12814
        "POST",
        SUBMIT,
        too_long("tool_outputs[0].output", 1_048_576, 1_048_577),
        outputs("x" * 1_048_577),
        param="tool_outputs[0].output",
        code="string_above_max_length",
        apis=V2,
        state="requires_action",
    ),
    Case(
        "outputs that are long together",  # VRSEN/agency-swarm-lab#39
        "POST",
        SUBMIT,
        "'tool_outputs' too large: the combined tool outputs must be less than 512kb.",
        outputs("한" * (256 * 1024 // 3) + "x"),  # together 512 KiB to the byte: "less than" is meant
        param="tool_outputs",
        code="invalid_value",
        state="requires_action",
    ),
    *(
        Case(
            f"an attachment without a real id, {path}",  # danny-avila/LibreChat#8178
            "POST",
            path,
            f"Invalid '{param}': '31abac64'. Expected an ID that begins with 'file'.",
            body,
            param=param,
            code="invalid_value",
            apis=V2,
        )
        for path, param, body in [
            (MESSAGES, "attachments[0].file_id", ODD),
            (
                "/threads",
                "messages[1].attachments[0].file_id",
                {"messages": [HELLO, ODD]},
            ),
            (
                RUNS,
                "additional_messages[0].attachments[0].file_id",
                {"assistant_id": "{a}", "additional_messages": [ODD]},
            ),
            (
                "/threads/runs",
                "thread.messages[0].attachments[0].file_id",
                {"assistant_id": "{a}", "thread": {"messages": [ODD]}},
            ),
        ]
    ),
    Case(
        "33 messages at once in v1",  # openai-php/client#269
        "POST",
        "/threads/runs",
        "1 validation error for Request\nbody -> thread -> messages\n"
        "  ensure this value has at most 32 items (type=value_error.list.max_items; limit_value=32)",
        {"assistant_id": "{a}", "thread": {"messages": [HELLO] * 33}},
        apis=V1,
    ),
    Case(
        "33 messages at once",  # dimagi/open-chat-studio#688
        "POST",
        "/threads",
        "Invalid 'messages': array too long. Expected an array with maximum length 32, but got an array with length 33 "
        "instead.",
        {"messages": [HELLO] * 33},
        param="messages",
        code="array_above_max_length",
        apis=V2,
    ),
    Case(
        "metadata of another type",  # hiddenhatpress/openai-assistants#1
        "POST",
        "/threads",
        "Invalid type for 'metadata': expected a metadata object, but got an array instead.",
        {"metadata": []},
        param="metadata",
        code="invalid_type",
        apis=V2,
    ),
    # openai/openai-node#902: who has no thread id asks another endpoint
    Case(
        "no thread id at all",
        "POST",
        "/threads//messages",
        "Unknown parameter: 'role'.",
        HELLO,
        param="role",
        code="unknown_parameter",
        apis=V2,
        options={"as_of": "2024-06-19"},  # today the id that is none, `messages`, is what is wrong first
    ),
    # who is calling
    Case(
        "no key",
        "GET",
        "/assistants",
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
        "(i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the "
        "API from your browser and are prompted for a username and password. You can obtain an API key from "
        "https://platform.openai.com/account/api-keys.",
        status=401,
        send=NO_KEY,
    ),
    WRONG_KEY,
    replace(WRONG_KEY, name="wrong key as a password", send={"headers": {"authorization": "Basic OnNrLXRlc3Q="}}),
    # continuedev/continue#9634: eight characters, a star for each of the others, four
    Case(
        "wrong long key",
        "GET",
        "/assistants",
        "Incorrect API key provided: sk-proj-*****wxyz. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        status=401,
        code="invalid_api_key",
        options={"api_key": "sk-another"},
        send={"headers": {"authorization": "Bearer sk-proj-12345wxyz"}},
    ),
    # shown whole, as `undefined` is in jas3333/GPT-Helper#26
    Case(
        "wrong key without a middle",
        "GET",
        "/assistants",
        "Incorrect API key provided: YOUR_API_KEY. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        status=401,
        code="invalid_api_key",
        options={"api_key": "sk-another"},
        send={"headers": {"authorization": "Bearer YOUR_API_KEY"}},
    ),
    Case(
        "no beta header",
        "GET",
        "/threads/{t}",
        "You must provide the 'OpenAI-Beta' header to access the Assistants API. Please try again by setting the "
        "header 'OpenAI-Beta: assistants=v2'.",
        code="invalid_beta",
        send={"headers": {"openai-beta": None}},
    ),
    *(
        Case(
            f"unknown beta {header} for {path}",
            "GET",
            path,
            f"Unknown beta requested: '{shown}'.",
            code="invalid_beta",
            apis=V2,
            send={"headers": {"openai-beta": header}},
        )
        # CONTRACT §7.1: the text was seen with these headers, without their versions (src#42465667767 for stores)
        for header, path, shown in [
            ("realtime=v1", "/assistants", "realtime"),
            ("realtime=v1", "/vector_stores", "realtime"),
            ("vector_stores=v1", "/vector_stores/vs_X/files", "vector_stores"),
            ("assistants", "/assistants", "assistants"),
            ("assistants=v3", "/assistants", "assistants=v3"),
            ("assistants=v3", "/vector_stores", "assistants=v3"),
        ]
    ),
    Case(
        "v1 after its end",
        "GET",
        "/assistants",
        "The v1 Assistants API has been deprecated. Please try again by setting the header 'OpenAI-Beta: "
        "assistants=v2'. See the migration guide for more information: "
        "https://platform.openai.com/docs/assistants/migration.",
        code="invalid_beta",
        options={"api": "v2"},
        apis=V1,
    ),
    *(
        Case(
            f"v1 path after its end: {method} {path}",
            method,
            path,
            "The v1 Assistants API has been deprecated. See the migration guide for more information: "
            "https://platform.openai.com/docs/assistants/migration.",
            code="invalid_beta",
            options={"api": "v2"},
        )
        for method, path in (
            ("GET", "/assistants/{a}/files"),
            ("POST", "/assistants/{a}/files"),
            ("GET", "/assistants/{a}/files/file-X"),
            ("DELETE", "/assistants/{a}/files/file-X"),
            ("GET", MESSAGES + "/{m}/files"),
            ("GET", MESSAGES + "/{m}/files/file-X"),
        )
    ),
    Case("unknown URL", "GET", "/assistants/{a}/tools", "Invalid URL (GET /v1/assistants/{a}/tools)", status=404),
    Case("unknown method", "PUT", "/threads/{t}", "Invalid URL (PUT /v1/threads/{t})", status=404),
    Case(
        "list of threads",
        "GET",
        "/threads",
        "Your request to GET /v1/threads must be made with a session key (that is, it can only be made from the "
        "browser). You made it with the following key type: secret.",
        status=401,
        code="missing_scope",
    ),
    # ids in the path
    Case(
        "malformed thread id",
        "GET",
        "/threads/undefined",
        "Invalid 'thread_id': 'undefined'. Expected an ID that begins with 'thread'.",
        param="thread_id",
        code="invalid_value",
        apis=V2,
    ),
    Case(
        "malformed assistant id",
        "GET",
        "/assistants/null",
        "Invalid 'assistant_id': 'null'. Expected an ID that begins with 'asst'.",
        param="assistant_id",
        code="invalid_value",
        apis=V2,
    ),
    Case(
        "assistant id with a blank",
        "GET",
        "/assistants/asst_x%20",
        "Invalid 'assistant_id': 'asst_x '. Expected an ID that contains letters, numbers, underscores, or dashes, but "
        "this value contained additional characters.",
        param="assistant_id",
        code="invalid_value",
        apis=V2,
    ),
    *(
        Case(
            "malformed assistant id in a body",
            "POST",
            path,
            "Invalid 'assistant_id': 'undefined'. Expected an ID that begins with 'asst'.",
            {"assistant_id": "undefined"},
            param="assistant_id",
            code="invalid_value",
            apis=V2,
        )
        for path in (RUNS, "/threads/runs")
    ),
    Case("malformed id in v1", "GET", "/threads/null", "No thread found with id 'null'.", status=404, apis=V1),
    *(
        Case(f"unknown {noun}", "GET", path, f"No {noun} found with id '{wrong}'.", status=404)
        for noun, path, wrong in [
            ("assistant", "/assistants/asst_X", "asst_X"),
            ("thread", "/threads/thread_X", "thread_X"),
            ("message", MESSAGES + "/msg_X", "msg_X"),
            ("run", RUNS + "/run_X", "run_X"),
            ("run step", RUN + "/steps/step_123", "step_123"),
        ]
    ),
    *(
        Case(f"unknown {noun} file", "GET", path, f"No {noun} file found with id 'file-X'.", status=404, apis=V1)
        for noun, path in [("assistant", "/assistants/{a}/files/file-X"), ("message", MESSAGES + "/{m}/files/file-X")]
    ),
    Case(
        "run on an unknown assistant",
        "POST",
        RUNS,
        "No assistant found with id 'asst_X'.",
        {"assistant_id": "asst_X"},
        404,
    ),
    Case("unknown file", "GET", "/files/fake_id", "No such File object: fake_id", status=404, param="id"),
    Case(
        "content of an unknown file",
        "GET",
        "/files/fake_id/content",
        "No such File object: fake_id",
        status=404,
        param="id",
    ),
    Case(
        "unknown model",
        "GET",
        "/models/gpt-X",
        "The model 'gpt-X' does not exist",
        status=404,
        param="model",
        code="model_not_found",
    ),
    Case(
        "unknown file in a body",
        "POST",
        "/assistants",
        "No file found with id 'file-X'.",
        {"model": "gpt-4o", "tool_resources": {"code_interpreter": {"file_ids": ["file-X"]}}},
        404,
        apis=V2,
    ),
    Case(
        "unknown file in a body of v1",
        "POST",
        "/assistants/{a}",
        "No file found with id 'file-X'.",
        {"file_ids": ["file-X"]},
        404,
        apis=V1,
    ),
    # models that v1 never got (CONTRACT §7.1, l. 460: observed of gpt-4o and gpt-4o-mini)
    *(
        Case(
            f"{model} in v1: {method} {path} {state}",
            method,
            path,
            f"The requested model '{model}' cannot be used with the Assistants API in v1. Follow the migration guide "
            "to upgrade to v2: https://platform.openai.com/docs/assistants/migration.",
            {"model": model, **body},
            param="model",
            code="unsupported_model",
            apis=V1,
            state=state,
            options={"as_of": "2024-06-01"},
        )
        for model, method, path, body, state in [
            ("gpt-4o", "POST", "/assistants", {}, "completed"),
            ("gpt-4o", "POST", "/assistants", {"file_ids": ["file-X"]}, "completed"),
            ("gpt-4o-mini", "POST", "/assistants/{a}", {"name": "B"}, "completed"),
            ("gpt-4o-2024-08-06", "POST", RUNS, {"assistant_id": "{a}"}, "completed"),
            ("gpt-4o", "POST", RUNS, {"assistant_id": "{a}"}, "in_progress"),
            ("gpt-4o", "POST", "/threads/runs", {"assistant_id": "{a}"}, "completed"),
        ]
    ),
    Case(
        "v1: a schema comes before a model",
        "POST",
        "/assistants",
        "1 validation error for Request\nbody -> nme\n  extra fields not permitted (type=value_error.extra)",
        {"model": "gpt-4o", "nme": "A"},
        apis=V1,
        options={"as_of": "2024-06-01"},
    ),
    Case(
        "v1: an assistant comes before the model of its run",
        "POST",
        RUNS,
        "No assistant found with id 'asst_X'.",
        {"assistant_id": "asst_X", "model": "gpt-4o"},
        404,
        apis=V1,
        options={"as_of": "2024-06-01"},
    ),
    Case(
        "unknown vector store in a body",
        "POST",
        "/threads",
        "Vector store with id ['vs_X'] not found.",
        {"tool_resources": {"file_search": {"vector_store_ids": ["vs_X"]}}},
        apis=V2,
    ),
    # bodies, v2
    Case(
        "missing",
        "POST",
        RUNS,
        "Missing required parameter: 'assistant_id'.",
        {},
        param="assistant_id",
        code="missing_required_parameter",
        apis=V2,
    ),
    Case(
        "unknown parameter",
        "POST",
        "/threads",
        "Unknown parameter: 'messages[0].file_ids'.",
        {"messages": [{**HELLO, "file_ids": ["file.id"]}]},
        param="messages[0].file_ids",
        code="unknown_parameter",
        apis=V2,
    ),
    Case(
        "unknown tool resource",
        "POST",
        "/assistants",
        "Unknown parameter: 'tool_resources.code interpreter'.",
        {"model": "m", "tool_resources": {"code interpreter": {"file_ids": []}}},
        param="tool_resources.code interpreter",
        code="unknown_parameter",
        apis=V2,
    ),
    Case(
        "wrong type",
        "POST",
        "/threads/{t}",
        "Invalid type for 'metadata.modified': expected a string, but got a boolean instead.",
        {"metadata": {"modified": True}},
        param="metadata.modified",
        code="invalid_type",
        apis=V2,
    ),
    Case(
        "bad role",
        "POST",
        MESSAGES,
        "Invalid value: 'human'. Supported values are: 'user' and 'assistant'.",
        {"role": "human", "content": "x"},
        param="role",
        code="invalid_value",
        apis=V2,
    ),
    Case(
        "bad tool",
        "POST",
        "/assistants",
        "Invalid value: 'retrieval'. Supported values are: 'code_interpreter', 'function', and 'file_search'.",
        {"model": "m", "tools": [{"type": "retrieval"}]},
        param="tools[0].type",
        code="invalid_value",
        apis=V2,
    ),
    Case(
        "name too long",
        "POST",
        "/assistants",
        too_long("name", 256, 300),
        {"model": "m", "name": "n" * 300},
        param="name",
        code="string_above_max_length",
        apis=V2,
    ),
    Case(
        "metadata value too long",
        "POST",
        "/threads",
        too_long("metadata.k", 512, 513),
        {"metadata": {"k": "v" * 513}},
        param="metadata.k",
        code="string_above_max_length",
        apis=V2,
    ),
    Case(
        "too much metadata",
        "POST",
        "/threads",
        "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object "
        "with 17 properties instead.",
        {"metadata": {str(n): "v" for n in range(17)}},
        param="metadata",
        code="object_above_max_properties",
        apis=V2,
    ),
    Case(
        "too many files",
        "POST",
        "/assistants",
        "Invalid 'tool_resources.code_interpreter.file_ids': array too long. Expected an array with maximum length 20, "
        "but got an array with length 21 instead.",
        {"model": "m", "tool_resources": {"code_interpreter": {"file_ids": ["file-1"] * 21}}},
        param="tool_resources.code_interpreter.file_ids",
        code="array_above_max_length",
        apis=V2,
    ),
    Case(
        "temperature too high",
        "POST",
        "/assistants",
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
        {"model": "m", "temperature": 3},
        param="temperature",
        code="decimal_above_max_value",
        apis=V2,
    ),
    Case(
        "limit too high",
        "GET",
        "/assistants?limit=101",
        "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 101 instead.",
        param="limit",
        code="integer_above_max_value",
        apis=V2,
    ),
    Case(
        "bad order",
        "GET",
        "/assistants?order=foo",
        "Invalid value: 'foo'. Supported values are: 'asc' and 'desc'.",
        param="order",
        code="invalid_value",
        apis=V2,
    ),
    # CONTRACT §6, G
    Case("unknown cursor", "GET", MESSAGES + "?after=msg_X", "No message found with id 'msg_X'.", status=404),
    Case(
        "unknown cursor of files",
        "GET",
        "/files?after=file-X",
        "No such File object: file-X",
        status=404,
        param="id",
    ),
    Case("cursor of v1", "GET", RUNS + "?before=x", "No run found with id 'x'.", status=404, apis=V1),
    *(
        Case(
            f"malformed cursor {cursor}",
            "GET",
            f"{path}?{cursor}=x",
            f"Invalid '{cursor}': 'x'. Expected an ID that begins with '{prefix}'.",
            param=cursor,
            code="invalid_value",
            apis=V2,
        )
        for path, prefix in ((MESSAGES, "msg"), (RUN + "/steps", "step"), ("/assistants", "asst"))
        for cursor in ("after", "before")
    ),
    # what a body names is looked for before the lock is (CONTRACT §7.1, G)
    *(
        Case(
            f"unknown file in {path} of a locked thread",
            "POST",
            path,
            "No file found with id 'file-X'.",
            body,
            status=404,
            state="in_progress",
            apis=V2,
        )
        for path, body in ((MESSAGES, ATTACHED), (RUNS, {"assistant_id": "{a}", "additional_messages": [ATTACHED]}))
    ),
    # bodies, v1
    Case(
        "missing in v1",
        "POST",
        RUNS,
        "1 validation error for Request\nbody -> assistant_id\n  field required (type=value_error.missing)",
        {},
        apis=V1,
    ),
    Case(
        "no object in v1",
        "POST",
        "/assistants/{a}/files",
        "1 validation error for Request\nbody\n  value is not a valid dict (type=type_error.dict)",
        "file",
        apis=V1,
    ),
    # files
    Case(
        "bad purpose",
        "POST",
        "/files",
        "'world_domination' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - "
        "'purpose'",
        param="purpose",
        send={"data": {"purpose": "world_domination"}, "files": {"file": ("a.txt", b"x")}},
    ),
    Case(
        "bad extension",
        "POST",
        "/files",
        'Invalid extension VB. Supported formats: "c", "cpp", "css", "csv", "docx", "gif", "go", "html", "java", '
        '"jpeg", "jpg", "js", "json", "md", "pdf", "php", "pkl", "png", "pptx", "py", "rb", "tar", "tex", "ts", "txt", '
        '"webp", "xlsx", "xml", "zip"',
        send={"data": {"purpose": "assistants"}, "files": {"file": ("a.VB", b"x")}},
    ),
    Case(
        "no file", "POST", "/files", "'file' is a required property", send={"files": {"purpose": (None, b"assistants")}}
    ),
    Case("no download", "GET", "/files/{f}/content", "Not allowed to download files of purpose: assistants"),
    # states and locks
    *(
        Case(
            f"{verb} while {state}",
            method,
            path,
            text.replace("STATUS", state),
            body,
            state=state,
        )
        for state, verbs in {
            "queued": ("submit", "update", "message", "run"),
            "in_progress": ("submit", "update", "message", "run"),
            "requires_action": ("message", "run"),
            "cancelling": ("submit", "cancel", "update", "message", "run"),
            "completed": ("submit", "cancel"),
            "failed": ("submit", "cancel"),
            "expired": ("submit", "cancel"),
            "incomplete": ("submit", "cancel"),
            "cancelled": ("submit", "cancel"),
        }.items()
        for verb, (method, path, text, body) in {
            "submit": (
                "POST",
                SUBMIT,
                'Runs in status "STATUS" do not accept tool outputs.',
                {"tool_outputs": [{"tool_call_id": "call_X", "output": "1"}]},
            ),
            "cancel": ("POST", RUN + "/cancel", "Cannot cancel run with status 'STATUS'.", None),
            "update": ("POST", RUN, "Cannot update run with status 'STATUS'.", {"metadata": {"a": "b"}}),
            "message": ("POST", MESSAGES, "Can't add messages to {t} while a run {r} is active.", HELLO),
            "run": ("POST", RUNS, "Thread {t} already has an active run {r}.", {"assistant_id": "{a}"}),
        }.items()
        if verb in verbs
    ),
    *(
        Case(
            f"outputs {got}",
            "POST",
            SUBMIT,
            f"Expected tool outputs for call_ids ['call_A', 'call_B'], got {got!r}",
            {"tool_outputs": [{"tool_call_id": item, "output": "1"} for item in got]},
            state="requires_action",
        )
        for got in (["call_A"], ["call_A", "call_X"], ["call_A", "call_B", "call_B"])
    ),
    Case(
        "nothing to run on",
        "POST",
        "/threads/runs",
        "Run creation requires a Thread with a user message or an assistant with instructions.",
        {"assistant_id": "{a}"},
        code="invalid_thread",
        apis=V2,
    ),
]


def world(wire, case):
    """One of everything, with the run in the state of the case; their ids by letter."""
    options = {name: value for name, value in case.options.items() if name not in ("api", "api_key")}
    fake = wire.start(**options)
    reached = {"cancelling": "in_progress", "cancelled": "in_progress"}.get(case.state, case.state)
    acts, seconds = STATES[reached]
    fake.next_run(*acts)
    ids = {"f": fake.add_file(content=b"a,b", filename="a.csv").id}
    ids["a"] = wire.ok("POST", "/assistants", {"model": "gpt-4-turbo"})["id"]
    ids["t"] = wire.ok("POST", "/threads", {"messages": [HELLO]})["id"]
    ids["m"] = wire.ok("GET", f"/threads/{ids['t']}/messages")["data"][0]["id"]
    body = {"assistant_id": ids["a"]}
    if case.state == "incomplete":
        body["max_completion_tokens"] = 20
    ids["r"] = wire.ok("POST", f"/threads/{ids['t']}/runs", body)["id"]
    fake.clock.advance(seconds)
    if case.state.startswith("cancel"):
        wire.ok("POST", f"/threads/{ids['t']}/runs/{ids['r']}/cancel")
        fake.clock.advance(case.state == "cancelled")
    assert fake.runs[0].status == case.state
    return ids


def filled(value, ids):
    if isinstance(value, dict):
        return {key: filled(item, ids) for key, item in value.items()}
    if isinstance(value, str):
        for letter, found in ids.items():
            value = value.replace(f"{{{letter}}}", found)
    return value


def _run_contents(run):
    return run.id, run.status, run.metadata, run.timeline, list(run.steps)


def contents(fake):
    """Everything in the store, comparable."""
    store = fake.world.store
    tables = [list(table) for table in (store.assistants, store.files, store.vector_stores)]
    threads = [
        (thread.id, thread.metadata, list(thread.messages), [_run_contents(run) for run in thread.runs])
        for thread in store.threads
    ]
    return copy.deepcopy([*tables, threads])


@pytest.mark.parametrize(("case", "api"), [(case, api) for case in CASES for api in case.apis], ids=str)
def test_refusal(wire, case):
    ids = world(wire, case)
    fake = wire.fake.world
    fake.settings = replace(fake.settings, **case.options)
    fake.available = AvailableVersions.of(fake.settings)
    before = contents(wire.fake)
    answer = wire.send(case.method, filled(case.path, ids), filled(case.body, ids), **case.send)
    error = {"message": filled(case.message, ids), "type": case.type, "param": case.param, "code": case.code}
    assert answer.status_code == case.status
    assert answer.json()["error"] == error
    assert list(answer.json()["error"]) == list(error)
    assert contents(wire.fake) == before


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b":sk-test", 200),
        (b":sk:test", 200),
        (b":", 401),
        (b"sk-test:", 401),
        (b"user:sk-test", 401),  # only of nobody (G)
        (b"sk-test", 401),
        (b":\xff", 401),
    ],
)
def test_the_key_may_be_the_password_of_nobody(one_wire, sent, status):
    """`curl -u :$OPENAI_API_KEY`, as the guide to Code Interpreter has it; the refusal says so, too (CONTRACT §7.1)."""
    one_wire.start()
    headers = {"authorization": f"Basic {base64.b64encode(sent).decode()}"}
    assert one_wire.send("POST", "/threads", headers=headers).status_code == status


def test_a_password_that_is_not_base64(one_wire):
    one_wire.start()
    assert one_wire.send("POST", "/threads", headers={"authorization": "Basic sk-test"}).status_code == 401


def test_v1_runs_on_assistants_that_have_a_newer_model_already(wire, api):
    """CONTRACT l. 460 is about the model that a body names; of an assistant made in v2 nothing is recorded."""
    fake = wire.start()
    wire.api = "v2"
    made = wire.ok("POST", "/assistants", {"model": "gpt-4o", "instructions": "Hi"})["id"]
    wire.api = api
    for assistant in (made, fake.add_assistant(instructions="Hi").id):
        assert wire.ok("POST", f"/assistants/{assistant}", {"name": "B"})["model"] == "gpt-4o"
        assert wire.ok("POST", "/threads/runs", {"assistant_id": assistant})["model"] == "gpt-4o"


def test_v1_takes_unknown_models(wire, api):
    """They are accepted in both versions (docs/architecture.md)."""
    wire.start()
    for model in ("my-deployment", "chatgpt-4o-latest", "gpt-4"):
        assert wire.ok("POST", "/assistants", {"model": model})["model"] == model


def test_not_json(wire):
    wire.start()
    answer = wire.send("POST", "/threads", headers={"content-type": "application/json"}, content=b"{not json")
    assert answer.status_code == 400


@pytest.mark.parametrize("sent", ["text/plain;charset=UTF-8", "multipart/form-data; boundary=x", "application/xml"])
def test_a_body_that_says_it_is_no_json(wire, sent):
    wire.start()
    answer = wire.send("POST", "/threads", headers={"content-type": sent}, content=b"{}")
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "message": f"Unsupported content type: '{sent}'. This API method only accepts 'application/json' requests, but "
        f"you specified the header 'Content-Type: {sent}'. Please try again with a supported content type.",
        "type": "invalid_request_error",
        "param": None,
        "code": "unsupported_content_type",
    }
    # There was a time when only the body counted, and without one, no type does.
    wire.ok("POST", "/threads", headers={"content-type": sent}, content=b"")
    wire.start(as_of="2024-02-12")
    wire.ok("POST", "/threads", headers={"content-type": sent, "openai-beta": "assistants=v1"}, content=b"{}")


@pytest.mark.parametrize(
    "sent", ["Application/json; charset=utf-8", "application/x-www-form-urlencoded", None], ids=["json", "curl", "none"]
)
def test_content_types_that_are_taken(wire, sent):
    wire.start()
    wire.ok("POST", "/threads", headers={"content-type": sent}, content=b"{}")


@pytest.mark.parametrize("as_of", [None, "2023-11-20"])
def test_an_upload_that_is_no_form(wire, as_of):
    wire.start(as_of=as_of)
    answer = wire.send("POST", "/files", {"purpose": "assistants"})
    assert (answer.status_code, answer.json()["error"]) == (
        415,
        {
            "message": "Invalid Content-Type header (application/json), expected multipart/form-data. (HINT: If you're "
            "using curl, you can pass -H 'Content-Type: multipart/form-data')",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
    )


def test_an_error_of_files_has_a_detail(wire):
    wire.start()
    body = wire.send("GET", "/files/fake_id").json()
    assert body["detail"] == {"message": "No such File object: fake_id", "code": None}


def test_as_much_as_may_be_said(wire, api):
    """Right below the limits of the cases above."""
    fake = wire.start()
    fake.next_run(calls(call("f", call_id="call_A"), call("g", call_id="call_B")), say("done"))
    assistant = fake.add_assistant(instructions="Hi")
    thread = wire.ok("POST", "/threads", {"messages": [HELLO] * 32})["id"]
    tools = [FUNCTION, {"type": "function", "function": {"name": "g", "parameters": {}}}]
    run = wire.ok("POST", f"/threads/{thread}/runs", {"assistant_id": assistant.id, "tools": tools})["id"]
    fake.clock.advance(3)
    said = outputs("x" * (256 * 1024 - 1))
    assert wire.ok("POST", f"/threads/{thread}/runs/{run}/submit_tool_outputs", said)["status"] == "queued"
