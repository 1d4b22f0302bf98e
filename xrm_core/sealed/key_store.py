"""The key store: one key for each subject and class, kept wrapped, and destroyed for good."""

import datetime as dt
import secrets
import weakref
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, event, func, make_url, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from uuid_utils import uuid7

from xrm_core.errors import Busy
from xrm_core.sealed.errors import SealedKeyDestroyed, SealingUnavailable
from xrm_core.sealed.tables import BLIND, KEY, KEYS
from xrm_core.sealed.wrapping import Wrapping
from xrm_core.settings import Settings
from xrm_core.storage.engines import Database, is_missing

ALL = "*"
"""The class of a mark that all keys of a subject are destroyed, also those that nobody has made yet."""

_KEY_BYTES = 32
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key, and the id by which it stands in what it has sealed."""

    id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How many keys were wrapped anew, or would be, and how many the first key of XRM_SECRET_KEY has wrapped."""

    anew: int
    already: int


@dataclass(frozen=True, slots=True)
class KeyAges:
    """How many keys there are that open something, since when the oldest of them, and how many were destroyed."""

    keys: int = 0
    oldest: dt.datetime | None = None
    destroyed: int = 0


class KeyStore:
    """Makes, finds and destroys keys. Blocking. No key is kept in memory: a destroyed one is gone everywhere at once.

    Each method is a transaction of its own in the store: what is written beside it into the data may still be rolled
    back, and then a key is there that has sealed nothing.

    Args:
        url: SQLAlchemy URL of the store, not that of the data; empty: there is none, and each method says so.
        secret: XRM_SECRET_KEY, which wraps the keys.
    """

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self.secret = secret
        self._wrapping = Wrapping(secret)

    def require(self) -> None:
        """Raise SealingUnavailable if keys cannot be kept."""
        if not self._wrapping:
            raise SealingUnavailable(
                "XRM_SECRET_KEY is not set; keys of sealed values are wrapped with it.",
                hint="Whoever runs the server sets it: 32 characters or more, by chance, the same on all servers.",
            )
        if not self._url:
            raise SealingUnavailable(
                "There is no key store for sealed values.",
                hint="Whoever runs the server names a database of its own by XRM_KEY_STORE_URL, the same on all.",
            )

    @property
    def is_usable(self) -> bool:
        """Whether keys can be kept, as far as settings say."""
        return bool(self._wrapping) and bool(self._url)

    def key(self, tenant: str, subject: str, class_name: str) -> DataKey:
        """The key of a subject in a class, made if there is none.

        Raises:
            SealingUnavailable: there is no store.
            SealedKeyDestroyed: it was destroyed, or all keys of the subject were.
        """
        with self.database.read() as connection:
            found = self._of(connection, tenant, subject, class_name)
        if found is not None:
            return found
        with self.database.begin() as connection:
            self._insert(connection, self._new(tenant, subject, class_name))
            made = self._of(connection, tenant, subject, class_name)  # ours, or that of who was quicker
        if made is None:
            raise RuntimeError("a key that was just made is not there")
        return made

    def keys(self, tenant: str, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], DataKey]:
        """The keys of many subjects in classes, made where there are none; without those that were destroyed.

        Raises:
            SealingUnavailable: there is no store.
        """
        found: dict[tuple[str, str], DataKey] = {}
        pairs = sorted(set(wanted))
        for start in range(0, len(pairs), _AT_ONCE):
            some = pairs[start : start + _AT_ONCE]
            with self.database.read() as connection:
                there, gone = self._there(connection, tenant, some)
            missing = [pair for pair in some if pair not in there and not {pair, (pair[0], ALL)} & gone]
            if missing:
                rows = [self._new(tenant, *pair) for pair in missing]
                with self.database.begin() as connection:
                    self._insert(connection, *rows)
                    more, gone = self._there(connection, tenant, missing)
                there |= {pair: key for pair, key in more.items() if (pair[0], ALL) not in gone}
            found |= {pair: key for pair, key in there.items() if (pair[0], ALL) not in gone}
        return found

    def by_ids(self, tenant: str, ids: Collection[str], *, known: bool = False) -> dict[str, DataKey | None]:
        """The keys that have sealed some things, by their ids; None: destroyed. ``known``: only those that there are.

        Raises:
            SealingUnavailable: there is no store, or it does not know one of them.
        """
        found: dict[str, DataKey | None] = {}
        wanted = sorted(set(ids))
        for start in range(0, len(wanted), _AT_ONCE):
            some = KEY.c.tenant == tenant, KEY.c.id.in_(wanted[start : start + _AT_ONCE])
            with self.database.read() as connection:
                rows = connection.execute(select(KEY).where(*some)).all()
            found |= {row.id: None if row.wrapped is None else self._unwrapped(row) for row in rows}
        if len(found) < len(wanted) and not known:
            raise _unknown()
        return found

    def by_id(self, tenant: str, key_id: str) -> DataKey:
        """The key that has sealed something.

        Raises:
            SealingUnavailable: there is no store, or it does not know the key.
            SealedKeyDestroyed: it was destroyed.
        """
        with self.database.read() as connection:
            row = connection.execute(select(KEY).where(KEY.c.tenant == tenant, KEY.c.id == key_id)).first()
        if row is None:
            raise _unknown()
        return self._unwrapped(row)

    def fits(self, tenant: str) -> bool:
        """Whether it has keys of a database, which XRM_SECRET_KEY unwraps.

        Raises:
            SealingUnavailable: there is no store, or the secret is another one.
        """
        with self.database.read() as connection:
            living = select(KEY).where(KEY.c.tenant == tenant, KEY.c.wrapped.is_not(None))
            row = connection.execute(living.order_by(KEY.c.id.desc()).limit(1)).first()
            if row is not None:
                self._wrapping.unwrap(row.wrapped, row.id)
                return True
            return connection.scalar(select(KEY.c.id).where(KEY.c.tenant == tenant).limit(1)) is not None

    def classes(self, tenant: str, subject: str) -> list[str]:
        """The classes in which a subject has a key. Raises SealingUnavailable: there is no store."""
        mine = KEY.c.tenant == tenant, KEY.c.subject == subject, KEY.c.wrapped.is_not(None)
        with self.database.read() as connection:
            return list(connection.scalars(select(KEY.c.class_name).where(*mine).order_by(KEY.c.class_name)))

    def destroy(self, tenant: str, subject: str, classes: Collection[str] | None = None) -> int:
        """Destroy the keys of a subject: in some classes or, with None, in all, also those to come.

        Call it after the commit that makes it right. Whoever was stopped calls it again; what is destroyed stays so.

        Returns:
            how many keys there were to destroy this time.

        Raises:
            SealingUnavailable: there is no store.
            Busy: they are destroyed, but traces of them may still be in the file; call it again.
        """
        return self.destroy_many(tenant, [(subject, classes)])

    def destroy_many(self, tenant: str, keys: Iterable[tuple[str, Collection[str] | None]]) -> int:
        """The same for many subjects, each with classes or None; what has held them is rewritten once."""
        with self.database.begin() as connection:
            number = sum(self._destroy(connection, tenant, subject, classes) for subject, classes in keys)
        self._leave_no_trace()
        return number

    def _destroy(self, connection: Connection, tenant: str, subject: str, classes: Collection[str] | None) -> int:
        marks = {ALL} if classes is None else set(classes)
        mine = KEY.c.tenant == tenant, KEY.c.subject == subject
        chosen = [] if classes is None else [KEY.c.class_name.in_(sorted(marks))]
        for class_name in sorted(marks):
            row = {"id": str(uuid7()), "tenant": tenant, "subject": subject, "class_name": class_name}
            self._insert(connection, {**row, "wrapped": None, "created_at": _now(), "destroyed_at": _now()})
        living = update(KEY).where(*mine, *chosen, KEY.c.wrapped.is_not(None))
        number = connection.execute(living.values(wrapped=None, destroyed_at=_now())).rowcount
        found = [] if classes is None else [BLIND.c.class_name.in_(sorted(marks))]
        connection.execute(delete(BLIND).where(BLIND.c.tenant == tenant, BLIND.c.subject == subject, *found))
        return number

    def ages(self, tenant: str) -> KeyAges:
        """How many keys there are of a tenant, and how old. Raises SealingUnavailable: there is no store."""
        alive = KEY.c.wrapped.is_not(None)
        mine = KEY.c.tenant == tenant, KEY.c.class_name != ALL
        query = select(alive.label("alive"), func.count(), func.min(KEY.c.created_at)).where(*mine)
        with self.database.read() as connection:
            found = {bool(row[0]): row for row in connection.execute(query.group_by(alive))}
        keys, gone = found.get(True), found.get(False)
        oldest = None if keys is None else dt.datetime.fromisoformat(keys[2])
        return KeyAges(0 if keys is None else keys[1], oldest, 0 if gone is None else gone[1])

    def rewrap(self, *, dry_run: bool = False) -> Rewrapped:
        """Wrap all keys by the first key of XRM_SECRET_KEY; what is sealed stays as it is.

        Raises:
            SealingUnavailable: there is no store, or no key that unwraps one of them; nothing was written then.
        """
        anew = already = 0
        with self.database.begin() as connection:
            last = ""
            while rows := self._after(connection, last):
                for row in rows:
                    better = self._wrapping.again(row.wrapped, row.id)
                    if better is None:
                        already += 1
                        continue
                    anew += 1
                    if not dry_run:
                        connection.execute(update(KEY).where(KEY.c.id == row.id).values(wrapped=better))
                last = rows[-1].id
        if anew and not dry_run:
            self._leave_no_trace()
        return Rewrapped(anew, already)

    @cached_property
    def database(self) -> Database:
        """Where the keys are, with its tables."""
        self.require()
        _make_folder(self._url)
        found = Database(self._url, pool=2)
        if found.is_sqlite:
            event.listen(found.engine, "connect", _overwrite_what_is_deleted)
        with found.begin() as connection:
            if not found.is_sqlite:  # two servers that start at once
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('xrm_key_store'))"))
            KEYS.create_all(connection)
        weakref.finalize(self, found.close)
        return found

    @property
    def is_there(self) -> bool:
        """Whether anything can have been kept yet; to ask makes no file."""
        return "database" in self.__dict__ or not is_missing(self._url)

    def close(self) -> None:
        """Give connections back."""
        if "database" in self.__dict__:
            self.database.close()

    def _of(self, connection: Connection, tenant: str, subject: str, class_name: str) -> DataKey | None:
        wanted = or_(KEY.c.class_name == class_name, KEY.c.class_name == ALL)
        query = select(KEY).where(KEY.c.tenant == tenant, KEY.c.subject == subject, wanted)
        found = None
        for row in connection.execute(query):
            key = self._unwrapped(row)  # raises for a mark
            found = key if row.class_name == class_name else found
        return found

    def _unwrapped(self, row: Row[Any]) -> DataKey:
        if row.wrapped is None:
            raise SealedKeyDestroyed(
                "The key of whose value this is was destroyed.",
                hint="The person was erased. What it has sealed cannot be read any more, and nothing is sealed by it.",
            )
        return DataKey(row.id, self._wrapping.unwrap(row.wrapped, row.id))

    def _there(
        self, connection: Connection, tenant: str, pairs: Collection[tuple[str, str]]
    ) -> tuple[dict[tuple[str, str], DataKey], set[tuple[str, str]]]:
        """Of some subjects and classes the keys, and the marks of what was destroyed."""
        subjects = sorted({subject for subject, _ in pairs})
        wanted, keys, gone = set(pairs), dict[tuple[str, str], DataKey](), set[tuple[str, str]]()
        for row in connection.execute(select(KEY).where(KEY.c.tenant == tenant, KEY.c.subject.in_(subjects))):
            pair = (row.subject, row.class_name)
            if row.wrapped is None:
                gone.add(pair)
            elif pair in wanted:
                keys[pair] = self._unwrapped(row)
        return keys, gone

    def _new(self, tenant: str, subject: str, class_name: str) -> dict[str, Any]:
        id_, content = str(uuid7()), secrets.token_bytes(_KEY_BYTES)
        row = {"id": id_, "tenant": tenant, "subject": subject, "class_name": class_name, "created_at": _now()}
        return {**row, "wrapped": self._wrapping.wrap(content, id_), "destroyed_at": None}

    def _insert(self, connection: Connection, *rows: dict[str, Any]) -> None:
        insert = sqlite.insert(KEY) if self.database.is_sqlite else postgresql.insert(KEY)
        connection.execute(insert.on_conflict_do_nothing(), rows)

    def _after(self, connection: Connection, last: str) -> list[Row[Any]]:
        query = select(KEY).where(KEY.c.wrapped.is_not(None), KEY.c.id > last).order_by(KEY.c.id).limit(_AT_ONCE)
        return list(connection.execute(query.with_for_update()))

    def _leave_no_trace(self) -> None:
        """Rewrite what has held the former rows: a key that is only marked as gone could be read out of the file."""
        engine: Engine = self.database.engine
        if not self.database.is_sqlite:
            try:
                with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    for table in (KEY, BLIND):
                        connection.execute(text(f"VACUUM (FULL) {table.name}"))
            except DBAPIError as error:
                raise Busy("The key store could not be rewritten.", hint="Try it again.") from error
            return
        raw = engine.raw_connection()
        try:
            busy = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            raw.close()
        if busy:
            raise Busy("Somebody reads the key store, so its journal could not be emptied.", hint="Try it again.")


def _unknown() -> SealingUnavailable:
    return SealingUnavailable(
        "The key store does not know the key that has sealed this.",
        hint="The store is not that of this data: restore it, or name it by XRM_KEY_STORE_URL.",
    )


def _make_folder(url: str) -> None:
    """The folder of a file is for who runs the server alone."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        with suppress(OSError):  # told when the file is opened
            Path(parsed.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _overwrite_what_is_deleted(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA secure_delete=ON")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def keys_of(settings: Settings) -> KeyStore:
    """The store of a process with these settings; nothing is opened before it is needed."""
    return _store(settings.key_store_url, settings.secret_key)


@lru_cache(maxsize=8)
def _store(url: str, secret: str) -> KeyStore:
    return KeyStore(url, secret)
