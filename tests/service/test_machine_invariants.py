"""Random clients against the fake: 50,000 steps, and every invariant holds after each (issue 6; CONTRACT §2 to §7).

What holds is in `harness.machine.invariants`: virtual time and timestamps never go back, a thread has one active run
(CONTRACT §4), every move of a record is a row of its table and ends once (§3.1), a run that has ended never changes,
usage adds up (§2.4), nothing is read through another thread, what was deleted is gone, pages make the whole list (§6),
objects and refusals have the service's shapes (§2, §7), and nothing is a 500. Any key is good for everything, as keys
do not separate accounts in the fake.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from harness.machine import AssistantsMachine

# Shards keep all cores busy under xdist; each has its own seed, and so the same stories in every worker and every run.
SHARDS = 10
STEPS = 50_000
# A step may draw and do much, so how long it takes is no failure.
SHARD = settings(
    max_examples=90,
    stateful_step_count=100,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_whatever_clients_do_the_invariants_hold(shard):
    taken = []

    @seed(shard)
    class Clients(AssistantsMachine):
        # under `timed` polling moves no time, so that runs take other courses
        options = {"clock": "timed"} if shard % 5 == 4 else {}

        @invariant()
        def count(self):
            taken.append(len(self.assistants.journal) > 0)  # it also holds before the first step

    run_state_machine_as_test(Clients, settings=SHARD)
    assert sum(taken) >= STEPS / SHARDS


def test_the_sdk_in_between_changes_nothing():
    """The same clients, their requests made by the methods of the official SDK."""

    @seed(0)
    class Clients(AssistantsMachine):
        through_sdk = True

    run_state_machine_as_test(Clients, settings=settings(SHARD, max_examples=8))
