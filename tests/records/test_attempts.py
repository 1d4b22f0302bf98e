"""What may be refused is tried inside of a transaction: all of it stays, or nothing, and what was before stays."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from tests.records.kit import World, build
from xrm_core.api import HookContext, On, RecordChange, Refuse, hookimpl
from xrm_core.errors import Busy, XrmError
from xrm_core.storage.engines import Database

TEXTS = {"en": "Not today.", "de": "Heute nicht."}


def world_with(database: Database, folder: Path, act: Any) -> tuple[World, list[XrmError | None]]:
    """Whoever creates a customer has a note made, and then ``act`` tried, which may make more."""
    answers: list[XrmError | None] = []

    def follow(context: HookContext, id_: str) -> None:
        def note(text: str) -> None:
            context.records.create(context.connection, context.system, "note", {"text": text, "customer": id_})

        note("before")
        answers.append(context.attempt(lambda: act(note), "de"))
        note("after")

    def before(change: RecordChange) -> None:
        change.then(follow)

    hooks = [On("customer", "create", before=before)]
    plugin = SimpleNamespace(register_record_hooks=hookimpl(lambda: hooks))
    return build(database, folder, plugin), answers


def refuse(note: Any) -> None:
    note("tried")
    raise Refuse(TEXTS)


def fail(note: Any) -> None:
    note("tried")
    raise ZeroDivisionError("secret")


def busy(note: Any) -> None:
    raise Busy("Others hold it.")


def texts(world: World) -> list[str]:
    with world.database.read() as connection:
        return sorted(connection.scalars(select(world.records.tables["note"].c.text)))


@pytest.mark.parametrize(
    ("act", "code", "told"),
    [(refuse, "REFUSED_BY_PLUGIN", "Heute nicht."), (fail, "REFUSED_BY_PLUGIN", None)],
)
def test_what_is_refused_leaves_nothing_and_what_was_before_stays(
    database: Database, tmp_path: Path, act: Any, code: str, told: str | None
) -> None:
    world, answers = world_with(database, tmp_path, act)

    world.create("admin", "customer", {"name": "Miller"})

    [error] = answers
    assert error is not None
    assert error.code == code
    assert told in (None, error.message)
    assert "secret" not in str(error)
    assert texts(world) == ["after", "before"]


def test_what_is_not_refused_stays(database: Database, tmp_path: Path) -> None:
    world, answers = world_with(database, tmp_path, lambda note: note("tried"))

    world.create("admin", "customer", {"name": "Miller"})

    assert answers == [None]
    assert texts(world) == ["after", "before", "tried"]


def test_trouble_that_passes_is_no_refusal(database: Database, tmp_path: Path) -> None:
    world, _ = world_with(database, tmp_path, busy)

    with pytest.raises(Busy):
        world.create("admin", "customer", {"name": "Miller"})

    assert texts(world) == []
