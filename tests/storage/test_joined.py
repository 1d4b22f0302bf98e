"""Statements that are joined into one on PostgreSQL."""

import os

import pytest
from sqlalchemy import literal, select, text

from tests.postgres import PostgresServer
from xrm_core.storage.driver_statements import DriverStatement
from xrm_core.storage.engines import Database
from xrm_core.storage.joined import shown_if
from xrm_core.storage.kept_statements import KeptStatements
from xrm_core.storage.policy_sets import POLICY_SET


def test_what_is_shown_is_looked_up_once(request: pytest.FixtureRequest) -> None:
    # Given a statement that shows what stands in a table
    if os.environ.get("XRM_TEST_POSTGRES") == "off":
        pytest.skip("only PostgreSQL has joined statements")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        database = Database(url)
        with database.read(5) as connection:
            found = select(POLICY_SET.c.note).limit(1).scalar_subquery()
            shown, required = (DriverStatement(select(each), database.dialect) for each in (found, literal(1)))
            # When it is joined with what has to hold
            joined = shown_if(shown.call({}), required.call({}), KeptStatements())
            # Then PostgreSQL looks at the table once
            sql = joined.text.sql
            for place, value in enumerate(joined.values, start=1):
                sql = sql.replace(f"${place}", str(value))
            plan = connection.execute(text(f"EXPLAIN {sql}")).scalars().all()
            assert sum("on xrm_policy_set" in line for line in plan) == 1
        database.close()
