"""Azure's own bodies (CONTRACT §1.8, §8): how they differ from OpenAI's, and that nothing else differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from test_params import (
    ACCEPTED_V1,
    ACCEPTED_V2,
    FUNCTION,
    REFUSED_V1,
    REFUSED_V2,
    TOOLS,
    assistant,
    refusal_of,
    run,
    too_long,
    too_many,
)

from harness.service import params
from harness.service.params import v1, v2
from harness.service.params.azure import on_azure
from harness.service.params.store_search import Compound
from harness.service.params.upload import Upload
from harness.service.routes import ROUTES

if TYPE_CHECKING:
    from pydantic import BaseModel
    from test_params import Refused

AZURES_TOOLS = "'code_interpreter', 'function', 'file_search', and 'openapi'"
FILES = "tool_resources.code_interpreter.file_ids"
OPENAPI = {"type": "openapi", "openapi": {"name": "weather", "spec": {"openapi": "3.0.0"}}}


def described(length: int) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "description": "d" * length}}


def files(count: int) -> dict[str, Any]:
    return {"tool_resources": {"code_interpreter": {"file_ids": ["assistant-1"] * count}}}


# --- what is Azure's own ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (v2.CreateAssistant, assistant(tools=[described(1024), OPENAPI], **files(10_000))),
        (v2.ModifyAssistant, {"tools": [FUNCTION, OPENAPI], **files(10_000)}),
        (v2.CreateThread, files(10_000)),
        (v2.ModifyThread, files(10_000)),
        (v2.CreateRun, run(tools=[OPENAPI])),
        (v2.CreateThreadAndRun, run(tools=[OPENAPI], thread=files(10_000), **files(10_000))),
    ],
)
def test_azure_takes_a_fourth_tool_and_many_files(model: type[BaseModel], body: dict[str, Any]) -> None:
    assert params.validate(on_azure(model), body, "v2").model_dump(exclude_unset=True) == body
    refusal_of(model, body, "v2")


@pytest.mark.parametrize(
    "case",
    [
        too_long(v2.CreateAssistant, assistant(tools=[described(1025)]), "tools[0].function.description", 1024),
        too_long(v2.ModifyAssistant, {"tools": [FUNCTION, described(1025)]}, "tools[1].function.description", 1024),
        too_long(v2.CreateRun, run(tools=[described(1025)]), "tools[0].function.description", 1024),
        too_long(v2.CreateThreadAndRun, run(tools=[described(1025)]), "tools[0].function.description", 1024),
        too_many(v2.CreateAssistant, assistant(**files(10_001)), FILES, 10_000),
        too_many(v2.ModifyThread, files(10_001), FILES, 10_000),
        too_many(v2.CreateThreadAndRun, run(thread=files(10_001)), f"thread.{FILES}", 10_000),
    ],
    ids=lambda case: f"{case.model.__name__}:{case.param}",
)
def test_azure_has_limits_of_its_own(case: Refused) -> None:
    refusal = refusal_of(on_azure(case.model), case.body, "v2")
    assert (refusal.status, refusal.message, refusal.param, refusal.code) == (400, *case[2:])


@pytest.mark.parametrize("model", [v1.CreateAssistant, v1.CreateRun])
def test_a_description_is_no_longer_in_v1(model: type[BaseModel]) -> None:
    body = {**assistant(), **run(), "tools": [described(1025)]}
    body = {name: value for name, value in body.items() if name in model.model_fields}
    assert refusal_of(on_azure(model), body, "v1").message.endswith(
        "\nbody -> tools -> 0 -> function -> description\n"
        "  ensure this value has at most 1024 characters (type=value_error.any_str.max_length; limit_value=1024)"
    )
    params.validate(model, body, "v1")


# --- what is not --------------------------------------------------------------------------------------------


def test_bodies_without_a_part_of_azures_are_the_common_ones() -> None:
    Compound.model_rebuild()  # pydantic does so at the first search: from then on filters hold filters
    bodies = {route.bodies["v2"] for route in ROUTES if "v2" in route.bodies}
    own = {body.__name__ for body in bodies if on_azure(body) is not body}
    assert own == {
        "CreateAssistant",
        "CreateRun",
        "CreateThread",
        "CreateThreadAndRun",
        "ModifyAssistant",
        "ModifyThread",
    }
    assert on_azure(Upload) is Upload


@pytest.mark.parametrize(("model", "body"), ACCEPTED_V2)
def test_azure_takes_what_v2_takes(model: type[BaseModel], body: dict[str, Any]) -> None:
    assert params.validate(on_azure(model), body, "v2").model_dump(exclude_unset=True) == body


@pytest.mark.parametrize(("model", "body", "read"), ACCEPTED_V1)
def test_azure_takes_what_v1_takes(model: type[BaseModel], body: dict[str, Any], read: dict[str, Any]) -> None:
    found = params.validate(on_azure(model), body, "v1").model_dump(exclude_unset=True)
    assert found == (read or found)


@pytest.mark.parametrize(
    "case",
    [case for case in REFUSED_V2 if case.param != FILES],
    ids=lambda case: f"{case.model.__name__}:{case.code}:{case.param}",
)
def test_azure_refuses_what_v2_refuses(case: Refused) -> None:
    """In the same words, but for the list of tools."""
    refusal = refusal_of(on_azure(case.model), case.body, "v2")
    words = [TOOLS, TOOLS.replace("and", "or")]
    message = case.message
    if case.param is not None and case.param.startswith("tools["):
        for word, known in zip(words, [AZURES_TOOLS, AZURES_TOOLS.replace("and", "or")], strict=True):
            message = message.replace(word, known)
    assert (refusal.status, refusal.message, refusal.param, refusal.code) == (400, message, *case[3:])


@pytest.mark.parametrize(("model", "body", "problems"), REFUSED_V1)
def test_azure_refuses_what_v1_refuses(model: type[BaseModel], body: object, problems: dict[str, str]) -> None:
    assert refusal_of(on_azure(model), body, "v1").message == refusal_of(model, body, "v1").message
