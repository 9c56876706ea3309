"""pytest-assistants: a fake OpenAI Assistants API for tests, stateful, offline and deterministic.

A whole test, with the `assistants` fixture:

    from harness import call, say

    def test_agent_asks_for_the_weather(assistants):
        assistants.next_run(call("get_weather", city="Oslo"), say("4 °C and rain"))
        assert my_app.ask("Weather in Oslo?") == "4 °C and rain"

The same without pytest, here with nothing scripted, so that the run completes with a placeholder:

    >>> from harness import fake_assistants
    >>> with fake_assistants() as assistants:
    ...     client = assistants.client()
    ...     assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.")
    ...     client.beta.threads.create_and_run_poll(assistant_id=assistant.id).status
    'completed'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.endings import RunEnding
    from harness.exploring import Findings, explore
    from harness.failures import HarnessFailure
    from harness.fake import FakeAssistants
    from harness.installed import fake_assistants
    from harness.scripting import run_code
    from harness.service.acts import (
        call,
        calls,
        cancel,
        fail,
        hang,
        refuse,
        say,
        search,
        truncate,
        wait,
    )
    from harness.service.http import Request, Response
    from harness.service.views import RunView
    from harness.serving.remote import connect

__version__ = "0.1.0"

# The module of each public name. They are imported on first use: pytest loads this package at every start, also for
# the many runs that never use it.
_MODULES = {
    "FakeAssistants": "harness.fake",
    "Findings": "harness.exploring",
    "HarnessFailure": "harness.failures",
    "Request": "harness.service.http",
    "Response": "harness.service.http",
    "RunEnding": "harness.endings",
    "RunView": "harness.service.views",
    "call": "harness.service.acts",
    "calls": "harness.service.acts",
    "cancel": "harness.service.acts",
    "connect": "harness.serving.remote",
    "explore": "harness.exploring",
    "fail": "harness.service.acts",
    "fake_assistants": "harness.installed",
    "hang": "harness.service.acts",
    "refuse": "harness.service.acts",
    "run_code": "harness.scripting",
    "say": "harness.service.acts",
    "search": "harness.service.acts",
    "truncate": "harness.service.acts",
    "wait": "harness.service.acts",
}

__all__ = [  # noqa: RUF022 - in the order in which a reader meets them
    "say",
    "call",
    "calls",
    "refuse",
    "run_code",
    "search",
    "wait",
    "fail",
    "truncate",
    "hang",
    "cancel",
    "fake_assistants",
    "explore",
    "connect",
    "FakeAssistants",
    "Findings",
    "HarnessFailure",
    "Request",
    "Response",
    "RunEnding",
    "RunView",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
