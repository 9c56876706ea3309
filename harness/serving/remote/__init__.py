"""`harness.connect(url)`: the fake of a server, with the members of one in this process."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from urllib.parse import quote

from harness import scenarios
from harness.failures import HarnessFailure
from harness.scripting import call_site
from harness.seeding import content_of
from harness.service.director import check_conditions
from harness.serving import KEY
from harness.serving.control.shapes import (
    AddedObjects,
    AffectedWorld,
    CancelledRuns,
    Failure,
    LoggedRequest,
    ShownRun,
    ShownThread,
    TakenSnapshot,
    Transcript,
    WorldSummary,
)
from harness.serving.remote.enclosing import enclosed
from harness.serving.remote.link import Link
from harness.serving.remote.parts import RemoteClock, RemoteFaults, RemoteWhen, acts_as_data, stays_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import openai

    C = TypeVar("C", bound=openai.OpenAI)

WHERE = 200  # characters of it that a server takes
IN_PROCESS = "with harness.fake_assistants() as assistants: ...   # in the process of the code under test"


def _only_in_process(what: str, do: str) -> Callable[..., NoReturn]:
    """A method for what cannot be sent."""

    def refuse(self: RemoteAssistants, *args: object, **kwargs: object) -> NoReturn:
        """
        Raises:
            HarnessFailure: always.
        """
        raise stays_here(what, do)

    return refuse


def connect(url: str, *, api_key: str = KEY, token: str | None = None) -> RemoteAssistants:
    """The fake that a server plays for an API key, to script and to ask as if it were in this process.

        with harness.connect("http://127.0.0.1:8000", api_key="sk-suite-1") as assistants:
            assistants.next_run(say("4 °C and rain"))

    Args:
        url: of the server, as `harness serve` prints it; a `/v1` behind it does not matter.
        api_key: each key is a world of its own. The code under test has to use the same.
        token: what the server's control API asks for, if it does.

    Raises:
        HarnessFailure: nobody answers there, or somebody else, or the token is wrong.
    """
    link = Link(url, api_key=api_key, token=token)
    try:
        link.get("/worlds", list[WorldSummary])
    except HarnessFailure:
        link.close()
        raise
    return RemoteAssistants(link)


@dataclass(frozen=True)
class Seeded:
    """Something that was added at a server: its id."""

    id: str


class RemoteAssistants:
    """The fake of one API key at a server, as `connect` gives it.

    Members are those of `FakeAssistants`. What they show are copies, as things were when they were asked for. What
    only this process could call (a model function, a condition that is a function, `on`) cannot be sent: the members
    are there, and say what to do in their place.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self.clock = RemoteClock(link)
        self.faults = RemoteFaults(link, self._play)
        self._ends = ExitStack()
        self._ends.callback(link.close)

    def __enter__(self) -> RemoteAssistants:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # --- what the model does ------------------------------------------------------------------------------

    def next_run(self, *acts: object) -> None:
        """What the model does in the next run that nobody else claims.

        Raises:
            HarnessFailure: something is no act, an act can never happen, or it is a function.
        """
        self._play({"next_run": [acts_as_data(acts, "next_run")]})

    def every_run(self, *acts: object) -> None:
        """What the model does in all runs that are not claimed otherwise."""
        self._play({"every_run": acts_as_data(acts, "every_run")})

    def when(self, **conditions: object) -> RemoteWhen:
        """Choose runs by texts or patterns, as `FakeAssistants.when` does."""
        check_conditions(conditions, where=call_site())
        return RemoteWhen(self._play, conditions)

    def scenario(self, given: str | Path | Mapping[str, Any]) -> None:
        """Script runs, seed objects and plan faults as data. A file is read here, with those that it names."""
        if isinstance(given, Mapping):
            self._play(given)
        else:
            path = Path(given)
            self._play(enclosed(scenarios.load(path), path), str(path))

    def _play(self, given: Mapping[str, Any], where: str | None = None) -> AddedObjects:
        added: AddedObjects = self.link.post("/scenario", AddedObjects, given, where=(where or call_site())[-WHERE:])
        return added

    # --- what there is ------------------------------------------------------------------------------------

    @property
    def requests(self) -> list[LoggedRequest]:
        """The requests and their answers, oldest first; each has the `path`, `status`, `json` … of an `Exchange`."""
        requests: list[LoggedRequest] = self.link.get("/requests", list[LoggedRequest])
        return requests

    @property
    def threads(self) -> list[ShownThread]:
        threads: list[ShownThread] = self.link.get("/threads", list[ShownThread])
        return threads

    @property
    def runs(self) -> list[ShownRun]:
        """All runs, oldest first within each thread."""
        runs: list[ShownRun] = self.link.get("/runs", list[ShownRun])
        return runs

    @property
    def failures(self) -> list[HarnessFailure]:
        """What the harness complained about, for the code under test may have swallowed it."""
        return [complaint.failure for complaint in self.link.get("/failures", list[Failure])]

    def transcript(self, thread: Any = None) -> str:
        """The conversation of one thread (its id, or anything with an `id`), or of all, as text."""
        told: Transcript = self.link.get("/transcript", Transcript, thread=getattr(thread, "id", thread))
        return told.transcript

    def unused(self) -> HarnessFailure | None:
        """The complaint about scripts that no run took, and faults that did not happen, if there are any."""
        complaint = self.link.get("/unused", Failure | None)
        return None if complaint is None else complaint.failure

    def cancel_runs(self) -> None:
        """Somebody else cancels every run that can be cancelled now."""
        self.link.post("/runs/cancel", CancelledRuns)

    def add_assistant(self, id: str | None = None, *, model: str | None = None, **fields: Any) -> Seeded:
        """An assistant that is there before the code under test makes any."""
        return self._add("assistants", id, model=model, **fields)

    def add_thread(
        self,
        id: str | None = None,
        *,
        messages: Iterable[Mapping[str, Any]] = (),
        metadata: Mapping[str, str] | None = None,
        tool_resources: Mapping[str, Any] | None = None,
    ) -> Seeded:
        """A thread that is there already, with what has been said in it."""
        return self._add("threads", id, messages=[*(messages or ())], metadata=metadata, tool_resources=tool_resources)

    def add_vector_store(self, id: str | None = None, *, file_ids: Iterable[str] = (), **fields: Any) -> Seeded:
        """A vector store that tool resources may name; its files are indexed already."""
        return self._add("vector_stores", id, file_ids=[*(file_ids or ())], **fields)

    def add_file(
        self,
        path: str | Path | None = None,
        *,
        id: str | None = None,
        content: bytes | str | None = None,
        filename: str | None = None,
        purpose: str = "assistants",
    ) -> Seeded:
        """A file that is there already, from a path of this machine, from bytes or from a text."""
        name, data = content_of(path, content, filename)
        sent = {"base64": b64encode(data).decode()}
        return self._add("files", id, content=sent, filename=name, purpose=purpose)

    def _add(self, kind: str, id: str | None, **fields: object) -> Seeded:
        given = {name: value for name, value in {"id": id, **fields}.items() if value is not None}
        made: list[str] = getattr(self._play({kind: [given]}), kind)
        return Seeded(id or made[0])

    # --- going back ---------------------------------------------------------------------------------------

    def snapshot(self) -> str:
        """Keep a copy of everything there is at the server; what it gives is for `restore`."""
        kept: TakenSnapshot = self.link.post("/snapshots", TakenSnapshot)
        return kept.id

    def restore(self, snapshot: str) -> None:
        """Go back to a snapshot. The log of requests goes on.

        Raises:
            HarnessFailure: there is none of that name since the world began.
        """
        self.link.post(f"/snapshots/{quote(snapshot, safe='')}/restore", AffectedWorld)

    def reset(self, **options: Any) -> None:
        """Let the world begin anew, as the server began it, if wanted with other options.

        Raises:
            HarnessFailure: there is no such option at a server, or no such choice.
        """
        self.link.post("/reset", AffectedWorld, options)

    # --- clients ------------------------------------------------------------------------------------------

    def client(self, **options: Any) -> openai.OpenAI:
        """A client of this world, over the network; it takes the options of `openai.OpenAI`, and ends with `close`."""
        import openai  # noqa: PLC0415 - takes a second

        return self._closing(openai.OpenAI(**{**self._place, **options}), options)

    def async_client(self, **options: Any) -> openai.AsyncOpenAI:
        """The same as an `openai.AsyncOpenAI`; its connections belong to an event loop, so close it there."""
        import openai  # noqa: PLC0415 - takes a second

        return openai.AsyncOpenAI(**{**self._place, **options})

    def azure_client(self, **options: Any) -> openai.AzureOpenAI:
        """The same as an `openai.AzureOpenAI`, with api-version 2024-05-01-preview unless you say another."""
        import openai  # noqa: PLC0415 - takes a second

        from harness.clients import AZURE  # noqa: PLC0415 - it imports openai

        place = {**AZURE, "api_key": self.link.api_key, "azure_endpoint": self.link.url}
        return self._closing(openai.AzureOpenAI(**{**place, **options}), options)

    def _closing(self, client: C, options: Mapping[str, Any]) -> C:
        """The client, whose connections end with this fake's own unless they are the user's."""
        if "http_client" not in options:
            self._ends.callback(client.close)
        return client

    @property
    def _place(self) -> dict[str, Any]:
        return {"api_key": self.link.api_key, "base_url": f"{self.link.url}/v1"}

    def close(self) -> None:
        """End the connections; the world goes on, for whoever has its key."""
        self._ends.close()

    # --- what stays in one process ------------------------------------------------------------------------

    model = _only_in_process("A model function", 'assistants.when(message="…").run(call("get_weather", city="Oslo"))')
    on = _only_in_process("on(…)", IN_PROCESS)
    replay = _only_in_process("replay(…)", IN_PROCESS)
    record = _only_in_process("record(…)", "harness record -o session.yaml -- …   # a program with a server in front")
