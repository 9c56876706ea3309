"""What the tests that drive the fake through real HTTP clients share: how to send and listen, whatever the client."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from listening import OWN, RAW, SDK, Caller, available, calling

from harness.fake import FakeAssistants
from harness.installed import installed
from harness.options import make_options

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADERS = {"authorization": "Bearer sk-test"}


@dataclass
class Wire:
    """Sends requests to an intercepted fake through one HTTP library, sync or async, in one API version."""

    module: Any
    asynchronous: bool
    api: str
    fake: FakeAssistants = field(init=False)
    options: dict[str, Any] = field(default_factory=dict)

    def start(self, **options: Any) -> FakeAssistants:
        self.fake = FakeAssistants(make_options({"clock": "manual", **options}, where="test"))
        return self.fake

    def send(self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **more: Any):
        sent = {**HEADERS, "openai-beta": f"assistants={self.api}", **(headers or {})}
        sent = {name: value for name, value in sent.items() if value is not None}
        url = f"https://api.openai.com/v1{path}"
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


@pytest.fixture(params=["httpx", "httpx2"])
def family(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param, reason=f"{request.param} is not installed with this SDK")


@pytest.fixture(params=["sync", "async"])
def asynchronous(request: pytest.FixtureRequest) -> bool:
    return request.param == "async"


@pytest.fixture(params=["v1", "v2"])
def api(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def wire(family: Any, asynchronous: bool, api: str) -> Wire:
    return Wire(family, asynchronous, api)


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
