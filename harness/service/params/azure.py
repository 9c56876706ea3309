"""The bodies that Azure accepts: those of OpenAI, with some parts replaced by Azure's own.

Evidence: CONTRACT §1.8 and §8. That the fourth tool type is called `openapi` is a guess (G), from a text that was cut
off after `opena`; its content is not checked, and the model never uses it.
"""

from copy import copy
from functools import cache, reduce
from operator import getitem, or_
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Discriminator, Field, create_model

from harness.service.params import v2
from harness.service.params.common import (
    ABSENT,
    Body,
    CodeInterpreterTool,
    FunctionDefinition,
    FunctionTool,
    array_of,
    by_type,
    of_type,
)
from harness.service.params.tool_resources import CodeInterpreterResources


class OpenApiTool(Body):
    type: Literal["openapi"]
    openapi: dict[str, Any]


class Described(FunctionDefinition):
    description: Annotated[str, Field(max_length=1024)] = ABSENT


class ManyFiles(CodeInterpreterResources):
    file_ids: Annotated[list[str], Field(max_length=10_000), array_of("strings")] = ABSENT


Tool = Annotated[
    CodeInterpreterTool
    | Annotated[FunctionTool, of_type("function")]
    | Annotated[v2.FileSearchTool, of_type("file_search")]
    | Annotated[OpenApiTool, of_type("openapi")],
    Discriminator(by_type),
]

REPLACEMENTS: dict[Any, Any] = {FunctionDefinition: Described, CodeInterpreterResources: ManyFiles, v2.Tool: Tool}
# The generic types that may contain such a part, besides unions and other bodies.
WRAPPERS: tuple[Any, ...] = (Annotated, list)


@cache
def on_azure(hint: Any, inside: frozenset[Any] = frozenset()) -> Any:
    """A body, or any other type, with its parts replaced by Azure's; the same type if it has none of them.

    Types may be recursive, as the filters of a search are: those in `inside` are being replaced already.

    >>> on_azure(v2.CreateMessage) is v2.CreateMessage, on_azure(v2.CreateRun) is v2.CreateRun
    (True, False)
    """
    hint = REPLACEMENTS.get(hint, hint)
    if hint in inside:
        return hint
    kind, parts = get_origin(hint), get_args(hint)
    if kind in WRAPPERS:
        return getitem(kind, (on_azure(parts[0], inside), *parts[1:]))
    if kind in (Union, UnionType):
        return reduce(or_, (on_azure(part, inside) for part in parts))
    if not isinstance(hint, type(BaseModel)):
        return hint
    own: dict[str, Any] = {}
    for name, field in hint.model_fields.items():
        common: Any = field.annotation
        if (found := on_azure(common, inside | {hint})) != common:
            own[name] = found, copy(field)  # before 2.12 pydantic writes the new type into the field it is given
    return create_model(hint.__name__, __base__=hint, **own) if own else hint
