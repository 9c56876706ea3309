"""Adds the objects that existed before the recording in the first lines of a test."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.recording.codegen.dry_run import POLLING_ENDS
from harness.recording.codegen.sdk_requests import METHODS, LeftOut, SdkRequest, replace_ids
from harness.recording.matching import V2_TOOL_NAMES
from harness.recording.seeds import fields_of
from harness.service.errors import Refusal
from harness.service.params import validate
from harness.service.params.v2 import CreateAssistant
from harness.service.records import Assistant, File, Thread, VectorStore
from harness.service.routes import ROUTER
from harness.service.store import kind_of
from harness.source.values import Call, Code

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.recording.codegen.generator import CodeGenerator
    from harness.recording.session import Json
    from harness.service.context import World

# The values of an assistant that need not be written.
DEFAULTS = {"model": "gpt-4o", "temperature": 1.0, "top_p": 1.0, "response_format": "auto"}
NOT_RECORDED = "(not recorded)"
FIELDS = ("name", "description", "instructions", "tools", "metadata", "temperature", "top_p", "response_format")


class EarlierObjects:
    """Adds the objects that a request names and that no earlier line has created."""

    def __init__(self, generator: CodeGenerator) -> None:
        self._generator = generator
        self._session = generator.session

    @property
    def _world(self) -> World:
        return self._generator.dry_run.world

    def ensure(self, object_id: str) -> None:
        """Add the object with this id, unless it exists.

        Raises:
            LeftOut: the recording does not show it.
        """
        if object_id in self._generator.ids:
            return
        kind = kind_of(object_id)
        if kind in _CREATORS:
            _CREATORS[kind](self, object_id)
        if object_id not in self._generator.ids and kind in ("msg", "run", "step"):
            raise LeftOut(f"the recording does not show {object_id}")

    def _add(self, object_id: str, function: str, variable: str, fields: Json) -> None:
        """Write the line that adds an object."""
        target = self._generator.source.new_variable(variable)
        self._generator.source.add(Call(f"assistants.{function}", (), {"id": object_id, **fields}), target=target)
        self._generator.names[object_id] = Code(f"{target}.id")
        self._generator.ids[object_id] = object_id

    def _assistant(self, object_id: str) -> None:
        """Add an assistant as it was first shown; if it never was, with what one of its runs inherited."""
        runs = (story.run for story in self._session.stories.values())
        of_run = next((run for run in runs if run.get("assistant_id") == object_id), {})
        shown = _fields_in_v2(self._session.first_shown.get(object_id) or {**of_run, "metadata": None, "name": None})
        for name, reason in [(name, _refusal(name, value)) for name, value in shown.items()]:
            if reason is not None:
                self._generator.source.comment(f"Left out: the {name} of {object_id}: {reason}")
                del shown[name]
        self._world.store.assistants.add(
            Assistant(id=object_id, created_at=self._world.second, **{"model": "gpt-4o", **fields_of(Assistant, shown)})
        )
        self._add(object_id, "add_assistant", "assistant", replace_ids(shown, self._generator.names))

    def _file(self, object_id: str) -> None:
        """Add a file; content that was never downloaded is replaced by zeros of the same length."""
        shown = self._session.first_shown.get(object_id, {})
        downloaded = self._session.file_contents.get(object_id)
        purpose = shown.get("purpose", "assistants" if downloaded is None else "assistants_output")
        name = shown.get("filename", "file.txt")
        content = bytes(shown.get("bytes") or 1) if downloaded is None else downloaded
        self._world.store.files.add(File(object_id, self._world.second, name, purpose, content))
        content_value = Code(f"bytes({len(content)})") if not content.strip(b"\0") else content
        more = {} if purpose == "assistants" else {"purpose": purpose}
        self._add(object_id, "add_file", "file", {"content": content_value, "filename": name, **more})

    def _vector_store(self, object_id: str) -> None:
        self._world.store.vector_stores.add(VectorStore(object_id, self._world.second))
        self._add(object_id, "add_vector_store", "store", {})

    def _thread(self, object_id: str) -> None:
        """Add a thread with the messages and runs that the session did not create."""
        metadata = self._session.first_shown.get(object_id, {}).get("metadata") or {}
        self._world.store.threads.add(Thread(object_id, self._world.second, dict(metadata)))
        self._add(object_id, "add_thread", "thread", {"metadata": metadata} if metadata else {})
        messages, runs = (self._session.of_thread(kind, object_id) for kind in ("thread.message", "thread.run"))
        if runs and not messages:
            # a run had something to answer, although it was never shown
            self._create(f"/threads/{object_id}/messages", {}, {"role": "user", "content": NOT_RECORDED})
        for item in sorted([*messages, *runs], key=lambda item: item["created_at"]):
            if item["id"] in self._session.created_by or item["id"] in self._generator.ids:
                continue
            reason = self._generator.attempt(partial(self.ensure, item["id"]))
            if reason is not None:
                self._generator.source.comment(f"Left out: {item['id']}, which existed before: {reason}")

    def _message(self, object_id: str) -> None:
        """Create a message, unless a recorded run wrote it."""
        shown = self._session.first_shown.get(object_id, {})
        writer = self._session.stories.get(shown.get("run_id") or "")
        if shown.get("thread_id") not in self._generator.ids or (writer is not None and writer.run):
            return
        body = {"role": shown["role"], "content": _content(shown["content"])}
        self._create(f"/threads/{shown['thread_id']}/messages", shown, body)

    def _run(self, object_id: str) -> None:
        """Create a run; its function calls only if the session submits outputs, or it still waits for them."""
        story = self._session.story(object_id)
        shown = story.run
        if shown.get("thread_id") not in self._generator.ids:
            return
        self.ensure(shown["assistant_id"])
        answered = any(
            object_id in exchange.path and exchange.path.endswith("/submit_tool_outputs")
            for exchange in self._session.exchanges
        )
        script = self._generator.script(object_id, without_calls=not answered and shown["status"] != "requires_action")
        path = f"/threads/{shown['thread_id']}/runs"
        self._create(path, shown, {"assistant_id": shown["assistant_id"]}, script)

    def _create(self, path: str, shown: Json, body: Json, script: list[Call] | None = None) -> None:
        """Write the client's call that creates an object, as it may have been created."""
        match = ROUTER.match("POST", path)
        assert match is not None  # it is a known route
        request = SdkRequest(f"POST {match.route.template}", match.route, path, match.path_ids, body)
        now = self._generator.create(request, script)
        ended = script is not None and shown["status"] in POLLING_ENDS
        if ended:
            now = self._generator.wait(now)
        function, variable = METHODS[request.key]
        function += "_and_poll" if ended else ""
        target = self._generator.source.new_variable(variable)
        self._generator.source.add(request.call(self._generator.names, function=function), target=target)
        self._generator.bind(shown, now, target)


def _fields_in_v2(shown: Json) -> Json:
    """The fields of an assistant that differ from the defaults, as v2 names them."""
    fields = {key: shown[key] for key in FIELDS if shown.get(key) not in (None, [], {}, DEFAULTS.get(key))}
    fields = {"model": shown.get("model", DEFAULTS["model"]), **fields}
    if "tools" in fields:
        fields["tools"] = [{**tool, "type": V2_TOOL_NAMES.get(tool["type"], tool["type"])} for tool in fields["tools"]]
    return fields


def _refusal(name: str, value: object) -> str | None:
    """The refusal of a request with this field of an assistant, which has been shown: Azure has tools of its own."""
    try:
        validate(CreateAssistant, {"model": DEFAULTS["model"], name: value}, "v2")
    except Refusal as refusal:
        return refusal.message
    return None


def _content(parts: list[Json]) -> object:
    """The content of a message as a request writes it."""
    written = [{**part, "text": part["text"]["value"]} if part["type"] == "text" else part for part in parts]
    return written[0]["text"] if len(written) == 1 and written[0]["type"] == "text" else written


_CREATORS: dict[str, Callable[[EarlierObjects, str], None]] = {
    "asst": EarlierObjects._assistant,
    "thread": EarlierObjects._thread,
    "file": EarlierObjects._file,
    "vs": EarlierObjects._vector_store,
    "msg": EarlierObjects._message,
    "run": EarlierObjects._run,
}
