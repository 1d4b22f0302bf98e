"""``/files/uploads``: uploads that can be resumed, by tus 1.0.0.

A piece is stored while it comes, a mebibyte at a time, each in a transaction of its own: a line that breaks, or a
server that ends, costs no more than that. All servers of a database know of it: the next piece may go to any of them.
"""

from collections.abc import AsyncIterator, Mapping
from email.utils import format_datetime
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from xrm_core.errors import BadRequest, FileRefused, FileTooLarge, Forbidden, NotFound, RefusedByPlugin, XrmError
from xrm_core.graphql import answers
from xrm_core.permissions.caller import User
from xrm_core.query.files import PATH
from xrm_core.records import uploads
from xrm_core.sealed.errors import SealedValueForeign
from xrm_core.server import tus
from xrm_core.server.browser import credentials
from xrm_core.server.file_intake import FileIntake, sealed_in, sealed_on_its_way
from xrm_core.server.files_http import SAFE_HEADERS, refused
from xrm_core.server.negotiation import UnsupportedMediaType
from xrm_core.server.site import Serving, Site
from xrm_core.server.sites import address_of, named_in, site_of
from xrm_core.server.upload_limits import counted
from xrm_core.storage import upload_store
from xrm_core.storage.policy_sets import require_current
from xrm_core.storage.upload_store import Upload

UPLOADS = "/files/uploads"
_PIECE_BYTES = 1024 * 1024
_TUS = {"tus-resumable": tus.VERSION}


class UploadsEndpoint:
    """The ASGI application behind ``/files/uploads``.

    Args:
        intake: the way of new files into a site.
        timeout: seconds that a statement may take.
    """

    def __init__(self, intake: FileIntake, timeout: float) -> None:
        self._stores = intake.stores
        self._looked_at = intake.looked_at
        self._max_bytes = intake.max_bytes
        self._timeout = timeout
        self._slots = intake.slots
        self._versions = intake.versions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive, send)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except XrmError as error:
            response = refused(error)
        except Exception as error:
            response = refused(answers.unexpected(error))
        response.headers.update(_TUS)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        site = site_of(request.scope)
        if request.method == "OPTIONS":
            await site.user(credentials(request.scope, site.name), address_of(request.scope))
            return _empty(204, **self._abilities())
        match request.method:
            case "POST":
                return await self._begin(request, site)
            case "HEAD":
                return self._told(request, await self._known(request, site), 200)
            case "PATCH":
                return await self._continue(request, site)
            case _:
                await self._known(request, site, writes=True)
                upload_id = request.path_params["file_id"]
                await site.on_files(self._end, site, upload_id)
                return _empty(204)

    def _abilities(self) -> dict[str, str]:
        names = {"version": tus.VERSION, "extension": tus.EXTENSIONS, "max-size": str(self._max_bytes)}
        return {f"tus-{name}": value for name, value in names.items()} | {
            "tus-checksum-algorithm": ",".join(tus.ALGORITHMS)
        }

    # -- beginning, and how it stands -------------------------------------------------------------------------------

    async def _begin(self, request: Request, site: Site) -> Response:
        async def check(serving: Serving) -> None:
            serving.files.check_upload(await self._caller(request, site, serving, writes=True))

        await site.on_newest(check)
        tus.require_version(request.headers)
        said, size = tus.metadata_in(request.headers), tus.number_in(request.headers, "upload-length")
        checksum = tus.checksum_in(request.headers)

        async def begin(serving: Serving) -> Upload:
            caller = await self._caller(request, site, serving, writes=True)
            return await site.on_files(self._begun, site, serving, caller, said, size)

        upload = await site.on_newest(begin)
        if request.headers.get("content-type") == tus.PIECE:
            upload = await self._taken(request, site, upload, checksum)
        response = self._told(request, upload, 201)
        response.headers["location"] = f"{request.scope.get('root_path', '')}{UPLOADS}/{upload.id}"
        return response

    def _begun(self, site: Site, serving: Serving, caller: User, said: Mapping[str, str], size: int) -> Upload:
        with site.database.begin(self._timeout) as connection:
            require_current(connection, serving.blueprint.model, serving.policies)
            serving.authenticator.require_still_held(connection, caller)
            return uploads.begin(
                connection,
                serving.files,
                caller,
                name=said.get("filename") or said.get("name"),
                media_type=said.get("filetype") or said.get("type"),
                size=size,
                sha256=said.get("sha256"),
                max_bytes=self._max_bytes,
                version_of=said.get("version_of"),
                sealed=sealed_in(said),
            )

    async def _known(self, request: Request, site: Site, *, writes: bool = False) -> Upload:
        async def find(serving: Serving) -> Upload:
            caller = await self._caller(request, site, serving, writes=writes)
            tus.require_version(request.headers)
            try:
                upload_id = str(UUID(request.path_params["file_id"]))
            except ValueError:
                raise NotFound("There is no such upload.") from None
            return await site.on_files(self._find, site, serving, caller, upload_id)

        return await site.on_newest(find)

    def _find(self, site: Site, serving: Serving, caller: User, upload_id: str) -> Upload:
        with site.database.read(self._timeout) as connection:
            require_current(connection, serving.blueprint.model, serving.policies)
            return uploads.find(connection, serving.files, caller, upload_id)

    def _told(self, request: Request, upload: Upload, status: int) -> Response:
        headers = {"upload-offset": str(upload.received), "upload-length": str(upload.size)}
        if upload.received == upload.size:  # it is a file
            headers["content-location"] = f"{request.scope.get('root_path', '')}{PATH}{upload.id}"
        else:
            headers["upload-expires"] = format_datetime(upload.expires_at, usegmt=True)
        return _empty(status, **headers)

    async def _caller(self, request: Request, site: Site, serving: Serving, *, writes: bool) -> User:
        caller = await serving.authenticator.user(credentials(request.scope, site.name), address_of(request.scope))
        if named_in(request.scope) is not None:
            raise Forbidden("Who views as somebody else changes nothing.", hint="Leave out the header X-View-As.")
        if writes:
            site.require_writable()
        return caller

    # -- pieces -----------------------------------------------------------------------------------------------------

    async def _continue(self, request: Request, site: Site) -> Response:
        upload = await self._known(request, site, writes=True)
        if request.headers.get("content-type") != tus.PIECE:
            raise UnsupportedMediaType(
                "Pieces come by their own media type.", hint=f"Send «Content-Type: {tus.PIECE}»."
            )
        checksum = tus.checksum_in(request.headers)
        if tus.number_in(request.headers, "upload-offset") != upload.received:
            raise uploads.moved(upload.received)
        if upload.received < upload.size:
            upload = await self._taken(request, site, upload, checksum)
        return self._told(request, upload, 204)

    async def _taken(self, request: Request, site: Site, upload: Upload, checksum: tus.Checksum | None) -> Upload:
        """The upload with what a request brings."""
        rest = upload.size - upload.received
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:18]) > rest:
            raise _too_much()
        limited = Request(request.scope, counted(request.receive, rest, _too_much))
        with self._slots.one(site.name):
            buffer = bytearray()
            try:
                async for chunk in limited.stream() if checksum is None else _checked(limited, checksum):
                    buffer += chunk
                    while len(buffer) > _PIECE_BYTES:  # the last byte stays: it comes with the file
                        upload = await self._appended(site, upload, bytes(buffer[:_PIECE_BYTES]))
                        del buffer[:_PIECE_BYTES]
            except (ClientDisconnect, BadRequest):  # the line broke: what has come is kept
                kept = bytes(buffer[: upload.size - upload.received - 1])
                if kept and checksum is None:
                    await self._appended(site, upload, kept)
                raise
            if upload.received + len(buffer) < upload.size:
                return await self._appended(site, upload, bytes(buffer)) if buffer else upload
            return await self._finished(request, site, upload, bytes(buffer))

    async def _appended(self, site: Site, upload: Upload, content: bytes) -> Upload:
        def append(serving: Serving) -> Upload:
            with site.database.begin(self._timeout) as connection:
                return uploads.append(connection, serving.files, upload, content)

        async def on(serving: Serving) -> Upload:
            return await site.on_files(append, serving)

        site.require_writable()
        return await site.on_newest(on)

    async def _finished(self, request: Request, site: Site, upload: Upload, last: bytes) -> Upload:
        async def finish(serving: Serving) -> Upload:
            # Once more: a slow upload may outlive the token, the role or the model that it began with.
            caller = await self._caller(request, site, serving, writes=True)
            return await site.on_files(self._finish, site, serving, caller, upload, last)

        try:
            return await site.on_newest(finish)
        except (FileRefused, RefusedByPlugin, NotFound, SealedValueForeign):  # it will be refused each time
            await site.on_files(self._end, site, upload.id)
            raise

    def _finish(self, site: Site, serving: Serving, caller: User, upload: Upload, last: bytes) -> Upload:
        with SpooledTemporaryFile(_PIECE_BYTES) as spool:
            content = cast(BinaryIO, spool)
            file, sealed = uploads.gather(site.database, serving.files, upload, last, content)
            file = self._looked_at(file, content)
            with (
                sealed_on_its_way(serving.files, site.database, file, content, sealed) as (file, content),
                self._stores.of(site.name).put(site.database, file, content) as kept,
                site.database.begin(self._timeout) as connection,
            ):
                require_current(connection, serving.blueprint.model, serving.policies)
                serving.authenticator.require_still_held(connection, caller)
                uploads.finish(connection, serving.files, caller, upload, file, kept, self._versions)
                return uploads.find(connection, serving.files, caller, upload.id)

    def _end(self, site: Site, upload_id: str) -> None:
        with site.database.begin(self._timeout) as connection:
            upload_store.end(connection, upload_id)


async def _checked(request: Request, checksum: tus.Checksum) -> AsyncIterator[bytes]:
    """A piece, once all of it has come and has the right checksum."""
    with SpooledTemporaryFile(_PIECE_BYTES) as spool:
        digest = checksum.new()
        async for chunk in request.stream():
            digest.update(chunk)
            spool.write(chunk)
        checksum.check(digest)
        spool.seek(0)
        while chunk := spool.read(_PIECE_BYTES):
            yield chunk


def _too_much() -> FileTooLarge:
    return FileTooLarge(
        "The piece goes beyond the end of the upload.", hint="Send as many bytes as Upload-Length says."
    )


def _empty(status: int, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status_code=status, headers={**SAFE_HEADERS, **named})
