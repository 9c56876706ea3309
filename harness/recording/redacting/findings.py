"""The findings of a scan, with excerpts that the owner of a secret recognizes and nobody else can use."""

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

MAX_SHOWN = 4  # characters of a secret that a finding shows at most
MAX_FINDINGS = 20  # findings in a refusal


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """A secret that was found: its kind, its place, and an excerpt that only its owner recognizes."""

    kind: str
    where: str
    excerpt: str

    def __str__(self) -> str:
        return f"{self.kind} at {self.where}: {self.excerpt}"


def filler(_kind: Kind, secret: str) -> str:
    """A stand-in for scans: as long as the secret, so that positions after it stay, and not like any secret."""
    return "\x7f" * len(secret)


def findings_of(hits: Iterable[Hit]) -> list[FoundSecret]:
    found = []
    for hit in hits:
        inner = [place for place in hit.where[1:] if place != "line 1 column 1"]  # says nothing
        found.append(FoundSecret(hit.kind, ", ".join([*hit.where[:1], *inner]), masked(hit.secret)))
    return found


def masked(secret: str) -> str:
    """An excerpt of a secret that its owner recognizes, and that nobody else can use.

    >>> masked("sk-proj-0123456789abcdef"), masked("hunter2")
    ('sk-p… (24 characters)', 'h… (7 characters)')
    """
    return f"{secret[: min(MAX_SHOWN, len(secret) // 4)]}… ({len(secret)} characters)"


def yaml_in(data: bytes) -> Any:
    try:
        return yaml_reader.load(data.decode())
    except (yaml_reader.NotPlainYaml, UnicodeDecodeError):
        return None


def scan_tree(rewriter: Rewriter, node: Any, path: str, content_type: str = "") -> None:
    """Scan every text of a parsed cassette as what it is: a URL, a header, or a body of the type in its headers."""
    since = rewriter.count
    if isinstance(node, dict):
        content_type = _content_type(node) or content_type
        for name, value in node.items():
            rewriter.text(str(name))
            if name == "headers" and isinstance(value, dict):
                _scan_headers(rewriter, value, f"{path}.headers")
            else:
                scan_tree(rewriter, value, f"{path}.{name}", content_type)
    elif isinstance(node, list):
        for at, value in enumerate(node):
            scan_tree(rewriter, value, f"{path}[{at}]", content_type)
    elif isinstance(node, (str, bytes)):
        if path.endswith((".uri", ".url")):
            rewritten_url(rewriter, str(node))
        else:
            data = node if isinstance(node, bytes) else node.encode("utf-8", "surrogatepass")
            rewritten_body(rewriter, data, content_type)
        rewriter.locate(since, path.removeprefix, ".")


def _content_type(node: dict[Any, Any]) -> str:
    """The content type in the headers of a request or an answer; empty if there is none."""
    headers = node.get("headers")
    said = [value for name, value in headers.items() if name.lower() == "content-type"] if headers else []
    return str(said[0][0] if isinstance(said[0], list) else said[0]) if said else ""


def _scan_headers(rewriter: Rewriter, headers: dict[str, Any], path: str) -> None:
    for name, values in headers.items():
        for value in values if isinstance(values, list) else [values]:
            since = rewriter.count
            if name.lower() in COOKIES:
                rewriter.field(str(value), "header {}".format, name)
            rewritten_header(rewriter, name.lower(), str(value))
            rewriter.locate(since, path.removeprefix, ".")


def refusal(path: str | PurePath, findings: list[FoundSecret]) -> HarnessFailure:
    kinds = ", ".join(dict.fromkeys(finding.kind for finding in findings))
    shown = [f"    {finding}" for finding in findings[:MAX_FINDINGS]]
    more = [f"    and {len(findings) - MAX_FINDINGS} more"] if len(findings) > MAX_FINDINGS else []
    return HarnessFailure(
        f"{path} was not written, because it would contain a secret: {kinds}.",
        there_was="\n".join(["Nothing was written. The secrets found:", *shown, *more]),
        do='assistants.record(path, redact=[r"…"])   # or in the ini file: assistants_redact = …\n'
        'assistants.record(path, keep=["…"])      # if it is not secret; or: assistants_keep = …',
    )
