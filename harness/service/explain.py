"""Every "this cannot go on": pure functions from data to the text a user acts on."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.service.records import Run
    from harness.service.script import Script

# the timeline of a run that nobody saw begin
OLDER = "{} (the run is older than the recording)"


def timeline(run: Run) -> str:
    """One line: each status with the seconds since the run was created.

    `queued 0s → in_progress 1s (pick_up) → completed 3s (finish)`
    """
    if not run.timeline:
        return OLDER.format(run.status)
    start = run.timeline[0].at
    return " → ".join(
        f"{moment.status} {moment.at - start:g}s" + (f" ({moment.because})" if index else "")
        for index, moment in enumerate(run.timeline)
    )


def not_served(method: str, path: str, known: Iterable[str]) -> HarnessFailure:
    """A call to an OpenAI or Azure host that is no part of what the fake plays. `path` lies below the API's root."""
    routes = list(known)
    families = {route.split("/")[1] for route in routes}
    family = difflib.get_close_matches(path.strip("/").split("/")[0], families, n=1, cutoff=0.75)
    near = difflib.get_close_matches(path, [route for route in routes if route.split("/")[1] in family], n=1, cutoff=0)
    return HarnessFailure(
        f"{method} {path} is not served: the fake plays the Assistants API only. Nothing reached the network.",
        there_was=f"The nearest route it serves: {near[0]}" if near else "",
        do=f'assistants.on("{method}", "{path}", lambda request: {{"object": "…"}})   # answer it yourself\n'
        'openai.OpenAI(base_url="…")   # or ask another server: behind `harness serve` there is no other way',
    )


def broken(method: str, path: str, error: Exception) -> HarnessFailure:
    """The fake itself raised something it should not."""
    return HarnessFailure(
        f"The fake broke on {method} {path}: {type(error).__name__}: {error}",
        do="Report it to pytest-assistants with the traceback that stands above this one.",
    )


def not_reached(method: str, url: str, *, ours: bool) -> HarnessFailure:
    """Something wanted a connection that a test must not make."""
    what = f"{method} {url}"
    if ours:
        return HarnessFailure(
            f"{what} was stopped before it reached the network: this library does not talk through httpx, so the "
            "fake cannot answer it.",
            do="openai.OpenAI()   # the official client, on its default transport, is answered",
        )
    return HarnessFailure(
        f"{what} was stopped: block_other_hosts is on, and the host is not on this machine.",
        do=f'@pytest.mark.assistants(base_url="{url}")       # if the fake shall answer it\n'
        "@pytest.mark.assistants(block_other_hosts=False)   # if it may be called",
    )


def unused(scripts: Iterable[Script], faults: Iterable[str] = (), exchanges: Iterable[str] = ()) -> HarnessFailure:
    """What a test prepared and nobody asked for: scripts, faults, recorded exchanges."""
    scripts = list(scripts)
    left = {
        "Scripts were not used: fewer runs came to them than the test scripted.": [
            f"{script.origin}: {describe(script)}" for script in scripts if not script.missed
        ],
        "Scripts were not used: no run met their conditions.": [
            f"{script.origin}: {describe(script)}\n        The newest user messages of runs: {_quoted(script.missed)}"
            for script in scripts
            if script.missed
        ],
        "Faults did not happen: no request, or no event of a stream, came to where they were planned.": list(faults),
        "Recorded exchanges were not asked for: the client does less than it did.": list(exchanges),
    }
    what = [title for title, lines in left.items() if lines]
    return HarnessFailure(
        " ".join(what),
        there_was="\n".join(f"    {line}" for lines in left.values() for line in lines),
        do=("Correct the conditions. " if any(script.missed for script in scripts) else "")
        + 'Remove them, or allow it: @pytest.mark.assistants(unused="ignore"), fake_assistants(unused="ignore")',
    )


def _quoted(messages: Iterable[str]) -> str:
    return ", ".join(repr(text if len(text) <= 60 else text[:59] + "…") for text in dict.fromkeys(messages))


def describe(script: Script) -> str:
    """The acts of a script, shortened."""
    if callable(script.source):
        return f"model {getattr(script.source, '__name__', script.source)!s}"
    text = ", ".join(repr(act) for act in script.source) or "no acts"
    return text if len(text) <= 200 else text[:197] + "…"


def stream_waits() -> HarnessFailure:
    """A client reads on in a stream, and nothing more happens until somebody moves the clock."""
    return HarnessFailure(
        "The client waits for the next event of a stream, and under clock='manual' nobody moves the time meanwhile.",
        do="assistants.clock.advance(10)                  # in the test, before the client reads on, or\n"
        '@pytest.mark.assistants(clock="on_poll")      # reading a stream moves the time',
    )
