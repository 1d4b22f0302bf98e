"""Revision 0037 puts what a webhook was told of one entity into a list, and takes it out of there on the way back."""

import json
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, insert, inspect, select, table
from sqlalchemy import column as col
from uuid_utils import uuid7

from xrm_core import storage
from xrm_core.events.webhooks import State, Subject, Wanted, columns, webhooks
from xrm_core.storage.columns import Id, Instant
from xrm_core.storage.engines import Database
from xrm_core.storage.system import VERSION_TABLE
from xrm_core.storage.system_upgrade import upgrade_system
from xrm_core.storage.webhook_tables import WEBHOOK, WEBHOOK_DELIVERY

TABLES = ("xrm_webhook", "xrm_webhook_delivery")
MADE, FAILED, ENDS = "2026-11-01T12:00:00.123456+00:00", "2026-11-02T12:00:00+00:00", "2026-11-03T12:00:00+00:00"
PARSED = ("operations", "filter", "fields")
NAMES = ("name", "url", "role", "entity", *PARSED, "secret", "former_secret", "state", "reason", "failures")
OLD = table(
    "xrm_webhook",
    col("id", Id()),
    *(col(name) for name in NAMES),
    *(col(name, Instant()) for name in ("former_until", "failed_since", "created_at")),
)
"""The table as it was before."""
ONCE = {"position": 1, "attempt": 1, "milliseconds": 1}
SENT = table(
    "xrm_webhook_delivery",
    *(col(name, Id()) for name in ("id", "webhook")),
    *(col(name) for name in ("event", *ONCE)),
    col("at", Instant()),
)


def go(connection: Connection, revision: str, *, down: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "revisions"))
    scripts = ScriptDirectory.from_config(config)
    steps = scripts._downgrade_revs if down else scripts._upgrade_revs
    with EnvironmentContext(config, scripts, fn=lambda current, _: steps(revision, current)) as environment:  # type: ignore[arg-type]
        environment.configure(connection=connection, version_table=VERSION_TABLE)
        environment.run_migrations()


def shape(connection: Connection) -> Any:
    found = inspect(connection)
    return {
        name: (
            [(each["name"], str(each["type"]), each["nullable"]) for each in found.get_columns(name)],
            found.get_pk_constraint(name)["constrained_columns"],
            sorted((each["name"], each["column_names"]) for each in found.get_indexes(name)),
        )
        for name in TABLES
    }


def old_rows() -> list[dict[str, Any]]:
    plain = {
        **{"id": str(uuid7()), "name": "all", "url": "https://a.example/x", "role": "admin", "entity": "customer"},
        **{"operations": "[]", "filter": None, "fields": None, "secret": "sealed", "former_secret": None},
        **{"former_until": None, "state": "active", "reason": None, "failures": 0, "failed_since": None},
        "created_at": MADE,
    }
    full = {
        **{"id": str(uuid7()), "name": "ä «some»", "url": "https://b.example/", "role": "clerk", "entity": "note"},
        **{"operations": '["create", "delete"]', "filter": '{"text": {"eq": "\\u00e4\'\\""}}'},
        **{"fields": '["text"]', "secret": "new", "former_secret": "old", "former_until": ENDS, "state": "paused"},
        **{"reason": 'Told "no".', "failures": 7, "failed_since": FAILED, "created_at": MADE},
    }
    return [plain, full]


def test_webhooks_are_kept_on_the_way_and_on_the_way_back(empty_database: Database) -> None:
    # given webhooks as they were, and what was sent
    rows = old_rows()
    with empty_database.begin() as connection:
        go(connection, "0036")
        before = shape(connection)
        connection.execute(insert(OLD), rows)
        connection.execute(
            insert(SENT), {"id": str(uuid7()), "webhook": rows[0]["id"], "event": "e", "at": MADE} | ONCE
        )
    # when they come to what the platform needs
    upgrade_system(empty_database)
    # then each says the same of the one entity, as the platform reads it
    with empty_database.read() as connection:
        plain, full = webhooks(connection)
        assert connection.scalar(select(func.count()).select_from(WEBHOOK_DELIVERY)) == 0
    assert plain.wanted == Wanted("all", "https://a.example/x", (Subject("customer"),), role="admin")
    subject = Subject("note", ("create", "delete"), {"text": {"eq": "ä'\""}}, ("text",))
    assert full.wanted == Wanted("ä «some»", "https://b.example/", (subject,), role="clerk")
    assert (full.state, full.reason, full.failures, full.failed_since) == (State.PAUSED, 'Told "no".', 7, FAILED)
    assert (full.secret, full.former_secret, full.former_until) == ("new", "old", ENDS)
    assert [(each.id, each.created_at, each.created_by) for each in (plain, full)] == [
        (row["id"], MADE, None) for row in rows
    ]
    assert len({plain.event_salt, full.event_salt}) == 2
    assert min(len(plain.event_salt), len(full.event_salt)) >= 32

    # and on the way back those that could not be said before are left out
    several = Wanted("several", "https://c.example/", (Subject("note"), Subject("customer")), role="admin")
    service = Wanted("service", "https://d.example/", (Subject("note"),), service=str(uuid7()))
    common = {"event_salt": "s", "secret": "sealed", "state": "active", "failures": 0, "created_at": MADE}
    with empty_database.begin() as connection:
        for each in (several, service):
            connection.execute(insert(WEBHOOK).values(id=str(uuid7()), **common, **columns(each)))
        go(connection, "0036", down=True)
        assert shape(connection) == before
        kept = [dict(row) for row in connection.execute(select(OLD).order_by(OLD.c.id)).mappings()]
    assert list(map(_read, kept)) == list(map(_read, rows))


def _read(row: dict[str, Any]) -> dict[str, Any]:
    return {name: json.loads(value) if name in PARSED and value is not None else value for name, value in row.items()}
