"""Random writes for :mod:`tests.server.door_world`: each as a field of a mutation, and as the model does it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.server.door_model import BLANK, LINK, RELATIONS, DoorModel, Refused, Row
from xrm_core import naming

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
DONE = "count ids errors { index id code }"


@dataclass(frozen=True)
class Step:
    """A root field of a mutation: ``given`` has what it is given, by the names of the entity files."""

    verb: str
    entity: str
    given: Mapping[str, Any]
    links: Mapping[str, Any] = field(default_factory=dict)


def text(step: Step, number: int) -> tuple[str, str, dict[str, Any]]:
    """Declarations of variables, the field and the values of the variables, all with a number in their names."""
    type_, many = naming.pascal(step.entity), naming.pascal(MANY[step.entity])
    given, verb = step.given, step.verb
    values: dict[str, tuple[str, Any]] = {}
    if verb in ("create", "update"):
        values["input"] = (f"{verb.title()}{type_}Input!", {**inputs(given["values"]), **link_inputs(step.links)})
    if verb in ("update", "delete", "restore"):
        values["id"] = ("ID!", given["id"])
    if given.get("version") is not None:
        values["version"] = ("Int", given["version"])
    if verb == "create_many":
        values["input"] = (f"[Create{type_}Input!]!", [inputs(each) for each in given["rows"]])
    if verb == "update_many":
        values["set"] = (f"Update{type_}Input!", inputs(given["values"]))
    if "ids" in given:
        values["ids"] = ("[ID!]", given["ids"])
    if "city" in given:
        values["where"] = (f"{type_}Filter", {"city": {"eq": given["city"]}})
    if verb.endswith("_many"):
        values["onError"] = ("OnError", "SKIP" if given["skip"] else "ABORT")
    declared = "".join(f", ${name}{number}: {type_}" for name, (type_, _) in values.items())
    arguments = ", ".join(f"{name}: ${name}{number}" for name in values)
    root = f"{verb.removesuffix('_many')}{many if verb.endswith('_many') else type_}"
    selected = DONE if verb.endswith("_many") else SELECTED[step.entity]
    asked = f"a{number}: {root}({arguments}, dryRun: $dry) {{ {selected} }}"
    return declared, asked, {f"{name}{number}": value for name, (_, value) in values.items()}


def inputs(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as inputs name them."""
    related = {name for relations in RELATIONS.values() for name in relations}
    return {f"{name}Id" if name in related else name: value for name, value in values.items()}


def link_inputs(links: Mapping[str, Any]) -> dict[str, Any]:
    """Changes of links as inputs have them."""
    return {
        name: {
            word: [{"id": id_, **attributes} for id_, attributes in value.items()] if word == "add" else list(value)
            for word, value in change.items()
        }
        for name, change in links.items()
    }


def plain(answered: Mapping[str, Any]) -> Row:
    """A record of an answer as the model has it."""
    return {name: value["id"] if isinstance(value, dict) else value for name, value in answered.items()}


def do(model: DoorModel, user: str, step: Step, answered: Any) -> Any:
    """What the model answers to a step, which changes it; ids of new records are taken from the answer.

    Raises:
        Refused: it cannot be done; the model is spoilt.
    """
    given, entity = step.given, step.entity
    match step.verb:
        case "create":
            id_ = answered["id"] if answered else f"new {len(model.log)}"
            model.create(user, entity, given["values"], id_, step.links)
        case "update":
            id_ = given["id"]
            model.update(user, entity, id_, given["values"], given.get("version"), step.links)
        case "delete":
            id_ = given["id"]
            before = model.shown(user, entity, model.live[entity].get(id_) or dict(BLANK[entity]))
            model.delete(user, entity, [id_], given.get("version"))
            return before
        case "restore":
            id_ = given["id"]
            model.restore(user, entity, id_)
        case _:
            return _many(model, user, step, answered)
    return model.shown(user, entity, model.live[entity][id_])


def _many(model: DoorModel, user: str, step: Step, answered: Any) -> dict[str, Any]:
    given, entity, created = step.given, step.entity, step.verb == "create_many"
    told = (answered or {}).get("ids", [])
    if "city" in given:  # in which order, is the platform's to say
        ids = [id_ for id_, row in model.seen(user, entity).items() if row["city"] == given["city"]]
        ids = told if sorted(filter(None, told)) == sorted(ids) else sorted(ids)
    else:
        ids = [f"new {len(model.log)} {place}" for place, _ in enumerate(given["rows"])] if created else given["ids"]
    if created:
        ids = [id_ if place >= len(told) or told[place] is None else told[place] for place, id_ in enumerate(ids)]
        wrong = _unready(model, user, entity, given["rows"])
        if wrong and not given["skip"]:
            raise Refused("BULK_REFUSED", errors=wrong)
    items = list(enumerate(ids))

    def work(tried: DoorModel, some: Any) -> None:
        if step.verb == "delete_many":
            tried.delete(user, entity, [id_ for _, id_ in some])
        for place, id_ in some if step.verb != "delete_many" else ():
            if created:
                tried.create(user, entity, given["rows"][place], id_)
            else:
                tried.update(user, entity, id_, given["values"])

    errors = model.each(items, work, skip=given["skip"])
    return {
        "count": len(ids) - len(errors),
        "ids": [None if place in errors else id_ for place, id_ in items],
        "errors": [
            {"index": place, "id": None if created else ids[place], "code": each.code}
            for place, each in sorted(errors.items())
        ],
    }


def _unready(model: DoorModel, user: str, entity: str, rows: list[Row]) -> dict[int, str]:
    """What is wrong with new records as far as can be said of each by itself: no unique values, no rights on rows."""
    wrong = {}
    for place, values in enumerate(rows):
        tried = model.copy()
        tried.live["company"] = {id_: {**row, "code": None, "city": None} for id_, row in tried.live["company"].items()}
        try:
            tried.create(user, entity, values, "new")
        except Refused as refused:
            if refused.code != "FORBIDDEN":
                wrong[place] = refused.code
    return wrong


@st.composite
def steps(draw: Any, model: DoorModel) -> Step:
    """A write about the records that there are, or were, or never were; most of them can be done."""
    entity = draw(st.sampled_from(WRITTEN))
    if entity in ("contact", "contract") and not model.live["company"]:
        entity = "company"
    verb = draw(
        st.sampled_from(["create", "create", "update", "update", "update", "delete", "restore", "many", "many"])
    )
    if verb == "create" or (verb == "update" and not model.live[entity]):
        return Step("create", entity, {"values": draw(_values(model, entity, whole=True))}, draw(_links(model, entity)))
    if verb == "restore":
        if model.trash:
            entity, id_ = draw(st.sampled_from(sorted(model.trash)))
            return Step("restore", entity, {"id": id_})
        return Step("restore", entity, {"id": draw(_ids(model, entity))})
    if verb == "many":
        return draw(_of_many(model))
    id_ = draw(_ids(model, entity))
    given: dict[str, Any] = {"id": id_}
    if draw(st.booleans()):
        now = model.live[entity].get(id_, {}).get("version", 1)
        given["version"] = draw(st.sampled_from([now, now, now - 1, now + 1]))
    if verb == "delete":
        return Step(verb, entity, given)
    return Step(verb, entity, {**given, "values": draw(_values(model, entity))}, draw(_links(model, entity)))


@st.composite
def _of_many(draw: Any, model: DoorModel) -> Step:
    entity = draw(st.sampled_from(["company", "company", "contact"]))
    verb = draw(st.sampled_from(["create_many", "update_many", "delete_many"]))
    given: dict[str, Any] = {"skip": draw(st.booleans())}
    if verb == "create_many":
        given["rows"] = draw(st.lists(_values(model, entity, whole=True), max_size=4))
    elif entity == "company" and draw(st.booleans()):
        given["city"] = draw(st.sampled_from(["Ulm", "Bonn"]))
    else:
        given["ids"] = draw(st.lists(_ids(model, entity), max_size=4, unique=True))
    if verb == "update_many":
        given["values"] = draw(_values(model, entity))
    return Step(verb, entity, given)


@st.composite
def _values(draw: Any, model: DoorModel, entity: str, *, whole: bool = False) -> Row:
    known: dict[str, Any] = {
        "name": st.sampled_from(["A", "B", "C", "D", "E", "F", "", "too long a name"]),
        "title": st.sampled_from(["X", "Y", None]),
        "code": st.sampled_from([None, None, None, "1", "2"]),
        "city": st.sampled_from([None, "Ulm", "Bonn"]),
        "rating": st.sampled_from([None, 0, 3, 5, 6]),
        "owner": st.sampled_from([*model.users.values(), None]),
        "parent": st.one_of(st.none(), _ids(model, "company")),
        "company": _ids(model, "company"),
    }
    found = {}
    for name in BLANK[entity]:
        needed = whole and name in ("name", "company") and entity in ("company", "contact", "contract")
        if name in known and (needed or draw(st.integers(0, 3)) == 0):
            found[name] = draw(known[name])
    return found


@st.composite
def _links(draw: Any, model: DoorModel, entity: str) -> dict[str, Any]:
    name, other = {"project": ("members", "contact"), "contact": ("projects", "project")}.get(entity, ("", ""))
    if not name or not model.live[other] or draw(st.booleans()):
        return {}
    ids = draw(st.lists(_ids(model, other), max_size=3, unique=True))
    if draw(st.booleans()):
        return {name: {"set": ids}}
    added = draw(st.lists(_ids(model, other), max_size=2, unique=True))
    attributes = st.sampled_from([{}, {"role": "lead"}, {"role": None}, {"role": "much too long"}])
    return {
        name: {
            "add": {id_: draw(attributes) for id_ in added},
            "remove": [id_ for id_ in ids if id_ not in added],
        }
    }


def _ids(model: DoorModel, entity: str) -> Any:
    live = sorted(model.live[entity])
    gone = sorted(id_ for owner, id_ in model.trash if owner == entity)
    return st.sampled_from([*live, *live, *live, *gone, UNKNOWN])
