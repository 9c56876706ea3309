"""Files of recorders in other languages and proxies: read whole, or refused with a way to convert them."""

from __future__ import annotations

import base64
import codecs
import gzip
import json
from textwrap import dedent

import pytest
import yaml
from recorded_sessions import record_session

from harness import FakeAssistants, say
from harness.failures import HarnessFailure
from harness.options import make_options
from harness.recording import replay
from harness.recording.cassettes import read
from harness.recording.dialects.unsupported import UNSUPPORTED
from harness.recording.importing import imports
from harness.recording.matching import normalized
from harness.service.http import Request
from harness.service.service import Service

URL = "https://api.openai.com/v1/threads"
THREAD = {"id": "thread_abc123", "object": "thread", "created_at": 1715040446, "metadata": {}, "tool_resources": {}}
RAW = json.dumps(THREAD, indent=2).encode()
DATE = "Tue, 07 May 2024 00:07:26 GMT"
HEADERS = {"Date": DATE, "Content-Type": "application/json"}


@pytest.fixture
def read_text(tmp_path):
    """Reads a text as a cassette, under a name that tells nothing."""

    def reading(text, skipped=None):
        path = tmp_path / "cassette"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read(path, skipped)

    return reading


def in_turns(headers):
    return [part for pair in headers.items() for part in pair]


def fixture(**changes):
    """A fixture of nock with one exchange."""
    one = {"scope": "https://api.openai.com:443", "method": "POST", "path": "/v1/threads", "body": {"metadata": {}}}
    return json.dumps([{**one, "status": 200, "response": THREAD, "rawHeaders": in_turns(HEADERS), **changes}])


def chunks(body, write):
    packed = gzip.compress(body)
    return [write(packed[:20]), write(packed[20:])]


def in_base64(data):
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({}, RAW),
        ({"rawHeaders": {"date": DATE, "content-type": ["application/json"]}}, RAW),
        ({"rawHeaders": None, "headers": {"date": DATE}}, RAW),
        ({"rawHeaders": ["Date", DATE, "Content-Encoding", "gzip"], "response": chunks(RAW, bytes.hex)}, RAW),
        ({"response": "0001ff", "responseIsBinary": True}, b"\0\1\xff"),
        ({"response": "event: done\ndata: [DONE]\n\n", "responseIsBinary": False}, b"event: done\ndata: [DONE]\n\n"),
        ({"response": ""}, b""),
        ({"response": None}, b""),
        ({"response": [1]}, b"[\n  1\n]"),
    ],
)
def test_answers_of_nock(read_text, changes, body):
    [exchange] = read_text(fixture(**changes))
    assert (exchange.request.method, exchange.request.url, exchange.request_body) == ("POST", URL, b'{"metadata":{}}')
    assert (exchange.response.status, exchange.response_body, exchange.at) == (200, body, 1715040446.0)
    assert "content-encoding" not in exchange.response.headers


@pytest.mark.parametrize(
    ("changes", "method", "url", "sent"),
    [
        ({"body": "", "method": None}, "GET", URL, b""),
        ({"body": "a=b", "reqheaders": {"openai-beta": ["assistants=v2"]}}, "POST", URL, b"a=b"),
        ({"scope": "http://localhost:80/"}, "POST", "http://localhost/v1/threads", b'{"metadata":{}}'),
        ({"scope": "http://localhost:8000"}, "POST", "http://localhost:8000/v1/threads", b'{"metadata":{}}'),
    ],
)
def test_requests_of_nock(read_text, changes, method, url, sent):
    [exchange] = read_text(fixture(**changes))
    assert (exchange.request.method, exchange.request.url, exchange.request_body) == (method, url, sent)
    assert exchange.request.headers.get("openai-beta") in (None, "assistants=v2")


@pytest.mark.parametrize("content", [b"1,2", b"\x89PNG\r\n\0"])
def test_uploads_of_nock(read_text, content):
    head = b'--b1\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    form = head + content + b"\r\n--b1--\r\n"
    body = form.decode() if content.isascii() else form.hex()
    [exchange] = read_text(fixture(body=body, path="/v1/files"))
    assert exchange.request_body == form
    assert normalized(exchange.request, lambda data: data) == {"file": ["a", content]}


def archive(content, **headers):
    """A HAR with one exchange."""
    request = {"method": "GET", "url": URL, "headers": []}
    listed = [{"name": name, "value": value} for name, value in headers.items()]
    one = {"request": request, "response": {"status": 200, "headers": listed, "content": content}}
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "Polly.JS"}, "entries": [one]}})


@pytest.mark.parametrize(
    ("content", "coding", "body"),
    [
        ({"text": json.dumps(chunks(RAW, in_base64)), "encoding": "base64"}, "gzip", RAW),
        ({"text": json.dumps(chunks(RAW, bytes.hex)), "_isBinary": True}, "gzip", RAW),
        ({"text": json.dumps(chunks(RAW, bytes.hex))}, "gzip", RAW),
        ({"text": RAW.decode()}, "gzip", RAW),
        ({"text": "0001ff", "_isBinary": True}, "identity", b"\0\1\xff"),
        ({"text": in_base64(gzip.compress(RAW)), "encoding": "base64"}, "gzip", RAW),
        ({"text": "AAH/", "encoding": "base64"}, "gzip", b"\0\1\xff"),
    ],
)
def test_bodies_of_polly(read_text, content, coding, body):
    [exchange] = read_text(archive(content, **{"content-encoding": coding}))
    assert (exchange.response_body, exchange.response.headers) == (body, {})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"size": 431, "mimeType": "application/json"}, "not in the archive: save it with content"),
        ({"size": -1}, "not in the archive: save it with content"),
        ({"size": 9, "_file": "a1.json"}, "in another file, 'a1.json', which is not read"),
    ],
)
def test_an_answer_whose_body_an_archive_lacks_is_left_out(read_text, content, reason):
    skipped = []
    assert read_text(archive(content), skipped) == []
    assert f"its answer is {reason}" in skipped[0]
    [empty] = read_text(archive({"size": 0}))
    assert empty.response_body == b""


def test_a_serializer_may_write_two_lists(read_text):
    request = {"method": "POST", "uri": URL, "body": b"{}", "headers": {"openai-beta": ["assistants=v2"]}}
    answer = {"status": {"code": 200, "message": "OK"}, "headers": {"date": [DATE]}, "body": {"string": RAW}}
    text = yaml.safe_dump({"requests": [request], "responses": [answer]})
    [exchange] = read_text(text)
    assert (exchange.request.url, exchange.request_body, exchange.response_body, exchange.at) == (
        URL,
        b"{}",
        RAW,
        1715040446.0,
    )
    with pytest.raises(HarnessFailure, match="compressed by gzip"):
        read_text(gzip.compress(text.encode()))


@pytest.mark.parametrize(
    ("recorded_url", "url"),
    [
        ("/v1/threads", URL),
        ("api.openai.com/v1/threads", URL),
        ("<HOST>/v1/threads", "https://<HOST>/v1/threads"),
        ("http://localhost:80/v1/threads", "http://localhost:80/v1/threads"),
    ],
)
def test_a_url_without_a_host_is_one_of_this_api(read_text, tmp_path, recorded_url, url):
    [exchange] = read_text(archive({"text": "{}"}).replace(URL, recorded_url))
    assert (exchange.request.url, exchange.request.path) == (url, "/v1/threads")
    assert imports([tmp_path / "cassette"], tmp_path)


GATEWAYS = ["http://localhost:4000/proxy/v1", "https://gateway.ai.cloudflare.com/v1/0a1b/gw/openai"]


@pytest.mark.parametrize("root", GATEWAYS)
def test_what_came_through_a_gateway_is_of_this_api(tmp_path, root):
    path = tmp_path / "session.har"
    path.write_text(archive({"text": RAW.decode()}).replace("GET", "POST").replace("https://api.openai.com/v1", root))
    [item] = imports([path], tmp_path)
    [exchange] = item.session.exchanges
    assert (item.left_out, exchange.path, list(item.session.created_by)) == (0, "/threads", [THREAD["id"]])
    for url in (URL, f"{root}/threads"):
        fake = FakeAssistants(make_options({"base_url": [root]}, where="here"))
        fake.replay(path)
        answer = fake.answer(Request("POST", url, {"authorization": "Bearer x", "openai-beta": "assistants=v2"}))
        assert (answer.status, json.loads(answer.body)["id"]) == (200, THREAD["id"])


def as_nock(items):
    """A conversation as nock writes it."""
    return json.dumps(
        [
            {
                "scope": "https://api.openai.com:443",
                "method": item.request.method,
                "path": item.request.url.removeprefix("https://api.openai.com"),
                "body": json.loads(item.request_body) if item.request_body else "",
                "status": item.response.status,
                "response": json.loads(item.response_body),
                "rawHeaders": in_turns(dict(item.response.headers)),
                "responseIsBinary": False,
            }
            for item in items
        ]
    )


def test_a_conversation_that_nock_recorded_is_replayed(tmp_path):
    story = record_session(say("4 °C"))
    path = tmp_path / "nock.json"
    path.write_text(as_nock(story), "utf-8")
    player = replay(path, Service(), mode="live", on_miss="fail")
    answers = [player.answer(item.request) for item in story]
    assert [answer.status for answer in answers] == [200] * len(story)
    assert json.loads(answers[-1].body)["data"][-1]["content"][0]["text"]["value"] == "4 °C"


def test_a_text_in_utf_16_is_read(read_text):
    [exchange] = read_text(codecs.BOM_UTF16_LE + json.dumps(THREAD, indent=2).encode("utf-16-le"))
    assert exchange.request.url == URL


def test_a_refusal_that_was_printed_is_reported(read_text):
    refusal = {"error": {"message": "No thread found", "type": "invalid_request_error", "param": None, "code": None}}
    skipped = []
    read_text(f"{json.dumps(THREAD)}\n{json.dumps(refusal)}\n{{'error': 'x'}}\n{refusal['error']}", skipped)
    [line] = skipped
    assert 'line 2: what begins with \'{"error": ' in line
    assert line.endswith("is a refusal of the service without its request")


# --- what is not read ---------------------------------------------------------------------------------------------

PAIR = {"request": {"url": "/v1/threads", "method": "POST"}, "response": {"status": 200, "body": RAW.decode()}}
GO = """\
---
version: 2
interactions:
- id: 0
  request: {url: https://api.openai.com/v1/threads, method: POST, body: ''}
  response: &answer
    body: '{}'
    status: 200 OK
    code: 200
    duration: 1.2s
"""
PHP = """\
- request: {method: POST, url: 'https://api.openai.com/v1/threads', headers: {}, body: '{}'}
  response:
    status: {http_version: '1.1', code: '200', message: OK}
    body: '{}'
    curl_info: {http_code: 200}
"""
RESPONSES = """\
responses:
- response:
    auto_calculate_content_length: false
    body: '{}'
    url: https://api.openai.com/v1/threads
"""
PARSED = """\
interactions:
- request: {headers: {}, method: POST, parsed_body: {}, uri: https://api.openai.com/v1/threads}
  response:
    headers: {}
    parsed_body: {}
    status: {code: 200, message: OK}
"""
NOCK = "nock('https://api.openai.com:443')\n  .post('/v1/threads', {})\n  .reply(200, %s, ['Date', 'x']);\n"
TALKBACK = """\
{
    meta: {
        createdAt: '2024-05-07T00:07:26.000Z',
    },
    req: {
        url: '/v1/threads',
    },
    res: {
        status: 200,
        body: %s,
    },
}
"""
POSTMAN = {"schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json", "name": "c"}
DEBUG = "[openai._base_client:482 - DEBUG] Request options: {'method': 'post', 'url': '/threads', 'files': None}\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("compressed by gzip", gzip.compress(RAW)),
        ("a zip archive", b"PK\x03\x04\x14\xff"),
        ("a file of flows of mitmproxy", f"99:7:version;2:21#4:type;4:http;8:response;{RAW.decode()}"),
        ("a session of Charles", json.dumps([{"method": "POST", "actualPort": 443, "response": THREAD}])),
        ("a cassette of vcrpy whose serializer parsed the bodies", PARSED),
        ("a cassette of go-vcr", GO),
        ("a cassette of PHP-VCR", PHP),
        ("a recording of `responses`, which keeps no bodies of requests", RESPONSES),
        ("a script for nock", NOCK % RAW.decode()),
        ("a tape of talkback", TALKBACK % RAW.decode()),
        ("a collection of Postman", json.dumps({"info": POSTMAN, "item": [{"request": {}, "response": [THREAD]}]})),
        ("an export of Insomnia, which holds no answers", json.dumps({"__export_format": 4, "resources": [PAIR]})),
        ("a list of expectations of MockServer", json.dumps([{"httpRequest": {}, "httpResponse": {"body": THREAD}}])),
        ("a simulation of Hoverfly", json.dumps({"data": {"pairs": [{"path": [{"matcher": "exact"}]}, PAIR]}})),
        ("a recording in an unknown format", json.dumps({"mappings": [PAIR]}, indent=1)),
        ("a recording in an unknown format", json.dumps([{"method": "post", "answer": THREAD}])),
        ("a debug log of the SDK, which holds no bodies of answers", DEBUG),
        ("a trace, which holds texts and none of the API's objects", json.dumps({"resourceSpans": []})),
    ],
)
def test_what_others_recorded_is_named(read_text, name, text):
    with pytest.raises(HarnessFailure) as caught:
        read_text(text)
    failure = caught.value
    assert failure.happened.endswith(f"cassette cannot be read as a cassette: it is {name}.")
    form = next(form for form in UNSUPPORTED if form.name == name)
    assert failure.do.startswith(form.do.partition("{file}")[0])
    assert "\n" not in failure.do


def test_the_line_to_print_is_one_that_is_read(read_text, capsys):
    with pytest.raises(HarnessFailure) as caught:
        read_text(GO)
    exec(caught.value.do, {"json": json})
    [exchange] = read_text(capsys.readouterr().out)
    assert (exchange.request.url, exchange.response.status) == (URL, 200)


@pytest.mark.parametrize("around", [DEBUG, '{"trace_id": "0a1b", "output": %s}\n', '\'{"method": "POST"}\'\n'])
def test_objects_in_a_log_are_found_all_the_same(read_text, around):
    text = around % RAW.decode() if "%s" in around else around + RAW.decode()
    assert [item.request.path for item in read_text(dedent(text))] == ["/v1/threads"]
