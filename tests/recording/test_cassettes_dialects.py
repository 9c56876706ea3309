"""Small cassettes in each dialect, and the messages for files that are in none."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
import types
import zlib
from textwrap import dedent

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.failures import HarnessFailure
from harness.recording.cassettes import header_of, read
from harness.recording.dialects import DIALECTS, common, yaml_reader
from harness.recording.dialects.body_bytes import text_bytes
from harness.recording.dialects.codings import decoded
from harness.recording.dialects.common import first_date
from harness.yaml_limits import MAX_ALIASED_VALUES

DATE = "Tue, 07 May 2024 00:07:26 GMT"
AT = 1715040446.0
URL = "https://api.openai.com/v1/threads"


@pytest.fixture
def read_text(tmp_path):
    """Reads a text as a cassette, under a name that tells nothing."""

    def reading(text, skipped=None):
        path = tmp_path / "cassette"
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        return read(path, skipped)

    return reading


def row(**changes):
    """One line of a log."""
    line = {"method": "POST", "url": URL, "request_headers": {}, "request_body": None, "status": 200}
    return {**line, "response_headers": {}, "response_body": {}, "sse": False, "recorded_at": None, **changes}


def lines(*rows):
    return "\n".join(json.dumps(item) for item in rows)


def as_json(value):
    return json.dumps(value, indent=1)


def entry(**changes):
    """A session of the test proxy with one exchange."""
    one = {"RequestUri": URL, "RequestMethod": "POST", "RequestHeaders": {}, "RequestBody": None, "StatusCode": 200}
    return as_json({"Entries": [{**one, "ResponseHeaders": {}, "ResponseBody": None, **changes}], "Variables": {}})


def archive(request=None, response=None, **changes):
    """A HAR with one exchange."""
    half = {"headers": [], "cookies": []}
    one = {
        "request": {"method": "GET", "url": URL, **half, **(request or {})},
        "response": {"status": 200, **half, "content": {"text": "", "mimeType": "text/plain"}, **(response or {})},
        **changes,
    }
    return as_json({"log": {"version": "1.2", "creator": {"name": "x"}, "entries": [one]}})


def vcrpy_yaml(request_body="''", response="string: ''", rest=""):
    return f"""\
interactions:
- request:
    body: {request_body}
    headers:
      X-Two:
      - a
      - b
      Empty:
    method: post
    uri: {URL}
  response:
    body:
      {response}
    headers:
      Date:
      - {DATE}
    status:
      code: 200
      message: OK{rest}
version: 1
"""


def test_vcrpy(read_text):
    [exchange] = read_text(vcrpy_yaml('|-\n      {"a": 1}', 'string: "é\\n"'))
    assert (exchange.request.method, exchange.request.url) == ("POST", URL)
    assert exchange.request.headers == {"x-two": "a, b", "empty": ""}
    assert (exchange.request_body, exchange.response_body, exchange.at) == (b'{"a": 1}', "é\n".encode(), AT)
    assert exchange.response.status == 200
    assert exchange.response.headers == {"date": DATE}
    assert exchange.origin.endswith("cassette [0]")


@pytest.mark.parametrize(
    ("written", "body"),
    [
        ("string: null", b""),
        ("string: !!binary |\n        AAH/", b"\0\1\xff"),
        ("base64_string: AAH/", b"\0\1\xff"),
        ("string: '2024-05-07'", b"2024-05-07"),
        ("string: 2024-05-07", b"2024-05-07"),
        ("string: yes", b"yes"),
        ("string: &a text", b"text"),
        ("string: !!str 1", b"1"),
    ],
)
def test_bodies_of_vcrpy(read_text, written, body):
    [exchange] = read_text(vcrpy_yaml(response=written))
    assert exchange.response_body == body


@pytest.mark.parametrize(
    ("written", "body"), [("null", b""), ("!!binary AAH/", b"\0\1\xff"), ("{string: x}", b"x"), ("!!null ''", b"")]
)
def test_request_bodies_of_vcrpy(read_text, written, body):
    [exchange] = read_text(vcrpy_yaml(written))
    assert exchange.request_body == body


def test_vcrpy_in_json_and_as_it_was_for_httpx(read_text):
    request = {"method": "GET", "uri": URL, "body": "", "headers": {"Accept": ["*/*"]}}
    new = {"status": {"code": 404, "message": ""}, "headers": {}, "body": {"string": "x"}}
    old = {"status_code": 404, "http_version": "HTTP/1.1", "headers": {}, "content": "x"}
    cassette = {"version": 1, "interactions": [{"request": request, "response": half} for half in (new, old)]}
    for text in (as_json(cassette), json.dumps(cassette)):
        first, second = read_text(text)
        assert (first.request, first.response) == (second.request, second.response)
        assert (first.response_body, first.response.status, first.at) == (b"x", 404, None)


@pytest.mark.parametrize(
    ("recorded_at", "at"),
    [("1715040452.25", 1715040452.25), ("null", None), ("2024-05-07T00:07:26Z", AT), ("1.5e+3", 1500.0)],
)
def test_a_time_of_its_own_counts_before_the_date(read_text, recorded_at, at):
    [exchange] = read_text(vcrpy_yaml(rest=f"\n  recorded_at: {recorded_at}"))
    assert exchange.at == at


def test_vcr_of_ruby(read_text):
    [one, two, three] = read_text(
        f"""\
        ---
        http_interactions:
        - request:
            method: post
            uri: {URL}
            body:
              encoding: UTF-8
              string: '{{"a":"é"}}'
            headers:
              Content-Type:
              - application/json
          response:
            status:
              code: 400
              message: Bad Request
            headers:
              Date:
              - {DATE}
            body:
              encoding: ASCII-8BIT
              string: !binary |-
                AAH/
          recorded_at: Tue, 07 May 2024 00:08:00 GMT
        - request:
            method: get
            uri: {URL}
            body: {{encoding: US-ASCII, string: é}}
          response:
            status: {{code: 200}}
            body: {{encoding: ISO-8859-1, string: é}}
          recorded_at: Tue, 07 May 2024 00:07:26 GMT
        - request: {{method: get, uri: {URL}, body: {{encoding: NO-SUCH, string: é}}}}
          response: {{status: {{code: 200}}, body: {{encoding: ASCII-8BIT, base64_string: AAH/}}}}
        recorded_with: VCR 6.1.0
        """
    )
    assert (one.request.method, one.request_body, one.response_body, one.at) == (
        "POST",
        '{"a":"é"}'.encode(),
        b"\0\1\xff",
        AT,
    )
    assert one.request.headers == {"content-type": "application/json"}
    assert one.response.status == 400
    assert (two.request_body, two.response_body, two.at) == ("é".encode(), b"\xe9", AT)
    assert (three.request_body, three.response_body, three.at) == ("é".encode(), b"\0\1\xff", None)


def test_vcr_of_r(read_text):
    skipped = []
    [old, new] = read_text(
        f"""\
        http_interactions:
        - request:
            method: post
            uri: {URL}
            body: {{encoding: '', string: '{{"a":1}}'}}
            headers: {{Accept: 'application/json, */*'}}
          response:
            status: {{status_code: 200, reason: OK}}
            headers: {{content-encoding: gzip, content-length: '99'}}
            body:
              encoding: ''
              file: no
              string: |-
                {{"b": 2}}
          recorded_at: 2024-05-07 00:07:26 GMT
          recorded_with: vcr/1.2.2, webmockr/0.9.0
        - request: {{method: GET, uri: {URL}}}
          response: {{status: 204, headers: {{date: '{DATE}'}}}}
          recorded_at: 2024-05-07 00:07:27
        - request: {{method: GET, uri: {URL}}}
          response: {{status: 200, body: {{file: yes, string: ../../secret}}}}
        """,
        skipped,
    )
    assert (old.request_body, old.response_body, old.at) == (b'{"a":1}', b'{"b": 2}', AT)
    assert old.response.headers == {"content-length": "8"}
    assert (new.request_body, new.response_body, new.at, new.response.status) == (b"", b"", AT, 204)
    [reason] = skipped
    assert reason.endswith("cassette [2]: its body is in another file, '../../secret', which is not read")


@pytest.mark.parametrize(
    ("sent", "headers", "body"),
    [
        (None, {"Content-Length": "565"}, b""),
        ({"a": "é"}, {"Content-Length": "11"}, '{"a": "é"}'.encode()),
        ({"a": "é"}, {"Content-Length": "99"}, '{"a":"é"}'.encode()),
        ({"a": "é"}, {"Content-Length": "15"}, b'{"a": "\\u00e9"}'),
        ({"a": "\ud83d"}, {}, b'{"a":"\\ud83d"}'),
        ([1, 2], {}, b"[1,2]"),
        ([], {}, b"[]"),
        ("AAH/", {"Content-Type": "application/octet-stream"}, b"\0\1\xff"),
        ("text", {"Content-Type": ["text/plain"]}, b"text"),
        (
            ["--x\r\n", "A: b\r\n\r\n", "b64:AAH/", "\r\n--x--\r\n"],
            {"Content-Type": "multipart/form-data; boundary=x"},
            b"--x\r\nA: b\r\n\r\n\0\1\xff\r\n--x--\r\n",
        ),
    ],
)
def test_requests_of_the_test_proxy(read_text, sent, headers, body):
    [exchange] = read_text(entry(RequestBody=sent, RequestHeaders=headers))
    assert exchange.request_body == body
    if sent is not None and "content-length" in exchange.request.headers:
        assert exchange.request.headers["content-length"] == str(len(body))


@pytest.mark.parametrize(
    ("got", "headers", "body"),
    [
        ({"a": 1.0}, {}, b'{\n  "a": 1.0\n}'),
        ({"a": 1.0}, {"Content-Length": "15"}, b'{\n  "a": 1.0\n}\n'),
        ({"a": 1.0}, {"Content-Length": "9"}, b'{"a":1.0}'),
        (
            ["event: done\n", "data: [DONE]\n", "\n"],
            {"Content-Type": "text/event-stream"},
            b"event: done\ndata: [DONE]\n\n",
        ),
        (None, {"Date": "Sanitized"}, b""),
    ],
)
def test_answers_of_the_test_proxy(read_text, got, headers, body):
    [exchange] = read_text(entry(ResponseBody=got, ResponseHeaders=headers))
    assert (exchange.response_body, exchange.at) == (body, None)


def test_an_archive(read_text):
    header = [{"name": ":status", "value": "200"}, {"name": "Content-Encoding", "value": "br"}]
    [exchange] = read_text(
        archive(
            {"method": "POST", "postData": {"mimeType": "application/json", "text": "{}"}},
            {"headers": header, "content": {"text": "AAH/", "encoding": "base64"}},
            startedDateTime="2024-05-07T02:07:26.500+02:00",
        )
    )
    assert (exchange.request.method, exchange.request_body, exchange.response_body) == ("POST", b"{}", b"\0\1\xff")
    assert (exchange.response.headers, exchange.at) == ({}, AT + 0.5)


def test_what_was_never_answered_is_left_out_of_an_archive(read_text):
    skipped = []
    assert read_text(archive(response={"status": 0}), skipped) == read_text(archive(response={"status": 0})) == []
    [reason] = skipped
    assert reason.endswith("cassette [0]: it was never answered (status 0)")


def test_a_log(read_text):
    events = [["thread.created", {"id": "thread_x"}], ["done", "[DONE]"]]
    one, two, three, four = read_text(
        "\ufeff"
        + lines(
            row(cassette="a.yaml", index=3, request_body={"b": "\u2028"}, recorded_at="2024-05-07T00:07:26+00:00"),
            row(sse=True, response_body=events, recorded_at="Sanitized", response_headers={"date": DATE}),
            row(response_body="\x89PNG", response_headers={"content-length": "4"}, request_body="text"),
            row(response_body=None, request_headers=None),
        )
        + "\n\n"
    )
    assert one.origin.endswith("cassette: a.yaml [3]")
    assert two.origin.endswith("cassette [1]")
    assert (one.request_body, one.response_body, one.at) == ('{"b":"\u2028"}'.encode(), b"{}", AT)
    assert two.response_body == b'event: thread.created\ndata: {"id":"thread_x"}\n\nevent: done\ndata: [DONE]\n\n'
    assert (two.at, three.at) == (AT, None)
    assert (three.request_body, three.response_body, four.response_body) == (b"text", b"\x89PNG", b"")


def test_a_log_of_one_line_and_one_in_a_list(read_text):
    assert len(read_text(lines(row()))) == len(read_text(json.dumps([row()]))) == 1


RUN = {"object": "thread.run", "id": "run_1", "thread_id": "thread_1", "assistant_id": "asst_1", "status": "queued"}
STEP = {
    "object": "thread.run.step",
    "step_details": {"tool_calls": [{"id": "call_1", "function": {"name": "f", "output": "4"}}]},
}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/assistants/asst_1", {"object": "assistant", "id": "asst_1"}),
        ("DELETE", "/assistants/asst_1", {"object": "assistant.deleted", "id": "asst_1", "deleted": True}),
        ("GET", "/threads/thread_1/runs/run_1", RUN),
        ("GET", "/threads/thread_1/runs", {"object": "list", "data": [RUN]}),
        ("GET", "/assistants", {"object": "list", "data": [{"object": "assistant", "id": "asst_1"}]}),
    ],
)
def test_a_body_alone_is_the_answer_that_shows_it(read_text, method, path, body):
    for kept in ({"method": "", "url": "notebook:x"}, {"method": "POST", "url": f"{URL}/x", "route": "/threads/{id}"}):
        [exchange] = read_text(lines(row(status=None, response_body=body, **kept)))
        assert (exchange.request.method, exchange.request.path, exchange.request_body) == (method, f"/v1{path}", b"")
        assert json.loads(exchange.response_body) == body
        assert (exchange.response.status, exchange.at) == (200, None)
        assert exchange.response.headers == {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("route", "path", "sent"),
    [
        ("/threads/runs", "/threads/runs", {"assistant_id": "asst_1", "stream": True}),
        ("/threads/{id}/runs", "/threads/thread_1/runs", {"assistant_id": "asst_1", "stream": True}),
        (
            "/threads/{id}/runs/{id}/submit_tool_outputs",
            "/threads/thread_1/runs/run_1/submit_tool_outputs",
            {"tool_outputs": [{"tool_call_id": "call_1", "output": "4"}], "stream": True},
        ),
    ],
)
def test_a_stream_alone_answers_what_its_events_tell(read_text, route, path, sent):
    events = [["thread.run.created", RUN], ["thread.run.step.completed", STEP], ["done", "[DONE]"]]
    [exchange] = read_text(lines(row(status=None, sse=True, route=route, response_body=events)))
    assert (exchange.request.method, exchange.request.path) == ("POST", f"/v1{path}")
    assert json.loads(exchange.request_body) == sent
    assert exchange.response_body.startswith(b'event: thread.run.created\ndata: {"object":"thread.run",')
    assert exchange.response.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("which does not tell the thread_id", {"response_body": {"object": "thread.message.deleted", "id": "msg_1"}}),
        ("of the kind None", {"response_body": {"python_version": "3"}}),
        ("of the kind 'model'", {"response_body": {"object": "model", "id": "gpt-4"}}),
        ("an empty list", {"response_body": {"object": "list", "data": []}}),
        ("not an object of the API", {"response_body": "text"}),
        ("the events of a stream", {"response_body": [["done", "[DONE]"]], "sse": True, "route": "/threads/runs"}),
        ("the events of a stream", {"response_body": [["thread.run.created", RUN]], "sse": True, "route": None}),
    ],
)
def test_a_body_that_nothing_can_be_built_of_is_left_out(read_text, reason, kept):
    skipped = []
    [rest] = read_text(lines(row(status=None, **kept), row()), skipped)
    assert rest.response_body == b"{}"
    [line] = skipped
    assert "cassette [0]: only " in line
    assert reason in line


# --- content encodings --------------------------------------------------------------------------------------------

TEXT = b'{"a": "text that is long enough to be worth it, worth it, worth it"}'
RAW = zlib.compressobj(wbits=-15)
DEFLATED = RAW.compress(TEXT) + RAW.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("GZip", gzip.compress(TEXT[:9], mtime=0) + gzip.compress(TEXT[9:], mtime=0)),
        ("x-gzip", gzip.compress(TEXT, mtime=0)),
        ("gzip", TEXT),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", DEFLATED),
        ("deflate", TEXT),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT), mtime=0)),
        ("identity", TEXT),
        ("zstd", TEXT),
        ("compress", TEXT),
        ("br", TEXT),
    ],
)
def test_content_encodings_are_undone(coding, body, monkeypatch):
    monkeypatch.setitem(sys.modules, "brotli", None)
    monkeypatch.setitem(sys.modules, "brotlicffi", None)
    headers = {"content-encoding": coding, "content-length": str(len(body)), "x": "y"}
    assert decoded(headers, body) == ({"content-length": str(len(TEXT)), "x": "y"}, TEXT)
    assert decoded({"content-encoding": coding}, b"") == ({}, b"")


def test_what_is_no_deflate_stays_as_it_is():
    assert decoded({"content-encoding": "deflate"}, b"\xff\xff\xff\xff") == ({}, b"\xff\xff\xff\xff")


def brotli(name, monkeypatch):
    """A stand-in for the package: one byte before the text."""

    class error(Exception):  # noqa: N801, N818 - its name there
        pass

    def decompress(body):
        if body[:1] != b"\x8b":
            raise error
        return body[1:]

    module = types.ModuleType(name)
    module.error, module.decompress = error, decompress
    monkeypatch.setitem(sys.modules, "brotli", None)
    monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.parametrize("name", ["brotli", "brotlicffi"])
def test_brotli_is_undone_where_it_is_installed(name, monkeypatch):
    brotli(name, monkeypatch)
    assert decoded({"content-encoding": "br"}, b"\x8b" + TEXT) == ({}, TEXT)
    assert decoded({"content-encoding": "br"}, TEXT) == ({}, TEXT)


def test_brotli_that_is_missing_is_named(read_text, monkeypatch):
    monkeypatch.setitem(sys.modules, "brotli", None)
    monkeypatch.setitem(sys.modules, "brotlicffi", None)
    text = vcrpy_yaml(response="string: !!binary i3t9").replace("Date:\n", "Content-Encoding:\n").replace(DATE, "br")
    with pytest.raises(HarnessFailure, match="pip install brotli"):
        read_text(text)


# Two frames; the second tells no size, as one that is compressed while it is sent.
ZSTD = bytes.fromhex(
    "28b52ffd201ef100007b2261223a2022746578742074686174206973206c6f6e6720656e6f7567"
    "28b52ffd0058cd0000986820746f20626520776f7274682069742c227d01009b9425"
)


ZSTD_LIBRARIES = "compression.zstd", "backports.zstd", "zstandard"


@pytest.fixture(params=ZSTD_LIBRARIES)
def only_zstd(request, monkeypatch):
    """Only one of the libraries that undo it is there."""
    pytest.importorskip(request.param, reason=f"{request.param} is not installed here")
    for name in {*ZSTD_LIBRARIES} - {request.param}:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("only_zstd")
def test_zstandard_is_undone():
    """Clients with `zstandard`, which LangSmith requires, and any httpx2 on Python 3.14 ask servers for it."""
    assert decoded({"content-encoding": "zstd"}, ZSTD) == ({}, TEXT)
    assert decoded({"content-encoding": "zstd"}, TEXT) == ({}, TEXT)


@pytest.mark.usefixtures("only_zstd")
@pytest.mark.parametrize("broken", [ZSTD[:-3], ZSTD[:6] + b"\xff" * 9], ids=["without its end", "with other bytes"])
def test_broken_zstandard(broken):
    with pytest.raises(ValueError, match="its body is broken zstd: "):
        decoded({"content-encoding": "zstd"}, broken)


def test_a_library_for_zstandard_that_is_missing_is_named(monkeypatch):
    for name in ZSTD_LIBRARIES:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(HarnessFailure, match=r"pip install backports\.zstd"):
        decoded({"content-encoding": "zstd"}, ZSTD)


@pytest.mark.parametrize(
    ("coding", "message"),
    [("gzip", "its body is broken gzip"), ("compress", "its body has a content encoding other than gzip")],
)
def test_a_body_that_cannot_be_undone_names_its_record(read_text, coding, message):
    body = base64.b64encode(b"\x1f\x8b\xff").decode()
    text = vcrpy_yaml(response=f"string: !!binary {body}").replace("Date:\n", "Content-Encoding:\n")
    with pytest.raises(HarnessFailure, match=f"Record 0 of .*cassette could not be read: {message}"):
        read_text(text.replace(DATE, coding))


# --- times and texts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Tue, 07 May 2024 00:07:26 GMT",
        "2024-05-07T00:07:26",
        "2024-05-07T00:07:26Z",
        "2024-05-07T00:07:26.0000000Z",
        "2024-05-07T02:07:26+02:00",
        "2024-05-06 23:07:26 -0100",
        " 2024-05-07 00:07:26 UTC ",
        "1715040446",
        "1715040446000",
        "1715040446000000.0",
        "1.715040446e18",
    ],
)
def test_times(text):
    assert first_date(None, "Sanitized", text) == AT


@pytest.mark.parametrize(
    "text", [None, "", "Sanitized", "2024-13-07T00:07:26Z", "Tue, 99 May 2024 00:07:26 GMT", "1e400"]
)
def test_what_is_no_time(text):
    assert first_date(text) is None


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, "é".encode()),
        ({"content-type": "application/octet-stream"}, b"\xe9"),
        ({"content-type": "application/octet-stream", "content-length": "2"}, "é".encode()),
        ({"content-length": "1"}, b"\xe9"),
    ],
)
def test_a_text_may_stand_for_bytes(headers, body):
    assert text_bytes("é", headers) == body


def test_a_text_with_other_characters_is_utf8():
    assert text_bytes("é→", {"content-type": "multipart/form-data"}) == "é→".encode()


# --- files that are no cassettes ----------------------------------------------------------------------------------


def failure(read_text, text):
    with pytest.raises(HarnessFailure) as caught:
        read_text(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("# only a comment\n", "none of the dialects"),
        ("hello", "none of the dialects"),
        ("a: 1", "none of the dialects"),
        ("[]", "none of the dialects"),
        ("[1]", "none of the dialects"),
        ('{"a": 1}', "none of the dialects"),
        ('{"log": 1}', "none of the dialects"),
        ('{"interactions": 1, "http_interactions": 2, "Entries": 3}', "none of the dialects"),
        ('{"interactions": [', "Expecting value"),
        ('{"a": 1}\n{"b": ', "line 2 is no JSON"),
        ("[" * 100_000, "recursion|Stack overflow"),  # the latter on Python 3.14
        ("- " * 100_000 + "x", "nested too deeply"),
        ("a: [1", "did not find expected|but got .<stream end>"),  # the latter without libyaml
        ("a: *b", "undefined alias|before it is set"),
        ("a: 1\n--- \nb: 2", "more than one"),
        ("? [a]\n: b", "a key that is not text, line 1"),
        ("a: !!binary A", "broken base64, line 1"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
    ],
)
def test_a_file_that_is_no_cassette(read_text, text, why):
    raised = failure(read_text, text)
    assert "cassette cannot be read as a cassette: " in raised.happened
    assert re.search(why, raised.happened)
    assert all(dialect.name in raised.there_was for dialect in DIALECTS)
    assert raised.do.startswith("git log ")


def test_the_message_shows_how_the_file_begins(read_text):
    assert "It begins with b'{\"a\": '" in failure(read_text, '{"a": ').there_was


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system [echo]",
        "!!python/object/new:_io.BytesIO {state: !!python/tuple [x]}",
        "!!python/name:os.system ''",
        "!!python/tuple [x]",
        "!!python/str x",
        "!ruby/object:Object {a: b}",
    ],
)
def test_tags_that_make_objects_are_refused(read_text, tag):
    raised = failure(read_text, vcrpy_yaml(tag))
    assert f"line 3 has the tag {tag.split()[0]}, which would create an object" in raised.happened


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("interactions: [{request: {}}]", "it has no 'response'"),
        ("interactions: [text]", "it has another shape"),
        (
            "interactions: [{request: {headers: x, method: x, uri: x}, response: {headers: , status_code: 1}}]",
            "it has another shape",
        ),
        (vcrpy_yaml().replace("code: 200", "code: OK"), "invalid literal"),
        (vcrpy_yaml(response="base64_string: A"), "Incorrect padding|Invalid base64"),
        (entry(RequestHeaders={"Content-Type": "application/octet-stream"}, RequestBody="é"), "ASCII"),
        (lines(row(), {"status": 200}), "it has no 'method'"),
    ],
)
def test_a_record_that_is_broken_is_named(read_text, text, why):
    raised = failure(read_text, text)
    number = 1 if text.startswith('{"method"') else 0
    assert raised.happened.startswith(f"Record {number} of ")
    assert re.search(why, raised.happened)
    assert any(dialect.name in raised.there_was for dialect in DIALECTS)
    assert raised.do


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read(tmp_path, name):
    for reading in (read, header_of):
        with pytest.raises(HarnessFailure, match=f"The cassette .*{name} could not be read: "):
            reading(tmp_path / name)


def test_without_pyyaml_the_extra_is_named(read_text, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert len(read_text(entry())) == 1
    assert failure(read_text, "interactions: []").do == 'pip install "pytest-assistants[recording]"'


# --- YAML ---------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DATA = st.recursive(
    st.one_of(st.none(), TEXTS, st.binary(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=10,
)


@pytest.mark.usefixtures("yaml_parser")
def test_yaml_is_read_as_pyyaml_reads_it():
    """PyYAML guesses types where nothing is quoted; its own dumper quotes what would be guessed wrong."""

    @settings(deadline=None, derandomize=True, database=None, max_examples=300)
    @given(data=DATA, flow=st.sampled_from([True, False, None]), readable=st.booleans())
    def check(data, flow, readable):
        text = yaml.safe_dump(data, default_flow_style=flow, allow_unicode=readable)
        assert yaml_reader.load(text) == yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    check()


@pytest.mark.usefixtures("yaml_parser")
def test_an_alias_is_what_its_anchor_was():
    assert yaml_reader.load("a: &x {k: &y [1]}\nb: *x\nc: *y\n") == {"a": {"k": ["1"]}, "b": {"k": ["1"]}, "c": ["1"]}


@pytest.mark.usefixtures("yaml_parser")
def test_an_anchor_that_is_set_again_names_the_later_value():
    assert yaml_reader.load("a: &x [&x [1], *x]\nb: *x\n") == {"a": [["1"], ["1"]], "b": ["1"]}


@pytest.mark.usefixtures("yaml_parser")
def test_a_few_lines_cannot_stand_for_more_than_fits(read_text):
    """Aliases of aliases: 10 lines for a thousand million values, which are one list until somebody goes through it."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    raised = failure(read_text, "\n".join(lines) + "\n" + vcrpy_yaml().replace("- a\n", "- *a8\n"))
    assert f"its aliases repeat more than {MAX_ALIASED_VALUES} values" in raised.happened


@pytest.mark.usefixtures("yaml_parser")
def test_what_is_written_out_may_be_more_than_what_aliases_repeat():
    text = yaml.safe_dump([*([["x"]] * 1000), *map(str, range(MAX_ALIASED_VALUES))])
    assert text.count("*id001") == 999
    assert len(yaml_reader.load(text)) == MAX_ALIASED_VALUES + 1000


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[*x]", "the anchor 'x' is used before it is set"),
        ("a: &x [*x]", "the anchor 'x' is used within its own value"),
        ("a: &x {b: [*x]}", "the anchor 'x' is used within its own value"),
    ],
)
@pytest.mark.usefixtures("yaml_parser")
def test_an_alias_of_what_is_not_there_yet_is_refused(text, why):
    with pytest.raises(yaml_reader.NotPlainYaml, match=why):
        yaml_reader.load(text)


@pytest.mark.usefixtures("yaml_parser")
def test_an_empty_text_is_nothing():
    assert yaml_reader.load("# nothing\n") is None


def test_a_place_names_itself(tmp_path):
    assert str(common.Place(tmp_path, 3)) == f"{tmp_path} [3]"
