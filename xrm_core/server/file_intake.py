"""What comes in becomes a file: who sends it is asked before its bytes are read, and once more when they are there."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

import structlog
from starlette.requests import Request

from xrm_core.errors import BadRequest, FileRefused, Forbidden
from xrm_core.metadata.file_rules import FileRules
from xrm_core.permissions.caller import User
from xrm_core.records.file_scans import FileScans
from xrm_core.records.files import Files, described
from xrm_core.server.browser import credentials
from xrm_core.server.site import Serving, Site
from xrm_core.server.sites import address_of, named_in
from xrm_core.server.upload_limits import UploadSlots, counted, too_large
from xrm_core.storage.contents import Stores
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import StoredFile
from xrm_core.storage.policy_sets import require_current

_log = structlog.get_logger(__name__)
_IN_MEMORY = 1024 * 1024

AROUND = 64 * 1024
"""Bytes of a multipart body beside files: boundaries, headers, further fields."""

_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:,|$)", re.IGNORECASE)


class FileIntake:
    """The way of new files into a site.

    Args:
        max_bytes: of a file.
        timeout: seconds that a statement may take.
        slots: places for uploads.
        stores: where the content of files goes.
        scans: look at it before.
        versions: former versions of a file that are kept.
        media_types: that are taken at all, as in a field; none: all.
    """

    def __init__(
        self,
        max_bytes: int,
        timeout: float,
        slots: UploadSlots,
        stores: Stores,
        scans: FileScans,
        versions: int,
        media_types: tuple[str, ...] = (),
    ) -> None:
        self._rules = FileRules(media_types, max_bytes)
        self.versions = versions
        self.scans = scans
        self.max_bytes = max_bytes
        self.slots = slots
        self.stores = stores
        self._timeout = timeout

    async def check(self, request: Request, site: Site, more: int = 0) -> None:
        """Refuse who may not store files, and what says itself that it is too large, before its body is read.

        ``more`` bytes may come beside the files. Raises Unauthenticated, Forbidden, TenantReadonly and FileTooLarge.
        """

        async def check(serving: Serving) -> None:
            serving.files.check_upload(await self._caller(request, site, serving))

        await site.on_newest(check)
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length[:18]) > self.max_bytes + AROUND + more:
            raise too_large(self.max_bytes)

    def limited(self, request: Request, most: int) -> Request:
        """The request, which raises FileTooLarge when more bytes come."""
        return Request(request.scope, counted(request.receive, most, lambda: too_large(self.max_bytes)))

    async def store(
        self,
        request: Request,
        site: Site,
        name: str | None,
        media_type: str | None,
        content: BinaryIO,
        sha256: str | None = None,
        version_of: str | None = None,
        *,
        sealed: bool | None = None,
    ) -> StoredFile:
        """Store a file whose content is there, maybe as a version of another, ``sealed`` if that is wanted; None: if a
        sealed field takes such files.

        Raises as :meth:`~xrm_core.records.files.Files.store` does, and NotFound: there is no such other file.
        """

        async def store(serving: Serving) -> StoredFile:
            # Once more: a slow upload may outlive the token, the role or the model that it began with.
            caller = await self._caller(request, site, serving)
            said = name, media_type, content, sha256, version_of, sealed
            return await site.on_files(self._store, site, serving, caller, *said)

        return await site.on_newest(store)

    def looked_at(self, file: StoredFile, content: BinaryIO) -> StoredFile:
        """A new file in the state in which it is to be stored. It blocks, as long as scans take.

        Raises:
            FileRefused, RefusedByPlugin: it is not to be stored.
        """
        if not self._rules.takes(file.media_type):
            raise FileRefused(
                f"Files of the type {file.media_type} are not taken here.",
                hint=f"Send one of {', '.join(self._rules.media_types)}.",
            )
        return replace(file, state=self.scans.state_of_new(file, content))

    async def discard(self, site: Site, files: Sequence[StoredFile]) -> None:
        """Remove files of a moment ago that no record has come to refer to; if that fails, a clean-up does it later."""

        async def discard(serving: Serving) -> None:
            await site.on_files(self._discard, site, serving, [file.id for file in files])

        try:
            await site.on_newest(discard)
        except Exception as error:
            _log.warning("files_not_discarded", tenant=site.name, kind=type(error).__name__)

    async def _caller(self, request: Request, site: Site, serving: Serving) -> User:
        caller = await serving.authenticator.user(credentials(request.scope, site.name), address_of(request.scope))
        if named_in(request.scope) is not None:
            raise Forbidden("Who views as somebody else changes nothing.", hint="Leave out the header X-View-As.")
        site.require_writable()
        return caller

    def _store(
        self,
        site: Site,
        serving: Serving,
        caller: User,
        name: str | None,
        media_type: str | None,
        content: BinaryIO,
        sha256: str | None,
        version_of: str | None,
        sealed: bool | None,
    ) -> StoredFile:
        file = described(name, media_type, content, sha256=sha256)
        file = self.looked_at(file, content)
        with sealed_on_its_way(serving.files, site.database, file, content, sealed) as (stored, hidden):
            kept = self._put(site, serving, caller, stored, hidden, version_of)
        return replace(file, content_key=kept.content_key, version=kept.version, sealed=kept.sealed)

    def _put(
        self,
        site: Site,
        serving: Serving,
        caller: User,
        file: StoredFile,
        content: BinaryIO,
        version_of: str | None,
    ) -> StoredFile:
        with (
            self.stores.of(site.name).put(site.database, file, content) as kept,
            site.database.begin(self._timeout) as connection,
        ):
            require_current(connection, serving.blueprint.model, serving.policies)
            serving.authenticator.require_still_held(connection, caller)
            former = None if version_of is None else serving.files.require(connection, caller, version_of)
            return serving.files.keep(connection, caller, file, kept, former, self.versions)

    def _discard(self, site: Site, serving: Serving, ids: Sequence[str]) -> None:
        with site.database.begin(self._timeout) as connection:
            require_current(connection, serving.blueprint.model, serving.policies)
            serving.files.discard(connection, ids)


@contextmanager
def sealed_on_its_way(
    files: Files, database: Database, file: StoredFile, content: BinaryIO, wanted: bool | None
) -> Iterator[tuple[StoredFile, BinaryIO]]:
    """A new file as it is to be stored, sealed if that is to be, with its content.

    Args:
        files: of the model.
        database: where the file goes.
        file: in clear.
        content: in clear.
        wanted: whether it is to be sealed; None: if a sealed field takes such files.

    Raises:
        SealingUnavailable: it is to be sealed, and there is no key store.
    """
    if not files.seals(file, wanted):
        yield file, content
        return
    with SpooledTemporaryFile(_IN_MEMORY) as spool:
        hidden = cast(BinaryIO, spool)
        yield files.seal_upload(database, file, content, hidden, only=bool(wanted)), hidden


def sealed_in(said: Mapping[str, str]) -> bool | None:
    """Whether a file is to be sealed, as the query or the metadata of its request have «sealed»; None: nothing is said.

    Raises:
        BadRequest: it has another value.
    """
    match said.get("sealed"):
        case None:
            return None
        case "true" | "false" as word:
            return word == "true"
    raise BadRequest("«sealed» is true or false.", hint="Leave it out if you do not know.")


def sha256_in(header: str | None) -> str | None:
    """The SHA-256 that a header «Content-Digest» (RFC 9530) has, in hex digits; None: it has none.

    Raises:
        BadRequest: it cannot be read.
    """
    found = _SHA256.search(header or "")
    if found is None:
        if header and "sha-256" in header.lower():
            raise BadRequest("The header Content-Digest cannot be read.", hint="It has sha-256=:<base64>:.")
        return None
    try:
        return base64.b64decode(found[1], validate=True).hex()
    except binascii.Error:
        raise BadRequest("The header Content-Digest cannot be read.", hint="It has sha-256=:<base64>:.") from None


def digest_of(sha256: str) -> str:
    """The value of «Repr-Digest» for content with this SHA-256."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
