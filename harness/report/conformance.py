"""How well each endpoint is known to answer as the real service did, by comparison with recordings.

`conformance.json` is written by `docs/generate_conformance.py`, which replays all recorded exchanges against the fake.
An exchange agrees if the answers have the same status, keys, order of keys, nulls and texts; only timestamps, token
counts and generated ids may differ. Known differences, with reasons, are in `tests/real/differences.json`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.service.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.service.routes import Route

DATA = Path(__file__).with_name("conformance.json")
# The version in the beta header; files, models and vector stores need none; Azure has no such header.
VERSIONS = ("v1", "v2", "no header", "Azure")
SECTIONS = {
    "assistants": "1.1",
    "threads": "1.2",
    "messages": "1.3",
    "runs": "1.4",
    "files": "1.5",
    "vector_stores": "1.6",
}
LEGEND = """\
12/13: of 13 recorded exchanges, 12 are answered as the real service answered them, in every respect but times, token
counts and ids; what differs, and why, is in tests/real/differences.json of the project. none: the endpoint is there,
and no recording of it is. -: it is not there in this version."""


@dataclass(frozen=True)
class Count:
    """How many exchanges were recorded, how many of them agree, and how many of them are streams."""

    recorded: int = 0
    agree: int = 0
    streams: int = 0


@dataclass(frozen=True)
class Endpoint:
    """One row of the route table with its evidence.

    Attributes:
        versions: those of `VERSIONS` that have the endpoint.
        contract: the section of the contract that describes it, if there is one.
        evidence: the counts by version, for versions with recordings.
    """

    method: str
    path: str
    versions: tuple[str, ...]
    contract: str | None
    evidence: Mapping[str, Count]


def endpoints(data: Path = DATA) -> list[Endpoint]:
    """Every endpoint of the fake, in the order of the route table."""
    known = json.loads(data.read_text(encoding="utf-8"))
    return [
        Endpoint(
            route.method,
            route.template,
            versions(route),
            section(route),
            {version: Count(**count) for version, count in known.get(name(route), {}).items()},
        )
        for route in ROUTES
    ]


def name(route: Route) -> str:
    return f"{route.method} {route.template}"


def versions(route: Route) -> tuple[str, ...]:
    """The versions that have a route; Azure has all routes, in one version of its API or another."""
    has_route = {"v1": not route.v2_only, "v2": not route.v1_only, "no header": not route.beta, "Azure": True}
    return tuple(version for version in VERSIONS if has_route[version])


def section(route: Route) -> str | None:
    """The section of the contract that describes a route.

    >>> [section(route) for route in ROUTES if route.template.endswith("/files")]
    ['1.7', '1.7', '1.7', '1.5', '1.5', '1.6', '1.6', '1.6']
    """
    if route.v1_only:
        return "1.7"
    collections = [segment for segment in route.template.split("/") if segment in SECTIONS]
    if not collections:
        return None
    return SECTIONS[route.family if route.v2_only else collections[-1]]


def as_json(all_: Iterable[Endpoint]) -> str:
    return json.dumps([asdict(endpoint) for endpoint in all_], indent=2)


def as_text(all_: Iterable[Endpoint]) -> str:
    """A table for terminals, with sums below."""
    listed = list(all_)
    cells = [(f"{one.method:<6} {one.path}", *(_cell(one, version) for version in VERSIONS)) for one in listed]
    sums = {version: _sum(one.evidence.get(version, Count()) for one in listed) for version in VERSIONS}
    rows = [
        ("endpoint", *VERSIONS, "contract"),
        *((*row, f"§{one.contract}" if one.contract else "") for row, one in zip(cells, listed, strict=True)),
        (f"{len(listed)} endpoints", *(f"{count.agree}/{count.recorded}" for count in sums.values()), ""),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    total = _sum(sums.values())
    unrecorded = sum(not one.evidence for one in listed)
    streams = "1 of them is a stream" if total.streams == 1 else f"{total.streams} of them are streams"
    have = "has" if unrecorded == 1 else "have"
    summed = (
        f"{total.agree} of {total.recorded} recorded exchanges agree; {streams}. "
        f"{unrecorded} of {len(listed)} endpoints {have} no recording."
    )
    return "\n".join([lines[0], *lines[1:-1], "", lines[-1], "", summed, LEGEND])


def _cell(endpoint: Endpoint, version: str) -> str:
    count = endpoint.evidence.get(version)
    if count is not None:
        return f"{count.agree}/{count.recorded}"
    return "none" if version in endpoint.versions else "-"


def _sum(counts: Iterable[Count]) -> Count:
    listed = list(counts)
    return Count(*(sum(getattr(count, field) for count in listed) for field in ("recorded", "agree", "streams")))
