"""``xrm log``: what happened to accounts and rights."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from xrm_core.auth.events import AuthEvent

app = typer.Typer(help="Logs of what happened to accounts and rights.", no_args_is_help=True)


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
            users = () if user is None else _names(workplace, connection, user)
            found = list(recorded(connection, users=users, event=event, since=moment, limit=limit))
    for line in lines(map(_cells, found), _EVENT_COLUMNS, form):
        typer.echo(line)


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
    """CSV with a header. A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    import csv
    import io

    for cells in [list(columns), *([_harmless(_text(row[name])) for name in columns] for row in rows)]:
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(cells)
        yield line.getvalue()


def moment_of(text: str) -> dt.datetime:
    """The moment that ``--since`` means.

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
            f"--since {text!r} is no moment.", hint="Write 24h, 7d, 2026-11-22 or 2026-11-22T10:00:00+01:00."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _names(workplace: Any, connection: "Connection", user: str) -> tuple[str, ...]:
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
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _harmless(text: str) -> str:
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
