"""The policy sets that a database has had: the rows of ``xrm_policy_set``, of which the newest is in force.

What the texts mean is for the room ``permissions`` to say; here they are kept.
"""

import datetime as dt
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    Connection,
    Dialect,
    Integer,
    PrimaryKeyConstraint,
    Row,
    Table,
    bindparam,
    insert,
    inspect,
    literal_column,
    select,
    text,
)
from sqlalchemy.sql import ColumnElement

from xrm_core.errors import Busy, ModelOutOfDate, PermissionsChanged, PolicyInvalid
from xrm_core.metadata.model import Model
from xrm_core.storage.applied import require_model
from xrm_core.storage.columns import Id, Instant, String
from xrm_core.storage.driver_statements import Call, DriverStatement, run_together
from xrm_core.storage.engines import Database
from xrm_core.storage.requirements import Requirement
from xrm_core.storage.system import METADATA, MODEL
from xrm_core.translation import say

POLICY_SET = Table(
    "xrm_policy_set",
    METADATA,
    Column("id", Integer, nullable=False),
    Column("digest", String, nullable=False),
    Column("files", String, nullable=False),
    Column("applied_at", Instant, nullable=False),
    Column("applied_by", Id),
    Column("note", String, nullable=False),
    Column("reverts", Integer),
    PrimaryKeyConstraint("id", name="pk_xrm_policy_set"),
    sqlite_strict=True,
)
"""Every policy set that was in force here. ``files`` is a JSON object of the texts, ``digest`` is equal for equal ones.
``applied_by`` is a user, empty for the command line; ``reverts`` is the id of the set that this one takes back."""

_LOCK_MILLISECONDS = 300  # for writes under way: whoever comes after waits behind us
_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.2

Result = TypeVar("Result")


@dataclass(frozen=True)
class StoredSet:
    """A policy set as it is kept; see :data:`POLICY_SET`. ``number`` is its version, ``text`` what is in ``files``."""

    number: int
    digest: str
    text: str
    applied_at: str
    applied_by: str | None
    note: str
    reverts: int | None

    @property
    def files(self) -> dict[str, str]:
        """The texts by the names of their files. Raises PolicyInvalid: what is kept is damaged."""
        try:
            files = json.loads(self.text)
            if not all(isinstance(text, str) for text in files.values()):
                raise ValueError(self.number)
        except (ValueError, AttributeError, RecursionError) as error:
            raise PolicyInvalid(f"Version {self.number} of the policies in the database cannot be read.") from error
        return dict(files)


def newest_set(connection: Connection) -> StoredSet | None:
    """The set in force; None if there is none, so that nobody may do anything."""
    if not inspect(connection).has_table(POLICY_SET.name):
        return None
    row = connection.execute(select(POLICY_SET).order_by(POLICY_SET.c.id.desc()).limit(1)).first()
    return None if row is None else _stored(row)


def policy_sets(connection: Connection) -> list[StoredSet]:
    """All sets, the first one first."""
    if not inspect(connection).has_table(POLICY_SET.name):
        return []
    return [_stored(row) for row in connection.execute(select(POLICY_SET).order_by(POLICY_SET.c.id))]


def applied_versions(connection: Connection) -> tuple[str | None, str | None]:
    """Fingerprint of the applied model and digest of the policy set in force, at one moment: two indexed rows.

    Raises:
        TablesChanged: the database has no system tables.
    """
    [(rows, _)] = run_together(connection, [asking_versions(connection.dialect)])
    [(fingerprint, digest)] = rows
    return fingerprint, digest


def asking_versions(dialect: Dialect) -> Call:
    """What asks for :func:`applied_versions`, to be run together with other statements."""
    statement = _VERSIONS_ON.get(dialect.name)
    if statement is None:
        statement = _VERSIONS_ON[dialect.name] = DriverStatement(_VERSIONS, dialect)
    return statement.call({})


def require_current(connection: Connection, model: Model, policies: str | None) -> None:
    """Refuse to go on if the database has another model or another policy set by now: cheap enough for each write.

    On PostgreSQL a change of policies waits for the end of transactions that have asked this (:func:`change_sets`).

    Args:
        connection: in the transaction that writes.
        model: what the writer knows.
        policies: digest of the policies under which the writer was authorised; None: they do not matter.

    Raises:
        ModelOutOfDate: there is another model.
        PermissionsChanged: there is another policy set.
    """
    if policies is None:
        require_model(connection, model)
        return
    require_versions(applied_versions(connection), model, policies)


def require_versions(found: Sequence[Any], model: Model, policies: str | None) -> None:
    """As :func:`require_current`, when the versions are at hand."""
    fingerprint, digest = found
    if fingerprint != model.fingerprint:
        raise ModelOutOfDate(
            "The database has another model than the files.",
            hint="Look at «xrm schema plan», then run «xrm schema apply».",
        )
    if digest != policies:
        raise PermissionsChanged(
            say("Somebody has changed the permissions while this request was under way; nothing was done."),
            hint=say("Try again."),
        )


def versions_required(model: Model, policies: str) -> Requirement:
    """That :func:`require_versions` would refuse nothing."""
    return Requirement("versions", _versions, {_FINGERPRINT: model.fingerprint, _DIGEST: policies})


def _versions() -> ColumnElement[bool]:
    applied, in_force = bindparam(_FINGERPRINT, type_=String()), bindparam(_DIGEST, type_=String())
    return (applied == _MODEL) & (in_force == _POLICIES)


def save_set(
    connection: Connection,
    files: Mapping[str, str],
    digest: str,
    *,
    note: str = "",
    applied_by: str | None = None,
    reverts: int | None = None,
) -> int:
    """Put a set in force; answers its number. The transaction is one of :func:`change_sets` or of a schema change."""
    number = (connection.scalar(select(POLICY_SET.c.id).order_by(POLICY_SET.c.id.desc()).limit(1)) or 0) + 1
    connection.execute(
        insert(POLICY_SET).values(
            id=number,
            digest=digest,
            files=json.dumps(dict(files), ensure_ascii=False),
            applied_at=dt.datetime.now(dt.UTC),
            applied_by=applied_by,
            note=note,
            reverts=reverts,
        )
    )
    return number


def change_sets(database: Database, work: Callable[[Connection], Result]) -> Result:
    """Do ``work`` while nobody else changes policies and no write under the former ones is under way.

    On SQLite that is any transaction. On PostgreSQL it has the table of sets for itself, which each write has looked
    at; a write that takes long is let through, and others with it, again and again for a minute.

    Raises:
        Busy: writes under way do not end. Nothing was changed.
        DatabaseUnavailable: the database does not answer.
    """
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            with database.begin() as connection:
                if not database.is_sqlite:
                    connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}"))
                    connection.execute(text(f"LOCK TABLE {POLICY_SET.name} IN ACCESS EXCLUSIVE MODE"))
                return work(connection)
        except Busy:
            if time.monotonic() > until:
                raise
        time.sleep(_PAUSE_SECONDS * random.uniform(0.5, 1))  # noqa: S311


_ONE = literal_column("1", Integer())
_MODEL = select(MODEL.c.fingerprint).order_by(MODEL.c.id.desc()).limit(_ONE).scalar_subquery()
_POLICIES = select(POLICY_SET.c.digest).order_by(POLICY_SET.c.id.desc()).limit(_ONE).scalar_subquery()
_VERSIONS = select(_MODEL, _POLICIES)
_FINGERPRINT, _DIGEST = "xrm_fingerprint", "xrm_policies"


_VERSIONS_ON: dict[str, DriverStatement] = {}
"""For each dialect; the tables are the same in all databases."""


def _stored(row: Row[tuple[int, str, str, str, str | None, str, int | None]]) -> StoredSet:
    return StoredSet(row.id, row.digest, row.files, row.applied_at, row.applied_by, row.note, row.reverts)
