"""Runs: the object and its endpoints (CONTRACT §1.4, §2.4). What happens in a run is the engine's affair."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from harness.service import errors, explain
from harness.service.context import listing
from harness.service.lifecycle import RUN, find
from harness.service.records import Run
from harness.service.resources import messages, threads, tools
from harness.service.script import Playback, Script

if TYPE_CHECKING:
    from harness.service.context import Call
    from harness.service.records import Assistant, Thread, Usage

# Fields of a run that its own body overrides and its assistant otherwise gives.
INHERITED = ("model", "temperature", "top_p", "reasoning_effort", "response_format")
TRUNCATION = {"type": "auto", "last_messages": None}


def wire(call: Call, run: Run) -> dict[str, Any]:
    """The keys and values of a run's object; `tool_resources` is `{}` outside streams (CONTRACT §2.4)."""
    shown = call.world.shapes.show(
        "thread.run",
        call.api,
        run,
        {
            "object": "thread.run",
            "tools": tools.echo(call, run.tools),
            "tool_resources": {},
            "incomplete_details": None if run.incomplete_reason is None else {"reason": run.incomplete_reason},
            "usage": usage(call, run.usage),
        },
    )
    if run.required_action is not None and "required_action" not in shown:
        # until early 2024 the key was there only while there was something to do (CONTRACT §2.4)
        keys = list(shown)
        keys.insert(keys.index("last_error"), "required_action")
        return {key: run.required_action if key == "required_action" else shown[key] for key in keys}
    return shown


def usage(call: Call, spent: Usage | None) -> dict[str, Any] | None:
    if spent is None:
        return None
    return call.world.shapes.project(
        "usage",
        call.api,
        {
            "prompt_tokens": spent.prompt,
            "completion_tokens": spent.completion,
            "total_tokens": spent.prompt + spent.completion,
            "prompt_token_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    )


def create(call: Call) -> dict[str, Any]:
    assistant = _assistant(call)
    thread = call.thread
    if (active := thread.active_run) is not None:
        raise errors.thread_has_active_run(thread.id, active.id)
    added = messages.build_all(call, thread, getattr(call.body, "additional_messages", None) or ())
    run = _build(call, thread, assistant, added)
    return _start(call, thread, run, added)


def create_with_thread(call: Call) -> dict[str, Any]:
    """Thread and run in one: when the run is refused, no thread is left behind."""
    assistant = _assistant(call)
    thread = threads.build(call, call.body.thread or _NO_THREAD)
    if "tool_resources" in call.body.model_fields_set:
        thread.tool_resources = tools.resources(call, call.body.tool_resources)
    run = _build(call, thread, assistant, [])
    return _start(call, thread, run, [])


class _NoThread:
    """Stands for the `thread` that a body leaves out: an empty one."""

    messages = metadata = tool_resources = None


_NO_THREAD = _NoThread()


def _assistant(call: Call) -> Assistant:
    assistant: Assistant = call.reach("assistant_id", call.body.assistant_id)
    return assistant


def _build(call: Call, thread: Thread, assistant: Assistant, added: list[Any]) -> Run:
    """The run as body and assistant describe it, refused if there is nothing to run on; nothing is stored yet."""
    body = call.body
    own = {name: tools.plain(getattr(body, name)) for name in body.model_fields_set.intersection(INHERITED)}
    inherited = {name: getattr(assistant, name) if own.get(name) is None else own[name] for name in INHERITED}
    for name in ("temperature", "top_p"):
        inherited[name] = float(inherited[name])
    instructions = assistant.instructions if body.instructions is None else body.instructions
    extra = getattr(body, "additional_instructions", None)
    if extra:
        instructions = f"{instructions}\n{extra}" if instructions else extra
    spoken = any(message.role == "user" for message in chain(reversed(thread.messages), added))
    if call.api == "v2" and not spoken and not instructions:
        raise errors.nothing_to_run_on()
    chosen = tools.plain(getattr(body, "tool_choice", None))
    parallel = getattr(body, "parallel_tool_calls", None)
    return Run(
        id=call.store.ids.make("run_"),
        thread_id=thread.id,
        assistant_id=assistant.id,
        instructions=instructions,
        tools=assistant.tools if body.tools is None else tools.plain(body.tools),
        playback=Playback(Script((), "")),
        file_ids=list(assistant.file_ids),
        metadata=body.metadata or {},
        max_completion_tokens=getattr(body, "max_completion_tokens", None),
        max_prompt_tokens=getattr(body, "max_prompt_tokens", None),
        truncation_strategy={**TRUNCATION, **(tools.plain(getattr(body, "truncation_strategy", None)) or {})},
        tool_choice="auto" if chosen is None else chosen,
        parallel_tool_calls=True if parallel is None else parallel,
        **inherited,
    )


def _start(call: Call, thread: Thread, run: Run, added: list[Any]) -> dict[str, Any]:
    _no_stream(call)
    if thread.id not in call.store.threads:
        call.store.threads.add(thread)
    for message in added:
        thread.messages.add(message)
    run.playback = call.world.director.cast(run.id, partial(call.world.engine.view, run))
    thread.runs.add(run)
    call.world.engine.create(run)
    return _told(call, run)


def _no_stream(call: Call) -> None:
    """A stream would begin here: what is wrong with a request is answered before (CONTRACT §5)."""
    if getattr(call.body, "stream", None):
        raise explain.no_streaming(call.request.method, call.request.url)


def _told(call: Call, run: Run) -> dict[str, Any]:
    call.world.watch.told(run, call.request.client)
    return wire(call, run)


def retrieve(call: Call) -> dict[str, Any]:
    call.world.watch.look(call.run, call.request.client)
    return wire(call, call.run)


def index(call: Call) -> dict[str, Any]:
    return listing(call, call.thread.runs, "run", lambda run: wire(call, run))


def modify(call: Call) -> dict[str, Any]:
    """Metadata only, and only once the run has ended (CONTRACT §3.4)."""
    if call.run.active:
        raise errors.cannot_update(call.run.status)
    if "metadata" in call.body.model_fields_set:
        call.run.metadata = call.body.metadata or {}
    return _told(call, call.run)


def cancel(call: Call) -> dict[str, Any]:
    if find(RUN, call.run.status, "cancel") is None:
        raise errors.cannot_cancel(call.run.status)
    call.world.engine.cancel(call.run)
    return _told(call, call.run)


def submit_tool_outputs(call: Call) -> dict[str, Any]:
    """All outputs in one request; the state is checked before the ids (CONTRACT §3.7)."""
    run = call.run
    if run.required_action is None or find(RUN, run.status, "submit_tool_outputs") is None:
        raise errors.outputs_not_accepted(run.status)
    expected = [item["id"] for item in run.required_action["submit_tool_outputs"]["tool_calls"]]
    got = [output.tool_call_id for output in call.body.tool_outputs]
    if sorted(expected) != sorted(str(item) for item in got):
        raise errors.outputs_do_not_match(expected, got)
    _no_stream(call)
    outputs = {output.tool_call_id: output.output for output in call.body.tool_outputs}
    call.world.engine.submit(run, outputs)
    return _told(call, run)
