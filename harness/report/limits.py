"""How much of everything the page shows, and how it says that there is more."""

from __future__ import annotations

TEXT = 20_000  # characters of one text, cell or tool output
BODY = 8_000  # characters of the body of a request or an answer
PREVIEW = 2_000  # characters of a file
IMAGE = 1 << 20  # bytes of one image
IMAGES = 4 << 20  # bytes of all images of a world
MAX_ROWS = {"assistants": 100, "threads": 100, "files": 200, "stores": 100, "requests": 300}  # the newest of each
READABLE = 1 << 20  # bytes of a body that are parsed
FORM = 16 << 20  # the same for a form, which may contain files


def excerpt(text: str, max_length: int = TEXT) -> str:
    """The beginning of a text, with a last line that says how much is missing.

    >>> print(excerpt("a long story", 6))
    a long
    … 6 more characters
    """
    more = len(text) - max_length
    return text if more <= 0 else f"{text[:max_length]}\n… {more:,} more character{'' if more == 1 else 's'}"
