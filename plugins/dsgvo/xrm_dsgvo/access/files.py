"""The files that go along with an answer, as links for a short time: who makes answers may read no records."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from xrm_core.api import Record, Refuse, Route, RouteContext, VaultedFile, file_in_vault
from xrm_dsgvo.access.answering import made
from xrm_dsgvo.access.mentioned_files import as_fields
from xrm_dsgvo.access.portable import is_portable
from xrm_dsgvo.requests.states import REQUEST, may

MOST_RESTRICTED = 100 << 20
"""Bytes of restricted files that are handed over with an answer."""

_UNSAFE = re.compile(r"[^\w.() -]|^\.+")
_RIGHTS = {"access": "dsgvo.access", "portability": "dsgvo.portable"}


def routes() -> list[Route]:
    """``/answers/{request}/files``, for who may make the answer, and ``…/files/{file}`` for one that is restricted."""
    path = "/answers/{request}/files"
    return [Route(path, files, seconds=60.0), Route(f"{path}/{{file}}", restricted_file, seconds=60.0)]


def files(context: RouteContext) -> Response:
    """The files of an answer, each with a link. Raises Refuse: it is no request of which an answer is made."""
    return JSONResponse([_told(context, *each) for each in _asked(context)])


def restricted_file(context: RouteContext) -> Response:
    """A file of the answer that lies in the vault: no link leads there.

    Raises:
        Refuse: it is no request of which an answer is made, or there is no such file in it.
    """
    id_ = _id(context.request.path["file"])
    for record, field in _asked(context):
        if field["value"]["id"] == id_ and (file := file_in_vault(context, id_)) is not None:
            context.shown(record["entity"], record["id"], [field["name"]])
            return as_answer(file)
    raise Refuse({"en": "There is no such file in the answer.", "de": "Diese Datei gehört nicht zur Auskunft."})


def as_answer(file: VaultedFile) -> Response:
    """A file to be kept by whoever has asked; no browser shows it as a page."""
    name = quote(file.name, safe="")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}", "x-content-type-options": "nosniff"}
    return Response(b"".join(file.pieces()), headers=headers, media_type=file.media_type)


def _asked(context: RouteContext) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    request = context.read(REQUEST, _id(context.request.path["request"]))
    right = _RIGHTS.get(request["kind"], "") if request is not None and _is_made(request) else ""
    caller: Any = context.caller
    if request is None or not right or not caller.access.may_run(right):
        text = {"en": "There is no such request that you work on.", "de": "Diese Anfrage bearbeiten Sie nicht."}
        raise Refuse(text)
    return list(files_of(made(context, request).content))


def _is_made(request: Record) -> bool:
    """Whether the platform makes an answer to it, now."""
    return may("make", request["status"]) and not request["heir"]


def files_of(content: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Records and their fields that hold files, as far as the answer has them; those that only name the person, too."""
    takes_along = content["meta"]["right"] == "portability"
    for record in content["data"]:
        for field in record["fields"]:
            if field["isFile"] and (is_portable(field) or not takes_along):
                yield record, field
    yield from as_fields(content)


@dataclass(frozen=True, slots=True)
class Packed:
    """A restricted file of an answer, and where in a ZIP it goes."""

    path: str
    file: VaultedFile

    @property
    def id(self) -> str:
        """Of the file."""
        return self.file.id

    def pieces(self) -> Iterator[bytes]:
        """Its content."""
        return self.file.pieces()


def restricted_files(context: Any, content: Mapping[str, Any], most: int) -> Iterator[Packed]:
    """The files of an answer that lie in the vault, where no link leads: they are handed over with it.

    Raises:
        Refuse: all of them have more than ``most`` bytes.
        SealingUnavailable: they cannot be opened.
    """
    total, seen = 0, set[str]()
    for _, field in files_of(content):
        file = None if field["value"]["id"] in seen else file_in_vault(context, field["value"]["id"])
        if file is None:
            continue
        total += file.size
        if total > most:
            raise Refuse({"en": "It is too large: send it by hand.", "de": "Sie ist zu groß: von Hand senden."})
        seen.add(file.id)
        yield Packed(f"files/{len(seen)}-{_UNSAFE.sub('_', file.name) or 'file'}", file)


def _told(context: RouteContext, record: Mapping[str, Any], field: Mapping[str, Any]) -> dict[str, Any]:
    file = field["value"]
    if file_in_vault(context, file["id"]) is not None:
        url, until = (
            f"{context.request.base}/plugins/dsgvo/answers/{context.request.path['request']}/files/{file['id']}",
            None,
        )
    else:
        url, until = context.link_to_file(file["id"])
    names = {"entity": record["entity"], "record": record["id"], "field": field["name"]}
    return {**names, **file, "url": url, "expiresAt": until}


def _id(text: str) -> str:
    """An id as it may be asked for. Raises Refuse: it is none."""
    if len(text) != len("018f0000-0000-7000-8000-000000000000") or not set(text) <= set("0123456789abcdef-"):
        raise Refuse({"en": "That is no request.", "de": "Das ist keine Anfrage."})
    return text
