"""Azure OpenAI, through its own clients: URLs, versions, keys, ids, refusals (CONTRACT §1.8, §7.2)."""

from __future__ import annotations

import asyncio
import inspect

import openai
import pytest

from harness import call, say

ENDPOINT = "https://contoso.openai.azure.com"
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
    ask(azure().beta.threads.create)
    headers = assistants.requests[0].response.headers
    assert {"apim-request-id", "x-ms-region"} <= headers.keys()
    assert "openai-organization" not in headers


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
        ask(azure().get, "/threads", cast_to=object)
    assert raised.value.response.json() == {"error": {"code": "404", "message": "Resource not found"}}


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


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_refusals_of_the_service_itself_are_worded_as_openais(azure, assistants, api):
    """CONTRACT §7.2: ids, locks and the like have the common envelope."""
    client = azure(api_version=VERSIONS[api])
    with pytest.raises(openai.NotFoundError) as raised:
        ask(client.beta.threads.retrieve, "thread_abcdefghijklmnopqrstuvwx")
    assert list(raised.value.response.json()["error"]) == ["message", "type", "param", "code"]
