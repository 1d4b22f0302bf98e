"""``/files/{id}/versions``: the versions of a file, and a former one made the newest again."""

from contextlib import closing
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from xrm_core.errors import BadRequest, XrmError
from xrm_core.graphql import answers
from xrm_core.records import read_log
from xrm_core.server.browser import credentials
from xrm_core.server.file_intake import FileIntake
from xrm_core.server.files_http import SAFE_HEADERS, refused, require_ready, shape_of, stored
from xrm_core.server.site import Serving, Site
from xrm_core.server.sites import address_of, named_in, site_of
from xrm_core.storage.file_store import FOR_ANY, StoredFile
from xrm_core.storage.policy_sets import require_current

_IN_MEMORY = 1024 * 1024
_Found = list[tuple[StoredFile, str, str | None]]


class FileVersionsEndpoint:
    """The ASGI application behind the versions of a file.

    Args:
        intake: the way of new files into a site.
        timeout: seconds that a statement may take.
    """

    def __init__(self, intake: FileIntake, timeout: float) -> None:
        self._intake = intake
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive, send)
        try:
            response = await (self._restore(request) if request.method == "POST" else self._list(request))
        except ClientDisconnect:
            return
        except XrmError as error:
            response = refused(error)
        except Exception as error:
            response = refused(answers.unexpected(error))
        await response(scope, receive, send)

    async def _list(self, request: Request) -> Response:
        found = await self._versions(request, site_of(request.scope))
        shapes = [
            {**shape_of(request, file), "createdAt": created_at, "createdBy": by} for file, created_at, by in found
        ]
        return JSONResponse({"versions": shapes}, 200, SAFE_HEADERS)

    async def _restore(self, request: Request) -> Response:
        """Store the content of a former version once more, as the version after this one."""
        site, wanted = site_of(request.scope), request.query_params.get("restore")
        await self._intake.check(request, site)
        newest, *former = [file for file, _, _ in await self._versions(request, site)]
        chosen = next((file for file in former if file.id == wanted), None)
        if chosen is None:
            raise BadRequest(
                "«restore» names no former version of this file.", hint="GET at this address lists them by their ids."
            )
        require_ready(chosen)
        with self._intake.slots.one(site.name), SpooledTemporaryFile(_IN_MEMORY) as spool:
            content = cast(BinaryIO, spool)
            await site.on_files(self._copy, site, chosen, content)
            named = chosen.name, chosen.media_type, content, chosen.sha256
            sealed = (chosen.sealed is not None and not chosen.sealed.startswith(FOR_ANY)) or None
            return stored(request, await self._intake.store(request, site, *named, version_of=newest.id, sealed=sealed))

    async def _versions(self, request: Request, site: Site) -> _Found:
        async def find(serving: Serving) -> _Found:
            address, view_as = address_of(request.scope), named_in(request.scope)
            caller = await serving.authenticator.user(credentials(request.scope, site.name), address)
            if view_as is not None:
                caller = await site.viewing(serving, caller, view_as, address)

            def read() -> tuple[_Found, read_log.Reads]:
                with site.database.read(self._timeout) as connection:
                    require_current(connection, serving.blueprint.model, serving.policies)
                    found = serving.files.versions(connection, caller, request.path_params["file_id"])
                    return found, serving.files.logged_reads(connection, found[0][0].id)

            def keep(reads: read_log.Reads) -> None:
                with site.database.begin(self._timeout) as connection:
                    read_log.write(connection, caller, address, reads)

            found, reads = await site.on_files(read)
            if reads:  # without log, no content: whoever stores a copy of it may read that
                site.require_writable()
                await site.on_files(keep, reads)
            return found

        return await site.on_newest(find)

    def _copy(self, site: Site, file: StoredFile, into: BinaryIO) -> None:
        contents = self._intake.stores.of(site.name)
        with closing(contents.reader(site.database, file, range(file.size), self._timeout)) as reader:
            for piece in iter(reader.read, b""):
                into.write(piece)
