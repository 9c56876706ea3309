"""A state machine of random clients, for Hypothesis: `AssistantsMachine`. Needs the extra `hypothesis`."""

from __future__ import annotations

# first: it says what to install where Hypothesis is missing
from harness.strategies import stories, texts

# isort: split
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import consumes, multiple, precondition, rule

from harness.machine.base import Answer, InThread, Machine
from harness.machine.watching import WatchedFake, watched
from harness.strategies.sending import upload
from harness.strategies.texts import sometimes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hypothesis.strategies import SearchStrategy

__all__ = ["Answer", "AssistantsMachine", "InThread", "Machine", "WatchedFake", "watched"]

NewId: TypeAlias = "Any"  # an id for a bundle, or `multiple()` for none

# Small strategies, as most of a machine's time goes into drawing.
CLIENTS = st.sampled_from(["client", "other"])
STORIES = stories(max_acts=3)
TOOLS = st.sampled_from([[], [{"type": "code_interpreter"}], [{"type": "file_search"}]])
ROLES = st.sampled_from(["user", "assistant"])
READERS = st.sampled_from(["code_interpreter", "file_search"])
NAMES = st.sampled_from(["notes.txt", "data.csv"])
EVENTS: SearchStrategy[int | None] = st.none() | st.integers(0, 12)
SECONDS = st.sampled_from([0.5, 1, 2, 5, 30, 601])
MAX_OBJECTS = 3  # of each kind at a time, so that clients often use the same one
# By name: the ids that a client submits outputs for, from those that the run requires.
OUTPUT_CHOICES: dict[str, Callable[[list[str]], list[str]]] = {
    "all": lambda asked: asked,
    "all but one": lambda asked: asked[1:],
    "one twice": lambda asked: [*asked, *asked[:1]],
    "another": lambda asked: ["call_another", *asked[1:]],
}
CHOICES = st.just("all") | st.sampled_from(sorted(OUTPUT_CHOICES))


class AssistantsMachine(Machine):
    """Random clients of one fake, and the invariants that hold whatever they do. Subclass it to add rules of your own.

    Its rules do what clients do: they create, poll, list, read parts of streams, submit right and wrong outputs,
    cancel, modify, delete and sleep; what the model does meanwhile is drawn from `harness.strategies.stories`. Your
    rules may use `self.assistants`, the bundles below, and clients of the SDK, also those that your code creates:

        class TestMyAgent(AssistantsMachine.TestCase): ...   # or, with your rules:

        class MyAgent(AssistantsMachine):
            @rule(story=stories(functions=["get_weather"]))
            def ask(self, story):
                self.assistants.next_run(*story)
                with suppress(my_app.NoAnswer):
                    assert my_app.ask("Weather in Oslo?")

        TestMyAgent = MyAgent.TestCase

    After every request, `harness.machine.invariants` checks the answer and all records. A failure shrinks to
    the shortest example, which Hypothesis prints together with a script that reproduces it with plain calls of the SDK;
    Hypothesis's own `@seed` and `@reproduce_failure` reproduce it, too.

    Attributes:
        options: the options of the fake.
        through_sdk: whether the machine's own requests use methods of the official SDK; by default they go straight to
            the service, which is faster.
        assistants: the fake. It intercepts all clients of this process, and sleep is virtual.
        assistant_ids, thread_ids, file_ids, runs, messages: bundles of ids; the last two hold `InThread`.

    >>> from hypothesis import settings
    >>> from hypothesis.stateful import run_state_machine_as_test
    >>> few = settings(max_examples=3, stateful_step_count=10, derandomize=True, database=None, deadline=None)
    >>> run_state_machine_as_test(AssistantsMachine, settings=few)
    """

    assistant_ids, thread_ids, file_ids = Machine.assistant_ids, Machine.thread_ids, Machine.file_ids
    runs, messages = Machine.runs, Machine.messages

    # --- assistants, threads, messages ------------------------------------------------------------------------

    @precondition(lambda self: len(self.assistants.world.store.assistants) < MAX_OBJECTS)
    @rule(target=assistant_ids, instructions=st.none() | texts(), tools=TOOLS, client=CLIENTS)
    def create_assistant(self, instructions: str | None, tools: list[Any], client: str) -> NewId:
        body = {"model": "gpt-4o", "instructions": instructions, "tools": tools}
        return _id(self.send("POST", "/assistants", body, client=client))

    @rule(assistant_id=assistant_ids, instructions=texts(), client=CLIENTS)
    def modify_assistant(self, assistant_id: str, instructions: str, client: str) -> None:
        body = {"instructions": instructions, "tools": [], "metadata": {"changed": "yes"}}
        self.send("POST", f"/assistants/{assistant_id}", body, client=client)

    @rule(assistant_id=consumes(assistant_ids), client=CLIENTS)
    def delete_assistant(self, assistant_id: str, client: str) -> None:
        self.send("DELETE", f"/assistants/{assistant_id}", client=client)
        self.send("GET", f"/assistants/{assistant_id}", client=client)

    @precondition(lambda self: len(self.assistants.threads) < MAX_OBJECTS)
    @rule(target=thread_ids, said=st.lists(texts(), max_size=3), client=CLIENTS)
    def create_thread(self, said: list[str], client: str) -> NewId:
        body = {"messages": [{"role": "user", "content": text} for text in said]}
        return _id(self.send("POST", "/threads", body, client=client))

    @rule(thread_id=thread_ids, key=texts(max_size=64), client=CLIENTS)
    def modify_thread(self, thread_id: str, key: str, client: str) -> None:
        self.send("POST", f"/threads/{thread_id}", {"metadata": {key: "value"}}, client=client)
        self.send("GET", f"/threads/{thread_id}", client=client)

    @rule(thread_id=consumes(thread_ids), client=CLIENTS)
    def delete_thread(self, thread_id: str, client: str) -> None:
        self.send("DELETE", f"/threads/{thread_id}", client=client)

    @rule(target=messages, thread_id=thread_ids, text=texts(), role=ROLES, client=CLIENTS)
    def post_message(self, thread_id: str, text: str, role: str, client: str) -> NewId:
        body = {"role": role, "content": text}
        return _in_thread(self.send("POST", f"/threads/{thread_id}/messages", body, client=client))

    @rule(target=messages, thread_id=thread_ids, file_id=file_ids, tool=READERS, client=CLIENTS)
    def post_file(self, thread_id: str, file_id: str, tool: str, client: str) -> NewId:
        attached = [{"file_id": file_id, "tools": [{"type": tool}]}]
        body = {"role": "user", "content": "Read this.", "attachments": attached}
        return _in_thread(self.send("POST", f"/threads/{thread_id}/messages", body, client=client))

    @rule(message=messages, key=texts(max_size=64), client=CLIENTS)
    def modify_message(self, message: InThread, key: str, client: str) -> None:
        path = f"/threads/{message.thread_id}/messages/{message.id}"
        self.send("POST", path, {"metadata": {key: "value"}}, client=client)
        self.send("GET", path, client=client)

    @rule(message=consumes(messages), client=CLIENTS)
    def delete_message(self, message: InThread, client: str) -> None:
        path = f"/threads/{message.thread_id}/messages/{message.id}"
        self.send("DELETE", path, client=client)
        self.send("GET", path, client=client)

    # --- runs -------------------------------------------------------------------------------------------------

    @rule(
        target=runs,
        thread_id=thread_ids,
        assistant_id=assistant_ids,
        story=STORIES,
        limit=sometimes(st.integers(1, 60)),
        client=CLIENTS,
    )
    def create_run(
        self, thread_id: str, assistant_id: str, story: tuple[Any, ...], limit: int | None, client: str
    ) -> NewId:
        self.assistants.every_run(*story)
        body = {"assistant_id": assistant_id, "max_completion_tokens": limit}
        return _in_thread(self.send("POST", f"/threads/{thread_id}/runs", body, client=client))

    @precondition(lambda self: len(self.assistants.threads) < 2 * MAX_OBJECTS)
    @rule(target=runs, assistant_id=assistant_ids, story=STORIES, text=texts(), client=CLIENTS)
    def create_thread_and_run(self, assistant_id: str, story: tuple[Any, ...], text: str, client: str) -> NewId:
        self.assistants.every_run(*story)
        body = {"assistant_id": assistant_id, "thread": {"messages": [{"role": "user", "content": text}]}}
        return _in_thread(self.send("POST", "/threads/runs", body, client=client))

    @rule(thread_id=thread_ids, assistant_id=assistant_ids, story=STORIES, events=EVENTS, client=CLIENTS)
    def stream_run(
        self, thread_id: str, assistant_id: str, story: tuple[Any, ...], events: int | None, client: str
    ) -> None:
        self.assistants.every_run(*story)
        body = {"assistant_id": assistant_id, "stream": True}
        _read_events(self.send("POST", f"/threads/{thread_id}/runs", body, client=client), events)

    @rule(run=runs, client=CLIENTS)
    def poll(self, run: InThread, client: str) -> None:
        self.send("GET", f"/threads/{run.thread_id}/runs/{run.id}", client=client)

    @rule(run=runs, submits=st.booleans(), client=CLIENTS)
    def follow(self, run: InThread, submits: bool, client: str) -> None:
        """Poll while something changes, perhaps submit the required outputs, and read the steps and messages."""
        path = f"/threads/{run.thread_id}/runs/{run.id}"
        before, shown = None, self.send("GET", path, client=client)
        while shown.status == 200 and shown.json != before:
            before = shown.json
            if submits and before["required_action"] is not None:
                self.send("POST", f"{path}/submit_tool_outputs", _outputs(before, "all"), client=client)
            shown = self.send("GET", path, client=client)
        self.send("GET", f"{path}/steps?limit=100", client=client)
        self.send("GET", f"/threads/{run.thread_id}/messages", client=client)

    @rule(run=runs, choice=CHOICES, client=CLIENTS)
    def submit(self, run: InThread, choice: str, client: str) -> None:
        """Submit outputs to a run that mostly requires none."""
        path = f"/threads/{run.thread_id}/runs/{run.id}/submit_tool_outputs"
        self.send("POST", path, _outputs({}, choice), client=client)

    @precondition(lambda self: any(run.required_action for run in self.assistants.runs))
    @rule(which=st.integers(0, MAX_OBJECTS), choice=CHOICES, events=st.just(0) | EVENTS, client=CLIENTS)
    def submit_what_is_asked(self, which: int, choice: str, events: int | None, client: str) -> None:
        """Submit right or wrong outputs to a run that requires some, and read so many events of the answer."""
        waiting = [run for run in self.assistants.runs if run.required_action]
        run = waiting[which % len(waiting)]
        path = f"/threads/{run.thread_id}/runs/{run.id}"
        shown = self.send("GET", path, client=client).json
        body = {**_outputs(shown, choice), **({} if events == 0 else {"stream": True})}
        _read_events(self.send("POST", f"{path}/submit_tool_outputs", body, client=client), events)

    @rule(run=runs, client=CLIENTS)
    def cancel(self, run: InThread, client: str) -> None:
        self.send("POST", f"/threads/{run.thread_id}/runs/{run.id}/cancel", client=client)

    @rule(run=runs, key=texts(max_size=64), client=CLIENTS)
    def modify_run(self, run: InThread, key: str, client: str) -> None:
        path = f"/threads/{run.thread_id}/runs/{run.id}"
        self.send("POST", path, {"metadata": {key: "value"}}, client=client)
        self.send("GET", path, client=client)

    @rule(run=runs, client=CLIENTS)
    def read_back(self, run: InThread, client: str) -> None:
        """Read a run, its steps and its messages twice, so that a run that has ended is seen to stay the same."""
        path = f"/threads/{run.thread_id}/runs/{run.id}"
        for _ in range(2):
            self.send("GET", path, client=client)
            self.send("GET", f"{path}/steps?limit=100&order=asc", client=client)
        self.send("GET", f"/threads/{run.thread_id}/messages?run_id={run.id}", client=client)

    # --- lists, and reads through the wrong thread --------------------------------------------------------------

    @rule(
        thread_id=thread_ids,
        what=st.sampled_from(["messages", "runs"]),
        limit=st.integers(1, 4),
        order=st.sampled_from(["desc", "asc"]),
        client=CLIENTS,
    )
    def page(self, thread_id: str, what: str, limit: int, order: str, client: str) -> None:
        """Read a list in small pages, and then in a large one."""
        path = f"/threads/{thread_id}/{what}?order={order}"
        self._pages(path, limit, client)
        self._pages(path, 100, client)

    @rule(
        what=st.sampled_from(["assistants", "files", "vector_stores"]),
        limit=st.integers(1, 4),
        order=st.sampled_from(["desc", "asc"]),
        client=CLIENTS,
    )
    def page_what_there_is(self, what: str, limit: int, order: str, client: str) -> None:
        path = f"/{what}?order={order}"
        self._pages(path, limit, client)
        self._pages(path, 100, client)

    def _pages(self, path: str, limit: int, client: str) -> None:
        answer = self.send("GET", f"{path}&limit={limit}", client=client)
        while answer.json.get("has_more"):
            answer = self.send("GET", f"{path}&limit={limit}&after={answer.json['last_id']}", client=client)

    @rule(thread_id=thread_ids, run=runs, client=CLIENTS)
    def look_for_a_run_elsewhere(self, thread_id: str, run: InThread, client: str) -> None:
        self.send("GET", f"/threads/{thread_id}/runs/{run.id}", client=client)
        self.send("GET", f"/threads/{thread_id}/runs/{run.id}/steps", client=client)

    @rule(thread_id=thread_ids, message=messages, client=CLIENTS)
    def look_for_a_message_elsewhere(self, thread_id: str, message: InThread, client: str) -> None:
        self.send("GET", f"/threads/{thread_id}/messages/{message.id}", client=client)

    # --- files ------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.assistants.world.store.files) < MAX_OBJECTS)
    @rule(target=file_ids, name=NAMES, content=st.binary(min_size=1, max_size=40), client=CLIENTS)
    def upload(self, name: str, content: bytes, client: str) -> NewId:
        return _id(self.send_request(upload(name, content, "assistants"), client=client))

    @rule(file_id=consumes(file_ids), client=CLIENTS)
    def delete_file(self, file_id: str, client: str) -> None:
        self.send("DELETE", f"/files/{file_id}", client=client)
        self.send("GET", f"/files/{file_id}", client=client)

    # --- time -------------------------------------------------------------------------------------------------

    @rule(seconds=SECONDS)
    def sleep(self, seconds: float) -> None:
        self.assistants.slept(seconds)

    @rule(seconds=SECONDS)
    def advance(self, seconds: float) -> None:
        self.assistants.advance(seconds)


def _id(answer: Answer) -> NewId:
    """The id of the created object, for a bundle; nothing if the request was refused."""
    return answer.json["id"] if answer.status == 200 else multiple()


def _in_thread(answer: Answer) -> NewId:
    return InThread(answer.json["thread_id"], answer.json["id"]) if answer.status == 200 else multiple()


def _read_events(answer: Answer, events: int | None) -> None:
    """Read so many events of a stream, or all, and close it."""
    if answer.status != 200 or answer.json is not None:
        return
    read = answer.stream.read if hasattr(answer.stream, "read") else partial(next, answer.stream, None)
    for _ in count() if events is None else range(events):
        if read() is None:
            break
    answer.stream.close()


def _outputs(run: Mapping[str, Any], choice: str) -> dict[str, Any]:
    """A body of outputs for a run; for one that requires none, the output of a call that is not its own."""
    action = run.get("required_action")
    asked = [call["id"] for call in action["submit_tool_outputs"]["tool_calls"]] if action else ["call_1"]
    return {"tool_outputs": [{"tool_call_id": call_id, "output": "4 °C"} for call_id in OUTPUT_CHOICES[choice](asked)]}
