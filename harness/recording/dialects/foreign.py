"""Recordings that are not read, and what can be done with each: known by a few words that no other file has.

Objects of the API stand in them too, but a file that is only searched for these loses its requests, refusals and
uploads without a word.
"""

from __future__ import annotations

import re
from typing import NamedTuple

CHARLES = "File > Export Session… > HTTP Archive (.har)   # in Charles"
# What `rows.py` reads.
LINES = (
    'print(json.dumps({"method": "POST", "url": "https://api.openai.com/v1/threads", "request_headers": {}, '
    '"request_body": {}, "status": 200, "response_headers": {}, "response_body": {}}))'
    "   # a line like this for each exchange in it, into a file: that is read"
)
OBJECTS = "print(run)   # a log of the objects that came is read, and so is a notebook with them"


class Foreign(NamedTuple):
    """A form that is not read.

    Attributes:
        name: what it is called in messages.
        marks: what stands in each such file, in this order.
        do: what makes something of it that is read; `{file}` is the file.
        is_recording: it tells exchanges, so it is not searched for objects either.
    """

    name: str
    marks: tuple[str, ...]
    do: str = LINES
    is_recording: bool = True

    def matches(self, text: str) -> bool:
        at = 0
        for mark in self.marks:
            found = re.compile(mark, re.MULTILINE).search(text, at)
            if found is None:
                return False
            at = found.end()
        return True


FOREIGN = (
    Foreign("compressed by gzip", (r"\A\x1f\x8b",), "gzip -dc {file} > cassette.yaml"),
    Foreign("a zip archive", (r"\APK\x03\x04",), "unzip {file}   # of Fiddler's: File > Export Sessions > HTTPArchive"),
    Foreign(
        "a file of flows of mitmproxy",
        (r"\A\d+:", "4:type;4:http;"),
        "mitmdump -nr {file} --set hardump=flows.har",
    ),
    Foreign("a session of Charles", (r'"actualPort"\s*:',), CHARLES),
    Foreign("a cassette of vcrpy whose serializer parsed the bodies", (r"^[ \t]+parsed_body:",)),
    Foreign("a cassette of go-vcr", (r"^interactions:", r"^[ \t]+duration:")),
    Foreign("a script for nock", (r"^[ \t]*nock\(", r"^[ \t]*\.reply\(")),
    Foreign("a cassette of PHP-VCR", (r'^[ \t]+"?curl_info"?[ \t]*:',)),
    Foreign("a recording of `responses`, which keeps no bodies of requests", (r"^[ \t]+auto_calculate_content_len",)),
    Foreign("a tape of talkback", (r"^[ \t]*meta: \{", r"^[ \t]*req: \{", r"^[ \t]*res: \{")),
    Foreign("a collection of Postman", (r'"https://schema\.(?:get)?postman\.com/',)),
    Foreign("an export of Insomnia, which holds no answers", (r'"__export_format"\s*:',), OBJECTS),
    Foreign("a list of expectations of MockServer", (r'"httpRequest"\s*:',)),
    Foreign("a simulation of Hoverfly", (r'"pairs"\s*:\s*\[', r'"matcher"\s*:')),
    # WireMock's mappings, and whatever else is told in pairs or in rows; arguments of a function stand in a string
    Foreign("a recording in a form that is not known here", (r'"request"\s*:\s*\{', r'"response"\s*:\s*\{')),
    Foreign(
        "a recording in a form that is not known here",
        (r"""(?:^|[^'\\]\{|,)[ \t]*"method"\s*:\s*"(?i:get|post|delete)\"""",),
    ),
    Foreign(
        "a debug log of the SDK, which holds no bodies of answers",
        (r"\bRequest options: \{",),
        OBJECTS,
        is_recording=False,
    ),
    Foreign(
        "a trace, which holds texts and none of the API's objects",
        (r'"(?:resourceSpans|trace_?[iI]d|span_?[iI]d)"\s*:',),
        'assistants.next_run(say("…"))   # a script, of what it tells',
        is_recording=False,
    ),
)


def foreign(text: str) -> Foreign | None:
    """Which of these forms a text is in, if in any; bytes are read as Latin-1.

    >>> foreign('[{"httpRequest": {').name
    'a list of expectations of MockServer'
    """
    return next((form for form in FOREIGN if form.matches(text)), None)
