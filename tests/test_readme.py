"""The tests that the README files and the pages of docs/ show are run as they stand there; all links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
APP = """
    import openai

    client = openai.OpenAI()
    GET_WEATHER = {"type": "function", "function": {"name": "get_weather"}}

    class NoAnswer(Exception):
        pass

    def ask(question):
        try:
            return answer(question)
        except openai.OpenAIError as error:
            raise NoAnswer(error)
        except ValueError as error:  # half an answer
            raise NoAnswer(error)

    def answer(question):
        assistant = client.beta.assistants.create(model="gpt-4o", tools=[GET_WEATHER])
        run = client.beta.threads.create_and_run_poll(
            assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": question}]}
        )
        while run.status == "requires_action":
            asked = run.required_action.submit_tool_outputs.tool_calls
            outputs = [{"tool_call_id": call.id, "output": "4 °C"} for call in asked]
            run = client.beta.threads.runs.submit_tool_outputs_and_poll(
                run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs
            )
        while run.status == "cancelling":
            run = client.beta.threads.runs.poll(run.id, thread_id=run.thread_id)
        messages = client.beta.threads.messages.list(run.thread_id, run_id=run.id).data
        parts = [part for message in messages for part in message.content if part.type != "image_file"]
        if run.status != "completed" or not parts:
            raise NoAnswer(run.status)
        part = parts[0]
        said = part.refusal if part.type == "refusal" else part.text.value
        if not said:
            raise NoAnswer("not a word")
        return said

    def stream(question):
        assistant = client.beta.assistants.create(model="gpt-4o")
        thread = {"messages": [{"role": "user", "content": question}]}
        shown = ""
        try:
            for event in client.beta.threads.create_and_run(assistant_id=assistant.id, thread=thread, stream=True):
                if event.event == "thread.message.delta":
                    shown += event.data.delta.content[0].text.value
        except Exception:  # of the HTTP library, which is another in each version of the SDK
            shown += " … (connection lost)"
        return shown
"""


PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("[!.]*/*.md")])
}
# Its examples show what they print, too, and have a test of their own: tests/clients/test_serving_doc.py.
SERVING = "docs/serving.md"
# One needs its cassette, and is run by tests/recording/test_shipped_tutorials.py; one is a call, and not a test.
ELSEWHERE = {SERVING, "cassettes/README.md", "docs/what-it-finds.md"}


def blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGES[name], re.DOTALL)


@pytest.mark.parametrize("name", [name for name in PAGES if blocks(name) and name not in ELSEWHERE])
def test_every_test_that_is_shown_passes(pytester: pytest.Pytester, name: str):
    """All that an example may take from nowhere is the reader's own app."""
    pytester.makepyfile(my_app=APP)
    for number, block in enumerate(blocks(name)):
        assert "def test_" in block, block
        pytester.makepyfile(**{f"test_{number}": f"import my_app\n{block}"})
    result = pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:randomly")
    outcomes = result.parseoutcomes()
    assert outcomes.keys() <= {"passed", "skipped", "warnings"}, result.stdout.str()
    assert outcomes["passed"] >= len(blocks(name))


def test_both_languages_name_the_same_commands():
    commands = [set(re.findall(r"python3 -m venv [^#\n]*", PAGES[name])) for name in ("README.md", "README.ko.md")]
    assert {command.strip() for command in commands[0]} == {command.strip() for command in commands[1]} != set()


# --- links --------------------------------------------------------------------------------------------------------


def prose(name: str) -> str:
    """A page without its blocks of code, in which brackets are no links and `#` begins no heading."""
    return re.sub(r"^```.*?^```$", "", PAGES[name], flags=re.DOTALL | re.MULTILINE)


def anchors(name: str) -> set[str]:
    """What GitHub calls the headings of a page: in lower case, with hyphens for spaces and without punctuation."""
    headings = re.findall(r"^#+ (.+)$", prose(name), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(name: str) -> list[str]:
    """Those within the repository."""
    found = re.findall(r"\]\(([^()\s]+)\)", prose(name))
    return [link for link in found if not link.startswith(("http://", "https://"))]


def leads_nowhere(name: str, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (ROOT / name).parent.joinpath(path).resolve() if path else ROOT / name
    if not target.is_relative_to(ROOT) or not target.exists():
        return True
    return bool(anchor) and anchor not in anchors(target.relative_to(ROOT).as_posix())


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str):
    assert [link for link in links(name) if leads_nowhere(name, link)] == []


def test_a_link_that_leads_nowhere_is_seen():
    assert not leads_nowhere("README.md", "docs/serving.md#point-your-client-to-it")
    assert leads_nowhere("README.md", "docs/serving.md#point-your-client-at-it")
    assert leads_nowhere("README.md", "docs/sreving.md")
    assert leads_nowhere("docs/serving.md", "docs/serving.md")


def test_every_page_is_in_the_index():
    pages = {name.removeprefix("docs/") for name in PAGES if name.startswith("docs/")} - {"README.md"}
    assert pages <= set(links("docs/README.md"))


# --- guesses ------------------------------------------------------------------------------------------------------


def test_every_guess_of_the_code_is_in_the_table_and_every_file_of_the_table_is_there():
    house = ROOT / "harness"
    _, _, section = PAGES["docs/architecture.md"].partition("## Where the contract only guesses")
    rows = re.findall(r"^\| .+ \| (`.+`) \| .+ \|$", section, re.MULTILINE)
    told = {path for row in rows for path in re.findall(r"`([^`]+)`", row)}
    assert [path for path in told if not (house / path).is_file()] == []
    guessing = {
        path.relative_to(house).as_posix()
        for path in house.rglob("*.py")
        if re.search(r"\bG\)|\ba guess\b", path.read_text(encoding="utf-8"))
    }
    assert guessing - told == set()
    assert len(guessing) > 20
