"""``xrm log changes``, ``seal`` and ``verify``: the change log."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from xrm_core.cli.log import Form, Format, Limit, Since, lines, moment_of, names_of, record_of
from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

_COLUMNS = ("at", "entity", "record_id", "operation", "version", "actor", "causes", "fields")


def list_changes(
    record: Annotated[
        str | None,
        typer.Option(metavar="ENTITY:ID", help="Only changes of this record, or of this entity.", show_default=False),
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="Id or e-mail address: only what this user changed.", show_default=False)
    ] = None,
    since: Since = None,
    limit: Limit = 1000,
    form: Form = Format.TABLE,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """What has become of which record, by whom and why, the newest first."""
    from xrm_core.changes.reading import logged
    from xrm_core.cli.workplace import opened

    moment = None if since is None else moment_of(since)
    with opened(schemas, database) as workplace:
        workplace.check_applied()
        entity, id_ = (None, None) if record is None else record_of(workplace, record)
        with workplace.database.read() as connection:
            actor = None if user is None else names_of(workplace, connection, user)[0]
            found = list(logged(connection, record_id=id_, entity=entity, actor=actor, since=moment, limit=limit))
    for line in lines((_cells(asdict(each)) for each in found), _COLUMNS, form):
        typer.echo(line)


def seal(schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Seal the changes that are not in the chain yet, and close values of persons, as a running server does."""
    from xrm_core.changes.keys import ChainKeys
    from xrm_core.changes.sealing import seal_all
    from xrm_core.cli.workplace import opened
    from xrm_core.records.log_values import close

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        count = seal_all(workplace.database, ChainKeys(workplace.settings.secret_key))
        values = close(workplace.database, workplace.records)
    typer.echo(f"{count} changes sealed." + (f" {values} values closed." if values else ""))


def verify(
    expect: Annotated[
        str | None,
        typer.Option(
            metavar="HEAD", help="The head that an earlier check has told: it must still be there.", show_default=False
        ),
    ] = None,
    unsigned_to: Annotated[
        int,
        typer.Option(
            metavar="BATCH", min=0, help="The last batch of the time before there was a key.", show_default=False
        ),
    ] = 0,
    as_json: AsJson = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Check that the change log is what was written: nothing changed, removed or slipped in since it was sealed."""
    import json

    from xrm_core.changes.keys import ChainKeys
    from xrm_core.changes.verifying import ChangeLogBroken, head_of, verify
    from xrm_core.cli.workplace import opened

    if expect is not None:
        head_of(expect)
    with opened(schemas, database) as workplace:
        workplace.check_applied()
        keys = ChainKeys(workplace.settings.secret_key)
        with workplace.database.read() as connection:
            found = verify(connection, keys, expect, unsigned_to)
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
    else:
        typer.echo(f"{found.batches} batches with {found.entries} changes; head {found.head or '-'}")
        for count, what in (
            (found.unsealed, "changes are not sealed yet"),
            (found.unopened, "closed values were not compared: their keys are destroyed, or not at hand"),
            (found.removed, "batches were removed, since they were too old"),
            (found.unsigned, "batches have no signature: XRM_SECRET_KEY was not set"),
        ):
            if count:
                typer.echo(f"{count} {what}")
        for each in found.findings:
            typer.echo(f"batch {each.batch}: {each.what}")
    if found.findings:
        raise ChangeLogBroken(len(found.findings))


def _cells(change: dict[str, Any]) -> dict[str, Any]:
    causes = [f"{kind} {name}" for kind, name in change["causes"]]
    return {name: causes if name == "causes" else change[name] for name in _COLUMNS}
