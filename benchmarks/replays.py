"""A session of some 25 exchanges, replayed live and by vcrpy; and a large cassette, loaded by both."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import vcr
from flows import ASSISTANT, KEY
from measuring import Result, Times
from vcr.persisters.filesystem import FilesystemPersister
from vcr.serializers import yamlserializer

from harness import FakeAssistants, fake_assistants, say
from harness.recording.cassettes import read, write
from harness.recording.exchanges import RecordedExchange

if TYPE_CHECKING:
    from collections.abc import Iterator

logging.getLogger("vcr").setLevel(logging.ERROR)


def converse(client: openai.OpenAI) -> None:
    """One thread, four questions."""
    threads = client.beta.threads
    thread = threads.create()
    for number in range(4):
        threads.messages.create(thread.id, role="user", content=f"Question {number}")
        run = threads.runs.create(thread_id=thread.id, assistant_id=ASSISTANT)
        while run.status != "completed":
            run = threads.runs.retrieve(run.id, thread_id=thread.id)
        threads.messages.list(thread.id)
        threads.runs.steps.list(run.id, thread_id=thread.id)


def session(path: Path) -> int:
    fake = FakeAssistants()
    fake.add_assistant(ASSISTANT)
    fake.every_run(say("An answer of a few words, as they are."))
    converse(fake.client())
    recorded = [RecordedExchange(seen.request, seen.response, seen.at, "benchmark") for seen in fake.requests]
    write(path, recorded)
    return len(recorded)


def replaying(*, quick: bool) -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "session.yaml"
        count = session(path)

        def live() -> None:
            with fake_assistants() as fake:
                fake.replay(path)
                converse(openai.OpenAI(api_key=KEY))

        def by_vcrpy() -> None:
            with vcr.use_cassette(str(path), record_mode="none"):
                converse(openai.OpenAI(api_key=KEY))

        times = Times(2 if quick else 20, live=live, vcrpy=by_vcrpy)
        yield Result(f"{count} exchanges replayed live / by vcrpy", times.ratio("live", "vcrpy"), 0.5, "x")


def loading(*, quick: bool) -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.yaml"
        session(path)
        recorded = read(path)
        write(path, recorded * (2 if quick else 10_000_000 // path.stat().st_size))

        def theirs() -> Any:
            return FilesystemPersister.load_cassette(str(path), yamlserializer)

        times = Times(1 if quick else 3, ours=lambda: read(path), vcrpy=theirs)
        size = path.stat().st_size / 1e6
        yield Result(f"a cassette of {size:.0f} MB, read / loaded by vcrpy", times.ratio("ours", "vcrpy"), 0.5, "x")
