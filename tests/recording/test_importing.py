"""Recordings in other dialects become cassettes."""

from __future__ import annotations

import json

import pytest
from cassette_recordings import exchange, files
from recorded_sessions import BASE, record_session

from harness import FakeAssistants, HarnessFailure, say
from harness.recording.cassettes import header_of, read, write
from harness.recording.exchanges import by_conversation
from harness.recording.importing import MAX_NAME_LENGTH, cassette_name, imports, write_all
from harness.recording.redaction import Redactor

KEY = "sk-" + "proj-" + "A1b2" * 12


def line(url, cassette=None, **more):
    row = {"method": "GET", "url": url, "status": 200, "request_headers": {}, "response_body": {}, **more}
    return json.dumps({**row, "cassette": cassette} if cassette else row)


@pytest.fixture
def log(tmp_path):
    """Writes a log of one JSON object a line."""

    def written(*lines, name="log.jsonl"):
        path = tmp_path / name
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return written


def test_each_conversation_becomes_a_cassette_of_its_name(log, tmp_path):
    rows = [line(f"{BASE}/threads/thread_{i}", name) for i, name in enumerate(["a/one.yml", "b/two.yml", "c/one.yml"])]
    made = imports([log(*rows, rows[1])], tmp_path / "cassettes")
    assert [(item.path.name, len(item.exchanges)) for item in made] == [
        ("one.yaml", 1),
        ("two.yaml", 2),
        ("one-2.yaml", 1),
    ]
    assert not (tmp_path / "cassettes").exists()
    for item in made:
        item.rendered().write()
    assert header_of(made[2].path) == "Imported from c/one.yml."
    assert [item.request.path for item in read(made[2].path)] == ["/v1/threads/thread_2"]


def test_secrets_are_replaced_and_counted(log, tmp_path):
    source = log(
        line(f"{BASE}/models", request_headers={"authorization": f"Bearer {KEY}"}, response_body={"by": "Falcon"})
    )
    [made] = imports([source], tmp_path, redact=["Falcon"])
    assert made.replaced == 2
    made.rendered().write()
    written = made.path.read_text(encoding="utf-8")
    assert KEY not in written
    assert "Falcon" not in written


def test_what_the_user_keeps_is_kept(log, tmp_path):
    source = log(line(f"{BASE}/models", response_body={"by": "joe@corp-example.com"}))
    [made] = imports([source], tmp_path, keep=["joe@corp-example.com"])
    made.rendered().write()
    assert b"joe@corp-example.com" in made.path.read_bytes()


def test_a_secret_that_is_left_is_not_written(log, tmp_path, monkeypatch):
    monkeypatch.setattr(Redactor, "redact", lambda redactor, exchanges: list(exchanges))
    [made] = imports([log(line(f"{BASE}/models", response_body={"by": KEY}))], tmp_path)
    with pytest.raises(HarnessFailure, match="it would contain a secret"):
        made.rendered()
    assert not made.path.exists()


@pytest.mark.parametrize(("bad", "were"), [("one", 0), ("two", 1), ("three", 2)])
def test_a_cassette_that_cannot_be_written_is_reported_with_those_that_were(bad, were, log, tmp_path):
    names = ["one", "two", "three"]
    made = imports([log(*(line(f"{BASE}/models", name) for name in names))], tmp_path / "new")
    (tmp_path / "new" / f"{bad}.yaml").mkdir(parents=True)
    with pytest.raises(HarnessFailure, match=rf"new/{bad}\.yaml could not be written") as raised:
        write_all([item.rendered() for item in made])
    assert [item.path.is_file() for item in made] == [True] * were + [False] * (3 - were)
    if were:
        written = "".join(f"    {item.path}\n" for item in made[:were])
        assert raised.value.there_was == f"{were} of 3 were written before:\n{written}The others are unchanged."
    else:
        assert raised.value.there_was == "What was there before is unchanged."


def test_requests_to_others_are_left_out_and_counted(log, tmp_path):
    rows = [line("https://telemetry.example/v2/a"), line(f"{BASE}/models")]
    [made] = imports([log(*rows)], tmp_path)
    assert (made.left_out, len(made.exchanges)) == (1, 1)


def test_a_conversation_with_others_only_is_no_cassette(log, tmp_path):
    source = log(line("https://telemetry.example/a", "one"), line(f"{BASE}/models", "two"))
    assert [item.path.name for item in imports([source], tmp_path)] == ["two.yaml"]


def test_a_file_without_any_request_to_this_api_is_refused(log, tmp_path):
    with pytest.raises(HarnessFailure, match="holds no request to this API") as raised:
        imports([log(line("https://telemetry.example/a"))], tmp_path)
    assert "https://telemetry.example/a" in str(raised.value)


def test_nothing_is_written_over_what_is_there(log, tmp_path):
    write(tmp_path / "log.yaml", [exchange(b"old")])
    source = log(line(f"{BASE}/models"))
    with pytest.raises(HarnessFailure, match="1 of 1 cassettes exist already"):
        imports([source], tmp_path)
    [made] = imports([source], tmp_path, force=True)
    assert made.path == tmp_path / "log.yaml"


def test_the_comment_on_top_stays(tmp_path):
    write(tmp_path / "a.yaml", record_session(say("Hello.")), header="Recorded by hand.")
    [made] = imports([tmp_path / "a.yaml"], tmp_path / "new")
    assert made.header == "Recorded by hand.\nImported from a.yaml."


def test_what_could_not_be_read_is_reported(log, tmp_path):
    skipped = []
    imports(
        [log(json.dumps({"url": BASE, "response_body": {"odd": 1}}), line(f"{BASE}/models"))], tmp_path, skipped=skipped
    )
    assert len(skipped) == 1


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("../../etc/passwd", "passwd.yaml"),
        (".hidden", "hidden.yaml"),
        ("..", "session.yaml"),
        ("a\\..\\b", "a-..-b.yaml"),
        ("test_x[1/2 a].yaml", "2-a.yaml"),
        ("x" * MAX_NAME_LENGTH, "x" * MAX_NAME_LENGTH + ".yaml"),
        ("x" * 500, "x" * MAX_NAME_LENGTH + "-c38c2bf3.yaml"),
        ("con.har", "con-1143da2b.yaml"),
    ],
)
def test_a_name_is_no_path(name, file):
    assert cassette_name(name) == file


def test_names_that_differ_in_capitals_only_are_numbered(log, tmp_path):
    """Or one cassette would replace the other where the file system does not tell them apart."""
    rows = [line(f"{BASE}/models", name) for name in ("one", "One", "ONE", "\N{GREEK SMALL LETTER FINAL SIGMA}", "Σ")]
    made = imports([log(*rows)], tmp_path)
    assert [item.path.name for item in made] == ["one.yaml", "One-2.yaml", "ONE-3.yaml", "ς.yaml", "Σ-2.yaml"]


@pytest.mark.parametrize("name", ["여보세요" * 30, "a" + "👋🏽" * 60])
def test_a_long_name_is_one_that_can_be_written(name, log, tmp_path):
    [made] = imports([log(line(f"{BASE}/models", f"{name}.yml"))], tmp_path)
    made.rendered().write()
    assert read(made.path)


@pytest.mark.parametrize("path", [*files("raw/*/*"), *files("*.jsonl")])
def test_every_recording_is_imported_whole(path, tmp_path):
    """And what was written can be read again, and replayed."""
    made = imports([path], tmp_path)
    conversations = by_conversation(read(path))
    assert len(made) == len(conversations)
    assert [len(item.exchanges) for item in made] == [len(exchanges) for exchanges in conversations.values()]
    for item in made:
        item.rendered().write()
        again = read(item.path)
        assert [(one.request.method, one.request.path, one.response.status) for one in again] == [
            (one.request.method, one.request.path, one.response.status) for one in item.exchanges
        ]
        FakeAssistants().replay(item.path)
    assert len({item.path for item in made}) == len(made)
