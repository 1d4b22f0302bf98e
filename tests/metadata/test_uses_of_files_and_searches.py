"""A roll-up that asks for files or words is made of the fields that it asks: who may not read them has none of it."""

import json
from pathlib import Path

import pytest

from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.uses import uses
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority

POLICIES = """role,entity,action,fields,rule,effect
all,*,read,*,,allow
some,firm,read,*,,allow
some,visit,read,id firm,,allow
"""


@pytest.mark.parametrize(
    ("where", "parts"),
    [
        ({"search": "secret"}, {"note", "place"}),
        ({"not": {"search": "secret"}}, {"note", "place"}),
        ({"report": {"size": {"gt": 3}}}, {"report"}),
        ({"report": {"isNull": False}}, {"report"}),
    ],
)
def test_it_is_made_of_what_it_asks_for(where: object, parts: set[str], tmp_path: Path) -> None:
    searched = {"type": "string", "x-search": True}
    firm = {"x-relation": {"to": "firm", "inverse": "visits"}}
    visit = {
        "note": searched,
        "place": searched,
        "other": {"type": "string"},
        "report": {"x-type": "file"},
        "firm": firm,
    }
    count = {"x-rollup": {"relation": "visits", "function": "count", "where": where}}
    entities = {"visit": visit, "firm": {"name": {"type": "string"}, "found": count}}
    model = load_texts(
        [
            (f"{name}.json", json.dumps({"x-entity": name, "type": "object", "properties": properties}), "core")
            for name, properties in entities.items()
        ]
    )
    # the roll-up counts all of them as its parts
    assert {("visit", name) for name in parts} <= uses(model, model["firm"], model["firm"]["found"])
    # so a role that may not read them has no such field
    (tmp_path / "roles.json").write_text('{"roles": {"all": {}, "some": {}}}')
    (tmp_path / "policies.csv").write_text(POLICIES)
    authority = Authority(model, policy.load([tmp_path], model))
    readable = {role: authority.access(frozenset({role})).readable("firm", "found") for role in ("all", "some")}
    assert readable == {"all": True, "some": False}
