"""``POST /files`` stores a file, ``GET /files/{id}`` gives its content to those who may read it, or have a link.

The content of an upload is kept in a temporary file until it is whole: no transaction waits for a slow client. It goes
out chunk by chunk, each read by itself. What is stored came from somebody: it goes out as an attachment that no browser
runs, whatever it is.
"""

import hashlib
from collections.abc import Mapping
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast
from urllib.parse import quote
from uuid import UUID

import structlog
from sqlalchemy import true
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from xrm_core.errors import BadRequest, FileRefused, Forbidden, NotFound, Unauthenticated, XrmError
from xrm_core.graphql import answers
from xrm_core.permissions.caller import User
from xrm_core.query.files import PATH
from xrm_core.records import read_log
from xrm_core.records.files import Files
from xrm_core.server.browser import credentials
from xrm_core.server.entity_tags import has_already
from xrm_core.server.file_intake import AROUND, FileIntake, digest_of, sealed_in, sha256_in
from xrm_core.server.file_links import FileLinks
from xrm_core.server.file_ranges import RangeNotSatisfiable, part_of
from xrm_core.server.negotiation import is_multipart
from xrm_core.server.site import Serving, Site
from xrm_core.server.sites import address_of, named_in, site_of
from xrm_core.server.upload_limits import too_large
from xrm_core.storage import file_store
from xrm_core.storage.contents import Reader
from xrm_core.storage.contents.moving import move_passing
from xrm_core.storage.file_store import FileState, StoredFile
from xrm_core.storage.policy_sets import require_current

_log = structlog.get_logger(__name__)

_IN_MEMORY = 1024 * 1024

SAFE_HEADERS = {
    "cache-control": "no-store",
    "vary": "Authorization, Cookie, X-View-As",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}


class FileWithheld(XrmError):
    """A file cannot be read yet, or not any more; ``details.state`` is ``pending`` or ``quarantined``."""

    code = "FILE_WITHHELD"
    http_status = 403


class _CutShort(Exception):
    """An answer that has begun cannot be ended: the connection is closed, so nobody takes it for the whole file."""


class FilesEndpoint:
    """The ASGI application behind ``/files``; it answers for the site of the request.

    Args:
        intake: the way of new files into a site.
        timeout: seconds that a statement may take.
        links: signs addresses that need no token.
    """

    def __init__(self, intake: FileIntake, timeout: float, links: FileLinks) -> None:
        self._intake = intake
        self._stores = intake.stores
        self._timeout = timeout
        self._links = links

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive, send)
        try:
            if request.method != "POST":
                await self._download(request, send)
                return
            response = await (self._link(request) if "file_id" in request.path_params else self._upload(request))
        except ClientDisconnect:
            return
        except _CutShort:
            raise
        except XrmError as error:
            response = refused(error)
        except Exception as error:
            response = refused(answers.unexpected(error))
        await response(scope, receive, send)

    async def clean(self, site: Site) -> None:
        """Remove the files of a site that nobody has attached. What goes wrong is for the log alone."""

        async def clean(serving: Serving) -> int:
            removed = await site.on_files(serving.files.clean, site.database)
            contents = self._stores.of(site.name)
            await site.on_files(contents.sweep, site.database)
            await site.on_files(move_passing, site.database, contents)
            return removed

        try:
            removed = await site.on_newest(clean)
        except Exception as error:
            _log.warning("files_not_cleaned", tenant=site.name, kind=type(error).__name__)
        else:
            if removed:
                _log.info("files_cleaned", tenant=site.name, removed=removed)

    async def look_again(self, site: Site) -> None:
        """Scan the files of a site that are pending. What goes wrong is for the log alone."""
        try:
            site.require_writable()
            contents = self._stores.of(site.name)

            async def look(serving: Serving) -> int:
                return await site.on_files(self._intake.scans.look_again, site.database, contents, serving.files)

            done = await site.on_newest(look)
        except Exception as error:
            _log.warning("files_not_scanned", tenant=site.name, kind=type(error).__name__)
        else:
            if done:
                _log.info("files_scanned", tenant=site.name, count=done)

    # -- in ---------------------------------------------------------------------------------------------------------

    async def _upload(self, request: Request) -> Response:
        site = site_of(request.scope)
        await self._intake.check(request, site)
        with self._intake.slots.one(site.name):
            if is_multipart(request.headers.get("content-type")):
                file = await self._from_form(request, site)
            else:
                file = await self._from_body(request, site)
        return stored(request, file)

    async def _from_body(self, request: Request, site: Site) -> StoredFile:
        sha256 = sha256_in(request.headers.get("content-digest"))
        with SpooledTemporaryFile(_IN_MEMORY) as spool:
            async for chunk in self._intake.limited(request, self._intake.max_bytes).stream():
                spool.write(chunk)
            name, media_type = request.query_params.get("name"), request.headers.get("content-type")
            version_of = request.query_params.get("versionOf")
            said = name, media_type, cast(BinaryIO, spool), sha256, version_of
            return await self._intake.store(request, site, *said, sealed=sealed_in(request.query_params))

    async def _from_form(self, request: Request, site: Site) -> StoredFile:
        limited = self._intake.limited(request, self._intake.max_bytes + AROUND)
        try:
            async with limited.form(max_files=1, max_fields=10, max_part_size=AROUND) as form:
                file = form.get("file")
                if not isinstance(file, UploadFile):
                    raise BadRequest("The form has no file.", hint="Send it as the part «file», with a file name.")
                if (file.size or 0) > self._intake.max_bytes:
                    raise too_large(self._intake.max_bytes)
                version_of = request.query_params.get("versionOf")
                named = file.filename, file.content_type, file.file
                sealed = sealed_in(request.query_params)
                return await self._intake.store(request, site, *named, version_of=version_of, sealed=sealed)
        except (MultiPartException, HTTPException):
            raise BadRequest("The multipart body cannot be read.", hint="Send one part «file» with the file.") from None

    # -- out --------------------------------------------------------------------------------------------------------

    async def _download(self, request: Request, send: Send) -> None:
        site = site_of(request.scope)
        if "signature" in request.query_params:
            await self._send(request, site, await self._signed(request, site), send)
            return
        await self._send(request, site, await self._readable(request, site), send)

    async def _readable(self, request: Request, site: Site) -> StoredFile:
        """The file of a request, if who asks may read it; what is to be logged of that is logged.

        Raises:
            NotFound: there is none.
        """
        try:
            file_id = str(UUID(request.path_params["file_id"]))
        except ValueError:
            await site.user(credentials(request.scope, site.name), address_of(request.scope))
            raise _no_file() from None

        async def find(serving: Serving) -> StoredFile | None:
            address, view_as = address_of(request.scope), named_in(request.scope)
            caller = await serving.authenticator.user(credentials(request.scope, site.name), address)
            if view_as is not None:
                caller = await site.viewing(serving, caller, view_as, address)
            found, reads = await site.on_files(self._find, site, serving, caller, file_id)
            if reads:
                site.require_writable()
                await site.on_files(self._keep, site, caller, address, reads)
            return found

        found = await site.on_newest(find)
        if found is None:
            raise _no_file()
        require_ready(found)
        return found

    async def _link(self, request: Request) -> Response:
        """An address of the file that needs no token, for a short time."""
        site = site_of(request.scope)
        if named_in(request.scope) is not None:
            raise Forbidden("Who views as somebody else changes nothing.", hint="Leave out the header X-View-As.")
        file = await self._readable(request, site)
        query, expires_at = self._links.sign(site.name, file.id)
        path = f"{request.scope.get('root_path', '')}{PATH}{file.id}?{query}"
        return JSONResponse({"url": path, "expiresAt": expires_at}, 201, SAFE_HEADERS)

    async def _signed(self, request: Request, site: Site) -> StoredFile:
        """The file of a signed address. Who made that might read it, and was logged."""
        file_id, query = request.path_params["file_id"], request.query_params
        self._links.check(site.name, file_id, query.get("expires", ""), query["signature"])

        def find(files: Files) -> StoredFile | None:
            with site.database.read(self._timeout) as connection:
                found = file_store.find(connection, file_id, true(), {})
                return None if found is None else files.opened(connection, found)

        async def on(serving: Serving) -> StoredFile | None:
            return await site.on_files(find, serving.files)

        found = await site.on_newest(on)
        if found is None:
            raise _no_file()
        require_ready(found)
        return found

    def _find(
        self, site: Site, serving: Serving, caller: User, file_id: str
    ) -> tuple[StoredFile | None, read_log.Reads]:
        """The file, and what its content tells of entities whose reads are logged."""
        with site.database.read(self._timeout) as connection:
            require_current(connection, serving.blueprint.model, serving.policies)
            found = serving.files.find(connection, caller, file_id)
            sent = found is not None and found.state == FileState.READY
            found = None if found is None else serving.files.opened(connection, found)
            return found, serving.files.logged_reads(connection, file_id) if sent else []

    def _keep(self, site: Site, caller: User, address: str | None, reads: read_log.Reads) -> None:
        """Without log, no content."""
        with site.database.begin(self._timeout) as connection:
            read_log.write(connection, caller, address, reads)

    async def _send(self, request: Request, site: Site, file: StoredFile, send: Send) -> None:
        tag = f'"{file.sha256}"'
        headers = {**SAFE_HEADERS, "cache-control": "private, no-cache", "etag": tag, "accept-ranges": "bytes"}
        headers["repr-digest"] = digest_of(file.sha256)
        if has_already(", ".join(request.headers.getlist("if-none-match")), tag):
            await send({"type": "http.response.start", "status": 304, "headers": _raw(headers)})
            await send({"type": "http.response.body"})
            return
        sends = request.method == "GET"
        given = request.headers
        part = part_of(file.size, given.get("range"), given.get("if-range"), tag) if sends else None
        if part is not None:
            headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{file.size}"
        whole = range(file.size)
        headers["content-type"] = file.media_type
        headers["content-length"] = str(len(whole if part is None else part))
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
        status = 200 if part is None else 206
        if not sends:
            await send({"type": "http.response.start", "status": status, "headers": _raw(headers)})
            await send({"type": "http.response.body"})
            return
        reader = await site.on_files(self._reader, site, file, whole if part is None else part)
        try:
            # The first piece, before anything is sent: it may have been removed a moment ago.
            content = await site.on_files(reader.read)
            await send({"type": "http.response.start", "status": status, "headers": _raw(headers)})
            try:
                digest = hashlib.sha256(content)
                while following := await site.on_files(reader.read):
                    await send({"type": "http.response.body", "body": content, "more_body": True})
                    content = following
                    digest.update(content)
                if part is None and digest.hexdigest() != file.sha256:
                    _log.error("file_content_changed", tenant=site.name, file=file.id)
                    raise FileRefused("The content is not what was stored.")
            except Exception as error:
                raise _CutShort(f"the file {file.id} could not be sent whole: {type(error).__name__}") from error
            await send({"type": "http.response.body", "body": content})
        finally:
            await site.on_files(reader.close)

    def _reader(self, site: Site, file: StoredFile, part: range) -> Reader:
        return self._stores.of(site.name).reader(site.database, file, part, self._timeout)


def shape_of(request: Request, file: StoredFile) -> dict[str, Any]:
    """A file as answers tell of it."""
    shape = {"id": file.id, "name": file.name, "mediaType": file.media_type, "size": file.size, "sha256": file.sha256}
    url = f"{request.scope.get('root_path', '')}{PATH}{file.id}"
    return {**shape, "version": file.version, "state": file.state, "url": url}


def stored(request: Request, file: StoredFile) -> Response:
    """The answer to who has stored a file."""
    shape = shape_of(request, file)
    return JSONResponse(shape, 201, {**SAFE_HEADERS, "location": shape["url"]})


def refused(error: XrmError) -> Response:
    """An error in the one shape of errors."""
    headers = dict(SAFE_HEADERS)
    if isinstance(error, Unauthenticated):
        headers["www-authenticate"] = 'Bearer realm="xrm"'
    if isinstance(error, RangeNotSatisfiable):
        headers["content-range"] = f"bytes */{error.details['size']}"
    return JSONResponse({"errors": [answers.shape(error)]}, error.http_status, headers)


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def require_ready(file: StoredFile) -> None:
    """Raise :class:`FileWithheld` unless the file may be read."""
    if file.state == FileState.PENDING:
        raise FileWithheld(
            "The file is being scanned.", hint="Try again in a minute.", details={"state": FileState.PENDING}
        )
    if file.state != FileState.READY:
        raise FileWithheld(
            "The file is in quarantine: a scan has found something in it.",
            hint="Whoever runs the server can release it.",
            details={"state": FileState.QUARANTINED},
        )


def _no_file() -> NotFound:
    return NotFound("There is no such file, or none that you may read.")
