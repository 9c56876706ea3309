"""The most likely cause of a failure, where it is a pitfall that others fell into.

A rule looks at what happened and says in one line what went wrong and what to do, or nothing. Each follows a row of
CONTRACT §11, which its docstring names, and needs the traces of that row in the data *and* in the error: a run may fail
on purpose in a test that breaks for another reason, and a wrong cause is worse than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.causes import answered, raised, refused
from harness.report.causes.happened import Happened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.report.causes.happened import Sleeper
    from harness.service.exchange import Exchange
    from harness.service.records import Thread

# The most specific first: the first that speaks counts.
RULES: tuple[Callable[[Happened], str | None], ...] = (
    raised.portal_gone,
    raised.waits_for_ever,
    refused.slept_away,
    refused.cancelled_too_early,
    refused.locked_by_a_call,
    refused.answer_lost,
    refused.stream_left,
    refused.still_active,
    refused.some_outputs,
    refused.outputs_too_late,
    refused.outputs_of_a_stale_run,
    refused.deleted,
    refused.worded,
    refused.never_made,
    raised.image_first,
    raised.no_content,
    raised.no_message,
    raised.no_quote,
    raised.malformed_arguments,
    raised.pieces_of_arguments,
    raised.unknown_function,
    raised.missing_argument,
    raised.moment_that_is_none,
    raised.no_attachments,
    raised.unknown_event,
    raised.shared_handler,
    answered.nothing_found,
    answered.no_answer,
    answered.several_messages,
    answered.marks_left,
    answered.mangled_arguments,
    answered.backwards,
    answered.oldest_taken,
)


def most_likely_cause(
    threads: Sequence[Thread],
    exchanges: Sequence[Exchange],
    error: BaseException | None,
    bystanders: Sequence[Sleeper] = (),
) -> str | None:
    """One line, or None where nothing known fits.

    Args:
        error: what the test raised.
        bystanders: what threads slept that made no request, the longest first.
    """
    if error is None:
        return None
    happened = Happened(threads, exchanges, error, bystanders)
    return next((line for rule in RULES if (line := rule(happened)) is not None), None)
