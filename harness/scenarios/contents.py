"""Bytes in a scenario: as text, as base64, or as a file that lies in the scenario's own folder."""

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
        # the stub wants a literal, to keep what clients send out of templates
        raise PydanticCustomError("base64", "Input should be {kind}", {"kind": f"base64: {error}"}) from error
    return text


def decoded(text: str) -> bytes:
    """The bytes that base64 stands for; line ends and indentation in it do not count."""
    return base64.b64decode("".join(text.split()), validate=True)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


class Closed(BaseModel):
    """An object without unknown keys, and with JSON types as they are."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Base64(Closed):
    """Bytes."""

    base64: Annotated[
        str,
        AfterValidator(_is_base64),
        Field(json_schema_extra={"contentEncoding": "base64"}, description="The bytes."),
    ]


class Drawing(Base64):
    """A picture."""

    name: str | None = Field(None, description="Its name below /mnt/data.")


class InFolder(Closed):
    """A file on this machine. Only a scenario file may name one, and only one that lies in its own folder."""

    path: str = Field(description="Relative to the scenario file, and not outside its folder.")


def plain(value: Any, place: Place) -> Any:
    """What a validated value stands for: bytes and files in place of what describes them, lists and dicts of them too.

    Raises:
        HarnessFailure: a file cannot be read, or must not be.
    """
    match value:
        case InFolder():
            return read(value.path, place / "path")
        case Drawing(name=str() as name):
            return Product(name, decoded(value.base64))
        case Base64():
            return decoded(value.base64)
        case list():
            return [plain(item, place / index) for index, item in enumerate(value)]
        case dict():
            return {key: plain(item, place / key) for key, item in value.items()}
    return value


def read(path: str, place: Place) -> Product:
    """A file of the scenario's own folder.

    Raises:
        HarnessFailure: there is no such folder, the path leads out of it, or the file cannot be read.
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
            raise place.failure(f"{path!r} lies outside the scenario's own folder, {folder}.", do=f"cp {path} {folder}")
        return Product(Path(path).name, file.read_bytes())
    except (OSError, ValueError) as error:  # a null character in the path is a ValueError
        raise place.failure(f"{path!r} cannot be read: {error}", do=f"ls -l {folder}") from error
