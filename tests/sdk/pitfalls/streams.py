"""Pitfalls of streaming."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import openai

from harness import calls, cancel, fail, hang, say, truncate
from pitfalls.row import (
    BERGEN,
    CITED,
    COLD,
    MARK,
    ON,
    OSLO,
    QUESTION,
    REFUSED,
    App,
    Pitfall,
    Raises,
    called,
    temperatures,
    text_of,
)

Handler: Any = getattr(openai, "AssistantEventHandler", object)  # without it these are skipped


def stream(app: App, handler: Any = None) -> Any:
    return app.runs.stream(**ON, event_handler=handler or Handler())


def submit(app: App, run: Any, outputs: list[Any], handler: Any = None) -> Any:
    return app.runs.submit_tool_outputs_stream(
        run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs, event_handler=handler or Handler()
    )


# --- stopping to read is taken for stopping the run ---------------------------------------------------------------


def leaves_and_asks_on(app):
    with stream(app) as events:
        next(iter(events.text_deltas))
    app.say("Shorter, please.")
    with stream(app) as events:
        return "".join(events.text_deltas)


def cancels_and_asks_on(app):
    with stream(app) as events:
        next(iter(events.text_deltas))
        run = events.current_run
    app.wait_for(app.runs.cancel(run.id, thread_id=run.thread_id))
    app.say("Shorter, please.")
    with stream(app) as events:
        return "".join(events.text_deltas)


# --- a broken connection is taken for a run that ended ------------------------------------------------------------


def asks_again(app):
    try:
        return adds_up_the_deltas(app)
    except Exception:  # noqa: BLE001 - which error it is, and whose, differs between versions of the SDK
        return adds_up_the_deltas(app)


def follows_the_run_it_has(app):
    handler = Handler()
    try:
        with stream(app, handler):
            handler.until_done()
    except Exception:  # noqa: BLE001 - as above
        app.wait_for(handler.current_run)
    return app.newest()


# --- a message has its text from the beginning --------------------------------------------------------------------


class Announces(Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []


class AnnouncesAtOnce(Announces):
    def on_message_created(self, message):
        self.texts.append(message.content[0].text.value)


class AnnouncesWhenDone(Announces):
    def on_message_done(self, message):
        self.texts.append(text_of(message))


def announcing(kind):
    def client(app):
        handler = kind()
        with stream(app, handler):
            handler.until_done()
        return " ".join(handler.texts)

    return client


# --- the end of the stream is taken for the end of the run --------------------------------------------------------


def takes_the_newest_message(app):
    with stream(app) as events:
        events.until_done()
    return app.newest()


def answers_the_call_first(app):
    with stream(app) as events:
        run = events.get_final_run()
    while run.status == "requires_action":
        with submit(app, run, temperatures(called(run))) as events:
            run = events.get_final_run()
    return app.newest()


# --- what was said so far is taken for the answer -----------------------------------------------------------------


def adds_up_the_deltas(app):
    with stream(app) as events:
        return "".join(events.text_deltas)


def insists_on_completed(app):
    said, run = [], None
    try:
        for event in app.runs.create(**ON, stream=True):
            name = getattr(event, "event", None)  # one SDK makes of an `error` event an object without a name
            if name == "thread.run.created":
                run = event.data
            elif name == "thread.message.delta":
                said += [part.text.value for part in event.data.delta.content]
            elif name == "thread.run.completed":
                return "".join(said)
    except openai.APIError as error:
        return f"no answer: {error.message}"
    run = app.look(run)  # not every SDK knows every event of an end, but all know the run
    return f"no answer: {run.last_error.code if run.last_error else run.status}"


# --- tools --------------------------------------------------------------------------------------------------------


class Answers(Handler):
    """Submits from inside: `outputs` says what, `next_handler` who listens to what follows."""

    def __init__(self, app: App) -> None:
        super().__init__()
        self.app = app
        self.said: list[str] = []

    def on_text_delta(self, delta, snapshot):
        self.said.append(delta.value)

    def on_event(self, event):
        if event.event == "thread.run.requires_action":
            run = event.data
            handler = self.next_handler()
            with submit(self.app, run, temperatures(self.to_answer(run)), handler) as events:
                events.until_done()
            if handler is not self:
                self.said += handler.said

    def next_handler(self):
        return type(self)(self.app)

    def to_answer(self, run):
        return called(run)


class AnswersAsItself(Answers):
    def next_handler(self):
        return self


class AnswersTheFirst(Answers):
    def to_answer(self, run):
        return called(run)[:1]


def answering(kind):
    def client(app):
        handler = kind(app)
        with stream(app, handler):
            handler.until_done()
        return "".join(handler.said)

    return client


class AnswersEachCallWhenItIsWritten(Answers):
    """A call is done when the next begins, and the run is still busy then."""

    def on_event(self, event):
        pass

    def on_tool_call_done(self, tool_call):
        with submit(self.app, self.current_run, temperatures([tool_call]), self.next_handler()) as events:
            events.until_done()


def submits_what_the_handler_knew(app):
    handler = Answers(app)
    with stream(app, handler):
        handler.until_done()
    if handler.current_run.status == "requires_action":
        with submit(app, handler.current_run, temperatures(called(handler.current_run))) as events:
            events.until_done()
    return "".join(handler.said)


def submits_what_the_service_wants(app):
    handler = Answers(app)
    with stream(app, handler):
        handler.until_done()
    run = app.look(handler.current_run)
    if run.status == "requires_action":
        with submit(app, run, temperatures(called(run))) as events:
            events.until_done()
    return "".join(handler.said)


class ReadsArguments(Handler):
    def __init__(self) -> None:
        super().__init__()
        self.cities: list[str] = []


class ReadsArgumentsPieceByPiece(ReadsArguments):
    def on_tool_call_delta(self, delta, snapshot):
        self.cities.append(json.loads(delta.function.arguments)["city"])


class ReadsArgumentsAtTheEnd(ReadsArguments):
    def on_tool_call_done(self, tool_call):
        self.cities.append(json.loads(tool_call.function.arguments)["city"])


def reading(kind):
    def client(app):
        handler = kind()
        with stream(app, handler):
            handler.until_done()
        return handler.cities

    return client


# --- citations ----------------------------------------------------------------------------------------------------


class Quotes(Announces):
    """The sample of the documentation, which shows what was cited."""

    def on_message_done(self, message):
        for annotation in message.content[0].text.annotations:
            self.texts.append(annotation.file_citation.quote.strip())


class NamesTheFile(Announces):
    def on_message_done(self, message):
        for annotation in message.content[0].text.annotations:
            self.texts.append(getattr(annotation.file_citation, "quote", None) or annotation.file_citation.file_id)


def removes_marks_from_each_piece(app):
    with stream(app) as events:
        return "".join(re.sub("【[^】]*】", "", piece) for piece in events.text_deltas)


def removes_what_is_annotated(app):
    with stream(app) as events:
        [message] = events.get_final_messages()
    text = message.content[0].text
    for annotation in text.annotations:
        text.value = text.value.replace(annotation.text, "")
    return text.value


# --- what a message and a run consist of --------------------------------------------------------------------------


class TakesTheFirstPart(Announces):
    def on_message_done(self, message):
        self.texts.append(message.content[0].text.value)


def takes_the_first_message(app):
    with stream(app) as events:
        return text_of(events.get_final_messages()[0])


def takes_the_last_message(app):
    with stream(app) as events:
        events.until_done()
    return app.newest()


def takes_all_messages(app):
    with stream(app) as events:
        return " ".join(map(text_of, events.get_final_messages()))


# --- events to come -----------------------------------------------------------------------------------------------


def takes_every_delta_for_text(app):
    events = app.runs.create(**ON, stream=True)
    deltas = (event.data.delta for event in events if event.event.endswith(".delta"))
    return "".join(part.text.value for delta in deltas for part in delta.content)


def takes_the_deltas_it_knows(app):
    events = app.runs.create(**ON, stream=True)
    deltas = (event.data.delta for event in events if event.event == "thread.message.delta")
    return "".join(part.text.value for delta in deltas for part in delta.content)


def has_a_hook_for_each_event(app):
    seen: list[str] = []
    nothing = dict.fromkeys(("created", "queued", "in_progress", "completed"), lambda data: None)
    hooks = {
        **{f"thread.run.{what}": hook for what, hook in nothing.items()},
        **{f"thread.run.step.{what}": hook for what, hook in nothing.items()},
        **{f"thread.message.{what}": hook for what, hook in nothing.items()},
        "thread.message.delta": lambda data: seen.extend(part.text.value for part in data.delta.content),
    }
    for event in app.runs.create(**ON, stream=True):
        hooks[event.event](event.data)
    return "".join(seen)


# --- the table --------------------------------------------------------------------------------------------------


def half_an_answer(evidence: str, ending: list[Any], right: str, cause: str) -> Pitfall:
    script = [say(pieces=["It is 4 °C in ", "Os"]), *ending]
    cause += ", and the code took what had come by then for the answer"
    return Pitfall(evidence, [script], adds_up_the_deltas, "It is 4 °C in Os", insists_on_completed, right, cause=cause)


IGNORED = "CONTRACT §11: run.incomplete, error and unknown events unhandled (sashirestela/simple-openai#213)"
SERVER_ERROR = "The server had an error while processing your request. Sorry about that!"

ROWS = {
    "leaving the stream leaves the run": Pitfall(
        "vercel/ai#1743; CONTRACT §4",
        [[say("It is a long story.")], [say("4 °C")]],
        leaves_and_asks_on,
        Raises(REFUSED, "Can't add messages to thread_app while a run run_.* is active"),
        cancels_and_asks_on,
        "4 °C",
        cause="was still in_progress: when a client leaves its stream",
    ),
    "a lost connection leaves the run": Pitfall(
        "CONTRACT §5.4 (connection dropped, the run goes on); TripSit/TripBot#939",
        [[say(COLD)]],
        asks_again,
        Raises(REFUSED, "Thread thread_app already has an active run"),
        follows_the_run_it_has,
        COLD,
        lambda faults: faults.cut(after="thread.message.delta"),
        cause="was still in_progress: when a client leaves its stream, or loses it",
    ),
    "a message begins empty": Pitfall(
        "CONTRACT §5.2: content [] of message.created",
        [[say(COLD)]],
        announcing(AnnouncesAtOnce),
        Raises(IndexError, "list index out of range"),
        announcing(AnnouncesWhenDone),
        COLD,
        cause=r"msg_\w+ had no content yet: a message begins empty",
    ),
    "a stream ends in requires_action": Pitfall(
        "CONTRACT §5; runs.poll of the SDK does so too; SEED4",
        [[OSLO, say(COLD)]],
        takes_the_newest_message,
        QUESTION,
        answers_the_call_first,
        COLD,
        cause="waits for the outputs of get_weather, and the code took the newest message",
    ),
    "half an answer: incomplete": half_an_answer(
        IGNORED, [truncate()], "no answer: incomplete", r"is incomplete \(max_completion_tokens\)"
    ),
    "half an answer: failed": half_an_answer(
        "LibreChat#6728: every HTTP answer was 200",
        [fail("rate_limit_exceeded")],
        "no answer: rate_limit_exceeded",
        r"failed \(rate_limit_exceeded\) although every HTTP answer was 200",
    ),
    "half an answer: cancelled": half_an_answer(
        "CONTRACT §3.3: the partial message stays", [cancel()], "no answer: cancelled", "is cancelled"
    ),
    "half an answer: expired": half_an_answer("CONTRACT §3.8", [hang()], "no answer: expired", "is expired"),
    # the SDK raises for one known shape of the event, and passes over the other (openai-python#2796)
    "half an answer: error, flat": Pitfall(
        IGNORED,
        [[say(pieces=["It is 4 °C in ", "Os"])]],
        adds_up_the_deltas,
        "It is 4 °C in Os",
        insists_on_completed,
        "no answer: in_progress",
        lambda faults: faults.error(after="thread.message.delta", nth=2, flat=True),
    ),
    "half an answer: error": Pitfall(
        IGNORED,
        [[say(COLD)]],
        adds_up_the_deltas,
        Raises(openai.APIError, SERVER_ERROR),
        insists_on_completed,
        f"no answer: {SERVER_ERROR}",
        lambda faults: faults.error(after="thread.message.delta"),
    ),
    "one handler for two streams": Pitfall(
        "the SDK: a single event handler cannot be shared",
        [[OSLO, say(COLD)]],
        answering(AnswersAsItself),
        Raises(RuntimeError, "A single event handler cannot be shared between multiple streams"),
        answering(Answers),
        COLD,
        cause="the event handler already listens to a stream",
    ),
    "two calls, one answered": Pitfall(
        "src#16918226287; SEED2",
        [[calls(OSLO, BERGEN), say(COLD)]],
        answering(AnswersTheFirst),
        Raises(REFUSED, r"Expected tool outputs for call_ids \['call_\w+', 'call_\w+'\], got \['call_\w+'\]"),
        answering(Answers),
        COLD,
        cause="1 of 2 function calls were answered",
    ),
    "a call answered before the run waits": Pitfall(
        "src#29589032493; CONTRACT §3.7",
        [[calls(OSLO, BERGEN), say(COLD)]],
        answering(AnswersEachCallWhenItIsWritten),
        Raises(REFUSED, 'Runs in status "in_progress" do not accept tool outputs.'),
        answering(Answers),
        COLD,
        cause="was in_progress, not requires_action",
    ),
    "a call answered after the run went on": Pitfall(
        "src#29589032493: the object at hand is stale",
        [[OSLO, say(COLD)]],
        submits_what_the_handler_knew,
        Raises(REFUSED, 'Runs in status "completed" do not accept tool outputs.'),
        submits_what_the_service_wants,
        COLD,
        cause="was completed, not requires_action",
    ),
    "arguments come in pieces": Pitfall(
        "CONTRACT §5.3; §11: arguments is a JSON string",
        [[OSLO]],
        reading(ReadsArgumentsPieceByPiece),
        Raises(json.JSONDecodeError, "Expecting|Unterminated"),
        reading(ReadsArgumentsAtTheEnd),
        ["Oslo"],
        cause="'{\"' is a piece of the arguments of get_weather",
    ),
    # SDKs of v2's first weeks know the field still, and it is None
    "a citation has no quote": Pitfall(
        "the documentation's own sample; CONTRACT §2.3",
        [[say(f"It is 4 °C{MARK}.", **CITED)]],
        announcing(Quotes),
        Raises(AttributeError, "has no attribute '(quote|strip)'"),
        announcing(NamesTheFile),
        "file-weather",
        cause=r"the citations of msg_\w+ have no quote",
    ),
    "marks of citations are text": Pitfall(
        "SEED3 prints them; CONTRACT §2.3",
        [[say(f"It is 4 °C{MARK}.", **CITED)]],
        adds_up_the_deltas,
        f"It is 4 °C{MARK}.",
        removes_what_is_annotated,
        "It is 4 °C.",
        cause=f"{MARK} is a mark of a citation",
    ),
    "marks of citations come in pieces": Pitfall(
        "CONTRACT §5.3: no promise is made where deltas are cut",
        [[say(pieces=["It is 4 °C【4:0†wea", "ther.txt】."], **CITED)]],
        removes_marks_from_each_piece,
        f"It is 4 °C{MARK}.",
        removes_what_is_annotated,
        "It is 4 °C.",
        cause=f"{MARK} is a mark of a citation",
    ),
    "an image comes first": Pitfall(
        "theailifestyle/AssistantsAPI#2; Azure-Samples/azureai-samples#159",
        [[say(COLD, images=["file-plot"])]],
        announcing(TakesTheFirstPart),
        Raises(AttributeError, "'ImageFileContentBlock' object has no attribute 'text'"),
        announcing(AnnouncesWhenDone),
        COLD,
        cause=r"content\[0\] of msg_\w+ is an image",
    ),
    "several messages, the first taken": Pitfall(
        "DN:BasicRunStepFunctionalityWorks (six messages in one run)",
        [[say("Let me see."), say(COLD)]],
        takes_the_first_message,
        "Let me see.",
        takes_all_messages,
        f"Let me see. {COLD}",
        cause=r"run_\w+ wrote 2 messages, and one was taken",
    ),
    "several messages, the last taken": Pitfall(
        "the same; SEED4 takes data[0]",
        [[say("Let me see."), say(COLD)]],
        takes_the_last_message,
        COLD,
        takes_all_messages,
        f"Let me see. {COLD}",
        cause=r"run_\w+ wrote 2 messages, and one was taken",
    ),
    "an unknown delta": Pitfall(
        "CONTRACT §5.1: unknown events must be tolerated",
        [[say(COLD)]],
        takes_every_delta_for_text,
        Raises(AttributeError, "'dict' object has no attribute 'content'"),
        takes_the_deltas_it_knows,
        COLD,
        lambda faults: faults.event(
            "thread.message.audio.delta",
            {"id": "msg_1", "object": "thread.message.audio.delta", "delta": {"audio": "UklGRg=="}},
            after="thread.message.delta",
        ),
    ),
    "an unknown event": Pitfall(
        IGNORED,
        [[say(COLD)]],
        has_a_hook_for_each_event,
        Raises(KeyError, "thread.run.step.paused"),
        takes_the_deltas_it_knows,
        COLD,
        lambda faults: faults.event("thread.run.step.paused", {"id": "step_1"}, after="thread.message.delta"),
        cause="the code has no handler for the event thread.run.step.paused",
    ),
}

PITFALLS = {name: replace(row, needs="events") for name, row in ROWS.items()}
