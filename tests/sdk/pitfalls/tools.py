"""Pitfalls of calling functions, for clients that poll."""

from __future__ import annotations

import json
import time
from typing import Any

from harness import call, calls, say
from pitfalls.row import BERGEN, COLD, OSLO, REFUSED, App, Pitfall, Raises, called, temperatures


def get_weather(city: str) -> str:
    return {"Oslo": "4 °C", "Bergen": "7 °C"}[city]


FUNCTIONS = {"get_weather": get_weather}


def answering(answer: Any) -> Any:
    """A client that answers every call so, one by one."""

    def client(app: App) -> str:
        run = app.asked()
        while run.status == "requires_action":
            outputs = [{"tool_call_id": item.id, "output": answer(item.function)} for item in called(run)]
            run = app.wait_for(app.submit(run, outputs), "requires_action")
        return app.newest()

    return client


def unpacks(function):
    return get_weather(**json.loads(function.arguments))


def takes_the_key(function):
    return get_weather(json.loads(function.arguments)["city"])


def looks_it_up(function):
    return FUNCTIONS[function.name](**json.loads(function.arguments))


def says_what_is_wrong(function):
    try:
        return looks_it_up(function)
    except (KeyError, TypeError, ValueError) as error:
        return f"error: {error!r}"


def gives_an_object(function):
    return {"temperature": unpacks(function)}


def gives_a_text(function):
    return json.dumps(gives_an_object(function))


def takes_eleven_minutes(function):
    time.sleep(11 * 60)
    return unpacks(function)


def promises(function):
    return "It will take some minutes."


def answers_the_first(app):
    run = app.asked()
    app.submit(run, temperatures(called(run)[:1]))


def submits_again(app):
    run = app.asked()
    app.submit(run, temperatures(called(run)))
    app.submit(run, temperatures(called(run)))


def submits_where_it_is_wanted(app):
    known = app.asked()
    for _ in range(2):
        if app.look(known).status == "requires_action":
            app.submit(known, temperatures(called(known)))


def formula(app: App) -> str:
    return called(app.asked())[0].function.arguments


def reads_a_formula(app):
    return json.loads(formula(app))["formula"]


def reads_backslashes(app):
    return json.loads(formula(app).replace("\\", "\\\\"))["formula"]


STRING = "CONTRACT §11: arguments is a JSON string that may be malformed, `{}`, or have bad escapes"
OUTPUT = "CONTRACT §11: output must be a string (SEED2)"


def careless(arguments: str, answer: Any, fails: Raises, cause: str) -> Pitfall:
    script = [call("get_weather", arguments_json=arguments), say(COLD)]
    return Pitfall(STRING, [script], answering(answer), fails, answering(says_what_is_wrong), COLD, cause=cause)


PITFALLS = {
    "one of two calls is answered": Pitfall(
        "CONTRACT §11: two tool calls, one submitted (src#16918226287; SEED2/3)",
        [[calls(OSLO, BERGEN), say(COLD)]],
        answers_the_first,
        Raises(REFUSED, "Expected tool outputs for call_ids"),
        lambda app: answering(unpacks)(app) and None,
        None,
        cause="1 of 2 function calls were answered",
    ),
    "arguments are no JSON": careless(
        '{"city": "Os',
        unpacks,
        Raises(json.JSONDecodeError, "Unterminated"),
        "called get_weather with arguments that are not JSON",
    ),
    "arguments are empty": careless(
        "", unpacks, Raises(json.JSONDecodeError, "Expecting value"), "called get_weather with arguments that are no"
    ),
    "an argument is missing, by its key": careless(
        "{}", takes_the_key, Raises(KeyError, "city"), "called get_weather without 'city', with {}"
    ),
    "an argument is missing, by its name": careless(
        "{}",
        unpacks,
        Raises(TypeError, "missing 1 required positional argument"),
        "called get_weather without 'city'",
    ),
    "a function that is not there": Pitfall(
        STRING,
        [[call("get_wether", city="Oslo"), say(COLD)]],
        answering(looks_it_up),
        Raises(KeyError, "get_wether"),
        answering(says_what_is_wrong),
        COLD,
        cause="the model called get_wether, and the code has no such function",
    ),
    "backslashes in arguments": Pitfall(
        "CONTRACT §11: SEED2 shows \\f, \\t mangled by LaTeX in arguments",
        [[call("show", arguments_json='{"formula": "\\frac{1}{2}"}')]],
        reads_a_formula,
        "\frac{1}{2}",
        reads_backslashes,
        "\\frac{1}{2}",
        cause="the model wrote backslashes into the arguments of show",
    ),
    "an output is no text": Pitfall(
        OUTPUT,
        [[OSLO, say(COLD)]],
        answering(gives_an_object),
        Raises(REFUSED, "expected a string, but got an object|str type expected"),
        answering(gives_a_text),
        COLD,
        cause="the output of a tool has to be a string",
    ),
    "a tool takes eleven minutes": Pitfall(
        "CONTRACT §11: submit after a slow tool (src#13998428363)",
        [[OSLO, say(COLD)]],
        answering(takes_eleven_minutes),
        Raises(REFUSED, 'Runs in status "expired" do not accept tool outputs.'),
        answering(promises),
        COLD,
        cause=r"run_\w+ expired 600 s after its creation, before the outputs came",
    ),
    "outputs are submitted twice": Pitfall(
        "CONTRACT §11: submit when the poll object is stale (src#29589032493)",
        [[OSLO, say(COLD)]],
        submits_again,
        Raises(REFUSED, 'Runs in status "queued" do not accept tool outputs.'),
        submits_where_it_is_wanted,
        None,
        cause="was queued, not requires_action: the code has an outdated copy of the run",
    ),
}
