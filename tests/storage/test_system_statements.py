"""Statements over system tables are made once, and give what SQLAlchemy gives."""

import datetime as dt

import pytest
from sqlalchemy import Dialect, bindparam, event, select, update

from xrm_core.jobs.enqueue import enqueue
from xrm_core.storage.engines import Database
from xrm_core.storage.job_tables import JOB
from xrm_core.storage.system_statements import SystemStatement, given
from xrm_core.storage.system_upgrade import upgrade_system

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize("listens", [False, True])
def test_what_a_change_returns_has_the_names_and_types_of_its_columns(database: Database, *, listens: bool) -> None:
    # given a job, and somebody who listens to statements or nobody
    upgrade_system(database)
    with database.begin() as connection:
        job = enqueue(connection, "fleet.retire", {"a": 1})
    if listens:
        event.listen(database.engine, "before_cursor_execute", lambda *_: None)
    dialects: list[Dialect] = []

    def make(dialect: Dialect) -> object:
        dialects.append(dialect)
        mine = update(JOB).where(JOB.c.id == bindparam("of"))
        return mine.values(**given(JOB, "cancel", "started_at"), beat=JOB.c.beat + 1).returning(JOB)

    statement = SystemStatement(make)  # type: ignore[arg-type]

    # when it is changed twice
    with database.begin() as connection:
        statement.named(connection, of=job, cancel=False, started_at=None)
        found = statement.named(connection, of=job.upper(), cancel=True, started_at=NOON)
        nothing = statement.named(connection, of="01a22121-0000-7000-8000-000000000000", cancel=True, started_at=NOON)
        by_sqlalchemy = connection.execute(select(JOB)).mappings().one()

    # then
    assert found is not None
    assert dict(found) == dict(by_sqlalchemy)
    assert (found["id"], found["cancel"], found["beat"]) == (job, True, 2)
    assert nothing is None
    assert len(dialects) == 1
