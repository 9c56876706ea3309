"""Virtual time (DESIGN §3)."""

from __future__ import annotations

import pytest

from harness.failures import HarnessFailure
from harness.service.clock import EPOCH, Clock


def test_timers_fire_in_the_order_of_their_time_and_then_of_their_making():
    clock, fired = Clock(), []
    for name, delay in (("late", 5), ("first", 1), ("second", 1), ("past", -3)):
        clock.call_at(clock.now + delay, lambda name=name: fired.append((name, clock.now - EPOCH)))
    cancelled = clock.call_at(clock.now + 2, lambda: fired.append("never"))
    cancelled.cancel()
    clock.advance(4)
    assert fired == [("past", 0), ("first", 1), ("second", 1)]
    assert clock.now == EPOCH + 4
    clock.advance(1)
    assert fired[-1] == ("late", 5)
    assert clock.fire_next() is False


def test_a_timer_that_sets_a_timer_within_the_span_is_followed():
    clock, fired = Clock(), []
    clock.call_at(clock.now + 1, lambda: clock.call_at(clock.now + 1, lambda: fired.append(clock.now - EPOCH)))
    clock.advance(10)
    assert fired == [2]


@pytest.mark.parametrize(("policy", "moved"), [("on_poll", 3), ("timed", 3), ("manual", 0)])
def test_sleeping_moves_the_clock_unless_it_is_manual(policy, moved):
    clock = Clock(policy=policy)
    clock.slept(3)
    assert clock.now - EPOCH == moved


def test_time_does_not_run_backwards():
    with pytest.raises(ValueError, match="time only moves forward"):
        Clock().advance(-1)


def test_a_timer_that_sleeps_takes_the_time_along():
    clock = Clock()
    clock.call_at(clock.now + 1, lambda: clock.slept(60))
    clock.advance(5)
    assert clock.now - EPOCH == 61


def test_time_does_not_go_on_for_ever():
    with pytest.raises(HarnessFailure, match="infinite time"):
        Clock().advance(float("inf"))


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="on_poll, timed, manual"):
        Clock(policy="sometimes")  # type: ignore[arg-type]
