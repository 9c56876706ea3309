"""What a scan found, told so that its owner knows the secret again and nobody else can use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure
from harness.recording.dialects import yaml_reader
from harness.recording.redacting.bodies import rewritten_body, rewritten_url
from harness.recording.redacting.headers import COOKIES, rewritten_header

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import PurePath

    from harness.recording.redacting.kinds import Kind
    from harness.recording.redacting.rewriting import Hit, Rewriter

MASKED = 4  # characters of a secret that a finding shows at most
SHOWN = 20  # findings in a refusal


@dataclass(frozen=True, slots=True)
class Finding:
    """A secret that was found: what kind, where, and so much of it that its owner knows it again."""

    kind: str
    where: str
    excerpt: str

    def __str__(self) -> str:
        return f"{self.kind} at {self.where}: {self.excerpt}"


def filler(_kind: Kind, secret: str) -> str:
    """As long as the secret, so that what comes behind it stays where it is; and nothing like a secret."""
    return "\x7f" * len(secret)


def findings_of(hits: Iterable[Hit]) -> list[Finding]:
    found = []
    for hit in hits:
        inner = [place for place in hit.where[1:] if place != "line 1 column 1"]  # where else should it begin
        found.append(Finding(hit.kind, ", ".join([*hit.where[:1], *inner]), masked(hit.secret)))
    return found


def masked(secret: str) -> str:
    """So much of a secret that its owner knows it again, and nobody else can use it.

    >>> masked("sk-proj-0123456789abcdef"), masked("hunter2")
    ('sk-p… (24 characters)', 'h… (7 characters)')
    """
    return f"{secret[: min(MASKED, len(secret) // 4)]}… ({len(secret)} characters)"


def yaml_in(data: bytes) -> Any:
    try:
        return yaml_reader.load(data.decode())
    except (yaml_reader.NotPlainYaml, UnicodeDecodeError):
        return None


def look_at(rewriter: Rewriter, node: Any, path: str, content_type: str = "") -> None:
    """Every text of a cassette, with the eyes for what it is: a URL, a header, a body of the type its headers say."""
    since = rewriter.count
    if isinstance(node, dict):
        content_type = _content_type(node) or content_type
        for name, value in node.items():
            rewriter.text(str(name))
            if name == "headers" and isinstance(value, dict):
                _look_at_headers(rewriter, value, f"{path}.headers")
            else:
                look_at(rewriter, value, f"{path}.{name}", content_type)
    elif isinstance(node, list):
        for at, value in enumerate(node):
            look_at(rewriter, value, f"{path}[{at}]", content_type)
    elif isinstance(node, (str, bytes)):
        if path.endswith((".uri", ".url")):
            rewritten_url(rewriter, str(node))
        else:
            data = node if isinstance(node, bytes) else node.encode("utf-8", "surrogatepass")
            rewritten_body(rewriter, data, content_type)
        rewriter.placed(since, path.removeprefix, ".")


def _content_type(node: dict[Any, Any]) -> str:
    """What the headers of a request or an answer say, if it is one."""
    headers = node.get("headers")
    said = [value for name, value in headers.items() if name.lower() == "content-type"] if headers else []
    return str(said[0][0] if isinstance(said[0], list) else said[0]) if said else ""


def _look_at_headers(rewriter: Rewriter, headers: dict[str, Any], path: str) -> None:
    for name, values in headers.items():
        for value in values if isinstance(values, list) else [values]:
            since = rewriter.count
            if name.lower() in COOKIES:
                rewriter.field(str(value), "header {}".format, name)
            rewritten_header(rewriter, name.lower(), str(value))
            rewriter.placed(since, path.removeprefix, ".")


def refusal(path: str | PurePath, findings: list[Finding]) -> HarnessFailure:
    kinds = ", ".join(dict.fromkeys(finding.kind for finding in findings))
    shown = [f"    {finding}" for finding in findings[:SHOWN]]
    more = [f"    and {len(findings) - SHOWN} more"] if len(findings) > SHOWN else []
    return HarnessFailure(
        f"{path} was not written, because a secret would stand in it: {kinds}.",
        there_was="\n".join(["Nothing was written. What was found:", *shown, *more]),
        do='assistants.record(path, redact=[r"…"])   # or in the ini file: assistants_redact = …\n'
        'assistants.record(path, keep=["…"])      # if it is no secret; or: assistants_keep = …',
    )
