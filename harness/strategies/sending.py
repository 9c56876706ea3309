"""Whole requests, as a client sends them: `requests()`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from hypothesis import strategies as st

from harness.failures import HarnessFailure
from harness.service.http import Request
from harness.service.params.upload import PURPOSES
from harness.strategies.bodies import ASSISTANTS, FILES, THREADS, bodies
from harness.strategies.texts import by_validity, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import DrawFn, SearchStrategy

    from harness.strategies.bodies import Ids

LISTS = ("/assistants", "/threads/{thread_id}/messages", "/threads/{thread_id}/runs", "/vector_stores")
UPLOAD = "POST /files"
ENDPOINTS = (*bodies(), UPLOAD, *(f"GET {path}" for path in LISTS))
BOUNDARY = "0123456789abcdef"
HEADERS = {"authorization": "Bearer sk-strategies", "openai-beta": "assistants=v2"}


def requests(
    *,
    valid: bool | None = True,
    on: str | None = None,
    assistants: Ids = ASSISTANTS,
    threads: Ids = THREADS,
    files: Ids = FILES,
) -> SearchStrategy[Request]:
    """A request that creates, modifies or lists something: a `harness.Request`, ready for `assistants.answer`.

    A valid one is answered with 200 by a fake that knows these ids (or has `adopt_unknown=True`), as long as the thread
    has no active run; an invalid one with 400, and it changes nothing.

    Args:
        on: the endpoint, such as `POST /threads`; by default any of `ENDPOINTS`.
        assistants, threads, files: the ids that requests refer to; without `files`, they refer to none.

    Raises:
        HarnessFailure: there is no such endpoint among them.

    >>> from hypothesis import find
    >>> find(requests(on="POST /threads"), lambda request: True).body
    b'{}'
    """
    if on is not None and on not in ENDPOINTS:
        raise HarnessFailure(
            f"harness.strategies.requests(on={on!r}): requests of this endpoint are not drawn.",
            there_was=f"There are {', '.join(ENDPOINTS)}.",
            do='requests(on="POST /threads")',
        )
    ids = {"assistant_id": st.sampled_from(assistants), "thread_id": st.sampled_from(threads)}
    known = bodies(assistants, files)

    def one(endpoint: str) -> SearchStrategy[Request]:
        method, _, path = endpoint.partition(" ")
        if endpoint == UPLOAD:
            return by_validity(valid, _uploads(), _bad_uploads())
        if method == "GET":
            return _list(path, ids, by_validity(valid, PAGES, INVALID_PAGES))
        return _post(path, ids, known[endpoint].strategy(valid))

    return st.one_of([one(endpoint) for endpoint in ((on,) if on else ENDPOINTS)])


def _path(draw: DrawFn, template: str, ids: Mapping[str, SearchStrategy[str]]) -> str:
    return template.format(**{name: draw(strategy) for name, strategy in ids.items() if f"{{{name}}}" in template})


def _request(method: str, path: str, body: bytes = b"", kind: str = "application/json") -> Request:
    return Request(method, f"https://api.openai.com/v1{path}", {**HEADERS, "content-type": kind}, body, "strategies")


@st.composite
def _post(draw: DrawFn, path: str, ids: Mapping[str, Any], body: SearchStrategy[Any]) -> Request:
    return _request("POST", _path(draw, path, ids), json.dumps(draw(body)).encode())


# --- lists (CONTRACT §6) ------------------------------------------------------------------------------------------

PAGES = st.fixed_dictionaries({}, optional={"limit": st.integers(1, 100), "order": st.sampled_from(["asc", "desc"])})
INVALID_PAGES = st.sampled_from([{"limit": 0}, {"limit": 101}, {"limit": "many"}, {"order": "up"}])


@st.composite
def _list(draw: DrawFn, path: str, ids: Mapping[str, Any], page: SearchStrategy[Mapping[str, Any]]) -> Request:
    query = urlencode(draw(page))
    return _request("GET", _path(draw, path, ids) + (f"?{query}" if query else ""))


# --- uploads (CONTRACT §1.5) --------------------------------------------------------------------------------------

NAMES = st.sampled_from(["notes.txt", "data.csv", "결과.md", "a b.pdf", "no extension"])
CONTENTS = st.binary(min_size=1, max_size=64).filter(lambda content: BOUNDARY.encode() not in content)


def form(filename: str | None, content: bytes, purpose: str | None) -> bytes:
    """A multipart form as the SDK sends it; without the parts that are None."""
    fields = [] if purpose is None else [('name="purpose"', purpose.encode())]
    fields += [] if filename is None else [(f'name="file"; filename="{filename}"', content)]
    parts = [f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + data for head, data in fields]
    return b"".join(part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()


def upload(filename: str | None, content: bytes, purpose: str | None) -> Request:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return _request("POST", "/files", form(filename, content, purpose), kind)


def _uploads() -> SearchStrategy[Request]:
    return st.builds(upload, NAMES, CONTENTS, st.sampled_from(PURPOSES))


def _bad_uploads() -> SearchStrategy[Request]:
    wrong = texts().filter(lambda text: text not in PURPOSES and not set("\r\n") & set(text))
    return st.one_of(
        st.builds(upload, NAMES, st.just(b""), st.just("assistants")),
        st.builds(upload, st.none(), CONTENTS, st.just("assistants")),
        st.builds(upload, NAMES, CONTENTS, st.none() | wrong),
    )
