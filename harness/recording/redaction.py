"""Replaces secrets and personal data in recorded exchanges, before anything is written to disk.

The kinds of secrets are in tables: keys and tokens of services in `secrets`, named fields, addresses and hosts in
`fields`, numbers with their checks in `numerals`, headers in `headers`. Each secret has one stand-in in the whole
cassette, so that exchanges still fit together; the ids of the API are not secret and stay. What contains no secret
stays the same, byte for byte, and redacting twice changes nothing.

Not found: what is compressed or encrypted within a file (a .docx, most of a PDF), pictures, and names of people. Name
those with `patterns`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from harness.recording.redacting.assignments import ASSIGNMENT
from harness.recording.redacting.bodies import rewritten_body, rewritten_url
from harness.recording.redacting.fields import FIELD, FIELD_KINDS, MAIL
from harness.recording.redacting.findings import FoundSecret, filler, findings_of, refusal, scan_tree, yaml_in
from harness.recording.redacting.headers import COOKIES, CREDENTIALS, rewritten_header
from harness.recording.redacting.kinds import Kind
from harness.recording.redacting.patterns import KINDS, is_stand_in, user_kind
from harness.recording.redacting.places import LinePositions
from harness.recording.redacting.rewriting import Hit, Rewriter
from harness.recording.redacting.standins import StandIns
from harness.service.http import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.recording.exchanges import RecordedExchange

MIN_LEARNED_LENGTH = 16  # characters of a credential that is also searched for where nothing marks it as one
CONTEXT_KINDS = (CREDENTIALS, FIELD, ASSIGNMENT, *FIELD_KINDS)  # they recognize a credential by its context
LOOKS_RANDOM = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[^\s]{16,}", re.DOTALL)


class Redactor:
    """Replaces secrets by stand-ins, the same ones for one `seed`.

    Attributes:
        patterns: regular expressions of what else is secret; of one with a group `secret`, only that. They are tried on
            decoded texts: on each string of a JSON body, on each header, not on the whole file.
        keep: what is not secret although it looks so: texts, or compiled expressions that match all of it.

    >>> redactor = Redactor(patterns=[r"Project \\w+"], keep=["help@corp.com"])
    >>> [finding.kind for finding in redactor.scan("Project Falcon, help@corp.com, joe@corp.com")]
    ['text like Project \\\\w+', 'e-mail address']
    """

    def __init__(
        self, seed: int = 0, patterns: Iterable[str | re.Pattern[str]] = (), keep: Iterable[str | re.Pattern[str]] = ()
    ) -> None:
        self._stand_ins = StandIns(seed)
        self._kept_texts, self._kept_patterns = set(), []
        for item in keep:
            if isinstance(item, str):
                self._kept_texts.add(item)
            else:
                self._kept_patterns.append(item)
        self._kinds: tuple[Kind, ...] = (*map(user_kind, patterns), *KINDS)
        self._learned: set[str] = set()
        self._originals: set[str] = set()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many different secrets of each kind were replaced so far."""
        return dict(self._stand_ins.counts)

    def redact(self, exchanges: Iterable[RecordedExchange]) -> list[RecordedExchange]:
        """The exchanges without their secrets; one that had none is the very same object.

        Cookies are removed, everything else gets a stand-in. A credential of a header or of a named field is replaced
        everywhere, whatever its format.

        Raises `HarnessFailure` if a stand-in needs Faker and that is missing.
        """
        given = list(exchanges)
        for item in given:
            headers = "\n".join([item.request.url, *item.request.headers.values(), *item.response.headers.values()])
            for part in (headers.encode(errors="replace"), item.request_body, item.response_body):
                self._stand_ins.reserve(part)
        # a credential that one exchange reveals may be in an earlier one, too
        while True:
            known = len(self._learned)
            rewriter = self._rewriter(self._stand_in_for)
            done = [self._exchange(rewriter, item) for item in given]
            if len(self._learned) == known:
                return done

    def scan(self, data: str | bytes) -> list[FoundSecret]:
        """The secrets in a text or a file, whatever its structure. Nothing is changed."""
        rewriter = self._rewriter(filler, [])
        rewritten_body(rewriter, data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
        return findings_of(rewriter.hits or [])

    def scan_tree(self, tree: Any) -> list[FoundSecret]:
        """The secrets in a parsed cassette of lists and dicts, where URLs, headers and bodies are scanned as such."""
        rewriter = self._rewriter(filler, [])
        scan_tree(rewriter, tree, "")
        return findings_of(rewriter.hits or [])

    def refuse_if_secret(self, data: bytes, path: str | PurePath) -> None:
        """A last check of a file before it is written. Raises `HarnessFailure` if it still contains a secret.

        A YAML file is scanned as a parsed cassette, any other as one text. What this redactor replaced before must not
        be in it at all.
        """
        rewriter = self._rewriter(filler, [])
        tree = yaml_in(data) if PurePath(path).suffix.lower() in (".yaml", ".yml") else None
        if tree is None:
            rewritten_body(rewriter, data)
        else:
            scan_tree(rewriter, tree, "")
        hits = rewriter.hits or []
        for secret in sorted(self._originals):
            at = data.find(secret.encode(errors="surrogatepass"))
            if at >= 0:
                place = LinePositions(data.decode("latin-1"))(at)
                hits.append(Hit("secret that was replaced elsewhere", secret, [place]))
        if hits:
            raise refusal(path, findings_of(hits))

    # ---------------------------------------------------------------------------------------------------------

    def _rewriter(self, replace_by: Callable[[Kind, str], str], hits: list[Hit] | None = None) -> Rewriter:
        kinds = self._kinds
        if self._learned:
            texts = sorted(self._learned, key=lambda text: (-len(text), text))
            learned = Kind(
                CREDENTIALS.name,
                tuple(text.lower() for text in texts),
                re.compile("|".join(map(re.escape, texts))),
                CREDENTIALS.disguise,
                strong=True,
            )
            # last, so that a key of a known kind gets the stand-in of its kind
            kinds = (*kinds, learned)
        return Rewriter(kinds, replace_by, self._is_kept, hits)

    def _is_kept(self, secret: str) -> bool:
        return (
            is_stand_in(secret)
            or secret in self._kept_texts
            or any(pattern.fullmatch(secret) for pattern in self._kept_patterns)
        )

    def _stand_in_for(self, kind: Kind, secret: str) -> str:
        if kind in CONTEXT_KINDS and LOOKS_RANDOM.fullmatch(secret):
            self._learned.add(secret)
        if len(secret) >= MIN_LEARNED_LENGTH and (kind.strong or secret in self._learned) and kind is not MAIL:
            self._originals.add(secret)
        return self._stand_ins(kind, secret)

    def _exchange(self, rewriter: Rewriter, item: RecordedExchange) -> RecordedExchange:
        request, response = (
            self._request(rewriter, item.request),
            self._response(rewriter, item.response, item.response_body),
        )
        if request is item.request and response is item.response:
            return item
        return replace(item, request=request, response=response)

    def _request(self, rewriter: Rewriter, request: Request) -> Request:
        sent = bytes(request.body)
        url, body = rewritten_url(rewriter, request.url), self._body(rewriter, sent, request.headers)
        headers = self._headers(rewriter, request.headers, sent, body)
        if (url, headers, body) == (request.url, request.headers, sent):
            return request
        return Request(request.method, url, headers, body, request.client)

    def _response(self, rewriter: Rewriter, response: Response, got: bytes) -> Response:
        body = self._body(rewriter, got, response.headers)
        headers = self._headers(rewriter, response.headers, got, body)
        if (headers, body) == (response.headers, got):
            return response
        return Response(response.status, headers, body)

    @staticmethod
    def _body(rewriter: Rewriter, body: bytes, headers: Mapping[str, str]) -> bytes:
        return rewritten_body(rewriter, body, headers.get("content-type", ""))

    @staticmethod
    def _headers(rewriter: Rewriter, headers: Mapping[str, str], before: bytes, after: bytes) -> Mapping[str, str]:
        new = {name: rewritten_header(rewriter, name, value) for name, value in headers.items() if name not in COOKIES}
        if after != before and "content-length" in new:
            new["content-length"] = str(len(after))
        return new
