"""A fake in force: every client of this process talks to it. With pytest `installed`, without `fake_assistants`."""

from __future__ import annotations

import warnings
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from harness.environment import placeholder_key
from harness.fake import FakeAssistants
from harness.options import make_options
from harness.sleeping import pause, virtual_sleep
from harness.transports.httpx_family import let_others_run
from harness.transports.intercept import intercept

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def fake_assistants(**options: Any) -> Iterator[FakeAssistants]:
    """The fake without pytest: while active, every client of OpenAI in this process talks to it.

    Takes the options of `harness.options.Options`. At the end it raises the first `HarnessFailure` that the code
    under test swallowed (around tests, in a fixture: none that one of them has failed with), and complains about
    unused scripts as the option `unused` says. As a decorator it is for plain functions: of an `async` one it would
    be over before the first line is run.

    >>> from harness import fake_assistants, say
    >>> import openai
    >>> with fake_assistants() as assistants:
    ...     assistants.next_run(say("Hello!"))
    ...     client = openai.OpenAI(api_key="any")
    ...     assistant = client.beta.assistants.create(model="gpt-4o")
    ...     run = client.beta.threads.create_and_run_poll(
    ...         assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "Hi"}]}
    ...     )
    ...     client.beta.threads.messages.list(run.thread_id).data[0].content[0].text.value
    'Hello!'
    """
    fake = FakeAssistants(make_options(options, where="fake_assistants"))
    with placeholder_key(), installed(fake):
        yield fake
    for failure in fake.failures:
        if not failure.told:
            raise failure.at_the_end()
    if fake.failures:
        return  # a test that failed need not have come to its scripts
    complaint = fake.unused()
    if complaint is not None and fake.options.unused == "fail":
        raise complaint
    if complaint is not None and fake.options.unused == "warn":  # whoever has written `with`: above is contextlib
        warnings.warn(str(complaint), UserWarning, stacklevel=3)


@contextmanager
def installed(fake: FakeAssistants) -> Iterator[None]:
    """Let every client of this process talk to the fake, and let sleeping take no time."""
    with ExitStack() as stack:
        stack.callback(fake.close)
        stack.enter_context(
            intercept(
                fake.answer,
                serves=fake.hosts.ours,
                guards=fake.hosts.ours,
                blocked=fake.refuse_connection,
                block_other_hosts=fake.options.block_other_hosts,
                pause=pause if fake.options.sleep == "virtual" else let_others_run,
            )
        )
        if fake.options.sleep == "virtual":
            stack.enter_context(virtual_sleep(fake.slept))
            stack.callback(setattr, fake, "pause", fake.pause)
            fake.pause = pause
        yield
