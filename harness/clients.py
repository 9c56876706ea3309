"""Clients of the official SDK that talk to one fake through a transport of their own, without interception."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai

from harness.environment import PLACEHOLDER_KEY
from harness.service.dialects import AZURE_DEFAULT_VERSION
from harness.transports.httpx_family import sdk_http_library, transport, yield_to_loop

if TYPE_CHECKING:
    from harness.fake import FakeAssistants

KEY = {"api_key": PLACEHOLDER_KEY}
AZURE = {**KEY, "api_version": AZURE_DEFAULT_VERSION, "azure_endpoint": "https://fake.openai.azure.com"}


def sync_client(fake: FakeAssistants, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(**{**KEY, "http_client": _http_client("Client", fake), **options})


def async_client(fake: FakeAssistants, **options: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(**{**KEY, "http_client": _http_client("AsyncClient", fake), **options})


def azure_client(fake: FakeAssistants, **options: Any) -> openai.AzureOpenAI:
    return openai.AzureOpenAI(**{**AZURE, "http_client": _http_client("Client", fake), **options})


def _http_client(kind: str, fake: FakeAssistants) -> Any:
    async def pause(seconds: float) -> None:
        await (fake.pause or yield_to_loop)(seconds)  # read each time, as a client may be older than `installed`

    module = sdk_http_library()
    return getattr(module, kind)(transport=transport(module, fake.answer, pause))
