"""Names out of files never reach SQL unquoted: tables are made, changed and dropped, and a canary survives.

The loader lets only small letters, digits and ``_`` through, so these models are built by hand: whatever another way
into the model would let in, storage still quotes it.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from tests.postgres import PostgresServer
from tests.storage import worlds
from tests.storage.worlds import NOW, record_id
from xrm_core.errors import XrmError
from xrm_core.metadata.model import Entity, Field, Model, Relation
from xrm_core.metadata.types import FieldType
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.plan import plan
from xrm_core.storage.tables import Tables

SPITE = [
    *('a"b', "a'b", "a`b", "a;b", "a--b", "a/*b", "*/", "a\\", "a b", "a.b", "[a]", "a]", "a%sb", "%(a)s", "a:b", ":a"),
    *(
        "$1",
        "$$",
        "?",
        "a)b",
        "(",
        "a,b",
        "größe",
        "名前",
        "👾",
        "a\nb",
        "\t",
        "Ab",
        "SELECT",
        "select",
        "order",
        "user",
    ),
    *('x"; DROP TABLE canary; --', "x'; DROP TABLE canary; --", 'x" int); DROP TABLE canary; --', "a = 1 OR 1=1"),
    *("group", "table", "default", "null", "primary", "from", "where", "limit", "E'a'", '""', "''", "{a}", "{{a}}"),
]
NAMES = st.sampled_from(SPITE) | st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=9
)


@st.composite
def entities(draw: st.DrawFn) -> tuple[Model, Model]:
    """A model with hostile names, and the same with one field less, one more and one that is renamed."""
    name, other = draw(st.lists(NAMES, min_size=2, max_size=2, unique_by=str.lower))
    fields = draw(st.lists(NAMES, min_size=4, max_size=4, unique_by=str.lower))
    kinds = [
        Field(
            fields[0], FieldType.TEXT, required=True, indexed=True, default=draw(st.sampled_from([None, "it's; --"]))
        ),
        Field(fields[1], FieldType.INTEGER, minimum=0, maximum=9, unique=True),
        Field(fields[2], FieldType.ENUM, enum=("a", "b")),
        Field(fields[3], FieldType.RELATION, relation=Relation((other,), "inverse")),
    ]
    changed = [
        Field(f"{fields[0]}2", FieldType.TEXT, required=True, renamed_from=fields[0]),
        Field(f"{fields[1]}3", FieldType.BOOLEAN, indexed=True),
        *kinds[2:],
    ]
    plain = _entity(other, [Field("f", FieldType.TEXT)])
    before = worlds.model(_entity(name, kinds, indexes=((fields[0], fields[1]),)), plain)
    return before, worlds.model(_entity(name, changed, unique_together=((fields[2], f"{fields[1]}3"),)), plain)


def _entity(name: str, fields: list[Field], **more: tuple[tuple[str, ...], ...]) -> Entity:
    return Entity(name, f"{name}s", {field.name: field for field in fields}, **more)  # type: ignore[arg-type]


@pytest.mark.filterwarnings(
    "ignore::sqlalchemy.exc.SAWarning"
)  # SQLite's catalogue is read back by regular expressions
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(models=entities())
def test_hostile_names_harm_nothing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, kind: str, *, models: tuple[Model, Model]
) -> None:
    with ExitStack() as stack:
        # given a database with a table that is nobody's business
        database = _database(stack, request, tmp_path_factory.mktemp("db"), kind)
        with database.begin() as connection:
            connection.execute(text("CREATE TABLE canary (song text)"))
            connection.execute(text("INSERT INTO canary VALUES ('tweet')"))
        # when a model with hostile names is applied, used, changed and taken away, as far as that is not refused
        try:
            _life(database, *models)
        except (XrmError, SQLAlchemyError) as error:
            assert "syntax error" not in str(error)  # noqa: PT017 - refused, but never misread
        # then the canary still sings
        with database.read() as connection:
            assert connection.execute(text("SELECT song FROM canary")).all() == [("tweet",)]


def test_hostile_names_do_not_only_not_harm_but_work(database: Database) -> None:
    # given an entity for each name that both databases read back from their catalogues, so that not all is refused;
    # none with a dot, which in the model is the mark between a field and its parts, nor with a tab, which Alembic turns
    # into blanks when statements are thought out ahead (entity files can have none of these)
    names = [name for name in SPITE if not set(name) & set('"$\n\t.') and name not in ("select", "Ab")]
    of = worlds.model(
        *(
            _entity(name, [Field(name, FieldType.TEXT, indexed=True), Field(f"{name} n", FieldType.INTEGER)])
            for name in names
        )
    )
    # when it is applied, used and taken away, then every step works, and nothing is left
    _life(database, of, of)
    with database.read() as connection:
        assert current_model(connection) == worlds.model()


def _life(database: Database, before: Model, after: Model) -> None:
    """Apply, write and read, change, drop."""
    apply(database, before)
    with database.begin() as connection:
        for found in before:
            _use(connection, before, found)
    _apply_whatever_it_costs(database, after)
    _apply_whatever_it_costs(database, worlds.model())


def _use(connection: Connection, of: Model, found: Entity) -> None:
    table = Tables(of)[found.name]
    system = {"id": record_id(1), "created_at": NOW, "updated_at": NOW, "version": 1}
    texts = {field.columns[0]: "it's; --" for field in found.fields.values() if field.type is FieldType.TEXT}
    connection.execute(insert(table).values({**system, **texts}))
    for column in texts:
        connection.execute(update(table).where(table.c[column] == "it's; --").values({column: 'x"; --'}))
        assert connection.scalars(select(table.c[column]).order_by(table.c[column])).all() == ['x"; --']
    connection.execute(delete(table).where(table.c.id == record_id(1)))


def _apply_whatever_it_costs(database: Database, of: Model) -> None:
    with database.read() as connection:
        planned = plan(connection, current_model(connection), of)
    apply(database, of, accept=[operation.key for operation in planned.operations if operation.risk == "lossy"])


def _database(stack: ExitStack, request: pytest.FixtureRequest, folder: Path, kind: str) -> Database:
    url = f"sqlite:///{folder / 'test.db'}"
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = stack.enter_context(server.database())
    opened = Database(url)
    stack.callback(opened.close)
    return opened
