"""Worlds that survive a restart: requests are written to a journal, and replayed at the next start."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from harness import __version__
from harness.failures import HarnessFailure
from harness.service.dialects import authenticate, is_azure, key_of
from harness.service.errors import Refusal
from harness.serving import control, entries, long_bodies
from harness.serving.control.guard import TOKEN_HEADER
from harness.serving.journal import Journal
from harness.serving.worlds import Worlds

if TYPE_CHECKING:
    from pathlib import Path

    from harness.fake import FakeAssistants
    from harness.options import Options
    from harness.service.http import Body, Content, Request, Response
    from harness.serving.journal import Entry

# The API key of replayed requests, unless the options accept only one: the entry names the world.
ANY_KEY = "sk-of-the-journal"


class PersistentWorlds(Worlds):
    """Worlds that are the same after a restart, whether the server was stopped or killed.

    The journal holds requests, not state: a fake is deterministic, so the same requests in the same order lead to the
    same world. A request is written before it is answered, so no client has an answer to a request that is missing; one
    that was written but not answered counts as done, as when the answer of a real service is lost.

    Kept are requests with an accepted key, the reads of streams, control requests that change something, and in real
    time the seconds in between. Streams that were open are closed: their clients are gone, and the runs go on.

    Not kept are keys; requests without an accepted key, which are refused; what a test does in this process, without a
    request; and the variables of interpreters: executed cells are executed again. In real time, clocks stand still
    while no server runs.

    Args:
        state: the file of the journal.
        options, how: the arguments of `Worlds`.

    Raises:
        HarnessFailure: what `Journal` raises; or the journal was begun by another version, with other options, or with
            another scenario.
    """

    def __init__(self, state: Path, options: Options | None = None, **how: Any) -> None:
        super().__init__(options, **how)
        self._locks: dict[str, Lock] = {}
        self._elapsed: WeakKeyDictionary[FakeAssistants, float] = WeakKeyDictionary()
        self._journal = Journal(state, self._conditions())
        try:
            # In a thread, as requests to a server are: the loops on this stack are no client's.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(self._replay).result()
        except BaseException:
            self.close()
            raise

    def answer(self, request: Request) -> Response:
        name = self._world_of(request)
        if name is None:
            return super().answer(request)
        first_piece = long_bodies.write(request.body, self._journal.write)
        with self.lock(name):
            fake = self.get_or_create(name)
            number = self.write(fake, entries.of_request(request, name, first_piece))
            return self._perform(request, name, fake, number)

    def close(self) -> None:
        super().close()
        self._journal.close()

    # --- the journal --------------------------------------------------------------------------------------------------

    def lock(self, name: str) -> Lock:
        """The lock of a world: held while an entry is written and acted upon, so that both happen in the same order."""
        return self._locks.setdefault(name, Lock())

    def write(self, fake: FakeAssistants, entry: Entry) -> int:
        """Write an entry, with the real time since the last one of this world; returns its number."""
        self.catch_up(fake)
        elapsed = self._elapsed.get(fake, 0)
        number = self._journal.write({**entry, "passed": elapsed} if elapsed else entry)
        self._elapsed[fake] = 0
        return number

    def catch_up(self, fake: FakeAssistants) -> None:
        """Advance the clock of a fake to now; the next entry will hold the seconds."""
        if self._real_time is not None:
            self._elapsed[fake] = self._elapsed.get(fake, 0) + self._real_time.catch_up(fake)

    # --- requests -----------------------------------------------------------------------------------------------------

    def _world_of(self, request: Request) -> str | None:
        """The name of the world that a request acts in; None if it is not written to the journal."""
        if control.is_ours(request):
            existing = self.names()
            name = control.world_of(self, request)
            return None if request.method == "GET" and name in existing else name
        azure = is_azure(request)
        try:
            authenticate(request, azure=azure, accepted=self.options.api_key)
        except Refusal:
            return None
        return self.name_of(key_of(request, azure=azure))

    def _perform(self, request: Request, name: str, fake: FakeAssistants, number: int) -> Response:
        if control.is_ours(request):
            return control.answer(self, _in_world(request, name))
        response = self.respond(fake, request)
        if isinstance(response.body, bytes):
            return response
        return replace(response, body=JournaledBody(response.body, self, name, fake, number))

    # --- replay -------------------------------------------------------------------------------------------------------

    def _conditions(self) -> dict[str, Any]:
        """What a later server must have in common with this one to replay its journal."""
        options = asdict(self.options)
        if self.options.api_key is not None:
            options["api_key"] = self.name_of(self.options.api_key)
        return {
            "version": __version__,
            "time": "virtual" if self._real_time is None else "real",
            "scenario": entries.digest(self._scenario),
            "spare_waiting": self._spare_waiting,
            "execute": self.execute,
            **options,
        }

    def _replay(self) -> None:
        streams: dict[int, JournaledBody] = {}
        with long_bodies.LongBodies() as bodies:
            for number, entry in self._journal.entries():
                if bodies.collect(number, entry):
                    continue
                body = bodies.of(entry)
                with suppress(Exception, HarnessFailure):  # the client got it the first time
                    self._replay_entry(number, entry, body, streams)
        for stream in streams.values():
            stream.close()

    def _replay_entry(self, number: int, entry: Entry, body: Content | None, streams: dict[int, JournaledBody]) -> None:
        stream = streams.get(entry.get("read") or entry.get("close") or 0)
        fake = self.get_or_create(entry["world"]) if stream is None else stream.fake
        fake.slept(entry.get("passed", 0))
        if stream is None:
            response = self._perform(self._request_of(entry, body), entry["world"], fake, number)
            if isinstance(response.body, JournaledBody):
                streams[number] = response.body
        elif "read" in entry:
            stream.body.read(entry.get("patience"))
        else:
            del streams[stream.number]
            stream.body.close()

    def _request_of(self, entry: Entry, body: Content | None) -> Request:
        request = entries.request_of(entry, self.options.api_key or ANY_KEY, body)
        if not control.is_ours(request):
            return request
        # it was authorized when it was written, under whatever host name and token
        return replace(request, headers={**request.headers, "host": "localhost", TOKEN_HEADER: self.token or ""})


@dataclass(frozen=True)
class JournaledBody:
    """A stream whose reads, and whose end, are entries of the journal."""

    body: Body
    worlds: PersistentWorlds
    world: str
    fake: FakeAssistants
    number: int

    @property
    def now(self) -> float:
        return self.body.now

    def wait(self) -> float:
        with self.worlds.lock(self.world):
            self.worlds.catch_up(self.fake)
            return self.body.wait()

    def read(self, patience: float | None = None) -> bytes | None:
        entry = {"read": self.number} if patience is None else {"read": self.number, "patience": patience}
        with self.worlds.lock(self.world):
            self.worlds.write(self.fake, entry)
            return self.body.read(patience)

    def close(self) -> None:
        with self.worlds.lock(self.world):
            self.worlds.write(self.fake, {"close": self.number})
            self.body.close()


def _in_world(request: Request, name: str) -> Request:
    """The same control request, with its world named: it may have been the only one, and there may be others by now."""
    path, mark, query = request.url.partition("?")
    return replace(request, url=f"{path}?world={name}{mark and '&'}{query}")
