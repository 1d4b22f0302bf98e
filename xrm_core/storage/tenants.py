"""The catalogue of tenants in the main database, and the place where each tenant's data is.

A tenant on PostgreSQL is a schema, reached by the ``search_path`` of its connections; on SQLite it is a file.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, delete, insert, inspect, make_url, select, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateSchema, DropSchema

from xrm_core.errors import NotFound, SettingsError, XrmError
from xrm_core.storage.engines import Database, with_schema
from xrm_core.storage.system import TENANT, TENANT_HOST

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""What a tenant may be called."""

_RESERVED = frozenset({"main", "public", "tenant", "tenants"})
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_SCHEMA_PREFIX = "t_"


class State(StrEnum):
    """What a tenant is good for at the moment."""

    ACTIVE = "active"
    READONLY = "readonly"
    MOVING = "moving"
    MAKING = "making"
    REMOVING = "removing"


SERVED = frozenset({State.ACTIVE, State.READONLY, State.MOVING})
"""States in which a server answers for a tenant at all."""


class TenantExists(XrmError):
    """There is a tenant of this name, or something else in its place."""

    code = "TENANT_EXISTS"
    http_status = 409


@dataclass(frozen=True)
class Tenant:
    """A row of the catalogue with its host names. ``url`` is the SQLAlchemy URL of its database.

    ``elsewhere``: it was given a place of its own.
    """

    name: str
    state: State
    url: str
    created_at: str
    hosts: tuple[str, ...] = ()
    elsewhere: bool = False

    @property
    def place(self) -> str:
        """Where its data is, without a password."""
        return make_url(self.url).render_as_string(hide_password=True)


def check_name(name: str) -> str:
    """The name, if a tenant may have it.

    Raises:
        SettingsError: it may not.
    """
    if not NAME.fullmatch(name) or name in _RESERVED:
        raise SettingsError(
            f"A tenant cannot be called {name[:60]!r}.",
            hint="A name begins with a letter and has at most 40 of a-z, 0-9 and _; main and public are taken.",
        )
    return name


def check_hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    """The host names in lower case, each once.

    Raises:
        SettingsError: one of them is none.
    """
    found = tuple(dict.fromkeys(host.strip().rstrip(".").lower() for host in hosts))
    wrong = [host for host in found if not _HOST.fullmatch(host)]
    if wrong:
        raise SettingsError(
            f"{wrong[0][:60]!r} is not a host name.", hint="It looks like acme.example.com, without port or path."
        )
    return found


def tenants(connection: Connection, data_dir: Path) -> list[Tenant]:
    """All tenants by name; none if the main database has no catalogue yet.

    Args:
        connection: to the main database.
        data_dir: where tenants in SQLite files are.
    """
    if not inspect(connection).has_table(TENANT.name):
        return []
    hosts: dict[str, list[str]] = {}
    for row in connection.execute(select(TENANT_HOST).order_by(TENANT_HOST.c.host)):
        hosts.setdefault(row.tenant, []).append(row.host)
    return [
        Tenant(
            row.name,
            State(row.state),
            _url(connection, data_dir, row.name, row.database_url, row.schema_name),
            row.created_at,
            tuple(hosts.get(row.name, ())),
            row.database_url is not None,
        )
        for row in connection.execute(select(TENANT).order_by(TENANT.c.name))
    ]


def tenant(connection: Connection, data_dir: Path, name: str) -> Tenant:
    """One tenant.

    Raises:
        NotFound: there is none of this name.
    """
    for each in tenants(connection, data_dir):
        if each.name == name:
            return each
    raise NotFound(f"There is no tenant {name[:60]!r}.", hint="Look at «xrm tenant list».")


def register(main: Database, data_dir: Path, name: str, hosts: Iterable[str] = (), at: str | None = None) -> Tenant:
    """Enter a tenant into the catalogue, in the state ``making``, and make its place: an empty schema or no file yet.

    Args:
        main: the main database.
        data_dir: where tenants in SQLite files are.
        name: of the tenant.
        hosts: names by which it is reached.
        at: URL of another database than the main one's server, or of a file.

    Raises:
        SettingsError: a name or the URL cannot be used.
        TenantExists: the name, a host or the place is taken; nothing was changed.
    """
    check_name(name)
    hosts = check_hosts(hosts)
    target = Database(at) if at else main
    if at and target.is_sqlite:
        at = _file_url(target.url)
    try:
        with main.begin() as connection:
            _refuse_taken(connection, name, hosts)
            schema = None if target.is_sqlite else _SCHEMA_PREFIX + name
            connection.execute(
                insert(TENANT).values(
                    name=name,
                    state=State.MAKING,
                    database_url=at,
                    schema_name=schema,
                    created_at=dt.datetime.now(dt.UTC),
                )
            )
            for host in hosts:
                connection.execute(insert(TENANT_HOST).values(host=host, tenant=name))
            made = tenant(connection, data_dir, name)
            _refuse_shared(connection, data_dir, made)
            _make_place(target, made, schema)
    except IntegrityError as error:  # two at once
        raise TenantExists(f"Somebody else is making the tenant {name}, or takes one of its hosts.") from error
    finally:
        if target is not main:
            target.close()
    return made


def set_state(main: Database, name: str, state: State) -> None:
    """Put a tenant into another state; servers know within seconds."""
    with main.begin() as connection:
        connection.execute(update(TENANT).where(TENANT.c.name == name).values(state=state))


def set_hosts(main: Database, name: str, hosts: Iterable[str]) -> None:
    """Give a tenant exactly these host names.

    Raises:
        SettingsError, TenantExists: one of them cannot be used, or is another tenant's.
    """
    hosts = check_hosts(hosts)
    with main.begin() as connection:
        connection.execute(delete(TENANT_HOST).where(TENANT_HOST.c.tenant == name))
        _refuse_taken(connection, "", hosts)
        try:
            for host in hosts:
                connection.execute(insert(TENANT_HOST).values(host=host, tenant=name))
        except IntegrityError as error:
            raise TenantExists("Somebody else has just taken one of the hosts.") from error


def remove(main: Database, data_dir: Path, name: str) -> None:
    """Drop everything of a tenant. If it is interrupted, the same call goes on.

    Raises:
        NotFound: there is none of this name.
    """
    with main.read() as connection:
        gone = tenant(connection, data_dir, name)
    set_state(main, name, State.REMOVING)  # servers let go of it
    _drop_place(gone)
    with main.begin() as connection:
        connection.execute(delete(TENANT_HOST).where(TENANT_HOST.c.tenant == name))
        connection.execute(delete(TENANT).where(TENANT.c.name == name))


def _refuse_taken(connection: Connection, name: str, hosts: Iterable[str]) -> None:
    if connection.scalar(select(TENANT.c.name).where(TENANT.c.name == name)) is not None:
        raise TenantExists(f"There is a tenant {name} already.", hint="Take another name, or remove that one.")
    for host in hosts:
        taken = connection.scalar(select(TENANT_HOST.c.tenant).where(TENANT_HOST.c.host == host))
        if taken is not None:
            raise TenantExists(f"The host {host} belongs to the tenant {taken}.", hint="Take another one.")


def _refuse_shared(connection: Connection, data_dir: Path, made: Tenant) -> None:
    """A place is one tenant's: a file may be promised to one that is being made, and not be there yet."""
    for each in tenants(connection, data_dir):
        if each.url == made.url and each.name != made.name:
            raise TenantExists(f"The place {made.place} belongs to the tenant {each.name}.", hint="Take another one.")


def _file_url(url: URL) -> str:
    """The URL of an SQLite file that is the same from every folder and for everybody.

    Raises:
        SettingsError: the name of the file cannot stand in a URL.
    """
    file = str(Path(url.database or "").absolute())
    found = f"sqlite:///{file}"
    if make_url(found).database != file:
        raise SettingsError("The name of the file has signs that cannot stand in a URL.", hint="Name another one.")
    return found


def _url(connection: Connection, data_dir: Path, name: str, url: str | None, schema: str | None) -> str:
    if schema is None:
        return url or f"sqlite:///{data_dir.expanduser()}/tenants/{name}.db"
    return with_schema(connection.engine.url if url is None else make_url(url), schema)


def _make_place(target: Database, made: Tenant, schema: str | None) -> None:
    taken = TenantExists(
        f"Something is at the place of the tenant already: {made.place}.",
        hint="If it is what remains of a former tenant, move it away by hand.",
    )
    if schema is None:
        file = Path(make_url(made.url).database or "")
        if file.exists():
            raise taken
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    with target.begin() as connection:
        if inspect(connection).has_schema(schema):
            raise taken
        connection.execute(CreateSchema(schema))


def _drop_place(gone: Tenant) -> None:
    database = Database(gone.url, makes=False)
    try:
        if not database.is_sqlite:
            with database.begin() as connection:
                connection.execute(DropSchema(str(database.schema), cascade=True, if_exists=True))
    finally:
        database.close()
    if database.is_sqlite:
        file = Path(database.url.database or "")
        for suffix in ("", "-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
