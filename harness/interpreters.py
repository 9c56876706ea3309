"""The interpreters of a fake: one for each thread that executes cells, for an hour of virtual time."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from harness.environment import python_environment
from harness.sandbox import MEBIBYTE, Limits, Sandbox
from harness.service.cells import Outcome
from harness.service.products import Product

if TYPE_CHECKING:
    from harness.options import Options
    from harness.service.cells import Cell

LIFETIME = 3600  # seconds (CONTRACT §8, code interpreter session)


class Interpreters:
    """Executes a cell when called with it. A copy of a fake's state shares its interpreters."""

    def __init__(self, options: Options) -> None:
        disk = options.code_disk * MEBIBYTE
        self._limits = Limits(
            seconds=options.code_seconds,
            cpu=max(1, ceil(options.code_seconds)),
            memory=options.code_memory * MEBIBYTE,
            file=disk,
            disk=disk,
            output=options.code_output,
        )
        self._sessions: dict[str, tuple[float, Sandbox]] = {}

    def __deepcopy__(self, memo: dict[int, object]) -> Interpreters:
        return self

    def __call__(self, cell: Cell) -> Outcome:
        for session, (begun, expired) in list(self._sessions.items()):
            if not 0 <= cell.now - begun < LIFETIME:
                expired.close()
                self._sessions.pop(session, None)
        _, sandbox = self._sessions.setdefault(
            cell.session, (cell.now, Sandbox(self._limits, environment=python_environment()))
        )
        result = sandbox.run(cell.source, cell.files)
        if not sandbox.running:
            self._sessions.pop(cell.session, None)
        return Outcome(result.logs, result.drawings, tuple(Product(*file) for file in result.files))

    def close(self) -> None:
        """End all interpreters, also one that another thread is using; the next cell starts a new one."""
        sessions, self._sessions = self._sessions, {}
        for _, sandbox in sessions.values():
            sandbox.close()
