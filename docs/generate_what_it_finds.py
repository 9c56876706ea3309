"""Writes `docs/what-it-finds.md`: what `explore` finds in code that others have published, and in the SDK's helpers.

    python docs/generate_what_it_finds.py              # every client that this environment can run
    python docs/generate_what_it_finds.py seeds sdk    # or some: the name of a client, or of a group of them

Frameworks need different versions of the SDK, so each has an environment of its own, and one call replaces the sections
of the clients that it runs. All others stay as they are.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import re
import sys
import warnings
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
from openai.resources.beta.threads.runs import Runs

from harness import explore
from harness.endings import ANSWER, OPENING
from harness.exploring.situations import BASELINE
from harness.exploring.verdicts import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from harness import Findings

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "what-it-finds.md"
BUDGET = 160

HELPED = hasattr(Runs, "submit_tool_outputs_stream")  # this SDK can wait for a run

INTRODUCTION = f"""# What it finds

`explore` takes a client through every way a run can end or stall, through slow and fast runs, and through faults of
each request that the client makes, and then through some of these together. It reports what the client did. This page
shows its reports on code that people use or learn from, all of it as it was published: the helpers of the official SDK,
the polling loops of tutorials, and the agent classes of frameworks that speak the Assistants API. Each client was asked
one question in at most {BUDGET} situations:

```python
from harness import explore

print(explore(my_client, budget={BUDGET}))
```

## How to read it

| mark | verdict | |
| --- | --- | --- |
| ✓ | returns an answer | that of a run which has completed |
| ✓ | returns nothing | something false: an empty text, `None`, an empty list |
| ✓ | raises | an error that somebody raises on purpose, also if it is the SDK that does |
| ✗ | crashes | an error of the language, which nobody raises on purpose: `AttributeError`, `IndexError` … |
| ✗ | hangs | it waits for what cannot come any more, such as another status of a run that has expired |
| ✗ | returns … | there is no answer, and it returns something else: the question, or what a failed run had written |
| ✗ | leaves the thread locked | it returns while a run is active, so the thread takes no new message; after an error \
this is mentioned, and is no bug |

The names of endings say how a run ends: `failed-server_error-after_message` is a run that fails with `server_error`
after it has written a message. `failed-*` stands for all endings that begin like this; their number follows in
brackets. A fault is shown with the request that it hits: "timeout at
`GET /threads/{{thread_id}}/runs/{{run_id}}`". Two things together (endings, timings, faults) are shown only for what
neither of them does alone. Situations that a client's assistant cannot meet, such as a call of a function that it does
not have, do not count.

What is a bug for `explore` may be right for a program: a tutorial need not show how to survive a run that fails, and a
framework may leave it to its user to check whether an answer is one. The table of each client shows what happens; the
judgement is yours. Each bug comes with a test that reproduces it: `print(explore(my_client).bugs[0].script)`.

To generate this page anew, run `python docs/generate_what_it_finds.py`. It replaces the sections of the clients that
are installed in the environment, and leaves the others as they are.
"""


def ended(outcome: Outcome, *groups: str) -> bool:
    """Whether the run was to end in one of these ways, by itself: not while it waits for outputs."""
    group, *_, last = outcome.situation.ending.name.split("-")
    return group in groups and last != "waiting_for_outputs"


# What was reported to others: of which outcomes this is an instance, what it is, and where to read about it.
REPORTED: tuple[tuple[Callable[[Outcome], bool], str, tuple[str, ...]], ...] = (
    (
        lambda outcome: outcome.verdict is Verdict.HUNG and "incomplete" in outcome.detail,
        "polls a run that is `incomplete` for ever",
        ("openai/openai-python#1407",),
    ),
    (
        lambda outcome: outcome.verdict is Verdict.HUNG and "incomplete" not in outcome.detail,
        "polls a run for ever that has expired or was cancelled",
        ("microsoft/semantic-kernel#9364", "sashirestela/simple-openai#351"),
    ),
    (
        lambda outcome: outcome.verdict is Verdict.CRASHED and "ImageFileContentBlock" in outcome.detail,
        "takes the first part of a message for text where it is an image",
        ("theailifestyle/AssistantsAPI#2", "Azure-Samples/azureai-samples#159"),
    ),
    (
        lambda outcome: outcome.is_bug and outcome.locked and ended(outcome, "cancelled", "cancelling"),
        "goes on while the run is still `cancelling`",
        ("VRSEN/agency-swarm#268",),
    ),
    (
        lambda outcome: outcome.is_bug and outcome.locked and "waiting_for_outputs" in outcome.situation.ending.name,
        "leaves a run that waits for outputs, which holds its thread until it expires",
        ("https://community.openai.com/t/detecting-and-managing-bad-runs/933385",),
    ),
    (
        lambda outcome: (
            outcome.locked
            and any(re.fullmatch("lost answer at POST .*/runs", fault.name) for fault in outcome.situation.faults)
        ),
        "leaves a run behind when the answer to its POST is lost: the SDK sends it again, and the run is there already",
        ("TripSit/TripBot#939", "nasa-petal/bidara-deep-chat#57"),
    ),
)


@dataclass(frozen=True)
class Client:
    """Something to explore, and how the page calls it."""

    name: str
    group: str
    title: str
    function: Callable[..., Any]
    versions: str


GROUPS = {
    "sdk": "The helpers of the SDK",
    "seeds": "The polling loops of tutorials",
    "frameworks": "Frameworks",
}
GROUP_NOTES = {
    "sdk": """Each is used twice: as first samples do, and with all that has to be done around it. The assistant has a
function and the code interpreter.""",
    "seeds": """Cells of each tutorial, taken out of it when this page is written, and executed unchanged but for the
files that they upload. What counts as the answer is what the cells print as the assistant's words. Tutorial 001 is not
here: it starts no run. 000, 002 and 003 were written for version 1.12 of the SDK and 004 for 1.30; here they run on the
version that is named.""",
    "frameworks": """Each agent has a function `get_weather` and the code interpreter, and is asked through the public
class of its framework.""",
}


def clients() -> Iterator[Client]:
    """All that can run here, in the order of the page."""
    for folder in ("real", "frameworks"):
        if (place := str(ROOT / "tests" / folder)) not in sys.path:
            sys.path.append(place)
    this = f"openai {openai.__version__}"
    if HELPED:
        for name, (title, helper) in importlib.import_module("sdk_helpers").HELPERS.items():
            yield Client(name, "sdk", title, helper, this)
    if importlib.import_module("tutorials").SEEDS.is_dir():
        for tutorial in importlib.import_module("tutorial_clients").TUTORIAL_CLIENTS.values():
            yield Client(tutorial.name, "seeds", f"{tutorial.number}: {tutorial.title}", tutorial.client, this)
    for name, framework in importlib.import_module("framework_agents").FRAMEWORKS.items():
        if framework.is_installed:
            yield Client(name, "frameworks", framework.title, framework.ask, framework.versions)


# --- one client ---------------------------------------------------------------------------------------------


def explored(client: Client) -> Findings:
    """What becomes of it. What a framework logs and warns about belongs to the faults that it meets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            return explore(client.function, budget=BUDGET)
        finally:
            logging.disable(logging.NOTSET)


def section(client: Client, found: Findings) -> str:
    """What the page says about one client, between its marks."""
    alone = [outcome for outcome in found.outcomes if not outcome.situation.timing and not outcome.situation.faults]
    around = [outcome for outcome in found.outcomes if outcome not in alone]
    bugs = [outcome for outcome in around if outcome.is_bug]
    endings = [outcome.situation.ending.name for outcome in alone]
    head = f"| [{client.title}](#{anchor(client.title)}) | {client.versions} | {found.played} | {counted(found)} |"
    lines = [
        f"<!-- begin {client.name}: {head} -->",
        f"### {client.title}",
        "",
        f"{client.versions}. {bugs_of(found)} in {found.played} situations.",
        "",
        "| | what it does | endings |",
        "| --- | --- | --- |",
        *(
            row(label, grouped((outcome.situation.ending.name for outcome in some), endings))
            for label, some in by(alone)
        ),
        "",
        "| | what it does | timings and faults |",
        "| --- | --- | --- |",
        *(row(label, "; ".join(circumstances(some, endings))) for label, some in by(bugs)),
        row(("✓", "returns or raises"), others(found, around, bugs)),
    ]
    reported = [
        f"- It {text}: {', '.join(link(thread) for thread in threads)}."
        for fits, text, threads in REPORTED
        if any(fits(outcome) for outcome in found.outcomes)
    ]
    if reported:
        lines += ["", "Known from elsewhere:", "", *reported]
    return "\n".join([*lines, f"<!-- end {client.name} -->"])


def bugs_of(found: Findings) -> str:
    number = len(found.bugs)
    return "1 bug" if number == 1 else f"{number} bugs"


def others(found: Findings, around: Sequence[Outcome], bugs: Sequence[Outcome]) -> str:
    """What is left: timings and faults alone; and two things together that show nothing new, whatever they show."""
    left = f"the other {len(around) - len(bugs)}" if bugs else f"all {len(around)}"
    silent = found.played - len(found.outcomes)
    return f"{left}; {silent} pairs show nothing new" if silent else left


def counted(found: Findings) -> str:
    """The cells of the table at the top: how many situations of each verdict, and of them the bugs."""
    verdicts = Counter(outcome.verdict for outcome in found.outcomes)
    locked = sum(outcome.locked and outcome.is_bug for outcome in found.outcomes)
    kinds = (Verdict.CRASHED, Verdict.HUNG, Verdict.WRONG_SUCCESS)
    return " | ".join(map(str, [*(verdicts[kind] for kind in kinds), locked, len(found.bugs)]))


def by(outcomes: Iterable[Outcome]) -> list[tuple[tuple[str, str], list[Outcome]]]:
    """Outcomes by their mark and what the client did: bugs first, and else in the order in which they came."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.mark, did(outcome)), []).append(outcome)
    return sorted(groups.items(), key=lambda group: group[0][0] != "✗")


def row(label: tuple[str, str], what: str) -> str:
    return f"| {' | '.join(label)} | {what} |"


def did(outcome: Outcome) -> str:
    """What the client did, in words. What it returned or raised is named only if no day and no machine changes it."""
    locked = ", and leaves the thread locked" if outcome.locked else ""
    error = outcome.detail.partition(":")[0]
    match outcome.verdict:
        case Verdict.RETURNED:
            return ("returns nothing" if outcome.detail in NOTHING else "returns an answer") + locked
        case Verdict.RAISED:
            return f"raises `{error}`{locked}"
        case Verdict.CRASHED:
            return f"crashes: `{error}`{locked}"
        case Verdict.HUNG:
            return "hangs"
        case Verdict.WRONG_SUCCESS:
            return mistaken(outcome) + locked


NOTHING = ("''", "None", "[]")


def mistaken(outcome: Outcome) -> str:
    if ANSWER in outcome.detail:
        return "returns the text of a run that is not over"
    if OPENING in outcome.detail:
        return "returns what the run wrote before it stopped"
    return "returns the question"


def circumstances(outcomes: Iterable[Outcome], universe: Sequence[str]) -> Iterator[str]:
    """Timings and faults, each with the endings that it takes, if it takes more than a run that ends well."""
    endings: dict[str, list[str]] = {}
    for outcome in outcomes:
        timing = [f"`{name}={seconds:g}s`" for name, seconds in outcome.situation.timing.items()]
        faults = [re.sub(r" at (.*)", r" at `\1`", fault.name) for fault in outcome.situation.faults]
        endings.setdefault(" and ".join([*timing, *faults]), []).append(outcome.situation.ending.name)
    for what, names in endings.items():
        yield what if names == [BASELINE] else f"{what}, together with {grouped(names, universe)}"


def grouped(names: Iterable[str], universe: Sequence[str]) -> str:
    """Endings, by patterns where all that match a pattern are among them.

    >>> grouped(["a-1", "a-2", "b-1-x"], ["a-1", "a-2", "b-1-x", "b-1-y", "b-2-x"])
    '`a-*` (2), `b-1-x`'
    """
    left, shown = list(names), []
    while left:
        some = [left[0]]
        for pattern in patterns(left[0]):
            fitting = [name for name in universe if fnmatchcase(name, pattern)]
            if len(fitting) > 1 and set(fitting) <= set(left):
                some = fitting
                shown.append(f"`{pattern}` ({len(some)})")
                break
        else:
            shown.append(f"`{left[0]}`")
        left = [name for name in left if name not in some]
    return ", ".join(shown)


def patterns(name: str) -> Iterator[str]:
    """The patterns that match an ending and may stand for it, the widest first."""
    first, *middle = name.split("-")
    yield f"{first}-*"
    if len(middle) > 1:
        yield f"{first}-*-{middle[-1]}"
        yield f"{'-'.join([first, *middle[:-1]])}-*"


def link(thread: str) -> str:
    if thread.startswith("https://"):
        return f"<{thread}>"
    repository, _, number = thread.partition("#")
    return f"[{thread}](https://github.com/{repository}/issues/{number})"


def anchor(title: str) -> str:
    """What GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


# --- the page -----------------------------------------------------------------------------------------------

SECTION = re.compile(r"<!-- begin ([\w-]+): (\|.*\|) -->\n.*?<!-- end \1 -->", re.DOTALL)
HEADS = "| client | version | situations | crashes | hangs | returns what is no answer | leaves a lock | bugs |"


def sections(page: str) -> dict[str, str]:
    """What a page says about each client, by its name."""
    return {found[1]: found[0] for found in SECTION.finditer(page)}


def page(client_sections: Mapping[str, str], groups: Mapping[str, Sequence[str]]) -> str:
    """The whole page: the clients of each group in this order."""
    blocks = [INTRODUCTION]
    heads = [found[2] for names in groups.values() for name in names if (found := SECTION.match(client_sections[name]))]
    blocks.append("\n".join(["## At a glance", "", HEADS, "| --- " * 8 + "|", *heads]) + "\n")
    for group, names in groups.items():
        if names:
            blocks += [
                f"## {GROUPS[group]}\n\n{GROUP_NOTES[group]}\n",
                *(client_sections[name] + "\n" for name in names),
            ]
    return "\n".join(blocks)


ORDER = {
    "sdk": ("polls_naively", "polls_well", "streams_naively", "streams_well"),
    "seeds": (
        "000-analyst",
        "000-program",
        "002-tutor",
        "002-functions",
        "003-ask",
        "003-quiz",
        "004-create_and_poll",
    ),
    "frameworks": ("semantic_kernel", "langchain", "autogen", "llama_index", "agency_swarm"),
}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="a client, or sdk, seeds, frameworks")
    wanted = parser.parse_args(arguments).names
    known = sections(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    for client in clients():
        if not wanted or {client.name, client.group} & set(wanted):
            known[client.name] = section(client, explored(client))
    groups = {group: [name for name in names if name in known] for group, names in ORDER.items()}
    PAGE.write_text(page(known, groups), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
