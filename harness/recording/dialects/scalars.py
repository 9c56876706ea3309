r"""Texts as YAML scalars, each in the style that reads best and gives the same text back.

Written here and not by PyYAML's emitter, which knows no middle way between a block and one folded, escaped line: a
space before a line end is enough to make it give up a block.
"""

from __future__ import annotations

import base64
import json
import re

# What YAML allows as it is, on one line. All else is escaped: a parser would refuse it, or read it as a line end.
ODD = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
# Texts that need no quotes: words of ordinary characters; a colon only inside a word, where it ends no key.
BARE = re.compile(r"[A-Za-z](?:[\w/.~%?=&+;,()*@$\[\]<>|-]|[:#](?=[\w/])| (?=[\w(]))*", re.ASCII)
RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def scalar(text: str) -> str:
    """A short text on one line: bare, in quotes, or escaped.

    >>> scalar("application/json"), scalar("200"), scalar("it's"), scalar("a\\nb")
    ('application/json', "'200'", "'it''s'", '"a\\\\nb"')
    """
    if BARE.fullmatch(text) and text.lower() not in RESERVED:
        return text
    if "\n" in text or ODD.search(text):
        return _escaped(text)
    return "'" + text.replace("'", "''") + "'"


def block(text: str, indent: int) -> str:
    r"""A body: literal where YAML can keep every character, else escaped, a line for each of its lines.

    `indent` is that of its lines, two more than that of its key.

    >>> print("body:", block('{\n  "id": "x"\n}', 2))
    body: |-
      {
        "id": "x"
      }
    >>> print("body:", block("a\r\n  b", 2))
    body: "a\r\n\
      \  b"
    """
    if not text:
        return "''"
    margin = "\n" + " " * indent
    if ODD.search(text) or text.isspace():
        return margin.join(_escaped_lines(text))
    lines = text.split("\n")
    kept = "-"
    if not lines[-1]:
        del lines[-1]
        kept = "" if lines[-1] else "+"
    # the width of the margin has to be told where the first line does not show it
    told = "2" if text[0] in " \n\t" else ""
    return f"|{told}{kept}" + "".join(margin + line if line else "\n" for line in lines)


def base64_block(body: bytes, indent: int) -> str:
    """Bytes that are no text, as vcrpy writes them."""
    coded = base64.b64encode(body).decode()
    return "!!binary |" + "".join(f"\n{'':{indent}}{coded[at : at + 76]}" for at in range(0, len(coded), 76))


def _escaped(text: str) -> str:
    return ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _escaped_lines(text: str) -> list[str]:
    """One escaped text in pieces, each with its line end; a space that begins one is escaped, or it would be lost."""
    first, *others = [_escaped(piece)[1:-1] for piece in re.findall("[^\n]*\n|[^\n]+", text)]
    pieces = [first, *("\\" + piece if piece.startswith(" ") else piece for piece in others)]
    return ('"' + "\\\0".join(pieces) + '"').split("\0")
