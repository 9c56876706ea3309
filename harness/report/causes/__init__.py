"""Finds the most likely cause of a failed test, if it is a known pitfall.

A rule examines a failed test and returns one line that says what went wrong and what to do, or None. Most follow a row
of CONTRACT §11; the docstring of each says which, or that there is none. Each requires evidence both in the data *and*
in the error: a run may fail on purpose in a test that breaks for another reason, and a wrong cause is worse than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.causes import client_errors, refusals, wrong_results
from harness.report.causes.evidence import FailedTest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.report.causes.evidence import Sleeper
    from harness.service.exchange import Exchange
    from harness.service.records import Thread

# The most specific first: the first one that returns a line wins.
RULES: tuple[Callable[[FailedTest], str | None], ...] = (
    client_errors.event_loop_ended,
    client_errors.own_transport,
    client_errors.endless_loop,
    refusals.expired_by_bystander,
    refusals.cancelled_too_early,
    refusals.locked_by_required_action,
    refusals.answer_lost,
    refusals.abandoned_stream,
    refusals.run_still_active,
    refusals.missing_outputs,
    refusals.outputs_too_late,
    refusals.outputs_for_stale_run,
    refusals.deleted_by_client,
    refusals.recognized_message,
    refusals.unknown_id,
    client_errors.first_part_is_no_text,
    client_errors.no_content,
    client_errors.no_message,
    client_errors.no_quote,
    client_errors.malformed_arguments,
    client_errors.pieces_of_arguments,
    client_errors.unknown_function,
    client_errors.missing_argument,
    client_errors.timestamp_is_none,
    client_errors.no_attachments,
    client_errors.unknown_event,
    client_errors.shared_handler,
    wrong_results.search_found_nothing,
    wrong_results.no_answer,
    wrong_results.several_messages,
    wrong_results.citation_marks_left,
    wrong_results.mangled_arguments,
    wrong_results.newest_first,
    wrong_results.oldest_taken,
)


def most_likely_cause(
    threads: Sequence[Thread],
    exchanges: Sequence[Exchange],
    error: BaseException | None,
    bystanders: Sequence[Sleeper] = (),
) -> str | None:
    """The cause in one line, or None if no rule applies.

    Args:
        error: what the test raised.
        bystanders: the sleeps of threads that made no request, the longest first.
    """
    if error is None:
        return None
    test = FailedTest(threads, exchanges, error, bystanders)
    return next((line for rule in RULES if (line := rule(test)) is not None), None)
