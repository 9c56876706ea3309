"""The inspector in a real browser: what is seen, by whom it can be used, and that nothing in the data is executed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sample_conversations import CHART

from harness import FakeAssistants, call, run_code, say
from harness.report.data import world
from harness.report.page import page as page_of
from harness.serving.worlds import Worlds
from harness.transports.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from browser import Page

    from harness import Request, Response


def shown(page: Page, folder: Path, worlds: dict[str, Any], title: str = "a test") -> Page:
    """A page as a file, opened."""
    path = folder / "report.html"
    path.write_text(page_of(worlds, title=title), encoding="utf-8")
    page.goto(path.as_uri())
    page.until("document.querySelectorAll('[role=tab]').length === 4")
    return page


def choose(page: Page, name: str) -> None:
    page.js(
        f"[...document.querySelectorAll('button')].find((each) => each.innerText.includes({json.dumps(name)})).click()"
    )


# --- what is seen ---------------------------------------------------------------------------------------------------


def test_a_conversation_is_shown_with_the_timeline_of_its_run(page, tmp_path, whole_day):
    shown(page, tmp_path, {"main": whole_day})
    said = page.texts("#conversation .message .said")
    assert said[0] == "오늘 서울과 부산의 날씨를 알려 주세요. 어느 쪽이 더 따뜻한가요?"
    assert said[1].splitlines()[0] == "서울은 영하 3도로 맑고, 부산은 영상 6도에 구름이 조금 있습니다."
    assert page.js("document.querySelector('.message .said').lang") == "ko"
    statuses = ["queued", "in_progress", "requires_action", "queued", "in_progress", "completed"]
    run = "document.querySelector('.run')"
    assert page.js(f"[...{run}.querySelectorAll('.moments b')].map((each) => each.innerText)") == statuses
    assert page.js(f"{run}.querySelector('.track').getAttribute('aria-label')") == ", then ".join(statuses)
    why = page.js(f"[...{run}.querySelectorAll('.moments li')].map((each) => each.innerText.replace(/\\s+/g, ' '))")
    assert why[2:4] == ["requires_action 3 s model: call", "queued 3 s client: submit_tool_outputs"]
    # the bar is to scale: of six seconds two were queued, in two pieces, and four in progress
    widths = page.js(f"[...{run}.querySelectorAll('.segment')].map((each) => each.getBoundingClientRect().width)")
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.01)
    assert widths[2] > 0  # no time was spent in requires_action, and it is seen all the same
    assert page.errors == []


def test_a_thread_that_was_deleted_is_shown_as_deleted(page, tmp_path):
    fake = FakeAssistants()
    api = fake.client().beta.threads
    gone, there = (api.create(messages=[{"role": "user", "content": text}]).id for text in ("Forget me.", "Keep me."))
    api.delete(gone)
    shown(page, tmp_path, {"main": world(fake)})
    first, second = page.texts(".thread")
    assert first.split() == ["Forget", "me.", gone, "deleted"]
    assert second.split() == ["Keep", "me.", there]
    assert page.text(".thread-head").split()[:2] == [gone, "deleted"]
    choose(page, "Keep me.")
    assert "deleted" not in page.text(".thread-head")


def test_what_tools_did_is_shown(page, tmp_path, whole_day):
    shown(page, tmp_path, {"main": whole_day})
    calls = page.texts(".run .call pre")
    assert '"city": "서울"' in calls[0]
    assert '"sky": "맑음"' in calls[1]
    choose(page, "How early do I")
    assert page.text(".message[data-role=assistant] mark") == "【4:0†brief_ko.txt】1"
    assert page.text(".notes li").startswith("cites brief_ko.txt file-")
    assert "score 0.87" in page.text(".results summary")


def test_an_image_is_seen(page, tmp_path, whole_day):
    shown(page, tmp_path, {"main": whole_day})
    choose(page, "Which region sold")
    page.until("[...document.images].length > 1 && [...document.images].every((each) => each.complete)")
    width = int.from_bytes(CHART[16:20], "big")
    assert page.js("[...document.images].map((each) => each.naturalWidth)") == [width, width]
    assert "import pandas" in page.texts(".run .call pre")[0]


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("failed", "rate_limit_exceeded You exceeded your current quota"),
        ("incomplete", "max_completion_tokens"),
        ("expired", "clock: expire"),
        ("cancelled", "client: cancel"),
    ],
)
def test_every_ending_says_why(page, tmp_path, whole_day, status, why):
    shown(page, tmp_path, {"main": whole_day})
    choose(page, "Summarise")
    run = page.js(f"document.querySelector('.run[aria-label$=\", {status}\"]').innerText.replace(/\\s+/g, ' ')")
    assert why in run


def test_a_run_that_goes_on_has_an_open_end(page, tmp_path, whole_day):
    shown(page, tmp_path, {"main": whole_day})
    choose(page, "And in Bergen?")
    last = "document.querySelector('.segment:last-of-type').dataset"
    assert page.js(f"[{last}.status, {last}.open]") == ["requires_action", ""]
    assert page.text(".waits") == "Waits for the output of get_weather()"


def test_a_status_has_a_shape_of_its_own(page, tmp_path, whole_day):
    shown(page, tmp_path, {"main": whole_day})
    choose(page, "Summarise")
    drawn = page.js(
        "[...document.querySelectorAll('.run-head .badge')].map((each) => each.querySelector('svg').innerHTML)"
    )
    assert len(drawn) == len(set(drawn)) == 4


def test_requests_are_listed_and_filtered(page, tmp_path, whole_day):
    shown(page, tmp_path, {"main": whole_day})
    choose(page, "Requests")
    assert len(page.texts("#requests > details")) == len(whole_day["requests"])
    page.js("document.getElementById('problems').click()")
    [row] = page.texts("#requests > details")
    assert "400" in row
    assert "while a run" in row
    assert page.text("#matching") == f"1 of {len(whole_day['requests'])} requests"


def test_worlds_can_be_chosen(page, tmp_path, whole_day):
    shown(page, tmp_path, {"one": {**whole_day, "threads": []}, "two": whole_day})
    assert page.texts("#world option") == ["one", "two"]
    page.js("const s = document.querySelector('#world select'); s.value = 'two'; s.dispatchEvent(new Event('change'))")
    page.js("document.getElementById('view-conversations').click()")
    assert page.js("document.querySelectorAll('.thread').length") == 5


@pytest.mark.parametrize("width", [320, 640, 1280])
@pytest.mark.parametrize("view", ["conversations", "requests", "files", "assistants"])
def test_nothing_is_wider_than_the_window(page, tmp_path, whole_day, width, view):
    page.screenshot(tmp_path / "before.png", width=width)
    shown(page, tmp_path, {"main": whole_day})
    page.js(f"document.getElementById('view-{view}').click()")
    page.js("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.js("document.documentElement.scrollWidth") <= width
    beyond = f"""[...document.querySelectorAll('main *:not(option, .cut, .first, .thread .id)')]
        .filter((each) => each.getBoundingClientRect().right > {width} + 1
            || (each.matches('.path, .id, .said, pre, p, dd') && each.clientWidth > 0
                && each.scrollWidth > each.clientWidth + 1))
        .map((each) => each.outerHTML.slice(0, 80))"""
    assert page.js(beyond) == []


# --- by keyboard ------------------------------------------------------------------------------------------------


def test_the_keyboard_reaches_everything(page, tmp_path, whole_day):
    shown(page, tmp_path, {"main": whole_day})
    page.press("Tab")
    assert page.js("document.activeElement.className") == "skip"
    page.js("document.getElementById('view-conversations').focus()")
    page.press("ArrowRight")
    assert page.js("document.activeElement.id") == "view-requests"
    assert page.js("document.getElementById('panel-requests').hidden") is False
    page.press("/")
    assert page.js("document.activeElement.id") == "filter"
    page.type("while a run")
    page.until("document.querySelectorAll('#requests > details').length === 1")
    page.press("Escape")
    page.until("document.querySelectorAll('#requests > details').length > 1")
    page.js("document.querySelector('#requests summary').focus()")
    page.press("ArrowDown")
    assert page.js("document.activeElement.parentElement.dataset.key") == "2"
    page.press("Enter")
    page.until("document.activeElement.parentElement.open")
    page.press("Escape")
    page.until("!document.activeElement.parentElement.open")
    outline = page.js("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_threads_are_chosen_by_keyboard(page, tmp_path, whole_day):
    shown(page, tmp_path, {"main": whole_day})
    page.js("document.querySelector('.thread').focus()")
    page.press("ArrowDown")
    page.press("Enter")
    page.until("document.activeElement.getAttribute('aria-current') === 'true'")
    assert "Which region sold" in page.text(".thread[aria-current]")


# --- nothing is executed --------------------------------------------------------------------------------------------

HOSTILE = (
    "</script><script>window.hacked = 1</script>",
    "<!--<script>",
    "<img src=x onerror='window.hacked = 2'>",
    "javascript:window.hacked=3",
    "\u2028\u2029\\\"'`${window.hacked = 4}",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='window.hacked=5'/>",
    "\ud800",
    "__proto__",
)


NAMES = ("id", "file", "run", "assistant", "message", "image")


def poisoned(value: Any, text: str) -> Any:
    """The same data with a text in place of every other, but for the types by which the page knows its own parts.

    Ids keep their ends, so that what names a thing still finds it, and every file claims to be an image.
    """
    if isinstance(value, list):
        return [poisoned(item, text) for item in value]
    if isinstance(value, dict):
        named = {key: text + item for key, item in value.items() if key in NAMES and isinstance(item, str)}
        images = {key: text for key in ("image", "kind") if key in value and "purpose" in value}
        kept = {"type": value["type"]} if "type" in value else {}
        return {key: poisoned(item, text) for key, item in value.items()} | named | images | kept
    return text if isinstance(value, str) else value


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_the_data_is_executed(page, tmp_path, whole_day, text):
    worlds = {text: poisoned(whole_day, text), "another": whole_day}
    shown(page, tmp_path, worlds, title=text)
    for view in ("conversations", "requests", "files", "assistants"):
        page.js(f"document.getElementById('view-{view}').click()")
        page.js("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        for place in range(5):
            page.js(f"document.querySelectorAll('.thread')[{place}].click()")
        page.js("document.querySelectorAll('button.link').forEach((each) => each.click())")
    page.js("document.getElementById('filter').value = ''")
    assert page.text("#world option") == page.text(".file b")
    assert page.text("#title") == text.encode("utf-8", "replace").decode()
    elements = ["script", "style", "img", "iframe", "object", "embed", "link", "a", "form"]
    counts = page.js(f"{json.dumps(elements)}.map((name) => document.querySelectorAll(name).length)")
    assert counts == [2, 1, 0, 0, 0, 0, 1, 1, 1]
    names = "[...document.querySelectorAll('*')].flatMap((each) => each.getAttributeNames())"
    assert [name for name in page.js(names) if name.startswith("on")] == []
    assert page.js("window.hacked") is None
    assert page.errors == []


def test_the_policy_forbids_scripts_that_are_not_the_pages_own(page, tmp_path, whole_day):
    shown(page, tmp_path, {"main": whole_day})
    page.js("const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; document.body.append(s)")
    page.js("document.body.insertAdjacentHTML('beforeend', '<p onclick=\"window.hacked = 2\" id=p></p>')")
    page.js("document.getElementById('p').click()")
    assert page.js("window.hacked") is None
    assert page.js("fetch('https://example.invalid/').then(() => 'fetched', () => 'refused')") == "refused"
    assert any("Content Security Policy" in error for error in page.errors)


# --- live -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def serve() -> Any:
    """What serves a page, where it is installed."""
    pytest.importorskip("uvicorn")
    return serving


class Stage:
    """A server whose world moves on by one step with each look of the page: the page sees each before the next."""

    def __init__(self, worlds: Worlds, steps: Iterator[object]) -> None:
        self.worlds = worlds
        self.steps = steps
        self.looks: list[dict[str, Any]] = []

    def answer(self, request: Request) -> Response:
        if request.path == "/_harness/world":
            next(self.steps, None)
        response = self.worlds.answer(request)
        if request.path == "/_harness/world":
            self.looks.append(json.loads(response.body))
        return response


def conversation(fake: FakeAssistants) -> Iterator[object]:
    client = fake.client()
    assistant = client.beta.assistants.create(model="gpt-4o", name="Ada")
    yield assistant
    thread = client.beta.threads.create()
    yield client.beta.threads.messages.create(thread.id, role="user", content="오늘은 어때요?")
    fake.next_run(call("mood"), run_code("plot()", images=[CHART]), say("아주 좋아요."))
    yield (run := client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id))
    while run.status != "requires_action":
        yield (run := client.beta.threads.runs.retrieve(run.id, thread_id=thread.id))
    asked = run.required_action.submit_tool_outputs.tool_calls
    outputs: list[Any] = [{"tool_call_id": one.id, "output": "good"} for one in asked]
    yield (run := client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=outputs))
    while run.status != "completed":
        yield (run := client.beta.threads.runs.retrieve(run.id, thread_id=thread.id))


def test_a_conversation_appears_while_it_happens(page, serve):
    worlds = Worlds()
    stage = Stage(worlds, conversation(worlds.for_key("sk-test")))
    with serve(stage.answer) as url:
        page.goto(f"{url}/_harness/")
        watching = """window.seen = []; new MutationObserver(() => {
            const badge = document.querySelector('.run-head .badge');
            if (badge && seen.at(-1) !== badge.innerText) seen.push(badge.innerText);
        }).observe(document.body, {subtree: true, childList: true, characterData: true})"""
        page.js(watching)
        page.until("document.querySelector('.message[data-role=user]')?.innerText.includes('오늘은 어때요?')")
        assert page.js("document.querySelector('.message[data-role=assistant]')") is None
        page.until("document.querySelector('.run')?.innerText.includes('Waits for the output of mood()')")
        page.until("document.querySelector('.message[data-role=assistant]')?.innerText.includes('아주 좋아요.')")
        page.until("document.images.length > 0 && [...document.images].every((each) => each.naturalWidth > 0)")
        page.until("document.querySelector('.run-head .badge').innerText === 'completed'")
        assert page.text("#live") == "live"
        page.until("true")
    assert page.js("seen") == ["queued", "in_progress", "requires_action", "queued", "in_progress", "completed"]
    page.until("document.getElementById('live').innerText === 'the server is gone'")
    assert page.text(".message[data-role=assistant] .said") == "아주 좋아요."


def test_what_the_reader_opened_stays_open_while_the_world_goes_on(page, serve):
    worlds = Worlds()
    fake = worlds.for_key("sk-test")
    thread = fake.add_thread()
    fake.client().beta.threads.messages.create(thread.id, role="user", content="one", metadata={"a": "b"})
    with serve(worlds.answer) as url:
        page.goto(f"{url}/_harness/#thread={thread.id}")
        page.until("document.querySelector('.message details')")
        page.js(
            "document.querySelector('.message summary').click(); document.querySelector('.message summary').focus()"
        )
        fake.add_assistant(name="Ada")  # all is drawn anew, as anything may name her
        fake.client().beta.threads.messages.create(thread.id, role="user", content="two")
        page.until("document.querySelectorAll('.message').length === 2")
        assert page.js("document.activeElement.parentElement.open") is True


def test_who_reads_the_end_goes_on_reading_the_end(page, serve):
    worlds = Worlds()
    fake = worlds.for_key("sk-test")
    api = fake.client().beta.threads
    thread = api.create(messages=[{"role": "user", "content": "\n".join("line" for _ in range(200))}])
    end = "scrollY > 0 && innerHeight + scrollY >= document.documentElement.scrollHeight - 2"
    with serve(worlds.answer) as url:
        page.goto(f"{url}/_harness/")
        page.until("document.querySelectorAll('.message').length === 1")
        page.js("scrollTo({top: 1e6, behavior: 'instant'})")
        page.until(end)
        api.messages.create(thread.id, role="user", content="the last")
        page.until(f"document.querySelectorAll('.message').length === 2 && {end}")


def test_a_page_that_nobody_sees_asks_nothing(page, serve):
    worlds = Worlds()
    worlds.for_key("sk-test")
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.path)
        return worlds.answer(request)

    with serve(answer) as url:
        page.goto(f"{url}/_harness/")
        page.until("document.getElementById('live').innerText === 'live'")
        page.js("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
        page.until("document.getElementById('live').innerText === 'paused'")
        before = len(asked)
        page.js("new Promise((done) => setTimeout(done, 1200))")
        assert len(asked) == before
        page.js("Object.defineProperty(document, 'hidden', {value: false})")
        page.js("document.dispatchEvent(new Event('visibilitychange'))")
        page.until("document.getElementById('live').innerText === 'live'")


def test_the_token_of_the_address_goes_along(page, serve):
    worlds = Worlds(token="open sesame")
    worlds.for_key("sk-test")
    with serve(worlds.answer) as url:
        page.goto(f"{url}/_harness/?token=open%20sesame")
        page.until("document.getElementById('live').innerText === 'live'")


def test_the_data_of_a_fake_is_what_the_page_takes(page, tmp_path):
    fake = FakeAssistants()
    fake.client().beta.threads.create()
    shown(page, tmp_path, {"main": world(fake)})
    assert "no messages" in page.text(".thread")
    assert page.errors == []
