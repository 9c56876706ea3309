"""What the tests that drive the fake through real HTTP clients share: how to send and listen, whatever the client."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import shared_server
from shared_server import OVER_A_SOCKET, base_url
from stream_clients import OWN, RAW, SDK, Caller, available, calling

from harness.fake import FakeAssistants
from harness.installed import installed
from harness.options import make_options

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADERS = {"authorization": "Bearer sk-test"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "in_process: about what a socket hides: a server reads ahead of its client, does not know how patient it is, "
        "and cannot raise anything in it.",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept = [item for item in items if not (item.get_closest_marker("in_process") and OVER_A_SOCKET in item.name)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def pytest_sessionfinish() -> None:
    shared_server.close()


@dataclass
class Wire:
    """Sends requests to a fake through one HTTP library, sync or async, in one API version, intercepted or not."""

    module: Any
    asynchronous: bool
    api: str
    over_a_socket: bool = False
    fake: FakeAssistants = field(init=False)
    options: dict[str, Any] = field(default_factory=dict)

    def start(self, **options: Any) -> FakeAssistants:
        self.fake = FakeAssistants(make_options({"clock": "manual", **options}, where="test"))
        return self.fake

    def send(self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **more: Any):
        sent = {**HEADERS, "openai-beta": f"assistants={self.api}", **(headers or {})}
        sent = {name: value for name, value in sent.items() if value is not None}
        url = (base_url(self.fake) if self.over_a_socket else "https://api.openai.com/v1") + path
        if body is not None:
            more["json"] = body
        with installed(self.fake):
            if not self.asynchronous:
                with self.module.Client() as client:
                    return client.request(method, url, headers=sent, **more)

            async def request() -> Any:
                async with self.module.AsyncClient() as client:
                    return await client.request(method, url, headers=sent, **more)

            return asyncio.run(request())

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = self.send(method, path, body, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(params=["httpx", "httpx2", OWN + OVER_A_SOCKET])
def way(request: pytest.FixtureRequest) -> tuple[Any, bool]:
    name = request.param.removesuffix(OVER_A_SOCKET)
    library = pytest.importorskip(name, reason=f"{name} is not installed with this SDK")
    return library, name != request.param


@pytest.fixture(params=["sync", "async"])
def asynchronous(request: pytest.FixtureRequest) -> bool:
    return request.param == "async"


@pytest.fixture(params=["v1", "v2"])
def api(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def wire(way: tuple[Any, bool], asynchronous: bool, api: str) -> Wire:
    return Wire(way[0], asynchronous, api, over_a_socket=way[1])


@pytest.fixture
def one_wire() -> Wire:
    """The library of this SDK, for what does not depend on the client."""
    return Wire(importlib.import_module(OWN), asynchronous=False, api="v2")


def each_of(ways: tuple[str, ...]) -> Any:
    """A fixture of these clients in turn; a test that wants others names them (`indirect=True`)."""

    @pytest.fixture(params=ways)
    def client(request: pytest.FixtureRequest, assistants: FakeAssistants) -> Iterator[Caller]:
        with calling(available(request.param), assistants) as ready:
            yield ready

    return client


caller, raw, sdk = each_of((*RAW, *SDK)), each_of(RAW), each_of(SDK)
