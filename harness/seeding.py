"""The `add_…` methods, for objects that exist when a test starts: validated like requests that create them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from harness.failures import HarnessFailure
from harness.scripting import call_site
from harness.service.explain import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.service.context import World
    from harness.service.records import Assistant, File, Thread, VectorStore
    from harness.service.store import R, Table
    from harness.turns import Turns

ADD_FILE = 'assistants.add_file("data.csv")   # or add_file(content=b"…", filename="data.csv")'

# By the section of a scenario with such objects: the method that adds one, and example arguments.
METHODS = {
    "files": ("add_file", '"data.csv"'),
    "assistants": ("add_assistant", '"asst_abc", instructions="Be brief.", tools=[{"type": "file_search"}]'),
    "threads": ("add_thread", '"thread_abc", messages=[{"role": "user", "content": "Hi"}]'),
    "vector_stores": ("add_vector_store", '"vs_abc", file_ids=[assistants.add_file("hours.txt").id]'),
}


class Seeding(ABC):
    """The methods of a fake that add objects."""

    turns: Turns

    @property
    @abstractmethod
    def world(self) -> World: ...

    def add_assistant(self, id: str | None = None, *, model: str | None = None, **fields: Any) -> Assistant:
        """Add an assistant that exists when the test starts, such as one whose id is hard-coded in the app.

        Args:
            id: its id; by default a generated one.
            model: its model; by default `gpt-4o`.
            **fields: `name`, `instructions`, `tools` and whatever else a client may send to create one, in v2 or v1.

        Raises:
            HarnessFailure: the service would refuse it, or the id is taken.
        """
        return self._seed("assistants", self.world.store.assistants, id=id, model=model, **fields)

    def add_thread(
        self,
        id: str | None = None,
        *,
        messages: Iterable[Mapping[str, Any]] = (),
        metadata: Mapping[str, str] | None = None,
        tool_resources: Mapping[str, Any] | None = None,
    ) -> Thread:
        """Add a thread that exists when the test starts, with its messages.

        Args:
            id: its id; by default a generated one.
            messages: as a client sends them, `{"role": "user", "content": "Hi"}`; each may have an `id`.
            metadata: up to 16 pairs.
            tool_resources: files of the code interpreter, and vector stores to search.

        Raises:
            HarnessFailure: the service would refuse it, or the id is taken.
        """
        return self._seed(
            "threads",
            self.world.store.threads,
            id=id,
            messages=[*(messages or ())],
            metadata=metadata,
            tool_resources=tool_resources,
        )

    def add_vector_store(self, id: str | None = None, *, file_ids: Iterable[str] = (), **fields: Any) -> VectorStore:
        """Add a vector store for tool resources to name; its files are already indexed.

        Args:
            id: its id; by default a generated one.
            file_ids: ids of existing files.
            **fields: `name`, `metadata`, `expires_after`, `chunking_strategy`.

        Raises:
            HarnessFailure: the service would refuse it, or the id is taken.
        """
        return self._seed(
            "vector_stores", self.world.store.vector_stores, id=id, file_ids=[*(file_ids or ())], **fields
        )

    def add_file(
        self,
        path: str | Path | None = None,
        *,
        id: str | None = None,
        content: bytes | str | None = None,
        filename: str | None = None,
        purpose: str = "assistants",
    ) -> File:
        """Add a file that exists when the test starts, from a path, from bytes or from a text.

        It may have any name: the service required certain extensions of uploads only, not of files that had existed
        before, nor of those that the model created.

        Raises:
            HarnessFailure: neither a path nor content is given, the id is taken, or there is no such purpose.
            OSError: the file at the path cannot be read.
        """
        name, data = content_of(path, content, filename)
        sent = {"base64": b64encode(data).decode()}
        return self._seed("files", self.world.store.files, id=id, filename=name, content=sent, purpose=purpose)

    def _seed(self, section: str, table: Table[R], /, **given: Any) -> R:
        """Create an object as a scenario would, and return it from its table; what is None was not given."""
        from harness.scenarios import objects, places  # noqa: PLC0415 - only tests that add objects pay for scenarios

        method, example = METHODS[section]
        place = places.Place(places.Source(f"{method}(…) at {call_site()}"))
        fields = {name: _as_json(value, place / name) for name, value in given.items() if value is not None}
        try:
            with self.turns.lock:
                creation = (
                    objects.file_creation(fields, place)
                    if section == "files"
                    else objects.object_creation(section, fields, place)
                )
                objects.create_all(self.world, [creation])
                return next(reversed(table))
        except places.ScenarioError as failure:
            do = f"assistants.{method}({example})"
            raise HarnessFailure(failure.happened, there_was=failure.there_was, do=do) from failure


def _as_json(value: object, where: object) -> Any:
    """A copy of a value as JSON, also of tuples, enumerations and models of the SDK.

    Raises:
        HarnessFailure: it is not serializable.
    """
    try:
        return from_json(to_json(value, exclude_none=True, fallback=_plain))
    except ValueError as error:  # its message names the type
        raise HarnessFailure(
            f"{where}: that is not JSON-serializable: {error}", do="json.dumps(…)   # shows which part is not"
        ) from error


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise ValueError(f"a {type(value).__name__}")


def content_of(path: str | Path | None, content: bytes | str | None, filename: str | None) -> tuple[str, bytes]:
    """The name and the bytes of a file, from its path or as given instead.

    Raises:
        HarnessFailure: neither a path nor content is given, or bytes as the path.
    """
    if path is None and content is None:
        raise HarnessFailure("add_file(…) needs something to add.", do=ADD_FILE)
    if isinstance(path, bytes):
        raise HarnessFailure(f"add_file({shortened(repr(path), 40)}): bytes are no path.", do=ADD_FILE)
    if content is None and path is not None:
        content = Path(path).read_bytes()
    data = content.encode() if isinstance(content, str) else content or b""
    return filename or (Path(path).name if path is not None else "file.bin"), data
