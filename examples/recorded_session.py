"""A real conversation of 2023, answered again from its recording: to a client of today, polled and streamed."""

from __future__ import annotations

from pathlib import Path

from openai import OpenAI

from harness import fake_assistants

CASSETTE = Path(__file__).resolve().parents[1] / "cassettes" / "math-tutor.yaml"
TUTOR = {
    "name": "Math Tutor",
    "instructions": "너는 개인 수학 교사야. 질문에 한 문장 이하로 짧게 답해줘",
    "model": "gpt-4-1106-preview",
}


def ask(client: OpenAI, question: str, *, streams: bool) -> str:
    """The tutor's answer, with the way it came."""
    assistant = client.beta.assistants.create(**TUTOR)
    thread = client.beta.threads.create()
    client.beta.threads.messages.create(thread.id, role="user", content=question)
    runs = client.beta.threads.runs
    if streams:
        events = [event.event for event in runs.create(thread.id, assistant_id=assistant.id, stream=True)]
        how = f"{len(events)} events, the last {events[-1]}"
    else:
        run = runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
        how = f"{run.id} {run.status}"
    newest = client.beta.threads.messages.list(thread.id).data[0]
    return f"{newest.content[0].text.value}   ({how})"


def main() -> None:
    for streams in (False, True):
        with fake_assistants() as assistants:
            assistants.replay(CASSETTE)
            print(ask(OpenAI(), "방정식 '3x + 11 = 14'를 풀어줘", streams=streams))


if __name__ == "__main__":
    main()
