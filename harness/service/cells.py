"""The code interpreter: what a cell shows in its step, and in the messages that follow (CONTRACT §2.5).

Nothing is executed here: cells are given to the `execute` function of the service, if there is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.failures import HarnessFailure
from harness.service.products import FOLDER, LINK, Product
from harness.service.records import File

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.service.acts import RunCode, Say
    from harness.service.clock import Clock
    from harness.service.http import Content
    from harness.service.records import Run, Thread
    from harness.service.settings import Settings
    from harness.service.shapes import Shapes
    from harness.service.store import Store

OUTPUT_PURPOSE = "assistants_output"
# In recordings since this day, a cell that prints has no outputs (CONTRACT §2.5).
LOGS_DROPPED = "2025-09-16"
# The end of a file name: nothing may follow that would be part of a longer name. A full stop or Korean particles may.
_END_OF_NAME = r"(?![A-Za-z0-9_-]|\.[A-Za-z0-9])"


@dataclass(frozen=True)
class Cell:
    """A cell to execute, and the files in its folder: the id, name and content of each.

    Cells of one session share their variables. `now` is virtual time.
    """

    session: str
    source: str
    files: tuple[tuple[str, str, Content], ...]
    now: float


@dataclass(frozen=True)
class Outcome:
    """What a cell printed and drew, and the files that it created or changed."""

    logs: str = ""
    drawings: tuple[bytes, ...] = ()
    files: tuple[Product, ...] = ()


Execute: TypeAlias = "Callable[[Cell], Outcome]"


class CodeInterpreter:
    """Runs cells for their steps, and adds links to the cells' files to the messages that follow."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        shapes: Shapes,
        settings: Settings,
        execute: Execute | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._shapes = shapes
        self._settings = settings
        self._execute = execute

    def run_cell(self, act: RunCode, run: Run, thread: Thread) -> RunCode:
        """The cell as its step shows it, with its logs and the ids of its images; its files have been stored."""
        if act.execute:
            outcome = self._outcome(act.source, run, thread)
            drawings = tuple(Product(None, drawing) for drawing in outcome.drawings)
            act = replace(act, logs=outcome.logs or None, images=drawings, files=outcome.files)
        made = {product.name: self._add_file(run, product) for product in act.files}
        ids = [
            image if isinstance(image, str) else made.get(image.name or "") or self._add_file(run, image)
            for image in act.images
        ]
        run.drawings += ids
        run.last_logs = act.logs or ""
        return replace(act, logs=act.logs if self._shows_logs(act) else None, images=tuple(ids), files=())

    def with_links(self, act: Say, run: Run) -> Say:
        """The message with the images that cells drew since the last one, and annotations of links to their files.

        Images come first, as recorded in April 2024; images that the script names replace them.
        """
        if not run.drawings and not run.products:
            return act
        images = tuple(run.drawings) if act.images is None else act.images
        run.drawings = []
        marks = {mark["start_index"] for mark in act.annotations}
        found = [link for link in _links(act.text, run.products) if link["start_index"] not in marks]
        annotations = sorted([*act.annotations, *found], key=lambda mark: mark["start_index"])
        return replace(act, images=images, annotations=tuple(annotations))

    def _outcome(self, source: str, run: Run, thread: Thread) -> Outcome:
        if self._execute is None:
            raise HarnessFailure(
                f"run_code({source[:40]!r}, execute=True): this service has no function that executes code.",
                do='run_code("…", logs="…")   # or use the `assistants` fixture or `fake_assistants()`',
            )
        files = tuple((file.id, file.filename, file.content) for file in self._files(run, thread))
        return self._execute(Cell(thread.id, source, files, self._clock.now))

    def _files(self, run: Run, thread: Thread) -> Iterator[File]:
        """The files of the run's code interpreter: the assistant's and the thread's; in v1 those of messages, too."""
        assistant = self._store.assistants.get(run.assistant_id)
        of_v1 = run.api == "v1"
        ids = list(run.file_ids) if of_v1 else []
        for owner in (assistant, thread):
            if owner is not None:
                ids += owner.tool_resources.get("code_interpreter", {}).get("file_ids", ())
        for message in thread.messages if of_v1 else ():
            ids += message.file_ids
        for file_id in dict.fromkeys(ids):
            file = self._store.files.get(file_id)
            if file is not None:
                yield file

    def _add_file(self, run: Run, product: Product) -> str:
        """Store a product as a file, named as recorded: files by their path, drawings by a UUID."""
        file_id = self._store.ids.file(self._shapes, azure=run.azure, purpose=OUTPUT_PURPOSE)
        name = FOLDER + product.name if product.name else self._store.ids.drawing()
        self._store.files.add(File(file_id, int(self._clock.now), name, OUTPUT_PURPOSE, product.content))
        if product.name:
            run.products[product.name] = file_id
        return file_id

    def _shows_logs(self, act: RunCode) -> bool:
        """Whether the step shows logs: by default those of a script always, executed ones as on the chosen day."""
        if self._settings.code_logs != "by_day":
            return self._settings.code_logs == "shown"
        return not act.execute or self._settings.as_of is None or self._settings.as_of < LOGS_DROPPED


def _links(text: str, products: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A `file_path` annotation for each link in the text to one of these files (CONTRACT §2.3)."""
    if not products or LINK not in text:
        return
    longest_first = sorted(products, key=len, reverse=True)
    pattern = re.escape(LINK) + "(" + "|".join(map(re.escape, longest_first)) + ")" + _END_OF_NAME
    for link in re.finditer(pattern, text):
        yield {
            "type": "file_path",
            "text": link[0],
            "start_index": link.start(),
            "end_index": link.end(),
            "file_path": {"file_id": products[link[1]]},
        }
