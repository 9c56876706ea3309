"""A recording proxy: a program in any language sends its requests to this process, which forwards and records them."""

from __future__ import annotations

import subprocess
from contextlib import nullcontext
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.environment import environment_for
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
    """Run a program, record what it sends to the API, and return its exit code.

    `OPENAI_BASE_URL` points the program at a server of this process, which forwards its requests, with their key, to
    `upstream`. A program that takes its base URL from elsewhere is not recorded, which only the cassette shows. The
    cassette is written if the program succeeds, and is otherwise left as it was. Ctrl-C reaches the program, too.

    What may surprise:

    - A stream reaches the program only when it is complete, as it is recorded whole.
    - A program killed by signal 9 has the exit code 137, as in a shell.
    - Under `once`, a request that is not in the cassette is answered with 400, which the program may swallow.

    Args:
        command: the program and its arguments.
        path: the cassette.
        upstream: the live endpoint as the program would be given it: `https://api.openai.com/v1`, or with `azure`
            `https://NAME.openai.azure.com`.
        mode: what happens to an existing cassette; see `harness.recording.recorder.recording`.
        redactor: removes the secrets.
        keep_failed: write the cassette whatever the exit code.
        azure: the endpoint is Azure's, so `AZURE_OPENAI_ENDPOINT` is set instead.

    Raises:
        HarnessFailure: there is no such program, `upstream` is no URL, vcrpy or uvicorn is missing, a secret would have
            been written, or the cassette cannot be read or written.
    """
    # where two threads send the same request, vcrpy may play the first recorded answer to both
    lock = Lock() if mode in ANSWERED_FROM_CASSETTE and path.exists() else nullcontext()
    with recording(path, mode=mode, redactor=redactor) as tape:
        with forwarding(upstream) as forward, serving(_with_failures_explained(forward, path, lock)) as url:
            base_url = url + urlsplit(upstream).path.rstrip("/")
            exit_code = _run(command, environment_for(base_url, azure=azure))
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


def _with_failures_explained(
    forward: Callable[[Request], Response], path: Path, lock: AbstractContextManager[Any]
) -> Callable[[Request], Response]:
    """`forward`, with vcrpy's errors turned into failures that the program is told."""

    def answer(request: Request) -> Response:
        try:
            with lock:
                return forward(request)
        except Exception as error:
            raise HarnessFailure(
                f"{request.method} {request.path} could not be recorded into {path}.",
                there_was=str(error),
                do='mode="new_episodes"   # record what the cassette lacks; or "rewrite", to record all of it anew',
            ) from error

    return answer
