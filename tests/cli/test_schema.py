"""``xrm schema``."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import graphql
import pytest

from tests.cli.conftest import BOOK, CLOSED_POSTGRES, CORE_PACK, TEXT, USER, Xrm, write_pack
from tests.graphql.kit import ACCOUNT_CHANGES

DATABASE = Path("xrm-data/xrm.db")


def test_check_counts_entities_and_policies(xrm: Xrm):
    found = xrm("schema", "check", "--schemas", CORE_PACK)

    assert found.code == 0
    assert f"{len(list(CORE_PACK.glob('*.json'))) - 1} entities in {CORE_PACK}" in found.out
    assert "admin, sales_rep, guest" in found.out
    assert not DATABASE.exists()


def test_check_names_all_mistakes(pack: Path, xrm: Xrm):
    write_pack(pack, user={"email": {"type": "string", "maxlength": 3}}, book={"title": {"type": "strin"}})

    said = xrm("schema", "check").failed("SCHEMA_FILES_INVALID")

    assert "book.json:" in said
    assert "user.json:" in said
    assert "/properties/title/type" in said


def test_check_covers_policies(pack: Path, xrm: Xrm):
    with (pack / "permissions" / "policies.csv").open("a") as file:
        file.write("nobody,book,read,*,,allow\n")

    assert "nobody" in xrm("schema", "check").failed("POLICY_INVALID")


def test_check_says_that_permissions_are_missing(pack: Path, xrm: Xrm):
    for file in (pack / "permissions").iterdir():
        file.unlink()
    (pack / "permissions").rmdir()

    found = xrm("schema", "check")

    assert found.code == 0
    assert "nobody may do anything" in found.out


def test_drift(applied: Path, xrm: Xrm):
    assert xrm("schema", "check", "--database").code == 0

    with closing(sqlite3.connect(DATABASE)) as connection:
        connection.execute("ALTER TABLE book ADD COLUMN shelf TEXT")

    assert "shelf" in xrm("schema", "check", "--database").failed("MODEL_OUT_OF_DATE")


def test_check_names_all_differences_of_files_model_and_tables(applied: Path, xrm: Xrm):
    # given files that have changed, and a table that somebody has changed by hand
    write_pack(applied, user=USER, book={**BOOK, "shelf": TEXT}, shop={"title": TEXT})
    with closing(sqlite3.connect(DATABASE)) as connection:
        connection.execute("ALTER TABLE user ADD COLUMN fax TEXT")

    for words in (["--database"], ["--with-database"], ["--database", f"sqlite:///{DATABASE}"]):
        said = xrm("schema", "check", *words).failed("MODEL_OUT_OF_DATE")
        assert "book: the files say something else than was applied in shelf." in said
        assert "shop: this entity was not applied yet." in said
        assert "user: the column fax is not in the model." in said


def test_a_change_that_policies_do_not_fit_is_refused_or_takes_the_packs_along(applied: Path, xrm: Xrm):
    # given policies in force that name a field which the new files do not have
    file = applied / "permissions" / "policies.csv"
    file.write_text(file.read_text() + "reader,book,read,summary,,allow\n")
    assert xrm("permissions", "apply").code == 0
    write_pack(applied, user=USER, book={"title": BOOK["title"], "pages": BOOK["pages"]})
    policies = file.read_text()

    # then the plan says so, and nothing is done
    for words in (("plan",), ("apply", "--accept", "drop_field:book.summary")):
        refused = xrm("schema", *words).failed("SCHEMA_CHANGE_REFUSED")
        assert "policies.csv:5: there is no field 'summary' on 'book'." in refused
    assert len(xrm("permissions", "history").out.splitlines()) == 2
    file.write_text(policies + "reader,book,read,ghost,,allow\n")
    assert "ghost" in xrm("schema", "apply", "--permissions").failed("POLICY_INVALID")
    file.write_text(policies)
    done = xrm("schema", "apply", "--permissions", "--accept", "drop_field:book.summary")
    assert done.code == 0
    assert [line.split()[0] for line in xrm("permissions", "history").out.splitlines()] == ["1", "2", "3"]
    assert xrm("permissions", "plan").out == "Nothing to do: these policies are in force as version 3.\n"


def test_drift_before_anything_is_applied(pack: Path, xrm: Xrm):
    assert "xrm schema apply" in xrm("schema", "check", "--database").failed("MODEL_OUT_OF_DATE")


def test_plan_and_apply(pack: Path, xrm: Xrm):
    pending = xrm("schema", "plan")
    assert (pending.code, pending.err) == (2, "")
    assert "Create the entity book" in pending.out

    done = xrm("schema", "apply")
    assert done.code == 0
    assert "Create the entity book" in done.out

    again = xrm("schema", "plan")
    assert again.code == 0
    assert "Nothing to do" in again.out
    assert xrm("schema", "apply").code == 0


def test_plan_and_apply_as_json(pack: Path, xrm: Xrm):
    pending, done, nothing = (
        xrm("schema", "plan", "--json"),
        xrm("schema", "apply", "--json"),
        xrm("schema", "plan", "--json"),
    )

    keys = [operation["key"] for operation in json.loads(pending.out)["operations"]]
    assert keys == ["create_entity:book", "create_entity:user"]
    assert json.loads(done.out) == json.loads(pending.out)
    assert (pending.code, done.code, nothing.code) == (2, 0, 0)
    assert json.loads(nothing.out) == {"operations": []}


def test_a_lossy_change_needs_consent(applied: Path, xrm: Xrm):
    # given files without two fields that the database has
    write_pack(applied, user=USER, book={"title": BOOK["title"]})

    # when nothing, or one of the two, is accepted
    refusals = [xrm("schema", "apply"), xrm("schema", "apply", "--accept", "drop_field:book.pages")]

    # then all stays, and the error says what is missing
    for refused in refusals:
        assert "--accept drop_field:book.summary" in refused.failed("SCHEMA_CHANGE_REFUSED")
    assert xrm("schema", "plan").code == 2

    # and with both accepted it is done
    words = ["--accept", "drop_field:book.pages", "--accept", "drop_field:book.summary"]
    assert xrm("schema", "apply", *words).code == 0
    assert xrm("schema", "check", "--database").code == 0


def test_consent_to_what_is_not_in_the_plan_is_refused(applied: Path, xrm: Xrm):
    write_pack(applied, user=USER, book={**BOOK, "shelf": TEXT})

    said = xrm("schema", "apply", "--accept", "drop_field:nothing.x").failed("SCHEMA_CHANGE_REFUSED")

    assert "The plan has no operation drop_field:nothing.x." in said
    assert "add_field:book.shelf" in said
    assert xrm("schema", "plan").code == 2


@pytest.mark.parametrize("words", [["plan"], ["apply"], ["check", "--database"]])
def test_no_database(words: list[str], xrm: Xrm):
    said = xrm("schema", *words, "--schemas", CORE_PACK, "--database", CLOSED_POSTGRES).failed("DATABASE_UNAVAILABLE")

    assert "127.0.0.1" in said
    assert "s3cret" not in said


def test_print_needs_no_database_and_gives_valid_graphql(xrm: Xrm):
    found = xrm("schema", "print", "--schemas", CORE_PACK, "--database", CLOSED_POSTGRES)

    assert found.code == 0
    fields = graphql.build_schema(found.out).type_map["Customer"].fields
    assert {"name", "creditLimit", "contacts"} <= set(fields)


def test_print_for_a_role(xrm: Xrm):
    found = xrm("schema", "print", "--role", "guest", "--schemas", CORE_PACK)

    schema = graphql.build_schema(found.out)
    assert set(schema.type_map["Customer"].fields) == {"id", "name", "industry", "city", "country"}
    assert "Contact" not in schema.type_map
    assert schema.mutation_type is not None
    assert set(schema.mutation_type.fields) == set(ACCOUNT_CHANGES)


def test_print_for_a_role_that_does_not_exist(xrm: Xrm):
    said = xrm("schema", "print", "--role", "king", "--schemas", CORE_PACK).failed("SETTINGS_INVALID")

    assert "admin, guest, sales_rep" in said


def test_printed_sql_makes_the_tables(pack: Path, xrm: Xrm):
    found = xrm("schema", "print", "--sql")

    assert found.code == 0
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(found.out)
        columns = {row[1] for row in connection.execute("PRAGMA table_info(book)")}
    assert {"id", "title", "pages", "summary", "version"} <= columns


def test_printed_sql_is_that_of_the_database(xrm: Xrm, tmp_path: Path):
    pack = write_pack(
        tmp_path / "parts", part={"title": TEXT, "of": {"x-relation": {"to": "part", "inverse": "parts"}}}
    )

    printed = xrm("schema", "print", "--sql", "--schemas", pack, "--database", CLOSED_POSTGRES)

    assert "UUID NOT NULL" in printed.out
    assert "ALTER TABLE part ADD CONSTRAINT" in printed.out


def test_role_and_sql_do_not_go_together(xrm: Xrm):
    assert xrm("schema", "print", "--role", "admin", "--sql", "--schemas", CORE_PACK).code == 2
