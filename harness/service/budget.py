"""The tokens that a run uses, and its token limits (CONTRACT §3.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from harness.service import tokens
from harness.service.records import Usage

if TYPE_CHECKING:
    from harness.service.acts import Reason
    from harness.service.records import Run, Thread


class Completion(NamedTuple):
    """One turn of the model: its usage, the text that the run's limits allow, and the limit that cut it, if any."""

    usage: Usage
    text: str
    cut: Reason | None


def complete(run: Run, thread: Thread, text: str) -> Completion:
    """One turn of the model, which reads the thread and writes `text`, within the token limits of the run.

    Both limits apply to all turns of the run together (CONTRACT §3.6). If one is reached, the run becomes incomplete
    after this turn.
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
    """The prompt tokens of a turn: instructions, tools, and the messages that the truncation strategy keeps.

    With a prompt limit the oldest messages are left out until the rest fits, as in the service's `auto` strategy; the
    newest message always stays.
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
