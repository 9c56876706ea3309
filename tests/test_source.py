"""Acts as source, and that source as the same acts again."""

from __future__ import annotations

import pytest

import harness
from harness import call, calls, cancel, fail, hang, refuse, run_code, say, search, truncate, wait
from harness.source.acts import to_call
from harness.source.values import to_source

QUOTA = fail("rate_limit_exceeded").message
SCRIPTS = {
    'say("It\'s 4 °C")': say("It's 4 °C"),
    'refuse("No.")': refuse("No."),
    'call("get_weather", city="Oslo")': call("get_weather", city="Oslo"),
    'call("f", arguments_json="{")': call("f", arguments_json="{"),
    'calls(call("f"), call("g", x=1))': calls(call("f"), call("g", x=1)),
    'run_code("1 + 1", logs="2")': run_code("1 + 1", logs="2"),
    'run_code("1 + 1", execute=True)': run_code("1 + 1", execute=True),
    'run_code("plot()", images=["a.png", b"PNG", "file-1"])': run_code("plot()", images=["a.png", b"PNG", "file-1"]),
    'run_code("w()", files={"a.csv": b"1,2"})': run_code("w()", files={"a.csv": "1,2"}),
    "search()": search(),
    'search("opening hours")': search("opening hours"),
    "search(results=[])": search(results=[]),
    "fail()": fail(),
    'fail("rate_limit_exceeded")': fail("rate_limit_exceeded"),
    'fail("server_error", "No.")': fail("server_error", "No."),
    f'fail("rate_limit_exceeded", "{QUOTA}")': fail("rate_limit_exceeded", QUOTA),  # which is said on Azure, too
    "truncate()": truncate(),
    'truncate("max_prompt_tokens")': truncate("max_prompt_tokens"),
    "hang()": hang(),
    "cancel()": cancel(),
    'cancel(takes=0, then="failed")': cancel(takes=0, then="failed"),
    "wait(3)": wait(3),
}


@pytest.mark.parametrize("source", SCRIPTS)
def test_the_call_of_an_act_is_as_it_was_written(source):
    act = SCRIPTS[source]
    assert to_source(to_call(act)) == source
    assert eval(source, dict(vars(harness))) == act
