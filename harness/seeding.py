"""Objects that exist when a test starts, by `add_…`: checked as the requests would be that could make them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from harness.failures import HarnessFailure
from harness.scripting import users_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.service.context import World
    from harness.service.records import Assistant, File, Thread, VectorStore
    from harness.service.store import R, Table
    from harness.turns import Turns

# By the section of a scenario that holds such objects: the method that adds one, and what to write.
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
        """An assistant that exists when the test starts, such as one whose id is written down in the code.

        Args:
            id: its id; by default one is made.
            model: its model; by default `gpt-4o`.
            **fields: `name`, `instructions`, `tools` and all else that a client may send to make one, in v2 or v1.

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
        """A thread that exists when the test starts, with what has been said in it.

        Args:
            id: its id; by default one is made.
            messages: as a client sends them, `{"role": "user", "content": "Hi"}`, each with an `id` if wanted.
            metadata: up to 16 pairs.
            tool_resources: files of the code interpreter, and stores to search.

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
        """A vector store that tool resources may name; its files are indexed already.

        Args:
            id: its id; by default one is made.
            file_ids: ids of files that exist.
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
        """A file that exists when the test starts, from a path, from bytes or from a text.

        It may have any name: the extensions that uploads need were not asked of files that had been there before, nor
        of those that the model made.

        Raises:
            HarnessFailure: there is neither a path nor a content, the id is taken, or no file has such a purpose.
            OSError: the file at the path cannot be read.
        """
        name, data = content_of(path, content, filename)
        sent = {"base64": b64encode(data).decode()}
        return self._seed("files", self.world.store.files, id=id, filename=name, content=sent, purpose=purpose)

    def _seed(self, section: str, table: Table[R], /, **given: Any) -> R:
        """What a scenario would make of this in its section, now in its table; what is None was not given."""
        from harness.scenarios import objects, places  # noqa: PLC0415 - only tests that add objects pay for scenarios

        method, example = METHODS[section]
        place = places.Place(places.Source(f"{method}(…) at {users_line()}"))
        fields = {name: _as_json(value, place / name) for name, value in given.items() if value is not None}
        try:
            with self.turns.lock:
                read = objects.file(fields, place) if section == "files" else objects.other(section, fields, place)
                objects.make_all(self.world, [read])
                return next(reversed(table))
        except places.Misread as failure:
            do = f"assistants.{method}({example})"
            raise HarnessFailure(failure.happened, there_was=failure.there_was, do=do) from failure


def _as_json(value: object, where: object) -> Any:
    """What a client would send of it, be it a tuple, an enumeration or a model of the SDK: a copy.

    Raises:
        HarnessFailure: it is no JSON.
    """
    try:
        return from_json(to_json(value, exclude_none=True, fallback=_plain))
    except ValueError as error:  # what it says of is the type
        raise HarnessFailure(
            f"{where}: that is no JSON: {error}", do="json.dumps(…)   # shows what of it is none"
        ) from error


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise ValueError(f"a {type(value).__name__}")


def content_of(path: str | Path | None, content: bytes | str | None, filename: str | None) -> tuple[str, bytes]:
    """The name and the bytes of a file, from its path, or from what was given in place of either.

    Raises:
        HarnessFailure: neither a path nor bytes are given.
    """
    if path is None and content is None:
        raise HarnessFailure(
            "add_file(…) needs something to add.",
            do='assistants.add_file("data.csv")   # or add_file(content=b"…", filename="data.csv")',
        )
    if content is None and path is not None:
        content = Path(path).read_bytes()
    data = content.encode() if isinstance(content, str) else content or b""
    return filename or (Path(path).name if path is not None else "file.bin"), data
