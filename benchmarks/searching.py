"""File search: 10 MB indexed and searched once, in time and in memory; and one search among 10,000 chunks."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from measuring import Result, Times

from harness.service.records import File
from harness.service.searching.searcher import Document, Searcher

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTES = 10
CHUNKS = 10_000
ENGLISH, KOREAN = "abcdefghijklmnopqrstuvwxyz", "가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허고노도로"
QUESTION = 3, 30, 300, 3000, 15_000  # the ranks of its words: from one in every chunk to one in few


def words(alphabet: str) -> list[str]:
    """20,000 made-up words; those of the second alphabet are as long as Korean ones."""
    dice = random.Random(7)
    longest = 9 if alphabet is ENGLISH else 4
    return ["".join(dice.choices(alphabet, k=dice.randint(2, longest))) for _ in range(20_000)]


def text(alphabet: str, size: int) -> str:
    """A text of `size` bytes with the word frequencies of a natural language (Zipf)."""
    known, dice = words(alphabet), random.Random(7)
    weights = [1 / rank for rank in range(1, len(known) + 1)]
    chosen = " ".join(dice.choices(known, weights, k=size // 4))
    return chosen.encode()[:size].decode(errors="ignore")


def question(alphabet: str) -> str:
    known = words(alphabet)
    return " ".join(known[rank] for rank in QUESTION)


def document(alphabet: str, size: int, chunking: tuple[int, int] = (800, 400)) -> Document:
    return Document(File("file-a", 0, "a.txt", "assistants", text(alphabet, size).encode()), {}, chunking)


def indexing(*, quick: bool) -> Iterator[Result]:
    for name, alphabet in (("English", ENGLISH), ("Korean", KOREAN)):
        kept = document(alphabet, 100_000 if quick else MEGABYTES * 1_000_000)
        asked, seconds = question(alphabet), []
        for _ in range(1 if quick else 3):
            started = perf_counter()
            assert Searcher().search([kept], asked)
            seconds.append(perf_counter() - started)
        yield Result(
            f"{MEGABYTES} MB of {name} indexed and searched once", 1e3 * sorted(seconds)[len(seconds) // 2], 2000, "ms"
        )


GROWTH = """
import sys
sys.path[:0] = sys.argv[1:]
from harness.service.records import File
from harness.service.searching.searcher import Document, Searcher
def found(content):
    return Searcher().search([Document(File("file-a", 0, "a.txt", "assistants", content), {})], "a")
def most():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
found(b"what is loaded on first use")
content = sys.stdin.buffer.read()
before = most()
found(content)
print(most() - before)
"""


def indexing_memory(*, quick: bool) -> Iterator[Result]:
    """The growth of a fresh process, including SQLite's own memory; measured on Linux only."""
    if sys.platform != "linux":
        return
    content = document(ENGLISH, 1_000_000 if quick else MEGABYTES * 1_000_000).file.content
    command = [sys.executable, "-c", GROWTH, str(Path(__file__).resolve().parents[1])]
    done = subprocess.run(command, input=content, capture_output=True, check=True)
    yield Result(f"memory for {MEGABYTES} MB indexed and searched", int(done.stdout) / 1024, 200, "MB")


def searching(*, quick: bool) -> Iterator[Result]:
    """Chunks of the usual size, and a question of five words."""
    chunks = 100 if quick else CHUNKS
    kept = document(ENGLISH, chunks * 1750)
    searcher, asked = Searcher(), question(ENGLISH)
    searcher.search([kept], asked)
    assert chunks * 0.9 < len(next(iter(searcher._indexes._values.values()))[0].spans) < chunks * 1.2
    times = Times(3 if quick else 25, search=lambda: searcher.search([kept], asked, max_num_results=20))
    yield Result(f"a search among {CHUNKS:,} chunks", 1e3 * times.median("search"), 20, "ms")
