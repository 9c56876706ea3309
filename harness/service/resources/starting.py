"""The requests that let a run proceed: creating it, alone or with its thread, and submitting outputs (CONTRACT §1.4).

Each answers with the run, or with its events if the client asked for a stream.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from harness.service import conflicts, errors
from harness.service.context import PATH_IDS
from harness.service.lifecycle import RUN, find
from harness.service.records import Run
from harness.service.resources import compatibility, messages, models, runs, streams, threads, tools, vector_stores

if TYPE_CHECKING:
    from harness.service.context import Call
    from harness.service.http import Response
    from harness.service.records import Assistant, Message, Thread

# Fields of a run that come from its assistant unless the body has them.
INHERITED = ("model", "temperature", "top_p", "reasoning_effort", "response_format")
MAX_OUTPUT = 512 << 10  # bytes of all tool outputs together
TRUNCATION = {"type": "auto", "last_messages": None}


def create(call: Call) -> dict[str, Any] | Response:
    assistant = _assistant(call)
    thread = call.thread
    added = messages.build_all(call, thread, call.body.additional_messages or (), "additional_messages")
    if (active := thread.active_run) is not None:
        raise conflicts.thread_has_active_run(thread.id, active.id)
    run = _build(call, thread, assistant, added)
    return _start(call, thread, run, added)


def create_with_thread(call: Call) -> dict[str, Any] | Response:
    """Create a thread and a run on it: if the run is refused, no thread and no vector store remains."""
    assistant = _assistant(call)
    with vector_stores.all_or_nothing(call):
        of_run = getattr(call.body, "tool_resources", None)
        thread = threads.build(call, call.body.thread or _NO_THREAD, "thread.", of_run)
        run = _build(call, thread, assistant, [])
    return _start(call, thread, run, [])


class _NoThread:
    """The value of a `thread` that a body leaves out: an empty thread."""

    messages = metadata = tool_resources = None


_NO_THREAD = _NoThread()


def _assistant(call: Call) -> Assistant:
    """The assistant that the body names. Ids and models are checked before any state (CONTRACT §7)."""
    named = call.body.assistant_id
    call.check_id("assistant_id", named, PATH_IDS["assistant_id"].prefix)
    assistant: Assistant = call.lookup("assistant_id", named)
    models.check(call, call.body.model)
    return assistant


def _build(call: Call, thread: Thread, assistant: Assistant, added: list[Message]) -> Run:
    """The run that the body and the assistant describe, not stored yet; refused if there is nothing to run on."""
    body = vars(call.body)  # not every field exists in both versions, and for a run that is created with its thread
    inherited: dict[str, Any] = {}
    for name in INHERITED:
        own = body.get(name)
        inherited[name] = getattr(assistant, name) if own is None else tools.as_json(own)
    for name in ("temperature", "top_p"):
        inherited[name] = float(inherited[name])
    instructions = assistant.instructions if body["instructions"] is None else body["instructions"]
    extra = body.get("additional_instructions")
    if extra:
        instructions = f"{instructions}\n{extra}" if instructions else extra
    given = instructions or any(message.role == "user" for message in chain(reversed(thread.messages), added))
    if call.api == "v2" and not given:
        raise conflicts.nothing_to_run_on()
    wanted = assistant.tools if body["tools"] is None else tools.checked_tools(call, body["tools"])
    compatibility.check_format(call, inherited["response_format"], wanted)
    sampling_set = [
        name
        for name in compatibility.SAMPLING_PARAMETERS
        if name in assistant.sampling_set or body.get(name) is not None
    ]
    compatibility.check_model(call, inherited["model"], inherited["reasoning_effort"], sampling_set)
    chosen, truncation, parallel = body["tool_choice"], body["truncation_strategy"], body.get("parallel_tool_calls")
    return Run(
        id=call.store.ids.make("run_"),
        thread_id=thread.id,
        assistant_id=assistant.id,
        instructions=instructions,
        tools=[tools.in_version(call, tool) for tool in wanted],
        api=call.api,
        azure=call.azure,
        file_ids=list(assistant.file_ids),
        include=call.query.include,
        metadata=body["metadata"] or {},
        max_completion_tokens=body["max_completion_tokens"],
        max_prompt_tokens=body["max_prompt_tokens"],
        truncation_strategy={**TRUNCATION, **({} if truncation is None else tools.as_json(truncation))},
        tool_choice="auto" if chosen is None else tools.as_json(chosen),
        parallel_tool_calls=True if parallel is None else parallel,
        **inherited,
    )


def _start(call: Call, thread: Thread, run: Run, added: list[Message]) -> dict[str, Any] | Response:
    """Store and start the run. Nothing is refused here: refusals come before a stream begins (CONTRACT §5)."""
    new_thread = thread.id not in call.store.threads
    if new_thread:
        call.store.threads.add(thread)
    messages.add_all(call, thread, added)
    messages.share_files(call, thread, run)
    run.playback = call.world.director.assign(run.id, partial(call.world.engine.view, run))
    thread.runs.add(run)
    feed = streams.open_feed(call, run) if call.body.stream else None
    if feed is not None and new_thread:
        feed.emit(thread, "created")
    call.world.engine.create(run)
    return runs.reply(call, run) if feed is None else streams.response(call, feed)


def submit_tool_outputs(call: Call) -> dict[str, Any] | Response:
    """Submit all outputs in one request; the run's status is checked before the call ids (CONTRACT §3.7)."""
    run = call.run
    if sum(len((output.output or "").encode()) for output in call.body.tool_outputs) >= MAX_OUTPUT:
        raise errors.outputs_too_large()
    call.world.watch.before_change(run)
    if run.required_action is None or find(RUN, run.status, "submit_tool_outputs") is None:
        raise conflicts.outputs_not_accepted(run.status)
    expected = [item["id"] for item in run.required_action["submit_tool_outputs"]["tool_calls"]]
    got = [output.tool_call_id for output in call.body.tool_outputs]
    if sorted(expected) != sorted(str(item) for item in got):
        raise conflicts.outputs_do_not_match(expected, got)
    outputs = {output.tool_call_id: output.output for output in call.body.tool_outputs}
    feed = streams.open_feed(call, run) if call.body.stream else None
    call.world.engine.submit(run, outputs)
    return runs.reply(call, run) if feed is None else streams.response(call, feed)
