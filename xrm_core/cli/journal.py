"""``xrm journal``: what a restore does not take back, and what of it is not done again."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.jobs.journal_by_hand import Listed
    from xrm_core.sealed.key_store import KeyStore
    from xrm_core.storage.engines import Database

app = typer.Typer(help="The journal: what a restore does not take back.", no_args_is_help=True)

EntryId = Annotated[str, typer.Argument(metavar="ID", help="Id of the entry, as «xrm journal list» shows it.")]
_COLUMNS = ("id", "kind", "state", "kept_at", "because")


@app.command("list")
def list_entries(
    schemas: Schemas = None,
    database: DatabaseUrl = None,
    state: Annotated[
        str | None, typer.Option(help="Only these: done, waiting, lost or skipped.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List entries, the newest first, and how many there are in each state; lost: to be done again after a restore."""
    from xrm_core.cli.account_lists import aligned
    from xrm_core.errors import SettingsError
    from xrm_core.jobs.journal_by_hand import State, listed

    if state is not None and state not in set(State):
        raise SettingsError(f"There is no state {state!r}.", hint=f"States are: {', '.join(State)}.")
    with _opened(schemas, database) as (found, store):
        entries = listed(found, store)
    shown = [_shown(each) for each in entries if state in (None, each.state)][:limit]
    if as_json:
        for each in shown:
            typer.echo(json.dumps(each))
        return
    rows = [[str(each[column] or "") for column in _COLUMNS] for each in shown]
    for line in aligned([list(_COLUMNS), *rows]) if rows else ():
        typer.echo(line)
    counts = {each: sum(entry.state is each for entry in entries) for each in State}
    typer.echo(", ".join(f"{count} {each}" for each, count in counts.items()))


@app.command()
def show(entry_id: EntryId, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Show an entry with its content: ids, names and moments."""
    from xrm_core.errors import NotFound
    from xrm_core.jobs.journal_by_hand import content_of, listed

    with _opened(schemas, database) as (found, store):
        entries = [each for each in listed(found, store) if each.id == entry_id]
        if not entries:
            raise NotFound(f"There is no entry {entry_id!r}.", hint="«xrm journal list» says which ones there are.")
        content = content_of(found, store, entries[0])
    typer.echo(json.dumps({**_shown(entries[0]), "content": content}, ensure_ascii=False, indent=2))


@app.command()
def skip(
    entry_id: EntryId,
    because: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept with the entry.")],
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Do not do again what a restore has taken back, such as an entry that fails for good: see to it yourself."""
    from xrm_core.jobs.journal_by_hand import skip as leave_out

    with _opened(schemas, database) as (found, store):
        leave_out(found, store, entry_id, because)
    typer.echo("It is not done again here. Servers and workers go on with the rest.")


@contextmanager
def _opened(schemas: Path | None, database: str | None) -> "Iterator[tuple[Database, KeyStore]]":
    from xrm_core.cli.workplace import start
    from xrm_core.sealed.key_store import keys_of
    from xrm_core.server.assembly import require_there
    from xrm_core.storage.engines import Database

    settings = start(schemas, database)
    require_there(settings)
    with closing(Database(settings.database_url)) as found:
        yield found, keys_of(settings)


def _shown(entry: "Listed") -> dict[str, Any]:
    at = entry.kept_at
    return {
        "id": entry.id,
        "kind": entry.kind,
        "state": entry.state.value,
        "kept_at": None if at is None else at if isinstance(at, str) else at.isoformat(),
        "because": entry.because,
    }
