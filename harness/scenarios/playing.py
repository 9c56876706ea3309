"""A scenario is read, and then played on a fake: all of it, or nothing."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from harness.scenarios import faults, objects, scripts
from harness.scenarios.loading import EXAMPLE, Document
from harness.scenarios.places import Place, Source
from harness.scenarios.scripts import items

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.scenarios.objects import Make
    from harness.service.context import World


class Stage(Protocol):
    """What a scenario is played on: a `FakeAssistants`."""

    @property
    def world(self) -> World: ...

    def snapshot(self) -> World: ...


@dataclass
class Scenario:
    """What was read: the objects, and all that cannot fail any more."""

    makes: list[Make] = field(default_factory=list)
    others: list[Callable[[World], object]] = field(default_factory=list)


def play(
    fake: Stage, scenario: Mapping[str, Any], *, where: str, folder: Path | None = None, execute: bool = True
) -> None:
    """Give a fake what a scenario says; all of it, or nothing where something is wrong.

    Args:
        scenario: as `load` reads it from a file, or any mapping of that form.
        where: how the user knows it, for messages; a scenario from a file knows that itself.
        folder: where files lie that it names; by default that of its file, and without a file it may name none.
        execute: whether its cells may be executed.

    Raises:
        HarnessFailure: an unknown key, a value that does not fit, or an object that cannot be made.
    """
    source = Source(where, folder, execute)
    if isinstance(scenario, Document):
        source = Source(str(scenario.path), folder or scenario.path.parent, execute, scenario.lines)
    place = Place(source)
    try:
        read = _read(copy.deepcopy(dict(scenario)), place)
    except RecursionError as error:
        raise place.failure("it is nested too deeply.", do=EXAMPLE) from error
    if read.makes:
        objects.make_all(fake.snapshot(), read.makes)  # on a copy, to see whether they can be made
        objects.make_all(fake.world, read.makes)
    for apply in read.others:
        apply(fake.world)


def _read(data: Mapping[str, Any], place: Place) -> Scenario:
    place.check_keys(data, SECTIONS, "a scenario has no section", EXAMPLE)
    scenario = Scenario()
    for name, section in SECTIONS.items():
        if name in data:
            section.read(scenario, data[name], place / name)
    return scenario


# --- sections -------------------------------------------------------------------------------------------------


def _files(scenario: Scenario, data: Any, place: Place) -> None:
    scenario.makes += [objects.file(item, where) for item, where in items(data, place)]


def _objects(section: str) -> Callable[[Scenario, Any, Place], None]:
    def read(scenario: Scenario, data: Any, place: Place) -> None:
        scenario.makes += [objects.other(section, item, where) for item, where in items(data, place)]

    return read


def _next_run(scenario: Scenario, data: Any, place: Place) -> None:
    read = scripts.queue(data, place)
    scenario.others.append(lambda world: world.director.queue.extend(read))


def _when(scenario: Scenario, data: Any, place: Place) -> None:
    read = [scripts.rule(item, where) for item, where in items(data, place)]
    scenario.others.append(lambda world: world.director.rules.extend(read))


def _every_run(scenario: Scenario, data: Any, place: Place) -> None:
    read = scripts.script(data, place)
    scenario.others.append(lambda world: setattr(world.director, "default", read))


def _faults(scenario: Scenario, data: Any, place: Place) -> None:
    scenario.others += [faults.read(item, where) for item, where in items(data, place)]


class Section(NamedTuple):
    """One part of a scenario: what reads it, what it holds as the schema calls it, and what it is for."""

    read: Callable[[Scenario, Any, Place], None]
    holds: str
    says: str


# In the order in which they take effect: an object may name one of a section before.
SECTIONS = {
    "files": Section(_files, "file", "Files that exist before the first request."),
    "vector_stores": Section(
        _objects("vector_stores"), "vector_stores", "Vector stores that exist, with their files indexed."
    ),
    "assistants": Section(_objects("assistants"), "assistants", "Assistants that exist before the first request."),
    "threads": Section(_objects("threads"), "threads", "Threads that exist before the first request, with messages."),
    "when": Section(_when, "When", "What the model does in every run that meets all of some conditions."),
    "next_run": Section(
        _next_run,
        "scripts",
        "What the model does in the next run that nobody else claims; with lists, in the next ones.",
    ),
    "every_run": Section(_every_run, "script", "What the model does in all runs that are not claimed otherwise."),
    "faults": Section(_faults, "fault", "What goes wrong with requests, answers and streams."),
}
