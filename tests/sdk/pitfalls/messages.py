"""Pitfalls of what messages consist of, and of their order, for clients that poll."""

from __future__ import annotations

import re
from typing import Any

from harness import fail, refuse, say
from pitfalls.row import CITED, COLD, MARK, QUESTION, App, Pitfall, Raises, text_of

# --- the newest comes first ---------------------------------------------------------------------------------------


def answered(app: App) -> App:
    app.wait_for(app.start())
    return app


def takes_the_last_of_the_list(app):
    return text_of(answered(app).messages()[-1])


def takes_the_first_of_the_list(app):
    return answered(app).newest()


def prints_what_it_gets(app):
    return [text_of(message) for message in answered(app).messages()]


def prints_in_order(app):
    return [text_of(message) for message in answered(app).messages(order="asc")]


def sorts_by_the_second(app):
    app.say("And in Bergen?")
    return [text_of(message) for message in sorted(app.messages(), key=lambda message: message.created_at)]


def lets_the_service_sort(app):
    app.say("And in Bergen?")
    return [text_of(message) for message in app.messages(order="asc")]


def takes_all_of_the_run(app):
    run = app.wait_for(app.start())
    return " ".join(text_of(message) for message in app.messages(order="asc") if message.run_id == run.id)


# --- what a message consists of -----------------------------------------------------------------------------------


def takes_all_texts(app):
    return text_of(answered(app).messages()[0])


def reads_while_it_is_written(app):
    app.look(app.start())
    return app.newest()


def takes_what_follows_the_question(app):
    [question] = app.messages()
    return text_of(answered(app).messages(order="asc", after=question.id)[0])


def takes_what_there_is(app):
    [question] = app.messages()
    return "".join(map(text_of, answered(app).messages(order="asc", after=question.id))) or "nothing"


def removes_marks(app):
    return re.sub("【[^】]*】", "", answered(app).newest())


def annotations(app: App) -> list[Any]:
    return answered(app).messages()[0].content[0].text.annotations


def quotes(app):
    return [annotation.file_citation.quote.strip() for annotation in annotations(app)]


def names_files(app):
    return [annotation.file_citation.file_id for annotation in annotations(app)]


def wants_completed_messages(app):
    done = [message for message in answered(app).messages() if getattr(message, "status", None) == "completed"]
    return [text_of(message) for message in done if message.role == "assistant"]


def wants_completed_runs(app):
    run = app.wait_for(app.start())
    done = app.messages() if run.status == "completed" else []
    return [text_of(message) for message in done if message.role == "assistant"]


def reads_what_it_modified(app):
    [question] = app.messages()
    modified = app.threads.messages.update(question.id, thread_id="thread_app", metadata={"seen": "yes"})
    return [attachment.file_id for attachment in modified.attachments]


def retrieves_what_it_modified(app):
    [question] = app.messages()
    app.threads.messages.update(question.id, thread_id="thread_app", metadata={"seen": "yes"})
    message = app.threads.messages.retrieve(question.id, thread_id="thread_app")
    return [attachment.file_id for attachment in message.attachments or ()]


FIRST = "CONTRACT §11: newest message first: data[0] is the answer (SEED2/3)"

PITFALLS = {
    "the last of the list is the oldest": Pitfall(
        FIRST,
        [[say(COLD)]],
        takes_the_last_of_the_list,
        QUESTION,
        takes_the_first_of_the_list,
        COLD,
        cause=r"data\[-1\] is the oldest of thread_app",
    ),
    "a conversation is printed backwards": Pitfall(
        "CONTRACT §11: iterating without order=asc prints backwards (SEED2/3)",
        [[say(COLD)]],
        prints_what_it_gets,
        [COLD, QUESTION],
        prints_in_order,
        [QUESTION, COLD],
        cause="messages were listed newest first",
    ),
    "messages of one second": Pitfall(
        "CONTRACT §11: sort by created_at alone is unstable (DN:Pagination, MessagesWithRoles)",
        [],
        sorts_by_the_second,
        ["And in Bergen?", QUESTION],
        lets_the_service_sort,
        [QUESTION, "And in Bergen?"],
        cause="created_at, the same for all of them, does not order them",
    ),
    "a run writes several messages": Pitfall(
        "CONTRACT §11: data[0] is only the last one (DN:BasicRunStepFunctionalityWorks; SEED4)",
        [[say("Let me see."), say(COLD)]],
        takes_the_first_of_the_list,
        COLD,
        takes_all_of_the_run,
        f"Let me see. {COLD}",
        cause=r"run_\w+ wrote 2 messages, and one was taken",
    ),
    "an image stands first": Pitfall(
        "CONTRACT §11: content[0] is image_file (theailifestyle/AssistantsAPI#2; SEED0 loop)",
        [[say(COLD, images=["file-plot"])]],
        takes_the_first_of_the_list,
        Raises(AttributeError, "Image.*' object has no attribute 'text'"),
        takes_all_texts,
        COLD,
        cause=r"content\[0\] of msg_\w+ is an image",
    ),
    "a refusal has no text": Pitfall(
        "CONTRACT §2.3: a refusal is a part of its own; SDKs of 2023 take it for an image",
        [[refuse("I can't help with that.")]],
        takes_the_first_of_the_list,
        Raises(AttributeError, "(Refusal|Image).*' object has no attribute 'text'"),
        takes_all_texts,
        "",
        cause=r"content\[0\] of msg_\w+ is a refusal",
    ),
    "a message without a word": Pitfall(
        "CONTRACT §11: empty content list; the run has completed, and no more will come",
        [[say("")]],
        takes_the_first_of_the_list,
        Raises(IndexError, "list index out of range"),
        takes_all_texts,
        "",
        cause=r"msg_\w+ is completed, and empty",
    ),
    "a message is read while it is written": Pitfall(
        "CONTRACT §11: empty content list on an in-progress message",
        [[say(COLD)]],
        reads_while_it_is_written,
        Raises(IndexError, "list index out of range"),
        takes_the_first_of_the_list,
        COLD,
        cause=r"msg_\w+ had no content yet",
    ),
    "a run writes no message": Pitfall(
        "CONTRACT §11: failed though every HTTP call was 200 (teams-sdk#806)",
        [[fail("server_error")]],
        takes_what_follows_the_question,
        Raises(IndexError, "list index out of range"),
        takes_what_there_is,
        "nothing",
        cause=r"run_\w+ is failed, and wrote no message",
    ),
    "marks stay in the text": Pitfall(
        "CONTRACT §11: citation markers left in text (SEED3 outputs)",
        [[say(f"It is 4 °C{MARK}.", **CITED)]],
        takes_the_first_of_the_list,
        f"It is 4 °C{MARK}.",
        removes_marks,
        "It is 4 °C.",
        cause=f"{MARK} is a mark of a citation",
    ),
    "no quote in a citation": Pitfall(
        "CONTRACT §11: the docs' own sample uses file_citation.quote (DD; DN:FileSearchStreamingWorks)",
        [[say(f"It is 4 °C{MARK}.", **CITED)]],
        quotes,
        Raises(AttributeError, "has no attribute '(quote|strip)'"),
        names_files,
        ["file-weather"],
        cause=r"the citations of msg_\w+ have no quote",
        needs="v2",
    ),
    "a message has no status": Pitfall(
        "CONTRACT §11: message.status None outside streams (SEED4; DN)",
        [[say(COLD)]],
        wants_completed_messages,
        [],
        wants_completed_runs,
        [COLD],
    ),
    "a modified message has file_ids": Pitfall(
        "CONTRACT §11: modify message returns file_ids (DN:BasicMessageOperationsWork)",
        [],
        reads_what_it_modified,
        Raises(TypeError, "'NoneType' object is not iterable"),
        retrieves_what_it_modified,
        [],
        cause="the answer to modifying a message has file_ids in place of attachments",
        needs="v2",
    ),
}
