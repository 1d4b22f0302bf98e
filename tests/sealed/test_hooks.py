"""What plugins are shown of sealed fields: what is being written, and of what is stored the sealed form."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.records.kit import World
from tests.sealed.world import sealed_world
from xrm_core.api import HookContext, On, RecordChange, hookimpl
from xrm_core.storage.engines import Database

IBAN, OTHER = "DE4455667788", "DE9988776655"


class Witness:
    """Writes down what it is shown."""

    def __init__(self) -> None:
        self.before: list[dict[str, Any]] = []
        self.stored: list[dict[str, Any]] = []
        self.clear: list[Any] = []

    @hookimpl
    def register_record_hooks(self) -> list[On]:
        """Of contacts."""
        return [On("contact", ("create", "update", "delete"), before=self._see)]

    def _see(self, change: RecordChange) -> None:
        self.before.append({"was": change.before.get("iban"), "is": change.changes.get("iban")})
        if change.operation != "delete":
            change.then(self._look)

    def _look(self, context: HookContext, id_: str) -> None:
        record = dict(context.read("contact", id_) or {})
        self.stored.append(record)
        self.clear.append(context.in_clear("contact", record)["iban"])


@pytest.fixture
def witness() -> Witness:
    """The plugin."""
    return Witness()


@pytest.fixture
def world(database: Database, tmp_path: Path, witness: Witness) -> Iterator[World]:
    """Contacts with sealed fields."""
    with sealed_world(database, tmp_path, witness) as found:
        yield found


def test_before_a_write_they_see_what_is_written_and_afterwards_the_sealed_form(world: World, witness: Witness) -> None:
    # when
    id_ = world.create("clerk", "contact", {"name": "Anna", "iban": IBAN})
    world.update("clerk", "contact", id_, {"iban": OTHER})
    world.delete("admin", "contact", id_)

    # then
    assert [each["is"] for each in witness.before] == [IBAN, OTHER, None]
    assert witness.before[0]["was"] is None
    assert all(str(each["was"]).startswith("xs1.") for each in witness.before[1:])
    assert all(str(each["iban"]).startswith("xs1.") for each in witness.stored)
    assert witness.clear == [IBAN, OTHER]
