"""Failures of the fake as a whole, and runs and scripts in words: pure functions from data to the text."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure
from harness.service.paths import below_root

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.service.records import Run
    from harness.service.script import Script

# the timeline of a run whose beginning was not recorded
OLDER_THAN_RECORDING = "{} (the run is older than the recording)"


def timeline(run: Run) -> str:
    """One line: each status with the seconds since the run was created.

    `queued 0s → in_progress 1s (pick_up) → completed 3s (finish)`
    """
    if not run.timeline:
        return OLDER_THAN_RECORDING.format(run.status)
    start = run.timeline[0].at
    return " → ".join(
        f"{moment.status} {moment.at - start:g}s" + (f" ({moment.because})" if index else "")
        for index, moment in enumerate(run.timeline)
    )


def not_served(method: str, path: str, known: Iterable[str]) -> HarnessFailure:
    """A request to an OpenAI or Azure host for an endpoint that the fake lacks; `path` lies below the API's root."""
    routes = list(known)
    families = {route.split("/")[1] for route in routes}
    family = difflib.get_close_matches(path.strip("/").split("/")[0], families, n=1, cutoff=0.75)
    near = difflib.get_close_matches(path, [route for route in routes if route.split("/")[1] in family], n=1, cutoff=0)
    do = (
        f'assistants.on("{method}", "{path}", lambda request: {{"object": "…"}})   # answer it yourself\n'
        'openai.OpenAI(base_url="…")   # or ask another server; with `harness serve` this is the only way'
    )
    if path.startswith("/v1") and path[3:].split("/", maxsplit=1)[0] in families:
        do = 'openai.base_url = "…/v1/"   # with a slash at its end: paths are joined to it as they are'
    below = below_root(path)
    if below != path and below[1:].split("/", maxsplit=1)[0] in families:
        # there twice, or behind a slash that older SDKs left at the end of an endpoint (openai/openai-python#1894)
        root = path.removesuffix(below)
        do = (
            'base_url = "http://…"   # with no root like /v1 and no slash at its end, as this client adds '
            f"{root}/ itself; azure_endpoint likewise"
        )
    return HarnessFailure(
        f"{method} {path} is not served: the fake serves the Assistants API only. Nothing reached the network.",
        there_was=f"The nearest route it serves: {near[0]}" if near else "",
        do=do,
    )


def internal_error(method: str, path: str, error: Exception) -> HarnessFailure:
    """The fake itself raised an unexpected error."""
    return HarnessFailure(
        f"The fake broke on {method} {path}: {type(error).__name__}: {error}",
        do="Report it to pytest-assistants with the traceback above this one.",
    )


def not_reached(method: str, url: str, *, ours: bool) -> HarnessFailure:
    """A connection to the network was stopped; `ours` says whether the host is one that the fake stands in for."""
    what = f"{method} {url}"
    if ours:
        return HarnessFailure(
            f"{what} was stopped before it reached the network: this client does not talk through httpx, or its own "
            "transport was wrapped before the fake began, so the fake cannot answer it.",
            do="openai.OpenAI()   # the official client, on its default transport, is answered",
        )
    return HarnessFailure(
        f"{what} was stopped: block_other_hosts is on, and the host is not on this machine.",
        do=f'@pytest.mark.assistants(base_url="{url}")       # if the fake should answer it\n'
        "@pytest.mark.assistants(block_other_hosts=False)   # if the test may call it",
    )


def unused(scripts: Iterable[Script], faults: Iterable[str] = (), exchanges: Iterable[str] = ()) -> HarnessFailure:
    """The failure for what a test prepared and no request used: scripts, faults, recorded exchanges."""
    scripts = list(scripts)
    left = {
        "Scripts were not used: there were fewer runs than the test scripted.": [
            f"{script.origin}: {describe(script)}" for script in scripts if not script.unmatched
        ],
        "Scripts were not used: no run met their conditions.": [
            f"{script.origin}: {describe(script)}\n        The runs' newest user messages: {_quoted(script.unmatched)}"
            for script in scripts
            if script.unmatched
        ],
        "Faults did not happen: no request, or event of a stream, was the one they were planned for.": list(faults),
        "Recorded exchanges were not requested: the client sends less than when it was recorded.": list(exchanges),
    }
    what = [title for title, lines in left.items() if lines]
    return HarnessFailure(
        " ".join(what),
        there_was="\n".join(f"    {line}" for lines in left.values() for line in lines),
        do=("Correct the conditions. " if any(script.unmatched for script in scripts) else "")
        + 'Remove them, or allow it: @pytest.mark.assistants(unused="ignore"), fake_assistants(unused="ignore")',
    )


def _quoted(messages: Iterable[str]) -> str:
    return ", ".join(repr(shortened(text)) for text in dict.fromkeys(messages))


def shortened(text: str, max_length: int = 60) -> str:
    """A text, cut off where it is longer than `max_length`.

    >>> shortened("a long text", 7)
    'a long…'
    """
    return text if len(text) <= max_length else f"{text[: max_length - 1]}…"


def describe(script: Script) -> str:
    """The acts of a script, or the name of its model function, shortened."""
    if callable(script.source):
        return f"model {getattr(script.source, '__name__', script.source)!s}"
    return shortened(", ".join(map(repr, script.source)), 200) or "no acts"


def stream_waits() -> HarnessFailure:
    """A client reads a stream whose next event comes only when the clock is moved, which only the test can do."""
    return HarnessFailure(
        "The client waits for the next event of a stream, but under clock='manual' only the test moves the time.",
        do="assistants.clock.advance(10)                  # in the test, before the client reads on, or\n"
        '@pytest.mark.assistants(clock="on_poll")      # reading a stream moves the time',
    )
