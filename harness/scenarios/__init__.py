"""Scenarios: scripts, objects and faults as data, from a file or from the network.

Every act, condition and fault has the name and the parameters of the Python function, because they are derived from it
(`verbs.py`). The key that names the function holds its first argument; other arguments are keys beside it:

>>> act({"fail": "server_error", "message": "Out of order."}, where="an example")
Fail(code='server_error', message='Out of order.', beats_cancel=False)

Without a first argument, or to leave it at its default, the value is `true`: `{"hang": true}`. A text in place of an
act is what the assistant says. Bytes are a text, or `{"base64": "…"}`; in scenario files also `{"path": "…"}`, of a
file in the same folder.

A scenario has these sections; a single item is as good as a list with only that item:

- `files`, `vector_stores`, `assistants`, `threads`: objects that exist before the first request, as the bodies of
  the requests that would create them, each with an `id` if wanted. `harness.scenarios.objects`
- `next_run`, `when`, `every_run`: what the model does in which run. `next_run` is a list of acts, or a list of such
  lists, one for each run. `harness.scenarios.scripts`
- `faults`: what goes wrong. `harness.scenarios.faults`

>>> from harness import FakeAssistants
>>> assistants = FakeAssistants()
>>> play(assistants, {"next_run": [{"call": "get_weather", "arguments": {"city": "Oslo"}}, "4 °C"]}, where="an example")
"""

from harness.scenarios.acts import act
from harness.scenarios.dumping import data
from harness.scenarios.json_schema import schema
from harness.scenarios.loading import load
from harness.scenarios.playing import play

__all__ = ["act", "data", "load", "play", "schema"]
