"""Imports recordings in other dialects as cassettes: one for each conversation, redacted, with a name of its own."""

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

UNSAFE = re.compile(r"[^\w().@=+-]+")
SUFFIX = re.compile(r"\.(?:ya?ml|jsonl?|har|ipynb|txt|md)\Z", re.IGNORECASE)
MAX_NAME_LENGTH = 120  # characters


@dataclass(frozen=True)
class Import:
    """One conversation that is being imported.

    Attributes:
        path: the cassette to write.
        source: the imported file, and the name of the conversation if the file holds several.
        exchanges: those to write, redacted.
        left_out: how many exchanges were not requests to this API.
        replaced: how many secrets were replaced by stand-ins.
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
        """The cassette as it will be written. Raises `HarnessFailure` if it still contains a secret."""
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
    """The conversations of files, each with the cassette to write; nothing is written yet, so an error changes nothing.

    A cassette is named after its conversation or, if that has no name, its file; equal names are numbered. Exchanges
    with other services, as a browser records them too, are left out.

    Args:
        sources: files in any dialect that `cassettes.read` knows.
        folder: where the cassettes go.
        redact: regular expressions of what else is secret.
        keep: what is not secret although it looks so.
        force: replace existing cassettes.
        skipped: gets a line for each record from which no exchange can be built.

    Raises:
        HarnessFailure: a file cannot be read, holds no request to this API, or a cassette exists already.
    """
    taken: set[str] = set()
    found = []
    for source in sources:
        recorded = read(source, skipped)
        if not any(map(_is_api_request, recorded)):
            raise _no_request(source, recorded)
        for name, exchanges in by_conversation(recorded).items():
            if any(map(_is_api_request, exchanges)):
                filename = _unused_name(cassette_name(name or source.name), taken)
                taken.add(folded(filename))
                redactor = Redactor(patterns=redact, keep=keep)
                found.append(_import(source, name, exchanges, folder / filename, redactor))
    existing = [item.path for item in found if item.path.exists() and not force]
    if existing:
        raise HarnessFailure(
            f"{len(existing)} of {len(found)} cassettes exist already, so nothing was written.",
            there_was="\n".join(f"    {path}" for path in existing),
            do="harness import --force …   # replace them; or choose another folder: -o FOLDER",
        )
    return found


def _import(source: Path, name: str, exchanges: Sequence[RecordedExchange], path: Path, redactor: Redactor) -> Import:
    """The import of one conversation; `name` is empty if it has none."""
    ours = list(filter(_is_api_request, exchanges))
    return Import(
        path=path,
        source=f"{source}: {name}" if name else str(source),
        exchanges=redactor.redact(ours),
        left_out=len(exchanges) - len(ours),
        replaced=sum(redactor.counts.values()),
        header="\n".join(filter(None, [header_of(source), f"Imported from {name or source.name}."])),
        redactor=redactor,
    )


def write_all(cassettes: Sequence[Rendered]) -> None:
    """Write cassettes that were checked.

    Raises:
        HarnessFailure: the system refuses one; those before it are written, and the message names them.
    """
    done: list[str] = []
    try:
        for cassette in cassettes:
            cassette.write()
            done.append(f"    {cassette.path}\n")
    except HarnessFailure as failure:
        if not done:
            raise
        written = f"{len(done)} of {len(cassettes)} were written before:\n{''.join(done)}The others are unchanged."
        raise HarnessFailure(failure.happened, there_was=written, do=failure.do) from failure


def cassette_name(name: str) -> str:
    """The file name of the cassette for a conversation of this name; never a path, never hidden.

    >>> cassette_name("spec/fixtures/run: 2.yml"), cassette_name("../.."), cassette_name("날씨.har")
    ('run-2.yaml', 'session.yaml', '날씨.yaml')
    """
    plain = UNSAFE.sub("-", SUFFIX.sub("", name.rpartition("/")[2])).strip("-.")
    return file_name(plain or "session", max_characters=MAX_NAME_LENGTH)


def _is_api_request(item: RecordedExchange) -> bool:
    return USUAL.match(without_gateway(item.request.path)) is not None


def _no_request(source: Path, recorded: list[RecordedExchange]) -> HarnessFailure:
    urls = list(dict.fromkeys(item.request.url for item in recorded))
    return HarnessFailure(
        f"{source} holds no request to this API, so nothing was written.",
        there_was="\n".join(["Its requests, none of which is below /v1 or /openai:", *urls[:5]] if urls else []),
        do=f"harness show {quote(str(source))}   # what is in it",
    )


def _unused_name(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while folded(free) in taken:
        number += 1
        free = f"{name.removesuffix('.yaml')}-{number}.yaml"
    return free
