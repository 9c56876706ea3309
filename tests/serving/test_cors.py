"""Pages of this machine use a served fake, those of others only with its key; the control API is not for them."""

from __future__ import annotations

import httpx
import pytest

from harness import FakeAssistants, say
from harness.options import Options
from harness.serving import KEY, serve, serve_one

pytest.importorskip("uvicorn")

PAGE = {"origin": "http://localhost:3000"}
ASKED = {"access-control-request-method": "DELETE", "access-control-request-headers": "authorization,openai-beta"}
SENT = {"authorization": f"Bearer {KEY}", "openai-beta": "assistants=v2"}
OPEN = {"access-control-allow-origin": "*", "access-control-expose-headers": "*"}


def opened(answer):
    """The headers for pages in an answer."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.fixture(params=["a world for each key", "one fake"])
def site(request):
    served = serve() if request.param == "a world for each key" else serve_one(FakeAssistants())
    with served as server, httpx.Client(base_url=server.url, headers=PAGE) as browser:
        yield server, browser


@pytest.mark.parametrize("path", ["/v1/files", "/v1/responses", "/openai/threads?api-version=2024-05-01-preview"])
def test_a_page_may_send_what_it_likes(site, path):
    server, browser = site
    asked = browser.options(path, headers=ASKED)
    allowed = {"access-control-allow-methods": "DELETE", "access-control-allow-headers": "authorization,openai-beta"}
    assert (asked.status_code, opened(asked), asked.content) == (200, {**OPEN, **allowed}, b"")
    assert opened(browser.options(path, headers={"access-control-request-method": "GET"})) == {
        **OPEN,
        "access-control-allow-methods": "GET",
        "access-control-allow-headers": "",
    }
    assert not server.worlds.get_or_create(server.worlds.name_of("")).requests  # it asked, and sent nothing


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "threads", 200), ("GET", "threads/thread_none", 404), ("POST", "responses", 400), ("OPTIONS", "x", 400)],
    ids=["answer", "refusal", "failure", "no_preflight"],
)
def test_a_page_reads_answers_and_what_went_wrong(site, method, path, status):
    server, browser = site
    answer = browser.request(method, f"/v1/{path}", headers=SENT)
    assert (answer.status_code, opened(answer)) == (status, OPEN)
    assert answer.json()
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers.get("x-should-retry") == ("false" if status == 400 else None)
    server.worlds.for_key(KEY).failures.clear()


def test_a_page_reads_a_stream(site):
    server, browser = site
    fake = server.worlds.for_key(KEY)
    fake.next_run(say("Hello."))
    body = {"assistant_id": fake.add_assistant(instructions="Help.").id, "stream": True}
    streamed = browser.post("/v1/threads/runs", headers=SENT, json=body)
    assert opened(streamed) == OPEN
    assert streamed.text.endswith("event: done\ndata: [DONE]\n\n")


ELSEWHERE = ["https://localhost.example.com", "null", "http://[", "http://10.0.0.1:3000"]


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_pages_of_other_machines_are_not_let_in(site, origin):
    """Any website may look for a fake on its visitors' machines, where keys are no secret."""
    _, browser = site
    for answer in (
        browser.options("/v1/files", headers={**ASKED, "origin": origin}),
        browser.get("/v1/files", headers={**SENT, "origin": origin}),
    ):
        assert not opened(answer)


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_where_a_key_is_required_pages_may_come_from_anywhere(origin):
    with serve(Options(api_key="sk-secret")) as server, httpx.Client(base_url=server.url) as browser:
        assert opened(browser.options("/v1/files", headers={**ASKED, "origin": origin}))
        answer = browser.get("/v1/files", headers={"authorization": "Bearer sk-secret", "origin": origin})
        assert (answer.status_code, opened(answer)) == (200, OPEN)
        assert browser.get("/v1/files", headers={**SENT, "origin": origin}).status_code == 401


def test_who_is_no_page_gets_no_headers_for_pages(site):
    server, _ = site
    assert not opened(httpx.post(f"{server.base_url}/threads", headers=SENT))
    assert not opened(httpx.options(f"{server.base_url}/threads", headers=ASKED))


@pytest.mark.parametrize(("method", "headers"), [("GET", {}), ("OPTIONS", ASKED)])
def test_the_control_api_stays_closed_to_pages(site, method, headers):
    _, browser = site
    answer = browser.request(method, "/_harness/worlds", headers=headers)
    assert (answer.status_code, opened(answer)) == (403, {})
