"""Records what any program says to the API: it is pointed at a server of this process, which passes everything on."""

from __future__ import annotations

import subprocess
from contextlib import nullcontext
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.environment import pointed_at
from harness.failures import HarnessFailure
from harness.recording.recorder import recording
from harness.transports.forwarding import forwarding
from harness.transports.server import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from harness.recording.recorder import Mode
    from harness.recording.redaction import Redactor
    from harness.service.http import Request, Response

ANSWERED_FROM_CASSETTE = ("once", "new_episodes")


def record_command(
    command: Sequence[str],
    path: Path,
    *,
    upstream: str,
    mode: Mode = "once",
    redactor: Redactor | None = None,
    keep_failed: bool = False,
    azure: bool = False,
) -> int:
    """Run a program, in whatever language, and record what it says to the API; gives its exit code.

    The program finds in `OPENAI_BASE_URL` a server of this process, which sends its requests on to `upstream`, key and
    all. A program that takes its base URL from elsewhere is not recorded, and only the cassette tells so. The cassette
    is written when the program has ended well; otherwise it stays as it was. Ctrl-C reaches the program, too.

    What surprises:

    - A stream is recorded, and the program gets it, when it is complete.
    - A program killed by signal 9 has the exit code 137, as shells tell it.
    - A request that the cassette cannot answer under `once` is answered 400, which the program may swallow.

    Args:
        command: the program and its arguments.
        path: the cassette.
        upstream: the live endpoint as the program would be given it: `https://api.openai.com/v1`, or with `azure`
            `https://NAME.openai.azure.com`.
        mode: what becomes of a cassette that is there; see `harness.recording.recorder.recording`.
        redactor: what removes the secrets.
        keep_failed: write the cassette whatever the exit code.
        azure: the endpoint is one of Azure, so the program finds the server in `AZURE_OPENAI_ENDPOINT` instead.

    Raises:
        HarnessFailure: there is no such program, `upstream` is no URL, vcrpy or uvicorn is missing, a secret would have
            been written, or the cassette cannot be read or written.
    """
    # of two threads that ask the same of a cassette, vcrpy may give both the first answer
    turns = Lock() if mode in ANSWERED_FROM_CASSETTE and path.exists() else nullcontext()
    with recording(path, mode=mode, redactor=redactor) as tape:
        with forwarding(upstream) as forward, serving(_explaining(forward, path, turns)) as url:
            base_url = url + urlsplit(upstream).path.rstrip("/")
            exit_code = _run(command, pointed_at(base_url, azure=azure))
        if exit_code and not keep_failed:
            tape.discard()
    return exit_code


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    try:
        exit_code = subprocess.call(command, env=environment)  # noqa: S603 - it is the user's own command
    except OSError as error:
        raise HarnessFailure(
            f"{command[0]} cannot be started: {error.strerror}.", do="harness record -- python program.py"
        ) from error
    return exit_code if exit_code >= 0 else 128 - exit_code


def _explaining(
    forward: Callable[[Request], Response], path: Path, turns: AbstractContextManager[Any]
) -> Callable[[Request], Response]:
    """The same, where what vcrpy raises is told to the program."""

    def answer(request: Request) -> Response:
        try:
            with turns:
                return forward(request)
        except Exception as error:
            raise HarnessFailure(
                f"{request.method} {request.path} could not be recorded into {path}.",
                there_was=str(error),
                do='mode="new_episodes"   # record what the cassette lacks; or "rewrite", to record all of it anew',
            ) from error

    return answer
