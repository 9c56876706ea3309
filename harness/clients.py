"""Clients of the official SDK that talk to one fake by their own transport, without any interception."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai

from harness.environment import PLACEHOLDER_KEY
from harness.service.dialects import AZURE_USUAL
from harness.transports.httpx_family import of_the_sdk, transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.http import Request, Response

    Answer = Callable[[Request], Response]

KEY = {"api_key": PLACEHOLDER_KEY}
AZURE = {**KEY, "api_version": AZURE_USUAL, "azure_endpoint": "https://fake.openai.azure.com"}


def sync_client(answer: Answer, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(**{**KEY, "http_client": _http_client("Client", answer), **options})


def async_client(answer: Answer, **options: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(**{**KEY, "http_client": _http_client("AsyncClient", answer), **options})


def azure_client(answer: Answer, **options: Any) -> openai.AzureOpenAI:
    return openai.AzureOpenAI(**{**AZURE, "http_client": _http_client("Client", answer), **options})


def _http_client(kind: str, answer: Answer) -> Any:
    module = of_the_sdk()
    return getattr(module, kind)(transport=transport(module, answer))
