"""``xrm log``: what happened to accounts and rights, who read what, and what has become of records."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from xrm_core.auth.events import AuthEvent

app = typer.Typer(help="Logs of changes, of accounts and rights, and of reads.", no_args_is_help=True)


class Format(StrEnum):
    """How a log is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


Since = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="A date, a moment with zone, or 24h, 7d.", show_default=False),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="At most so many, the newest.")]
Form = Annotated[Format, typer.Option("--format", help="table for people, json (one object a line) or csv.")]

_EVENT_COLUMNS = ("at", "event", "user_id", "subject", "address", "details")


@app.command("events")
def list_events(
    user: Annotated[
        str | None,
        typer.Option(help="Id or e-mail address: what this user did, or what was done about them.", show_default=False),
    ] = None,
    since: Since = None,
    event: Annotated[str | None, typer.Option(help="Only events of this kind.", show_default=False)] = None,
    limit: Limit = 1000,
    form: Form = Format.TABLE,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Sign-ins, tokens, roles, exports and so on, the newest first."""
    from xrm_core.auth.events import Event, recorded
    from xrm_core.cli.workplace import opened
    from xrm_core.errors import SettingsError

    if event is not None and event not in set(Event):
        raise SettingsError(f"There is no event {event!r}.", hint=f"Events are: {', '.join(Event)}.")
    moment = None if since is None else moment_of(since)
    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.read() as connection:
            users = () if user is None else names_of(workplace, connection, user)
            found = list(recorded(connection, users=users, event=event, since=moment, limit=limit))
    for line in lines(map(_cells, found), _EVENT_COLUMNS, form):
        typer.echo(line)


_READ_COLUMNS = ("at", "request_id", "user_id", "token_id", "address", "entity", "fields", "record_ids")


@app.command("reads")
def list_reads(
    record: Annotated[
        str | None,
        typer.Option(metavar="ENTITY:ID", help="Only reads of this record, or of this entity.", show_default=False),
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="Id or e-mail address: only what this user read.", show_default=False)
    ] = None,
    since: Since = None,
    limit: Limit = 1000,
    form: Form = Format.TABLE,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Who read which record, the newest first; of entities with x-log-reads only."""
    from xrm_core.cli.workplace import opened
    from xrm_core.records.read_log import logged

    moment = None if since is None else moment_of(since)
    with opened(schemas, database) as workplace:
        workplace.check_applied()
        entity, id_ = (None, None) if record is None else record_of(workplace, record)
        with workplace.database.read() as connection:
            reader = None if user is None else names_of(workplace, connection, user)[0]
            found = list(logged(connection, record_id=id_, entity=entity, user_id=reader, since=moment, limit=limit))
    rows = ({**asdict(each), "fields": list(each.fields), "record_ids": list(each.record_ids)} for each in found)
    for line in lines(({name: row[name] for name in _READ_COLUMNS} for row in rows), _READ_COLUMNS, form):
        typer.echo(line)


@app.command("clear")
def clear_logs(
    before: Annotated[
        str,
        typer.Option(metavar="WHEN", help="A date, a moment with zone, or 400d: what is older.", show_default=False),
    ],
    of_events: Annotated[bool, typer.Option("--events", help="Events of accounts and rights.")] = False,
    of_reads: Annotated[bool, typer.Option("--reads", help="The log of reads.")] = False,
    of_changes: Annotated[bool, typer.Option("--changes", help="The change log.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many lines of which days.")] = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Remove old lines of the logs for good; that it was done is kept as an event."""
    from xrm_core.auth.retention import Log, by_day, check_old_enough, clear
    from xrm_core.changes import retention as changes
    from xrm_core.changes.keys import ChainKeys
    from xrm_core.cli.workplace import opened
    from xrm_core.errors import SettingsError

    logs = [log for log, asked in ((Log.EVENTS, of_events), (Log.READS, of_reads)) if asked]
    if not logs and not of_changes:
        raise SettingsError("Which log?", hint="Add --events, --reads, --changes or several of them.")
    moment = moment_of(before, "--before")
    for log in logs:
        check_old_enough(log, moment)
    if of_changes:
        changes.check_old_enough(moment)
    with opened(schemas, database) as workplace:
        workplace.check_applied()
        if of_changes and dry_run:
            with workplace.database.read() as connection:
                typer.echo(f"changes: {changes.removable(connection, moment)} lines would be removed.")
        elif of_changes:
            keys = ChainKeys(workplace.settings.secret_key)
            gone = changes.remove(workplace.database, moment, keys=keys, by="command line")
            typer.echo(f"changes: {gone} lines removed.")
        for log in logs:
            if not dry_run:
                typer.echo(f"{log}: {clear(workplace.database, log, moment, by='command line')} lines removed.")
                continue
            with workplace.database.read() as connection:
                days = by_day(connection, log, moment)
            for day, count in days:
                typer.echo(f"{log}  {day}  {count}")
            typer.echo(f"{log}: {sum(count for _, count in days)} lines would be removed.")


def record_of(workplace: Any, text: str) -> tuple[str, str | None]:
    """Entity and id of ``customer:ID``; no id for ``customer``."""
    from uuid import UUID

    from xrm_core.errors import SettingsError

    entity, colon, id_ = text.partition(":")
    if entity not in workplace.model:
        raise SettingsError(f"There is no entity {entity!r}.", hint="Write --record customer:ID, or --record customer.")
    if not colon:
        return entity, None
    try:
        return entity, str(UUID(id_))
    except ValueError:
        raise SettingsError(f"{id_!r} is no id.", hint="Write --record customer:ID.") from None


def lines(rows: Iterable[dict[str, Any]], columns: tuple[str, ...], form: Format) -> Iterator[str]:
    """Rows of a log as they are printed."""
    match form:
        case Format.JSON:
            for row in rows:
                yield json.dumps(row, ensure_ascii=True)
        case Format.CSV:
            yield from csv_lines(rows, columns)
        case Format.TABLE:
            from xrm_core.cli.account_lists import aligned

            texts = [[_text(row[name]) for name in columns] for row in rows]
            yield from aligned([list(columns), *texts])


def csv_lines(rows: Iterable[dict[str, Any]], columns: tuple[str, ...]) -> Iterator[str]:
    """CSV with a header, without characters that play tricks on the terminal; a row is a line.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    import csv
    import io

    for cells in [list(columns), *([_harmless(_text(row[name])) for name in columns] for row in rows)]:
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(cells)
        yield line.getvalue()


def moment_of(text: str, option: str = "--since") -> dt.datetime:
    """The moment that ``--since``, or another option, means.

    Raises:
        SettingsError: it is none.
    """
    from xrm_core.errors import SettingsError

    number, unit = text[:-1], text[-1:]
    try:
        if unit in ("h", "d") and number.isdecimal():
            span = dt.timedelta(hours=int(number)) if unit == "h" else dt.timedelta(days=int(number))
            return dt.datetime.now(dt.UTC) - span
        moment = dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise SettingsError(
            f"{option} {text!r} is no moment.", hint="Write 24h, 7d, 2026-11-22 or 2026-11-22T10:00:00+01:00."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def names_of(workplace: Any, connection: "Connection", user: str) -> tuple[str, ...]:
    """The id of a user, and the e-mail address under which strangers may have tried to sign in."""
    from uuid import UUID

    from xrm_core.cli.accounts import user_id

    try:
        return (str(UUID(user)),)
    except ValueError:
        return (user_id(workplace, connection, user), user)


def _cells(event: "AuthEvent") -> dict[str, Any]:
    return {name: getattr(event, name) for name in _EVENT_COLUMNS}


def _text(value: Any) -> str:
    if value is None or value == {}:
        return ""
    if isinstance(value, list):
        return " ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _harmless(text: str) -> str:
    from xrm_core.cli.failures import printable

    return printable("'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text).replace("\n", " ")
