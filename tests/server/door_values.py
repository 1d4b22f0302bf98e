"""What random writes are made of: steps, their values, links and ids, and what inputs and answers look like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.server.door_model import BLANK, LINK, RELATIONS, DoorModel, Row

UNKNOWN = "01900000-0000-7000-8000-00000000dead"
WRITTEN = ("company", "contact", "contract", "project")
MANY = {"company": "companies", "contact": "contacts", "contract": "contracts", "project": "projects"}
SELECTED = {
    "company": "id version name code city rating number owner { id } parent { id }",
    "contact": "id version name company { id }",
    "contract": "id version title company { id }",
    "project": "id version name",
    LINK: "id version role project { id } contact { id }",
}


@dataclass(frozen=True)
class Step:
    """A root field of a mutation: ``given`` has what it is given, by the names of the entity files."""

    verb: str
    entity: str
    given: Mapping[str, Any]
    links: Mapping[str, Any] = field(default_factory=dict)


def inputs(given: Mapping[str, Any]) -> dict[str, Any]:
    """Values as inputs name them."""
    related = {name for relations in RELATIONS.values() for name in relations}
    return {f"{name}Id" if name in related else name: value for name, value in given.items()}


def link_inputs(given: Mapping[str, Any]) -> dict[str, Any]:
    """Changes of links as inputs have them."""
    return {
        name: {
            word: [{"id": id_, **attributes} for id_, attributes in value.items()] if word == "add" else list(value)
            for word, value in change.items()
        }
        for name, change in given.items()
    }


def plain(answered: Mapping[str, Any]) -> Row:
    """A record of an answer as the model has it."""
    mine = {name: value for name, value in answered.items() if not name.startswith("n_")}
    return {name: value["id"] if isinstance(value, dict) else value for name, value in mine.items()}


@st.composite
def values(draw: Any, model: DoorModel, entity: str, *, whole: bool = False) -> Row:
    known: dict[str, Any] = {
        "name": st.sampled_from(["A", "B", "C", "D", "E", "F", "", "too long a name"]),
        "title": st.sampled_from(["X", "Y", None]),
        "code": st.sampled_from([None, None, None, "1", "2"]),
        "city": st.sampled_from([None, "Ulm", "Bonn"]),
        "rating": st.sampled_from([None, 0, 3, 5, 6]),
        "owner": st.sampled_from([*model.users.values(), None]),
        "parent": st.one_of(st.none(), ids(model, "company")),
        "company": ids(model, "company"),
    }
    found = {}
    for name in BLANK[entity]:
        needed = whole and name in ("name", "company") and entity in ("company", "contact", "contract")
        if name in known and (needed or draw(st.integers(0, 3)) == 0):
            found[name] = draw(known[name])
    return found


@st.composite
def links(draw: Any, model: DoorModel, entity: str) -> dict[str, Any]:
    name, other = {"project": ("members", "contact"), "contact": ("projects", "project")}.get(entity, ("", ""))
    if not name or not model.live[other] or draw(st.booleans()):
        return {}
    some = draw(st.lists(ids(model, other), max_size=3, unique=True))
    if draw(st.booleans()):
        return {name: {"set": some}}
    added = draw(st.lists(ids(model, other), max_size=2, unique=True))
    attributes = st.sampled_from([{}, {"role": "lead"}, {"role": None}, {"role": "much too long"}])
    return {
        name: {
            "add": {id_: draw(attributes) for id_ in added},
            "remove": [id_ for id_ in some if id_ not in added],
        }
    }


def ids(model: DoorModel, entity: str) -> Any:
    live = sorted(model.live[entity])
    gone = sorted(id_ for owner, id_ in model.trash if owner == entity)
    return st.sampled_from([*live, *live, *live, *gone, UNKNOWN])
