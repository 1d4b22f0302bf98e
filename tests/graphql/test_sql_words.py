"""Words of SQL as names of entities and fields: everything works with them, on both databases."""

import json
import sqlite3

import pytest
from sqlalchemy import text

from tests.graphql.kit import World, policies
from xrm_core import naming
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

ENTITIES = [
    *("order", "select", "group", "user", "table", "from", "where", "limit", "offset", "union", "join", "left", "case"),
    *("when", "end", "default", "primary", "references", "check", "column", "constraint", "index", "view", "trigger"),
    *("grant", "analyze", "array", "cast", "collate", "natural", "window", "values", "returning", "with", "lateral"),
    *("nothing", "collation", "concurrently", "system_user", "tablesample", "both", "verbose", "authorization"),
]
FIELDS = [
    *ENTITIES,
    *("all", "any", "asc", "desc", "between", "by", "create", "cross", "current_date", "current_user", "delete"),
    *("distinct", "do", "drop", "else", "except", "exists", "false", "fetch", "for", "foreign", "full", "having", "if"),
    *("in", "inner", "insert", "intersect", "into", "is", "isnull", "key", "like", "null", "on", "only", "outer"),
    *("session_user", "set", "similar", "some", "then", "to", "true", "unique", "update", "using", "variadic", "json"),
    *("count", "sum", "min", "max", "first", "last", "nodes", "edges", "node", "cursor", "value", "add", "pragma"),
]


@pytest.fixture
def world(database_url: str) -> World:
    texts = []
    for name in ENTITIES:
        fields = {"from": {"type": "string", "x-index": True}, "order": {"type": "integer"}}
        fields["group"] = {"type": "string", "enum": ["select", "drop", "null_"]}
        fields["where"] = {"x-relation": {"to": "wide", "inverse": f"{name}_table"}}
        words = {"x-entity": name, "type": "object", "properties": fields, "x-unique": [["from", "order"]]}
        texts.append((f"{name}.json", json.dumps({**words, "x-plural": f"{name}_list"})))
    wide = {name: {"type": "string", "maxLength": 20} for name in FIELDS}
    texts.append(("wide.json", json.dumps({"x-entity": "wide", "type": "object", "properties": wide})))
    model = load([LayerSource("core", "core", texts=texts)])
    rights = policies(model, ["admin,*,*,*,,allow"], {})
    database = Database(database_url)
    apply(database, model)
    database.close()
    return World(model, rights, database_url, {})


def test_every_word_that_a_database_reserves_is_quoted(database: Database) -> None:
    # given the words that PostgreSQL itself names, and those at which SQLite stumbles
    if database.is_sqlite:
        words = [word for word in [*ENTITIES, *FIELDS, "nothing", "escape", "deferrable"] if _sqlite_stumbles(word)]
    else:
        with database.read() as connection:
            words = [*connection.scalars(text("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')"))]
    # then each is put into quotes
    preparer = database.dialect.identifier_preparer
    assert len(words) > 20
    assert [word for word in words if not preparer.quote(word).startswith('"')] == []


def _sqlite_stumbles(word: str) -> bool:
    try:
        sqlite3.connect(":memory:").execute(f"CREATE TABLE {word} ({word} TEXT)")
    except sqlite3.OperationalError:
        return True
    return False


def test_everything_works_with_words_of_sql(world: World) -> None:
    try:
        # given a record in which each field is called like a word of SQL
        given = ", ".join(f'{naming.camel(name)}: "it\'s {name[:9]}"' for name in FIELDS)
        wide = world.ask("admin", f"mutation {{ createWide(input: {{{given}}}) {{ id }} }}")["createWide"]["id"]
        chosen = " ".join(naming.camel(name) for name in FIELDS)
        found = world.ask("admin", f'{{ wide(id: "{wide}") {{ {chosen} }} }}')["wide"]
        assert found == {naming.camel(name): f"it's {name[:9]}" for name in FIELDS}
        for name in ENTITIES[::4]:  # the tables of all are there; asking them all takes too long
            one, many, kind = naming.camel(name), naming.camel(f"{name}_list"), naming.pascal(name)
            # when records of each entity are created, changed, read with filters and orders, counted and deleted
            made = f'from: "x", order: 7, group: drop, whereId: "{wide}"'
            id_ = world.ask("admin", f"mutation {{ create{kind}(input: {{{made}}}) {{ id }} }}")[f"create{kind}"]["id"]
            changed = f'mutation {{ update{kind}(id: "{id_}", input: {{order: 8}}) {{ order from group }} }}'
            assert world.ask("admin", changed)[f"update{kind}"] == {"order": 8, "from": "x", "group": "drop"}
            query = f"""{{
              {many}(where: {{from: {{eq: "x"}}, order: {{gt: 1}}, where: {{select: {{contains: "it's"}}}}}},
                     orderBy: [{{group: DESC}}, {{from: ASC}}]) {{ totalCount nodes {{ order where {{ table }} }} }}
              {many}Aggregate(groupBy: [{{group: VALUE}}]) {{ key {{ group }} count sum {{ order }} }}
              wide(id: "{wide}") {{ {naming.camel(name)}Table {{ totalCount }} }}
            }}"""
            # then the answers are right
            assert world.ask("admin", query) == {
                many: {"totalCount": 1, "nodes": [{"order": 8, "where": {"table": "it's table"}}]},
                f"{many}Aggregate": [{"key": {"group": "drop"}, "count": 1, "sum": {"order": "8"}}],
                "wide": {f"{naming.camel(name)}Table": {"totalCount": 1}},
            }
            assert world.ask("admin", f'mutation {{ delete{kind}(id: "{id_}") {{ order }} }}')
            assert world.ask("admin", f'{{ {one}(id: "{id_}") {{ order }} }}') == {one: None}
    finally:
        world.close()
