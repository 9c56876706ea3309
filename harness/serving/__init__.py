"""The fake at an address: `serve` has a world for every API key, `serve_one` serves a fake that is there."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from harness import scenarios
from harness.loopback import is_loopback
from harness.service.dialects import AZURE_USUAL
from harness.serving.lasting import LastingWorlds
from harness.serving.pace import Pace
from harness.serving.worlds import OneWorld, Worlds
from harness.transports.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.fake import FakeAssistants
    from harness.options import Options

KEY = "sk-pytest-assistants"
# Requests under way have so long to end when the server does.
GRACE = 5


@dataclass(frozen=True)
class Server:
    """A server that runs: where it is, and what programs need to find it.

    Attributes:
        url: without a path.
        worlds: what it serves.
        key: an API key to use; any other will do as well.
    """

    url: str
    worlds: Worlds
    key: str = KEY

    @property
    def base_url(self) -> str:
        """For clients of OpenAI."""
        return f"{self.url}/v1"

    @property
    def inspector(self) -> str:
        """A page that shows what happens, for a browser."""
        return f"{self.url}/_harness/" + (f"?token={quote(self.worlds.token)}" if self.worlds.token else "")

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point the official clients, in any language, to this server.

        subprocess.run(["node", "app.mjs"], env={**os.environ, **server.environment})
        """
        return {
            "OPENAI_BASE_URL": self.base_url,
            "OPENAI_API_KEY": self.key,
            "OPENAI_API_VERSION": AZURE_USUAL,
            "AZURE_OPENAI_ENDPOINT": self.url,
            "AZURE_OPENAI_API_KEY": self.key,
        }


@contextmanager
def serve(
    options: Options | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    scenario: Path | None = None,
    time: Literal["virtual", "real"] = "virtual",
    spare_waiting: bool = False,
    execute: bool = False,
    token: str | None = None,
    state: Path | None = None,
) -> Iterator[Server]:
    """While active, there is a fake for every API key at an address of this machine.

    Args:
        options: those of every world.
        host: the address to listen on. Whoever reaches one that is not this machine's own reaches the fake.
        port: the port, or 0 for a free one.
        scenario: a file with what every world begins with.
        time: `virtual`, or `real`: runs then take as long as they say, streams come as fast as they would, and clocks
            are `timed`.
        spare_waiting: tell clients not to wait between polls and before they try again. The real service did not.
        execute: whether scripts that come over the network may execute cells; those of `scenario` may.
        token: what the control API asks for. Off this machine it is never open: without one, one is made.
        state: a file that keeps what came in: whenever the server ends, also if it is killed, the next one with this
            file goes on where it ended. It has all that clients sent, but no keys, and grows with every request; delete
            it to begin anew. See `harness.serving.lasting.LastingWorlds`.

    Raises:
        HarnessFailure: the scenario is wrong, the extra `server` is not installed, or the address cannot be had; real
            time meets `clock="manual"`; or the state is that of a server with other options, is damaged, or cannot be
            kept.
    """
    begin = Worlds if state is None else partial(LastingWorlds, state)
    worlds = begin(
        options,
        scenario=None if scenario is None else scenarios.load(scenario),
        token=token or (None if is_loopback(host) else secrets.token_urlsafe(16)),
        execute=execute,
        spare_waiting=spare_waiting,
        pace=Pace() if time == "real" else None,
    )
    try:
        worlds.of(worlds.options.api_key or KEY)  # a scenario that does not fit is told now
        with serving(
            worlds.answer, host=host, port=port, real_time=time == "real", at_once=worlds.at_once, grace=GRACE
        ) as url:
            yield Server(url, worlds, worlds.options.api_key or KEY)
    finally:
        worlds.close()


@contextmanager
def serve_one(
    fake: FakeAssistants, *, host: str = "127.0.0.1", port: int = 0, spare_waiting: bool = True
) -> Iterator[Server]:
    """While active, a fake is at an address too, for every key; what is asked there moves its clock as any request.

    Raises:
        HarnessFailure: the extra `server` is not installed, or the address cannot be had.
    """
    token = None if is_loopback(host) else secrets.token_urlsafe(16)
    worlds = OneWorld(fake, token=token, spare_waiting=spare_waiting)
    with serving(worlds.answer, host=host, port=port, grace=GRACE) as url:
        yield Server(url, worlds)
