"""Sealed values of a record that stays go into the vault as they are, and open again afterwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.records.kit import World
from tests.sealed.world import sealed_world
from xrm_core.records.context import Context
from xrm_core.records.vault.moving import move_to_vault
from xrm_core.records.vault.returning import bring_back
from xrm_core.storage.engines import Database


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    """Contacts with sealed fields."""
    with sealed_world(database, tmp_path) as found:
        yield found


def _context(world: World, connection: Any) -> Context:
    return Context(world.records, connection, world.caller("admin"), ("action", "mk.restrict"))


def _opened(world: World, id_: str) -> str | None:
    with world.database.begin() as connection:
        return world.records.open_sealed(connection, world.caller("dsb"), "contact", id_, ["health"])["health"].text


def test_a_sealed_value_is_gone_meanwhile_and_opens_again(world: World) -> None:
    id_ = world.create("clerk", "contact", {"name": "Anna", "iban": "DE4455667788", "health": "Nußallergie"})

    with world.database.begin() as connection:
        deposit = move_to_vault(_context(world, connection), id_, [], {("contact", id_): {"health": None}})
    assert _opened(world, id_) is None
    with world.database.begin() as connection:
        bring_back(_context(world, connection), deposit.id)

    assert _opened(world, id_) == "Nußallergie"
