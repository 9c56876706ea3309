"""The examples as tests: the same client code, held by the `assistants` fixture."""

from __future__ import annotations

import csv_analyst
import follow_up
import live_answer
import math_tutor
import my_app
import openai
import pytest
import quiz
import recorded_session

from harness import call, fail, hang, run_code, say


def test_agent_asks_for_the_weather(assistants):
    assistants.next_run(call("get_weather", city="Oslo"), say("4 °C and rain"))
    assert my_app.ask("Weather in Oslo?") == "4 °C and rain"


def test_a_script_says_what_the_model_does_with_the_tool_output(assistants):
    @assistants.model
    def weather(run):
        report = yield call("get_weather", city="Oslo")
        yield say(f"It says: {report}")

    assert my_app.ask("Weather in Oslo?") == "It says: Oslo: 4 °C, rain"


def test_concurrent_questions_get_their_own_answers(assistants):
    assistants.when(message="하나").run(say("1"))
    assistants.when(message="둘").run(run_code("1 + 1", logs="2"), say("2"))
    tutor = math_tutor.MathTutor(openai.OpenAI())
    assert tutor.answer_all(["둘?", "하나?"]) == ["2  [코드: 1 + 1]", "1"]


@pytest.mark.parametrize(("choice", "feedback"), [(1, "2 of 2 right."), (0, "0 of 2 right.")])
def test_the_quiz_comments_on_what_was_chosen(assistants, choice, feedback):
    assistants.next_run(quiz.quizmaster)
    answer = quiz.hold_quiz(openai.OpenAI(), quiz.HANDBOOK, lambda question, choices: choices[choice])
    assert answer.startswith(feedback)


def test_a_streamed_answer_goes_on_after_the_tool(assistants):
    assistants.next_run(call("get_weather", city="Oslo"), say(pieces=["4 ", "°C"]))
    told = []
    live_answer.ask(openai.OpenAI(), "Weather?", told.append, lambda city: f"{city}: 4 °C")
    assert told == ["4 ", "°C"]


def test_a_streamed_answer_that_fails_is_no_answer(assistants):
    assistants.next_run(say("In Oslo"), fail("rate_limit_exceeded"))
    told = []
    with pytest.raises(live_answer.Unfinished, match="failed: You exceeded"):
        live_answer.ask(openai.OpenAI(), "Weather?", told.append, lambda city: "")
    assert "".join(told) == "In Oslo"


def test_the_analyst_waits_out_a_rate_limit(assistants):
    assistants.next_run(fail("rate_limit_exceeded"))
    assistants.next_run(run_code("sum([1, 2])", logs="3"), say("3"))
    found = csv_analyst.analyse(openai.OpenAI(), "Sum?", [csv_analyst.FIXTURES / "sales_2022.csv"])
    assert found == csv_analyst.Analysis(text="3", code=["sum([1, 2])"], output=["3"])
    first, second = assistants.runs
    assert second.created_at - first.created_at >= 20  # it waited, and the test did not


def test_the_analyst_gives_up_on_other_failures(assistants):
    assistants.next_run(fail("server_error"))
    with pytest.raises(RuntimeError, match="Sorry, something went wrong"):
        csv_analyst.analyse(openai.OpenAI(), "Sum?", [])


def test_a_slow_answer_becomes_an_apology(assistants):
    assistants.next_run(hang())
    tutor = assistants.add_assistant(instructions="Be brief.")
    conversation = follow_up.Conversation(openai.OpenAI(), tutor.id)
    assert conversation.ask("Solve 3x + 11 = 14.") == follow_up.APOLOGIES["expired"]


def test_after_an_unanswered_call_the_conversation_goes_on(assistants):
    assistants.next_run(call("look_up"))
    assistants.next_run(say("x = 1"))
    tutor = assistants.add_assistant(instructions="Be brief.")
    conversation = follow_up.Conversation(openai.OpenAI(), tutor.id)
    assert conversation.ask("Look it up.") == follow_up.APOLOGIES["requires_action"]
    assert conversation.ask("Solve 3x + 11 = 14.") == "x = 1"


@pytest.mark.assistants_cassette("math-tutor.yaml")
@pytest.mark.parametrize("streams", [False, True], ids=["polled", "streamed"])
def test_a_recording_answers_however_it_is_asked(assistants, streams):
    answer = recorded_session.ask(openai.OpenAI(), "방정식 '3x + 11 = 14'를 풀어줘", streams=streams)
    assert answer.startswith("x = 1   (")
