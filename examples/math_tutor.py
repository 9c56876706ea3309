"""수학 선생님: 여러 학생의 질문을 동시에 받고, 계산은 코드로 확인합니다."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from openai import OpenAI

from harness import fake_assistants, run_code, say

if TYPE_CHECKING:
    from openai.types.beta.threads import Run


class MathTutor:
    """질문마다 스레드를 하나씩 만드는 과외 선생님."""

    def __init__(self, client: OpenAI) -> None:
        self.client = client
        self.assistant = client.beta.assistants.create(
            model="gpt-4o",
            name="수학 선생님",
            instructions="한국어로 짧게 답하고, 계산은 코드로 확인하세요.",
            tools=[{"type": "code_interpreter"}],
        )

    def answer_all(self, questions: list[str]) -> list[str]:
        """먼저 모든 실행을 시작하고, 그다음 하나씩 기다립니다."""
        runs = [
            self.client.beta.threads.create_and_run(
                assistant_id=self.assistant.id, thread={"messages": [{"role": "user", "content": question}]}
            )
            for question in questions
        ]
        return [self._answer(run) for run in runs]

    def _answer(self, run: Run) -> str:
        while run.status in ("queued", "in_progress"):
            time.sleep(0.5)
            run = self.client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
        if run.status != "completed":
            return f"답을 받지 못했습니다 ({run.status})."
        messages = self.client.beta.threads.messages.list(run.thread_id, run_id=run.id)
        return messages.data[0].content[0].text.value + self._code_of(run)

    def _code_of(self, run: Run) -> str:
        steps = self.client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id, order="asc")
        calls = [call for step in steps if step.type == "tool_calls" for call in step.step_details.tool_calls]
        return "".join(f"  [코드: {call.code_interpreter.input}]" for call in calls)


def main() -> None:
    with fake_assistants() as assistants:
        assistants.when(message="3x + 11 = 14").run(say("x = 1입니다."))
        assistants.when(message="피보나치").run(
            run_code("[fibonacci(n) for n in range(6)]", logs="[0, 1, 1, 2, 3, 5]"), say("0, 1, 1, 2, 3, 5입니다.")
        )
        questions = [
            "방정식 3x + 11 = 14를 풀어 주세요.",
            "피보나치 수 여섯 개를 알려 주세요.",
            "수학이 왜 재미있나요?",
        ]
        assistants.every_run(say("답이 맞는지 스스로 확인할 수 있으니까요."))

        tutor = MathTutor(OpenAI())
        for question, answer in zip(questions, tutor.answer_all(questions), strict=True):
            print(f"학생:   {question}")
            print(f"선생님: {answer}")


if __name__ == "__main__":
    main()
