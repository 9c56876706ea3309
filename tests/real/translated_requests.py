"""What a recorded request becomes for the fake: ids by its own names, and bodies in bytes again."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from recorded_exchanges import ID

if TYPE_CHECKING:
    from recorded_exchanges import Exchange

B64_PART = re.compile(rb"(?<=\r\n\r\n)b64:([A-Za-z0-9+/=]*)(?=\r\n--)")
CUT = "<cut>"  # the end of a body that was too long to keep
REFUSED_PURPOSE = re.compile("'(.*?)' is not one of")


def kind_of(object_id: str) -> str:
    """What an id begins with: `asst`, `thread`, `file` and so on."""
    return re.split("[_-]", object_id)[0]


class Names:
    """Which id of the fake stands for which recorded one. Objects that were seeded keep their recorded id."""

    def __init__(self) -> None:
        self.fake: dict[str, str] = {}
        self.recorded: dict[str, str] = {}

    def bind(self, recorded: Any, fake: Any) -> None:
        """Learn from two answers: ids at the same place, of the same kind and new to both, mean the same object."""
        if isinstance(recorded, dict) and isinstance(fake, dict):
            for key in recorded.keys() & fake.keys():
                self.bind(recorded[key], fake[key])
        elif isinstance(recorded, list) and isinstance(fake, list) and len(recorded) == len(fake):
            for one, other in zip(recorded, fake, strict=True):
                self.bind(one, other)
        elif isinstance(recorded, str) and isinstance(fake, str) and ID.fullmatch(recorded) and ID.fullmatch(fake):
            self._bind_ids(recorded, fake)

    def _bind_ids(self, recorded: str, fake: str) -> None:
        if kind_of(recorded) == kind_of(fake) and recorded not in self.fake and fake not in self.recorded:
            self.equate(recorded, fake)

    def equate(self, recorded: str, fake: str) -> None:
        self.fake[recorded] = fake
        self.recorded[fake] = recorded

    def to_fake(self, text: str) -> str:
        return ID.sub(lambda found: self.fake.get(found[0], found[0]), text)

    def to_recorded(self, text: str) -> str:
        return ID.sub(lambda found: self.recorded.get(found[0], found[0]), text)


def request_body(exchange: Exchange, headers: dict[str, str], names: Names) -> bytes:
    """The body to send; `headers` learn its type where it had to be made up."""
    body = exchange.sent
    if isinstance(body, dict):
        headers.setdefault("content-type", "application/json")
        return names.to_fake(json.dumps(body)).encode()
    if isinstance(body, str) and not (body.endswith(CUT) and exchange.route == "/files"):
        return as_bytes(body, exchange.request_headers.get("content-length"))
    if exchange.method == "POST" and exchange.route == "/files":
        headers["content-type"] = "multipart/form-data; boundary=x"
        return _form_of(exchange.response_body)
    return b""


def as_bytes(text: str, length: object) -> bytes:
    """Bytes that were recorded as text: as UTF-8, as Latin-1, or each part of a form in Base64."""
    raw = text.encode("utf-8")
    if str(length) != str(len(raw)) and max(text, default="") <= "\xff":
        raw = text.encode("latin-1")
    return B64_PART.sub(lambda found: base64.b64decode(found[1]), raw)


def _form_of(answer: dict[str, Any]) -> bytes:
    """The upload that was not recorded, from what the service said of it."""
    refused = REFUSED_PURPOSE.match(answer.get("error", {}).get("message", ""))
    purpose = answer.get("purpose") or (refused[1] if refused else "assistants")
    name, content = answer.get("filename", "any.txt"), b"x" * int(answer.get("bytes", 1))
    head = (
        f'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'
        f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    )
    return head.encode() + content + b"\r\n--x--\r\n"
