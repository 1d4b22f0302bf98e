"""A wrong file, beside good ones that say something new: every command refuses, and the database stays as it is."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import BOOK, TEXT, USER, Xrm, write_pack
from tests.storage.worlds import dump
from xrm_core.storage.engines import Database


def entity(name: str, **more: Any) -> str:
    return json.dumps({"x-entity": name, "type": "object", "properties": {"title": TEXT}, **more})


def field(**words: Any) -> str:
    return entity("shelf", properties={"title": TEXT, "bad": words})


BAD: dict[str, dict[str, str | bytes]] = {
    "no JSON": {"shelf.json": '{"x-entity": "shelf",'},
    "no UTF-8": {"shelf.json": b'{"x-entity": "\xff"}'},
    "NUL": {"shelf.json": b"\0"},
    "empty": {"shelf.json": ""},
    "a list": {"shelf.json": "[]"},
    "deep": {"shelf.json": '{"a":' * 5000 + "1" + "}" * 5000},
    "huge": {"shelf.json": json.dumps({"x-entity": "shelf", "description": "x" * 3_000_000})},
    "a key twice": {"shelf.json": '{"x-entity": "shelf", "x-entity": "shelf", "type": "object", "properties": {}}'},
    "an unknown word": {"shelf.json": entity("shelf", **{"x-colour": "red"})},
    "an unknown type": {"shelf.json": field(type="strin")},
    "a relation to nowhere": {"shelf.json": field(**{"x-relation": {"to": "nobody"}})},
    "a pattern that explodes": {"shelf.json": field(type="string", pattern="(?=a)(a+)+$")},
    "a remote reference": {"shelf.json": field(**{"$ref": "https://example.com/x.json"})},
    "a reserved name": {"shelf.json": entity("xrm_token")},
    "a hostile name": {"shelf.json": entity('book"; DROP TABLE book; --')},
    "one entity in two files": {"shelf.json": entity("shelf"), "other.json": entity("shelf")},
    "a rename onto what is there": {"shelf.json": entity("shelf", **{"x-renamed-from": "user"})},
    "an extension of nothing": {"shelf.json": json.dumps({"x-extends": "nobody", "properties": {"title": {}}})},
    "packs in a circle": {"pack.json": '{"pack": "mine", "kind": "deployment", "extends": "../schemas"}'},
    "a pack that is none": {"pack.json": "{}"},
    "policies about nothing": {
        "permissions/policies.csv": "role,entity,action,fields,rule,effect\nclerk,ghost,read,*,,allow\n"
    },
    "roles that are none": {"permissions/roles.json": "[]"},
}
COMMANDS = (("schema", "check"), ("schema", "plan"), ("schema", "apply"))


def state(url: str) -> dict[str, Any]:
    """Everything in a database: tables with columns, keys, indexes and rows."""
    with closing(Database(url)) as database:
        return dump(database)


ON_POSTGRESQL = ("no JSON", "a relation to nowhere", "a rename onto what is there", "policies about nothing")
"""One of each that is refused somewhere else: in one file, in the model, beside what was there before, in policies. The
others are slow there: they go no further."""


@pytest.mark.parametrize(
    ("database_url", "case"),
    [
        pytest.param(kind, case, marks=[pytest.mark.slow] if kind == "postgresql" and case not in ON_POSTGRESQL else [])
        for kind in ("sqlite", "postgresql")
        for case in BAD
    ],
    indirect=["database_url"],
)
def test_a_bad_file_leaves_the_database_untouched(
    case: str, database_url: str, pack: Path, xrm: Xrm, monkeypatch: pytest.MonkeyPatch
):
    # given a database with a record, and files of which one adds a field, one takes one away, and one is wrong
    monkeypatch.setenv("XRM_DATABASE_URL", database_url)
    assert xrm("schema", "apply").code == 0
    assert xrm("user", "create", "--email", "ada@example.com", "--role", "clerk", "--set", "age=36").code == 0
    before = state(database_url)
    write_pack(pack, user={name: USER[name] for name in ("email", "last_name")}, book={**BOOK, "isbn": TEXT})
    for name, content in BAD[case].items():
        (pack / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    for words in COMMANDS:
        policies_only = words[1] == "plan" and any(name.startswith("permissions/") for name in BAD[case])
        accept = ("--accept", "drop_field:user.age") if words[1] == "apply" else ()
        if policies_only:
            assert xrm(*words).code == 2  # a plan is about tables
        else:
            said = xrm(*words, *accept).failed(
                "POLICY_INVALID" if "permissions/" in str(BAD[case]) else "SCHEMA_FILES_INVALID"
            )
            assert next(iter(BAD[case])).rpartition("/")[2] in said

    assert state(database_url) == before
    # and once the file is mended, the change is there as if nothing had been
    for name in BAD[case]:
        (pack / name).unlink()
    write_pack(pack, user={name: USER[name] for name in ("email", "last_name")}, book={**BOOK, "isbn": TEXT})
    assert xrm("schema", "apply", "--accept", "drop_field:user.age").code == 0


def test_a_bad_file_makes_no_database(pack: Path, xrm: Xrm):
    (pack / "shelf.json").write_text("{")
    for words in COMMANDS:
        xrm(*words).failed("SCHEMA_FILES_INVALID")
    assert not Path("xrm-data").exists()
