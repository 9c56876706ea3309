"""Worlds that outlast their server: what came in is kept in a journal, and comes in again at the next start."""

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
from harness.serving import control, entries, pieces
from harness.serving.control.guard import TOKEN_HEADER
from harness.serving.journal import Journal
from harness.serving.worlds import Worlds

if TYPE_CHECKING:
    from pathlib import Path

    from harness.fake import FakeAssistants
    from harness.options import Options
    from harness.service.http import Body, Content, Request, Response
    from harness.serving.journal import Entry

# Stands for all keys at a replay, unless one alone is accepted: which world is meant, the entry says.
STAND_IN = "sk-of-the-journal"


class LastingWorlds(Worlds):
    """Worlds that are after a restart what they were before, whether the server was stopped or killed.

    The journal holds what came in, not what there is: a fake is deterministic, so the same requests in the same order
    make the same world. Nobody has an answer to what does not stand in the journal; what stands in it and was not
    answered counts as done, as it would where an answer of the real service is lost.

    What is kept: requests with an accepted key, the pieces of streams as they were read, control requests that change
    something, and in real time what passed in between. Streams that were open are closed: their clients are gone, and
    the runs go on.

    What is not: keys; requests without an accepted key, which are refused; what a test does in this process, without
    a request; and the variables of interpreters: where cells are executed, they are executed again. In real time, no
    time passes while there is no server.

    Args:
        state: the file of the journal.
        options, how: what `Worlds` takes.

    Raises:
        HarnessFailure: what `Journal` raises; or the journal was begun by another version, with other options, or with
            another scenario.
    """

    def __init__(self, state: Path, options: Options | None = None, **how: Any) -> None:
        super().__init__(options, **how)
        self._turns: dict[str, Lock] = {}
        self._passed: WeakKeyDictionary[FakeAssistants, float] = WeakKeyDictionary()
        self._journal = Journal(state, self._about())
        try:
            # In a thread, as at a server: whoever looks for the loop that a client is in finds none on this stack.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(self._replay).result()
        except BaseException:
            self.close()
            raise

    def answer(self, request: Request) -> Response:
        name = self._acting(request)
        if name is None:
            return super().answer(request)
        first = pieces.write(request.body, self._journal.write)
        with self.turn(name):
            fake = self.begun(name)
            number = self.write(fake, entries.of_request(request, name, first))
            return self._act(request, name, fake, number)

    def close(self) -> None:
        super().close()
        self._journal.close()

    # --- for streams, too -----------------------------------------------------------------------------------------

    def turn(self, name: str) -> Lock:
        """A context in which one thread writes down what happens to a world, and lets it happen."""
        return self._turns.setdefault(name, Lock())

    def write(self, fake: FakeAssistants, entry: Entry) -> int:
        """Write an entry down, with the real time that passed in this world since the one before; gives its number."""
        self.keep_pace(fake)
        passed = self._passed.get(fake, 0)
        number = self._journal.write({**entry, "passed": passed} if passed else entry)
        self._passed[fake] = 0
        return number

    def keep_pace(self, fake: FakeAssistants) -> None:
        """Let time pass up to now, which the next entry will tell."""
        if self._pace is not None:
            self._passed[fake] = self._passed.get(fake, 0) + self._pace.keep(fake)

    # --- what comes in --------------------------------------------------------------------------------------------

    def _acting(self, request: Request) -> str | None:
        """The world that a request acts in; None if nothing of it is kept."""
        if control.is_ours(request):
            begun = self.names()
            name = control.world_of(self, request)
            return None if request.method == "GET" and name in begun else name
        azure = is_azure(request)
        try:
            authenticate(request, azure=azure, accepted=self.options.api_key)
        except Refusal:
            return None
        return self.name_of(key_of(request, azure=azure))

    def _act(self, request: Request, name: str, fake: FakeAssistants, number: int) -> Response:
        if control.is_ours(request):
            return control.answer(self, _in_world(request, name))
        response = self.served(fake, request)
        if isinstance(response.body, bytes):
            return response
        return replace(response, body=LastingBody(response.body, self, name, fake, number))

    # --- what came in before --------------------------------------------------------------------------------------

    def _about(self) -> dict[str, Any]:
        options = asdict(self.options)
        if self.options.api_key is not None:
            options["api_key"] = self.name_of(self.options.api_key)
        return {
            "version": __version__,
            "time": "virtual" if self._pace is None else "real",
            "scenario": entries.digest(self._scenario),
            "spare_waiting": self._spare_waiting,
            "execute": self.execute,
            **options,
        }

    def _replay(self) -> None:
        streams: dict[int, LastingBody] = {}
        with pieces.Pieces() as long_bodies:
            for number, entry in self._journal.entries():
                if long_bodies.collect(number, entry):
                    continue
                body = long_bodies.of(entry)
                with suppress(Exception, HarnessFailure):  # the client was told then
                    self._again(number, entry, body, streams)
        for stream in streams.values():
            stream.close()

    def _again(self, number: int, entry: Entry, body: Content | None, streams: dict[int, LastingBody]) -> None:
        stream = streams.get(entry.get("read") or entry.get("close") or 0)
        fake = self.begun(entry["world"]) if stream is None else stream.fake
        fake.slept(entry.get("passed", 0))
        if stream is None:
            response = self._act(self._request_of(entry, body), entry["world"], fake, number)
            if isinstance(response.body, LastingBody):
                streams[number] = response.body
        elif "read" in entry:
            stream.body.read(entry.get("patience"))
        else:
            del streams[stream.number]
            stream.body.close()

    def _request_of(self, entry: Entry, body: Content | None) -> Request:
        request = entries.request_of(entry, self.options.api_key or STAND_IN, body)
        if not control.is_ours(request):
            return request
        # it was let in then, by whatever name and token
        return replace(request, headers={**request.headers, "host": "localhost", TOKEN_HEADER: self.token or ""})


@dataclass(frozen=True)
class LastingBody:
    """A stream while a client reads it: each piece is an entry, and so is its closing."""

    body: Body
    worlds: LastingWorlds
    world: str
    fake: FakeAssistants
    number: int

    @property
    def now(self) -> float:
        return self.body.now

    def wait(self) -> float:
        with self.worlds.turn(self.world):
            self.worlds.keep_pace(self.fake)
            return self.body.wait()

    def read(self, patience: float | None = None) -> bytes | None:
        entry = {"read": self.number} if patience is None else {"read": self.number, "patience": patience}
        with self.worlds.turn(self.world):
            self.worlds.write(self.fake, entry)
            return self.body.read(patience)

    def close(self) -> None:
        with self.worlds.turn(self.world):
            self.worlds.write(self.fake, {"close": self.number})
            self.body.close()


def _in_world(request: Request, name: str) -> Request:
    """The same request of the control API with the world that it means, for there may be others by now."""
    path, mark, query = request.url.partition("?")
    return replace(request, url=f"{path}?world={name}{mark and '&'}{query}")
