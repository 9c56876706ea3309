"""Writes texts as YAML scalars, each in the most readable style that keeps every character.

PyYAML's emitter has no style between a literal block and folded, escaped lines: a space before a line end is enough to
make it give up the block.
"""

from __future__ import annotations

import base64
import json
import re

# What has to be escaped: a YAML parser would refuse it, or read it as a line end.
UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
# Texts that need no quotes ("plain" in YAML): words of ordinary characters, with colons only inside of words.
PLAIN_TEXT = re.compile(r"[A-Za-z](?:[\w/.~%?=&+;,()*@$\[\]<>|-]|[:#](?=[\w/])| (?=[\w(]))*", re.ASCII)
RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def scalar(text: str) -> str:
    """A short text as a scalar on one line: plain, quoted, or escaped.

    >>> scalar("application/json"), scalar("200"), scalar("it's"), scalar("a\\nb")
    ('application/json', "'200'", "'it''s'", '"a\\\\nb"')
    """
    if PLAIN_TEXT.fullmatch(text) and text.lower() not in RESERVED:
        return text
    if "\n" in text or UNPRINTABLE.search(text):
        return _escaped(text)
    return "'" + text.replace("'", "''") + "'"


def block(text: str, indent: int) -> str:
    r"""A body as a literal block if YAML can keep every character, otherwise escaped, a line for each of its lines.

    `indent` is that of the lines: two more than that of the key.

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
    if UNPRINTABLE.search(text) or text.isspace():
        return margin.join(_escaped_lines(text))
    lines = text.split("\n")
    chomping = "-"
    if not lines[-1]:
        del lines[-1]
        chomping = "" if lines[-1] else "+"
    # YAML infers the indentation from the first line, unless that begins with white space
    indentation = "2" if text[0] in " \n\t" else ""
    return f"|{indentation}{chomping}" + "".join(margin + line if line else "\n" for line in lines)


def base64_block(body: bytes, indent: int) -> str:
    """Bytes as a `!!binary` block, as vcrpy writes them."""
    coded = base64.b64encode(body).decode()
    return "!!binary |" + "".join(f"\n{'':{indent}}{coded[at : at + 76]}" for at in range(0, len(coded), 76))


def _escaped(text: str) -> str:
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _escaped_lines(text: str) -> list[str]:
    """A double-quoted scalar, broken after each line end. Leading spaces are escaped, or they would be lost."""
    first, *others = [_escaped(piece)[1:-1] for piece in re.findall("[^\n]*\n|[^\n]+", text)]
    pieces = [first, *("\\" + piece if piece.startswith(" ") else piece for piece in others)]
    return ('"' + "\\\0".join(pieces) + '"').split("\0")
