"""A row rule is asked again after a change wherever it looks at anything of it, however far it looks for that."""

from pathlib import Path
from typing import Any

import pytest

from tests.records.kit import Pack, World, build
from xrm_core.errors import Forbidden
from xrm_core.storage.engines import Database

FILES: dict[str, dict[str, Any]] = {
    "user": {"properties": {"name": {"type": "string"}}},
    "team": {
        "properties": {
            "name": {"type": "string"},
            "hours": {"x-rollup": {"relation": "tasks", "function": "sum", "field": "effort"}},
        }
    },
    "task": {
        "properties": {
            "name": {"type": "string"},
            "hours": {"type": "integer"},
            "effort": {"x-computed": "hours * 2", "type": "integer"},
            "team": {"x-relation": {"to": "team", "inverse": "tasks"}},
        }
    },
}
RULES = {
    "own": {"hours": {"lt": 10}},
    "computed": {"effort": {"lt": 20}},
    "not": {"not": {"hours": {"gte": 10}}},
    "rolled": {"team": {"hours": {"lt": 20}}},
    "list": {"team": {"tasks": {"every": {"hours": {"lt": 10}}}}},
    "versions": {"version": {"lt": 2}},
    "elsewhere": {"team": {"name": {"eq": "A"}}},
}
POLICIES = "role,entity,action,fields,rule,effect\nadmin,*,*,*,,allow\n"
POLICIES += "".join(f"{rule},task,read,*,,allow\n{rule},task,update,*,{rule},allow\n" for rule in RULES)


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    roles = {rule: {"labels": {"en": rule}} for rule in ("admin", *RULES)}
    return build(database, tmp_path, pack=Pack(FILES, {"roles": roles, "rules": RULES}, POLICIES))


@pytest.mark.parametrize("rule", RULES)
def test_what_a_change_breaks_is_refused(world: World, rule: str) -> None:
    team = world.create("admin", "team", {"name": "A"})
    id_ = world.create("admin", "task", {"name": "T", "hours": 1, "team": team})
    if rule == "versions":
        with pytest.raises(Forbidden):
            world.update(rule, "task", id_, {"name": "U"})
        return
    world.update(rule, "task", id_, {"name": "U"})  # nothing of which the rule speaks
    if rule == "elsewhere":
        world.update(rule, "task", id_, {"hours": 10})
        with pytest.raises(Forbidden):
            world.update(rule, "task", id_, {"team": None})
        return
    before = world.state()
    with pytest.raises(Forbidden):
        world.update(rule, "task", id_, {"hours": 10})
    assert world.state() == before
