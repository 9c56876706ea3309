"""What `virtual_sleep` promises: sleeping takes no time, reports it, and keeps concurrent sleepers in order."""

from __future__ import annotations

import _thread
import asyncio
import gc
import importlib.util
import selectors
import sys
import threading
import time
import types
import weakref
from importlib.metadata import version
from math import inf, nan

import anyio
import pytest

from harness.failures import HarnessFailure
from harness.patching import unwrap_retired
from harness.sleeping import MAX_REAL_SLEEP, REAL_SLEEPERS, _Clock, _is_idle, virtual_sleep


@pytest.fixture
def slept():
    """The reports, in order, of the sleeps of one test."""
    reports = []
    with virtual_sleep(reports.append):
        yield reports


class LoopOfFewWords(asyncio.SelectorEventLoop):
    """A loop that hides from the harness what it has to run, as uvloop's does."""

    def __getattribute__(self, name):
        if name == "_ready" and sys._getframe(1).f_globals["__name__"].startswith("harness."):
            raise AttributeError(name)
        return super().__getattribute__(name)


def uvloop():
    return pytest.importorskip("uvloop", reason="uvloop is not installed here").new_event_loop()


@pytest.fixture(params=[asyncio.new_event_loop, LoopOfFewWords, uvloop], ids=["asyncio", "blind", "uvloop"])
def run(request):
    """Runs a coroutine on one kind of event loop."""
    loop = request.param()
    yield loop.run_until_complete
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def run_on_trio(function):
    pytest.importorskip("trio", reason="trio is not installed here")
    if version("anyio").startswith("3."):
        pytest.skip("anyio 3 does not work with the trio of today")
    return anyio.run(function, backend="trio")


def module_with(monkeypatch, name="somebodys_module", source="", **names):
    """A loaded module, with names as an import statement leaves them."""
    module = types.ModuleType(name)
    module.__dict__.update(names)
    exec(source, module.__dict__)
    monkeypatch.setitem(sys.modules, f"{name}_for_test", module)
    return module


# ── one sleeper ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_thread_sleeps_at_no_cost(slept):
    time.sleep(86_400)
    time.sleep(0.5)
    assert slept == [86_400, 0.5]


def test_a_task_sleeps_at_no_cost(slept, run):
    async def sleeper():
        await anyio.sleep(3_600)
        return await asyncio.sleep(86_400, "well rested")

    assert run(sleeper()) == "well rested"
    assert slept == [3_600, 86_400]


def test_on_trio_a_sleep_through_anyio_is_reported_and_lets_others_run(slept):
    async def sleeper(name, story):
        story.append(f"{name} lies down")
        await anyio.sleep(3_600)
        story.append(f"{name} gets up")

    async def two():
        story = []
        async with anyio.create_task_group() as group:
            group.start_soon(sleeper, "A", story)
            group.start_soon(sleeper, "B", story)
        await anyio.sleep(0)
        return story

    story = run_on_trio(two)
    assert {line.split(" ", 1)[1] for line in story[:2]} == {"lies down"}
    assert slept == [3_600, 3_600]


def test_equal_sleeps_are_reported_equal(slept, run):
    async def sleeper():
        for _ in range(10):
            await asyncio.sleep(0.1)

    run(sleeper())
    assert slept == [0.1] * 10


@pytest.mark.parametrize("seconds", [0, -1, nan, "1", None, inf * 1j])
def test_what_is_no_time_is_left_to_the_original(seconds):
    def outcome(sleep):
        try:
            return sleep(seconds)
        except (TypeError, ValueError) as refusal:
            return type(refusal), str(refusal)

    def thread_sleep(seconds):
        return time.sleep(seconds)

    def task_sleep(seconds):
        return asyncio.run(asyncio.sleep(seconds, "result"))

    expected = [outcome(thread_sleep), outcome(task_sleep)]
    reports = []
    with virtual_sleep(reports.append):
        assert [outcome(thread_sleep), outcome(task_sleep)] == expected
    assert reports == []


def test_sleeping_for_ever_never_ends(slept):
    async def sleeper():
        forever = asyncio.ensure_future(anyio.sleep(inf))
        await asyncio.sleep(86_400)
        await asyncio.wait([forever], timeout=0.001)
        assert not forever.done()
        forever.cancel()

    asyncio.run(sleeper())
    with pytest.raises(OverflowError):
        time.sleep(inf)
    assert slept == [86_400]


def test_other_threads_get_their_turn_while_one_sleeps(monkeypatch):
    yields = []
    monkeypatch.setattr(time, "sleep", yields.append)
    with virtual_sleep(lambda seconds: None):
        time.sleep(86_400)
    assert yields == [0]


def test_a_failure_of_the_clock_comes_out_at_the_sleeper(run):
    def fail(seconds):
        raise HarnessFailure(f"nobody sleeps {seconds:g} seconds here")

    async def sleeper():
        with pytest.raises(HarnessFailure, match="nobody sleeps 5 seconds here"):
            await asyncio.sleep(5)

    with virtual_sleep(fail):
        run(sleeper())
        with pytest.raises(HarnessFailure, match="nobody sleeps 7 seconds here"):
            time.sleep(7)


# ── concurrent sleepers ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sleep", ["asyncio", "anyio"])
def test_a_watchdog_does_not_bark_while_somebody_polls(slept, run, sleep):
    async def watchdog():
        await sys.modules[sleep].sleep(300)
        raise AssertionError("the watchdog was woken too early")

    async def poll():
        dog = asyncio.ensure_future(watchdog())
        for _ in range(30):
            await asyncio.sleep(1)
        dog.cancel()
        await asyncio.sleep(1)

    run(poll())
    assert slept == [1] * 31


def test_sleepers_wake_in_the_order_of_their_due_times(slept, run):
    woken = []

    async def sleeper(*naps):
        for nap in naps:
            await asyncio.sleep(nap)
        woken.append(sum(naps))

    async def all_of_them():
        await asyncio.gather(sleeper(9), sleeper(1, 4), sleeper(3, 1), sleeper(2))

    run(all_of_them())
    assert woken == [2, 4, 5, 9]
    assert sum(slept) == 9


def test_sleepers_that_are_due_together_run_side_by_side(slept, run):
    story = []

    async def sleeper(name):
        await asyncio.sleep(1)
        for step in range(2):
            story.append(f"{name}{step}")
            await asyncio.sleep(0)

    async def both():
        await asyncio.gather(sleeper("a"), sleeper("b"))

    run(both())
    assert story == ["a0", "b0", "a1", "b1"]
    assert slept == [1]


def test_a_sleeper_waits_for_everything_else_that_can_run(slept, run):
    async def work(story):
        for _ in range(50):
            await asyncio.sleep(0)
        story.append("work done")

    async def sleeper(story):
        await asyncio.sleep(1)
        story.append("woken")

    async def both():
        story = []
        await asyncio.gather(sleeper(story), work(story))
        return story

    assert run(both()) == ["work done", "woken"]


def test_but_not_for_somebody_who_runs_in_circles_until_it_wakes(slept, run):
    async def circles():
        sleeper = asyncio.ensure_future(asyncio.sleep(1))
        while not sleeper.done():
            await asyncio.sleep(0)

    run(circles())
    assert slept == [1]


def test_a_blocking_sleep_makes_tasks_overdue_which_wake_in_order_and_report_nothing_more(slept, run):
    woken = []

    async def sleeper(seconds):
        await asyncio.sleep(seconds)
        woken.append(seconds)

    async def block():
        tasks = [asyncio.ensure_future(sleeper(seconds)) for seconds in (8, 5, 12)]
        await asyncio.sleep(0)
        time.sleep(10)
        await asyncio.gather(*tasks)

    run(block())
    assert woken == [5, 8, 12]
    assert slept == [10, 2]


def test_a_task_cancelled_at_the_moment_it_wakes_is_cancelled(slept, run):
    async def sleeper(others):
        await asyncio.sleep(1)
        for other in others:
            other.cancel()

    async def both():
        others = []
        first = asyncio.ensure_future(sleeper(others))
        others.append(asyncio.ensure_future(asyncio.sleep(1)))
        others.append(asyncio.ensure_future(asyncio.sleep(2)))
        return await asyncio.gather(first, *others, return_exceptions=True)

    first, second, third = run(both())
    assert first is None
    assert isinstance(second, asyncio.CancelledError)
    assert isinstance(third, asyncio.CancelledError)
    assert slept == [1]


def test_a_cancelled_sleeper_takes_no_time_and_nobody_misses_it(slept, run):
    async def sleepers():
        tasks = [asyncio.ensure_future(asyncio.sleep(seconds, "slept well")) for seconds in (1, 2, 2, 3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, second, *others = run(sleepers())
    assert isinstance(first, asyncio.CancelledError)
    assert isinstance(second, asyncio.CancelledError)
    assert others == ["slept well"] * 2
    assert slept == [2, 1]


def test_loops_that_have_ended_are_not_kept_for_who_was_asleep_there(slept):
    loops = []

    async def cancelled_at_the_end():
        loops.append(weakref.ref(asyncio.get_running_loop()))
        sleeper = asyncio.ensure_future(asyncio.sleep(600))
        await asyncio.sleep(0)
        assert not sleeper.done()

    for _ in range(3):
        asyncio.run(cancelled_at_the_end())
    gc.collect()
    assert [loop() is None for loop in loops[:-1]] == [True, True]
    assert slept == []


def test_a_loop_with_nothing_to_run_wakes_its_sleeper_at_once(slept):
    class Counting(selectors.DefaultSelector):
        turns = 0

        def select(self, timeout=None):
            self.turns += 1
            return super().select(timeout)

    loop = asyncio.SelectorEventLoop(Counting())
    loop.run_until_complete(asyncio.sleep(86_400))
    assert loop._selector.turns < 10
    loop.close()


def test_timeouts_stay_real(slept, run):
    async def waiter():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.001)
        await asyncio.wait_for(asyncio.sleep(86_400), 60)

    run(waiter())
    assert slept == [86_400]


def test_a_loop_that_stands_still_holds_up_no_other(slept):
    async def fall_asleep():
        asyncio.ensure_future(asyncio.sleep(1)).add_done_callback(lambda task: None)
        await asyncio.sleep(0)

    standing, running = asyncio.new_event_loop(), asyncio.new_event_loop()
    standing.run_until_complete(fall_asleep())
    running.run_until_complete(asyncio.wait_for(asyncio.sleep(3), 5))
    standing.run_until_complete(asyncio.wait_for(asyncio.sleep(2), 5))
    assert slept == [3, 2]
    running.close()
    standing.close()


def test_loops_in_several_threads_keep_their_own_order(slept):
    orders = {}

    def thread(name):
        async def sleeper(seconds):
            await asyncio.sleep(seconds)
            orders.setdefault(name, []).append(seconds)

        async def sleepers():
            await asyncio.gather(*map(sleeper, (3, 1, 2)))

        asyncio.run(sleepers())

    threads = [threading.Thread(target=thread, args=[name]) for name in "ABCD"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert orders == {name: [1, 2, 3] for name in "ABCD"}
    assert 3 <= sum(slept) <= 3 * len(threads)


def test_a_thread_with_no_python_in_it_sleeps_at_no_cost_too():
    reported = threading.Event()
    with virtual_sleep(lambda seconds: reported.set()):
        _thread.start_new_thread(time.sleep, (86_400,))
        assert reported.wait(60)


# ── names ──────────────────────────────────────────────────────────────────────────────────────────────────────


def sleeps_of_all_modules():
    # past the modules' own __getattribute__, which may import or warn; cffi adds objects that say they are modules
    return {
        name: object.__getattribute__(module, "__dict__").get("sleep")
        for name, module in sys.modules.copy().items()
        if issubclass(type(module), types.ModuleType)
    }


def test_names_imported_earlier_are_replaced_and_restored(monkeypatch):
    early = [
        module_with(monkeypatch, f"early_{number}", sleep=sleep)
        for number, sleep in enumerate((time.sleep, asyncio.sleep, anyio.sleep))
    ]
    bystander = module_with(monkeypatch, "bystander", sleep=lambda seconds: seconds)
    before = sleeps_of_all_modules()
    with virtual_sleep(lambda seconds: None):
        assert [module.sleep for module in early] == [time.sleep, asyncio.sleep, anyio.sleep]
        assert bystander.sleep(7) == 7
        assert not {id(module.sleep) for module in early} & set(map(id, before.values()))
    assert sleeps_of_all_modules() == before


def test_names_are_restored_after_a_failure_and_in_modules_imported_meanwhile(monkeypatch):
    before = sleeps_of_all_modules()

    def fail():
        module_with(monkeypatch, "late", sleep=time.sleep)
        raise ZeroDivisionError

    with virtual_sleep(lambda seconds: None), pytest.raises(ZeroDivisionError):
        fail()
    assert sleeps_of_all_modules() == {**before, "late_for_test": time.sleep}


def test_modules_that_come_later_or_are_still_being_written_are_found(monkeypatch):
    """Modules without a `sleep` are not looked at again until others are loaded."""
    unfinished = module_with(monkeypatch, "unfinished", __spec__=types.SimpleNamespace(_initializing=True))
    with virtual_sleep(lambda seconds: None):
        pass
    unfinished.sleep = time.sleep  # its import has come as far as `from time import sleep`
    monkeypatch.setattr(sys.modules["__main__"], "sleep", time.sleep, raising=False)  # as a notebook's next cell does
    with virtual_sleep(lambda seconds: None):
        assert unfinished.sleep is sys.modules["__main__"].sleep is time.sleep

    unfinished.__spec__._initializing = False
    later = module_with(monkeypatch, "unfinished", sleep=time.sleep)  # another module under the same name
    with virtual_sleep(lambda seconds: None):
        assert later.sleep is time.sleep
    assert later.sleep is time.sleep


def working(done):
    """A thread that works for as long as many a request takes."""

    def work():
        threading.Event().wait(0.5)
        done.append(True)

    return threading.Thread(target=work, daemon=True)


def test_a_thread_that_is_waited_for_gets_real_time(slept):
    done = []
    working(done).start()
    for _ in range(400):
        if done:
            break
        time.sleep(0.1)
    assert done


def test_so_does_one_that_a_task_waits_for(slept, run):
    done = []

    async def wait():
        working(done).start()
        for _ in range(400):
            if done:
                break
            await asyncio.sleep(0.1)

    run(wait())
    assert done


def test_who_gives_way_to_a_thread_is_not_overtaken(slept, monkeypatch):
    """By a longer sleep that begins when the thread has ended."""
    parts = [60]
    monkeypatch.setattr(_Clock, "real_part", lambda clock, seconds: parts[0])

    async def begin_to_sleep(seconds):
        sleeper = asyncio.ensure_future(asyncio.sleep(seconds))
        await asyncio.wait([sleeper], timeout=0.01)
        return sleeper

    async def sleepers():
        both = [await begin_to_sleep(1)]
        parts[0] = 0
        both.append(await begin_to_sleep(2))
        assert not any(sleeper.done() for sleeper in both)
        for sleeper in both:
            sleeper.cancel()

    asyncio.run(sleepers())
    assert slept == []


@pytest.mark.parametrize("to_thread", [asyncio.to_thread, anyio.to_thread.run_sync], ids=["asyncio", "anyio"])
def test_workers_without_work_get_no_real_time(to_thread, monkeypatch):
    """Each async client of the SDK starts one, to ask for the platform."""
    parts = []

    async def sleep():
        worker = await to_thread(threading.current_thread)
        while not _is_idle(sys._current_frames()[worker.ident]):
            await asyncio.sleep(0)  # it has answered, and is on its way back
        assert worker.is_alive()
        parts.append(clock.real_part(1))
        busy = threading.Event()
        work = asyncio.ensure_future(to_thread(lambda: busy.wait(60)))
        while not busy._cond._waiters:
            await asyncio.sleep(0)
        parts.append(clock.real_part(1))
        busy.set()
        await work

    clock = _Clock(lambda seconds: None, frozenset())
    asyncio.run(sleep())
    assert parts == [0, MAX_REAL_SLEEP]


def test_what_equals_a_replacement_is_somebody_elses():
    """Proxies of wrapt, which OpenTelemetry puts around methods, equal what they wrap."""

    class Proxy:
        def __init__(self, wrapped):
            self.__wrapped__ = wrapped

        def __eq__(self, other):
            return self.__wrapped__ == other

        def __hash__(self):
            return hash(self.__wrapped__)

    with virtual_sleep(lambda seconds: None):
        proxy = Proxy(time.sleep)
    assert unwrap_retired(proxy.__wrapped__) is time.sleep
    assert unwrap_retired(proxy) is proxy


def test_whoever_took_hold_of_a_replacement_sleeps_for_real_afterwards():
    reports = []
    with virtual_sleep(reports.append):
        thread_sleep, task_sleep = time.sleep, asyncio.sleep
    thread_sleep(1e-6)
    asyncio.run(task_sleep(1e-6))
    assert reports == []


def test_strange_things_among_the_modules_are_left_alone(monkeypatch, tmp_path):
    (tmp_path / "lazy.py").write_text("raise AssertionError('the lazy module was imported')")
    spec = importlib.util.spec_from_file_location("lazy", tmp_path / "lazy.py")
    spec.loader = importlib.util.LazyLoader(spec.loader)
    lazy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lazy)
    monkeypatch.setitem(sys.modules, "lazy", lazy)
    monkeypatch.setitem(sys.modules, "not_even_a_module", None)
    with virtual_sleep(lambda seconds: None):
        pass


@pytest.mark.parametrize(
    "name", sorted({*REAL_SLEEPERS, "pymongo.periodic_executor", "sentry_sdk.monitor", "websockets.legacy.protocol"})
)
def test_who_polls_the_machine_sleeps_for_real(slept, monkeypatch, name):
    poller = module_with(
        monkeypatch,
        name,
        "import asyncio, time\ndef poll(): time.sleep(1e-6)\nasync def poll_as_task(): await asyncio.sleep(1e-6)\n",
    )
    with virtual_sleep(slept.append):
        poller.poll()
        asyncio.run(poller.poll_as_task())
    assert slept == []


@pytest.mark.parametrize(
    ("name", "reported"),
    [("own.daemon", []), ("own.daemon.a", []), ("own", [1e-6]), ("own.daemons", [1e-6]), ("daemon", [1e-6])],
)
def test_a_module_is_named_or_its_package(monkeypatch, name, reported):
    reports, module = [], module_with(monkeypatch, name, "import time\ndef poll(): time.sleep(1e-6)\n")
    with virtual_sleep(reports.append, real=["own.daemon"]):
        module.poll()
    assert reports == reported


def test_interceptions_nest(slept):
    inner = []
    with virtual_sleep(inner.append):
        time.sleep(1)
        asyncio.run(anyio.sleep(2))
    time.sleep(3)
    assert (inner, slept) == ([1, 2], [3])


@pytest.mark.parametrize("seconds", [(1e-3, 86_400), (86_400,)], ids=["two", "alone"])
def test_who_still_sleeps_at_the_end_sleeps_the_rest_for_real(run, seconds):
    reports = []

    async def sleepers():
        with virtual_sleep(reports.append):
            *short, long = [asyncio.ensure_future(asyncio.sleep(each)) for each in seconds]
            await asyncio.sleep(0)
        for task in short:
            await asyncio.wait_for(task, 60)
        await asyncio.wait([long], timeout=0.01)
        assert not long.done()
        long.cancel()

    run(sleepers())
    assert reports == []
