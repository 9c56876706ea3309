"""Measure the promise "costs nothing": `python benchmarks/run.py`, see the README beside this file."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # measures this checkout, installed or not

from answers import pages, poll
from cells import cells
from exploring import an_ending, exploring
from flows import fresh_client, reused_client
from replays import loading, replaying
from searching import indexing, indexing_memory, searching
from serving import serving
from startup import pytest_start
from streams import memory, streaming, streaming_async

BENCHMARKS = (
    reused_client,
    fresh_client,
    poll,
    streaming,
    streaming_async,
    memory,
    cells,
    replaying,
    loading,
    indexing,
    indexing_memory,
    searching,
    exploring,
    an_ending,
    serving,
    pytest_start,
    pages,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a target is missed")
    parser.add_argument("--quick", action="store_true", help="a few rounds only: shows that all run, not how fast")
    options = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)  # the SDK warns of the Assistants API at each call

    results = []
    for benchmark in BENCHMARKS:
        for result in benchmark(quick=options.quick):
            results.append(result)
            if not options.json:
                measured, target = (f"{value:.{2 if result.unit == 'x' else 1}f} {result.unit:2}"
                                    for value in (result.measured, result.target))  # fmt: skip
                print(f"{result.name:60}{measured:>10}{target:>10}   {'ok' if result.ok else 'over'}", flush=True)
    if options.json:
        print(json.dumps([{**vars(result), "ok": result.ok} for result in results], indent=2))
    return int(options.strict and not all(result.ok for result in results))


if __name__ == "__main__":
    sys.exit(main())
