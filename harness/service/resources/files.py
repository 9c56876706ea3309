"""Files: the object and its endpoints (CONTRACT §1.5, §2.6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from harness.service import errors
from harness.service.bodies import Chunks
from harness.service.context import listing
from harness.service.http import Response
from harness.service.records import File
from harness.service.searching.extraction import extension

if TYPE_CHECKING:
    from harness.service.context import Call

# Uploads with these purposes are read by tools and cannot be downloaded (CONTRACT §1.5).
NOT_DOWNLOADABLE = frozenset({"assistants", "user_data"})

# The extensions that OpenAI accepted for assistants, as its refusal lists them (openai/openai-dotnet#270, October
# 2024), and two more: one is recorded, one is in a later list. Names without an extension are not known to be refused,
# and nor is any on Azure.
_NAMED = (
    "c cpp css csv docx gif go html java jpeg jpg js json md "
    "pdf php pkl png pptx py rb tar tex ts txt webp xlsx xml zip"
)
FORMATS = _NAMED.split()
ACCEPTED = frozenset({*FORMATS, "htm", "doc", ""})

# Names that need no escaping in a quoted header value; others are encoded (RFC 6266), which is not recorded.
PLAIN_NAME = re.compile(r"[ !#-\[\]-~]+")


def wire(call: Call, file: File) -> dict[str, Any]:
    return call.world.shapes.project(
        "file",
        call.api,
        {
            "object": "file",
            "id": file.id,
            "purpose": file.purpose,
            "filename": file.filename,
            "bytes": len(file.content),
            "created_at": file.created_at,
            "expires_at": file.expires_at,
            "status": file.status,
            "status_details": None,
        },
    )


def create(call: Call) -> dict[str, Any]:
    upload, now = call.body, call.world.second
    ending = extension(upload.filename)
    if upload.purpose == "assistants" and not call.azure and ending.lower() not in ACCEPTED:
        raise errors.invalid_extension(ending, FORMATS)
    lifetime = upload.expires_after_seconds
    file = File(
        id=call.store.ids.file(call.world.shapes, azure=call.azure, purpose=upload.purpose),
        created_at=now,
        filename=upload.filename,
        purpose=upload.purpose,
        content=upload.content,
        expires_at=None if lifetime is None else now + lifetime,
    )
    return wire(call, call.store.files.add(file))


def retrieve(call: Call) -> dict[str, Any]:
    return wire(call, call.file)


def delete(call: Call) -> dict[str, Any]:
    """Delete the file, and remove it from everything that names it (CONTRACT §1.5)."""
    file_id = call.file.id
    call.store.files.remove(file_id)
    for owner in (*call.store.assistants, *call.store.threads):
        files = owner.tool_resources.get("code_interpreter", {}).get("file_ids", [])
        if file_id in files:
            files.remove(file_id)
    for assistant in call.store.assistants:
        assistant.file_ids.pop(file_id, None)
    for thread in call.store.threads:
        for message in thread.messages:
            if file_id in message.file_ids:
                message.file_ids = [kept for kept in message.file_ids if kept != file_id]
    call.world.indexer.forget_file(file_id)
    gone = {"object": "file", "deleted": True, "id": file_id}
    return call.world.shapes.project("file deleted", call.api, gone)


def index(call: Call) -> dict[str, Any]:
    """The keys of this list have another order than those of other lists (CONTRACT §2.9)."""
    purpose = call.query.purpose
    where = None if purpose is None else lambda file: file.purpose == purpose
    page = listing(call, call.store.files, "file_id", lambda file: wire(call, file), where=where)
    return call.world.shapes.project("file list", call.api, page)


def content(call: Call) -> Response:
    """The bytes, unless only tools may read the file. A file on disk is streamed in chunks."""
    file = call.file
    if file.purpose in NOT_DOWNLOADABLE:
        raise errors.not_downloadable(file.purpose)
    plain = PLAIN_NAME.fullmatch(file.filename)
    name = f'filename="{file.filename}"' if plain else f"filename*=UTF-8''{quote(file.filename, safe='')}"
    return Response(
        200,
        {
            "content-type": "application/octet-stream",
            "content-disposition": f"attachment; {name}",
            "content-length": str(len(file.content)),
        },
        file.content if isinstance(file.content, bytes) else Chunks(file.content),
    )
