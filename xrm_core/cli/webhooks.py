"""``xrm webhooks``: who outside hears of changes."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.events.webhooks import Webhook

app = typer.Typer(help="Webhooks: who outside hears of changes of records.", no_args_is_help=True)

WebhookId = Annotated[str, typer.Argument(metavar="ID", help="Of the webhook, as «xrm webhooks list» shows it.")]
_COLUMNS = ("id", "name", "state", "reason", "entity", "role", "failures", "url")
_DELIVERIES = ("at", "event", "attempt", "status", "error", "milliseconds")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is called, for people.")],
    url: Annotated[str, typer.Option(help="Where to send: https://host/path.")],
    entity: Annotated[str, typer.Option(help="Of which records.")],
    role: Annotated[str, typer.Option(help="With whose rights: what it may not read is not sent.")],
    operation: Annotated[
        list[str] | None,
        typer.Option(help="create, update, delete or restore; may be repeated. Default: all.", show_default=False),
    ] = None,
    filter_: Annotated[
        str | None,
        typer.Option("--filter", metavar="JSON", help="Only records for which this holds.", show_default=False),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(help="Only this field; may be repeated. Default: all that the role may read.", show_default=False),
    ] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Make a webhook; prints its id and its secret, which cannot be read again."""
    from xrm_core.auth.secret_box import SecretBox
    from xrm_core.cli.workplace import opened
    from xrm_core.events import webhooks
    from xrm_core.events.webhooks import Wanted

    wanted = Wanted(name, url, role, entity, tuple(operation or ()), _filter(filter_), field)
    with opened(schemas, database) as workplace:
        workplace.check_applied()
        policies = workplace.policies()
        box = SecretBox(workplace.settings.secret_key)
        with workplace.database.begin() as connection:
            workplace.check_applied(connection)
            id_, secret = webhooks.create(connection, box, workplace.model, policies, wanted)
    typer.echo(id_)
    typer.echo(secret)


@app.command("list")
def list_webhooks(as_json: AsJson = False, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """List webhooks."""
    from xrm_core.cli.account_lists import aligned
    from xrm_core.cli.workplace import opened_database
    from xrm_core.events import webhooks

    with opened_database(schemas, database) as found, found.read() as connection:
        rows = [_shown(each) for each in webhooks.webhooks(connection)]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    cells = [["-" if row[name] is None else str(row[name]) for name in _COLUMNS] for row in rows]
    for line in aligned([list(_COLUMNS), *cells]) if rows else ():
        typer.echo(line)


@app.command()
def deliveries(
    webhook_id: WebhookId,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that did not arrive.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many, the newest.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """What was sent and what came of it, the newest first."""
    from xrm_core.cli.account_lists import aligned
    from xrm_core.cli.workplace import opened_database
    from xrm_core.events import webhook_deliveries, webhooks

    with opened_database(schemas, database) as found, found.read() as connection:
        webhooks.webhook(connection, webhook_id)
        rows = [asdict(each) for each in webhook_deliveries.deliveries(connection, webhook_id, limit, failed=failed)]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    cells = [["-" if row[name] is None else str(row[name]) for name in _DELIVERIES] for row in rows]
    for line in aligned([list(_DELIVERIES), *cells]) if rows else ():
        typer.echo(line)


@app.command()
def pause(webhook_id: WebhookId, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Send nothing; what it would hear waits."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.events import webhooks

    with opened_database(schemas, database) as found, found.begin() as connection:
        webhooks.pause(connection, webhook_id, "BY_HAND")
    typer.echo("It is paused.")


@app.command()
def resume(webhook_id: WebhookId, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Go on where it was paused; what waits or was given up is tried again at once."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.events import webhooks

    with opened_database(schemas, database) as found, found.begin() as connection:
        webhooks.resume(connection, webhook_id)
    typer.echo("It goes on.")


@app.command()
def rotate(webhook_id: WebhookId, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Make another secret and print it; for a day the former one signs, too."""
    from xrm_core.auth.secret_box import SecretBox
    from xrm_core.cli.workplace import opened
    from xrm_core.events import webhooks

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.begin() as connection:
            secret = webhooks.rotate(connection, SecretBox(workplace.settings.secret_key), webhook_id)
    typer.echo(secret)


@app.command()
def replay(
    webhook_id: WebhookId,
    since: Annotated[str, typer.Option(metavar="WHEN", help="A date, a moment with zone, or 24h, 7d.")],
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Send anew what was written since a moment, as the records are now."""
    from xrm_core.cli.log import moment_of
    from xrm_core.cli.workplace import opened_database
    from xrm_core.events import webhooks

    moment = moment_of(since)
    with opened_database(schemas, database) as found, found.begin() as connection:
        count = webhooks.replay(connection, webhook_id, moment)
    typer.echo(f"{count} changes are gone through again by a worker.")


@app.command()
def delete(webhook_id: WebhookId, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Remove a webhook with all that is kept of it."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.events import webhooks

    with opened_database(schemas, database) as found, found.begin() as connection:
        webhooks.remove(connection, webhook_id)
    typer.echo("It is removed.")


def _filter(text: str | None) -> dict[str, Any] | None:
    from xrm_core.events.webhooks import WebhookInvalid

    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise WebhookInvalid(
            "The webhook cannot be made: its filter is no JSON object.", hint='Write {"status": {"eq": "active"}}.'
        )
    return found


def _shown(webhook: "Webhook") -> dict[str, Any]:
    wanted = asdict(webhook.wanted)
    more = {"state": webhook.state.value, "reason": webhook.reason, "failures": webhook.failures}
    return {"id": webhook.id, **wanted, **more, "failed_since": webhook.failed_since}
