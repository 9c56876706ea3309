"""Bytes in a scenario: as text, as base64, or as a file in the scenario's own folder."""

import base64
import binascii
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from harness.scenarios.places import Place
from harness.service.products import Product


def _is_base64(text: str) -> str:
    try:
        decoded(text)
    except (binascii.Error, ValueError) as error:
        # a literal template, as pydantic's types demand: the input must not be part of it
        raise PydanticCustomError("base64", "Input should be {kind}", {"kind": f"base64: {error}"}) from error
    return text


def decoded(text: str) -> bytes:
    """The bytes of a base64 text; white space in it is ignored."""
    return base64.b64decode("".join(text.split()), validate=True)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


class StrictModel(BaseModel):
    """An object that allows no unknown keys and converts no types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Base64(StrictModel):
    """Bytes."""

    base64: Annotated[
        str,
        AfterValidator(_is_base64),
        Field(json_schema_extra={"contentEncoding": "base64"}, description="The bytes."),
    ]


class NamedImage(Base64):
    """A picture."""

    name: str | None = Field(None, description="Its name below /mnt/data.")


class LocalFile(StrictModel):
    """A file on this machine. Only a scenario file may name one, and only one in its own folder."""

    path: str = Field(description="Relative to the scenario file, and not outside its folder.")


def resolved(value: Any, place: Place) -> Any:
    """A validated value with bytes in place of the models that describe them, also within lists and dicts.

    Raises:
        HarnessFailure: a file cannot be read, or must not be.
    """
    match value:
        case LocalFile():
            return read(value.path, place / "path")
        case NamedImage(name=str() as name):
            return Product(name, decoded(value.base64))
        case Base64():
            return decoded(value.base64)
        case list():
            return [resolved(item, place / index) for index, item in enumerate(value)]
        case dict():
            return {key: resolved(item, place / key) for key, item in value.items()}
    return value


def read(path: str, place: Place) -> Product:
    """Read a file in the scenario's own folder.

    Raises:
        HarnessFailure: there is no such folder, the path is outside of it, or the file cannot be read.
    """
    folder = place.source.folder
    if folder is None:
        raise place.failure(
            f"{path!r} is a path, and only scenario files name files on this machine.", do='{"base64": "…"}'
        )
    try:
        home = folder.resolve()
        file = (home / path).resolve()
        if not file.is_relative_to(home):
            raise place.failure(f"{path!r} is outside the scenario's own folder, {folder}.", do=f"cp {path} {folder}")
        return Product(Path(path).name, file.read_bytes())
    except (OSError, ValueError) as error:  # a null character in the path is a ValueError
        raise place.failure(f"{path!r} cannot be read: {error}", do=f"ls -l {folder}") from error
