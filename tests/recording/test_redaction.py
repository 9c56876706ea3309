"""No secret reaches the disk, and nothing else is changed."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from planted_secrets import HOST, PLANTED, POSITIONS, as_json, event, exchange, forms, message_delta, streamed, upload

from harness.failures import HarnessFailure
from harness.recording import cassettes
from harness.recording.exchanges import RecordedExchange
from harness.recording.redacting.kinds import Kind
from harness.recording.redacting.rewriting import MAX_ROUNDS, Rewriter
from harness.recording.redaction import Redactor
from harness.service.http import Request, Response
from harness.service.params import parse_upload

MAIL, OTHER_MAIL = "joe" + "@" + "corp.io", "ann" + "@" + "corp.io"
KEY, OTHER_KEY = "sk-" + "proj-" + "a1B2c3D4" * 5, "sk-" + "proj-" + "Z9y8X7w6" * 5
AZURE = "0123456789abcdef" * 2
SHARED = Path(os.environ.get("PYTEST_ASSISTANTS_SHARED") or Path(__file__).resolve().parents[3] / "shared")


def redacted_body(exchange_, **options):
    [done] = Redactor(**options).redact([exchange_])
    return done.response_body.decode()


def kinds(findings):
    return [finding.kind for finding in findings]


# --- what is secret goes --------------------------------------------------------------------------------------


def written(folder, exchanges):
    """All bytes of the cassette and of the files beside it."""
    cassettes.write(folder / "cassette.yaml", exchanges)
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def survives(secret, data):
    joined = b"".join(data.split())
    return any(form in data or form in joined for form in forms(secret))


@pytest.mark.parametrize("kind", PLANTED)
def test_no_secret_survives_in_any_position(kind, tmp_path):
    text, secret = PLANTED[kind]
    # one redactor each: what one learns of a credential must not help the next
    redacted = {position: Redactor().redact([plant(text)]) for position, plant in POSITIONS.items()}
    if survives(secret, written(tmp_path, [item for items in redacted.values() for item in items])):
        bad = [position for position, items in redacted.items() if survives(secret, written(tmp_path, items))]
        pytest.fail(f"{kind} survives in: {bad}")


def test_there_are_secrets_enough():
    assert len(PLANTED) >= 60


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_written_passes_the_last_check_and_what_was_recorded_does_not(kind, tmp_path):
    text, secret = PLANTED[kind]
    given_ = [POSITIONS["JSON value"](text), POSITIONS["deltas of a message"](text), POSITIONS["text file"](text)]
    redactor = Redactor()
    redactor.refuse_if_secret(written(tmp_path, redactor.redact(given_)), "new.yaml")
    with pytest.raises(HarnessFailure) as failure:
        Redactor().refuse_if_secret(written(tmp_path, given_), "old.yaml")
    assert "old.yaml was not written" in str(failure.value)
    assert secret not in str(failure.value)


# What reveals that a text without a format of its own is a credential.
REVEALING = {
    "header": lambda secret: exchange(headers={"api-key": secret}),
    "query": lambda secret: exchange(f"{HOST}/files?api-key={secret}"),
    "field": lambda secret: exchange(sent=as_json({"password": secret})),
    "assignment": lambda secret: exchange(got=f"api_key = '{secret}'".encode(), gets="text/plain"),
    "scheme": lambda secret: exchange(got=f"Bearer {secret}".encode(), gets="text/plain"),
    "URL": lambda secret: exchange(got=f"https://joe:{secret}@corp.io".encode(), gets="text/plain"),
}


@pytest.mark.parametrize("secret", [AZURE, "a1B2c3D4e5F6g7H8"])
@pytest.mark.parametrize("reveal", REVEALING.values(), ids=REVEALING)
def test_a_credential_is_replaced_wherever_it_stands_whatever_its_shape(reveal, secret):
    # nothing but the context says that so many letters and digits are no hash
    first, last = exchange(got=as_json({"echo": secret})), exchange(got=b"\0\xff" + secret.encode())
    done = Redactor().redact([first, reveal(secret), last])
    assert json.loads(done[0].response_body) == {"echo": "redacted-1"}
    assert done[2].response_body == b"\0\xff" + b"redacted-1".ljust(len(secret), b"_")


@pytest.mark.parametrize("plain", ["a1B2c3D4e5F6g7H", "abcdefghijklmnop", "0123456789012345", "a1b2c3d4 e5f6g7h8i9"])
def test_what_may_be_a_word_is_not_taken_for_a_credential_elsewhere(plain):
    body = as_json({"echo": f"and {plain} is", "all": plain})
    assert Redactor().redact([exchange(got=body), exchange(headers={"api-key": plain})])[0].response_body == body


def test_a_credential_that_begins_with_another_is_replaced_as_a_whole():
    items = [exchange(headers={"api-key": secret}) for secret in (AZURE, AZURE + "ghijkl")]
    done = Redactor().redact([exchange(got=as_json([f"{AZURE}ghijkl", AZURE])), *items])
    assert sorted(json.loads(done[0].response_body)) == ["redacted-1", "redacted-2"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("authorization", f"Bearer {KEY}", "Bearer sk-redacted-1"),
        ("authorization", "Bearer opensesame", "Bearer redacted-1"),
        ("authorization", "opensesame", "redacted-1"),
        ("authorization", "Bearer <redacted>", "Bearer <redacted>"),
        ("authorization", f"Bearer {KEY}redacted-1", "Bearer sk-redacted-1"),
        ("authorization", "Bearer opensesame-redacted-1", "Bearer redacted-1"),
        ("cf-ray", "ray-redacted-3", "ray-redacted-3"),
        ("authorization", "Bearer sk-redacted-3", "Bearer sk-redacted-3"),
        ("authorization", f'Digest username="{MAIL}", response="0a1b2c"', "Digest redacted-1"),
        ("proxy-authorization", "Basic abc", "Basic redacted-1"),
        ("x-goog-api-key", "abc", "redacted-1"),
        ("ocp-apim-subscription-key", "abc", "redacted-1"),
        ("x-amz-security-token", "abc", "redacted-1"),
        ("openai-organization", "acme", "org-redacted-1"),
        ("openai-organization", "Sanitized", "Sanitized"),
        ("openai-project", "proj_" + "a1B2c3D4" * 3, "proj_redacted-1"),
        ("x-ms-client-principal-name", "joe", "redacted-1"),
        ("cf-ray", "8f0a-ICN", "ray-redacted-1"),
        ("x-forwarded-for", "8.8.4.4, 10.1.2.3:80", "192.0.2.2, 192.0.2.3:80"),
        ("x-real-ip", "2a00:1450:4001:81b::200e", "2001:db8::1"),
        ("cf-connecting-ip", "203.0.113.7", "203.0.113.7"),
        ("forwarded", 'for="[2a00::1]";host=x', 'for="[2001:db8::1]";host=x'),
        ("host", "acme.openai.azure.com", "redacted-1.openai.azure.com"),
        ("referer", f"https://x.io/?password=abcd&to={MAIL.replace('@', '%40')}", None),
        ("x-request-id", "req_0123456789abcdef", "req_0123456789abcdef"),
        ("user-agent", "Chrome/120.0.0.0", "Chrome/120.0.0.0"),
        ("x-ratelimit-remaining-tokens", "149984", "149984"),
        ("idempotency-key", "stainless-python-retry-1", "stainless-python-retry-1"),
    ],
)
def test_header(name, value, expected):
    [done] = Redactor().redact([exchange(headers={name: value})])
    if expected is None:
        assert re.fullmatch(r"https://x\.io/\?password=redacted-1&to=\w+%40example\.\w+", done.request.headers[name])
    else:
        assert done.request.headers[name] == expected


def test_cookies_are_removed():
    [done] = Redactor().redact([exchange(headers={"cookie": "a=b"}, answered={"set-cookie": "a=b"})])
    assert "cookie" not in done.request.headers
    assert "set-cookie" not in done.response.headers


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://acme.openai.azure.com/openai/threads", "https://redacted-1.openai.azure.com/openai/threads"),
        (f"{HOST}/files?key=a1B2c3D4e5F6g7H8i9&limit=2", f"{HOST}/files?key=redacted-1&limit=2"),
        (f"{HOST}/files?api-key=abc&limit=2#x", f"{HOST}/files?api-key=redacted-1&limit=2#x"),
        ("https://joe:pass@x.io/v1", "https://joe:redacted-1@x.io/v1"),
        (f"{HOST}/a%20b/%7e?x=a+b&y=%2f&&z", f"{HOST}/a%20b/%7e?x=a+b&y=%2f&&z"),
        ("/v1/threads?order=asc", "/v1/threads?order=asc"),
        (
            f"{HOST}/x?to=https%3A%2F%2Facme.openai.azure.com%2Fx",
            f"{HOST}/x?to=https%3A%2F%2Fredacted-1.openai.azure.com%2Fx",
        ),
    ],
)
def test_url(url, expected):
    [done] = Redactor().redact([exchange(url)])
    assert done.request.url == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"password": "abcd"}, {"password": "redacted-1"}),
        ({"dbPassword": "abcd"}, {"dbPassword": "redacted-1"}),
        ({"passwords": "abcd"}, {"passwords": "abcd"}),
        ({"password": 4821}, {"password": 0}),
        ({"password": 4000056655665556}, {"password": 0}),
        ({"password": True, "secret": None}, {"password": True, "secret": None}),
        ({"secret": ["ab", "cd"], "x": "ab"}, {"secret": ["redacted-1", "redacted-2"], "x": "ab"}),
        ({"secret": [{"type": "text"}]}, {"secret": [{"type": "text"}]}),
        ({"password": {"type": "string"}}, {"password": {"type": "string"}}),
        ({"token": "a1B2c3D4e5F6g7H8"}, {"token": "redacted-1"}),
        ({"token": " world", "logprob": -1.5}, {"token": " world", "logprob": -1.5}),
        ({"access_token": KEY}, {"access_token": "redacted-1"}),
        ({"n": 4000056655665556}, {"n": 1000000000000001}),
        ({"n": 4000056655665557, "t": "4000056655665556"}, {"n": 4000056655665557, "t": "1000000000000001"}),
        ({"headers": {"Authorization": "Bearer x"}}, {"headers": {"Authorization": "redacted-1"}}),
        (
            {"t": "card 4000056655665556 here", "n": 4000056655665556},
            {"t": "card 1000000000000001 here", "n": 1000000000000001},
        ),
        ({"n": [1, 4000056655665556]}, {"n": [1, 1000000000000001]}),
        ({"n": 4000056655665556, "t": "4000056655665556"}, {"n": 1000000000000001, "t": "1000000000000001"}),
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (" , ", " : ")], ids=["compact", "wide"])
def test_json(value, expected, separators):
    body = json.dumps(value, separators=separators).encode()
    assert json.loads(redacted_body(exchange(got=body))) == expected


def test_binary_data_keeps_its_length_and_all_other_bytes():
    noise = bytes(range(256)) * 3
    key, mail = KEY.encode(), b"jo@corp.io"
    [done] = Redactor().redact([upload("file", "a.bin", noise + key + b"\0" + mail + b"\0" + noise)])
    body = done.request_body.partition(b"\r\n\r\n")[2].partition(b"\r\n\r\n")[2]
    assert body.startswith(noise + b"sk-redacted-1____")
    assert body.endswith(b"____\0xxxxxxxxxx\0" + noise + b"\r\n--x-edge-9--\r\n")
    assert len(done.request_body) == len(
        upload("file", "a.bin", noise + key + b"\0" + mail + b"\0" + noise).request_body
    )


def test_what_is_too_short_to_be_no_chance_in_binary_data_stays():
    data = b"\0\xffj@x.io\0"
    assert Redactor().scan(data) == []
    [done] = Redactor().redact([exchange(sent=data)])
    assert done.request_body == data


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16-le", "utf-16-be", "cp949", "latin-1"])
def test_text_files_in_other_encodings(codec):
    bom = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}.get(codec, "")
    around = "Größe" if codec == "latin-1" else "메일"
    data = f"{bom}{around}: {KEY} 010-2345-6789 {around}".encode(codec)
    [done] = Redactor().redact([upload("file", "a.txt", data)])
    assert f"{bom}{around}: sk-redacted-1 010-0000-0001 {around}".encode(codec) in done.request_body


def test_a_file_in_base64_that_is_no_text():
    data = b"\x89PNG\0\xff" * 20 + KEY.encode() + b"\0" * 20
    value = json.loads(redacted_body(exchange(got=as_json({"image": b64encode(data).decode()}))))
    assert b64decode(value["image"]) == data.replace(KEY.encode(), b"sk-redacted-1".ljust(len(KEY), b"_"))


def test_a_part_whose_header_is_no_utf_8():
    item = upload("file", "NAME", KEY.encode())
    sent = item.request_body.replace(b"NAME", "보고서".encode("cp949"))
    [done] = Redactor().redact([exchange(sent=sent, sends="multipart/form-data; boundary=x-edge-9")])
    assert "보고서".encode("cp949") in done.request_body
    assert KEY.encode() not in done.request_body


def test_a_part_whose_header_is_no_text():
    item = upload("file", "NAME", b"text")
    sent = item.request_body.replace(b"NAME", b"\0" + KEY.encode())
    [done] = Redactor().redact([exchange(sent=sent, sends="multipart/form-data; boundary=x-edge-9")])
    assert done.request_body == sent.replace(KEY.encode(), b"sk-redacted-1".ljust(len(KEY), b"_"))


def test_decoding_ends_somewhere():
    text = KEY
    for _ in range(4):
        text = b64encode(text.encode()).decode()
    assert KEY not in (first := redacted_body(exchange(got=text.encode(), gets="text/plain")))
    assert first != text
    deeper = b64encode(text.encode()).decode()
    assert redacted_body(exchange(got=deeper.encode(), gets="text/plain")) == deeper


def test_rewriting_ends_even_where_a_stand_in_is_a_secret():
    kind = Kind("growing", (), re.compile("a+"), lambda secret, _: f"{secret}a")
    rewriter = Rewriter([kind], lambda kind, secret: f"{secret}a", lambda _: False)
    assert rewriter.text("-a-") == f"-{'a' * (MAX_ROUNDS + 1)}-"
    kind = Kind("to and fro", (), re.compile("a{10}|b{10}"), "", strong=True)
    rewriter = Rewriter([kind], lambda _, secret: secret.translate(str.maketrans("ab", "ba")), lambda _: False)
    assert rewriter.binary(b"\0" + b"a" * 10) == b"\0" + b"a" * 10


def test_base64_in_lines_stays_in_lines():
    lines = re.findall(".{1,64}", b64encode(f"to {KEY}{', and so on' * 9}".encode()).decode())
    text = redacted_body(exchange(got="\r\n".join(lines).encode(), gets="text/plain"))
    assert b64decode(text).decode() == f"to sk-redacted-1{', and so on' * 9}"
    assert [len(line) for line in text.split("\r\n")] == [64, 64, 28]


def test_a_line_of_base64_that_begins_within_a_stand_in_is_not_read_for_itself():
    text = f"{'-' * 40}https://{{}}.blob.core.windows.net and more"
    before, after = (b64encode(text.format(name).encode()).decode() for name in ("u", "redacted-1"))
    done = redacted_body(exchange(got=f"{before[:76]}\n{before[76:]}".encode(), gets="text/plain"))
    assert b64decode(done.split("\n")[1]).startswith(b"1.blob.core.windows.net")
    assert done == f"{after[:76]}\n{after[76:]}"


@pytest.mark.parametrize("around", ["?>?>?>", "?>?>?>.", "?>?>?>.."])
def test_base64_keeps_its_alphabet_and_padding(around):
    for encode in (b64encode, urlsafe_b64encode):
        before, after = (encode(f"{around}{key}{around}".encode()).decode() for key in (f" {KEY} ", " sk-redacted-1 "))
        assert redacted_body(exchange(got=as_json([before]))) == as_json([after]).decode()
        # unpadded stays unpadded, unless there is nothing to tell it by
        bare = redacted_body(exchange(got=as_json([before.rstrip("=")])))
        assert bare.rstrip('\n"]').rstrip("=") == as_json([after.rstrip("=")]).decode().rstrip('\n"]')
        assert "=" not in bare or not before.endswith("=")


def test_what_was_seen_deep_down_is_looked_at_again():
    once = [KEY]
    for _ in range(5):
        once.append(b64encode(once[-1].encode()).decode())
    [_, text] = json.loads(redacted_body(exchange(got=as_json([once[5], once[4]]))))
    for _ in range(4):
        text = b64decode(text).decode()
    assert text == "sk-redacted-1"


# --- what is none stays ----------------------------------------------------------------------------------------

INNOCENT = r"""
1761861549
1761861549123, 1712011549123, 2024-01-15T10:20:30.123456+09:00
usage: prompt_tokens=1234, completion_tokens: 5678, total_tokens 6912
asst_abc123def456ghi789jkl012 thread_abc123DEF456ghi789JKL012 msg_abc123def456ghi789jkl012mn
run_abc123def456ghi789jkl012 step_abc123def456ghi789jkl012 call_abc123def456ghi789jkl012
file-abc123def456ghi789jkl012 vs_abc123def456ghi789jkl012 vsfb_abc123def456 req_0123456789abcdef0123456789abcdef
bc916838f605f7fe3dbff6d997726fdf
550e8400-e29b-41d4-a716-446655440000
41111111-1111-1111-1111-111111111111
sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
d41d8cd98f00b204e9800998ecf8427e  report.csv
2023년 11월 6일 오후 3시 30분에 1,234,567원을 냈습니다.
서울시 강남구 테헤란로 123길 45, 101동 1004호, 우편번호 06236, 사업자등록번호 123-45-67890
비밀번호를 변경하려면 설정으로 가세요. 비밀번호는 8자 이상입니다.
The population is 51,780,579; area 100,210 km2; GDP 1.6 trillion.
Pi is 3.14159265358979323846 and e is 2.718281828459045235
Version 1.2.3-beta.4 of scikit-learn, task-oriented risk-based disk-encryption-and-backup-tools
Fibonacci: 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765
2**64 = 18446744073709551616 and 2**53 = 9007199254740992, 10**16 = 10000000000000000
x = 4294967296 +16777216 +33554432 +4294967296 +2147483647
A@B.T + x@y.shape; C = A@B.sum(); D = Left@Right.reshape(2)
import os\n@dataclass\nclass A: pass\n@pytest.fixture\ndef f(): ...
password = input("Password: ")
password = getpass.getpass("Enter your password: ")
api_key = os.environ["OPENAI_API_KEY"]
client = OpenAI(api_key=os.getenv("OPENAI_API_KEY"))
def login(user: str, password: str) -> str: return f"{user}:{password}"
connect(user=user, password=password, token=token)
token = tokens[0]; secret = config.secret_1; key = lambda item: item[1]
df = pd.read_csv("/mnt/data/file-abc123def456ghi789jkl012"); df.groupby("key").agg({"a": "sum"})
sorted(words, key=len, reverse=True); max_tokens=1000, next_token=None
print(f"{'Name':<20}{'Score':>10}"); re.compile(r"\d{3}-\d{4}")
plt.savefig('/mnt/data/plot_20240101_123456.png', dpi=300, bbox_inches='tight')
hashlib.sha256(b"abc").hexdigest() == 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
The password must have 8 characters. Secret: "keep calm". Token: a piece of a word.
Bearer authentication is described below; Basic understanding helps. Basic abcdefgh
Call us any time between 9-17, rooms 101-104, pages 212-215, ISBN 978-3-16-148410-0
ratio 16:9, 10.0.0.1, 192.168.0.1, 127.0.0.1:8000, 255.255.255.0
user@example.com, jane.doe@example.org, joe@test.invalid, git@github.com:openai/openai-python.git
npm install react@18.2.0 lodash@4.17.21, mention @joe and a @ b
https://platform.openai.com/docs/api-reference/assistants?lang=python#create
https://files.corp.io:8443/a/b/c%20d?x=1&y=%EC%95%88%EB%85%95
data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
SGVsbG8gd29ybGQsIHRoaXMgaXMgYSBub3RlIHdpdGhvdXQgYW55IHNlY3JldA==
{"properties": {"password": {"type": "string"}, "token": {"type": "string"}}, "required": ["password", "token"]}
{"token": "Hello", "logprob": -0.12345678901234567, "bytes": [72, 101]}
{"password": "", "api_key": null, "secret": "<redacted>", "access_token": "${TOKEN}", "token": "***"}
{"session_id": "thread_abc123def456ghi789jkl012", "session": "550e8400-e29b-41d4-a716-446655440000"}
{"usage": {"prompt_tokens": 123456789012, "completion_tokens": 4}, "created_at": 1761861549}
【4:0†source】 【13:2†handbook.pdf】
0.4111111111111111 4.111111111111111 -4111111111111111.5e10
01011011010 0b01011011 0x4111111111111111
010-0000-0001 (201) 555-0101 +1 201-555-0101 +82-10-0000-0001 +999 00 0000001 000000-0000001
900101-9234567 901301-1234567 0.900101-1234567
2024-01-01 00:00:00 2024-12-31 23:59:59 20240101 20241231235959
matrix [[200, 300, 4000], [212, 555, 1234]], +12 34 56 78 90, +1 23 456 789
1.234.567,89 € / 12 345 678 kr / 1'234'567, DE00 1234 5678 9012 3456 78
x.openai.azure.com.evil, docs at learn.microsoft.com, https://your-resource.openai.azure.com
\frac{1}{2} \alpha \u2014 \n\t \\server\share \ud83d\ude00
key: value, Key=Value; keys = ["a", "b"]; monkey=1
curl -H "Authorization: Bearer $OPENAI_API_KEY" https://api.openai.com/v1/assistants
curl -u "$USER:$PASSWORD" --user ${KEY}: -u joe:<password> https://corp.io; docker run -u root:staff curl
/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg
org-chart, proj_name, sess-ion, user-agent, user-facing-documentation, key_word
""".strip().splitlines()


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_stays(text):
    assert Redactor().scan(text) == []
    body = as_json({"text": text, text: [text]})
    given_ = [
        exchange(sent=body, got=body),
        exchange(got=text.encode(), gets="text/plain"),
        exchange(sent=json.dumps({"a": json.dumps({"b": f"안녕 {text}"})}).encode()),
        upload("file", "a.txt", text.encode()),
        streamed(*(message_delta(0, text[at : at + 2]) for at in range(0, len(text), 2))),
    ]
    done = Redactor().redact(given_)
    assert [one is other for one, other in zip(done, given_, strict=True)] == [True] * len(given_)


def recordings():
    return sorted((SHARED / "recordings").glob("*.jsonl"))


@pytest.mark.skipif(not recordings(), reason="the recordings are not beside the repository")
@pytest.mark.parametrize("file", recordings(), ids=lambda path: path.stem)
def test_of_recordings_only_the_account_is_replaced(file):
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").rstrip("\n").split("\n")]

    def body(value, events):
        if value is None or isinstance(value, str):
            return (value or "").encode()
        if events:
            return "".join(event(name, data) for name, data in value).encode()
        return as_json(value)

    given_ = [
        RecordedExchange(
            Request(row["method"], row["url"], row["request_headers"], body(row["request_body"], False)),
            Response(row["status"] or 200, row["response_headers"], body(row["response_body"], row["sse"])),
            None,
            row["cassette"],
        )
        for row in rows
    ]
    for before, after in zip(given_, Redactor().redact(given_), strict=True):
        assert after.request_body == before.request_body
        assert after.response_body == before.response_body
        assert after.request == before.request
        old, new = before.response.headers, after.response.headers
        assert {name for name in old if old[name] != new.get(name)} <= {"openai-organization", "openai-project"}


# --- and what stands in ------------------------------------------------------------------------------------------


def test_the_same_secret_has_the_same_stand_in_everywhere():
    first = exchange(f"{HOST}/x?to={MAIL}", as_json({"a": MAIL, "b": f"{OTHER_MAIL} {KEY}"}))
    second = exchange(
        got=as_json({"to": MAIL.upper(), "k": [OTHER_KEY, KEY]}), headers={"authorization": f"Bearer {KEY}"}
    )
    one, two = Redactor().redact([first, second])
    stand_in = json.loads(one.request_body)["a"]
    assert stand_in.partition("@")[2] in ("example.com", "example.net", "example.org")
    assert one.request.query == {"to": [stand_in]}
    assert json.loads(one.request_body)["b"] != f"{stand_in} sk-redacted-1"
    assert json.loads(one.request_body)["b"].endswith("sk-redacted-1")
    assert json.loads(two.response_body) == {"to": stand_in, "k": ["sk-redacted-2", "sk-redacted-1"]}
    assert two.request.headers["authorization"] == "Bearer sk-redacted-1"


def test_stand_ins_are_the_same_in_every_run_and_others_for_another_seed():
    item = exchange(got=as_json({"to": MAIL}))
    assert redacted_body(item) == redacted_body(item) != redacted_body(item, seed=7)


def test_a_number_has_one_stand_in_in_every_layout():
    phones = "010-2345-6789 01023456789 010 2345 6789 +82-10-2345-6789 010-9876-5432 (212) 736-5000 212.736.5000"
    assert redacted_body(exchange(got=phones.encode(), gets="text/plain")) == (
        "010-0000-0001 01000000001 010 0000 0001 +82-10-0000-0001 010-0000-0003 (201) 555-0102 201.555.0102"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4000-0566-5566-5556", "1000-0000-0000-0001"),
        ("900101-1234567", "000000-0000001"),
        ("219-09-4321", "000-00-0001"),
        ("DE89 3704 0044 0532 0130 00", "DE00 0000 0000 0000 0000 01"),
        ("+49 (30) 901820-11", "+99 (90) 000000-01"),
        ("+821023456789", "+821000000001"),
        ("1-212-736-5000", "1-201-555-0101"),
        ("+1 212 736 5000", "+1 201 555 0101"),
    ],
)
def test_numbers_keep_their_layout(text, expected):
    assert redacted_body(exchange(got=f"so: {text}.".encode(), gets="text/plain")) == f"so: {expected}."


def test_stand_ins_that_a_growing_cassette_holds_are_given_to_nobody_else():
    texts = [f"{MAIL} {KEY} 010-2345-6789", f"{OTHER_MAIL} {OTHER_KEY} 010-9876-5432"]
    old, new = (exchange(got=text.encode(), gets="text/plain") for text in texts)
    [kept] = Redactor().redact([old])
    again, added = Redactor().redact([kept, new])
    assert again is kept
    assert set(kept.response_body.split()).isdisjoint(added.response_body.split())
    assert b"sk-redacted-2" in added.response_body
    assert b"010-0000-0002" in added.response_body


def test_there_are_stand_ins_for_thousands():
    mails = [f"joe{number}" + "@" + "corp.io" for number in range(3000)]
    done = json.loads(redacted_body(exchange(got=as_json(mails))))
    assert len(set(done)) == 3000


def test_what_was_replaced_is_counted():
    redactor = Redactor()
    redactor.redact(iter([exchange(got=as_json([MAIL, OTHER_MAIL, MAIL, KEY]))]))
    assert redactor.counts == {"e-mail address": 2, "OpenAI API key": 1}


def test_without_faker_only_addresses_are_a_problem(monkeypatch):
    monkeypatch.setitem(sys.modules, "faker", None)
    assert "sk-redacted-1" in redacted_body(exchange(got=as_json(KEY)))
    with pytest.raises(HarnessFailure, match=r'pip install "pytest-assistants\[recording\]"'):
        redacted_body(exchange(got=as_json(MAIL)))


# --- structure ---------------------------------------------------------------------------------------------------


def test_json_keeps_all_but_the_secret():
    text = '{\n  "b": "안녕 \\u00e9 \\/",\n  "a": [1.0, 1e-07,   "' + KEY + '"],\n  "ü": "ü ' + KEY + '"\n}\n'
    done = redacted_body(exchange(got=text.encode()))
    assert done == text.replace(KEY, "sk-redacted-1")


def test_escapes_stay_escapes():
    text = json.dumps({"a": f"안녕 {KEY} 😀"})
    assert redacted_body(exchange(got=text.encode())) == text.replace(KEY, "sk-redacted-1")
    cut_off = text[:-1]
    assert redacted_body(exchange(got=cut_off.encode())) == cut_off.replace(KEY, "sk-redacted-1")
    mixed = '{"a": "안녕 \\ud83d\\ude00 \\u0073' + KEY[1:]
    assert redacted_body(exchange(got=mixed.encode())) == '{"a": "안녕 \\ud83d\\ude00 sk-redacted-1'


def test_lengths_are_right_again():
    [done] = Redactor().redact([exchange(sent=as_json({"a": KEY}), got=as_json({"b": MAIL}))])
    assert done.request.headers["content-length"] == str(len(done.request_body))
    assert done.response.headers["content-length"] == str(len(done.response_body))
    chunked = RecordedExchange(Request("GET", HOST), Response(200, {}, KEY.encode()), 1.5, "here")
    [done] = Redactor().redact([chunked])
    assert done == RecordedExchange(Request("GET", HOST), Response(200, {}, b"sk-redacted-1"), 1.5, "here")


@pytest.mark.parametrize("boundary", ["x-edge-9", '"x-edge-9"'])
def test_an_upload_can_still_be_read(boundary):
    item = upload("file", f"{MAIL}", f"first\n{KEY}\nlast\n".encode())
    content_type = f"multipart/form-data; boundary={boundary}"
    item = exchange(sent=item.request_body, sends=content_type)
    [done] = Redactor().redact([item])
    read = parse_upload(done.request_body, content_type)
    assert read.content == b"first\nsk-redacted-1\nlast\n"
    assert read.filename.partition("@")[2].startswith("example.")
    assert read.purpose == "assistants"
    assert f"Content-Length: {len(read.content)}\r\n".encode() in done.request_body


def test_a_form_field_that_is_secret_by_its_name():
    body = b'--e\r\nContent-Disposition: form-data; name="password"\r\n\r\nabcd\r\n--e--\r\n'
    [done] = Redactor().redact([exchange(sent=body, sends="multipart/form-data; boundary=e")])
    assert done.request_body == body.replace(b"abcd", b"redacted-1")
    [done] = Redactor().redact([exchange(sent=b"user=joe&password=abcd", sends="application/x-www-form-urlencoded")])
    assert done.request_body == b"user=joe&password=redacted-1"


def test_an_upload_with_bare_line_ends():
    body = b'--e\nContent-Disposition: form-data; name="password"\n\nabcd\n--e--\n'
    [done] = Redactor().redact([exchange(sent=body, sends="multipart/form-data; boundary=e")])
    assert done.request_body == body.replace(b"abcd", b"redacted-1")


def test_a_body_that_is_called_multipart_and_is_none():
    [done] = Redactor().redact([exchange(sent=KEY.encode(), sends="multipart/form-data")])
    assert done.request_body == b"sk-redacted-1"
    [done] = Redactor().redact([exchange(sent=b"--\n" + KEY.encode(), sends="multipart/form-data; boundary=e")])
    assert done.request_body == b"--\nsk-redacted-1"


@pytest.mark.parametrize("start", ["", "id: 5\n", "data: image\n", ":\n", "a=b&c=", "\ufeff"])
def test_what_only_begins_like_something_else_is_text(start):
    key = PLANTED["RSA key"][0]
    assert redacted_body(exchange(got=f"{start}{key}\n".encode(), gets="")) == f"{start}private-key-redacted-1\n"


def test_braces_are_no_json_yet():
    text = '{"a": 1}\n{"b": \n' + KEY
    assert redacted_body(exchange(got=text.encode())) == text.replace(KEY, "sk-redacted-1")


def test_malformed_deltas_are_redacted_too():
    lines = [
        {"delta": {"content": [{"index": [], "text": KEY}]}, "id": {}},
        [{"delta": KEY}],
        {"delta": {"a": [["x", KEY]]}},
    ]
    twice = f'{{"delta": {{"a": [{{"b": "{KEY}"}}]}}, "delta": {{"c": 1}}}}'
    stream = "".join(f"data: {line}\n" for line in [*map(json.dumps, lines), twice])
    assert redacted_body(exchange(got=stream.encode(), gets="text/event-stream")) == stream.replace(
        KEY, "sk-redacted-1"
    )


@pytest.mark.parametrize("escape", ["100%ab", "%e9t%e9", "%2", "%zz", "50%"])
def test_a_percent_sign_before_a_secret_hides_nothing(escape):
    assert KEY not in redacted_body(exchange(got=f"{escape} of {KEY}".encode(), gets="text/plain"))


def test_slashes_that_are_escaped_hide_nothing():
    text = '{"a": "redis:\\/\\/:abcd@x.io\\/0", "b": "\\/"}'
    assert json.loads(redacted_body(exchange(got=text.encode()))) == {
        "a": "redis://:redacted-1@x.io/0",
        "b": "/",
    }
    assert "abcd" not in redacted_body(exchange(got=f"data: {text}\n".encode()))


def test_a_content_type_stays():
    content_type = "multipart/form-data; boundary=a7B2"
    [done] = Redactor(patterns=["7"]).redact([exchange(sent=b"--a7B2\r\n\r\n7\r\n--a7B2--\r\n", sends=content_type)])
    assert done.request.headers["content-type"] == content_type
    assert done.request_body == b"--a7B2\r\n\r\nredacted-1\r\n--a7B2--\r\n"


def pieces(stream):
    data = (json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {"))
    return [item["delta"]["content"][0]["text"]["value"] for item in data if "delta" in item]


def test_deltas_are_cut_where_they_were():
    text = ["Your", " key", " is sk-", "proj-a1B2c3D4", "a1B2c3D4a1B2c3", "D4a1B2c3D4", ", keep", " it."]
    whole = {"id": "msg_1", "content": [{"type": "text", "text": {"value": "".join(text)}}]}
    stream = redacted_body(
        streamed(*(message_delta(0, piece) for piece in text), event("thread.message.completed", whole))
    )
    assert pieces(stream) == ["Your", " key", " is sk-", "redacted-1", "", "", ", keep", " it."]
    assert '"value": "Your key is sk-redacted-1, keep it."' in stream
    assert len(stream.splitlines()) == 3 * (len(text) + 2)


def test_what_looks_like_a_secret_only_because_it_was_cut_stays():
    stream = streamed(*(message_delta(0, piece) for piece in ["ri", "sk-a1B2c3D4e5F6g7H8i9J0"]))
    assert redacted_body(stream) == stream.response_body.decode()


def test_lines_of_a_stream_that_are_no_json_are_looked_at_too():
    stream = f': ping {KEY}\n\nevent: error\ndata: no {MAIL}\n\ndata: [1, {{"delta": 1}}]\n\n'
    done = redacted_body(exchange(got=stream.encode(), gets="text/event-stream"))
    assert done.startswith(": ping sk-redacted-1\n\nevent: error\ndata: no ")
    assert MAIL not in done


# --- the user's wishes ---------------------------------------------------------------------------------------------


def test_patterns_of_the_user():
    item = exchange(got=as_json({"a": "Project Falcon, order 12", "b": "Project Falcon"}))
    done = json.loads(
        redacted_body(item, patterns=[r"Project \w+", re.compile(r"ORDER (?P<secret>\d+)", re.IGNORECASE)])
    )
    assert done == {"a": "redacted-1, order redacted-2", "b": "redacted-1"}


@pytest.mark.parametrize("pattern", [r"\w+", r".+", r"red", r"\d", r"x*", r"[a-z]+ \S+"])
def test_patterns_that_match_stand_ins_do_no_harm(pattern):
    item = exchange(got=f"ab red 12 {KEY} {MAIL} x".encode(), gets="text/plain")
    [once] = Redactor(patterns=[pattern]).redact([item])
    assert Redactor(patterns=[pattern]).redact([once])[0].response_body == once.response_body
    assert KEY.encode() not in once.response_body


def test_a_pattern_that_is_no_pattern():
    with pytest.raises(HarnessFailure, match=r"'\(' among the patterns for redaction is not a regular expression"):
        Redactor(patterns=["("])


def test_what_the_user_keeps():
    keep = [MAIL, re.compile(r"sk-proj-Z\w+"), "abcd", "acme", "4000056655665556", "4821"]
    body = as_json([MAIL, OTHER_KEY, {"password": "abcd"}, 4000056655665556, {"password": 4821}])
    item = exchange(got=body, headers={"openai-organization": "acme"})
    assert Redactor(keep=keep).redact([item])[0] is item


@pytest.mark.parametrize("keep", [MAIL[:-1], MAIL.upper(), re.compile(re.escape(MAIL[:-1])), re.compile(MAIL[1:])])
def test_what_is_kept_is_kept_only_as_a_whole(keep):
    assert MAIL not in redacted_body(exchange(got=as_json([MAIL])), keep=[keep])


# --- twice -----------------------------------------------------------------------------------------------------------

PIECES = st.one_of(
    st.sampled_from([text for text, _ in PLANTED.values()]),
    st.sampled_from(
        ["redacted-1", "sk-redacted-2", " ", "\n", ": ", "=", "&", "%40", "\\n", '"', "@", "-", "/", "안녕", "://"]
    ),
    st.text(max_size=6),
)
TEXTS = st.lists(PIECES, min_size=1, max_size=6).map("".join)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, position=st.sampled_from(sorted(POSITIONS)))
@example(text="joe.bloggs@corp-mail.ioredacted-1joe.bloggs@corp-mail.io", position="deltas of a message")
@example(text="900101-12345\u0663\u066400101-1234567", position="plain text")
def test_redacting_twice_changes_nothing(text, position):
    try:
        item = POSITIONS[position](text)
    except UnicodeEncodeError:
        return  # half a character cannot be sent
    [once] = Redactor().redact([item])
    [twice] = Redactor().redact([once])
    assert twice == once
    assert Redactor().scan(once.response_body) == []


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=300),
    content_type=st.sampled_from(["", "application/json", "multipart/form-data", "text/event-stream"]),
)
def test_any_bytes_can_be_redacted(data, content_type):
    [once] = Redactor().redact([exchange(sent=data, got=data, sends=content_type, gets=content_type)])
    assert Redactor().redact([once]) == [once]


# --- scanning ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (f"one\ntwo {KEY}", "OpenAI API key at line 2 column 5: sk-p… (48 characters)"),
        (as_json({"a": [{"b": f"x {MAIL}"}]}), "e-mail address at $.a[0].b, line 1 column 3: jo… (11 characters)"),
        (as_json({"a": {MAIL: 1}}), "e-mail address at $.a key: jo… (11 characters)"),
        (as_json({"a": json.dumps({"b": [1, KEY]})}), "OpenAI API key at $.a, $.b[1]: sk-p… (48 characters)"),
        (as_json({"a": 1, "password": "abcd"}), "secret field at $.password: a… (4 characters)"),
        (as_json({"password": 12345}), "secret field at $.password: 1… (5 characters)"),
        (as_json({"a": [4000056655665556]}), "card number at $.a[0]: 4000… (16 characters)"),
        (b"user=a&password=abcd", "secret field at field password: a… (4 characters)"),
        (f"a=1&b={KEY}", "OpenAI API key at line 1 column 7: sk-p… (48 characters)"),
        (
            upload("file", "a.txt", KEY.encode()).request_body,
            "OpenAI API key at part 2: sk-p… (48 characters)",
        ),
        (message_delta(0, KEY), "OpenAI API key at line 2 column 7: sk-p… (48 characters)"),
        ("data: " + json.dumps({"a": KEY}), "OpenAI API key at line 1 column 7, $.a: sk-p… (48 characters)"),
        (
            f"see {b64encode(KEY.encode()).decode()}",
            "OpenAI API key at line 1 column 5: sk-p… (48 characters)",
        ),
        (f"\ud83d {KEY}", "OpenAI API key at line 1 column 5: sk-p… (48 characters)"),  # half of a character
        (bytes(range(32)) + KEY.encode(), "OpenAI API key at line 2 column 22: sk-p… (48 characters)"),
    ],
)
def test_a_scan_says_what_and_where(data, expected):
    assert [str(finding) for finding in Redactor().scan(data)] == [expected]


def test_a_scan_finds_all_and_each_once():
    text = f"{KEY} {MAIL} {KEY} password=hunter22 {OTHER_MAIL}"
    assert sorted(kinds(Redactor().scan(text))) == sorted(
        ["OpenAI API key"] * 2 + ["e-mail address"] * 2 + ["secret field"]
    )


def test_a_refusal_says_what_and_where_and_shows_no_secret(tmp_path):
    items = [
        exchange(f"{HOST}/x?api-key=abcd", headers={"authorization": "Bearer opensesame", "cookie": "a=b"}),
        exchange(got=as_json({"a": {"b": KEY}})),
    ]
    cassettes.write(tmp_path / "old.yaml", items)
    with pytest.raises(HarnessFailure) as failure:
        Redactor().refuse_if_secret((tmp_path / "old.yaml").read_bytes(), tmp_path / "old.yaml")
    message = str(failure.value)
    assert message.startswith(f"{tmp_path / 'old.yaml'} was not written, because it would contain a secret: ")
    assert "Nothing was written." in message
    for line in (
        "credentials at interactions[0].request.headers, header authorization: op… (10 characters)",
        "secret field at interactions[0].request.headers, header cookie: … (3 characters)",
        "secret field at interactions[0].request.uri, field api-key: a… (4 characters)",
        "OpenAI API key at interactions[1].response.body.string, $.a.b: sk-p… (48 characters)",
    ):
        assert line in message
    assert KEY not in message
    assert "opensesame" not in message


def test_a_refusal_shows_the_first_findings_of_many():
    with pytest.raises(HarnessFailure, match="and 5 more"):
        Redactor().refuse_if_secret("\n".join([KEY] * 25).encode(), "a.txt")


def test_what_was_replaced_must_not_be_found_again():
    redactor = Redactor()
    redactor.redact([exchange(headers={"api-key": AZURE})])
    with pytest.raises(HarnessFailure, match="secret that was replaced elsewhere"):
        redactor.refuse_if_secret(b"\x00\xff" + AZURE.encode(), "a.bin")
    with pytest.raises(HarnessFailure, match="line 1 column 4"):
        redactor.refuse_if_secret(f"abc{AZURE}".encode(), "a.txt")
    with pytest.raises(HarnessFailure, match="line 1 column 1"):
        redactor.refuse_if_secret(AZURE.encode(), "a.txt")


@pytest.mark.parametrize(
    "data", [b"a: [", b"\xff\xfe\x00", b"!!python/name:os.system x", b"- 1\n- ~\n- !!binary AAE=\n"]
)
def test_files_without_secrets_pass(data):
    Redactor().refuse_if_secret(data, "a.yaml")


def test_a_form_is_looked_at_as_a_form(tmp_path):
    """Read as a text, its percent signs would count: `%22` makes a token of what is one character too short for it."""
    note = "xoxb-" + "9K3GLl2DeQrI8"
    item = exchange(sent=f"note={note}%22&a=b".encode(), sends="application/x-www-form-urlencoded")
    redactor = Redactor()
    redactor.refuse_if_secret(written(tmp_path, redactor.redact([item])), "a.yaml")
    with pytest.raises(HarnessFailure):
        longer = exchange(sent=f"note={note}1234&a=b".encode(), sends="application/x-www-form-urlencoded")
        redactor.refuse_if_secret(written(tmp_path, [longer]), "a.yaml")


def test_a_broken_cassette_is_looked_at_as_text():
    with pytest.raises(HarnessFailure, match="line 2 column 1"):
        Redactor().refuse_if_secret(f"a: [\n{KEY}".encode(), "a.yaml")


# --- time ------------------------------------------------------------------------------------------------------------

ADVERSARIAL = {
    "one word": "a",
    "digits": "7",
    "digits with gaps": "7 ",
    "digits with hyphens": "12-",
    "phone beginnings": "+1 (",
    "keys that begin": "sk-",
    "keys that begin in capitals": "sk-A_",
    "tokens that begin": "ey" + "J",
    "tokens with dots": "eyJ" + "abcdefgh.",
    "SendGrid": "S" + "G.",
    "private keys that begin": "-----BEGIN RSA PRIVATE KEY-----",
    "hyphens": "-",
    "at signs": "@",
    "addresses": "a@a.",
    "hosts": "@a-",
    "percent": "%4",
    "escapes": "\\u004",
    "backslashes": "\\",
    "quotes": '"',
    "fields": "password=",
    "fields with quotes": "password: '",
    "bearer": "bearer ",
    "spaces": "bearer" + " " * 40,
    "URLs": "://a:",
    "users": "://a@",
    "signatures": "?sig=",
    "base64": "QUJD",
    "base64 in lines": "QUJDQUJDQUJD\n",
    "capitals": "DE12 ABCD ",
    "Azure": "a.blob.core.",
    "names": "a-",
    "brackets": "[",
    "objects": '{"a":',
    "hexadecimal": "a1",
    "lines": "data: {}\n",
    "deltas": 'data: {"delta": "a"}\n\n',
    "parts": "--e\n",
    "pairs": "a=b&",
    "stars": "sk-*",
    "stand-ins": "redacted-1 x ",
    "beginnings of stand-ins": "redacted-",
}


@pytest.mark.parametrize("piece", ADVERSARIAL.values(), ids=ADVERSARIAL)
def test_time_grows_no_faster_than_the_text(piece):
    assert_linear(lambda length: (piece * (length // len(piece) + 1))[:length])


@pytest.mark.parametrize(
    "make",
    [
        lambda count: f"{MAIL}\n" * count,
        lambda count: as_json([{"a": f"{KEY}{at}"} for at in range(count)]),
        lambda count: as_json([{"password": f"abcd{at}"} for at in range(count)]),
        lambda count: json.dumps([4000056655665556] * count),
        lambda count: "".join(message_delta(at, MAIL) for at in range(count)),
        lambda count: "\n".join(b64encode(f"{MAIL} {at}".encode()).decode() + "," for at in range(count)),
    ],
    ids=["lines", "JSON", "fields", "numbers", "deltas", "base64"],
)
def test_many_secrets_take_no_longer_each(make):
    assert_linear(lambda length: make(length // 100))


def assert_linear(make):
    redactor = Redactor()

    def seconds(length):
        text = make(length)
        item = exchange(
            got=b"redacted-1 0000 " + (text if isinstance(text, bytes) else text.encode()), gets="text/plain"
        )
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            redactor.scan(text)
            Redactor(patterns=["x"]).redact([item])
            best = min(best, time.process_time() - start)
        return best

    # eight times the text: about 8 if linear, 64 if quadratic; a floor, because a clock has steps
    # measured again if need be: another process may have had the processor's caches
    assert any(seconds(20_000) <= 24 * max(seconds(2_500), 0.004) for _ in range(3))
