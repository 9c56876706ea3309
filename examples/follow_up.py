"""A conversation with a second turn, and what a customer reads when a turn ends badly."""

from __future__ import annotations

from openai import OpenAI

from harness import call, cancel, fail, fake_assistants, hang, say, truncate

APOLOGIES = {
    "failed": "Something went wrong, please try again.",
    "expired": "This took too long, please try again.",
    "cancelled": "This question was cancelled.",
    "incomplete": "The answer grew too long, please ask for less.",
    "requires_action": "I cannot look that up here.",
}


class Conversation:
    """A chat of one customer with one assistant."""

    def __init__(self, client: OpenAI, assistant_id: str) -> None:
        self.threads = client.beta.threads
        self.assistant_id = assistant_id
        self.thread_id = self.threads.create().id

    def ask(self, question: str) -> str:
        """The answer, or an apology that suits what happened."""
        asked = self.threads.messages.create(self.thread_id, role="user", content=question)
        run = self.threads.runs.create_and_poll(thread_id=self.thread_id, assistant_id=self.assistant_id)
        if run.status == "requires_action":
            # the thread is locked until the run is over, and `cancelling` is not over yet
            self.threads.runs.cancel(run.id, thread_id=self.thread_id)
            self.threads.runs.poll(run.id, thread_id=self.thread_id)
        if run.status != "completed":
            return APOLOGIES[run.status]
        answers = self.threads.messages.list(self.thread_id, order="asc", after=asked.id)
        return "\n".join(answer.content[0].text.value for answer in answers)


def main() -> None:
    with fake_assistants() as assistants:
        tutor = assistants.add_assistant(name="Tutor", instructions="Be brief.")
        client = OpenAI()

        assistants.next_run(say("Subtract 11, divide by 3: x = 1."))
        assistants.next_run(say("Try 6x - 10 = 20. Add 10, divide by 6: x = 5."))
        conversation = Conversation(client, tutor.id)
        for question in ("Solve 3x + 11 = 14.", "Thanks! Another one like it?"):
            print(f"customer:  {question}")
            print(f"assistant: {conversation.ask(question)}")

        print("\nHow else it can end:")
        endings = {
            "failed": [fail()],
            "expired": [hang()],
            "cancelled": [cancel()],
            "incomplete": [say("To begin with,"), truncate()],
            "requires_action": [call("look_up", topic="equations")],
        }
        for status, acts in endings.items():
            assistants.next_run(*acts)
            answer = Conversation(client, tutor.id).ask("Solve 3x + 11 = 14.")
            print(f"{status:16} {answer}")


if __name__ == "__main__":
    main()
