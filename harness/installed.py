"""Makes every client of this process talk to a fake: `installed`, and around it `fake_assistants` without pytest."""

from __future__ import annotations

import warnings
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from harness.environment import placeholder_key
from harness.fake import FakeAssistants
from harness.options import make_options
from harness.sleeping import pause, virtual_sleep
from harness.transports.httpx_family import yield_to_loop
from harness.transports.intercept import intercept

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def fake_assistants(**options: Any) -> Iterator[FakeAssistants]:
    """The fake without pytest: while active, every client of OpenAI in this process talks to it.

    Takes the options of `harness.options.Options`. At the end it raises the first `HarnessFailure` that the code
    under test swallowed (around several tests, as in a fixture: the first that none of them failed with), and reports
    unused scripts as the option `unused` says. As a decorator it works for plain functions only: for an `async` one
    it would end before the first line is run.

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
        if not failure.reported:
            raise failure.for_teardown()
    if fake.failures:
        return  # a test that failed may not have reached its scripts
    unused = fake.unused()
    if unused is not None and fake.options.unused == "fail":
        raise unused
    if unused is not None and fake.options.unused == "warn":  # points at the `with`, above contextlib's frame
        warnings.warn(str(unused), UserWarning, stacklevel=3)


@contextmanager
def installed(fake: FakeAssistants) -> Iterator[None]:
    """While active, every client of this process talks to the fake; sleep is virtual if the options say so."""
    with ExitStack() as stack:
        stack.callback(fake.close)
        stack.enter_context(
            intercept(
                fake.answer,
                serves=fake.hosts.matches,
                guards=fake.hosts.matches,
                blocked=fake.refuse_connection,
                block_other_hosts=fake.options.block_other_hosts,
                pause=pause if fake.options.sleep == "virtual" else yield_to_loop,
            )
        )
        if fake.options.sleep == "virtual":
            stack.enter_context(virtual_sleep(fake.slept, real=fake.options.real_sleeper_names))
            stack.callback(setattr, fake, "pause", fake.pause)
            fake.pause = pause
        yield
