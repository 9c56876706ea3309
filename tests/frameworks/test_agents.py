"""The agent classes of the frameworks, as they are published, talk to the fake.

`nox -s frameworks` installs each in an environment of its own; elsewhere these tests skip.
"""

from __future__ import annotations

import asyncio

import openai
import pytest

from harness import call, hang, say

# What these libraries warn about is theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"4 °C in {city}"


def submitted(assistants) -> list[str]:
    """The outputs that the framework submitted."""
    bodies = [exchange.json for exchange in assistants.requests if exchange.path.endswith("/submit_tool_outputs")]
    return [output["output"] for body in bodies for output in body["tool_outputs"]]


def test_langchain(assistants):
    base = pytest.importorskip("langchain.agents.openai_assistant", reason="langchain is not installed here")
    agents = pytest.importorskip("langchain.agents")
    tools = pytest.importorskip("langchain_core.tools")
    assistants.next_run(call("get_weather", city="Oslo"), say("Cold."))
    weather = tools.tool(get_weather)
    agent = base.OpenAIAssistantRunnable.create_assistant(
        name="Weather", instructions="Be brief.", tools=[weather], model="gpt-4o", as_agent=True
    )
    answer = agents.AgentExecutor(agent=agent, tools=[weather]).invoke({"content": "Weather in Oslo?"})
    assert (answer["output"], submitted(assistants)) == ("Cold.", ["4 °C in Oslo"])


def test_langchain_meets_a_run_that_never_ends(assistants):
    base = pytest.importorskip("langchain.agents.openai_assistant", reason="langchain is not installed here")
    assistants.next_run(hang())
    runnable = base.OpenAIAssistantRunnable.create_assistant(
        name="Math", instructions="Be brief.", tools=[], model="gpt-4o"
    )
    with pytest.raises(ValueError, match="Unexpected run status: expired"):
        runnable.invoke({"content": "Hello?"})


def test_autogen(assistants):
    agents = pytest.importorskip("autogen_ext.agents.openai", reason="autogen is not installed here")
    core = pytest.importorskip("autogen_core")
    tools = pytest.importorskip("autogen_core.tools")
    messages = pytest.importorskip("autogen_agentchat.messages")
    assistants.next_run(call("get_weather", city="Oslo"), say("Cold."))

    async def ask() -> str:
        async with openai.AsyncOpenAI() as client:
            agent = agents.OpenAIAssistantAgent(
                name="weather",
                description="Knows the weather.",
                client=client,
                model="gpt-4o",
                instructions="Be brief.",
                tools=[tools.FunctionTool(get_weather, description="The weather in a city.")],
            )
            question = messages.TextMessage(source="user", content="Weather in Oslo?")
            answer = await agent.on_messages([question], core.CancellationToken())
            return answer.chat_message.content

    assert (asyncio.run(ask()), submitted(assistants)) == ("Cold.", ["4 °C in Oslo"])


def test_semantic_kernel(assistants):
    agents = pytest.importorskip("semantic_kernel.agents", reason="semantic-kernel is not installed here")
    functions = pytest.importorskip("semantic_kernel.functions")

    class Weather:
        @functions.kernel_function(description="The weather in a city.")
        def get_weather(self, city: str) -> str:
            return get_weather(city)

    assistants.next_run(call("Weather-get_weather", city="Oslo"), say("Cold."))

    async def ask() -> str:
        async with openai.AsyncOpenAI() as client:
            definition = await client.beta.assistants.create(model="gpt-4o", name="Weather", instructions="Be brief.")
            agent = agents.OpenAIAssistantAgent(client=client, definition=definition, plugins=[Weather()])
            return str((await agent.get_response(messages="Weather in Oslo?")).content)

    assert (asyncio.run(ask()), submitted(assistants)) == ("Cold.", ["4 °C in Oslo"])


def test_llama_index(assistants):
    agents = pytest.importorskip("llama_index.agent.openai", reason="llama-index is not installed here")
    tools = pytest.importorskip("llama_index.core.tools")
    assistants.next_run(call("get_weather", city="Oslo"), say("Cold."))
    agent = agents.OpenAIAssistantAgent.from_new(
        name="Weather",
        instructions="Be brief.",
        openai_tools=[],
        tools=[tools.FunctionTool.from_defaults(fn=get_weather)],
        model="gpt-4o",
    )
    assert str(agent.chat("Weather in Oslo?")) == "Cold."
    assert submitted(assistants) == ["4 °C in Oslo"]
