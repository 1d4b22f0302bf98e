"""Each database: whether it answers, and whether it is as the platform needs it."""

import datetime as dt
from collections.abc import Iterator
from contextlib import closing, suppress

from sqlalchemy import Connection, text

from xrm_core.auth import key_rotation
from xrm_core.auth.secret_box import SecretBox
from xrm_core.changes.closing import in_clear
from xrm_core.errors import XrmError
from xrm_core.metadata.in_log import log_rules
from xrm_core.metadata.model import Model
from xrm_core.permissions.in_force import in_force
from xrm_core.sealed.key_store import keys_of
from xrm_core.server.assembly import find_plugins, read_model
from xrm_core.server.doctor.findings import Finding, failed, ok, warning
from xrm_core.server.doctor.jobs import look_at_jobs
from xrm_core.server.journals import NO_STORE, journal_state
from xrm_core.settings import Settings, secret_keys
from xrm_core.storage.applied import current_model
from xrm_core.storage.backup.contents import server_version
from xrm_core.storage.backup.postgres_tools import PostgresTools
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database, is_missing
from xrm_core.storage.schema_files import schema_files
from xrm_core.storage.sealed_tables import mark_of
from xrm_core.storage.system_upgrade import newest_revision, system_revision
from xrm_core.storage.tenants import SERVED, Tenant, tenants

OLDEST_POSTGRES = 15
SKEW_SECONDS, GREAT_SKEW_SECONDS = 2.0, 30.0
_SHOWN = 3
_SLOW_SECONDS = 0.25
_EXTENSION = "pg_trgm"
_LOGS = [
    *("log_error_verbosity", "log_min_error_statement", "log_statement", "log_min_duration_statement"),
    *("log_parameter_max_length", "log_parameter_max_length_on_error"),
]
_UNCLOSED = 10_000
"""Entries that a server closes in some seconds."""


class Databases:
    """Looks at the main database and at all tenants. ``sealed`` is how many encrypted secrets it has met."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.sealed = 0

    def main(self) -> Iterator[Finding]:
        """The main database."""
        if is_missing(self._settings.database_url):
            yield failed("database", "There is no database yet.", "«xrm schema apply» makes it.")
            return
        with closing(Database(self._settings.database_url)) as database:
            yield from self._look("database", database)
            yield from _backups(database, self._settings)

    def tenants(self) -> Iterator[Finding]:
        """The tenants; where there are none, nothing is said."""
        if is_missing(self._settings.database_url):
            return
        with closing(Database(self._settings.database_url)) as main, main.read() as connection:
            known = tenants(connection, self._settings.data_dir)
        for each in known:
            yield from self._tenant(each)

    def _tenant(self, tenant: Tenant) -> Iterator[Finding]:
        check = f"tenant {tenant.name}"
        if tenant.state not in SERVED:
            yield warning(
                check,
                f"It is in the state {tenant.state}: a command is at it, or was interrupted.",
                f"If no command is running: «xrm tenant remove {tenant.name} --confirm {tenant.name}».",
            )
        elif is_missing(tenant.url):
            yield failed(check, f"Its file is not there: {tenant.place}.", "Bring it back from a backup.")
        else:
            with closing(Database(tenant.url, makes=False)) as database:
                yield from self._look(check, database)

    def _look(self, check: str, database: Database) -> Iterator[Finding]:
        before = dt.datetime.now(dt.UTC)
        with database.read() as connection:
            if database.is_sqlite:
                yield from _sqlite(check, connection)
            else:
                yield from _postgres(check, connection, before)
            yield from _revision(check, connection)
            model = current_model(connection)
            if model is None:
                yield failed(f"{check}: model", "No model was applied.", "«xrm schema plan», then «xrm schema apply».")
                return
            yield from self._model(check, connection, model)
            yield from self._sealed(check, connection)
            yield from self._keys(check, connection, model)
            yield from self._log_values(f"{check}: change log", connection, model)
            yield from look_at_jobs(check, connection)
        yield from self._journal(f"{check}: journal", database)

    def _model(self, check: str, connection: Connection, model: Model) -> Iterator[Finding]:
        differences = drift(connection, model)
        if differences:
            shown = " ".join(differences[:_SHOWN])
            more = f" And {len(differences) - _SHOWN} more." if len(differences) > _SHOWN else ""
            yield failed(
                f"{check}: tables", f"{shown}{more}", "See «xrm schema check --database», and mend them by hand."
            )
        else:
            yield ok(f"{check}: tables", f"The tables are those of the model {model.fingerprint}.")
        in_force(connection, model)
        yield ok(f"{check}: policies", "The policies in force fit the model.")
        with suppress(XrmError):  # that files have mistakes is told of the files
            files = read_model(self._settings, find_plugins(self._settings), schema_files(connection).texts)
            if files.fingerprint == model.fingerprint:
                return
            yield warning(
                f"{check}: entity files", "They say something else than what is served.", "See «xrm schema plan»."
            )

    def _sealed(self, check: str, connection: Connection) -> Iterator[Finding]:
        box = SecretBox(self._settings.secret_key)
        if not secret_keys(self._settings.secret_key):
            self.sealed += key_rotation.number_of_secrets(connection)
            return
        found = key_rotation.survey(connection, box)
        self.sealed += found.anew + found.already + len(found.unreadable)
        if found.unreadable:
            yield failed(
                f"{check}: secrets",
                f"No key opens {len(found.unreadable)} of the encrypted secrets.",
                "Set XRM_SECRET_KEY to the key of that time, behind the one of today.",
            )
        elif found.anew:
            yield warning(
                f"{check}: secrets", f"{found.anew} are encrypted with a former key.", "Run «xrm secrets rotate»."
            )

    def _keys(self, check: str, connection: Connection, model: Model) -> Iterator[Finding]:
        """The key store, if it is needed: what is sealed opens with nothing else."""
        mark = mark_of(connection)
        if mark is None and not any(field.sealing for entity in model for field in entity.fields.values()):
            return
        store, remedy = keys_of(self._settings), "See «Sealed values» in the documentation: the key store."
        try:
            store.require()
            there = not is_missing(self._settings.key_store_url)
            if mark is not None and not (there and store.fits(mark)):
                yield failed(f"{check}: sealed values", "The key store has no key of this database.", remedy)
                return
        except XrmError as error:
            yield failed(f"{check}: sealed values", error.message, error.hint or remedy)
            return
        yield ok(f"{check}: sealed values", "The key store is at hand.")

    def _log_values(self, check: str, connection: Connection, model: Model) -> Iterator[Finding]:
        """Whether what the log shall not keep in clear is closed."""
        rules = log_rules(find_plugins(self._settings), model)
        count = in_clear(connection, rules) if rules else 0
        if not rules:
            return
        try:
            keys_of(self._settings).require()
        except XrmError as error:
            reason = f"{count} entries of the change log have personal values in clear: there are no keys for them."
            yield warning(check, reason, error.hint or "Set XRM_KEY_STORE_URL and XRM_SECRET_KEY.")
            return
        if count > _UNCLOSED:
            reason = f"{count} entries of the change log have personal values in clear."
            yield warning(check, reason, "See whether a server runs, and why it does not close them: its log says so.")
        else:
            yield ok(check, "Personal values in it are closed.")

    def _journal(self, check: str, database: Database) -> Iterator[Finding]:
        """What a restore must not take back, if anything here has to be kept so."""
        try:
            state = journal_state(database, keys_of(self._settings))
        except XrmError as error:
            yield failed(check, error.message, error.hint or "Nothing is served until the key store answers.")
            return
        if not state.kept:
            return
        if not state.usable:
            yield warning(check, NO_STORE, "Set XRM_KEY_STORE_URL and XRM_SECRET_KEY.")
        elif not state.there:
            yield failed(check, "The key store is not there, or is another one.", "Bring back that of this data.")
        elif state.lost:
            yield failed(
                check,
                f"A restore has taken back {state.lost} things that are not done again yet.",
                "Start a server or a worker with all plugins: it does them before anything is served.",
            )
        elif state.unwritten:
            yield warning(
                check,
                f"{state.unwritten} entries are not in the journal yet: a restore would take them back.",
                "See whether a worker runs, and «xrm jobs list» for write_journal.",
            )
        else:
            yield ok(check, "The journal has all that a restore must not take back.")


def _sqlite(check: str, connection: Connection) -> Iterator[Finding]:
    version = connection.exec_driver_sql("SELECT sqlite_version()").scalar()
    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
    if mode != "wal":
        yield failed(
            check,
            f"SQLite {version} keeps its journal in the mode {mode}: readers and writers hold each other up.",
            "Keep the file on a disk of this machine; network folders cannot do WAL.",
        )
    else:
        yield ok(check, f"SQLite {version}, write-ahead log.")


def _postgres(check: str, connection: Connection, before: dt.datetime) -> Iterator[Finding]:
    version = server_version(connection)
    if version < OLDEST_POSTGRES:
        yield failed(check, f"PostgreSQL {version} is too old.", f"Use PostgreSQL {OLDEST_POSTGRES} or newer.")
    else:
        yield ok(check, f"PostgreSQL {version}.")
    yield from _clock(check, connection)
    yield from _server_log(check, connection)
    where = text("SELECT count(*) FROM pg_extension WHERE extname = :name")
    available = text("SELECT count(*) FROM pg_available_extensions WHERE name = :name")
    if not connection.scalar(where, {"name": _EXTENSION}) and not connection.scalar(available, {"name": _EXTENSION}):
        yield warning(
            f"{check}: extensions",
            f"{_EXTENSION} cannot be had here, which searches need.",
            "Install postgresql-contrib where PostgreSQL runs.",
        )
    else:
        yield ok(f"{check}: extensions", f"{_EXTENSION} is there, or can be made.")
    took = (dt.datetime.now(dt.UTC) - before).total_seconds()
    if took > _SLOW_SECONDS:
        yield warning(
            f"{check}: way", f"It took {took:.1f} seconds to connect and ask.", "See what is between the two."
        )


def _server_log(check: str, connection: Connection) -> Iterator[Finding]:
    """Whether PostgreSQL's own log quotes values, of people as well: nothing of ours reaches it."""
    rows = connection.execute(text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)"), {"names": _LOGS})
    said: dict[str, str] = {row.name: row.setting for row in rows}
    quotes = {
        "log_error_verbosity": said["log_error_verbosity"] != "terse",
        "log_min_error_statement": said["log_min_error_statement"] not in ("fatal", "panic"),
        "log_statement": said["log_statement"] in ("mod", "all") and said["log_parameter_max_length"] != "0",
        "log_min_duration_statement": said["log_min_duration_statement"] != "-1"
        and said["log_parameter_max_length"] != "0",
        "log_parameter_max_length_on_error": said["log_parameter_max_length_on_error"] != "0",
    }
    if wrong := [f"{name} = {said[name]}" for name, is_so in quotes.items() if is_so]:
        yield warning(
            f"{check}: server log",
            f"PostgreSQL's own log quotes values of statements ({', '.join(wrong)}).",
            "See «What was erased leaves the files, too» in the documentation, on operations.",
        )
    else:
        yield ok(f"{check}: server log", "PostgreSQL's own log quotes no values.")


def _clock(check: str, connection: Connection) -> Iterator[Finding]:
    before = dt.datetime.now(dt.UTC)
    theirs = connection.scalar(text("SELECT clock_timestamp()"))
    after = dt.datetime.now(dt.UTC)
    skew = abs((theirs - (before + (after - before) / 2)).total_seconds()) if theirs else 0.0
    says = f"The clocks of server and database differ by {skew:.1f} seconds."
    remedy = "Let both follow the same time (NTP): sessions, codes and jobs go by it."
    if skew >= GREAT_SKEW_SECONDS:
        yield failed(f"{check}: clock", says, remedy)
    elif skew >= SKEW_SECONDS:
        yield warning(f"{check}: clock", says, remedy)
    else:
        yield ok(f"{check}: clock", says)


def _revision(check: str, connection: Connection) -> Iterator[Finding]:
    found, newest = system_revision(connection), newest_revision()
    if found is None:
        yield failed(f"{check}: system tables", "There are none.", "«xrm schema apply» makes them.")
    elif found < newest:
        yield failed(
            f"{check}: system tables", f"They are of the revision {found}, not {newest}.", "Run «xrm schema apply»."
        )
    elif found > newest:
        yield failed(
            f"{check}: system tables",
            f"They are of the revision {found}, which is newer than this version of the platform.",
            "Use the version that made them, or a newer one.",
        )
    else:
        yield ok(f"{check}: system tables", f"They are of the revision {found}.")


def _backups(database: Database, settings: Settings) -> Iterator[Finding]:
    if database.is_sqlite:
        return
    with database.read() as connection:
        version = server_version(connection)
    PostgresTools(settings.postgres_bin).require(version)
    yield ok("backup", f"pg_dump and pg_restore know PostgreSQL {version}.")
