"""Recording: vcrpy intercepts the clients of this process, and the exchanges are redacted and written as a cassette."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import urlencode, urlsplit

from harness.failures import HarnessFailure
from harness.recording.cassettes import header_of, locked, read, write
from harness.recording.dialects.common import Place, Unusable, build_exchange, first_date, header_map
from harness.recording.redaction import Redactor

if TYPE_CHECKING:
    from pathlib import Path

    from harness.recording.exchanges import RecordedExchange

Mode = Literal["once", "new_episodes", "all", "rewrite"]
MODES: tuple[str, ...] = get_args(Mode)
# `rewrite` is vcrpy's `all` with an empty cassette.
VCRPY_MODES = {"rewrite": "all"}
# A key in the answers given to vcrpy: the index of the loaded exchange.
LOADED_INDEX = "harness_loaded"


@contextmanager
def recording(path: Path, *, mode: Mode = "once", redactor: Redactor | None = None, header: str = "") -> Iterator[Tape]:
    """While active, records what the HTTP clients of this process send and get; at the end it is written.

    Nothing is written if the block raises, and nothing before secrets are removed. An existing cassette is replaced as
    a whole, or stays as it is.

    Several processes may record into one cassette at a time: each adds its exchanges to those that others have written
    by then, except in mode `rewrite`, where the last one wins. The cassette is written under a lock (see
    `cassettes.locked`).

    Args:
        path: the cassette.
        mode: what is done with an existing cassette: `once`: it answers, and other requests are refused;
            `new_episodes`: it answers, and other requests are recorded; `all`: every request is recorded, replacing
            the same one in the cassette, and the rest stays; `rewrite`: it is replaced, whatever it holds by then.
        redactor: what removes the secrets; by default one without patterns of yours.
        header: a comment on top of the cassette; by default the existing one stays.

    Raises:
        HarnessFailure: there is no such mode, vcrpy or filelock is not installed, a secret would have been written,
            or the file cannot be read or written; or, after all others are written, an exchange cannot be.
    """
    if mode not in MODES:
        raise HarnessFailure(
            f"There is no recording mode {mode!r}.", there_was=f"There are {', '.join(MODES)}.", do='mode="once"'
        )
    try:
        import filelock  # noqa: F401, PLC0415 - belongs to an extra; its absence must show now, not after recording
        import vcr  # noqa: PLC0415 - belongs to the extra `recording`
        from vcr.record_mode import RecordMode  # noqa: PLC0415 - belongs to the extra `recording`
    except ImportError as error:
        raise HarnessFailure(
            "Recording needs vcrpy and filelock, which are not both installed.",
            there_was=str(error),
            do='pip install "pytest-assistants[recording]"',
        ) from error
    tape = Tape(path, redactor or Redactor(), header, overwrites=mode == "rewrite")
    recorder = vcr.VCR(record_mode=RecordMode(VCRPY_MODES.get(mode, mode)), record_on_exception=False)
    recorder.register_persister(tape)
    with recorder.use_cassette(str(path)) as cassette:
        _replay_only_loaded(cassette)
        yield tape
    tape.write()


def _replay_only_loaded(cassette: Any) -> None:
    """Count new exchanges as played: otherwise vcrpy would answer the next poll of a run with the previous answer."""
    append = cassette.append

    def appended(request: Any, answer: Any) -> None:
        before = len(cassette)
        append(request, answer)
        cassette.play_counts.update(range(before, len(cassette)))

    cassette.append = appended


class Tape:
    """The persister of a recording: vcrpy loads the cassette through it, and hands it the exchanges at the end."""

    def __init__(self, path: Path, redactor: Redactor, header: str, *, overwrites: bool) -> None:
        self._path = path
        self._redactor = redactor
        self._header = header
        self._overwrites = overwrites
        self._loaded: list[RecordedExchange] = []
        self._saved: dict[str, Any] | None = None
        self._is_discarded = False

    def load_cassette(self, cassette_path: str, serializer: Any) -> tuple[list[Any], list[Any]]:
        from vcr.persisters.filesystem import CassetteNotFoundError  # noqa: PLC0415 - belongs to the extra `recording`

        if self._overwrites or not self._path.exists():
            raise CassetteNotFoundError
        self._loaded = read(self._path)
        answers = [{**_answer_to_vcrpy(item), LOADED_INDEX: number} for number, item in enumerate(self._loaded)]
        return [_request_to_vcrpy(item) for item in self._loaded], answers

    def save_cassette(self, cassette_path: str, cassette_dict: dict[str, Any], serializer: Any) -> None:
        """Keep the exchanges for `write`: if this raised, vcrpy would leave its patches of HTTP libraries behind."""
        self._saved = cassette_dict

    def discard(self) -> None:
        """Write nothing at the end."""
        self._is_discarded = True

    def write(self) -> None:
        """Write what was recorded, if anything was, together with what others have written meanwhile.

        Raises:
            HarnessFailure: some exchanges cannot be recorded (the others are written), a secret would be written, or
                the file cannot be.
        """
        if self._saved is None or self._is_discarded:
            return
        pairs = list(zip(self._saved["requests"], self._saved["responses"], strict=True))
        new, missing = [], []
        for at, (request, answer) in enumerate(pairs):
            if LOADED_INDEX not in answer:
                try:
                    new.append(_from_vcrpy(request, answer, Place(self._path, at)))
                except (Unusable, ValueError) as error:
                    missing.append(f"    {request.method} {urlsplit(request.uri).path}: {error}")
        if new or not missing:
            self._write(pairs, new)
        if missing:
            total = len(new) + len(missing)
            raise HarnessFailure(
                f"{len(missing)} of the {total} recorded exchanges could not be written to {self._path}.",
                there_was="\n".join(missing),
                do="client.post(url, data=json.dumps(body))   # bytes, a text, an open file or JSON can be recorded",
            )

    def _write(self, pairs: list[tuple[Any, dict[str, Any]]], new: list[RecordedExchange]) -> None:
        unchanged = {pair[1][LOADED_INDEX] for pair in pairs if LOADED_INDEX in pair[1]}
        with locked(self._path):
            there = self._path.exists()
            kept = [] if self._overwrites or not there else self._kept(read(self._path), unchanged)
            write(
                self._path,
                # together with those that are kept, so that their stand-ins are not given to other secrets
                self._redactor.redact([*kept, *new]),
                header=self._header or (header_of(self._path) if there else ""),
                check=lambda content: self._redactor.refuse_if_secret(content, self._path),
            )

    def _kept(self, there: list[RecordedExchange], unchanged: set[int]) -> list[RecordedExchange]:
        """The exchanges of the current file, except those that were loaded and are replaced."""
        replaced = [_content(item) for number, item in enumerate(self._loaded) if number not in unchanged]
        kept = []
        for item in there:
            if _content(item) in replaced:
                replaced.remove(_content(item))
            else:
                kept.append(item)
        return kept


def _content(item: RecordedExchange) -> tuple[object, ...]:
    """All of an exchange except its origin, which changes when others write."""
    return item.request, item.response, item.at


def _from_vcrpy(request: Any, answer: dict[str, Any], place: Place) -> RecordedExchange:
    sent, got = header_map(request.headers.items()), header_map(answer["headers"].items())
    return build_exchange(
        place,
        (request.method, request.uri, sent, _body_bytes(request.body, sent.get("content-type", ""))),
        # aiohttp's answers without a body have no text at all
        (answer["status"]["code"], got, answer["body"].get("string", b"")),
        first_date(got.get("date")),
    )


def _body_bytes(body: Any, content_type: str) -> bytes:
    """The bytes that were sent. vcrpy keeps what the client was given, a fresh copy of files and iterators each time.

    Raises `Unusable` for what does not determine the bytes, such as a form of aiohttp.
    """
    if body is None:
        return b""
    whole = body.read() if hasattr(body, "read") else body
    if isinstance(whole, (bytes, bytearray)):
        return bytes(whole)
    if isinstance(whole, dict):
        return _mapping_bytes(whole, content_type)
    pieces = list(whole) if isinstance(whole, (list, Iterator)) else [whole]
    # texts are refused: they may as well be the keys of a form, which is all that vcrpy keeps of a MultiDict
    if all(isinstance(piece, (bytes, bytearray)) for piece in pieces):
        return b"".join(pieces)
    raise Unusable(f"its body was given as {_type_names(body, pieces)}, which does not tell the bytes that were sent")


def _mapping_bytes(body: dict[Any, Any], content_type: str) -> bytes:
    """The bytes of `json=` as aiohttp sends it. vcrpy shows `data=` alike, but in this API only uploads are forms."""
    if "x-www-form-urlencoded" in content_type:
        return urlencode(body).encode()
    try:
        return json.dumps(body).encode()
    except TypeError as error:
        raise Unusable(f"its body was given as a form with files, or as no JSON: {error}") from error


def _type_names(body: Any, pieces: list[Any]) -> str:
    inner = ", ".join(dict.fromkeys(type(piece).__name__ for piece in pieces))
    return inner if pieces == [body] else f"{type(body).__name__} of {inner}"


def _request_to_vcrpy(item: RecordedExchange) -> Any:
    from vcr.request import Request as VcrpyRequest  # noqa: PLC0415 - belongs to the extra `recording`

    return VcrpyRequest(item.request.method, item.request.url, item.request_body, dict(item.request.headers))


def _answer_to_vcrpy(item: RecordedExchange) -> dict[str, Any]:
    return {
        "status": {"code": item.response.status, "message": ""},
        "headers": {name: [value] for name, value in item.response.headers.items()},
        "body": {"string": item.response_body},
    }
