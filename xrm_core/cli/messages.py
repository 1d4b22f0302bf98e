"""``xrm messages``: the outbox. What waits, what became of the rest, and what people do about it."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.messages.by_hand import Listed

app = typer.Typer(help="Messages to people outside: what waits, what was sent, what failed.", no_args_is_help=True)

MessageId = Annotated[str, typer.Argument(metavar="ID", help="Id of the message, as «xrm messages list» shows it.")]
_COLUMNS = ("id", "kind", "channel", "state", "reason", "attempts", "about", "person", "created_at", "ended_at")


@app.command("list")
def list_messages(
    schemas: Schemas = None,
    database: DatabaseUrl = None,
    state: Annotated[
        str | None,
        typer.Option(help="Only these: queued, handing_over, sent, failed or refused.", show_default=False),
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only messages of this kind.", show_default=False)] = None,
    record: Annotated[
        str | None, typer.Option(metavar="ID", help="Only those about this record, or to it.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List messages, the newest first, and how many there are in each state. Neither texts nor addresses are kept."""
    from xrm_core.cli.account_lists import aligned
    from xrm_core.cli.workplace import opened_database
    from xrm_core.errors import SettingsError
    from xrm_core.messages import by_hand
    from xrm_core.messages.message import MessageState

    if state is not None and state not in set(MessageState):
        raise SettingsError(f"There is no state {state!r}.", hint=f"States are: {', '.join(MessageState)}.")
    about = None if record is None else _id(record, "record")
    with opened_database(schemas, database) as found, found.read() as connection:
        kept = by_hand.messages(connection, state=state, kind=kind, record_id=about, limit=limit)
        counts = by_hand.counts(connection)
    if as_json:
        for each in kept:
            typer.echo(json.dumps(_shown(each)))
        return
    rows = [[_cell(_shown(each).get(column)) for column in _COLUMNS] for each in kept]
    for line in aligned([list(_COLUMNS), *rows]) if rows else ():
        typer.echo(line)
    typer.echo(", ".join(f"{count} {each}" for each, count in counts.items()))


@app.command()
def show(message_id: MessageId, schemas: Schemas = None, database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Show a message."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.messages import by_hand

    with opened_database(schemas, database) as found, found.read() as connection:
        kept = by_hand.message(connection, _id(message_id))
    _print(kept, message_id, as_json=as_json)


@app.command()
def cancel(message_id: MessageId, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Let a message that waits not leave: it is refused, with the reason CANCELLED, and its plugin is told."""
    from xrm_core.cli.tenant_option import chosen_tenant
    from xrm_core.cli.workplace import opened
    from xrm_core.messages import by_hand

    with opened(schemas, database) as workplace, workplace.database.begin() as connection:
        workplace.check_applied(connection)
        kept = by_hand.cancel(workplace.records, connection, chosen_tenant(), _id(message_id))
    _print(kept, message_id, as_json=False)


@app.command()
def retry(message_id: MessageId, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Have a message that failed or was refused handed over after all; one that waits at once. Gates are asked as ever.

    One that failed with OUTCOME_UNKNOWN may have been sent already: look before.
    """
    from xrm_core.cli.workplace import opened
    from xrm_core.messages import by_hand

    with opened(schemas, database) as workplace, workplace.database.begin() as connection:
        kept = by_hand.retry(workplace.plugins, connection, _id(message_id))
    _print(kept, message_id, as_json=False)


def _shown(found: "Listed") -> dict[str, Any]:
    shown = {**asdict(found), "state": found.state.value, "about": " ".join(found.about)}
    shown["person"] = None if found.person is None else " ".join(found.person)
    return {name: value for name, value in shown.items() if value is not None}


def _print(found: "Listed | None", asked: str, *, as_json: bool) -> None:
    from xrm_core.cli.failures import printable

    if found is None:
        raise _missing(asked, "message")
    if as_json:
        typer.echo(json.dumps(_shown(found)))
        return
    for name, value in _shown(found).items():
        typer.echo(printable(f"{name:<16}{_cell(value)}"))


def _cell(value: Any) -> str:
    from xrm_core.cli.failures import printable

    return "" if value is None else printable(str(value))


def _id(text: str, what: str = "message") -> str:
    from uuid import UUID

    try:
        return str(UUID(text))
    except ValueError:
        raise _missing(text, what) from None


def _missing(text: str, what: str) -> Exception:
    from xrm_core.errors import NotFound

    return NotFound(f"There is no {what} {text[:60]!r}.", hint="«xrm messages list» shows messages.")
