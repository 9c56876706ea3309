"""Formats of recordings that are not supported, recognized by their markers, and how to convert each.

They contain objects of the API too, but a search for these alone would silently lose requests, refusals and uploads.
"""

from __future__ import annotations

import re
from typing import NamedTuple

CHARLES_EXPORT = "File > Export Session… > HTTP Archive (.har)   # in Charles"
# The form that `json_lines.py` reads.
AS_JSON_LINES = (
    'print(json.dumps({"method": "POST", "url": "https://api.openai.com/v1/threads", "request_headers": {}, '
    '"request_body": {}, "status": 200, "response_headers": {}, "response_body": {}}))'
    "   # write a line like this for each of its exchanges: such a file can be read"
)
AS_OBJECTS = "print(run)   # a log or a notebook with the printed objects can be read"


class UnsupportedFormat(NamedTuple):
    """A format that is not supported.

    Attributes:
        name: what it is called in messages.
        markers: regular expressions that match in every such file, in this order.
        do: how to convert it; `{file}` is the file.
        is_recording: it contains exchanges, so it is not searched for printed objects either.
    """

    name: str
    markers: tuple[str, ...]
    do: str = AS_JSON_LINES
    is_recording: bool = True

    def matches(self, text: str) -> bool:
        at = 0
        for mark in self.markers:
            found = re.compile(mark, re.MULTILINE).search(text, at)
            if found is None:
                return False
            at = found.end()
        return True


UNSUPPORTED = (
    UnsupportedFormat("compressed by gzip", (r"\A\x1f\x8b",), "gzip -dc {file} > cassette.yaml"),
    UnsupportedFormat(
        "a zip archive", (r"\APK\x03\x04",), "unzip {file}   # of Fiddler's: File > Export Sessions > HTTPArchive"
    ),
    UnsupportedFormat(
        "a file of flows of mitmproxy",
        (r"\A\d+:", "4:type;4:http;"),
        "mitmdump -nr {file} --set hardump=flows.har",
    ),
    UnsupportedFormat("a session of Charles", (r'"actualPort"\s*:',), CHARLES_EXPORT),
    UnsupportedFormat("a cassette of vcrpy whose serializer parsed the bodies", (r"^[ \t]+parsed_body:",)),
    UnsupportedFormat("a cassette of go-vcr", (r"^interactions:", r"^[ \t]+duration:")),
    UnsupportedFormat("a script for nock", (r"^[ \t]*nock\(", r"^[ \t]*\.reply\(")),
    UnsupportedFormat("a cassette of PHP-VCR", (r'^[ \t]+"?curl_info"?[ \t]*:',)),
    UnsupportedFormat(
        "a recording of `responses`, which keeps no bodies of requests", (r"^[ \t]+auto_calculate_content_len",)
    ),
    UnsupportedFormat("a tape of talkback", (r"^[ \t]*meta: \{", r"^[ \t]*req: \{", r"^[ \t]*res: \{")),
    UnsupportedFormat("a collection of Postman", (r'"https://schema\.(?:get)?postman\.com/',)),
    UnsupportedFormat("an export of Insomnia, which holds no answers", (r'"__export_format"\s*:',), AS_OBJECTS),
    UnsupportedFormat("a list of expectations of MockServer", (r'"httpRequest"\s*:',)),
    UnsupportedFormat("a simulation of Hoverfly", (r'"pairs"\s*:\s*\[', r'"matcher"\s*:')),
    # WireMock's mappings, and other formats with pairs or rows; not arguments of a function, which are in a string
    UnsupportedFormat("a recording in an unknown format", (r'"request"\s*:\s*\{', r'"response"\s*:\s*\{')),
    UnsupportedFormat(
        "a recording in an unknown format",
        (r"""(?:^|[^'\\]\{|,)[ \t]*"method"\s*:\s*"(?i:get|post|delete)\"""",),
    ),
    UnsupportedFormat(
        "a debug log of the SDK, which holds no bodies of answers",
        (r"\bRequest options: \{",),
        AS_OBJECTS,
        is_recording=False,
    ),
    UnsupportedFormat(
        "a trace, which holds texts and none of the API's objects",
        (r'"(?:resourceSpans|trace_?[iI]d|span_?[iI]d)"\s*:',),
        'assistants.next_run(say("…"))   # a script, of what it tells',
        is_recording=False,
    ),
)


def unsupported_format(text: str) -> UnsupportedFormat | None:
    """The unsupported format of a text, if it has one; bytes have to be decoded as Latin-1.

    >>> unsupported_format('[{"httpRequest": {').name
    'a list of expectations of MockServer'
    """
    return next((form for form in UNSUPPORTED if form.matches(text)), None)
