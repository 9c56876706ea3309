"""Recording: vcrpy watches the clients of this process, and what it saw is redacted and written as a cassette."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import urlencode, urlsplit

from harness.failures import HarnessFailure
from harness.recording.cassettes import header_of, locked, read, write
from harness.recording.dialects.parts import Place, Unusable, headers, recorded, when
from harness.recording.redaction import Redactor

if TYPE_CHECKING:
    from pathlib import Path

    from harness.recording.exchanges import RecordedExchange

Mode = Literal["once", "new_episodes", "all", "rewrite"]
MODES: tuple[str, ...] = get_args(Mode)
# `rewrite` is vcrpy's `all` in front of an empty cassette
OF_VCRPY = {"rewrite": "all"}
# In an answer that vcrpy was given: which of the loaded exchanges it is.
LOADED = "harness_loaded"


@contextmanager
def recording(path: Path, *, mode: Mode = "once", redactor: Redactor | None = None, header: str = "") -> Iterator[Tape]:
    """While active, what the HTTP clients of this process send and get is recorded, and written at the end.

    Nothing is written if the block raises, and nothing before its secrets are out: a cassette that was there is
    replaced as a whole, or stays as it is.

    Several processes may record into one cassette at a time: each adds what it recorded to what the others have
    written by then, except in `rewrite`, of which the last one wins. `<cassette>` is written under the lock
    `.<cassette>.lock` (see `cassettes.locked`).

    Args:
        path: the cassette.
        mode: what becomes of a cassette that is there: `once`, it answers, and anything else is refused;
            `new_episodes`, it answers, and what it lacks is recorded; `all`, what is asked is recorded anew, and the
            rest stays; `rewrite`, it is forgotten, whatever anybody wrote into it meanwhile.
        redactor: what removes the secrets; by default one without patterns of yours.
        header: a comment on top of the cassette; by default the one that is there stays.

    Raises:
        HarnessFailure: there is no such mode, vcrpy or filelock is not installed, a secret would have been written,
            or the file cannot be read or written; and, when all others are written, an exchange is none to keep.
    """
    if mode not in MODES:
        raise HarnessFailure(
            f"There is no recording mode {mode!r}.", there_was=f"There are {', '.join(MODES)}.", do='mode="once"'
        )
    try:
        import filelock  # noqa: F401, PLC0415 - belongs to an extra; missed now, not when all is recorded
        import vcr  # noqa: PLC0415 - belongs to the extra `recording`
        from vcr.record_mode import RecordMode  # noqa: PLC0415 - belongs to the extra `recording`
    except ImportError as error:
        raise HarnessFailure(
            "Recording needs vcrpy and filelock, which are not both installed.",
            there_was=str(error),
            do='pip install "pytest-assistants[recording]"',
        ) from error
    tape = Tape(path, redactor or Redactor(), header, forgets=mode == "rewrite")
    recorder = vcr.VCR(record_mode=RecordMode(OF_VCRPY.get(mode, mode)), record_on_exception=False)
    recorder.register_persister(tape)
    with recorder.use_cassette(str(path)) as cassette:
        _play_only_what_was_loaded(cassette)
        yield tape
    tape.write()


def _play_only_what_was_loaded(cassette: Any) -> None:
    """Count as played what is recorded now: vcrpy would answer the next look at a run with the last one."""
    append = cassette.append

    def appended(request: Any, answer: Any) -> None:
        before = len(cassette)
        append(request, answer)
        cassette.play_counts.update(range(before, len(cassette)))

    cassette.append = appended


class Tape:
    """What is being recorded: what vcrpy loads a cassette with, and what it hands over at the end."""

    def __init__(self, path: Path, redactor: Redactor, header: str, *, forgets: bool) -> None:
        self._path = path
        self._redactor = redactor
        self._header = header
        self._forgets = forgets
        self._loaded: list[RecordedExchange] = []
        self._taped: dict[str, Any] | None = None
        self._wanted = True

    def load_cassette(self, cassette_path: str, serializer: Any) -> tuple[list[Any], list[Any]]:
        from vcr.persisters.filesystem import CassetteNotFoundError  # noqa: PLC0415 - belongs to the extra `recording`

        if self._forgets or not self._path.exists():
            raise CassetteNotFoundError
        self._loaded = read(self._path)
        answers = [{**_answer_to_vcrpy(item), LOADED: number} for number, item in enumerate(self._loaded)]
        return [_to_vcrpy(item) for item in self._loaded], answers

    def save_cassette(self, cassette_path: str, cassette_dict: dict[str, Any], serializer: Any) -> None:
        """Only remembers: of what raises here, vcrpy would leave its patches of all HTTP libraries behind."""
        self._taped = cassette_dict

    def discard(self) -> None:
        """Write nothing after all: what was recorded is not what was wanted."""
        self._wanted = False

    def write(self) -> None:
        """Write what was recorded, if anything was, to what others have written since the cassette was loaded."""
        if self._taped is None or not self._wanted:
            return
        pairs = list(zip(self._taped["requests"], self._taped["responses"], strict=True))
        new, missing = [], []
        for at, (request, answer) in enumerate(pairs):
            if LOADED not in answer:
                try:
                    new.append(_from_vcrpy(request, answer, Place(self._path, at)))
                except (Unusable, ValueError) as error:
                    missing.append(f"    {request.method} {urlsplit(request.uri).path}: {error}")
        if new or not missing:
            self._write(pairs, new)
        if missing:
            raise HarnessFailure(
                f"{len(missing)} of the {len(new) + len(missing)} exchanges recorded are not in {self._path}.",
                there_was="\n".join(missing),
                do="client.post(url, data=json.dumps(body))   # bytes, a text, an open file or JSON can be recorded",
            )

    def _write(self, pairs: list[tuple[Any, dict[str, Any]]], new: list[RecordedExchange]) -> None:
        staying = {pair[1][LOADED] for pair in pairs if LOADED in pair[1]}
        with locked(self._path):
            there = self._path.exists()
            kept = [] if self._forgets or not there else self._kept(read(self._path), staying)
            write(
                self._path,
                # with those that are kept in sight: their stand-ins are not given to other secrets
                self._redactor.redact([*kept, *new]),
                header=self._header or (header_of(self._path) if there else ""),
                check=lambda content: self._redactor.refuse_if_secret(content, self._path),
            )

    def _kept(self, there: list[RecordedExchange], staying: set[int]) -> list[RecordedExchange]:
        """Of what is there now, all but what was loaded and is recorded anew."""
        replaced = [_told(item) for number, item in enumerate(self._loaded) if number not in staying]
        kept = []
        for item in there:
            if _told(item) in replaced:
                replaced.remove(_told(item))
            else:
                kept.append(item)
        return kept


def _told(item: RecordedExchange) -> tuple[object, ...]:
    """All of an exchange but where it stands, which changes when others write."""
    return item.request, item.response, item.at


def _from_vcrpy(request: Any, answer: dict[str, Any], place: Place) -> RecordedExchange:
    sent, got = headers(request.headers.items()), headers(answer["headers"].items())
    return recorded(
        place,
        (request.method, request.uri, sent, _bytes_of(request.body, sent.get("content-type", ""))),
        # aiohttp's answers without a body have no text at all
        (answer["status"]["code"], got, answer["body"].get("string", b"")),
        when(got.get("date")),
    )


def _bytes_of(body: Any, content_type: str) -> bytes:
    """What was sent. vcrpy keeps a body as the client was given it, and of files and iterators a copy for each look.

    Raises `Unusable` for what does not tell which bytes were sent, such as a form of aiohttp.
    """
    if body is None:
        return b""
    whole = body.read() if hasattr(body, "read") else body
    if isinstance(whole, (bytes, bytearray)):
        return bytes(whole)
    if isinstance(whole, dict):
        return _bytes_of_mapping(whole, content_type)
    pieces = list(whole) if isinstance(whole, (list, Iterator)) else [whole]
    # texts are refused: they may as well be the keys of a form, which is all that vcrpy keeps of a MultiDict
    if all(isinstance(piece, (bytes, bytearray)) for piece in pieces):
        return b"".join(pieces)
    raise Unusable(f"its body was given as {_kinds(body, pieces)}, which does not tell the bytes that were sent")


def _bytes_of_mapping(body: dict[Any, Any], content_type: str) -> bytes:
    """As aiohttp sends `json=`, which vcrpy does not tell from `data=`; but forms are for uploads in this API."""
    if "x-www-form-urlencoded" in content_type:
        return urlencode(body).encode()
    try:
        return json.dumps(body).encode()
    except TypeError as error:
        raise Unusable(f"its body was given as a form with files, or as no JSON: {error}") from error


def _kinds(body: Any, pieces: list[Any]) -> str:
    inner = ", ".join(dict.fromkeys(type(piece).__name__ for piece in pieces))
    return inner if pieces == [body] else f"{type(body).__name__} of {inner}"


def _to_vcrpy(item: RecordedExchange) -> Any:
    from vcr.request import Request as Asked  # noqa: PLC0415 - belongs to the extra `recording`

    return Asked(item.request.method, item.request.url, item.request_body, dict(item.request.headers))


def _answer_to_vcrpy(item: RecordedExchange) -> dict[str, Any]:
    return {
        "status": {"code": item.response.status, "message": ""},
        "headers": {name: [value] for name, value in item.response.headers.items()},
        "body": {"string": item.response_body},
    }
