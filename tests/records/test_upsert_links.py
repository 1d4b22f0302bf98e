"""Records by key with links, links by the keys of their ends, and users by their addresses."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.records.conftest import wipe
from tests.records.kit import Pack, World, build
from xrm_core.errors import ValidationFailed
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database

TEXT = {"type": "string", "maxLength": 40}
PACK = Pack(
    {
        "user": {"properties": {"name": TEXT, "email": {**TEXT, "format": "email", "x-unique": True}}},
        "seat": {
            "properties": {
                "label": TEXT,
                "price": {"type": "number", "x-type": "decimal", "x-scale": 2, "x-unique": True},
                "since": {"type": "string", "format": "date-time", "x-unique": True},
                "holder": {"x-relation": {"to": "user", "inverse": "seats", "on_delete": "set_null"}, "x-unique": True},
            }
        },
        "team": {
            "properties": {
                "name": {**TEXT, "x-unique": True},
                "size": {"type": "integer"},
                "founded": {"type": "integer"},
                "members": {
                    "x-relation": {"to": "user", "many": True, "inverse": "teams", "attributes": {"role": TEXT}}
                },
            }
        },
    },
    {"roles": {"admin": {}, "blind": {}}, "rules": {"small": {"size": {"lt": 5}}, "own": {"id": {"eq": "$user"}}}},
    """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
blind,team,read,name members,,allow
blind,team,read,name founded,small,allow
blind,team,create,*,,allow
blind,team,update,*,,allow
blind,team_member,create,*,,allow
blind,team_member,update,*,,allow
blind,team_member,read,id team user,,allow
blind,user,read,*,own,allow
blind,seat,*,*,,allow
""",
)


@pytest.fixture(scope="module")
def made(database_of_module: Database, tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(database_of_module, tmp_path_factory.mktemp("world"), pack=PACK)


@pytest.fixture
def club(made: World) -> World:
    return wipe(made)


def upsert(world: World, entity: str, by: str, values: Mapping[str, Any], role: str = "admin") -> tuple[str, bool]:
    with world.database.begin() as connection:
        return world.records.upsert(connection, world.caller(role), entity, by.split(), values)


def changes(world: World) -> int:
    with world.database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(CHANGE)) or 0)


def test_links_that_are_there_already_are_no_change(club: World) -> None:
    anna, ben = club.users["anna"], club.users["ben"]
    given = {"name": "A", "members": {"add": [{"id": anna, "role": "lead"}, {"id": ben}]}}
    id_, created = upsert(club, "team", "name", given)
    before = changes(club)
    assert created
    for same in (given, {"name": "A", "members": {"set": [ben, anna]}}, {"name": "A", "members": {"remove": []}}):
        assert upsert(club, "team", "name", same) == (id_, False)
        assert changes(club) == before
    assert (club.stored("team", id_) or {})["version"] == 1
    upsert(club, "team", "name", {"name": "A", "members": {"add": [{"id": anna, "role": "guest"}]}})
    assert changes(club) == before + 2  # the link and the record in whose values it stood
    upsert(club, "team", "name", {"name": "A", "size": 2, "members": {"set": [anna]}})
    assert (club.stored("team", id_) or {})["version"] == 3


def test_a_link_is_found_by_its_ends(club: World) -> None:
    team = club.create("admin", "team", {"name": "A"})
    ends = {"team": team, "user": club.users["anna"].upper()}
    id_, created = upsert(club, "team_member", "team user", {**ends, "role": "lead"})
    assert created
    assert upsert(club, "team_member", "team user", {**ends, "role": "guest"}) == (id_, False)
    assert (club.stored("team_member", id_) or {})["role"] == "guest"


def test_values_are_the_same_in_whatever_form_they_are_given(club: World) -> None:
    anna = club.users["anna"]
    values = {"price": "1.1", "since": "2026-01-01T01:00:00+01:00", "holder": anna.upper()}
    id_, created = upsert(club, "seat", "price", values)
    assert created
    for by, value in (("price", 1.1), ("price", "1.10"), ("since", "2026-01-01T00:00:00Z"), ("holder", anna)):
        assert upsert(club, "seat", by, {by: value, "label": by}) == (id_, False)


def test_an_address_is_one_users_however_it_is_written(club: World) -> None:
    id_, created = upsert(club, "user", "email", {"email": "Eva@example.com", "name": "Eva"})
    assert created
    assert upsert(club, "user", "email", {"email": "EVA@Example.com", "name": "Eve"}) == (id_, False)
    stored = club.stored("user", id_) or {}
    assert (stored["email"], stored["name"]) == ("Eva@example.com", "Eve")
    with pytest.raises(ValidationFailed):
        upsert(club, "user", "email", {"email": "no", "name": "Eva"})


def test_what_is_not_shown_is_not_found_by_trying_values(club: World) -> None:
    """Whoever may write what they cannot read would else know from the version whether they have guessed it."""
    anna, ben = club.users["anna"], club.users["ben"]
    linked = {"members": {"add": [{"id": anna, "role": "lead"}]}}
    team, _ = upsert(club, "team", "name", {"name": "A", "size": 7, "founded": 1990, **linked})
    upsert(club, "team", "name", {"name": "B", "size": 7})
    seat, _ = upsert(club, "seat", "price", {"price": 1, "label": "x"})

    def adds(entity: str, id_: str, values: Mapping[str, Any]) -> int:
        def version() -> int:
            return int((club.stored(entity, id_) or {})["version"])

        before = version()
        key = {"name": "A"} if entity == "team" else {"price": 1}
        assert upsert(club, entity, " ".join(key), {**key, **values}, "blind") == (id_, False)
        return version() - before

    # never shown, shown of others only, an attribute of a link: the same whether it is so already
    guesses = [{"size": 7}, {"founded": 1990}, linked]
    others = [{"size": 8}, {"founded": 1991}, {"members": {"add": [{"id": anna, "role": "guest"}]}}]
    assert [adds("team", team, each) for each in (*guesses, *others)] == [1] * 6
    with club.database.begin() as connection:
        rows = [{"name": "A", "size": 8}, {"name": "B", "size": 8}]
        club.records.upsert_bulk(connection, club.caller("blind"), "team", ["name"], rows)
    assert (club.stored("team", team) or {})["version"] == 8
    # an empty relation, which may be one to somebody who is not shown
    assert adds("seat", seat, {"holder": None, "label": "x"}) == 1
    upsert(club, "seat", "price", {"price": 1, "holder": ben})
    assert adds("seat", seat, {"holder": None}) == 1
    # what is shown is left alone still
    assert adds("seat", seat, {"label": "x"}) == 0
    assert adds("team", team, {}) == 0
