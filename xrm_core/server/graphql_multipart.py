"""Files that come along with a GraphQL request, by the GraphQL multipart request specification.

Each is stored as ``POST /files`` would, and its id takes the place of the null in the variables; so what takes the id
of a file takes a file. Which file a role may attach where is for the mutation to find out. What it does not attach, or
is rolled back, is removed before the answer goes out.

A browser sends such a body also for other pages, without asking this server first. A cookie counts only as for every
other request that could change something: with a proof that it comes from a page of this origin.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import Receive, Scope

from xrm_core.errors import BadRequest
from xrm_core.server.file_intake import AROUND, FileIntake
from xrm_core.server.sites import site_of
from xrm_core.server.upload_limits import too_large
from xrm_core.storage.file_store import StoredFile

MAX_FILES = 20
"""Files that a request may bring; together they have as many bytes as one file may have."""

_SPEC = "Send the parts «operations», «map» and then the files: see the GraphQL multipart request specification."


class MultipartNotWellFormed(BadRequest):
    """A multipart body that is not as the specification says."""

    http_status = 422


class MultipartRequests:
    """Reads such requests.

    Args:
        intake: the way of new files into a site.
        max_body_bytes: of what is no file.
    """

    def __init__(self, intake: FileIntake, max_body_bytes: int) -> None:
        self._intake = intake
        self._max_body_bytes = max_body_bytes

    @asynccontextmanager
    async def read(
        self, scope: Scope, receive: Receive, parse: Callable[[bytes], dict[str, Any]]
    ) -> AsyncIterator[tuple[dict[str, Any], dict[str, str]]]:
        """The GraphQL request of a body, its files stored; those that nothing refers to at the block's end are removed.

        Beside it: id of each file → what is the same when it is sent once more.

        Args:
            scope: of the HTTP request.
            receive: nothing was taken from it yet.
            parse: reads the part «operations».

        Raises:
            MultipartNotWellFormed, FileTooLarge: nothing was stored.
            XrmError: a file is refused, or its sender is. None of them is kept.
        """
        request, site = Request(scope, receive), site_of(scope)
        await self._intake.check(request, site, self._max_body_bytes)
        stored: list[StoredFile] = []
        with self._intake.slots.one(site.name):
            try:
                async with self._form(request) as form:
                    content = parse(_text(form, "operations").encode())
                    for file, places in list(_mapped(form, content)):
                        kept = await self._intake.store(request, site, file.filename, file.content_type, file.file)
                        stored.append(kept)
                        for place in places:
                            _put(content, place, kept.id)
                yield content, {file.id: f"{file.sha256} {file.media_type} {file.name}" for file in stored}
            finally:
                if stored:
                    await self._intake.discard(site, stored)

    @asynccontextmanager
    async def _form(self, request: Request) -> AsyncIterator[FormData]:
        most = self._intake.max_bytes + self._max_body_bytes + AROUND
        form = self._intake.limited(request, most).form(
            max_files=MAX_FILES, max_fields=2, max_part_size=self._max_body_bytes
        )
        try:
            found = await form
        except (MultiPartException, HTTPException):
            raise MultipartNotWellFormed("The multipart body cannot be read.", hint=_SPEC) from None
        try:
            sizes = [each.size or 0 for each in found.values() if isinstance(each, UploadFile)]
            if sum(sizes) > self._intake.max_bytes:
                raise too_large(self._intake.max_bytes)
            yield found
        finally:
            await found.close()


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    if not isinstance(value, str):
        raise MultipartNotWellFormed(f"The part «{name}» is missing.", hint=_SPEC)
    return value


def _mapped(form: FormData, content: Mapping[str, Any]) -> Iterator[tuple[UploadFile, list[list[str]]]]:
    """Each file with the places in the variables where its id belongs."""
    try:
        given = orjson.loads(_text(form, "map"))
    except orjson.JSONDecodeError:
        given = None
    files = {name: value for name, value in form.multi_items() if isinstance(value, UploadFile)}
    if not isinstance(given, dict) or given.keys() != files.keys():
        raise MultipartNotWellFormed("The part «map» does not name the files that come.", hint=_SPEC)
    taken: set[str] = set()
    for name, paths in given.items():
        if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
            raise MultipartNotWellFormed("The part «map» has no list of paths for a file.", hint=_SPEC)
        places = [path.split(".") for path in paths]
        for path, place in zip(paths, places, strict=True):
            if path in taken or place[0] != "variables" or _at(content, place) is not None:
                raise MultipartNotWellFormed("The part «map» has a path at which no null stands.", hint=_SPEC)
            taken.add(path)
        yield files[name], places


def _at(content: Any, place: list[str]) -> Any:
    """What stands at a place; a text, which is no null, if there is no such place."""
    for step in place:
        if isinstance(content, list):
            content = content[int(step)] if step.isdecimal() and len(step) < 9 and int(step) < len(content) else ""
        else:
            content = content.get(step, "") if isinstance(content, dict) else ""
    return content


def _put(content: Any, place: list[str], id_: str) -> None:
    *way, last = place
    for step in way:
        content = content[int(step) if isinstance(content, list) else step]
    content[int(last) if isinstance(content, list) else last] = id_
