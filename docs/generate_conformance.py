"""Writes `harness/report/conformance.json`, which `harness routes` shows: how many recorded exchanges of each endpoint
the fake answers as the real service did.

    python docs/generate_conformance.py

The recordings are not part of the repository; `PYTEST_ASSISTANTS_SHARED` names the folder above theirs.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "real"))

from recorded_exchanges import STREAMED  # noqa: E402 - it lies there

from harness.report.conformance import DATA, VERSIONS, Count, name  # noqa: E402 - as above
from harness.service.routes import ROUTES  # noqa: E402 - as above

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recorded_exchanges import Exchange
    from replayer import Outcome

# The recordings call every id the same.
NAMES = {(route.method, re.sub(r"\{\w+\}", "{id}", route.template)): name(route) for route in ROUTES}


def version(exchange: Exchange) -> str:
    """One of VERSIONS. Azure's requests may have the header of OpenAI, which it ignores."""
    if re.match(r"https?://[^/]+/openai/", exchange.url):
        return "Azure"
    return "no header" if exchange.version == "-" else exchange.version


def counted(outcomes: Iterable[Outcome]) -> dict[str, dict[str, Count]]:
    """The evidence of each endpoint, in the order of the route table."""
    counts: defaultdict[tuple[str, str], Count] = defaultdict(Count)
    for outcome in outcomes:
        exchange = outcome.exchange
        at = NAMES[exchange.method, exchange.route], version(exchange)
        before = counts[at]
        counts[at] = Count(
            before.recorded + 1,
            before.agree + (not outcome.differences),
            before.streams + exchange.name.endswith(STREAMED),
        )
    return {
        endpoint: {version: counts[endpoint, version] for version in VERSIONS if (endpoint, version) in counts}
        for endpoint in NAMES.values()
        if any((endpoint, version) in counts for version in VERSIONS)
    }


def written(counts: dict[str, dict[str, Count]]) -> str:
    """One line an endpoint and version, so that a change is one in a diff, too."""
    plain = {endpoint: {version: asdict(count) for version, count in of.items()} for endpoint, of in counts.items()}
    text = json.dumps(plain, indent=2)
    return (
        re.sub(r"\{\s+(\"recorded\": \d+),\s+(\"agree\": \d+),\s+(\"streams\": \d+)\s+\}", r"{\1, \2, \3}", text) + "\n"
    )


def main() -> None:
    from replay_outcomes import outcomes  # noqa: PLC0415 - it plays all recordings

    DATA.write_text(written(counted(outcomes())), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
