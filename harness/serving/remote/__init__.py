"""`harness.connect(url)`: a fake at a server, with the members of a `FakeAssistants`."""

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
from harness.serving.remote.control_client import ControlClient
from harness.serving.remote.inlining import with_files_inlined
from harness.serving.remote.proxies import RemoteClock, RemoteFaults, RemoteWhen, acts_as_data, cannot_be_sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import openai

    C = TypeVar("C", bound=openai.OpenAI)

MAX_WHERE_LENGTH = 200  # characters of `where` that a server takes
IN_PROCESS = "with harness.fake_assistants() as assistants: ...   # in the process of the code under test"


def _only_in_process(what: str, do: str) -> Callable[..., NoReturn]:
    """A method that raises, in place of one of `FakeAssistants` that cannot work over the network."""

    def refuse(self: RemoteAssistants, *args: object, **kwargs: object) -> NoReturn:
        """
        Raises:
            HarnessFailure: always.
        """
        raise cannot_be_sent(what, do)

    return refuse


def connect(url: str, *, api_key: str = KEY, token: str | None = None) -> RemoteAssistants:
    """The fake of an API key at a server, to script and to inspect as if it were in this process.

        with harness.connect("http://127.0.0.1:8000", api_key="sk-suite-1") as assistants:
            assistants.next_run(say("4 °C and rain"))

    Args:
        url: of the server, as `harness serve` prints it; a `/v1` behind it does not matter.
        api_key: each key has a world of its own. The code under test has to use the same key.
        token: the token of the server's control API, if it requires one.

    Raises:
        HarnessFailure: there is no server, it is not one of pytest-assistants, or the token is wrong.
    """
    control = ControlClient(url, api_key=api_key, token=token)
    try:
        control.get("/worlds", list[WorldSummary])
    except HarnessFailure:
        control.close()
        raise
    return RemoteAssistants(control)


@dataclass(frozen=True)
class SeededObject:
    """The id of an object that was added at a server."""

    id: str


class RemoteAssistants:
    """The fake of one API key at a server, as `connect` gives it.

    Its members are those of `FakeAssistants`. Objects are copies of their state when they were requested. Functions
    (a model function, a condition that is a function, `on`) cannot be sent: these members raise a failure that says
    what to do instead.
    """

    def __init__(self, control: ControlClient) -> None:
        self.control = control
        self.clock = RemoteClock(control)
        self.faults = RemoteFaults(control, self._play)
        self._resources = ExitStack()
        self._resources.callback(control.close)

    def __enter__(self) -> RemoteAssistants:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # --- what the model does ------------------------------------------------------------------------------

    def next_run(self, *acts: object) -> None:
        """What the model does in the next run that nobody else claims.

        Raises:
            HarnessFailure: something is not an act, an act can never happen, or it is a function.
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
        """Script runs, seed objects and plan faults as data. Files are read on this machine."""
        if isinstance(given, Mapping):
            self._play(given)
        else:
            path = Path(given)
            self._play(with_files_inlined(scenarios.load(path), path), str(path))

    def _play(self, given: Mapping[str, Any], where: str | None = None) -> AddedObjects:
        added: AddedObjects = self.control.post(
            "/scenario", AddedObjects, given, where=(where or call_site())[-MAX_WHERE_LENGTH:]
        )
        return added

    # --- objects -------------------------------------------------------------------------------------------

    @property
    def requests(self) -> list[LoggedRequest]:
        """The requests and their answers, oldest first; each has the `path`, `status`, `json` … of an `Exchange`."""
        requests: list[LoggedRequest] = self.control.get("/requests", list[LoggedRequest])
        return requests

    @property
    def threads(self) -> list[ShownThread]:
        threads: list[ShownThread] = self.control.get("/threads", list[ShownThread])
        return threads

    @property
    def runs(self) -> list[ShownRun]:
        """All runs, oldest first within each thread."""
        runs: list[ShownRun] = self.control.get("/runs", list[ShownRun])
        return runs

    @property
    def failures(self) -> list[HarnessFailure]:
        """The failures that the harness has raised, as the code under test may have swallowed them."""
        return [each.failure for each in self.control.get("/failures", list[Failure])]

    def transcript(self, thread: Any = None) -> str:
        """The conversation of one thread (its id, or anything with an `id`), or of all, as text."""
        answer: Transcript = self.control.get("/transcript", Transcript, thread=getattr(thread, "id", thread))
        return answer.transcript

    def unused(self) -> HarnessFailure | None:
        """The failure that names scripts which no run took and faults which did not happen, if there are any."""
        unused = self.control.get("/unused", Failure | None)
        return None if unused is None else unused.failure

    def cancel_runs(self) -> None:
        """Somebody else cancels every run that can be cancelled now."""
        self.control.post("/runs/cancel", CancelledRuns)

    def add_assistant(self, id: str | None = None, *, model: str | None = None, **fields: Any) -> SeededObject:
        """Add an assistant that exists before the code under test creates any."""
        return self._add("assistants", id, model=model, **fields)

    def add_thread(
        self,
        id: str | None = None,
        *,
        messages: Iterable[Mapping[str, Any]] = (),
        metadata: Mapping[str, str] | None = None,
        tool_resources: Mapping[str, Any] | None = None,
    ) -> SeededObject:
        """Add a thread that exists already, with its messages."""
        return self._add("threads", id, messages=[*(messages or ())], metadata=metadata, tool_resources=tool_resources)

    def add_vector_store(self, id: str | None = None, *, file_ids: Iterable[str] = (), **fields: Any) -> SeededObject:
        """Add a vector store that tool resources may name; its files are indexed already."""
        return self._add("vector_stores", id, file_ids=[*(file_ids or ())], **fields)

    def add_file(
        self,
        path: str | Path | None = None,
        *,
        id: str | None = None,
        content: bytes | str | None = None,
        filename: str | None = None,
        purpose: str = "assistants",
    ) -> SeededObject:
        """Add a file that exists already, from a path on this machine, from bytes or from a text."""
        name, data = content_of(path, content, filename)
        sent = {"base64": b64encode(data).decode()}
        return self._add("files", id, content=sent, filename=name, purpose=purpose)

    def _add(self, kind: str, id: str | None, **fields: object) -> SeededObject:
        given = {name: value for name, value in {"id": id, **fields}.items() if value is not None}
        ids: list[str] = getattr(self._play({kind: [given]}), kind)
        return SeededObject(id or ids[0])

    # --- snapshots ----------------------------------------------------------------------------------------

    def snapshot(self) -> str:
        """Take a snapshot of the world at the server; returns its id, for `restore`."""
        kept: TakenSnapshot = self.control.post("/snapshots", TakenSnapshot)
        return kept.id

    def restore(self, snapshot: str) -> None:
        """Go back to a snapshot. The log of requests goes on.

        Raises:
            HarnessFailure: the world has no snapshot of that id.
        """
        self.control.post(f"/snapshots/{quote(snapshot, safe='')}/restore", AffectedWorld)

    def reset(self, **options: Any) -> None:
        """Replace the world with a new one, with the server's options and scenario, and other options if any are given.

        Raises:
            HarnessFailure: a server has no such option, or its value is not allowed.
        """
        self.control.post("/reset", AffectedWorld, options)

    # --- clients ------------------------------------------------------------------------------------------

    def client(self, **options: Any) -> openai.OpenAI:
        """A client of this world, over the network, with the options of `openai.OpenAI`; `close` closes it."""
        import openai  # noqa: PLC0415 - takes a second

        return self._closed_with_this(openai.OpenAI(**{**self._connection, **options}), options)

    def async_client(self, **options: Any) -> openai.AsyncOpenAI:
        """The same as an `openai.AsyncOpenAI`; its connections belong to an event loop, so close it there."""
        import openai  # noqa: PLC0415 - takes a second

        return openai.AsyncOpenAI(**{**self._connection, **options})

    def azure_client(self, **options: Any) -> openai.AzureOpenAI:
        """The same as an `openai.AzureOpenAI`, with api-version 2024-05-01-preview unless you say another."""
        import openai  # noqa: PLC0415 - takes a second

        from harness.clients import AZURE  # noqa: PLC0415 - it imports openai

        connection = {**AZURE, "api_key": self.control.api_key, "azure_endpoint": self.control.url}
        return self._closed_with_this(openai.AzureOpenAI(**{**connection, **options}), options)

    def _closed_with_this(self, client: C, options: Mapping[str, Any]) -> C:
        """The client, which `close` will close unless its `http_client` is the user's."""
        if "http_client" not in options:
            self._resources.callback(client.close)
        return client

    @property
    def _connection(self) -> dict[str, Any]:
        return {"api_key": self.control.api_key, "base_url": f"{self.control.url}/v1"}

    def close(self) -> None:
        """Close all connections; the world remains, for whoever uses its key."""
        self._resources.close()

    # --- not over the network -----------------------------------------------------------------------------

    model = _only_in_process("A model function", 'assistants.when(message="…").run(call("get_weather", city="Oslo"))')
    on = _only_in_process("on(…)", IN_PROCESS)
    replay = _only_in_process("replay(…)", IN_PROCESS)
    record = _only_in_process("record(…)", "harness record -o session.yaml -- …   # a program with a server in front")
