"""The tutorials once more, with tools that do something: code is executed, and files are searched.

The model's words are scripted, for there is no model. What its code prints and draws, what it finds and the quotes
of its citations are not: they come of sample data in `fixtures/`.
"""

from __future__ import annotations

import csv
import json
import os
from collections import defaultdict
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import openai
import pytest
from notebook import Cell, Notebook
from pictures import opened
from tutorials import FIXTURES, MARKS, cells, document, enter, written_for

from harness import call, run_code, say, search

pytestmark = MARKS

SALES = FIXTURES / "sales_2022.csv"
LANGUAGE_MODELS = "data/language_models_are_unsupervised_multitask_learners.pdf"
BRIEF = "data/SPRI_AI_Brief_2023년12월호.pdf"


@pytest.fixture(autouse=True)
def working_directory(tmp_path, monkeypatch):
    enter(tmp_path, monkeypatch, files=["sales_data.csv"], pdfs=[LANGUAGE_MODELS, BRIEF])


def with_library(name, source):
    """A cell that needs a library of the extra `code`."""
    reason = f"{name} is not installed, which the cell imports"
    return pytest.param(source, id=name, marks=pytest.mark.skipif(find_spec(name) is None, reason=reason))


def units_by_month():
    """What was sold, read by the test itself."""
    sold = defaultdict(list)
    with SALES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            sold[row["date"][:7]].append(int(row["units"]))
    return sold


# --- 000: the mean of each month ----------------------------------------------------------------------------

MEANS = """
import csv
from collections import defaultdict
from pathlib import Path

sold = defaultdict(list)
for path in sorted(Path("/mnt/data").glob("*.csv")):
    for row in csv.DictReader(path.open()):
        sold[row["date"][:7]].append(int(row["units"]))
means = "\\n".join(f"{month} {sum(units) / len(units):.2f}" for month, units in sold.items())
Path("/mnt/data/means.txt").write_text(means)
print(means)
"""

MEANS_BY_PANDAS = """
import pandas as pd

sales = pd.read_csv("/mnt/data/sales_data.csv")
by_month = sales.groupby(sales["date"].str[:7])["units"].mean()
means = "\\n".join(f"{month} {mean:.2f}" for month, mean in by_month.items())
with open("/mnt/data/means.txt", "w") as file:
    file.write(means)
print(means)
"""


@written_for("1.12.0")
@pytest.mark.parametrize("source", [pytest.param(MEANS, id="csv"), with_library("pandas", MEANS_BY_PANDAS)])
@pytest.mark.assistants(as_of="2024-02-20")
def test_000_the_mean_of_each_month_is_computed_from_the_uploaded_file(assistants, capsys, source):
    """What the tutorial prints is what the code printed, and what the code wrote can be downloaded."""

    @assistants.model
    def analyst(run):
        printed = yield run_code(source, execute=True)
        yield say(f"{printed}\n[means](sandbox:/mnt/data/means.txt)")

    *first, _, _ = cells("000")
    notebook = Notebook()
    for cell in first:
        notebook.run(cell)
    means = "\n".join(f"{month} {sum(units) / len(units):.2f}" for month, units in units_by_month().items())
    assert means in capsys.readouterr().out
    client = openai.OpenAI()
    [answer, *_] = client.beta.threads.messages.list(assistants.threads[0].id).data
    [link] = answer.content[0].text.annotations
    assert link.text == "sandbox:/mnt/data/means.txt"
    assert client.files.content(link.file_path.file_id).text == means


# --- 001: a chart to download -------------------------------------------------------------------------------

# Both draw a bar a month, 20 pixels wide with its gap, and one pixel high for each unit sold.
READING = """
import csv
from collections import Counter

sold = Counter()
for row in csv.DictReader(open("/mnt/data/sales_data.csv")):
    sold[row["date"][:7]] += int(row["units"])
heights = list(sold.values())
"""

CHART = """
import struct
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


class Chart:
    def _repr_png_(self):
        rows = bytearray()
        for level in range(200, 0, -1):
            rows.append(0)
            for height in heights:
                rows += bytes([255] * 3 + [0 if height >= level else 255] * 14 + [255] * 3)
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", 20 * len(heights), 200, 8, 0, 0, 0, 0))
        return b"\\x89PNG\\r\\n\\x1a\\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


Chart()
"""

CHART_BY_MATPLOTLIB = """
import matplotlib.pyplot as plt

figure = plt.figure(figsize=(len(heights) / 5, 2), dpi=100)
axes = figure.add_axes((0, 0, 1, 1))
axes.bar([month + 0.5 for month in range(len(heights))], heights, width=0.7, color="black")
axes.set(xlim=(0, len(heights)), ylim=(0, 200))
axes.axis("off")
plt.show()
"""

# What the service has refused in the tutorial's cells since v2 (test_seeds.py shows it refuse), and the reader's file.
CORRECTIONS = {
    '"speech.py"': '"sales_data.csv"',
    '"code interpreter"': '"code_interpreter"',
    '"file_ids": ["file.id"]': '"attachments": [{"file_id": file.id, "tools": [{"type": "code_interpreter"}]}]',
}


def corrected(cell):
    source = cell.source
    for mistake, correction in CORRECTIONS.items():
        source = source.replace(mistake, correction)
    assert source != cell.source
    return replace(cell, source=source)


@written_for("1.30.1")
@pytest.mark.parametrize(
    "drawing", [pytest.param(CHART, id="by-hand"), with_library("matplotlib", CHART_BY_MATPLOTLIB)]
)
def test_001_the_chart_of_the_uploaded_file_is_drawn_and_downloaded(assistants, monkeypatch, drawing):
    """The download cell runs as it was written, with the id that stands in it.

    The tutorial's reader would look that id up in the message and write it down. Here it is the other way round: the
    fake gives the next file of Azure this id, and that is the one that the executed code draws.
    """
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "any")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://tutorial.openai.azure.com")
    assistants.next_run(run_code(READING + drawing, execute=True), say("Units sold in each month."))
    notebook = Notebook(namespace={"os": os})
    _, with_a_file, thread, download = cells("001")
    notebook.run(corrected(with_a_file))
    notebook.run(corrected(thread))
    client, names = notebook.namespace["client"], notebook.namespace
    with pytest.raises(openai.NotFoundError):
        notebook.run(download)  # nothing is drawn yet

    assistants.world.store.ids.plan("assistant-abc123")
    place = {"thread_id": names["thread"].id}
    run = client.beta.threads.runs.create_and_poll(**place, assistant_id=names["assistant"].id)
    assert run.status == "completed"
    [answer, _] = client.beta.threads.messages.list(**place).data
    assert [part.type for part in answer.content] == ["image_file", "text"]
    assert answer.content[0].image_file.file_id == "assistant-abc123"
    _, executed = client.beta.threads.runs.steps.list(**place, run_id=run.id).data
    [output] = executed.step_details.tool_calls[0].code_interpreter.outputs
    assert output.image.file_id == "assistant-abc123"

    notebook.run(download)
    chart = opened(names["image_data_bytes"])
    months = [sum(units) for units in units_by_month().values()]
    assert (chart.width, chart.height) == (20 * len(months), 200)
    middles = range(10, chart.width, 20)
    # matplotlib rounds the edge of a bar to a pixel, up or down
    assert [chart.dark(column) for column in middles] == pytest.approx(months, abs=1)
    assert [chart.dark(column) for column in range(0, chart.width, 20)] == [0] * len(months)


# --- 003: retrieval and the quiz ----------------------------------------------------------------------------

FRESH_START, FIRST_QUIZ_ENDS = 581, 1371  # lines of the document, at which its second half begins, and its last part

AGENTS = "AI 에이전트가 앱을 여는 수고는 덜어 주겠지만, 돈을 치르는 단추는 사람의 손가락이 눌러야 한다는 견해입니다"
QUESTIONS = [
    {"question_text": "돈을 치르는 단추는 누가 누릅니까?", "choices": ["1. 에이전트", "2. 사람", "3. 은행", "4. 원장"]},
    {"question_text": "마을의 기계는 한 달에 전기를 얼마나 씁니까?", "choices": ["1. 300", "2. 410", "3. 711", "4. 6"]},
    {"question_text": "What did the model invent?", "choices": ["1. a moon", "2. a word", "3. a flood", "4. a page"]},
]
RIGHT = ["2", "2", "3"]


def annotated(message):
    """The annotations of a message; each stands where its mark does."""
    [part] = message.content
    text = part.text
    for annotation in text.annotations:
        assert text.value[annotation.start_index : annotation.end_index] == annotation.text
    return [(annotation.text, annotation.file_citation) for annotation in text.annotations]


def heading(text, quote):
    """The first line of the paragraph in which this quote stands, whole lines of a text, in which it stands once."""
    assert text.count(f"\n{quote}\n") == 1
    return text[: text.index(f"\n{quote}\n")].split("\n\n")[-1].split("\n")[0]


@written_for("1.12.0")
@pytest.mark.assistants(as_of="2024-02-13")
def test_003_what_is_asked_is_computed_and_found_in_the_readers_own_documents(assistants, capsys):
    """The second half of the tutorial, on two long texts.

    Its cells run unchanged, and one is put in: the tutorial's own function uploads the reader's own documents. (It is
    also what the cell that follows needs, which wants ids where the tutorial has file objects.)
    """
    brief, speech = (FIXTURES.joinpath(name).read_text(encoding="utf-8") for name in ("brief_ko.txt", "speech.txt"))
    [fibonacci] = [item for item in document("003").objects if "'code_interpreter': {" in str(item)]
    recorded = fibonacci["tool_calls"][0]["code_interpreter"]
    computed = []

    def programmer(run):
        computed.append((yield run_code(recorded["input"], execute=True)))
        yield say(" ".join(computed[0].split()))

    def examiner(run):
        yield search("돈을 치르는 단추, 한 달에 쓰는 전기; and what did the language model invent?")
        given = json.loads((yield call("generate_quiz", title="소식지와 연설", questions=QUESTIONS)))
        marks = ["맞음" if answer == right else "틀림" for answer, right in zip(given, RIGHT, strict=True)]
        yield say(
            f"채점: {', '.join(marks)}. It invented a flood in the page it wrote for June 1952【】. "
            "기계를 모두 더하면 한 달에 사백십 킬로와트시입니다【】.",
            citations="auto",
        )

    assistants.next_run(say("21"))
    assistants.next_run(programmer)
    assistants.next_run(search(), say(f"{AGENTS}【】.", citations="auto"))
    # a question in Korean about an English text: its words would find the brief, so the model looks for others
    assistants.next_run(
        search("language models, unsupervised learners, main contribution"),
        say("한 unsupervised model이 여러 일을 한꺼번에 해낸 것이 main contribution입니다【】.", citations="auto"),
    )
    assistants.next_run(examiner)

    own = [str(FIXTURES / name) for name in ("brief_ko.txt", "speech.txt")]
    reader = Cell("the reader's own documents", f"file_ids = [file.id for file in upload_files({own})]")
    notebook = Notebook(answers=["1", "2", *"213"])
    names = notebook.namespace
    newest = []  # messages, after each question
    for cell in cells("003"):
        first, last = (int(line) for line in cell.title.removeprefix("lines ").split("-"))
        if first >= FRESH_START and last <= FIRST_QUIZ_ENDS:
            notebook.run(cell)
            if "run = ask(" in cell.source:
                newest.append(names["client"].beta.threads.messages.list(names["run"].thread_id).data[0])
            if "def upload_files" in cell.source:
                notebook.run(reader)

    # the cell that the real service executed prints the same here
    assert computed == [recorded["outputs"][0]["logs"]]
    shown = [step for step in notebook.displayed if isinstance(step, dict) and step.get("type") == "tool_calls"]
    assert [step["tool_calls"][0]["type"] for step in shown] == ["code_interpreter", "retrieval"]
    assert shown[0]["tool_calls"][0]["code_interpreter"]["outputs"] == recorded["outputs"]

    in_brief, in_speech = names["file_ids"]
    _, _, on_agents, on_models, _ = newest
    [(mark, citation)] = annotated(on_agents)
    assert (mark, citation.file_id) == ("【4†source】", in_brief)
    assert heading(brief, citation.quote) == "대담: AI 에이전트를 어떻게 볼 것인가"
    assert citation.quote.startswith("그러나 돈을 치르는 단추만은 반드시 사람의 손가락이")

    [(mark, citation)] = annotated(on_models)
    assert citation.file_id == in_speech
    assert heading(speech, citation.quote).startswith("Now for the part the newspaper came for.")
    assert "the main contribution of the work" in citation.quote

    feedback = names["client"].beta.threads.messages.list(names["thread_id"]).data[0]
    assert "채점: 맞음, 틀림, 맞음." in capsys.readouterr().out
    citations = {citation.file_id: citation.quote for _, citation in annotated(feedback)}
    assert list(citations) == [in_speech, in_brief]
    assert citations[in_speech].startswith("It also invented a flood.")
    assert heading(speech, citations[in_speech]).startswith("Now for the part the newspaper came for.")
    assert heading(brief, citations[in_brief]) == "전기를 얼마나 쓰는가"
    assert "사백십 킬로와트시" in citations[in_brief]


@written_for("1.12.0")
@pytest.mark.skipif(find_spec("pypdf") is None, reason="pypdf of the extra `files` is not installed")
@pytest.mark.assistants(as_of="2024-02-13")
def test_003_a_pdf_is_read_and_quoted(assistants):
    """The tutorial's cells upload two PDFs and write down their ids, which the fake gives out here."""
    titles = {cell.title.removeprefix("lines "): cell for cell in cells("003")}
    notebook = Notebook()
    names = notebook.namespace
    for lines in ("586-596", "603-621", "638-651"):
        notebook.run(titles[lines])
    assistants.next_run(say("21"))
    notebook.run(titles["666-717"])
    notebook.run(titles["876-881"])
    ids = names["file_ids"]
    for file_id in ids:
        assistants.world.store.ids.plan(file_id)
    for lines in ("884-905", "876-881", "944-958"):
        notebook.run(titles[lines])

    assistants.next_run(search(), say("It is closed on a Monday of May【】, and tents go back【】.", citations="auto"))
    notebook.run(Cell("a question", 'run = ask(ASSISTANT_ID, thread_id, "When is the shop closed for holidays?")'))
    citations = annotated(names["client"].beta.threads.messages.list(names["thread_id"]).data[0])
    assert [citation.file_id for _, citation in citations] == ids  # the same handbook under two names
    quotes = [citation.quote for _, citation in citations]
    assert quotes == [
        "Holidays: the shop is closed on the first Monday of May.",
        "Returns: customers may return tents within 45 days of purchase.",
    ]
    for path, quote in zip((LANGUAGE_MODELS, BRIEF), quotes, strict=True):
        assert f"({quote}) Tj".encode() in Path(path).read_bytes()  # as the page draws it
