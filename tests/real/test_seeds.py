"""Five published tutorials, executed cell by cell as their authors wrote them, each on the SDK it was written for.

Scripts let the fake's model say what the tutorial's did. What the cells then display has to have the keys, nulls and
values of what the document shows, and what they print has to stand in it. What their tools really do is in
`test_seeds_executed.py`.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path

import openai
import pytest
from notebook import Notebook, shape
from tutorials import FIXTURES, MARKS, cells, document, enter, written_for

from harness import HarnessFailure, call, fail, hang, run_code, say, search

# Really, in the documents that the tutorials upload, where the extra `files` is installed.
SEARCH = search() if find_spec("pypdf") else search(results=[])

pytestmark = MARKS


@pytest.fixture(autouse=True)
def working_directory(tmp_path, monkeypatch):
    papers = "language_models_are_unsupervised_multitask_learners.pdf", "SPRI_AI_Brief_2023년12월호.pdf"
    sales = "sales_data.csv", "2022_sales.csv", "2023_sales.csv", "dataset.csv"
    enter(tmp_path, monkeypatch, files=sales, pdfs=[f"data/{name}" for name in papers])
    Path("speech.py").write_text("print('hello')\n")


def assert_shows(displayed, objects, *, unknown_then=()):
    """What the notebook displayed has the shape of what the document shows.

    `unknown_then` are keys that this SDK shows as null, and that the older one of the document left out.
    """
    displayed = [value for value in displayed if isinstance(value, dict)]
    assert len(displayed) == len(objects)
    for got, shown in zip(displayed, objects, strict=True):
        if isinstance(shown, list):  # cut off in the document
            assert set(shown) <= set(got)
            continue
        null = {key: None for key in unknown_then if got.get("object") == "thread.run" and key not in shown}
        assert shape(got) == shape({**shown, **null})


# --- 000: code interpreter on CSV files ---------------------------------------------------------------------

MEANS = "Monthly means: 120, 150, 90."
CORRELATION = "Price and quantity: r = -0.62."


@written_for("1.12.0")
@pytest.mark.assistants(as_of="2024-02-20")
def test_000_the_analyst_answers_about_the_uploaded_files(assistants, capsys):
    *analyst, comparison, program = cells("000")
    assistants.next_run(run_code("df.groupby('month').mean()", logs="120 150 90"), say(MEANS))
    assistants.next_run(run_code("df.corr()", logs="-0.62"), say(CORRELATION))
    notebook = Notebook()
    for cell in analyst:
        notebook.run(cell)
    newest_first = capsys.readouterr().out.splitlines()
    assert newest_first[0] == f"assistant: {MEANS}"
    assert newest_first[1].startswith("user: ")
    assert notebook.namespace["message"].file_ids == [notebook.namespace["file"].id]

    notebook.run(comparison)
    uploaded = [notebook.namespace[name].id for name in ("file1", "file2")]
    assert notebook.namespace["msg"].file_ids == uploaded

    notebook.run(program)
    assert capsys.readouterr().out.splitlines()[0] == f"assistant: {CORRELATION}"
    assert [run.status for run in assistants.runs] == ["completed", "completed"]


@written_for("1.12.0")
@pytest.mark.assistants(as_of="2024-02-20")
def test_000_the_program_reports_a_failed_run(assistants, capsys):
    assistants.next_run(fail("rate_limit_exceeded"))
    Notebook(namespace={"client": openai.OpenAI(), "time": time}).run(cells("000")[-1])
    assert "code='rate_limit_exceeded'" in capsys.readouterr().out


@written_for("1.12.0")
@pytest.mark.assistants(as_of="2024-02-20")
def test_000_the_program_waits_for_ever_for_a_run_that_expired(assistants):
    """Its loop knows two endings of six; here that is a failure with a remedy."""
    assistants.next_run(hang())
    with pytest.raises(HarnessFailure, match=r"(?s)status 'expired'.*every way a run can end"):
        Notebook(namespace={"client": openai.OpenAI(), "time": time}).run(cells("000")[-1])
    assistants.failures.clear()  # expected, so it need not fail the test once more at its end


# --- 001: Azure ---------------------------------------------------------------------------------------------


@written_for("1.30.1")
def test_001_azure_refuses_the_mistakes_of_the_tutorial_and_serves_the_rest(assistants, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "any")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://tutorial.openai.azure.com")
    image = (FIXTURES / "chart.png").read_bytes()
    assistants.add_file(id="assistant-abc123", content=image, filename="chart.png", purpose="assistants_output")
    notebook = Notebook(namespace={"os": os})
    create, with_a_file, thread, download = cells("001")

    notebook.run(create)
    assert notebook.namespace["assistant"].model == "<REPLACE WITH MODEL DEPLOYMENT NAME>"

    # "code interpreter" with a space is no key of tool_resources; the file had been uploaded by then
    with pytest.raises(openai.BadRequestError, match=r"Unknown parameter: 'tool_resources\.code interpreter'\."):
        notebook.run(with_a_file)
    assert notebook.namespace["file"].id.startswith("assistant-")

    # file_ids of a message ended with v1; attachments took their place
    with pytest.raises(openai.BadRequestError, match=r"Unknown parameter: 'messages\[0\]\.file_ids'\."):
        notebook.run(thread)
    assert assistants.threads == []

    notebook.run(download)
    assert notebook.namespace["image_data_bytes"] == image


# --- 002: the math tutor and its quiz -----------------------------------------------------------------------


@written_for("1.12.0")
@pytest.mark.assistants(as_of="2023-12-24")
def test_002_the_math_tutor(assistants, capsys):
    shown = document("002")
    fibonacci = shown.objects[8]["tool_calls"][0]["code_interpreter"]
    quiz = shown.objects[13]

    assistants.next_run(say("x = 1"))
    assistants.next_run(say(shown.objects[6]["data"][0]["content"][0]["text"]["value"]))
    assistants.next_run(say("x = 1"))
    assistants.next_run(say(shown.found(r"^assistant: (선형대수학[^\n]+)")))
    assistants.next_run(say(shown.found(r"^assistant: (수학과 [^\n]+)")))
    assistants.next_run(say(shown.found(r"^assistant: (언제나 [^\n]+)")))
    assistants.next_run(
        run_code(fibonacci["input"], logs=fibonacci["outputs"][0]["logs"]),
        say(shown.found(r"^assistant: (처음 20개[^\n]+)")),
    )
    assistants.next_run(SEARCH, say(shown.found(r"^assistant: (The mathematical concept[^\n]+)")))
    assistants.next_run(call("display_quiz", **quiz), say(shown.found(r"^assistant: (Thank you .*?)\n\n\n")))

    notebook = Notebook()
    for cell in cells("002"):
        notebook.run(cell)

    assert_shows(notebook.displayed, shown.objects, unknown_then=("usage",))
    assert "requires_action" in notebook.displayed
    printed = capsys.readouterr().out
    assert shown.lacks(printed) == []
    assert printed.count("# Messages") == 7
    assert "assistant: x = 1\n" in printed
    assert """Responses: ["I don't know.", 'a']""" in printed


# --- 003: the same at length, with files that exist already -------------------------------------------------

# The tutorial's text prints these two questions as they were before its author edited the cells.
EDITED = ("빌게이츠의 AI 에이전트", "Language Models are Unsupervised Multitask Learners 논문에서")


@written_for("1.12.0")
@pytest.mark.assistants(as_of="2024-02-13")
def test_003_the_quiz_on_uploaded_documents(assistants, capsys):
    shown = document("003")
    for path in Path("data").iterdir():
        assistants.add_file(path, id=shown.found(rf"\[파일 ID\] (\S+) \[파일명\] {path.name}"))
    [fibonacci] = [item for item in shown.objects if "'code_interpreter': {" in str(item)]
    quiz = next(item for item in shown.objects if "questions" in item)

    def answers(start, end=r"\n\n"):
        return say(shown.found(rf"^\[ASSISTANT\]\n({start}.*?){end}"))

    code = fibonacci["tool_calls"][0]["code_interpreter"]
    lists = [item["data"][0]["content"][0]["text"]["value"] for item in shown.objects if "data" in item]
    assistants.next_run(say(lists[0]))
    assistants.next_run(say(lists[1]))
    assistants.next_run(answers("네, 먼저"))
    assistants.next_run(answers("선형대수는"))
    assistants.next_run(answers("수학을 잘하기"))
    assistants.next_run(answers("언제든지"))
    assistants.next_run(answers("Yes, "))
    assistants.next_run(run_code(code["input"], logs=code["outputs"][0]["logs"]), answers("The first 20"))
    assistants.next_run(SEARCH, answers("빌 게이츠는", r"\n\n아래는"))
    assistants.next_run(SEARCH, answers('"Language Models', r"\n\n끝으로"))
    assistants.next_run(call("generate_quiz", **quiz), answers("제출한 퀴즈", r"\n\n퀴즈 생성기"))
    assistants.next_run(
        call("generate_quiz", title="AI 관련 퀴즈", questions=quiz["questions"]), answers("퀴즈 결과", r"\n\n끝으로")
    )

    notebook = Notebook(answers=["1", "2", *"233", *"211"])
    by_title = {cell.title: cell for cell in cells("003")}
    heading = by_title.pop("lines 159-162")
    assert heading.source.strip() == "Threads(스레드)"  # prose that was taken for code
    for title, cell in by_title.items():
        if title == "lines 944-958":
            # Run from top to bottom, `file_ids` holds what the upload returned: file objects, which are no ids.
            # The document shows the outcome with the ids that an earlier cell has written down.
            with pytest.raises(openai.BadRequestError, match=r"body -> file_ids -> 0.* str type expected"):
                notebook.run(cell)
            notebook.run(by_title["lines 876-881"])
        notebook.run(cell)

    assert_shows(notebook.displayed, shown.objects)
    printed = capsys.readouterr().out
    assert [line for line in shown.lacks(printed) if not line.startswith(EDITED)] == []
    assert printed.count("퀴즈를 제출했습니다.") == 2
    assert "Responses: ['1', '2']" in printed
    assert "['2', '3', '3']" in printed
    assert "['2', '1', '1']" in printed


# --- 004: create_and_poll and a follow-up turn --------------------------------------------------------------


@written_for("1.30.1")
@pytest.mark.assistants(as_of="2024-05-19")
def test_004_the_follow_up_turn(assistants, capsys):
    shown = document("004")
    for listed in (item for item in shown.objects if "data" in item):
        assistants.next_run(say(listed["data"][0]["content"][0]["text"]["value"]))

    notebook = Notebook()
    for cell in cells("004"):
        notebook.run(cell)

    assert_shows(notebook.displayed, shown.objects)
    assert str(datetime.fromtimestamp(notebook.namespace["run"].created_at, tz=timezone.utc).date()) == "2024-05-19"
    printed = capsys.readouterr().out
    assert printed.startswith("asst_")
    assert shown.lacks(printed) == []
