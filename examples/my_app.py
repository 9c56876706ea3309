"""The application of the README's first test: an agent with one tool, written without a thought of testing."""

from __future__ import annotations

import json

from openai import OpenAI

client = OpenAI()

GET_WEATHER = {
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def get_weather(city: str) -> str:
    return f"{city}: 4 °C, rain"  # a product would ask a weather service


def ask(question: str) -> str:
    assistant = client.beta.assistants.create(model="gpt-4o", tools=[{"type": "function", "function": GET_WEATHER}])
    run = client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": question}]}
    )
    while run.status == "requires_action":
        outputs = [
            {"tool_call_id": item.id, "output": get_weather(**json.loads(item.function.arguments))}
            for item in run.required_action.submit_tool_outputs.tool_calls
        ]
        run = client.beta.threads.runs.submit_tool_outputs_and_poll(
            run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs
        )
    return client.beta.threads.messages.list(run.thread_id).data[0].content[0].text.value
