"""``x-ownership``: the fields that it gives an entity, and what is refused beside it."""

import json

import pytest

from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model, Relation
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot


def _file(entity: str, body: dict[str, object]) -> tuple[str, str, str]:
    text = {"x-entity": entity, "type": "object", "properties": {"name": {"type": "string"}}, **body}
    return f"{entity}.json", json.dumps(text, indent=1), "core"


def _load(ownership: str, others: tuple[str, ...] = ("user", "team"), **body: object) -> Model:
    deal = _file("deal", {"x-plural-labels": {"de": "Geschäfte", "en": "Deals"}, "x-ownership": ownership, **body})
    model = load_texts([deal, *(_file(each, {}) for each in others)])
    assert from_snapshot(to_snapshot(model)) == model
    return model


def test_user_and_team_give_two_relations_with_defaults_and_labels() -> None:
    model = _load("user_and_team")
    deal = model["deal"]
    assert list(deal.fields) == ["name", "owner", "owner_team"]
    assert deal.ownership == "user_and_team"
    owner, team = deal["owner"], deal["owner_team"]
    labels = {"de": "Zuständig für Geschäfte", "en": "Owner of Deals"}
    assert owner.relation == Relation(("user",), "owned_deals", "restrict", labels)
    assert team.relation == Relation(("team",), "owned_deals", "set_null", labels)
    assert (owner.default, team.default) == ("$user", "$team")
    assert (owner.labels, team.labels) == (
        {"de": "Zuständig", "en": "Owner"},
        {"de": "Zuständiges Team", "en": "Owner team"},
    )
    assert "owned_deals" in model["user"].inverses
    assert "owned_deals" in model["team"].inverses


def test_one_of_the_two_can_be_had_alone() -> None:
    assert list(_load("user", ("user",))["deal"].fields) == ["name", "owner"]
    alone = _load("team", ("team",))["deal"]
    assert list(alone.fields) == ["name", "owner_team"]
    assert alone["owner_team"].reference.on_delete == "restrict"


def test_the_fields_can_be_required_and_indexed_like_others() -> None:
    deal = _load("user_and_team", required=["owner_team"], **{"x-indexes": [["owner", "name"]]})["deal"]
    assert (deal["owner"].required, deal["owner_team"].required) == (False, True)
    assert deal["owner_team"].reference.on_delete == "restrict"
    assert deal.indexes == (("owner", "name"),)


@pytest.mark.parametrize(
    ("ownership", "others", "body", "pointer", "reason"),
    [
        ("everybody", ("user", "team"), {}, "/x-ownership", "not one of user, team, user_and_team"),
        ("user", ("team",), {}, "/x-ownership", 'no entity "user"'),
        ("team", ("user",), {}, "/x-ownership", 'no entity "team"'),
        (
            "user",
            ("user",),
            {"properties": {"name": {"type": "string"}, "owner": {"type": "string"}}},
            "/properties/owner",
            'The field "owner" comes from x-ownership',
        ),
        (
            "team",
            ("team",),
            {"properties": {"name": {"type": "string"}, "owner_team_id": {"type": "string"}}},
            "/x-ownership",
            '"owner_team" is kept in the column "owner_team_id", which "owner_team_id" has already',
        ),
        (
            "user",
            ("user",),
            {
                "properties": {
                    "name": {"type": "string"},
                    "by": {"x-relation": {"to": "user", "inverse": "owned_deals"}},
                }
            },
            "/x-ownership",
            'has the inverse "owned_deals" of deal.by already',
        ),
    ],
)
def test_what_does_not_fit_is_told_at_its_place(
    ownership: str, others: tuple[str, ...], body: dict[str, object], pointer: str, reason: str
) -> None:
    with pytest.raises(SchemaFilesInvalid) as caught:
        _load(ownership, others, **body)
    [problem] = caught.value.problems
    assert problem.pointer == pointer
    assert reason in problem.reason
    assert problem.remedy


def test_a_relation_to_teams_may_default_to_the_callers_team_and_no_other() -> None:
    def deal(to: str) -> tuple[str, str, str]:
        relation = {"x-relation": {"to": to, "inverse": "deals"}, "default": "$team"}
        return _file("deal", {"properties": {"unit": relation}})

    assert load_texts([deal("team"), _file("team", {})])["deal"]["unit"].default == "$team"
    with pytest.raises(SchemaFilesInvalid, match='"\\$team" is a team, but unit does not refer to the entity "team"'):
        load_texts([deal("user"), _file("user", {})])
