"""Scenarios: what a user scripts in Python, as data that stands in a file or comes over the network.

Every act, condition and fault has the name and the parameters that it has in Python, because they are read off the
functions themselves (`verbs.py`). The key that names a function holds its first argument, the others stand beside it:

>>> act({"fail": "server_error", "message": "Out of order."}, where="an example")
Fail(code='server_error', message='Out of order.', beats_cancel=False)

What has no first argument, or leaves it to its default, says `true`: `{"hang": true}`. A text is what the assistant
says. Bytes are a text, or `{"base64": "…"}`; in scenario files also `{"path": "…"}`, of a file in the same folder.

A scenario has these sections, in each of which a single item may stand for a list of one:

- `files`, `vector_stores`, `assistants`, `threads`: objects that exist before the first request, written as the bodies
  of the requests that would make them, and with an `id` if wanted. `harness.scenarios.objects`
- `next_run`, `when`, `every_run`: what the model does in which run. `next_run` is a list of acts, or a list of such
  lists, one a run. `harness.scenarios.scripts`
- `faults`: what goes wrong. `harness.scenarios.faults`

>>> from harness import FakeAssistants
>>> assistants = FakeAssistants()
>>> play(assistants, {"next_run": [{"call": "get_weather", "arguments": {"city": "Oslo"}}, "4 °C"]}, where="an example")
"""

from harness.scenarios.acts import act
from harness.scenarios.describing import schema
from harness.scenarios.loading import load
from harness.scenarios.playing import play
from harness.scenarios.telling import data

__all__ = ["act", "data", "load", "play", "schema"]
