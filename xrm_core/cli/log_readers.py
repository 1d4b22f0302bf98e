"""``xrm log readers``, ``dead``, ``retry`` and ``forget``: who reads the change log."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

_READERS = ("name", "position", "lag_entries", "lag_seconds", "waiting", "dead", "worker", "error", "due_at", "read_at")
_DEAD = ("reader", "position", "entity", "record_id", "attempts", "error", "failed_at")

Reader = Annotated[str, typer.Argument(metavar="READER", help="Its name, as «xrm log readers» shows it.")]


def list_readers(as_json: AsJson = False, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """How far each reader of the change log is, and what it could not do."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.events import by_hand

    with opened_database(schemas, database) as found, found.read() as connection:
        states = [asdict(each) for each in by_hand.states(connection)]
    _print(states, _READERS, as_json=as_json)


def list_dead(
    reader: Annotated[str | None, typer.Option(help="Only what this reader has given up.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """What readers have given up after all attempts, the newest first."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.events import by_hand

    with opened_database(schemas, database) as found, found.read() as connection:
        dead = [asdict(each) for each in by_hand.dead(connection, reader, limit)]
    _print(dead, _DEAD, as_json=as_json)


def retry(
    reader: Reader,
    position: Annotated[
        list[int] | None, typer.Option(help="Only this entry; may be repeated.", show_default=False)
    ] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Let a reader try at once what waits, and again what it has given up, with all attempts."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.events import by_hand

    with opened_database(schemas, database) as found, found.begin() as connection:
        count = by_hand.retry(connection, reader, position or ())
    typer.echo(f"{count} entries are tried again by a worker.")


def forget(reader: Reader, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Remove the reader of a plugin that is not there any more, with all that it could not do."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.events import by_hand

    with opened_database(schemas, database) as found, found.begin() as connection:
        by_hand.forget(connection, reader)
    typer.echo(f"The reader {reader} is forgotten.")


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool) -> None:
    from xrm_core.cli.account_lists import aligned

    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    cells = [["-" if row[name] is None else str(row[name]) for name in columns] for row in rows]
    for line in aligned([list(columns), *cells]) if rows else ():
        typer.echo(line)
