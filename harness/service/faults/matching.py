"""Which requests a fault is for: the argument `on=`."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure
from harness.service.paths import below_root

if TYPE_CHECKING:
    from harness.service.context import World
    from harness.service.http import Request
    from harness.service.routes import Route


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request before it is served.

    Attributes:
        names: how `on` may name it: by its path and, if the API has such a route, by that route's template.
    """

    request: Request
    names: tuple[str, ...]
    azure: bool
    world: World


def names(method: str, path: str) -> tuple[str, ...]:
    """How `on` may name a request; `path` lies below the API's root.

    >>> names("GET", "/threads/thread_1/messages")
    ('GET /threads/thread_1/messages', 'GET /threads/{thread_id}/messages')
    """
    from harness.service.routes import ROUTER  # noqa: PLC0415 - routes know handlers, handlers the world with its faults

    match = ROUTER.match(method, path)
    return (f"{method} {path}",) if match is None else (f"{method} {path}", f"{method} {match.route.template}")


def check_on(on: str | None) -> str | None:
    """The value of `on`, with its path below the API's root.

    Raises:
        HarnessFailure: the API has no such route, or there are several.
    """
    if on is None:
        return None
    if not isinstance(on, str):
        raise HarnessFailure(
            f"faults: on={on!r} has to be one route.", do='on="GET /models"   # and a fault of its own for each other'
        )
    method, _, path = on.partition(" ")
    wanted = f"{method} {below_root(path)}"
    if route_of(wanted) is None:
        from harness.service.routes import ROUTES  # noqa: PLC0415 - routes know handlers, and they the faults

        known = [f"{route.method} {route.template}" for route in ROUTES]
        [nearest] = difflib.get_close_matches(wanted, known, n=1, cutoff=0)
        raise HarnessFailure(
            f"faults: on={on!r} is no route of the fake.",
            there_was=f"The nearest: {nearest}",
            do=f'on="{nearest}"   # or with ids: on="GET /threads/thread_abc/messages"; without on: every request',
        )
    return wanted


def route_of(name: str) -> Route | None:
    """The route that `METHOD /path` names, by a template or by a path; None if there is none."""
    from harness.service.routes import ROUTER, ROUTES  # noqa: PLC0415 - routes know handlers, and they the faults

    by_template = next((route for route in ROUTES if name == f"{route.method} {route.template}"), None)
    if by_template is not None:
        return by_template
    method, _, path = name.partition(" ")
    match = None if set(path) & set("{}?") else ROUTER.match(method, path)
    return None if match is None else match.route
