"""``xrm permissions explain``: the policies that decide, and what of their rules is true of a record."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from tests.cli.conftest import TEXT, USER, Xrm, write_pack
from tests.storage.worlds import NOW, record_id
from xrm_core.metadata.loader import load_texts
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables

MANY = {
    "x-relation": {"to": "user", "many": True, "inverse": "read_books", "attributes": {"stars": {"type": "integer"}}}
}
BOOK = {
    "title": TEXT,
    "shelf": TEXT,
    "pages": {"type": "integer"},
    "summary": TEXT,
    "reader": {"x-relation": {"to": "user", "inverse": "books", "on_delete": "set_null"}},
    "fans": MANY,
    "shout": {"type": "integer", "x-computed": "pages * 2"},
}
ROLES = {
    "roles": {"base": {}, "keeper": {"inherits": ["base"]}, "loner": {}},
    "rules": {
        "mine": {"reader": {"id": {"eq": "$user"}}},
        "others": {"not": {"reader": {"id": {"eq": "$user"}}}},
        "locked": {"shelf": {"eq": "locked"}},
    },
}
POLICIES = """role,entity,action,fields,rule,effect
base,book,read,title shelf fans shout,,allow
keeper,book,read,*,mine,allow
keeper,book,read,*,locked,deny
keeper,book,*,summary,,deny
keeper,user,read,*,,allow
keeper,book,update,title shelf reader,mine,allow
loner,book,read,title,others,allow
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Books with readers and fans, and three roles."""
    folder = write_pack(tmp_path / "schemas", user=USER, book=BOOK)
    (folder / "permissions" / "roles.json").write_text(json.dumps(ROLES))
    (folder / "permissions" / "policies.csv").write_text(POLICIES)
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def library(request: pytest.FixtureRequest, pack: Path, xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> str:
    """Ada, a keeper, with a book of her own (1), one of nobody (2) and one of hers that is locked (3)."""
    url = f"sqlite:///{pack.parent}/library.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    monkeypatch.setenv("XRM_DATABASE_URL", url)
    assert xrm("schema", "apply").code == 0
    ada = xrm("user", "create", "--email", "ada@example.org", "--role", "keeper").out.strip()
    rows = [(1, "a", ada), (2, "a", None), (3, "locked", ada)]
    with changing(url, pack) as (connection, table):
        for number, shelf, reader in rows:
            row = {"id": record_id(number), "title": "t", "shelf": shelf, "reader_id": reader, "version": 1}
            connection.execute(insert(table), {**row, "created_at": NOW, "updated_at": NOW})
    return ada


@contextmanager
def changing(url: str, pack: Path) -> Iterator[Any]:
    model = load_texts([(each.name, each.read_text(), "core") for each in sorted(pack.glob("*.json"))])
    database = Database(url)
    with database.begin() as connection:
        yield connection, Tables(model)["book"]
    database.close()


def explained(xrm: Xrm, *words: str) -> Any:
    done = xrm("permissions", "explain", *words, "--json")
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def holds(answer: Any) -> dict[int, bool]:
    """Line of each policy → whether its rule holds."""
    return {int(each["place"].rpartition(":")[2]): each["holds"] for each in answer["policies"]}


def test_a_record_has_true_or_false_for_each_rule_and_its_fields(xrm: Xrm, library: str) -> None:
    own, other, locked = (explained(xrm, "ada@example.org", "read", "book", record_id(number)) for number in (1, 2, 3))
    everything = ["id", "title", "shelf", "pages", "reader", "shout", *_SYSTEM, "fans"]

    assert holds(own) == {2: True, 3: True, 4: False, 5: True}
    assert holds(other) == {2: True, 3: False, 4: False, 5: True}
    assert holds(locked) == {2: True, 3: True, 4: True, 5: True}
    assert own["record"] == {"allowed": True, "fields": everything, "masked": []}
    assert other["record"] == {"allowed": True, "fields": ["id", "title", "shelf", "fans"], "masked": []}
    assert locked["record"] == {"allowed": False, "fields": [], "masked": []}


_SYSTEM = ["created_at", "created_by", "updated_at", "updated_by", "version"]


def test_the_text_names_file_line_rule_and_what_never_shows(xrm: Xrm, library: str) -> None:
    done = xrm("permissions", "explain", "ada@example.org", "update", "book", record_id(2))
    assert done.out.splitlines() == [
        "ada@example.org may update some books.",
        "",
        "Policies:",
        "  true   schemas/permissions/policies.csv:5  keeper  deny   summary",
        "  false  schemas/permissions/policies.csv:7  keeper  allow  reader shelf title  "
        'where mine: {"reader": {"id": {"eq": "$user"}}}',
        "",
        "Fields:",
        "  on all of these records: title shelf reader",
        "  never, no policy gives it: pages summary fans",
        "",
        f"The record {record_id(2)}: no.",
    ]


def test_a_field_is_explained_by_the_policies_about_it(xrm: Xrm, library: str) -> None:
    words = ("permissions", "explain", "ada@example.org", "read", "book", record_id(2), "--field", "pages")
    done = xrm(*words).out
    assert ":2  " not in done  # gives other fields
    assert ":5  " not in done
    assert f"The field pages of the record {record_id(2)}: no." in done
    given = explained(xrm, *words[2:-1], "summary")["fields"]
    assert {name: (each["extent"], len(each["withheld"])) for name, each in given.items()} == {"summary": ("none", 2)}
    assert "made of book.pages" in xrm("permissions", "explain", "base", "read", "book").out


def test_a_masked_field_is_said_to_be_so(xrm: Xrm, library: str, pack: Path) -> None:
    with (pack / "permissions" / "policies.csv").open("a") as file:
        file.write("base,user,read,id,,allow\nbase,user,read,email,,last_4\n")
    xrm("permissions", "apply")
    field = explained(xrm, "base", "read", "user", "--field", "email")["fields"]["email"]
    assert (field["extent"], [each.rpartition(":")[2] for each in field["masked"]]) == ("masked", ["10"])
    done = xrm("permissions", "explain", "base", "read", "user", library).out
    assert "  with the fields id\n  and, masked, email\n" in done
    done = xrm("permissions", "explain", "base", "read", "user", library, "--field", "email").out
    assert f"The field email of the record {library}: masked." in done
    matrix = xrm("permissions", "matrix", "--role", "base", "--entity", "user", "--format", "csv").out
    assert 'base,user,"all, 2 of 9 fields, 1 masked",-,-,-' in matrix


def test_who_is_only_a_role_is_no_user_also_under_a_not(xrm: Xrm, library: str) -> None:
    assert explained(xrm, "loner", "read", "book", record_id(2))["record"]["allowed"] is False
    assert explained(xrm, "base", "read", "book", record_id(2))["record"]["allowed"] is True


def test_without_a_record_no_database_is_needed_and_none_is_made(xrm: Xrm, pack: Path) -> None:
    assert "keeper may read some books." in xrm("permissions", "explain", "keeper", "read", "book").out
    assert "base may read all books." in xrm("permissions", "explain", "base", "read", "book").out
    assert "loner may delete no books." in xrm("permissions", "explain", "loner", "delete", "book").out
    link = xrm("permissions", "explain", "keeper", "update", "book_fan").out
    assert "who may update book.fans has the right" in link
    assert "loner may not read xrm_schema." in xrm("permissions", "explain", "loner", "read", "xrm_schema").out
    assert list(pack.parent.rglob("*.db")) == []


def test_what_does_not_exist_is_said_clearly(xrm: Xrm, library: str) -> None:
    xrm("permissions", "explain", "wizard", "read", "book").failed("SETTINGS_INVALID")
    xrm("permissions", "explain", "eve@example.org", "read", "book").failed("NOT_FOUND")
    xrm("permissions", "explain", "base", "read", "cook").failed("NOT_FOUND")
    xrm("permissions", "explain", "base", "read", "book", "--field", "colour").failed("NOT_FOUND")
    xrm("permissions", "explain", "base", "read", "book", record_id(9)).failed("NOT_FOUND")
    assert xrm("permissions", "explain", "base", "cook", "book").code == 2
