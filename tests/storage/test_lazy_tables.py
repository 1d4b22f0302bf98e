import json

from xrm_core.metadata.loader import load_texts
from xrm_core.storage.tables import Tables


def test_the_table_of_users_comes_with_that_of_teams_and_others_when_they_are_asked_for() -> None:
    entities = {
        "user": {"team": {"x-relation": {"to": "team", "inverse": "members"}}},
        "team": {"parent": {"x-relation": {"to": "team", "inverse": "parts"}}},
        "thing": {"name": {"type": "string"}},
    }
    texts = [
        (f"{name}.json", json.dumps({"x-entity": name, "type": "object", "properties": properties}), "core")
        for name, properties in entities.items()
    ]
    tables = Tables(load_texts(texts), lazy=True)
    assert set(tables["user"].metadata.tables) >= {"user", "team"}
    assert "thing" not in tables.metadata.tables
    assert tables["thing"].metadata is tables.metadata
