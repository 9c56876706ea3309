"""Azure OpenAI, through its own clients: URLs, versions, keys, ids, refusals (CONTRACT §1.8, §7.2)."""

from __future__ import annotations

import asyncio
import inspect

import openai
import pytest
from stream_clients import JSON

from harness import HarnessFailure, call, fail, fake_assistants, say
from harness.service.store import Ids

ENDPOINT = "https://contoso.openai.azure.com"
BETA = {"headers": {"OpenAI-Beta": "assistants=v2"}}
VERSIONS = {"v1": "2024-02-15-preview", "v2": "2024-05-01-preview"}


@pytest.fixture(params=["AzureOpenAI", "AsyncAzureOpenAI"])
def azure(request, assistants):
    """Makes a client, sync or async, whose calls are all made the same way: `ask(client.beta.threads.create)`."""

    def make(**options):
        key = {} if {"azure_ad_token", "azure_ad_token_provider"} & options.keys() else {"api_key": "secret"}
        return getattr(openai, request.param)(
            **{"azure_endpoint": ENDPOINT, "api_version": VERSIONS["v2"], **key, **options}
        )

    return make


def ask(method, *args, **kwargs):
    """The answer, whether the client is async or not."""
    found = method(*args, **kwargs)
    return asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found


async def _awaited(found):
    return await found


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_the_api_version_alone_chooses_the_version(azure, assistants, api):
    """Whatever the SDK's beta header says."""
    client = azure(api_version=VERSIONS[api])
    thread = ask(client.beta.threads.create)
    [exchange] = assistants.requests
    assert exchange.request.url.startswith(f"{ENDPOINT}/openai/threads?api-version={VERSIONS[api]}")
    assert ("tool_resources" in exchange.answer) == (api == "v2")
    assert thread.id.startswith("thread_")


@pytest.mark.parametrize(
    "login",
    [{"api_key": "secret"}, {"azure_ad_token": "entra"}, {"azure_ad_token_provider": lambda: "entra"}],
    ids=lambda login: next(iter(login)),
)
def test_a_key_or_a_token_will_do(azure, assistants, login):
    ask(azure(**login).beta.threads.create)
    headers = assistants.requests[0].request.headers
    if "api_key" in login:
        assert headers["api-key"] == "secret"
    else:
        assert headers["authorization"] == "Bearer entra"


def test_a_whole_conversation_on_a_deployment(azure, assistants):
    """The model is the deployment's name, echoed."""
    assistants.next_run(call("get_weather", city="Oslo"), say("4 °C"))
    client = azure()
    assistant = ask(client.beta.assistants.create, model="my-gpt4")
    assert assistant.model == "my-gpt4"
    thread = ask(client.beta.threads.create)
    ask(client.beta.threads.messages.create, thread.id, role="user", content="Weather in Oslo?")
    runs = client.beta.threads.runs
    run = ask(runs.create, thread_id=thread.id, assistant_id=assistant.id)

    def until(*statuses):
        found = run
        while found.status not in statuses:
            found = ask(runs.retrieve, run.id, thread_id=thread.id)
        return found

    [asked] = until("requires_action").required_action.submit_tool_outputs.tool_calls
    outputs = [{"tool_call_id": asked.id, "output": "4"}]
    ask(runs.submit_tool_outputs, run.id, thread_id=thread.id, tool_outputs=outputs)
    until("completed")
    listed = ask(client.beta.threads.messages.list, thread.id)
    assert listed.data[0].content[0].text.value == "4 °C"


@pytest.mark.parametrize(("purpose", "prefix"), [("assistants", "assistant-"), ("fine-tune", "file-")])
def test_the_ids_of_files_tell_their_purpose(azure, assistants, purpose, prefix):
    uploaded = ask(azure().files.create, file=("a.jsonl", b"{}"), purpose=purpose)
    assert uploaded.id.startswith(prefix)


def test_the_answers_carry_azures_headers(azure, assistants):
    """CONTRACT §1.8, FACTS 0 ("Azure"); `tests/real` compares them with the recorded ones."""
    ask(azure().beta.threads.create)
    headers = assistants.requests[0].response.headers
    assert {"apim-request-id", "x-ms-middleware-request-id", "x-ms-client-request-id"} <= headers.keys()
    assert headers["x-content-type-options"] == "nosniff"
    assert "openai-organization" not in headers


def test_a_client_gets_its_own_id_of_a_request_back(azure, assistants):
    """Azure's SDKs send one. Without one it is the gateway's (BerriAI/litellm#1721; removed from the recordings)."""
    client = azure()
    ask(client.beta.threads.create)
    ask(client.beta.threads.create, extra_headers={"x-ms-client-request-id": "mine"})
    without, sent = (exchange.response.headers for exchange in assistants.requests)
    assert without["x-ms-client-request-id"] == without["apim-request-id"] != without["x-request-id"]
    assert sent["x-ms-client-request-id"] == "mine" != sent["apim-request-id"]


@pytest.mark.assistants(seed="one")
def test_azures_ids_of_requests_leave_openais_as_they_are(azure, assistants):
    """A request has one id in the stream of request ids, whoever is asked."""
    client = assistants.client()
    client.beta.threads.create()
    ask(azure().beta.threads.create)
    client.beta.threads.create()
    request_ids = [exchange.response.headers["x-request-id"] for exchange in assistants.requests]
    ids = Ids("one")
    assert request_ids[::2] == [ids.request() for _ in request_ids][::2]


QUOTA = fail("rate_limit_exceeded").message
AZURES_RATE = "Rate limit is exceeded. Try again in 60 seconds."


@pytest.mark.parametrize(
    ("act", "on_azure", "elsewhere"),
    [
        (fail("rate_limit_exceeded"), AZURES_RATE, QUOTA),
        (fail("rate_limit_exceeded", beats_cancel=True), AZURES_RATE, QUOTA),
        (fail("rate_limit_exceeded", QUOTA), QUOTA, QUOTA),
        (fail("rate_limit_exceeded", "Slow down."), "Slow down.", "Slow down."),
        (fail("rate_limit_exceeded", ""), "", ""),
        (fail(), "Sorry, something went wrong.", "Sorry, something went wrong."),
    ],
)
def test_a_run_that_meets_a_rate_limit_fails_in_azures_words(assistants, act, on_azure, elsewhere):
    """CONTRACT §3.5 and §7.2 (LibreChat#6728)."""
    assistants.every_run(act)
    for client, expected in [(assistants.azure_client(), on_azure), (assistants.client(), elsewhere)]:
        assistant = client.beta.assistants.create(model="my-gpt4", instructions="Count.")
        run = client.beta.threads.create_and_run(assistant_id=assistant.id, thread={})
        while run.status != "failed":
            run = client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
        assert (run.last_error.code, run.last_error.message) == (act.code, expected)


def test_a_deployment_that_does_not_exist(assistants):
    """Where a request meets it (CONTRACT §7.2), and where a run does (litellm's test_assistants.py; its code is G)."""
    client = assistants.azure_client(max_retries=0)
    assistant = client.beta.assistants.create(model="misspelt", instructions="Count.")
    gone = "The API deployment for this resource does not exist."
    assistants.faults.status(404, on="POST /threads/runs", code="DeploymentNotFound", message=gone)
    with pytest.raises(openai.NotFoundError) as raised:
        client.beta.threads.create_and_run(assistant_id=assistant.id, thread={})
    assert raised.value.response.json() == {"error": {"code": "DeploymentNotFound", "message": gone}}
    unmatched = "No connection matching model: misspelt"
    assistants.next_run(fail("server_error", unmatched))
    run = client.beta.threads.create_and_run(assistant_id=assistant.id, thread={})
    assistants.clock.advance(5)
    assert assistants.runs[0].id == run.id
    assert assistants.runs[0].last_error == {"code": "server_error", "message": unmatched}


@pytest.mark.parametrize("folder", ["/foo", "/foo/bar"])
def test_a_gateway_in_front_of_azure_has_its_own_path(monkeypatch, folder):
    """As Azure API Management has: the SDK puts `/openai` behind what the endpoint says."""
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", f"https://apim.azure-api.net{folder}")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "secret")
    with fake_assistants() as fake, openai.AzureOpenAI(api_version=VERSIONS["v1"]) as client:
        thread = client.beta.threads.create()
        fake.next_run(say("4 °C"))
        assistant = client.beta.assistants.create(model="my-gpt4")
        client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id)
        not_found(openai.AzureOpenAI(api_version="latest"))
    assert "tool_resources" not in fake.requests[0].answer
    assert "apim-request-id" in fake.requests[0].response.headers


def test_a_named_root_of_the_api_is_the_last_one():
    """An endpoint that ends in `/openai` is a known mistake: the SDK puts a second one behind it."""
    endpoint = "https://apim.azure-api.net/foo/openai"
    azure = {"azure_endpoint": endpoint, "api_key": "secret", "api_version": VERSIONS["v2"]}
    with pytest.raises(HarnessFailure, match="POST /openai/threads is not served"), fake_assistants(base_url=endpoint):
        openai.AzureOpenAI(**azure).beta.threads.create()


# --- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.assistants(api_key="secret")
@pytest.mark.parametrize("login", [{"api_key": "wrong"}, {"azure_ad_token": "wrong"}], ids=str)
def test_a_wrong_key(azure, login):
    with pytest.raises(openai.AuthenticationError) as raised:
        ask(azure(**login).beta.threads.create)
    error = raised.value.response.json()["error"]
    assert list(error) == ["code", "message"]
    assert error["code"] == "401"
    assert error["message"].startswith("Access denied due to invalid subscription key or wrong API endpoint.")


@pytest.mark.parametrize("version", ["2023-12-01-preview", "2024-13", "latest"])
def test_a_version_without_assistants_is_not_found(azure, version):
    not_found(azure(api_version=version))


def not_found(client):
    with pytest.raises(openai.NotFoundError) as raised:
        ask(client.beta.threads.create)
    assert raised.value.response.json() == {"error": {"code": "404", "message": "Resource not found"}}


def test_a_client_of_openai_that_names_no_version_is_not_found(assistants):
    not_found(openai.OpenAI(api_key="secret", base_url=f"{ENDPOINT}/openai"))


def test_a_path_that_is_not_there_is_not_found(azure, assistants):
    with pytest.raises(openai.NotFoundError) as raised:
        ask(azure().get, "/threads", cast_to=JSON)
    assert raised.value.response.json() == {"error": {"code": "404", "message": "Resource not found"}}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/assistants/{a}/files"),
        ("POST", "/assistants/{a}/files"),
        ("GET", "/assistants/{a}/files/file-X"),
        ("GET", "/threads/{t}/messages/msg_X/files"),
        ("GET", "/threads/{t}/messages/msg_X/files/file-X"),
    ],
)
def test_what_only_v1_had_is_not_found_in_v2(assistants, method, path):
    """CONTRACT §1.7, §7.2; that Azure's v2 dropped these paths, too, is a guess (G)."""
    client = assistants.azure_client(max_retries=0)
    ids = {"a": client.beta.assistants.create(model="my-gpt4").id, "t": client.beta.threads.create().id}
    with pytest.raises(openai.NotFoundError) as raised:
        getattr(client, method.lower())(path.format_map(ids), cast_to=JSON)
    assert raised.value.response.json() == {"error": {"code": "404", "message": "Resource not found"}}


def test_files_of_assistants_and_messages_are_there_in_v1(assistants):
    client = assistants.azure_client(api_version=VERSIONS["v1"], max_retries=0)
    file = client.files.create(file=("a.csv", b"1"), purpose="assistants")
    assistant = client.beta.assistants.create(model="my-gpt4", extra_body={"file_ids": [file.id]})
    [found] = client.get(f"/assistants/{assistant.id}/files", cast_to=JSON)["data"]
    assert found["id"] == file.id


def test_the_newer_api_of_azure_has_no_versions(assistants):
    """Under `/openai/v1` the resource speaks as OpenAI does."""
    client = openai.OpenAI(api_key="secret", base_url=f"{ENDPOINT}/openai/v1/")
    assert client.beta.threads.create().id.startswith("thread_")


def test_azure_never_had_retrieval(azure, assistants):
    """Azure/azure-sdk-for-js#30337."""
    client = azure(api_version=VERSIONS["v1"])
    tools = {"tools": [{"type": "retrieval"}]}
    create = client.beta.assistants.create
    with pytest.raises(openai.BadRequestError, match=r"Retrieval tools are not supported\."):
        ask(create, model="my-gpt4", extra_body=tools)
    assistant = ask(create, model="my-gpt4")
    thread = ask(client.beta.threads.create)
    with pytest.raises(openai.BadRequestError, match=r"Retrieval tools are not supported\."):
        ask(client.beta.threads.runs.create, thread_id=thread.id, assistant_id=assistant.id, extra_body=tools)
    assert assistants.runs == []


@pytest.mark.parametrize("path", ["/assistants", "/assistants/{a}", "/threads/{t}/runs", "/threads/runs"])
@pytest.mark.parametrize(
    ("tool", "message", "param", "code"),
    [
        (
            {"type": "retrieval"},
            (
                "Invalid value: 'retrieval'. Supported values are: 'code_interpreter', 'function', 'file_search', "
                "and 'openapi'."
            ),
            "tools[0].type",
            "invalid_value",
        ),
        (
            {"type": "function", "function": {"name": "f", "description": "d" * 1025}},
            (
                "Invalid 'tools[0].function.description': string too long. Expected a string with maximum length 1024, "
                "but got a string with length 1025 instead."
            ),
            "tools[0].function.description",
            "string_above_max_length",
        ),
    ],
    ids=["retrieval", "description"],
)
def test_tools_that_azure_refuses(assistants, path, tool, message, param, code):
    """CONTRACT §1.8: a fourth type of tools (LibreChat#4416), and descriptions of 1,024 characters at most."""
    client = assistants.azure_client(max_retries=0)
    ids = {"a": client.beta.assistants.create(model="my-gpt4").id, "t": client.beta.threads.create().id}
    body = {"model": "my-gpt4", "assistant_id": ids["a"], "tools": [tool]}
    if "runs" not in path:
        del body["assistant_id"]
    with pytest.raises(openai.BadRequestError) as raised:
        client.post(path.format_map(ids), body=body, cast_to=JSON)
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    assert raised.value.response.json() == {"error": error}


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_openai_takes_longer_descriptions(assistants, api):
    tool = {"type": "function", "function": {"name": "f", "description": "d" * 1025}}
    headers = {"OpenAI-Beta": f"assistants={api}"}
    made = assistants.client().beta.assistants.create(model="gpt-4-turbo", tools=[tool], extra_headers=headers)
    assert made.tools[0].function.description == tool["function"]["description"]


def test_openapi_is_a_tool_of_azures(assistants):
    """It comes back as it was sent; no model uses it, and OpenAI does not know it."""
    tool = {"type": "openapi", "openapi": {"name": "weather", "spec": {"openapi": "3.0.0"}}}
    body = {"model": "my-gpt4", "tools": [tool]}
    assert assistants.azure_client().post("/assistants", body=body, cast_to=JSON)["tools"] == [tool]
    with pytest.raises(openai.BadRequestError, match=r"'function', and 'file_search'\."):
        assistants.client().post("/assistants", body=body, cast_to=JSON, options=BETA)


@pytest.mark.parametrize("path", ["/assistants", "/threads"])
def test_the_code_interpreter_takes_many_files(assistants, path):
    """CONTRACT §8: 10,000 on Azure, 20 otherwise."""
    ids = [assistants.add_file(filename=f"{n}.csv", content=b"1").id for n in range(21)]
    body = {"tool_resources": {"code_interpreter": {"file_ids": ids}}}
    if path == "/assistants":
        body |= {"model": "my-gpt4", "tools": [{"type": "code_interpreter"}]}
    made = assistants.azure_client().post(path, body=body, cast_to=JSON)
    assert made["tool_resources"] == body["tool_resources"]
    with pytest.raises(openai.BadRequestError, match="maximum length 20, but got an array with length 21"):
        assistants.client().post(path, body=body, cast_to=JSON, options=BETA)


@pytest.mark.assistants(as_of="2024-06-01")
def test_a_deployment_may_have_any_name_in_v1(azure):
    """CONTRACT §1.8: `model` is the name of a deployment, which says nothing about the model behind it (§7.1)."""
    client = azure(api_version=VERSIONS["v1"])
    assistant = ask(client.beta.assistants.create, model="gpt-4o")
    assert ask(client.beta.assistants.update, assistant.id, model="gpt-4o-mini").model == "gpt-4o-mini"
    run = ask(client.beta.threads.create_and_run, assistant_id=assistant.id, model="gpt-4o")
    assert run.model == "gpt-4o"


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_refusals_of_the_service_itself_are_worded_as_openais(azure, assistants, api):
    """CONTRACT §7.2: ids, locks and the like have the common envelope."""
    client = azure(api_version=VERSIONS[api])
    with pytest.raises(openai.NotFoundError) as raised:
        ask(client.beta.threads.retrieve, "thread_abcdefghijklmnopqrstuvwx")
    assert list(raised.value.response.json()["error"]) == ["message", "type", "param", "code"]


def test_what_azures_gateway_says_of_content_types_is_not_known(azure, assistants):
    """So what OpenAI refuses for its type is judged by its body alone."""
    client = azure()
    typed = {"content-type": "text/plain"}
    assert ask(client.post, "/threads", cast_to=JSON, body={}, options={"headers": typed})["object"] == "thread"
    with pytest.raises(openai.BadRequestError, match="'file' is a required property"):
        ask(client.post, "/files", cast_to=JSON, body={})
