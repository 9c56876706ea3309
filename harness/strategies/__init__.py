"""Hypothesis strategies for everything that clients of the Assistants API send, meet and record.

`texts`, `metadata`, `tools`, `messages` and `requests` draw what clients send (in v2), `stories` what the model does in
a run, `fault_plans` what goes wrong on the way, and `sessions` mutations of a recorded session. Needs the extra
`hypothesis`.

`valid=True` draws what the service accepts, `valid=False` what it refuses with a 400, `valid=None` either.

>>> from hypothesis import given, settings
>>> from harness import FakeAssistants, say
>>> @settings(max_examples=5, derandomize=True, database=None)
... @given(stories())
... def every_story_ends(story):
...     assistants = FakeAssistants()
...     assistants.next_run(*story)
...     client = assistants.client()
...     run = client.beta.threads.create_and_run(assistant_id=assistants.add_assistant(instructions="Be brief.").id)
...     assistants.clock.advance(600)
...     run = client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
...     assert run.status in ("completed", "incomplete", "failed", "cancelled", "expired")
>>> every_story_ends()
"""

from __future__ import annotations

from harness.failures import MissingExtra

try:
    import hypothesis  # noqa: F401 - belongs to an extra; missed here, before anything below needs it
except ImportError as error:
    raise MissingExtra(
        "harness.strategies and harness.machine need Hypothesis, which is not installed.",
        do='pip install "pytest-assistants[hypothesis]"',
    ) from error

# isort: split
from harness.strategies.bodies import messages
from harness.strategies.fields import functions, metadata, tools
from harness.strategies.plans import Plan, fault_plans
from harness.strategies.sending import requests
from harness.strategies.sessions import sessions
from harness.strategies.stories import stories
from harness.strategies.texts import texts

__all__ = [
    "Plan",
    "fault_plans",
    "functions",
    "messages",
    "metadata",
    "requests",
    "sessions",
    "stories",
    "texts",
    "tools",
]
