"""Recordings of others become cassettes: one for each conversation, redacted, under a name of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from shlex import quote
from typing import TYPE_CHECKING

from harness.cassette_paths import file_name, folded
from harness.failures import HarnessFailure
from harness.recording.cassettes import header_of, read, rendered
from harness.recording.exchanges import by_conversation
from harness.recording.redaction import Redactor
from harness.recording.session import Session, without_gateway
from harness.service.paths import USUAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from harness.recording.cassettes import Rendered
    from harness.recording.exchanges import RecordedExchange

NO_NAME = re.compile(r"[^\w().@=+-]+")
SUFFIX = re.compile(r"\.(?:ya?ml|jsonl?|har|ipynb|txt|md)\Z", re.IGNORECASE)
LONGEST_NAME = 120  # characters


@dataclass(frozen=True)
class Import:
    """One conversation on its way to a cassette.

    Attributes:
        path: the cassette it becomes.
        source: where it comes from: a file, and the conversation in it if it holds several.
        exchanges: redacted.
        left_out: how many exchanges were no requests to this API.
        replaced: how many secrets got a stand-in.
        header: the comment on top.
    """

    path: Path
    source: str
    exchanges: list[RecordedExchange]
    left_out: int
    replaced: int
    header: str
    redactor: Redactor = field(repr=False, compare=False)

    @property
    def session(self) -> Session:
        return Session.of(self.exchanges)

    def rendered(self) -> Rendered:
        """The cassette as it will be written. Raises `HarnessFailure` if a secret is left in it."""
        return rendered(
            self.path,
            self.exchanges,
            header=self.header,
            check=lambda content: self.redactor.refuse_if_secret(content, self.path),
        )


def imports(
    sources: Iterable[Path],
    folder: Path,
    *,
    redact: Sequence[str] = (),
    keep: Sequence[str] = (),
    force: bool = False,
    skipped: list[str] | None = None,
) -> list[Import]:
    """What to write where; nothing is written yet, so a mistake in one file leaves all as it is.

    A cassette is called as its conversation is in the log, or as its file; several that would have one name are
    numbered. Exchanges with other services, such as those a browser records besides, are left out.

    Args:
        sources: files in any dialect that `cassettes.read` knows.
        folder: where the cassettes go.
        redact: regular expressions of what else is secret.
        keep: what is no secret although it looks like one.
        force: replace cassettes that are there.
        skipped: gets a line for each record from which no exchange can be built.

    Raises:
        HarnessFailure: a file cannot be read, holds no request to this API, or a cassette is there already.
    """
    taken: set[str] = set()
    found = []
    for source in sources:
        recorded = read(source, skipped)
        if not any(map(_is_ours, recorded)):
            raise _nothing(source, recorded)
        for name, exchanges in by_conversation(recorded).items():
            ours = list(filter(_is_ours, exchanges))
            if not ours:
                continue
            redactor = Redactor(patterns=redact, keep=keep)
            done = redactor.redact(ours)
            path = _free(cassette_name(name or source.name), taken)
            taken.add(folded(path))
            found.append(
                Import(
                    path=folder / path,
                    source=f"{source}: {name}" if name else str(source),
                    exchanges=done,
                    left_out=len(exchanges) - len(ours),
                    replaced=sum(redactor.counts.values()),
                    header="\n".join(filter(None, [header_of(source), f"Imported from {name or source.name}."])),
                    redactor=redactor,
                )
            )
    there = [item.path for item in found if item.path.exists() and not force]
    if there:
        raise HarnessFailure(
            f"{len(there)} of {len(found)} cassettes are there already, so nothing was written.",
            there_was="\n".join(f"    {path}" for path in there),
            do="harness import --force …   # replace them; or choose another folder: -o FOLDER",
        )
    return found


def write_all(cassettes: Sequence[Rendered]) -> None:
    """Write cassettes, all of which are checked by now.

    Raises:
        HarnessFailure: the system refuses one; those in front of it are written, and the message names them.
    """
    done: list[str] = []
    try:
        for cassette in cassettes:
            cassette.write()
            done.append(f"    {cassette.path}\n")
    except HarnessFailure as failure:
        if not done:
            raise
        told = f"{len(done)} of {len(cassettes)} were written before:\n{''.join(done)}The others are as they were."
        raise HarnessFailure(failure.happened, there_was=told, do=failure.do) from failure


def cassette_name(name: str) -> str:
    """What a conversation of this name is called as a cassette; never a path, never hidden.

    >>> cassette_name("spec/fixtures/run: 2.yml"), cassette_name("../.."), cassette_name("날씨.har")
    ('run-2.yaml', 'session.yaml', '날씨.yaml')
    """
    plain = NO_NAME.sub("-", SUFFIX.sub("", name.rpartition("/")[2])).strip("-.")
    return file_name(plain or "session", max_characters=LONGEST_NAME)


def _is_ours(item: RecordedExchange) -> bool:
    return USUAL.match(without_gateway(item.request.path)) is not None


def _nothing(source: Path, recorded: list[RecordedExchange]) -> HarnessFailure:
    urls = list(dict.fromkeys(item.request.url for item in recorded))
    return HarnessFailure(
        f"{source} holds no request to this API, so nothing was written.",
        there_was="\n".join(["Its requests, of which none goes below /v1 or /openai:", *urls[:5]] if urls else []),
        do=f"harness show {quote(str(source))}   # what is in it",
    )


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while folded(free) in taken:
        number += 1
        free = f"{name.removesuffix('.yaml')}-{number}.yaml"
    return free
