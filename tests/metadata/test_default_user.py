"""``"default": "$user"`` on a relation to users."""

import json

import pytest

from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot


def _file(entity: str, **properties: object) -> tuple[str, str, str]:
    text = {"x-entity": entity, "type": "object", "properties": {"name": {"type": "string"}, **properties}}
    return f"{entity}.json", json.dumps(text), "core"


def test_a_relation_to_users_may_default_to_the_caller() -> None:
    owner = {"x-relation": {"to": "user", "inverse": "deals"}, "default": "$user"}
    model = load_texts([_file("user"), _file("deal", owner=owner)])
    assert model["deal"]["owner"].default == "$user"
    assert from_snapshot(to_snapshot(model)) == model


@pytest.mark.parametrize(
    ("relation", "reason"),
    [
        ({"x-relation": {"to": "team", "inverse": "deals"}, "default": "$user"}, 'does not refer to the entity "user"'),
        ({"x-relation": {"to": ["team", "user"], "inverse": "deals"}, "default": "$user"}, "does not refer"),
        ({"x-relation": {"to": "user", "inverse": "deals"}, "default": "$me"}, "$user"),
    ],
)
def test_other_defaults_of_relations_are_refused(relation: dict[str, object], reason: str) -> None:
    with pytest.raises(SchemaFilesInvalid) as caught:
        load_texts([_file("user"), _file("team"), _file("deal", owner=relation)])
    [problem] = caught.value.problems
    assert problem.pointer == "/properties/owner/default"
    assert reason in f"{problem.reason} {problem.remedy}"
