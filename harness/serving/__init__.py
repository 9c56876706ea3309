"""The fake behind a URL: `serve` keeps a world for every API key, `serve_one` serves a single existing fake."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from harness import scenarios
from harness.loopback import is_loopback
from harness.service.dialects import AZURE_DEFAULT_VERSION
from harness.serving.cors import with_cors
from harness.serving.persistent import PersistentWorlds
from harness.serving.real_time import RealTime
from harness.serving.worlds import OneWorld, Worlds
from harness.transports.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.fake import FakeAssistants
    from harness.options import Options

KEY = "sk-pytest-assistants"
# Seconds that open requests have to finish when the server stops.
GRACE = 5


@dataclass(frozen=True)
class Server:
    """A running server: its address, and what programs need to reach it.

    Attributes:
        url: scheme, host and port, without a path.
        worlds: the fakes that it serves.
        key: an API key to use; any other works too, unless the options name one.
    """

    url: str
    worlds: Worlds
    key: str = KEY

    @property
    def base_url(self) -> str:
        """The base URL for clients of OpenAI."""
        return f"{self.url}/v1"

    @property
    def inspector(self) -> str:
        """The URL of the page that shows what happens, for a browser."""
        return f"{self.url}/_harness/" + (f"?token={quote(self.worlds.token)}" if self.worlds.token else "")

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point the official clients, in any language, to this server.

        subprocess.run(["node", "app.mjs"], env={**os.environ, **server.environment})
        """
        return {
            "OPENAI_BASE_URL": self.base_url,
            "OPENAI_API_KEY": self.key,
            "OPENAI_API_VERSION": AZURE_DEFAULT_VERSION,
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
    tls_cert: str | Path | None = None,
    tls_key: str | Path | None = None,
) -> Iterator[Server]:
    """While active, serve a fake for every API key at an address of this machine.

    Args:
        options: the options of every world.
        host: the address to listen on. With one that is not loopback, other machines can reach the fake.
        port: the port, or 0 for a free one.
        scenario: a scenario file that is played into every new world.
        time: `virtual`, or `real`: runs then take as long as they say, streams come as fast as they would, and clocks
            are `timed`.
        spare_waiting: tell clients by headers not to wait between polls and before retries. The real service did not.
        execute: whether scripts that come over the network may execute cells; those in `scenario` always may.
        token: the token that the control API requires. If `host` is not loopback and none is given, one is generated.
        state: a journal of all requests: the next server with this file continues where the last one ended, even if
            that was killed. It holds what clients sent, but no keys, and grows with every request; delete it to start
            over. See `harness.serving.persistent.PersistentWorlds`.
        tls_cert: a certificate as PEM, with which the server speaks HTTPS.
        tls_key: its private key, unless that is in the same file.

    Raises:
        HarnessFailure: the scenario is invalid, the extra `server` is not installed, the address is not available, the
            certificate cannot be used, real time is combined with `clock="manual"`, or the state file is damaged,
            cannot be written, or belongs to a server with other options.
    """
    make_worlds = Worlds if state is None else partial(PersistentWorlds, state)
    worlds = make_worlds(
        options,
        scenario=None if scenario is None else scenarios.load(scenario),
        token=token or (None if is_loopback(host) else secrets.token_urlsafe(16)),
        execute=execute,
        spare_waiting=spare_waiting,
        real_time=RealTime() if time == "real" else None,
    )
    try:
        worlds.for_key(worlds.options.api_key or KEY)  # an invalid scenario is reported now
        with serving(
            with_cors(worlds),
            host=host,
            port=port,
            real_time=time == "real",
            inline=worlds.answers_inline,
            grace=GRACE,
            tls_cert=tls_cert,
            tls_key=tls_key,
        ) as url:
            yield Server(url, worlds, worlds.options.api_key or KEY)
    finally:
        worlds.close()


@contextmanager
def serve_one(
    fake: FakeAssistants,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    spare_waiting: bool = True,
    tls_cert: str | Path | None = None,
    tls_key: str | Path | None = None,
) -> Iterator[Server]:
    """While active, serve one fake for every API key; requests over the network move its clock as any others do.

    Raises:
        HarnessFailure: the extra `server` is not installed, the address is not available, or the certificate cannot be
            used.
    """
    token = None if is_loopback(host) else secrets.token_urlsafe(16)
    worlds = OneWorld(fake, token=token, spare_waiting=spare_waiting)
    answer = with_cors(worlds)
    with serving(answer, host=host, port=port, grace=GRACE, tls_cert=tls_cert, tls_key=tls_key) as url:
        yield Server(url, worlds)
