"""Made-up secrets of every kind, and every position of an exchange in which a secret can be.

They are generated when the tests run, so that secret scanners do not find any in this file.
"""

from __future__ import annotations

import json
import random
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from harness.recording.exchanges import RecordedExchange
from harness.service.http import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOWER, UPPER, NUMBERS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
RANDOM = random.Random(20231106)


def random_text(alphabet: str, length: int) -> str:
    """A random text of this length, with a digit and a letter of each case if the alphabet has them."""
    required = "".join(RANDOM.choice(part) for part in (LOWER, UPPER, NUMBERS) if part in alphabet)
    rest = "".join(RANDOM.choice(alphabet) for _ in range(length - len(required)))
    return required + rest


def random_word(length: int) -> str:
    return random_text(LOWER + UPPER + NUMBERS, length)


def random_hex(length: int) -> str:
    return "a1" + "".join(RANDOM.choice("0123456789abcdef") for _ in range(length - 2))


def card_number(start: str, length: int) -> str:
    """A card number with this beginning."""
    body = start + "".join(RANDOM.choice(NUMBERS) for _ in range(length - len(start) - 1))
    for last in NUMBERS:
        doubled = (sum(divmod(2 * int(digit), 10)) for digit in (body + last)[-2::-2])
        if (sum(doubled) + sum(map(int, (body + last)[-1::-2]))) % 10 == 0:
            return body + last
    raise AssertionError


def iban(country: str, rest: str) -> str:
    number = int("".join(str(int(sign, 36)) for sign in rest + country + "00"))
    return f"{country}{98 - number % 97:02}{rest}"


def token(header: dict[str, str], *parts: str) -> str:
    return ".".join([urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("="), *parts])


CLAIMS = "ey" + "J" + random_word(40)
PEM = "-----BEGIN {0}PRIVATE KEY-----\n{1}\n{2}\n-----END {0}PRIVATE KEY-----"
AZURE_KEY = random_word(52) + "JQQJ" + "99" + random_word(26)

# Secrets that are recognized by themselves.
TOKENS = {
    "OpenAI key": "sk-" + random_word(48),
    "OpenAI project key": "sk-" + "proj-" + random_word(60) + "_" + random_word(40) + "-" + random_word(20),
    "OpenAI service account key": "sk-" + "svcacct-" + random_word(70),
    "OpenAI admin key": "sk-" + "admin-" + random_word(60),
    "OpenAI session": "sess-" + random_word(40),
    "OpenAI organization": "org-" + random_word(24),
    "OpenAI project": "proj_" + random_word(24),
    "OpenAI user": "user-" + random_text(LOWER + NUMBERS, 24),
    "OpenAI ephemeral key": "ek_" + random_word(32),
    "Anthropic key": "sk-" + "ant-api03-" + random_word(80),
    "OpenRouter key": "sk-" + "or-v1-" + random_hex(64),
    "Langfuse key": "pk-" + "lf-" + random_hex(8) + "-" + random_hex(12),
    "Azure key of today": AZURE_KEY,
    "AWS key id": "AK" + "IA" + random_text(UPPER + NUMBERS, 16),
    "AWS session key id": "AS" + "IA" + random_text(UPPER + NUMBERS, 16),
    "Google API key": "AI" + "za" + random_word(35),
    "Google OAuth": "ya" + "29." + random_word(60),
    "Google client secret": "GOC" + "SPX-" + random_word(28),
    "Google refresh token": "1/" + "/0" + random_word(40),
    "GitHub token": "gh" + "p_" + random_word(36),
    "GitHub fine-grained token": "github" + "_pat_" + random_word(22) + "_" + random_word(59),
    "GitLab token": "gl" + "pat-" + random_word(20),
    "Slack bot": "xo" + "xb-" + random_text(NUMBERS, 12) + "-" + random_word(24),
    "Slack app": "xa" + "pp-1-" + random_word(40),
    "Slack webhook": "https://hooks.slack"
    ".com/services/T" + random_word(8) + "/B" + random_word(8) + "/" + random_word(24),
    "Discord webhook": "https://discord" + ".com/api/webhooks/" + random_text(NUMBERS, 18) + "/" + random_word(60),
    "Stripe live": "sk_" + "live_" + random_word(24),
    "Stripe restricted": "rk_" + "test_" + random_word(24),
    "Stripe webhook": "wh" + "sec_" + random_word(32),
    "Hugging Face": "hf" + "_" + random_word(34),
    "Groq": "gs" + "k_" + random_word(52),
    "xAI": "xa" + "i-" + random_word(80),
    "Perplexity": "pp" + "lx-" + random_word(48),
    "Replicate": "r8" + "_" + random_word(37),
    "Pinecone": "pc" + "sk_" + random_word(60),
    "NVIDIA": "nv" + "api-" + random_word(64),
    "LangSmith": "ls" + "v2_pt_" + random_hex(32) + "_" + random_hex(10),
    "Tavily": "tv" + "ly-" + random_word(32),
    "Databricks": "da" + "pi" + random_hex(32),
    "Cerebras": "cs" + "k-" + random_word(48),
    "Firecrawl": "f" + "c-" + random_hex(32),
    "ElevenLabs": "s" + "k_" + random_hex(48),
    "Linear": "lin" + "_api_" + random_word(40),
    "Notion": "nt" + "n_" + random_word(46),
    "Airtable": "pa" + "t" + random_word(14) + "." + random_hex(64),
    "Atlassian": "ATA" + "TT3" + random_word(60),
    "Telegram": random_text(NUMBERS, 10) + ":A" + "A" + random_word(33),
    "Twilio": "S" + "K" + random_hex(32),
    "SendGrid": "S" + "G." + random_word(22) + "." + random_word(43),
    "Mailgun": "ke" + "y-" + random_hex(32),
    "Mailchimp": random_hex(32) + "-u" + "s21",
    "npm": "np" + "m_" + random_word(36),
    "PyPI": "py" + "pi-" + random_word(80),
    "Docker": "dckr" + "_pat_" + random_word(27),
    "DigitalOcean": "do" + "p_v1_" + random_hex(64),
    "Doppler": "d" + "p.pt." + random_word(43),
    "Vault": "hv" + "s." + random_word(40),
    "Terraform": random_word(14) + ".atlas" + "v1." + random_word(60),
    "Shopify": "sh" + "pat_" + random_hex(32),
    "Facebook": "EA" + "AG" + random_word(120),
    "New Relic": "NR" + "AK-" + random_text(UPPER + NUMBERS, 27),
    "Sentry": "sn" + "trys_" + random_word(60),
    "Grafana": "gl" + "sa_" + random_word(32) + "_" + random_hex(8),
    "PostHog": "ph" + "x_" + random_word(43),
    "Supabase": "sb" + "p_" + random_hex(40),
    "Postman": "PM" + "AK-" + random_hex(24) + "-" + random_hex(34),
    "Figma": "fi" + "gd_" + random_word(40),
    "age": "AGE-SECRET" + "-KEY-1" + random_text(UPPER + NUMBERS, 58),
    "JWT": token({"alg": "RS256", "typ": "JWT"}, CLAIMS, random_word(86)),
    "encrypted JWT": token({"alg": "dir", "enc": "A256GCM"}, "", random_word(16), random_word(40), random_word(22)),
    "RSA key": PEM.format("RSA ", random_word(64), random_word(30)),
    "OpenSSH key": PEM.format("OPENSSH ", random_word(70), random_word(44)),
    "PKCS8 key": PEM.format("", random_word(64), random_word(30)),
}
# Secrets that are recognized by their context: the context, and the secret in it.
IN_CONTEXT = {
    "bearer token": ("Authorization: Bearer {}", random_word(40)),
    "basic credentials": ("Authorization: Basic {}", b64encode(b"joe:" + random_word(16).encode()).decode()),
    "Azure key of old": ("api-key: {}", random_hex(32)),
    "AWS secret": ("aws_secret_access_key = {}", random_word(40)),
    "storage key": (
        "DefaultEndpointsProtocol=https;AccountKey={};EndpointSuffix=core.windows.net",
        b64encode(random_word(63).encode()).decode(),
    ),
    "service bus key": (
        "Endpoint=sb://x;SharedAccessKeyName=Root;SharedAccessKey={}",
        b64encode(random_word(32).encode()).decode(),
    ),
    "password of a database": ("postgresql://app:{}@db.corp.io:5432/main", random_word(14)),
    "password of a cache": ("redis://:{}@cache.corp.io:6379/0", random_word(14)),
    "token of a repository": ("https://{}@git.corp.io/x.git", random_word(30)),
    "SQL Server": ("Server=db;User Id=sa;Password={};Encrypt=yes", "P4ss" + random_word(8)),
    "password": ("password={}", "hunter" + random_word(6)),
    "password in JSON": ('log: {{"password": "{}"}}', "hunter" + random_word(6)),
    "password in Korean": ("비밀번호: {}", "qwer" + random_word(6)),
    "client secret": ("client_secret='{}'", random_word(32)),
    "SAS": (
        "https://x.corp.io/c?sv=2022-11-02&sr=b&sig={}",
        quote(b64encode(random_word(32).encode()).decode(), safe=""),
    ),
    "S3 URL": ("https://s3.corp.io/b/k?X-Amz-Date=20240101T000000Z&X-Amz-Signature={}", random_hex(64)),
    "Azure resource": ("https://{}.openai.azure.com/openai", "contoso-" + random_word(6).lower()),
    "storage account": ("https://{}.blob.core.windows.net/box", "contoso" + random_word(6).lower()),
    "Telegram in a URL": (
        "https://api.telegram.org/bot{}/getMe",
        random_text(NUMBERS, 10) + ":A" + "A" + random_word(33),
    ),
    "curl": ("curl -sS -u 'joe:{}' https://corp.io", "hunter" + random_word(6)),
    "Azure subscription": ("/subscriptions/{}/resourceGroups/rg", "-".join(map(random_hex, (8, 4, 4, 4, 12)))),
    "masked key": ("Incorrect API key provided: {}. You can", "sk-ab" + "*" * 20 + "wxyz"),
}
PERSONAL = {
    "e-mail": "joe.bloggs" + "@" + "corp-mail.io",
    "Korean e-mail": "gildong.hong" + "@" + "hoesa.co.kr",
    "international telephone": "+49 " + "30 901820" + random_text(NUMBERS, 3),
    "international, undivided": "+4420" + "79460" + random_text(NUMBERS, 3),
    "American telephone": "(212) 736-" + "5" + random_text(NUMBERS, 3),
    "American, with hyphens": "312-736-" + "5" + random_text(NUMBERS, 3),
    "Korean mobile": "010-" + "2345-" + random_text(NUMBERS, 4),
    "Korean mobile, undivided": "010" + "2345" + random_text(NUMBERS, 4),
    "Korean mobile, abroad": "+82-10-" + "2345-" + random_text(NUMBERS, 4),
    "Korean landline": "02-" + "345-" + random_text(NUMBERS, 4),
    "resident number": "900101-" + "1" + random_text(NUMBERS, 6),
    "Visa": card_number("4", 16),
    "Mastercard": card_number("53", 16),
    "American Express": card_number("37", 15),
    "card with spaces": " ".join([(card := card_number("4", 16))[:4], card[4:8], card[8:12], card[12:]]),
    "card with hyphens": "-".join([(card := card_number("55", 16))[:4], card[4:8], card[8:12], card[12:]]),
    "German IBAN": iban("DE", random_text(NUMBERS, 18)),
    "British IBAN": iban("GB", "NWBK" + random_text(NUMBERS, 14)),
    "social security number": "219-" + "09-" + "4321",
}
# All of them by name: the text that is recorded, and the secret in it.
PLANTED: dict[str, tuple[str, str]] = {
    **{name: (text, text) for name, text in (TOKENS | PERSONAL).items()},
    **{name: (form.format(secret), secret) for name, (form, secret) in IN_CONTEXT.items()},
}


# --- places ---------------------------------------------------------------------------------------------------

JSON, FORM, EVENTS = "application/json", "application/x-www-form-urlencoded", "text/event-stream; charset=utf-8"
HOST = "https://api.openai.com/v1"
EDGE = "x-edge-9"


def exchange(
    url: str = f"{HOST}/threads",
    sent: bytes = b"{}",
    got: bytes = b"{}",
    *,
    sends: str = JSON,
    gets: str = JSON,
    headers: dict[str, str] | None = None,
    answered: dict[str, str] | None = None,
) -> RecordedExchange:
    request = Request("POST", url, {"content-type": sends, "content-length": str(len(sent)), **(headers or {})}, sent)
    response = Response(200, {"content-type": gets, "content-length": str(len(got)), **(answered or {})}, got)
    return RecordedExchange(request, response, None, "planted")


def upload(name: str, filename: str, content: bytes) -> RecordedExchange:
    body = (
        f'--{EDGE}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
        f'--{EDGE}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        f"Content-Type: text/plain\r\nContent-Length: {len(content)}\r\n\r\n"
    ).encode()
    return exchange(sent=body + content + f"\r\n--{EDGE}--\r\n".encode(), sends=f"multipart/form-data; boundary={EDGE}")


def event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def message_delta(index: int, piece: str) -> str:
    content = [{"index": index, "type": "text", "text": {"value": piece}}]
    return event(
        "thread.message.delta", {"id": "msg_1", "object": "thread.message.delta", "delta": {"content": content}}
    )


def call_delta(piece: str) -> str:
    calls = {"type": "tool_calls", "tool_calls": [{"index": 0, "type": "function", "function": {"arguments": piece}}]}
    return event("thread.run.step.delta", {"id": "step_1", "delta": {"step_details": calls}})


def in_pieces(text: str, length: int = 3) -> list[str]:
    return [text[at : at + length] for at in range(0, len(text), length)]


def streamed(*events: str) -> RecordedExchange:
    return exchange(got="".join([*events, "event: done\ndata: [DONE]\n\n"]).encode(), gets=EVENTS)


def as_json(value: object, **style: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2, **style).encode() + b"\n"  # type: ignore[arg-type]


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(sign):04x}" for sign in text)


def one_line(text: str) -> str:
    return text.replace("\n", "\\n")


def latin(text: str) -> str:
    """A text as a header value: on one line, and percent-encoded unless it is ASCII."""
    return one_line(text) if text.isascii() else quote(text)


POSITIONS: dict[str, Callable[[str], RecordedExchange]] = {
    "header authorization": lambda s: exchange(headers={"authorization": f"Bearer {latin(s)}"}),
    "header api-key": lambda s: exchange(headers={"api-key": latin(s)}),
    "header cookie": lambda s: exchange(headers={"cookie": f"a={latin(s)}; b=1"}),
    "header openai-organization": lambda s: exchange(headers={"openai-organization": latin(s)}),
    "header openai-project": lambda s: exchange(headers={"openai-project": latin(s)}),
    "header user-agent": lambda s: exchange(headers={"user-agent": f"app/1.0 ({latin(s)})"}),
    "header x-custom": lambda s: exchange(headers={"x-custom": latin(s)}),
    "answer's set-cookie": lambda s: exchange(answered={"set-cookie": f"a={latin(s)}; path=/; HttpOnly"}),
    "answer's organization": lambda s: exchange(answered={"openai-organization": latin(s)}),
    "answer's location": lambda s: exchange(answered={"location": f"{HOST}/x?y={quote(s, safe='')}"}),
    "answer's header": lambda s: exchange(answered={"x-note": latin(s)}),
    "path": lambda s: exchange(f"{HOST}/users/{quote(s, safe='')}/x"),
    "query": lambda s: exchange(f"{HOST}/files?after=1&who={quote(s, safe='')}&limit=2"),
    "query with plus signs": lambda s: exchange(f"{HOST}/files?who={quote_plus(s)}"),
    "query's name": lambda s: exchange(f"{HOST}/files?{quote(s, safe='')}=1"),
    "user of a URL": lambda s: exchange(f"https://joe:{quote(s, safe='')}@api.openai.com/v1/files"),
    "JSON value": lambda s: exchange(sent=as_json({"a": [1, {"text": f"vor {s} nach"}]}), got=as_json({"text": s})),
    "JSON key": lambda s: exchange(got=as_json({"metadata": {s: "1"}})),
    "JSON escapes": lambda s: exchange(sent=b'{"text": "' + escaped(s).encode() + b'"}'),
    "JSON, ASCII only": lambda s: exchange(sent=json.dumps({"text": f"안녕 {s} 요"}).encode()),
    "JSON in a string": lambda s: exchange(got=as_json({"arguments": json.dumps({"to": [s], "n": 1})})),
    "JSON in it twice": lambda s: exchange(got=as_json({"a": json.dumps({"b": json.dumps({"c": s})})})),
    "JSON cut off": lambda s: exchange(got=as_json({"arguments": '{"to": "' + json.dumps(s)[1:-1] + '", "n'})),
    "JSON percent": lambda s: exchange(got=as_json({"text": f"see https://x.io/?q={quote(s, safe='')}&n=1 there"})),
    "JSON base64": lambda s: exchange(got=as_json({"data": b64encode(f"x {s} y".encode()).decode()})),
    "JSON data URL": lambda s: exchange(
        sent=as_json({"url": "data:text/plain;base64," + b64encode(s.encode()).decode()})
    ),
    "JSON base64 for URLs": lambda s: exchange(
        got=as_json({"data": urlsafe_b64encode(f"?>?>{s}".encode()).decode().rstrip("=")})
    ),
    "form": lambda s: exchange(sent=f"a=1&note={quote_plus(s)}&b=".encode(), sends=FORM),
    "form's name": lambda s: exchange(sent=f"{quote_plus(s)}=1".encode(), sends=FORM),
    "part's name": lambda s: upload(one_line(s).replace('"', "%22"), "a.txt", b"text"),
    "file's name": lambda s: upload("file", one_line(s).replace('"', "%22"), b"text"),
    "text file": lambda s: upload("file", "a.txt", f"first\nthe one: {s}\nlast".encode()),
    "JSON lines": lambda s: upload("file", "a.jsonl", (json.dumps({"a": s}) + '\n{"a": "b"}\n').encode()),
    "table": lambda s: upload("file", "a.csv", f"id,what,n\n1,{one_line(s)},2\n".encode()),
    "file in wrapped base64": lambda s: upload(
        "file",
        "a.eml",
        b"\n".join(part.encode() for part in in_pieces(b64encode(f"{s} and more".encode()).decode(), 76)),
    ),
    "plain text": lambda s: exchange(got=f"What was asked: {s} (so it was)".encode(), gets="text/plain"),
    "event": lambda s: streamed(event("thread.message.completed", {"content": [{"text": {"value": f"so {s} it is"}}]})),
    "deltas of a message": lambda s: streamed(*(message_delta(0, piece) for piece in in_pieces(f"so {s} it is"))),
    "deltas of two texts": lambda s: streamed(
        *(
            message_delta(at % 2, piece)
            for at, piece in enumerate(both for one in in_pieces(s, 5) for both in (one, one))
        )
    ),
    "deltas of arguments": lambda s: streamed(*map(call_delta, in_pieces(json.dumps({"to": s, "n": 1})))),
    "deltas, sign by sign": lambda s: streamed(*(message_delta(0, piece) for piece in s)),
}


def forms(secret: str) -> Iterator[bytes]:
    """The forms in which a secret could still be contained."""
    data = secret.encode()
    yield data
    yield data[::-1]
    yield json.dumps(secret)[1:-1].encode()
    yield json.dumps(json.dumps(secret)[1:-1])[1:-1].encode()
    yield escaped(secret).encode()
    for plain in ("", "/", "+"):
        yield quote(secret, safe=plain).encode()
    yield quote_plus(secret).encode()
    for before in range(3):
        # the groups of base64 that depend only on the secret, whatever precedes it
        whole = b64encode(b"\0" * before + data)
        inner = whole[4 if before else 0 : len(whole) - 4]
        if len(inner) >= 8:
            yield inner
            yield inner.replace(b"+", b"-").replace(b"/", b"_")
