"""The file_search tool of a run: it finds chunks in the run's files, and messages cite what it found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.service.acts import CITATION_PLACEHOLDER
from harness.service.searching import index
from harness.service.searching.searcher import Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.service.acts import Say, Search
    from harness.service.records import Assistant, Run, Thread, VectorStore
    from harness.service.searching.searcher import Found, Searcher
    from harness.service.store import Store

Result = dict[str, Any]


def with_results(act: Search, run: Run, thread: Thread, store: Store, searcher: Searcher) -> Search:
    """The act with its results: those that were scripted, else what is found in the files of the run.

    The query is the act's own, or the newest user message. The run's `file_search` tool sets the number of results and
    the score threshold, else the service's defaults apply (CONTRACT §8).
    """
    if act.results is not None:
        return act
    asked = (message.text for message in reversed(thread.messages) if message.role == "user")
    query = next(asked, "") if act.query is None else act.query
    tool = next((tool.get("file_search") or {} for tool in run.tools if tool["type"] == "file_search"), {})
    found = searcher.search(
        list(run_documents(run, thread, store)),
        query,
        max_num_results=tool.get("max_num_results") or (5 if run.model.startswith("gpt-3.5") else 20),
        score_threshold=(tool.get("ranking_options") or {}).get("score_threshold") or 0.0,
    )
    return replace(act, results=tuple(map(result_of, found)))


def result_of(found: Found) -> Result:
    """A result as a step shows it (CONTRACT §2.5)."""
    return {
        "file_id": found.file_id,
        "file_name": found.file_name,
        "score": found.score,
        "attributes": dict(found.attributes),
        "content": found.content,
    }


def run_documents(run: Run, thread: Thread, store: Store) -> Iterator[Document]:
    """The files of the assistant's store, then of the thread's; one that is in both comes twice (CONTRACT §2.5).

    In v1 the files of the assistant and of the messages come first, each once; they are then left out of the stores.
    """
    assistant = store.assistants.get(run.assistant_id)
    attached = dict.fromkeys(_attached(assistant, thread) if run.api == "v1" else ())
    for file_id in attached:
        file = store.files.get(file_id)
        if file is not None:
            yield Document(file, {})
    for owner in (assistant, thread):
        named = owner.tool_resources.get("file_search", {}) if owner is not None else {}
        for store_id in named.get("vector_store_ids", ()):
            vector_store = store.vector_stores.get(store_id)
            if vector_store is not None:
                found = documents_of(vector_store, store)
                yield from (document for document in found if document.file.id not in attached)


def documents_of(vector_store: VectorStore, store: Store) -> Iterator[Document]:
    """The documents of a store: its completed files, in the order in which they were added."""
    for entry in vector_store.files:
        file = store.files.get(entry.id)
        if file is not None and entry.status == "completed":
            yield Document(file, entry.attributes, entry.chunking)


def _attached(assistant: Assistant | None, thread: Thread) -> Iterator[str]:
    if assistant is not None:
        yield from assistant.file_ids
    for message in thread.messages:
        yield from message.file_ids


# --- citations ----------------------------------------------------------------------------------------------


def with_citations(act: Say, run: Run, thread: Thread) -> Say:
    """The message with a citation mark and an annotation for each file that the run's last search found (§2.3).

    The marks replace the placeholders `【】` in the text, one per file, the best first; a placeholder too many is
    removed. In a text without placeholders all marks stand at the end.
    """
    if not act.auto_citations:
        return act
    texts = act.text.split(CITATION_PLACEHOLDER)
    marks = list(_marks(run, thread, texts))
    if len(texts) == 1:
        texts += [""] * len(marks)
    marks += [("", {})] * (len(texts) - 1 - len(marks))
    said = texts[0]
    annotations: list[Result] = []
    for (mark, citation), following in zip(marks, texts[1:], strict=False):
        if mark:
            ends = len(said) + len(mark)
            place = {"text": mark, "start_index": len(said), "end_index": ends}
            annotations.append({"type": "file_citation", **place, "file_citation": citation})
        said += mark + following
    return replace(act, text=said, annotations=tuple(annotations), auto_citations=False)


def _marks(run: Run, thread: Thread, texts: Sequence[str]) -> Iterator[tuple[str, Result]]:
    """The citation mark of each file, once, with its `file_citation`; `texts` are the texts in front of the marks.

    The first number of a mark is four times the number of user messages, after the recorded `4:0` of a first one; the
    second is the index of the result. Marks of v1 have one number. (Both are guesses.)
    """
    first = 4 * sum(message.role == "user" for message in thread.messages)
    old = any(tool["type"] == "retrieval" for tool in run.tools)
    seen: set[str] = set()
    for place, found in enumerate(_last_found(run)):
        if found["file_id"] in seen:
            continue
        said = texts[min(len(seen), len(texts) - 1)]
        seen.add(found["file_id"])
        if old:
            yield f"【{first + place}†source】", {"file_id": found["file_id"], "quote": _quote(found, said)}
        else:
            yield f"【{first}:{place}†{found.get('file_name', 'source')}】", {"file_id": found["file_id"]}


def _last_found(run: Run) -> Iterable[Mapping[str, Any]]:
    for step in reversed(run.steps):
        for call in step.details.get("tool_calls", ()):
            if call["type"] == "file_search":
                results: list[Result] = call["results"]
                return results
    return ()


def _quote(found: Mapping[str, Any], said: str) -> str:
    """The line of a chunk that shares most words with the cited text: v1's citations quote it (CONTRACT §2.3)."""
    words = set(index.terms(said))
    lines = [line.strip() for part in found.get("content", ()) for line in part["text"].splitlines()]
    return max(lines, key=lambda line: len(words.intersection(index.terms(line))), default="")
