"""One record by id."""

import pytest

from tests.graphql.kit import World, uid


def test_one_record_by_id(world: World) -> None:
    assert world.ask("admin", f'{{ firm(id: "{uid(101)}") {{ name }} }}') == {"firm": {"name": "Ärzte 100%"}}
