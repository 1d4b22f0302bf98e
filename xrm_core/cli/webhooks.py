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
_COLUMNS = ("id", "name", "state", "reason", "entities", "role", "service", "failures", "url")
_DELIVERIES = ("at", "event", "attempt", "status", "error", "milliseconds")


Url = Annotated[str, typer.Option(help="Where to send: https://host/path.")]
Entities = Annotated[
    list[str] | None, typer.Option("--entity", help="Of which records; may be repeated.", show_default=False)
]
Role = Annotated[
    str | None,
    typer.Option(help="With whose rights: what this role may not read is not sent.", show_default=False),
]
Service = Annotated[
    str | None,
    typer.Option(metavar="ID", help="With the rights of the service whose token has this id.", show_default=False),
]
Operations = Annotated[
    list[str] | None,
    typer.Option(
        "--operation", help="create, update, delete or restore; may be repeated. Default: all.", show_default=False
    ),
]
Filter = Annotated[
    str | None,
    typer.Option("--filter", metavar="JSON", help="Only records for which this holds.", show_default=False),
]
Fields = Annotated[
    list[str] | None,
    typer.Option(
        "--field", help="Only this field; may be repeated. Default: all that may be read.", show_default=False
    ),
]
Subjects = Annotated[
    list[str] | None,
    typer.Option(
        "--subject",
        metavar="JSON",
        help="Instead of --entity, for each entity of its own: entity, operations, filter, fields. May be repeated.",
        show_default=False,
    ),
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is called, for people.")],
    url: Url,
    entity: Entities = None,
    role: Role = None,
    service: Service = None,
    operation: Operations = None,
    filter_: Filter = None,
    field: Fields = None,
    subject: Subjects = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Make a webhook; prints its id and its secret, which cannot be read again."""
    from xrm_core.auth.secret_box import SecretBox
    from xrm_core.cli.webhook_subjects import subjects_of
    from xrm_core.cli.workplace import opened
    from xrm_core.events import webhook_changes
    from xrm_core.events.webhooks import Wanted
    from xrm_core.permissions.authority import Authority

    subjects = subjects_of(entity, operation, filter_, field, subject)
    wanted = Wanted(name, url, subjects or (), role, service)
    with opened(schemas, database) as workplace:
        workplace.check_applied()
        authority = Authority(workplace.model, workplace.policies())
        box = SecretBox(workplace.settings.secret_key)
        with workplace.database.begin() as connection:
            workplace.check_applied(connection)
            id_, secret = webhook_changes.create(connection, box, authority, wanted)
    typer.echo(id_)
    typer.echo(secret)


@app.command()
def update(
    webhook_id: WebhookId,
    name: Annotated[str | None, typer.Option(help="What it is called, for people.", show_default=False)] = None,
    url: Annotated[str | None, typer.Option(help="Where to send: https://host/path.", show_default=False)] = None,
    entity: Entities = None,
    role: Role = None,
    service: Service = None,
    operation: Operations = None,
    filter_: Filter = None,
    field: Fields = None,
    subject: Subjects = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Change a webhook; what is not named stays as it is."""
    from xrm_core.cli.webhook_subjects import subjects_of
    from xrm_core.cli.workplace import opened
    from xrm_core.events import webhook_changes, webhooks
    from xrm_core.events.webhooks import Wanted
    from xrm_core.permissions.authority import Authority

    subjects = subjects_of(entity, operation, filter_, field, subject)
    with opened(schemas, database) as workplace:
        workplace.check_applied()
        authority = Authority(workplace.model, workplace.policies())
        with workplace.database.begin() as connection:
            workplace.check_applied(connection)
            now = webhooks.webhook(connection, webhook_id).wanted
            rights = (now.role, now.service) if role is None and service is None else (role, service)
            wanted = Wanted(name or now.name, url or now.url, subjects or now.subjects, *rights)
            webhook_changes.change(connection, authority, webhook_id, wanted)
    typer.echo("It is changed.")


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
    from xrm_core.events import webhook_changes

    with opened_database(schemas, database) as found, found.begin() as connection:
        webhook_changes.pause(connection, webhook_id, "BY_HAND")
    typer.echo("It is paused.")


@app.command()
def resume(webhook_id: WebhookId, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Go on where it was paused; what waits or was given up is tried again at once."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.events import webhook_changes

    with opened_database(schemas, database) as found, found.begin() as connection:
        webhook_changes.resume(connection, webhook_id)
    typer.echo("It goes on.")


@app.command()
def rotate(webhook_id: WebhookId, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Make another secret and print it; for a day the former one signs, too."""
    from xrm_core.auth.secret_box import SecretBox
    from xrm_core.cli.workplace import opened
    from xrm_core.events import webhook_changes

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.begin() as connection:
            secret = webhook_changes.rotate(connection, SecretBox(workplace.settings.secret_key), webhook_id)
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
    from xrm_core.events import webhook_changes

    moment = moment_of(since)
    with opened_database(schemas, database) as found, found.begin() as connection:
        count = webhook_changes.replay(connection, webhook_id, moment)
    typer.echo(f"{count} changes are gone through again by a worker.")


@app.command("test")
def send_test(webhook_id: WebhookId, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Have a worker send a test; prints the id of its event, by which «deliveries» shows what came of it."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.events import webhook_tests

    with opened_database(schemas, database) as found, found.begin() as connection:
        event = webhook_tests.enqueue_test(connection, webhook_id)
    typer.echo(event)


@app.command()
def delete(webhook_id: WebhookId, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Remove a webhook with all that is kept of it."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.events import webhook_changes

    with opened_database(schemas, database) as found, found.begin() as connection:
        webhook_changes.remove(connection, webhook_id)
    typer.echo("It is removed.")


def _shown(webhook: "Webhook") -> dict[str, Any]:
    wanted = asdict(webhook.wanted)
    wanted["entities"] = " ".join(webhook.subjects)
    more = {"state": webhook.state.value, "reason": webhook.reason, "failures": webhook.failures}
    return {"id": webhook.id, **wanted, **more, "failed_since": webhook.failed_since}
