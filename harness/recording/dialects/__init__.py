"""How recorders wrote exchanges down, one file a dialect; which one a file is in shows in its content.

A new dialect is a module with `rows` and `exchange`, and a row of the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from harness.recording.dialects import har, nock, notebook, proxy, rows, vcr, vcrpy

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.recording.dialects.parts import Place
    from harness.recording.exchanges import RecordedExchange


class Dialect(NamedTuple):
    """One way to write exchanges down.

    Attributes:
        name: what it is called in messages.
        rows: its records in a parsed file, in their order; None if the file is in another dialect.
        exchange: what one of them means; raises `Unusable` if that is nothing to replay.
    """

    name: str
    rows: Callable[[Any], list[Any] | None]
    exchange: Callable[[Any, Place], RecordedExchange]


DIALECTS = (
    Dialect("vcrpy (YAML or JSON, version 1)", vcrpy.rows, vcrpy.exchange),
    Dialect("VCR of Ruby or R, or Betamax (YAML or JSON)", vcr.rows, vcr.exchange),
    Dialect("Azure SDK test proxy (JSON)", proxy.rows, proxy.exchange),
    Dialect("HAR 1.2 (JSON)", har.rows, har.exchange),
    Dialect("fixture of nock (JSON)", nock.rows, nock.exchange),
    Dialect("log of exchanges (JSON lines)", rows.rows, rows.exchange),
    Dialect("printed objects (Jupyter notebook, text or JSON)", notebook.rows, notebook.exchange),
)
