"""Plays a scenario on a fake: all of it, or nothing if any part is invalid."""

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

    from harness.scenarios.objects import Creation
    from harness.service.context import World


class Target(Protocol):
    """What a scenario is played on: the part of a `FakeAssistants` that it needs."""

    @property
    def world(self) -> World: ...

    def snapshot(self) -> World: ...


@dataclass
class Scenario:
    """A scenario that has been read: the objects to create, and all other changes, which cannot fail."""

    creations: list[Creation] = field(default_factory=list)
    changes: list[Callable[[World], object]] = field(default_factory=list)


def play(
    fake: Target, scenario: Mapping[str, Any], *, where: str, folder: Path | None = None, execute: bool = True
) -> None:
    """Play a scenario on a fake; if any part of it is invalid, nothing takes effect.

    Args:
        scenario: as `load` returns it, or any mapping of that form.
        where: where it comes from, for messages; ignored for a `Document`, which has a path.
        folder: the folder of the files that it names; by default that of its file. Without either, it may name none.
        execute: whether its cells may be executed.

    Raises:
        HarnessFailure: it has an unknown key, an invalid value, or an object that cannot be created.
    """
    source = Source(where, folder, execute)
    if isinstance(scenario, Document):
        source = Source(str(scenario.path), folder or scenario.path.parent, execute, scenario.lines)
    place = Place(source)
    try:
        read = _read(copy.deepcopy(dict(scenario)), place)
    except RecursionError as error:
        raise place.failure("it is nested too deeply.", do=EXAMPLE) from error
    if read.creations:
        objects.create_all(fake.snapshot(), read.creations)  # on a copy first, to see whether all can be created
        objects.create_all(fake.world, read.creations)
    for apply in read.changes:
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
    scenario.creations += [objects.file_creation(item, where) for item, where in items(data, place)]


def _objects(section: str) -> Callable[[Scenario, Any, Place], None]:
    def read(scenario: Scenario, data: Any, place: Place) -> None:
        scenario.creations += [objects.object_creation(section, item, where) for item, where in items(data, place)]

    return read


def _next_run(scenario: Scenario, data: Any, place: Place) -> None:
    read = scripts.queue(data, place)
    scenario.changes.append(lambda world: world.director.queue.extend(read))


def _when(scenario: Scenario, data: Any, place: Place) -> None:
    read = [scripts.rule(item, where) for item, where in items(data, place)]
    scenario.changes.append(lambda world: world.director.rules.extend(read))


def _every_run(scenario: Scenario, data: Any, place: Place) -> None:
    read = scripts.script(data, place)
    scenario.changes.append(lambda world: setattr(world.director, "default", read))


def _faults(scenario: Scenario, data: Any, place: Place) -> None:
    scenario.changes += [faults.read(item, where) for item, where in items(data, place)]


class Section(NamedTuple):
    """A section of scenarios: the function that reads it, the name of its schema, and its description."""

    read: Callable[[Scenario, Any, Place], None]
    schema: str
    description: str


# In the order in which they take effect: an object may refer to one in an earlier section.
SECTIONS = {
    "files": Section(_files, "file", "Files that exist before the first request."),
    "vector_stores": Section(
        _objects("vector_stores"), "vector_stores", "Vector stores that exist, with their files indexed."
    ),
    "assistants": Section(_objects("assistants"), "assistants", "Assistants that exist before the first request."),
    "threads": Section(_objects("threads"), "threads", "Threads that exist before the first request, with messages."),
    "when": Section(_when, "When", "What the model does in the runs that meet certain conditions."),
    "next_run": Section(
        _next_run,
        "scripts",
        "What the model does in the next run that no rule claims; a list of lists is for the next runs.",
    ),
    "every_run": Section(_every_run, "script", "What the model does in all other runs."),
    "faults": Section(_faults, "fault", "What goes wrong with requests, answers and streams."),
}
