"""What there was before the recording, put there in a test's first lines."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.recording.matching import V2_TOOL_NAMES
from harness.recording.retelling.endpoints import METHODS, Asked, LeftOut, renamed
from harness.recording.retelling.rehearsal import RESTING
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

    from harness.recording.retelling.telling import Retelling
    from harness.recording.session import Json
    from harness.service.context import World

# What an assistant has unless somebody says otherwise.
USUAL = {"model": "gpt-4o", "temperature": 1.0, "top_p": 1.0, "response_format": "auto"}
UNKNOWN = "(not recorded)"
FIELDS = ("name", "description", "instructions", "tools", "metadata", "temperature", "top_p", "response_format")


class Earlier:
    """Finds what a request names; what nothing on the page has made yet was there before."""

    def __init__(self, retelling: Retelling) -> None:
        self._told = retelling
        self._session = retelling.session

    @property
    def _world(self) -> World:
        return self._told.rehearsal.world

    def need(self, object_id: str) -> None:
        """See to it that there is something with this id.

        Raises:
            LeftOut: nothing on the page can have made it.
        """
        if object_id in self._told.ids:
            return
        kind = kind_of(object_id)
        if kind in _MAKERS:
            _MAKERS[kind](self, object_id)
        if object_id not in self._told.ids and kind in ("msg", "run", "step"):
            raise LeftOut(f"nothing shows what {object_id} was")

    def _add(self, object_id: str, function: str, variable: str, fields: Json) -> None:
        """One line that puts an object there."""
        target = self._told.page.fresh(variable)
        self._told.page.add(Call(f"assistants.{function}", (), {"id": object_id, **fields}), target=target)
        self._told.names[object_id] = Code(f"{target}.id")
        self._told.ids[object_id] = object_id

    def _assistant(self, object_id: str) -> None:
        """As it was first shown; of one that never was, a run tells what it inherited."""
        runs = (story.run for story in self._session.stories.values())
        of_run = next((run for run in runs if run.get("assistant_id") == object_id), {})
        shown = _modern(self._session.first_shown.get(object_id) or {**of_run, "metadata": None, "name": None})
        for name, reason in [(name, _refusal(name, value)) for name, value in shown.items()]:
            if reason is not None:
                self._told.page.comment(f"Left out: the {name} of {object_id}: {reason}")
                del shown[name]
        self._world.store.assistants.add(
            Assistant(id=object_id, created_at=self._world.second, **{"model": "gpt-4o", **fields_of(Assistant, shown)})
        )
        self._add(object_id, "add_assistant", "assistant", renamed(shown, self._told.names))

    def _file(self, object_id: str) -> None:
        """A file whose content nobody saw is one of zeros, as long as it was."""
        shown = self._session.first_shown.get(object_id, {})
        seen = self._session.file_contents.get(object_id)
        purpose = shown.get("purpose", "assistants" if seen is None else "assistants_output")
        name = shown.get("filename", "file.txt")
        content = bytes(shown.get("bytes") or 1) if seen is None else seen
        self._world.store.files.add(File(object_id, self._world.second, name, purpose, content))
        told = Code(f"bytes({len(content)})") if not content.strip(b"\0") else content
        more = {} if purpose == "assistants" else {"purpose": purpose}
        self._add(object_id, "add_file", "file", {"content": told, "filename": name, **more})

    def _vector_store(self, object_id: str) -> None:
        self._world.store.vector_stores.add(VectorStore(object_id, self._world.second))
        self._add(object_id, "add_vector_store", "store", {})

    def _thread(self, object_id: str) -> None:
        """A thread with the messages and runs that the session did not make."""
        metadata = self._session.first_shown.get(object_id, {}).get("metadata") or {}
        self._world.store.threads.add(Thread(object_id, self._world.second, dict(metadata)))
        self._add(object_id, "add_thread", "thread", {"metadata": metadata} if metadata else {})
        messages, runs = (self._session.of_thread(kind, object_id) for kind in ("thread.message", "thread.run"))
        if runs and not messages:
            # a run had something to answer, although nobody looked at it
            self._create(f"/threads/{object_id}/messages", {}, {"role": "user", "content": UNKNOWN})
        for item in sorted([*messages, *runs], key=lambda item: item["created_at"]):
            if item["id"] in self._session.created_by or item["id"] in self._told.ids:
                continue
            reason = self._told.attempt(partial(self.need, item["id"]))
            if reason is not None:
                self._told.page.comment(f"Left out: {item['id']}, which was there before: {reason}")

    def _message(self, object_id: str) -> None:
        """A message that no run of the session wrote."""
        shown = self._session.first_shown.get(object_id, {})
        writer = self._session.stories.get(shown.get("run_id") or "")
        if shown.get("thread_id") not in self._told.ids or (writer is not None and writer.run):
            return
        body = {"role": shown["role"], "content": _content(shown["content"])}
        self._create(f"/threads/{shown['thread_id']}/messages", shown, body)

    def _run(self, object_id: str) -> None:
        """A run that was made before; of its calls, those that the session answers."""
        story = self._session.story(object_id)
        shown = story.run
        if shown.get("thread_id") not in self._told.ids:
            return
        self.need(shown["assistant_id"])
        answered = any(
            object_id in seen.path and seen.path.endswith("/submit_tool_outputs") for seen in self._session.exchanges
        )
        script = self._told.script(object_id, without_calls=not answered and shown["status"] != "requires_action")
        path = f"/threads/{shown['thread_id']}/runs"
        self._create(path, shown, {"assistant_id": shown["assistant_id"]}, script)

    def _create(self, path: str, shown: Json, body: Json, script: list[Call] | None = None) -> None:
        """Let the client make it, as it might have been made then."""
        match = ROUTER.match("POST", path)
        assert match is not None  # it is a row of the table
        asked = Asked(f"POST {match.route.template}", match.route, path, match.path_ids, body)
        now = self._told.made(asked, script)
        ended = script is not None and shown["status"] in RESTING
        if ended:
            now = self._told.wait(now)
        function, variable = METHODS[asked.key]
        function += "_and_poll" if ended else ""
        target = self._told.page.fresh(variable)
        self._told.page.add(asked.call(self._told.names, function=function), target=target)
        self._told.bind(shown, now, target)


def _modern(shown: Json) -> Json:
    """What an assistant has that is not usual, in the words of v2."""
    fields = {key: shown[key] for key in FIELDS if shown.get(key) not in (None, [], {}, USUAL.get(key))}
    fields = {"model": shown.get("model", USUAL["model"]), **fields}
    if "tools" in fields:
        fields["tools"] = [{**tool, "type": V2_TOOL_NAMES.get(tool["type"], tool["type"])} for tool in fields["tools"]]
    return fields


def _refusal(name: str, value: object) -> str | None:
    """Why no request may say this of an assistant, though it was shown: Azure has tools of its own."""
    try:
        validate(CreateAssistant, {"model": USUAL["model"], name: value}, "v2")
    except Refusal as refusal:
        return refusal.message
    return None


def _content(parts: list[Json]) -> object:
    """The content of a message as a request writes it."""
    written = [{**part, "text": part["text"]["value"]} if part["type"] == "text" else part for part in parts]
    return written[0]["text"] if len(written) == 1 and written[0]["type"] == "text" else written


_MAKERS: dict[str, Callable[[Earlier, str], None]] = {
    "asst": Earlier._assistant,
    "thread": Earlier._thread,
    "file": Earlier._file,
    "vs": Earlier._vector_store,
    "msg": Earlier._message,
    "run": Earlier._run,
}
