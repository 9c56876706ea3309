"""A day in the life of a fake: conversations of many kinds, held by a real client, for the tests of its reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import FakeAssistants, call, calls, fail, hang, refuse, run_code, say, search, truncate
from harness.recording.exchanges import RecordedExchange

if TYPE_CHECKING:
    import openai

FIXTURES = Path(__file__).parents[2] / "fixtures"
CHART = (FIXTURES / "chart.png").read_bytes()
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "현재 날씨",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Talk:
    """One client of a fake, and its assistant."""

    def __init__(self, fake: FakeAssistants, **fields: Any) -> None:
        self.fake = fake
        self.client: openai.OpenAI = fake.client()
        self.api = self.client.beta.threads
        given = {"model": "gpt-4o", "instructions": "Be brief.", **fields}
        self.assistant = self.client.beta.assistants.create(**given)

    def thread(self, **fields: Any) -> str:
        return self.api.create(**fields).id

    def ask(self, thread: str, text: str, *acts: Any, outputs: dict[str, str] | None = None, **message: Any) -> Any:
        """A question and a run to its end; `outputs` are those of the functions, by their arguments."""
        self.api.messages.create(thread, role="user", content=text, **message)
        self.fake.next_run(*acts)
        run = self.api.runs.create_and_poll(thread_id=thread, assistant_id=self.assistant.id)
        while run.status == "requires_action" and outputs is not None:
            asked = run.required_action.submit_tool_outputs.tool_calls
            given = [{"tool_call_id": one.id, "output": outputs[one.function.arguments]} for one in asked]
            run = self.api.runs.submit_tool_outputs_and_poll(run_id=run.id, thread_id=thread, tool_outputs=given)
        return run


def recorded(fake: FakeAssistants) -> list[RecordedExchange]:
    """What was asked and answered so far, as a recorder would have written it down."""
    return [
        RecordedExchange(exchange.request, exchange.response, exchange.at, f"exchange {place}")
        for place, exchange in enumerate(fake.requests)
    ]


def weather(talk: Talk) -> str:
    """A Korean conversation with two functions called at once, and a question that was declined."""
    thread = talk.thread(metadata={"사용자": "민준"})
    asked = calls(call("get_weather", city="서울"), call("get_weather", city="부산"))
    outputs = {
        '{"city":"서울"}': '{"temperature": -3, "sky": "맑음", "wind": {"speed": 2.4, "from": "북서"}}',
        '{"city":"부산"}': '{"temperature": 6, "sky": "구름 조금"}',
    }
    answer = (
        "서울은 영하 3도로 맑고, 부산은 영상 6도에 구름이 조금 있습니다.\n"
        "외출하실 때 따뜻하게 입으세요. 바람이 불면 더 춥게 느껴질 수 있습니다."
    )
    talk.ask(
        thread, "오늘 서울과 부산의 날씨를 알려 주세요. 어느 쪽이 더 따뜻한가요?", asked, say(answer), outputs=outputs
    )
    talk.ask(thread, "내일 복권 당첨 번호도 알려 주세요.", refuse("죄송하지만 그 요청은 도와드릴 수 없습니다."))
    return thread


def analysis(talk: Talk) -> str:
    """A file, code that draws, and a link to what it wrote."""
    with (FIXTURES / "sales_2023.csv").open("rb") as data:
        file = talk.client.files.create(file=data, purpose="assistants")
    thread = talk.thread()
    code = (
        'import pandas as pd\n\nsales = pd.read_csv("/mnt/data/sales_2023.csv")\n'
        'print(sales.groupby("region").sum())\nsales.plot()'
    )
    drawn = run_code(
        code,
        logs="region  units\nEast      412\nWest      387",
        images=[CHART],
        files={"totals.csv": "region,units\nEast,412\n"},
    )
    answer = say("East leads with 412 units; here is the chart. The totals: [totals.csv](sandbox:/mnt/data/totals.csv)")
    talk.ask(
        thread,
        "Which region sold the most in 2023? Draw it, please.",
        drawn,
        answer,
        attachments=[{"file_id": file.id, "tools": [{"type": "code_interpreter"}]}],
    )
    return thread


def reading(talk: Talk) -> str:
    """A search with citations."""
    with (FIXTURES / "brief_ko.txt").open("rb") as text:
        file = talk.client.files.create(file=text, purpose="assistants")
    store = talk.client.vector_stores.create(name="Handbooks", file_ids=[file.id])
    thread = talk.thread(tool_resources={"file_search": {"vector_store_ids": [store.id]}})
    found = {
        "file_id": file.id,
        "file_name": "brief_ko.txt",
        "score": 0.87,
        "content": [{"type": "text", "text": "휴가는 최소 2주 전에 신청해야 합니다. 승인은 팀장이 합니다."}],
    }
    talk.ask(
        thread,
        "How early do I have to ask for leave?",
        search(results=[found]),
        say(
            "Two weeks in advance 【4:0†brief_ko.txt】, and your team lead approves it.",
            citations={"【4:0†brief_ko.txt】": file.id},
        ),
    )
    return thread


def endings(talk: Talk) -> str:
    """One run that failed, one that was cut off, one that nobody answered, one that was cancelled."""
    thread = talk.thread()
    talk.ask(thread, "Summarise the attached report.", fail("rate_limit_exceeded"))
    talk.ask(
        thread, "Then write me a long poem.", say("Roses are red,\nviolets are"), truncate("max_completion_tokens")
    )
    talk.ask(thread, "Is anybody there?", hang())
    run = talk.ask(thread, "What is the weather?", call("get_weather", city="Oslo"))
    with pytest.raises(Exception, match="while a run"):
        talk.api.messages.create(thread, role="user", content="Hurry up!")
    talk.api.runs.cancel(run.id, thread_id=thread)
    talk.api.runs.poll(run.id, thread_id=thread)
    return thread


def day(fake: FakeAssistants) -> Talk:
    """All of them, and a call that still waits for its output."""
    tools: list[Any] = [WEATHER, {"type": "code_interpreter"}, {"type": "file_search"}]
    talk = Talk(fake, name="날씨 도우미", instructions="Be brief. 한국어로 물으면 한국어로 답하세요.", tools=tools)
    for each in (weather, analysis, reading, endings):
        each(talk)
    talk.ask(talk.thread(), "And in Bergen?", call("get_weather", city="Bergen"))
    return talk
