"""Tokens a run spends, and where its limits cut it off (CONTRACT §3.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from harness.service import tokens
from harness.service.records import Usage

if TYPE_CHECKING:
    from harness.service.acts import Reason
    from harness.service.records import Run, Thread


class Completion(NamedTuple):
    """What one turn of the model cost, what of its text fitted into the run's limits, and which limit cut it."""

    usage: Usage
    text: str
    cut: Reason | None


def complete(run: Run, thread: Thread, text: str) -> Completion:
    """One turn of the model, which reads the thread and writes `text`, within the limits of the run.

    Both limits span all turns of the run (CONTRACT §3.6). A turn that meets one marks the run, which then
    ends incomplete as soon as the turn is over.
    """
    prompt, written, cut = _prompt(run, thread), tokens.pieces(text), run.incomplete_reason
    whole = len(written)
    if run.max_prompt_tokens is not None and run.spent.prompt + prompt > run.max_prompt_tokens:
        prompt, written, cut = run.max_prompt_tokens - run.spent.prompt, [], "max_prompt_tokens"
    if run.max_completion_tokens is not None:
        left = run.max_completion_tokens - run.spent.completion
        if len(written) > left:
            written, cut = written[:left], "max_completion_tokens"
    usage = Usage(prompt, len(written))
    run.spent.add(usage)
    run.incomplete_reason = cut
    return Completion(usage, text if len(written) == whole else "".join(written), cut)


def _prompt(run: Run, thread: Thread) -> int:
    """Tokens of what the model reads: instructions, tools, and the messages the truncation strategy keeps.

    With a prompt limit the oldest messages are left out until the rest fits, as the service does for its
    `auto` strategy; the newest message always stays.
    """
    total = tokens.count(run.instructions or "") + tokens.count_json(run.tools)
    total += sum(step.usage.completion for step in run.steps)
    sizes = [tokens.count_message(message.text) for message in thread.messages]
    sizes = sizes[-(run.truncation_strategy.get("last_messages") or len(sizes)) :]
    total += sum(sizes)
    if run.max_prompt_tokens is not None:
        for oldest in sizes[:-1]:
            if run.spent.prompt + total <= run.max_prompt_tokens:
                break
            total -= oldest
    return total
