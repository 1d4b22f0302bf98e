"""A search by the index finds what a look at each record finds, after any writes; and what is looked up for a text."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url
from sqlalchemy.dialects import postgresql, sqlite

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.postgres import PostgresServer
from tests.query.examples import examples
from xrm_core.errors import Forbidden
from xrm_core.metadata.predicate import Literal_, Param, Predicate, Search
from xrm_core.permissions.access import full_access
from xrm_core.query.figures_request import Aggregate, Count
from xrm_core.query.scan import Scope
from xrm_core.query.statement import Statement, compile_request
from xrm_core.query.words import Words
from xrm_core.storage.folding import fold_accents
from xrm_core.storage.readers import ANEW, read_dialect
from xrm_core.storage.tables import Tables

SEARCHED = {"type": "string", "maxLength": 200, "x-search": True}
OWNER = {"x-relation": {"to": "firm", "inverse": "people", "on_delete": "cascade"}}
ENTITIES: dict[str, dict[str, Any]] = {
    "firm": {"name": SEARCHED, "note": SEARCHED, "open": {"type": "boolean"}, "code": {"type": "string"}},
    "person": {"name": SEARCHED, "firm": OWNER},
}
POLICIES = """\
admin,*,*,*,,allow
rep,firm,read,name,,allow
rep,firm,read,note,open,allow
rep,person,read,*,,allow
mine,firm,read,*,mine,allow
mine,firm,create,*,mine,allow
mine,firm,update,*,mine,allow
mine,firm,delete,*,mine,allow
"""
RULES = {"open": {"open": {"eq": True}}, "mine": {"search": "meins"}}
FIRMS = "query($t: String) { firms(where: {search: $t}, first: 100) { nodes { id } } }"
OF_PEOPLE = "query($t: String) { firms(where: {people: {some: {search: $t}}}, first: 100) { nodes { id } } }"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    model = kit.load_model(ENTITIES)
    rights = kit.policies(model, POLICIES.splitlines(), RULES)
    if request.param == "sqlite":
        opened = World(model, rights, f"sqlite:///{tmp_path_factory.mktemp('candidates') / 'world.db'}", {})
        yield opened
        opened.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        name = make_url(url).database
        server.execute(f"ALTER DATABASE {name} SET enable_seqscan = off")  # so few records would be read as a whole
        opened = World(model, rights, url, {})
        yield opened
        opened.close()
        server.execute(f"ALTER DATABASE {name} RESET enable_seqscan")


LETTERS = st.text(st.sampled_from("aäAÄbß cé%_\\\"'- æœ\u0308\t"), max_size=9)
WRITES = st.lists(
    st.tuples(st.sampled_from(["put", "put", "delete"]), st.integers(0, 3), LETTERS, LETTERS, LETTERS, st.booleans()),
    min_size=1, max_size=8,
)  # fmt: skip


def has(text: str, *fields: str | None) -> bool:
    """Whether each word of a text is in one of the fields."""
    words = (fold_accents(text) or "").split()
    return all(any(word in (fold_accents(field) or "") for field in fields) for word in words)


@examples(20)
@given(writes=WRITES, more=st.lists(LETTERS, max_size=2), data=st.data())
def test_the_index_finds_what_a_look_at_each_record_finds(
    world: World, writes: list[tuple[str, int, str, str, str, bool]], more: list[str], data: st.DataObject
) -> None:
    firms: dict[int, dict[str, Any]] = {}
    people: dict[int, str] = {}
    world.fill({"person": [], "firm": []})
    firm, person = world.tables["firm"], world.tables["person"]
    for kind, number, name, note, whose, is_open in writes:
        with world.database.begin() as connection:
            if kind == "delete":  # with the person, whom the database deletes along
                connection.execute(firm.delete().where(firm.c.id == uid(number)))
                firms.pop(number, None), people.pop(number, None)
                continue
            values = {"name": name, "note": note, "open": is_open}
            if number in firms:
                connection.execute(firm.update().where(firm.c.id == uid(number)).values(values))
                connection.execute(person.update().where(person.c.firm_id == uid(number)).values(name=whose))
            else:
                connection.execute(firm.insert().values({**kit.SYSTEM, **values, "id": uid(number)}))
                record = {**kit.SYSTEM, "id": uid(100 + number), "name": whose, "firm_id": uid(number)}
                connection.execute(person.insert().values(record))
            firms[number], people[number] = values, whose
    texts = [text for each in firms.values() for text in (each["name"], each["note"])] + [*people.values(), ""]
    text = data.draw(st.sampled_from(texts))
    part = text[data.draw(st.integers(0, 3)) :]
    for asked in (text, part, " ".join((part, *more)), *more):
        all_fields = {number for number, each in firms.items() if has(asked, each["name"], each["note"])}
        readable = {
            number for number, each in firms.items() if has(asked, each["name"], each["note"] if each["open"] else "")
        }
        of_people = {number for number, name in people.items() if has(asked, name)}
        for role, query, wanted in (
            ("admin", FIRMS, all_fields),
            ("rep", FIRMS, readable),
            ("rep", OF_PEOPLE, of_people),
        ):
            nodes = world.ask(role, query, {"t": asked})["firms"]["nodes"]
            assert {int(node["id"][-4:]) for node in nodes} == wanted, (role, query, asked)


def test_records_written_through_the_door_are_found_also_by_rules_for_writing(world: World) -> None:
    world.fill({"person": [], "firm": []})
    records, user = world.records, world.user("mine")
    with world.database.begin() as connection:
        made = records.create(connection, user, "firm", {"name": "Bäckerei Größer", "note": "MÉINS"})
    with pytest.raises(Forbidden), world.database.begin() as connection:
        records.create(connection, user, "firm", {"name": "Bäckerei", "note": "deins"})
    assert len(world.ask("admin", FIRMS, {"t": "backer GROSSER"})["firms"]["nodes"]) == 1
    with world.database.begin() as connection:
        records.update(connection, user, "firm", made, {"name": "Müllerei"})
    assert not world.ask("admin", FIRMS, {"t": "backer"})["firms"]["nodes"]
    assert len(world.ask("admin", FIRMS, {"t": "mullerei"})["firms"]["nodes"]) == 1
    with world.database.begin() as connection:
        records.delete(connection, user, "firm", made)
    assert not world.ask("admin", FIRMS, {"t": "mullerei"})["firms"]["nodes"]


def test_what_is_looked_up_for_a_text() -> None:
    words = 'Müller 50%_a \\b "x" Ab München-Süd'
    assert Words().process_bind_param(words, postgresql.dialect()) == [
        "%munchen-sud%", "%muller%", r"%50\%\_a%",
        "muller", "50%_a", "\\b", '"x"', "ab", "munchen-sud",
    ]  # fmt: skip
    assert Words().process_bind_param("ab", postgresql.dialect()) == [None, None, None, "ab"]
    found = json.loads(Words().process_bind_param('Mühle "x" ab', sqlite.dialect()))
    assert found == {"words": ["muhle", '"x"', "ab"], "match": '"muh" AND "uhl" AND "hle" AND """x"""', "all": False}
    nothing = json.loads(Words().process_bind_param(None, sqlite.dialect()))
    assert (nothing["words"], nothing["all"]) == ([], True)


def statement(world: World, where: Predicate) -> Statement:
    scope = Scope(world.model, Tables(world.model), full_access(world.model), read_dialect(world.database))
    return compile_request(scope, Aggregate("firm", where, (), (Count("count"),), Literal_(1)))


def test_without_words_to_look_up_no_index_is_used(world: World) -> None:
    late = statement(world, Search(Param("t")))
    assert "xrm_plain" in late.call({"t": "abc"})[0] or "xrm_find_firm_fts" in late.call({"t": "abc"})[0]
    if world.database.is_sqlite:
        assert "xrm_find_firm_fts" not in late.call({"t": " ab "})[0]
    else:  # where the database sees for itself
        assert late.call({"t": " ab "})[0].startswith(ANEW)
    short = statement(world, Search(Literal_("ab"))).call({})[0]
    assert "xrm_find_firm_fts" not in short
    assert "xrm_plain" not in short
