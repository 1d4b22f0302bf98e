"""Files at the door: who may store one, read it, and attach it to a record.

A file is stored first and attached then, by its id. Until it is, only who stored it sees it. Once it is, whoever may
read the field of a record that it is in. Without either it does not exist.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, func, select, true

from xrm_core.errors import Busy, DatabaseUnavailable, FileRefused, Forbidden, NotFound, TooManyFiles
from xrm_core.metadata.file_rules import FileRules
from xrm_core.metadata.model import USER, Entity, Field, Model
from xrm_core.metadata.types import FieldType
from xrm_core.metadata.worked_out import WorkedOut
from xrm_core.permissions.caller import Caller, System
from xrm_core.permissions.policy import Action
from xrm_core.query.context import context_values
from xrm_core.query.file_access import openable, opens_any, readable
from xrm_core.query.reads import Read, of_file
from xrm_core.query.scan import Scope
from xrm_core.records import sealed_files
from xrm_core.records.file_names import clean_name
from xrm_core.records.file_types import HEAD_BYTES, media_type_of
from xrm_core.records.sealed_uploads import end_keys, seal_upload, waits
from xrm_core.sealed.errors import SealingUnavailable
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage import file_references, file_store, file_versions, upload_store
from xrm_core.storage.applied import require_model
from xrm_core.storage.columns import is_id
from xrm_core.storage.contents import Kept
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import FOR_ANY, FileState, StoredFile
from xrm_core.storage.file_tables import FILE, FILE_VERSION
from xrm_core.storage.tables import Tables
from xrm_core.translation import say

KEPT = dt.timedelta(hours=24)
"""How long a file stays that no record refers to."""


MAX_WAITING = 200
"""Files that a user may have stored in that time without attaching them."""


MAX_LOGGED = 1000
"""Records that one line of the log of reads names, if they all hold the file that was sent."""


class Files:
    """The files of one model. Stateless, like :class:`~xrm_core.records.door.Records`.

    Args:
        model: with all fields that hold files.
        tables: where records are.
        keys: the store of keys of sealed files.
    """

    def __init__(self, model: Model, tables: Tables, keys: Callable[[], KeyStore]) -> None:
        self._keys = keys
        self.model = model
        self.tables = tables

    def check_upload(self, caller: Caller) -> None:
        """Raise :class:`Forbidden` unless the caller may write a field that holds files."""
        for entity in self.model:
            for action in (Action.CREATE, Action.UPDATE):
                granted = caller.access.get(entity.name, action)
                names = granted.fields if granted is not None else ()
                if any(entity[name].type is FieldType.FILE for name in names):
                    return
        raise Forbidden("You may not store files.", hint="Your role may not write any field that holds one.")

    def store(
        self, connection: Connection, caller: Caller, name: str | None, media_type: str | None, content: BinaryIO
    ) -> StoredFile:
        """Store a file and say what it is.

        Args:
            connection: in a write transaction.
            caller: who may read and attach it from now on.
            name: as its sender calls it; it is cleaned.
            media_type: as its sender says; it must fit the content.
            content: seekable; it is read from its start to its end.

        Raises:
            Forbidden: the caller may not write any field that holds files.
            FileRefused: the content is something else than its sender says.
            TooManyFiles: too many files of the caller wait to be attached.
        """
        file = described(name, media_type, content)
        self.keep(connection, caller, file, Kept(content))
        return file

    def keep(
        self,
        connection: Connection,
        caller: Caller,
        file: StoredFile,
        kept: Kept,
        former: StoredFile | None = None,
        most: int = 0,
    ) -> StoredFile:
        """Store a file that is described already, and whose content may lie elsewhere; answers with what was stored.

        Args:
            connection: in a write transaction.
            caller: who may read and attach it from now on.
            file: the file.
            kept: its content, or where that lies.
            former: the file of which it is a version, if it is one; found by :meth:`find` in this transaction.
            most: how many former versions are kept.

        Raises:
            Forbidden, TooManyFiles: as :meth:`store`.
            Busy: the content that lies elsewhere is being removed.
        """
        self.check_upload(caller)
        self.check_waiting(connection, caller)
        if kept.content is not None:
            kept.content.seek(0)
        file = replace(file, content_key=kept.name, version=1 if former is None else former.version + 1)
        file_store.add(connection, file, kept.content, caller.actor)
        if former is not None:
            file_versions.add(connection, file.id, former, most)
        return file

    def require(self, connection: Connection, caller: Caller, file_id: str) -> StoredFile:
        """The file. Raises NotFound: there is none that the caller may read."""
        found = self.find(connection, caller, str(UUID(file_id))) if is_id(file_id) else None
        if found is None:
            raise NotFound("There is no such file, or none that you may read.")
        return found

    def versions(
        self, connection: Connection, caller: Caller, file_id: str
    ) -> list[tuple[StoredFile, str, str | None]]:
        """A file and its former versions, the newest first; each with when and by whom it was stored.

        By whom is for those who may read users.

        Raises:
            NotFound: there is none that the caller may read.
        """
        found = file_versions.versions(connection, self.require(connection, caller, file_id).id)
        tells = caller.access.get(USER, Action.READ) is not None
        return [
            (self.opened(connection, file), created_at, by if tells else None)
            for file, created_at, by in found
            if file.sealed is None or self.find(connection, caller, file.id) is not None
        ]

    def opened(self, connection: Connection, file: StoredFile) -> StoredFile:
        """A file that somebody may read, as it is in truth: one that is sealed is opened. Its content is read in clear.

        Raises:
            SealedKeyDestroyed: nobody can read it any more.
            SealingUnavailable, SealedValueForeign: it cannot be opened.
        """
        return sealed_files.opened(self._keys(), connection, file)

    def find(self, connection: Connection, caller: Caller, file_id: str) -> StoredFile | None:
        """The file, or None if there is none that the caller may read."""
        condition = self._visible(connection, caller)
        return file_store.find(connection, file_id, condition, context_values(caller))

    def find_own(self, connection: Connection, caller: Caller, file_id: str) -> StoredFile | None:
        """The file, or None if the caller has stored none of this id, or may no longer read it."""
        condition = self._visible(connection, caller) & (FILE.c.created_by == caller.actor)
        return file_store.find(connection, file_id, condition, context_values(caller))

    def logged_reads(self, connection: Connection, file_id: str) -> list[tuple[Read, list[str]]]:
        """What is to be kept in the log of reads before the content of a file leaves.

        That is each field that holds the file, with the records, of entities whose reads are logged, or that is sealed:
        whichever of the records the caller came by, it is theirs.
        """
        found: list[tuple[Read, list[str]]] = []
        for entity, field in of_file(self.model):
            table = self.tables[entity]
            referred = table.c[self.model[entity][field].columns[0]]
            later = select(FILE_VERSION.c.file_id).where(FILE_VERSION.c.former_id == file_id)
            mine = select(table.c.id).where((referred == file_id) | referred.in_(later))
            ids = [str(each) for each in connection.scalars(mine.order_by(table.c.id).limit(MAX_LOGGED))]
            if ids:
                found.append((Read(entity, (field,)), ids))
        return found

    def problems(
        self, connection: Connection, caller: Caller, kind: Entity, given: Mapping[str, Any], final: Mapping[str, Any]
    ) -> list[dict[str, str]]:
        """What is wrong with the files that a record is to refer to.

        Args:
            connection: in a write transaction.
            caller: who writes it, and may read the files that they give.
            kind: its entity.
            given: what they have given.
            final: what plugins have made of it; which files these set is theirs to say, as it is with relations.
        """
        found: list[dict[str, str]] = []
        for field in _FILE_FIELDS(kind):
            name, value = field.name, final.get(field.name)
            if field.file is None or value is None:
                continue
            if _same(value, given.get(name)):
                file = self.find(connection, caller, str(value))
            else:
                file = file_store.find(connection, str(value), true(), {})
            if file is None:
                found.append({"field": name, "rule": "file", "message": say("there is no file with this id")})
            elif file.state == FileState.QUARANTINED:
                found.append({"field": name, "rule": "file", "message": "is in quarantine"})
            elif field.sealing is None and file.sealed is not None and not self._opens(file):
                found.append({"field": name, "rule": "file", "message": say("is sealed, and the field is not")})
            elif wrong := self._misfit(connection, field.file, file):
                found.append({"field": name, "rule": "file", "message": wrong})
        return found

    def discard(self, connection: Connection, ids: Sequence[str]) -> None:
        """Remove those of some files of a moment ago that no record refers to."""
        file_references.remove_unattached_of(connection, self.model, self.tables, ids)

    def erase(self, connection: Connection, ids: Sequence[str]) -> None:
        """Remove files for good, as far as no record refers to them, and what they are known by.

        With them go their former versions, what somebody has stored as a version of them that belongs to no record yet,
        and uploads that are to be one. Content outside of the database is due at once, whoever is reading it.
        """
        if not ids:
            return
        all_ = sorted({*ids, *file_versions.former_ids(connection, ids), *file_versions.later_ids(connection, ids)})
        upload_store.end_versions_of(connection, all_)
        file_references.remove_unattached_of(connection, self.model, self.tables, all_, dt.timedelta())

    def clean(self, database: Database, now: dt.datetime | None = None) -> int:
        """Remove the files that no record has referred to for a day since they were stored; answers how many.

        Raises:
            ModelOutOfDate: the database has another model, in which records may refer to them.
        """
        now = now or dt.datetime.now(dt.UTC)
        before = now - KEPT
        removed = 0
        with database.begin() as connection:
            upload_store.remove_expired(connection, now)
        while True:
            with database.read() as connection:  # to look for them takes a while, and shall hold up no writer
                if not file_references.has_unattached(connection, self.model, self.tables, before):
                    break
            with database.begin() as connection:
                require_model(connection, self.model)
                count = file_references.remove_unattached(connection, self.model, self.tables, before)
            removed += count
            if not count:
                break
        with suppress(Busy, DatabaseUnavailable, SealingUnavailable):  # the next clean-up does it
            end_keys(self._keys(), database, before)
        return removed

    def check_waiting(self, connection: Connection, caller: Caller) -> None:
        """Raise :class:`TooManyFiles` if too many files of the caller wait to be attached."""
        if caller.actor is None:
            return
        own = FILE.c.created_by == caller.actor, FILE.c.created_at > dt.datetime.now(dt.UTC) - KEPT
        waiting = select(func.count()).select_from(FILE).where(*own, ~file_references.held(self.model, self.tables))
        if (connection.scalar(waiting) or 0) >= MAX_WAITING:
            raise TooManyFiles(
                f"You have stored {MAX_WAITING} files that no record refers to.",
                hint="Attach them first; those that stay alone are removed after a day.",
            )

    @property
    def keys(self) -> KeyStore:
        """The store of keys of sealed files."""
        return self._keys()

    @cached_property
    def sealed_rules(self) -> tuple[FileRules, ...]:
        """What each sealed field takes; none: there is no such field."""
        fields = [field for kind in self.model for field in _FILE_FIELDS(kind)]
        return tuple(field.file for field in fields if field.file is not None and field.sealing is not None)

    def may_open(self, kind: Entity) -> bool:
        """Whether files that came sealed may have to be opened since records of an entity refer to them."""
        return bool(self.sealed_rules) and any(field.sealing is None for field in _FILE_FIELDS(kind))

    @property
    def seals_uploads(self) -> bool:
        """Whether uploads are sealed of which nobody has said whether they are to be: a field might get them that is
        sealed. Without a key store none gets any.
        """
        return bool(self.sealed_rules) and self._keys().is_usable

    def seals(self, file: StoredFile, wanted: bool | None) -> bool:
        """Whether a file is sealed on its way in.

        Args:
            file: in clear.
            wanted: what its sender says; None: nothing, and then it is if a sealed field takes such files.
        """
        if wanted is not None:
            return wanted
        takes = (rules.problem(file.media_type, file.size) is None for rules in self.sealed_rules)
        return self._keys().is_usable and any(takes)

    def seal_upload(
        self, database: Database, file: StoredFile, content: BinaryIO, into: BinaryIO, *, only: bool
    ) -> StoredFile:
        """Seal a file on its way in; see :func:`~xrm_core.records.sealed_uploads.seal_upload`."""
        return seal_upload(self._keys(), database, file, content, into, only=only)

    def _opens(self, file: StoredFile) -> bool:
        """Whether a sealed file is opened for a field that is not. In a model without sealed ones nobody looks."""
        return bool(self.sealed_rules) and (file.sealed or "").startswith(FOR_ANY)

    def _misfit(self, connection: Connection, rules: FileRules, file: StoredFile) -> str | None:
        clear = self.opened(connection, file)
        return rules.problem(clear.media_type, clear.size)

    def _visible(self, connection: Connection, caller: Caller) -> ColumnElement[bool]:
        if isinstance(caller, System):
            return true()
        scope = Scope(self.model, self.tables, caller.access, connection.dialect)
        own = and_(FILE.c.created_by == caller.actor, ~file_references.held(self.model, self.tables))
        former = file_versions.former_of(FILE.c.id, lambda later: readable(scope, later))
        clear = FILE.c.sealed.is_(None)
        in_clear = (clear & (readable(scope, FILE.c.id) | former)) | ((clear | waits()) & own)
        if not opens_any(scope):
            return in_clear
        opened = file_versions.former_of(FILE.c.id, lambda later: openable(scope, later))
        return in_clear | openable(scope, FILE.c.id) | opened


def described(
    name: str | None,
    media_type: str | None,
    content: BinaryIO,
    *,
    sha256: str | None = None,
    file_id: str | None = None,
) -> StoredFile:
    """What there is to say about a new file.

    Args:
        name: as its sender calls it.
        media_type: as its sender says.
        content: all of it.
        sha256: what its sender says of it, in hex digits; None: nothing.
        file_id: the id that it gets; None: a new one.

    Raises:
        FileRefused: the content is empty, of another type than its sender says, or was changed on its way.
    """
    content.seek(0)
    kind = media_type_of(media_type, content.read(HEAD_BYTES))
    content.seek(0)
    found = file_store.sha256_of(content)
    size = content.tell()
    if not size:
        raise FileRefused("The file is empty.", hint="Send its content as the body of the request.")
    if sha256 not in (None, found):
        raise FileRefused("The file has another SHA-256 than its sender says.", hint="Send it again.")
    return StoredFile(file_id or file_store.new_id(), clean_name(name), kind, size, found)


def _same(value: Any, given: Any) -> bool:
    """Whether a file is the one that the caller has given, in whatever form of its id."""
    return given is not None and str(value).lower() == str(given).lower()


def _file_fields(kind: Entity) -> list[Field]:
    return [field for field in kind.fields.values() if field.file is not None]


_FILE_FIELDS = WorkedOut(_file_fields)
