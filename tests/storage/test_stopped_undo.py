"""Steps back on PostgreSQL that were stopped: what the next command makes of them."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.storage.test_phases import Stopped, stopped_at, under_way
from tests.storage.worlds import add_rows, entity, integer, model, relation, rows_of, text
from xrm_core.errors import SchemaChangeRefused
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import abort, apply, undo
from xrm_core.storage.contract import contract
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database
from xrm_core.storage.prepared import Prepared

ONE = model(entity("customer", text("name")), entity("contact", relation("customer", "customer")))
TWO = model(entity("customer", text("name"), text("city")), entity("contact", relation("customer", "customer")))


@contextmanager
def stopped_after_the_switch(url: str) -> Iterator[Database]:
    """Whoever uses it is stopped when nothing remains but to note that the change has ended."""
    deletes = itertools.count()  # the first is that of the beginning

    def second(statement: str) -> bool:
        return statement.startswith("DELETE FROM xrm_model_change") and next(deletes) == 1

    with stopped_at(url, second) as database:
        yield database


def test_the_same_step_back_finishes_it(postgres_url: str, postgres: Database) -> None:
    # Given an undo that is stopped after its switch
    apply(postgres, ONE)
    apply(postgres, TWO)
    with stopped_after_the_switch(postgres_url) as stopped, pytest.raises(Stopped):
        undo(stopped, ["drop_field:customer.city"])
    found = under_way(postgres)
    assert found is not None
    assert (found.phase, found.step_back) == ("finish", True)
    with pytest.raises(SchemaChangeRefused) as refused:
        abort(postgres)
    assert "undo" in str(refused.value.hint)
    # When it is run again, then it is finished, and no other change is taken back
    assert undo(postgres).is_empty
    assert under_way(postgres) is None
    with postgres.read() as connection:
        assert current_model(connection) == ONE


def test_a_step_in_the_other_direction_is_done(postgres_url: str, postgres: Database) -> None:
    # Given an undo that is stopped after its switch
    apply(postgres, ONE)
    add_rows(postgres, ONE, "customer", {"name": "A"})
    apply(postgres, TWO)
    with stopped_after_the_switch(postgres_url) as stopped, pytest.raises(Stopped):
        undo(stopped)
    # When somebody wants to have the later model again, then it comes
    assert not undo(postgres, redo=True).is_empty
    # And when a redo is stopped there, an undo goes back
    undo(postgres)
    with stopped_after_the_switch(postgres_url) as stopped, pytest.raises(Stopped):
        undo(stopped, redo=True)
    assert not undo(postgres).is_empty
    with postgres.read() as connection:
        assert current_model(connection) == ONE
        assert drift(connection, ONE) == []
    undo(postgres, redo=True)
    assert rows_of(postgres, TWO, "customer", "name", "city") == [("A", None)]


def test_letting_go_gives_up_a_step_back_that_needs_what_goes(postgres_url: str, postgres: Database) -> None:
    # Given a step back that is stopped before its switch
    apply(postgres, model(entity("customer", text("name"), text("fax"))))
    after = model(entity("customer", integer("name")))
    apply(postgres, after, ["drop_field:customer.fax"])
    with (
        stopped_at(postgres_url, lambda statement: statement.startswith("LOCK")) as stopped,
        pytest.raises(Stopped),
    ):
        undo(stopped)
    assert under_way(postgres) is not None
    # When what it would bring back goes for good, then nothing of it remains
    contract(postgres)
    assert under_way(postgres) is None
    with postgres.read() as connection:
        assert Prepared(connection).found == []
        assert drift(connection, after) == []
