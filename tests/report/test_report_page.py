"""The document: whole, small, and closed to whatever its data say. What a browser makes of it: `test_page_seen.py`."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from harness.report.page import PARTS, SCRIPTS, page

HOSTILE = "</script></SCRIPT ><!--<script>&lt;\u2028\u2029\ud800'\"`${x}$title"


class Read(HTMLParser):
    """The elements of a document, and the texts of its scripts and styles."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = f"{tag} {dict(attrs).get('type') or ''}".strip()

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        self.texts[self._inside] = self.texts.get(self._inside, "") + data

    @property
    def policy(self) -> dict[str, str]:
        [content] = [
            said["content"] for _, said in self.elements if said.get("http-equiv") == "Content-Security-Policy"
        ]
        assert content is not None
        return dict(rule.split(" ", 1) for rule in content.split("; "))


def test_data_come_out_as_they_went_in():
    worlds = {HOSTILE: {HOSTILE: [HOSTILE, 1.5, None, True, "한국어"]}}
    document = page(worlds, title=HOSTILE)
    read = Read(document)
    assert json.loads(read.texts["script application/json"]) == {"worlds": worlds}
    assert read.texts["title"] == read.texts["h1"] == HOSTILE.encode("utf-8", "replace").decode()
    assert document.encode()  # also where a text is no valid Unicode
    assert "한국어" in document  # as people read it


def test_nothing_in_the_data_means_something_to_html():
    between = re.search(r'id="data">(.*?)</script>', page({HOSTILE: {"a": HOSTILE}}, title="t"), re.DOTALL)
    assert between is not None
    assert not set(between[1]) & set("<>&\u2028\u2029\ud800")


@pytest.mark.parametrize("worlds", [None, {}], ids=["live", "static"])
def test_only_the_pages_own_script_and_style_may_run(worlds):
    read = Read(page(worlds, title="t"))
    hashed = {
        "script-src": read.texts["script module"],
        "style-src": read.texts["style"],
    }
    for rule, text in hashed.items():
        assert read.policy[rule] == f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
    assert read.policy["default-src"] == "'none'"
    assert read.policy["img-src"] == "data:"
    assert read.policy["connect-src"] == ("'self'" if worlds is None else "'none'")


def test_the_document_needs_nothing_else():
    read = Read(page({}, title="t"))
    sources = [said.get("src") or said.get("href") for _, said in read.elements if said.get("src") or said.get("href")]
    assert [source for source in sources if not (source or "").startswith(("data:", "#"))] == []
    assert not re.search(r"@import|url\(", read.texts["style"])
    assert [name for name, said in read.elements if any(key.startswith("on") or key == "style" for key in said)] == []


def test_scripts_put_text_on_the_page_and_no_markup():
    source = Read(page({}, title="t")).texts["script module"]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc", source)


def test_the_document_is_small():
    assert len(page({}, title="t").encode()) < 64_000


def test_every_file_of_the_page_is_used():
    there = {path.name for path in PARTS.iterdir()}
    assert there == {*SCRIPTS, "page.html", "page.css"}


def test_live_and_static_pages_differ_in_their_data_alone():
    live, static = (Read(page(worlds, title="t")).texts for worlds in (None, {}))
    assert json.loads(live.pop("script application/json")) == {"worlds": None}
    assert json.loads(static.pop("script application/json")) == {"worlds": {}}
    assert live == static


def test_the_page_declares_its_language():
    assert ("html", {"lang": "en"}) in Read(page({}, title="t")).elements


# --- colours --------------------------------------------------------------------------------------------------------

THEMES = re.findall(r"--ground: .*?(?=\})", PARTS.joinpath("page.css").read_text(encoding="utf-8"), re.DOTALL)
TEXTS = ("text", "muted", "accent", "good", "bad", "warn")
PAIRS = [
    *((text, ground) for text in TEXTS for ground in ("ground", "surface", "raised")),
    ("text", "accent-soft"),
    ("muted", "accent-soft"),
    ("accent", "accent-soft"),
    ("bad", "bad-soft"),
    ("on-accent", "accent"),
]


def luminance(colour: str) -> float:
    """How bright a colour is (WCAG 2.2, relative luminance)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark"])
@pytest.mark.parametrize("pair", PAIRS, ids=" on ".join)
def test_text_can_be_read_on_its_ground(theme, pair):
    """4.5 to 1, as WCAG 2.2 wants it of text (SC 1.4.3)."""
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", theme))
    dark, bright = sorted(luminance(colours[name]) for name in pair)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5
