"""The agent classes of the frameworks, each asked one question in the way of its own documentation.

Every agent has the same tools: `get_weather` and the code interpreter. The function that asks it is called here as its
framework is in `noxfile.py`, makes all objects anew, and returns the text that a user of the framework would show.
"""

# ruff: noqa: PLC0415 - of the frameworks, one is installed

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import openai

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

QUESTION = "Weather in Oslo?"
INSTRUCTIONS = "Be brief."
MODEL = "gpt-4o"
CODE = {"type": "code_interpreter"}


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"4 °C in {city}"


def langchain() -> str:
    from langchain.agents import AgentExecutor
    from langchain.agents.openai_assistant import OpenAIAssistantRunnable
    from langchain_core.tools import tool

    tools = [tool(get_weather)]
    agent = OpenAIAssistantRunnable.create_assistant(
        name="Weather", instructions=INSTRUCTIONS, tools=[*tools, CODE], model=MODEL, as_agent=True
    )
    return str(AgentExecutor(agent=agent, tools=tools).invoke({"content": QUESTION})["output"])


async def autogen() -> str:
    from autogen_agentchat.messages import TextMessage
    from autogen_core import CancellationToken
    from autogen_core.tools import FunctionTool
    from autogen_ext.agents.openai import OpenAIAssistantAgent

    async with openai.AsyncOpenAI() as client:
        agent = OpenAIAssistantAgent(
            name="weather",
            description="Knows the weather.",
            client=client,
            model=MODEL,
            instructions=INSTRUCTIONS,
            tools=[FunctionTool(get_weather, description="The weather in a city."), "code_interpreter"],
        )
        question = TextMessage(source="user", content=QUESTION)
        answer = await agent.on_messages([question], CancellationToken())
        return str(answer.chat_message.content)


async def semantic_kernel() -> str:
    from semantic_kernel.agents import OpenAIAssistantAgent
    from semantic_kernel.functions import kernel_function

    class Weather:
        @kernel_function(description="The weather in a city.")
        def get_weather(self, city: str) -> str:
            return get_weather(city)

    async with openai.AsyncOpenAI() as client:
        definition = await client.beta.assistants.create(
            model=MODEL, name="Weather", instructions=INSTRUCTIONS, tools=[CODE]
        )
        agent = OpenAIAssistantAgent(client=client, definition=definition, plugins=[Weather()])
        return str((await agent.get_response(messages=QUESTION)).content)


def llama_index() -> str:
    from llama_index.agent.openai import OpenAIAssistantAgent
    from llama_index.core.tools import FunctionTool

    agent = OpenAIAssistantAgent.from_new(
        name="Weather",
        instructions=INSTRUCTIONS,
        openai_tools=[CODE],
        tools=[FunctionTool.from_defaults(fn=get_weather)],
        model=MODEL,
    )
    return str(agent.chat(QUESTION))


def agency_swarm() -> str:
    from agency_swarm import Agency, Agent, BaseTool, set_openai_client
    from agency_swarm.tools import CodeInterpreter
    from pydantic import Field

    class GetWeather(BaseTool):
        """The weather in a city."""

        city: str = Field(..., description="Its name.")

        def run(self) -> str:
            return get_weather(self.city)

    set_openai_client(openai.OpenAI())
    agent = Agent(name="Weather", instructions=INSTRUCTIONS, tools=[GetWeather, CodeInterpreter])
    with tempfile.TemporaryDirectory() as folder:  # where it notes the assistants that it has made
        agency = Agency([agent], settings_path=str(Path(folder) / "settings.json"))
        return str(agency.get_completion(QUESTION))


@dataclass(frozen=True)
class Framework:
    """One framework: what asks its agent, the class that is public, and what brings it.

    Attributes:
        distributions: the packages whose versions matter, the first is the framework's own.
        function: the name under which the model sees `get_weather`.
    """

    ask: Callable[[], str | Awaitable[str]]
    title: str
    module: str
    distributions: tuple[str, ...]
    function: str = "get_weather"

    @property
    def name(self) -> str:
        return self.ask.__name__

    @property
    def is_installed(self) -> bool:
        """Whether this environment has it."""
        try:
            return find_spec(self.module) is not None
        except ModuleNotFoundError:
            return False

    @property
    def versions(self) -> str:
        return ", ".join(f"{name} {version(name)}" for name in (*self.distributions, "openai"))


FRAMEWORKS = {
    framework.name: framework
    for framework in (
        Framework(
            semantic_kernel,
            "Semantic Kernel, `OpenAIAssistantAgent`",
            "semantic_kernel.agents",
            ("semantic-kernel",),
            "Weather-get_weather",
        ),
        Framework(
            langchain,
            "LangChain, `OpenAIAssistantRunnable` in an `AgentExecutor`",
            "langchain.agents.openai_assistant",
            ("langchain",),
        ),
        Framework(
            autogen,
            "AutoGen, `OpenAIAssistantAgent`",
            "autogen_ext.agents.openai",
            ("autogen-ext", "autogen-agentchat"),
        ),
        Framework(
            llama_index,
            "LlamaIndex, `OpenAIAssistantAgent`",
            "llama_index.agent.openai",
            ("llama-index-agent-openai", "llama-index-core"),
        ),
        Framework(agency_swarm, "Agency Swarm, `Agency`", "agency_swarm", ("agency-swarm",), "GetWeather"),
    )
}
