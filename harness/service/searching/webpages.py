"""The text of an HTML page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# Comments and declarations; one that is not closed reaches to the end. Python's parser fails on some of them, and takes
# quadratic time to find the end of others.
_COMMENT_OR_DECLARATION = re.compile(r"<!--.*?(?:-->|\Z)|<[!?][^>]*(?:>|\Z)", re.DOTALL)
# A "<" that opens no tag, because another "<" follows before the next ">".
_STRAY_BRACKET = re.compile(r"<(?=[^<>]*(?:<|\Z))")


def text_of(source: str) -> str:
    """The visible text of a page.

    >>> text_of("<h1>Tea</h1><style>h1 {}</style><p>Steep it <b>3&nbsp;min</b>utes.</p>")
    'Tea\\nSteep it 3 minutes.'
    """
    page = _Page()
    page.feed(_STRAY_BRACKET.sub("&lt;", _COMMENT_OR_DECLARATION.sub(" ", source)))
    page.close()
    return page.text()


class _Page(HTMLParser):
    """Collects the visible text of a page, each block on lines of its own."""

    HIDDEN = frozenset({"script", "style", "template"})
    INLINE = re.compile(
        "a|abbr|b|bdi|bdo|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strong|sub|sup|u|var"
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in self.HIDDEN
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._parts.append(data)

    def _break(self, tag: str) -> None:
        if self.INLINE.fullmatch(tag) is None:
            self._parts.append("\n")

    def text(self) -> str:
        lines = (" ".join(line.split()) for line in "".join(self._parts).splitlines())
        return "\n".join(line for line in lines if line)
