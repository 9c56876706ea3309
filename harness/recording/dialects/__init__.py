"""The file formats of recorders, a module for each dialect. The dialect of a file is recognized by its content.

A new dialect is a module with `rows` and `exchange`, and a row of the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from harness.recording.dialects import azure_test_proxy, har, json_lines, nock, notebook, vcr, vcrpy

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.recording.dialects.common import Place
    from harness.recording.exchanges import RecordedExchange


class Dialect(NamedTuple):
    """A file format of recorded exchanges.

    Attributes:
        name: what it is called in messages.
        rows: the records of a parsed file, in their order; None if the file is in another dialect.
        exchange: the exchange of one record; raises `Unusable` if none can be built from it.
    """

    name: str
    rows: Callable[[Any], list[Any] | None]
    exchange: Callable[[Any, Place], RecordedExchange]


DIALECTS = (
    Dialect("vcrpy (YAML or JSON, version 1)", vcrpy.rows, vcrpy.exchange),
    Dialect("VCR of Ruby or R, or Betamax (YAML or JSON)", vcr.rows, vcr.exchange),
    Dialect("Azure SDK test proxy (JSON)", azure_test_proxy.rows, azure_test_proxy.exchange),
    Dialect("HAR 1.2 (JSON)", har.rows, har.exchange),
    Dialect("fixture of nock (JSON)", nock.rows, nock.exchange),
    Dialect("log of exchanges (JSON lines)", json_lines.rows, json_lines.exchange),
    Dialect("printed objects (Jupyter notebook, text or JSON)", notebook.rows, notebook.exchange),
)
