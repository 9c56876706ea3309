"""The code interpreter through the SDK: what a script says a cell has done, and what it really does."""

from __future__ import annotations

import struct
import threading
import zlib
from pathlib import Path

import openai
import pytest
from stream_clients import JSON, text

from harness import FakeAssistants, HarnessFailure, fake_assistants, run_code, say
from harness.service.products import PIXEL

FIXTURES = Path(__file__).parents[2] / "fixtures"
SPEAKS_V2 = tuple(map(int, openai.__version__.split(".")[:2])) >= (1, 21)
MEAN = """
import csv
from collections import defaultdict

sales = defaultdict(list)
with open("/mnt/data/sales_2022.csv", newline="") as file:
    for row in csv.DictReader(file):
        sales[row["date"][:7]].append(int(row["units"]) * float(row["price"]))
means = {month: sum(values) / len(values) for month, values in sales.items()}
print(means["2022-01"])
"""
WRITE = """
with open("/mnt/data/means.csv", "w") as file:
    file.write("month,mean\\n")
    for month, mean in means.items():
        file.write(f"{month},{mean:.2f}\\n")
"""
LINK = "sandbox:/mnt/data/means.csv"


@pytest.fixture
def client():
    return openai.OpenAI(api_key="sk-test")


def conversation(client, *, path=None, **extra):
    """The ids of an assistant that may run code, perhaps with a file, and of a thread."""
    files = {} if path is None else {"file_ids": [client.files.create(file=path, purpose="assistants").id]}
    assistant = client.beta.assistants.create(
        model="gpt-4-turbo",
        tools=[{"type": "code_interpreter"}],
        extra_body={"tool_resources": {"code_interpreter": files}} if SPEAKS_V2 else files,
        **extra,
    )
    thread = client.beta.threads.create()
    client.beta.threads.messages.create(thread_id=thread.id, role="user", content="What is the mean of each month?")
    return assistant.id, thread.id


def ask(client, assistant, thread):
    """The steps of one polled run, oldest first, and its newest message; the run completes whatever its cells did."""
    run = client.beta.threads.runs.create(thread_id=thread, assistant_id=assistant)
    while run.status in ("queued", "in_progress"):
        run = client.beta.threads.runs.retrieve(run_id=run.id, thread_id=thread)
    assert run.status == "completed"
    steps = client.beta.threads.runs.steps.list(run.id, thread_id=thread, order="asc").data
    return steps, client.beta.threads.messages.list(thread_id=thread).data[0]


def outputs(step):
    [call] = step.step_details.tool_calls
    return [output.model_dump(exclude={"index"}) for output in call.code_interpreter.outputs]


def logs(step):
    [output] = outputs(step)
    return output["logs"]


def tool_steps(client, *cells, fake, **options):
    """What such cells show, each in its own step."""
    fake.next_run(*cells)
    steps, _ = ask(client, *conversation(client, **options))
    return steps


# --- scripted ----------------------------------------------------------------------------------------------------


def test_a_scripted_cell_shows_its_logs_image_and_file(assistants, client):
    """CONTRACT §2.3, §2.5; the image in front of the text: recorded in simple-openai, April 2024."""
    assistants.next_run(
        run_code("plot()", logs="done", images=["plot.png"], files={"means.csv": b"month,mean\n"}),
        say(f"The table: [means]({LINK}). Again: {LINK}에서"),
    )
    [cell, _], message = ask(client, *conversation(client))
    shown, image = outputs(cell)
    assert shown == {"type": "logs", "logs": "done"}
    picture, words = message.content
    assert picture.type == "image_file"
    assert picture.image_file.file_id == image["image"]["file_id"]
    first, second = words.text.annotations
    for annotation in (first, second):
        assert annotation.type == "file_path"
        assert words.text.value[annotation.start_index : annotation.end_index] == annotation.text == LINK
    assert first.file_path.file_id == second.file_path.file_id
    assert client.files.content(first.file_path.file_id).content == b"month,mean\n"
    assert client.files.content(image["image"]["file_id"]).content == PIXEL


def test_the_files_that_a_message_links_to_are_its_own(assistants, client):
    """Azure-Samples/azureai-samples (November 2024), and of v1 a notebook of January 2024; what was drawn is not."""
    assistants.next_run(
        run_code("plot()", images=["plot.png"], files={"means.csv": b"1", "b.csv": b"2"}), say(f"{LINK}, {LINK}")
    )
    _, message = ask(client, *conversation(client))
    first, _ = message.content[1].text.annotations
    file_id = first.file_path.file_id
    path = f"/threads/{message.thread_id}/messages/{message.id}"
    v1, v2 = (assistants.client(default_headers={"OpenAI-Beta": f"assistants={api}"}) for api in ("v1", "v2"))
    attached = {"file_id": file_id, "tools": [{"type": "code_interpreter"}]}
    assert v2.get(path, cast_to=JSON)["attachments"] == [attached]
    assert v1.get(path, cast_to=JSON)["file_ids"] == [file_id]
    assert [item["id"] for item in v1.get(f"{path}/files", cast_to=JSON)["data"]] == [file_id]
    assert v1.get(f"{path}/files/{file_id}", cast_to=JSON)["message_id"] == message.id


def test_files_of_cells_are_the_outputs_of_assistants(assistants, client):
    """CONTRACT §1.5; the names as listed in a recording of ruby-openai (files_list, May 2024)."""
    assistants.next_run(run_code("1", files={"out/a.txt": "é"}, images=[b"png"]))
    ask(client, *conversation(client))
    drawn, written = sorted(
        client.files.list(purpose="assistants_output").data, key=lambda file: file.filename[0] == "/"
    )
    assert (written.filename, written.bytes, written.purpose) == ("/mnt/data/out/a.txt", 2, "assistants_output")
    assert [len(part) for part in drawn.filename.split("-")] == [8, 4, 4, 4, 12]
    assert written.id.startswith("file-")


def test_on_azure_the_files_have_its_ids(assistants):
    """CONTRACT §1.8."""
    client = assistants.azure_client()
    assistants.next_run(run_code("1", files={"means.csv": "1"}), say(LINK))
    _, message = ask(client, *conversation(client))
    [annotation] = message.content[0].text.annotations
    assert annotation.file_path.file_id.startswith("assistant-")
    assert client.files.content(annotation.file_path.file_id).content == b"1"


def test_images_come_from_paths_bytes_files_and_ids(assistants, client, tmp_path):
    path = tmp_path / "drawn.png"
    path.write_bytes(PIXEL)
    there = assistants.add_file(path, purpose="assistants_output")
    assistants.next_run(run_code("1", images=[path, PIXEL, there, "file-elsewhere"]), say("See."))
    [cell, _], message = ask(client, *conversation(client))
    ids = [output["image"]["file_id"] for output in outputs(cell)]
    assert ids[2:] == [there.id, "file-elsewhere"]
    assert [client.files.content(file_id).content for file_id in ids[:2]] == [PIXEL, PIXEL]
    assert [part.image_file.file_id for part in message.content[:-1]] == ids


def test_an_image_that_is_a_file_of_the_cell_is_that_file(assistants, client):
    assistants.next_run(run_code("1", images=["a.png"], files={"a.png": b"mine"}), say("sandbox:/mnt/data/a.png"))
    [cell, _], message = ask(client, *conversation(client))
    [image] = outputs(cell)
    assert message.content[1].text.annotations[0].file_path.file_id == image["image"]["file_id"]
    assert [file.content for file in assistants.world.store.files] == [b"mine"]


@pytest.mark.parametrize(
    ("message", "images"),
    [(say("No."), 1), (say("No.", images=[]), 0), (say(images=["file-1", "file-2"]), 2)],
    ids=["by default", "none", "others"],
)
def test_a_message_shows_the_images_unless_the_script_says_otherwise(assistants, client, message, images):
    assistants.next_run(run_code("1", images=["a.png"]), message, say("Next."))
    assistant, thread = conversation(client)
    ask(client, assistant, thread)
    newest, before, _ = client.beta.threads.messages.list(thread_id=thread).data
    assert [part.type for part in before.content].count("image_file") == images
    assert [part.type for part in newest.content] == ["text"]


@pytest.mark.parametrize(
    ("words", "links"),
    [
        ("sandbox:/mnt/data/a.csv.", ["a.csv"]),
        ("sandbox:/mnt/data/a.csv.gz sandbox:/mnt/data/a", ["a.csv.gz"]),
        ("sandbox:/mnt/data/other.csv", []),
        ("sandbox:/mnt/data/a.csvs /mnt/data/a.csv", []),
    ],
)
def test_only_a_whole_name_is_a_link(assistants, client, words, links):
    assistants.next_run(run_code("1", files={"a.csv": "1", "a.csv.gz": "2"}), say(words))
    _, message = ask(client, *conversation(client))
    assert [found.text for found in message.content[0].text.annotations] == [
        f"sandbox:/mnt/data/{name}" for name in links
    ]


def test_a_link_that_the_script_names_itself_is_left_to_it(assistants, client):
    assistants.next_run(run_code("1", files={"means.csv": "1"}), say(LINK, files={LINK: "file-mine"}))
    _, message = ask(client, *conversation(client))
    [annotation] = message.content[0].text.annotations
    assert annotation.file_path.file_id == "file-mine"


def test_links_of_both_kinds_are_in_the_order_of_the_text(assistants, client):
    own = "sandbox:/mnt/data/own.csv"
    assistants.next_run(run_code("1", files={"means.csv": "1"}), say(f"{LINK} {own}", files={own: "file-mine"}))
    _, message = ask(client, *conversation(client))
    assert [found.text for found in message.content[0].text.annotations] == [LINK, own]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: run_code("1", files={"../a": b""}), "cannot make a file called '../a'"),
        (lambda: run_code("1", files={"/a": b""}), "'/a'"),
        (lambda: run_code("1", files={"": b""}), "''"),
        (lambda: run_code("1", files={"a\\b": b""}), r"'a\\\\b'"),
        (lambda: run_code("1", images=["a\n.png"]), r"'a\\n.png'"),
        (lambda: run_code("1", files={"a": Path("/nowhere/a.csv")}), "cannot read '/nowhere/a.csv'"),
        (lambda: run_code("1", files={"a": 3}), "cannot read 3"),
        (lambda: run_code("1", execute=True, logs="1"), "was also given what the cell prints"),
        (lambda: run_code("1", execute=True, images=["a.png"]), "was also given what the cell prints"),
        (lambda: run_code("1", execute=True, files={"a": b""}), "was also given what the cell prints"),
    ],
)
def test_what_a_cell_cannot_have_made_is_refused(wrong, says):
    with pytest.raises(HarnessFailure, match=says):
        wrong()


class OnlyAPath:
    """A path that cannot read itself."""

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return str(self.path)


@pytest.mark.parametrize("kind", [Path, OnlyAPath])
def test_paths_are_read_when_the_act_is_made(tmp_path, kind):
    path = tmp_path / "plot.png"
    path.write_bytes(b"png")
    act = run_code("plot()", images=[kind(path), b"drawn"], files={"copy.png": kind(path)})
    path.unlink()
    assert [(image.name, image.content) for image in act.images] == [("plot.png", b"png"), (None, b"drawn")]
    assert [(file.name, file.content) for file in act.files] == [("copy.png", b"png")]


def test_the_picture_that_is_made_is_one():
    assert PIXEL[:16] == b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"
    size = struct.unpack(">II", PIXEL[16:24])
    start = PIXEL.index(b"IDAT") + 4
    length = struct.unpack(">I", PIXEL[start - 8 : start - 4])[0]
    assert (size, zlib.decompress(PIXEL[start : start + length])) == ((1, 1), b"\x00\x80")


# --- logs, by era ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "scripted", "executed"),
    [
        ({}, True, True),
        ({"as_of": "2024-05-01"}, True, True),
        ({"as_of": "2025-10-30"}, True, False),
        ({"as_of": "2025-10-30", "code_logs": "shown"}, True, True),
        ({"code_logs": "dropped"}, False, False),
    ],
)
def test_logs_are_shown_or_dropped(options, scripted, executed):
    """CONTRACT §2.5: in recordings of 2025 and 2026 a cell that prints has no outputs."""
    if options.get("as_of", "") > "2025" and not SPEAKS_V2:
        pytest.skip(f"openai {openai.__version__} speaks v1 only")
    with fake_assistants(**options) as fake:
        cells = (run_code("6 * 7", logs="42"), run_code("6 * 7", execute=True))
        steps = tool_steps(openai.OpenAI(api_key="sk-test"), *cells, fake=fake)
    expected = [[{"type": "logs", "logs": "42"}] if shown else [] for shown in (scripted, executed)]
    assert [outputs(step) for step in steps] == expected


# --- executed ----------------------------------------------------------------------------------------------------


def test_a_cell_reads_the_uploaded_file_and_a_second_goes_on(assistants, client):
    """Issue 4: the mean is computed by the code, from the bytes that were uploaded."""

    @assistants.model
    def model(run):
        mean = yield run_code(MEAN, execute=True)
        yield run_code(WRITE, execute=True)
        yield say(f"In January it was {mean.strip()}: {LINK}")

    [first, second, _], message = ask(client, *conversation(client, path=FIXTURES / "sales_2022.csv"))
    [call] = first.step_details.tool_calls
    assert call.code_interpreter.input == MEAN
    assert (logs(first), outputs(second)) == ("1422.5\n", [])
    assert message.content[0].text.value.startswith("In January it was 1422.5")
    [annotation] = message.content[0].text.annotations
    table = client.files.content(annotation.file_path.file_id).content.decode()
    assert table.splitlines()[:2] == ["month,mean", "2022-01,1422.50"]
    assert len(table.splitlines()) == 13


def test_the_same_with_pandas(assistants, client):
    pytest.importorskip("pandas", reason="pandas is not installed here")
    source = (
        "import pandas as pd\n"
        "data = pd.read_csv('/mnt/data/sales_2022.csv')\n"
        "float((data.units * data.price).groupby(data.date.str[:7]).mean()['2022-01'])"
    )
    assistants.next_run(run_code(source, execute=True))
    [step], _ = ask(client, *conversation(client, path=FIXTURES / "sales_2022.csv"))
    assert logs(step) == "1422.5"


def test_a_figure_of_matplotlib_is_an_image(assistants, client):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed here")
    source = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nplt.savefig('/mnt/data/plot.png')"
    assistants.next_run(run_code(source, execute=True), say("sandbox:/mnt/data/plot.png"))
    [step, _], message = ask(client, *conversation(client))
    [image] = outputs(step)
    assert client.files.content(image["image"]["file_id"]).content.startswith(b"\x89PNG")
    assert [part.type for part in message.content] == ["image_file", "text"]
    assert message.content[1].text.annotations


def test_a_streamed_cell_tells_the_same(caller, assistants):
    """CONTRACT §5.3: the source in pieces, then the outputs; images in front of the text of the message."""
    chart = "class Chart:\n    def _repr_png_(self):\n        return b'png'\n"
    source = f"{chart}print('drawn')\nopen('a.txt', 'w').write('1')\nChart()"
    assistants.next_run(run_code(source, execute=True), say("See sandbox:/mnt/data/a.txt"))
    events = caller.run().all()
    cell = next(event for event in events if event.name == "thread.run.step.completed").data
    call = cell["step_details"]["tool_calls"][0]["code_interpreter"]
    assert call["input"] == source
    printed, image = call["outputs"]
    assert printed == {"type": "logs", "logs": "drawn\n"}
    message = next(event for event in events if event.name == "thread.message.completed").data
    assert message["content"][0]["image_file"] == image["image"]
    assert message["content"][1]["text"]["annotations"][0]["text"] == "sandbox:/mnt/data/a.txt"
    assert text(events) == "See sandbox:/mnt/data/a.txt"


def test_v1_gives_a_cell_the_files_of_its_assistant_and_its_messages(one_wire):
    """CONTRACT §10; by their ids, as recorded (simple-openai, April 2024), and by their names."""
    one_wire.api = "v1"
    fake = one_wire.start()
    mine = fake.add_file(content=b"y := sin(x)", filename="formula.txt").id
    theirs = fake.add_file(content=b"x", filename="C:\\data\\..\\x.txt").id
    deleted = fake.add_file(content=b"x").id
    source = f"open('/mnt/data/{mine}').read() + open('/mnt/data/x.txt').read()"
    fake.next_run(run_code(source, execute=True))
    tools = [{"type": "code_interpreter"}]
    assistant = one_wire.ok("POST", "/assistants", {"model": "gpt-4", "tools": tools, "file_ids": [mine]})["id"]
    thread = one_wire.ok("POST", "/threads")["id"]
    one_wire.ok("POST", f"/threads/{thread}/messages", {"role": "user", "content": "?", "file_ids": [theirs, deleted]})
    one_wire.ok("DELETE", f"/files/{deleted}")
    run = one_wire.ok("POST", f"/threads/{thread}/runs", {"assistant_id": assistant})["id"]
    fake.clock.advance(10)
    [step] = one_wire.ok("GET", f"/threads/{thread}/runs/{run}/steps")["data"]
    [call] = step["step_details"]["tool_calls"]
    assert call["code_interpreter"]["outputs"] == [{"type": "logs", "logs": "'y := sin(x)x'"}]
    fake.close()


def test_an_exception_is_what_the_cell_printed(assistants, client):
    """The run goes on, as a model that reads its mistake does. The form of a notebook is a guess (G)."""
    failing, repaired = run_code("total = 6\ntotal / 0", execute=True), run_code("total / 2", execute=True)
    first, second = tool_steps(client, failing, repaired, fake=assistants)
    assert first.status == "completed"
    assert logs(first).splitlines()[1:] == [
        "ZeroDivisionError                         Traceback (most recent call last)",
        "Cell In[1], line 2",
        "      1 total = 6",
        "----> 2 total / 0",
        "",
        "ZeroDivisionError: division by zero",
    ]
    assert logs(second) == "3.0"


def test_threads_have_interpreters_of_their_own_for_an_hour(assistants, client):
    """CONTRACT §8, code interpreter session."""
    assistants.every_run(run_code("x = globals().get('x', 0) + 1\nx", execute=True))
    one, other = conversation(client), conversation(client)
    assert [logs(ask(client, *each)[0][0]) for each in (one, one, other)] == ["1", "2", "1"]
    assistants.clock.advance(3600)
    assert logs(ask(client, *one)[0][0]) == "1"


def test_going_back_begins_the_interpreters_anew(assistants, client):
    assistants.every_run(run_code("x = globals().get('x', 0) + 1\nx", execute=True))
    there = conversation(client)
    before = assistants.snapshot()
    assert logs(ask(client, *there)[0][0]) == "1"
    assistants.restore(before)
    assert logs(ask(client, *there)[0][0]) == "1"


def test_what_a_deleted_assistant_had_is_gone(one_wire):
    fake = one_wire.start()
    fake.next_run(run_code("import os\nos.listdir()", execute=True))
    file = fake.add_file(content=b"1", filename="a.txt").id
    resources = {"code_interpreter": {"file_ids": [file]}}
    body = {"model": "gpt-4o", "tools": [{"type": "code_interpreter"}], "tool_resources": resources}
    assistant = one_wire.ok("POST", "/assistants", body)["id"]
    thread = one_wire.ok("POST", "/threads", {"messages": [{"role": "user", "content": "?"}]})["id"]
    run = one_wire.ok("POST", f"/threads/{thread}/runs", {"assistant_id": assistant})["id"]
    one_wire.ok("DELETE", f"/assistants/{assistant}")
    fake.clock.advance(10)
    [step] = one_wire.ok("GET", f"/threads/{thread}/runs/{run}/steps")["data"]
    fake.close()
    assert step["step_details"]["tool_calls"][0]["code_interpreter"]["outputs"] == [{"type": "logs", "logs": "[]"}]


def test_a_limit_that_is_met_is_reported_in_the_step(client):
    with fake_assistants(code_seconds=0.2) as fake:
        stuck = run_code("x = 1\nwhile True: pass", execute=True)
        first, second = tool_steps(client, stuck, run_code("'x' in globals()", execute=True), fake=fake)
    assert logs(first) == ("The cell was stopped: it ran longer than 0.2 seconds. Its variables and files are gone.\n")
    assert first.status == "completed"
    assert outputs(second) in ([{"type": "logs", "logs": "False"}], outputs(first))  # a slow machine


def test_the_other_limits_are_options_too(client):
    with fake_assistants(code_output=10, code_disk=1, code_memory=1024) as fake:
        full = run_code("open('a', 'wb', buffering=0).write(bytes(3_000_000))", execute=True)
        long, full = tool_steps(client, run_code("print('x' * 100)", execute=True), full, fake=fake)
    assert logs(long) == "x" * 10 + "\n[output cut off: more than 10 characters]"
    assert outputs(full)


def test_a_fake_without_a_context_can_be_closed():
    fake = FakeAssistants()
    client = fake.client()
    [step] = tool_steps(client, run_code("1 + 1", execute=True), fake=fake)
    assert logs(step) == "2"
    fake.close()
    fake.close()


def test_closing_ends_the_cell_that_another_thread_has_executed():
    with fake_assistants(code_seconds=60) as fake:
        fake.next_run(run_code("while True: pass", execute=True))
        client, assistant = fake.client(), fake.add_assistant(tools=[{"type": "code_interpreter"}])
        asked = client.beta.threads.create_and_run(
            assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "?"}]}
        )

        def look():
            while client.beta.threads.runs.retrieve(asked.id, thread_id=asked.thread_id).status != "completed":
                pass

        thread = threading.Thread(target=look)
        thread.start()
        while not any(box.running for _, box in list(fake._interpreters._sessions.values())):
            threading.Event().wait(0.01)
    thread.join()
    [output] = fake.runs[0].steps[0].details["tool_calls"][0]["code_interpreter"]["outputs"]
    assert "The interpreter has ended while it ran the cell" in output["logs"]  # and not by its limit
