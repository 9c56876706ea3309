"""Diagrams of the service's state machines, from its tables: as text, Mermaid, SVG or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.report.diagrams.machines import MACHINES, Machine
from harness.report.diagrams.mermaid import mermaid
from harness.report.diagrams.svg import svg
from harness.report.diagrams.text import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["FORMS", "MACHINES", "Machine"]


def _json(machines: Iterable[Machine]) -> str:
    return json.dumps({machine.name: machine.data() for machine in machines}, indent=2)


FORMS: Mapping[str, Callable[[Iterable[Machine]], str]] = {"text": text, "mermaid": mermaid, "svg": svg, "json": _json}
