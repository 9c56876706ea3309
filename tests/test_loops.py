"""Which loop a client is in, and for which statuses it waits: read from sources of many forms."""

from __future__ import annotations

import _thread
import ast
import asyncio
import contextvars
import linecache
import sys
import threading
from contextlib import contextmanager
from textwrap import dedent

import anyio
import anyio.to_thread
import pytest

from harness.loops import enclosing_loop
from harness.loops.enclosing import enclosing_loops
from harness.service.lifecycle import RUN, reachable, terminal
from harness.service.stuck import STATUSES, Loop
from harness.sleeping import virtual_sleep

ENDS = "cancelled completed expired failed incomplete"
BUT_QUEUED = f"in_progress requires_action cancelling {ENDS}"


def loops(source: str, mark: str = "look(") -> list[Loop]:
    """The loops around the line in which the request is made."""
    source = dedent(source).lstrip("\n")
    line = next(number for number, text in enumerate(source.splitlines(), 1) if mark in text)
    return list(enclosing_loops(source, line, "app.py"))


def the_loop(source: str) -> Loop:
    return loops(source)[0]


WAITS = {
    "while not equal": ('while run.status != "completed":\n    run = look(run)', "completed"),
    "while equal": ('while run.status == "queued":\n    run = look(run)', BUT_QUEUED),
    "while in": (
        'while run.status in ("queued", "in_progress"):\n    run = look(run)',
        f"requires_action cancelling {ENDS}",
    ),
    "while not in": ('while run.status not in ["completed", "failed"]:\n    run = look(run)', "completed failed"),
    "while not (equal or equal)": (
        'while not (run.status == "completed" or run.status == "failed"):\n    run = look(run)',
        "completed failed",
    ),
    "while and": (
        'while run.status != "completed" and run.status != "failed":\n    run = look(run)',
        "completed failed",
    ),
    "the text comes first": ('while "completed" != run.status:\n    run = look(run)', "completed"),
    "by key": ('while run["status"] != "completed":\n    run = look(run)', "completed"),
    "by get": ('while run.get("status") != "completed":\n    run = look(run)', "completed"),
    "a variable that is named otherwise": ('while state != "completed":\n    state = look(run)', "completed"),
    "walrus of the run": ('while (run := look(run)).status != "completed":\n    pass', "completed"),
    "walrus of the status": ('while (status := look(run).status) != "completed":\n    pass', "completed"),
    "walrus that is awaited": ('while (status := await look(run)) != "completed":\n    pass', "completed"),
    "walrus of the comparison": (
        'while waits := run.status != "completed":\n    run = look(run)',
        "completed",
    ),
    "for and break": (
        'for attempt in range(9):\n    run = look(run)\n    if run.status == "completed":\n        break',
        "completed",
    ),
    "async for": (
        """
        async def main():
            async for tick in ticks():
                run = look(run)
                if run.status == "failed":
                    break
        """,
        "failed",
    ),
    "a call that is a constant": (
        'ENDED = set(["completed"])\nwhile run.status not in ENDED:\n    run = look(run)',
        "completed",
    ),
    "if and return, elif and raise": (
        """
        def wait_on_run(run):
            while True:
                run = look(run)
                if run.status == "completed":
                    return run
                elif run.status in {"failed", "expired"}:
                    raise RuntimeError(run.status)
                time.sleep(1)
        """,
        "completed failed expired",
    ),
    "else and break": (
        'while True:\n    run = look(run)\n    if run.status != "completed":\n        continue\n    break',
        "completed",
    ),
    "nested ifs": (
        """
        while True:
            run = look(run)
            if run.status not in ("queued", "in_progress"):
                if run.status == "completed":
                    break
        """,
        "completed",
    ),
    "match": (
        """
        while True:
            match look(run).status:
                case "completed" | "failed":
                    break
                case "queued":
                    pass
                case "expired" as end:
                    return end
                case "cancelled" if patient:
                    break
                case [1]:
                    break
                case status:
                    print(status)
        """,
        "completed failed expired",
    ),
    "match without a last case": (
        'while True:\n    match look(run).status:\n        case "completed":\n            break',
        "completed",
    ),
    "a flag": (
        """
        done = False
        while not done:
            run = look(run)
            if run.status == "completed":
                done = True
        """,
        "completed",
    ),
    "within try and with": (
        """
        while True:
            try:
                with lock:
                    run = look(run)
                    if run.status == "completed":
                        break
                if run.status == "failed":
                    raise RuntimeError
            except RuntimeError:
                pass
        """,
        "completed",
    ),
    "with a call that suppresses nothing": (
        'while True:\n    with open("x"):\n        if look(run).status == "failed":\n            raise RuntimeError',
        "failed",
    ),
    "assert": (
        'while True:\n    run = look(run)\n    assert run.status != "failed"\n    assert run.status',
        "failed",
    ),
    "constants of the file": (
        """
        ENDED = frozenset({"completed", "failed"})
        def wait(run):
            while look(run).status not in ENDED:
                sleep(1)
        """,
        "completed failed",
    ),
    "the same constants in two functions": (
        """
        def wait(run):
            ended = ["completed"]
            while run.status not in ended:
                run = look(run)
        async def wait_async(run):
            ended = ["completed"]
        """,
        "completed",
    ),
    "members of an enumeration": (
        """
        class Status(Enum):
            DONE: str = "completed"
        while look(run).status != Status.DONE.value:
            sleep(1)
        """,
        "completed",
    ),
    "named tuple of constants": (
        """
        TERMINAL_STATUSES = ("completed", "failed")
        while state not in TERMINAL_STATUSES:
            state = look(run)
        """,
        "completed failed",
    ),
}


@pytest.mark.parametrize(("source", "waits_for"), WAITS.values(), ids=WAITS)
def test_what_a_loop_waits_for(source, waits_for):
    assert the_loop(source).waits_for == frozenset(waits_for.split())


NOTHING = {
    "a counter": "while tries < 5:\n    run = look(run)\n    tries += 1",
    "another function": "while not done(run):\n    run = look(run)",
    "a status that is told": "while run.status != wanted:\n    run = look(run)",
    "a status that was before": """
        status = "queued"
        while run.status == status:
            run = look(run)
            status = now()
        """,
    "a status, whatever it is named": "while wanted != run.status:\n    run = look(run)",
    "a key that is another": 'while run["state"] != run.get("phase"):\n    run = look(run)',
    "an argument": 'end = "failed"\ndef wait(run, end):\n    while run.status != end:\n        run = look(run)',
    "statuses of something else": 'while job.state != "done":\n    look(run)',
    "a list that is not constant": 'while run.status not in ["completed", other]:\n    run = look(run)',
    "a chain": 'while "a" < run.status < "b":\n    run = look(run)',
    "a number": "while run.status != 3:\n    run = look(run)",
    "a break of an inner loop": """
        while True:
            look(run)
            for x in y:
                if x.status == "failed":
                    break
        """,
    "an exception for an attempt": """
        for attempt in tenacity.Retrying():
            with attempt:
                run = look(run)
                if run.status != "completed":
                    raise Unfinished
        """,
    "a loop that ends in any case": "while True:\n    look(run)\n    break",
    "a function that is defined in it": "while True:\n    look(run)\n    def leave():\n        return 1",
}


@pytest.mark.parametrize("source", NOTHING.values(), ids=NOTHING)
def test_a_loop_that_waits_for_no_status_in_sight(source):
    assert the_loop(source).waits_for == frozenset()


def test_where_a_loop_is_and_what_its_first_line_says():
    loop = the_loop('run = start()\n\nwhile run.status != "completed":  # patiently\n    run = look(run)')
    assert (loop.file, loop.line, loop.source) == ("app.py", 3, 'while run.status != "completed":  # patiently')


def test_loops_are_innermost_first_and_within_one_function():
    outer, inner = "for city in cities:", 'while run.status != "completed":'
    assert [loop.source for loop in loops(f"{outer}\n    {inner}\n        look(run)")] == [inner, outer]
    within = f"{outer}\n    def wait(run):\n        {inner}\n            look(run)"
    assert [loop.source for loop in loops(within)] == [inner]


@pytest.mark.parametrize(
    "source",
    [
        "for message in look(run):\n    print(message)",
        "while waiting:\n    sleep(1)\nlook(run)",
        "while waiting:\n    sleep(1)\nelse:\n    look(run)",
        "for city in cities:\n    sleep(1)\nelse:\n    look(run)",
        "look(run) this is not Python",
    ],
    ids=["head of a for", "behind", "else of a while", "else of a for", "no Python"],
)
def test_code_that_runs_once_is_in_no_loop(source):
    assert loops(source) == []


# --- certainty ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    ["time.sleep(1)", "await asyncio.sleep(1)", "print(run.status)", "seen.append(run)", "step = 1", "pass"],
)
def test_a_loop_that_certainly_never_ends(body):
    loop = the_loop(f'async def main():\n    while run.status != "completed":\n        run = look(run)\n        {body}')
    assert loop.stays_on == frozenset(STATUSES) - {"completed"}
    assert {status for status in STATUSES if loop.never_ends(status)} == terminal(RUN) - {"completed"}


WAITING = 'while run.status != "completed":\n    '
MAY_END = {
    "an exception that is suppressed": WAITING + "with suppress(Gone):\n        look(run)\n        raise Gone",
    "and": 'while run.status != "completed" and tries < 5:\n    look(run)',
    "break": WAITING + "look(run)\n    if tries > 5:\n        break",
    "a call": WAITING + "look(run)\n    check(run)",
    "a call of a method": WAITING + "look(run)\n    deadline.check()",
    "assert": WAITING + "look(run)\n    assert tries < 5",
    "yield": WAITING + "look(run)\n    yield run",
    "raise in an inner loop": WAITING + "look(run)\n    for step in steps:\n        raise Bad",
    "return in an inner loop": WAITING + "look(run)\n    while bad:\n        return",
    "for": 'for attempt in range(9):\n    look(run)\n    if run.status == "completed":\n        break',
    "match of something else": WAITING + "look(run)\n    match run.id:\n        case 5:\n            break",
    "guard": WAITING + "match look(run).status:\n        case x if x != y:\n            break",
    "a refusal": WAITING + "try:\n        look(run)\n    except Refused:\n        break",
    "another exception": WAITING + "try:\n        look(run)\n    except Refused:\n        raise Gone",
    "a condition that nobody knows": "while waiting:\n    look(run)",
}


@pytest.mark.parametrize("source", MAY_END.values(), ids=MAY_END)
def test_a_loop_that_may_end_in_another_way(source):
    assert not any(the_loop(source).never_ends(status) for status in STATUSES)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="`except*` came with Python 3.11")
@pytest.mark.parametrize(
    "source", [WAITS["within try and with"][0], MAY_END["another exception"]], ids=["caught", "raised anew"]
)
def test_exceptions_in_groups_are_caught_as_others_are(source):
    assert the_loop(source.replace("except", "except*")) == the_loop(source)


@pytest.mark.parametrize(
    "status",
    ["run.status", "new_status", 'run["status"]', 'run.get("status")', "(status := run.status)", "await status()"],
)
def test_a_word_that_is_no_status_is_never_reached(status):
    loop = the_loop(f'async def main():\n    while {status} not in ("done", "canceled"):\n        run = look(run)')
    strange = status != "await status()"  # a call may give anything
    assert loop.unknown == (("canceled", "done") if strange else ())
    assert loop.stays_on == (frozenset(STATUSES) if strange else frozenset())
    assert loop.never_ends("queued") == strange


def test_what_may_still_come_ends_a_loop():
    loop = the_loop('while run.status != "failed":\n    run = look(run)')
    assert loop.never_ends("completed")
    assert not loop.never_ends("queued")


def test_what_rows_lead_to():
    assert reachable(RUN, "new") == frozenset(STATUSES)
    assert reachable(RUN, "cancelling") == {"cancelled", "completed", "failed", "expired"}
    assert "requires_action" in reachable(RUN, "requires_action")
    assert {reachable(RUN, end) for end in terminal(RUN)} == {frozenset()}


# --- the stack ----------------------------------------------------------------------------------------------


def ask() -> Loop | None:
    return enclosing_loop()


def test_the_loop_may_be_in_a_function_that_calls_the_one_with_the_request():
    while True:
        loop = ask()
        status = "completed"
        if status == "completed":
            break
    assert loop is not None
    assert (loop.file, loop.source, loop.waits_for) == ("test_loops.py", "while True:", {"completed"})


def test_a_loop_that_waits_for_a_status_is_preferred_and_else_the_innermost():
    status = ""
    while status != "failed":
        for _ in range(1):
            for _ in range(1):
                loop = ask()
        status = "failed"
    assert loop is not None
    assert loop.source == 'while status != "failed":'
    for _ in range(1):
        for _inner in range(1):
            loop = ask()
    assert loop is not None
    assert loop.source == "for _inner in range(1):"


async def async_ask() -> Loop | None:
    await asyncio.sleep(0)
    return enclosing_loop()


def test_the_loop_of_a_coroutine_is_found_through_what_awaits():
    async def main() -> Loop | None:
        while True:
            loop = await asyncio.wait_for(asyncio.wait_for(async_ask(), 5), 5) if wrapped else await async_ask()
            status = "completed"
            if status == "completed":
                return loop

    for wrapped in (False, True):
        loop = asyncio.run(main())
        # before Python 3.12 `wait_for` made a task, which has a stack of its own
        assert loop is None if wrapped and loop is None else loop.waits_for == {"completed"}


async def polls(look):
    status = ""
    while status != "completed":
        await asyncio.sleep(1)
        loop = await look()
        status = "completed"
    return loop


async def waits_for_something_else(look):
    status = ""
    while status != "failed":
        await look()
        status = "failed"


async def sleeps(look):
    status = ""
    while status != "failed":
        await asyncio.sleep(3600)
        await look()
        status = "failed"


ELSEWHERE = {
    "to_thread": lambda: asyncio.to_thread(ask),
    "executor": lambda: asyncio.get_running_loop().run_in_executor(None, ask),
    "anyio": lambda: anyio.to_thread.run_sync(ask),
    "task": lambda: asyncio.ensure_future(async_ask()),
    "wait_for": lambda: asyncio.wait_for(async_ask(), 60),
}


@pytest.mark.parametrize("look", ELSEWHERE.values(), ids=ELSEWHERE)
def test_the_loop_of_a_task_that_waits_for_a_thread_or_another_task_is_found(look):
    with virtual_sleep(lambda seconds: None):
        loop = asyncio.run(polls(look))
    assert loop is not None
    assert (loop.source, loop.waits_for) == ('while status != "completed":', {"completed"})


@pytest.mark.parametrize(("other", "found"), [(waits_for_something_else, False), (polls, True), (sleeps, True)])
def test_among_several_loops_of_tasks_there_is_no_telling(other, found):
    async def both():
        waiting = asyncio.ensure_future(other(asyncio.Event().wait))
        loop = await polls(ELSEWHERE["task"])
        waiting.cancel()
        return loop

    with virtual_sleep(lambda seconds: None):
        loop = asyncio.run(both())
    assert (loop is not None) == found
    assert loop is None or not loop.never_ends("failed")


def test_loops_of_event_loops_threads_and_pytest_are_not_the_clients():
    found = []
    thread = threading.Thread(target=lambda: found.append(ask()))
    thread.start()
    thread.join()
    assert [ask(), asyncio.run(async_ask()), contextvars.copy_context().run(ask), *found] == [None] * 4


def test_code_without_a_source_is_ignored():
    code = compile("while True:\n    found = ask()\n    break", "<cell>", "exec")
    names: dict[str, object] = {"ask": ask}
    for _ in range(1):
        exec(code, names)
    assert names["found"] is None


def module(name: str, source: str, **names: object) -> dict[str, object]:
    """A module that is imported from nowhere, whose source is known."""
    file = f"/somewhere/{name.replace('.', '/')}.py"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names["__name__"] = name
    exec(compile(source, file, "exec"), names)
    return names


def test_a_scheduler_that_runs_a_function_again_and_again_is_no_loop_of_the_client():
    scheduler = module("apscheduler.executors", "def run_job(ask):\n    for _ in range(1):\n        return ask()\n")
    assert scheduler["run_job"](ask) is None


def test_the_sources_of_a_deep_stack_are_read_once(monkeypatch):
    """As a view of a web framework has it, whose loop may go round 300 times."""
    step = "def step(rest):\n    for _ in range(1):\n        return rest[0](rest[1:])\n"
    stack = [module(f"layer_{number}", f"{step}# {number}")["step"] for number in range(60)]
    stack.append(lambda rest: ask())
    parsed, parse = [], ast.parse
    with monkeypatch.context() as patched:
        patched.setattr(ast, "parse", lambda source: parsed.append(source) or parse(source))
        for _ in range(2):
            stack[0](stack[1:])
    assert len([source for source in parsed if source.startswith(step)]) == 60


POLLER = """
def poll(ask):
    terminal_states = {"completed", "failed"}
    while True:
        found = ask()
        status = "completed"
        if status in terminal_states:
            return found
def create_and_poll(ask):
    return poll(ask)
def request(ask):
    for attempt in range(1):
        return ask()
"""


def test_a_poller_of_the_sdk_is_named_with_the_line_that_called_it():
    sdk = module("openai.resources.runs", POLLER)
    loop = sdk["create_and_poll"](ask)
    assert loop is not None
    assert (loop.helper, loop.file, loop.waits_for) == ("create_and_poll", "test_loops.py", {"completed", "failed"})
    assert loop.source == 'loop = sdk["create_and_poll"](ask)'
    assert sdk["request"](ask) is None


def test_a_thread_with_nothing_below_the_function_it_runs():
    found, done = [], threading.Event()

    def note():
        sys.settrace(threading.gettrace())  # threads of this kind are overlooked by what measures coverage
        found.append(enclosing_loop())
        found.append(enclosing_loop())
        done.set()

    for function in (module("openai.resources.runs", POLLER)["poll"], note):
        done.clear()
        _thread.start_new_thread(function, (note,) if function is not note else ())
        assert done.wait(10)
    assert [loop and loop.helper for loop in found] == ["poll", "poll", None, None]


def test_a_form_feed_ends_no_line():
    """Old sources have one between their parts."""
    source = 'def look(run): ...\n\f\ndef wait(run):\n    while run.status != "completed":\n        run = look(run)\n'
    [loop] = enclosing_loops(source, 5, "app.py")
    assert (loop.line, loop.source) == (4, 'while run.status != "completed":')


@pytest.mark.parametrize(
    ("source", "counts"),
    [
        ("for attempt in range(9):\n    look(run)", True),
        ("for attempt, pause in enumerate(range(9)):\n    look(run)", True),
        ("for attempt in range(9):\n    look(run)\n    print(time.time())", True),
        ("while tries < 60:\n    look(run)", True),
        ("while True:\n    look(run)\n    if tries >= 60:\n        break", True),
        ("for attempt in tenacity.Retrying():\n    look(run)", True),
        ("async def main():\n    async for attempt in stamina.retry_context():\n        look(run)", True),
        ("while tries < 60:\n    look(run)\n    print(time.time())", True),
        ("while tries < 60:\n    run, seen = look(run), time.time()", True),
        ("while tries < 60:\n    look(run)\n    took = time.time() - start\n    if took > 60:\n        break", True),
        ("while True:\n    look(run)\n    took = time.time() - start\n    if took > 60:\n        break", False),
        ('while run.status != "completed":\n    look(run)', False),
        ("for change in changes:\n    look(run)", False),
        ("while True:\n    look(run)\n    for _ in range(9):\n        print()", False),
        ("while True:\n    look(run)\n    if time.time() - start > 60:\n        break", False),
    ],
)
def test_whether_a_loop_counts_its_rounds(source, counts):
    assert the_loop(source).counts == counts


# --- deadlines ------------------------------------------------------------------------------------------------

IMPORTS = (
    "import time, datetime, asyncio as aio\nfrom time import monotonic as now\nfrom datetime import datetime as dt\n"
)


@pytest.mark.parametrize(
    ("call", "function"),
    [
        ("time.time()", "time.time"),
        ("time.monotonic()", "time.monotonic"),
        ("now()", "time.monotonic"),
        ("dt.now(UTC)", "datetime.datetime.now"),
        ("datetime.datetime.utcnow()", "datetime.datetime.utcnow"),
        ("self.loop.time()", "asyncio.loop.time"),
        ("aio.get_running_loop().time()", "asyncio.loop.time"),
        ("race.time()", None),
        ("time.sleep(1)", None),
    ],
)
def test_what_a_loop_reads_the_time_from(call, function):
    loop = the_loop(f"{IMPORTS}while {call} < end:\n    look(run)")
    assert [deadline.function for deadline in loop.clocks] == ([function] if function else [])


TIMEOUTS = {
    "around the loop": ("with aio.timeout(5):\n    {}", ["aio.timeout"]),
    "around what is around it": (
        "with lock, anyio.fail_after(5):\n    for city in cities:\n        with open(city):\n            {}",
        ["anyio.fail_after"],
    ),
    "none": ("with lock:\n    {}", []),
    "around the function": ("with aio.timeout(5):\n    def wait(run):\n        {}", []),
}


@pytest.mark.parametrize(("source", "found"), TIMEOUTS.values(), ids=TIMEOUTS)
def test_timeouts_around_a_loop(source, found):
    loop = the_loop(source.format('while run.status != "completed": look(run)'))
    assert [timeout.call for timeout in loop.timeouts] == found
    assert loop.never_ends("failed") == (not found)


def test_a_timeout_within_a_loop_does_not_end_it():
    loop = the_loop('while run.status != "completed":\n    with aio.timeout(5):\n        look(run)')
    assert loop.timeouts == ()


@contextmanager
def fail_after(seconds):
    yield seconds


def test_a_timeout_may_be_in_a_function_that_calls_the_one_with_the_loop():
    def wait() -> Loop | None:
        status = ""
        while status != "completed":
            loop = ask()
            status = "completed"
        return loop

    with fail_after(5):
        loop = wait()
    assert loop is not None
    assert [timeout.call for timeout in loop.timeouts] == ["fail_after"]


# --- libraries that repeat calls --------------------------------------------------------------------------------

REPEATER = """
def retrying(ask):
    while True:
        return ask()
def retry(ask):
    return retrying(ask)
"""


def test_a_loop_of_a_library_that_repeats_calls_is_shown_where_it_is_called():
    tenacity = module("tenacity.nap", REPEATER)
    loop = tenacity["retry"](ask)
    assert loop is not None
    assert (loop.helper, loop.file, loop.source) == ("tenacity", "test_loops.py", 'loop = tenacity["retry"](ask)')
    assert loop.counts
    assert [clock.fix.partition(",")[0] for clock in loop.clocks] == ['monkeypatch.setattr("tenacity.time"']


def test_a_loop_that_waits_for_a_status_is_preferred_to_one_of_such_a_library():
    tenacity, status = module("tenacity.nap", REPEATER), ""
    while status != "failed":
        loop = tenacity["retry"](ask)
        status = "failed"
    assert loop is not None
    assert (loop.helper, loop.waits_for) == (None, {"failed"})
