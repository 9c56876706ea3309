"""An agent on Azure OpenAI: uploads a file, asks about it, and fetches an image that an earlier run drew."""

from __future__ import annotations

from pathlib import Path

from openai import AzureOpenAI

from harness import fake_assistants, run_code, say

FIXTURES = Path(__file__).parent.parent / "fixtures"


def ask_about(client: AzureOpenAI, path: Path, question: str, *, deployment: str) -> str:
    """Ask a model deployment about a file; only this thread has the file."""
    with path.open("rb") as stream:
        file = client.files.create(file=stream, purpose="assistants")
    assistant = client.beta.assistants.create(model=deployment, tools=[{"type": "code_interpreter"}])
    run = client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id,
        thread={
            "messages": [{"role": "user", "content": question}],
            "tool_resources": {"code_interpreter": {"file_ids": [file.id]}},
        },
    )
    if run.status != "completed":
        raise RuntimeError(f"No answer: {run.status}")
    return client.beta.threads.messages.list(run.thread_id, run_id=run.id).data[0].content[0].text.value


def download(client: AzureOpenAI, file_id: str) -> bytes:
    """The bytes of a file that the code interpreter made."""
    return client.files.content(file_id).read()


def main() -> None:
    with fake_assistants() as assistants:
        assistants.next_run(run_code("len(rows)", logs="24"), say("It has 24 sales."))
        chart = assistants.add_file(FIXTURES / "chart.png", id="assistant-chart2022", purpose="assistants_output")
        client = AzureOpenAI(
            azure_endpoint="https://contoso.openai.azure.com",
            api_version="2024-05-01-preview",
            api_key="none is needed",
        )
        question = "How many sales does the file have?"
        print(f"user:      {question}")
        answer = ask_about(client, FIXTURES / "sales_2022.csv", question, deployment="our-gpt-4o")
        print(f"assistant: {answer}")
        print(f"{chart.id}: {len(download(client, chart.id))} bytes, {download(client, chart.id)[1:4].decode()}")


if __name__ == "__main__":
    main()
