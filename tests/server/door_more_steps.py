"""Random writes beyond those of :mod:`tests.server.door_steps`: by key, of duplicates, and of records in others."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.server.door_merges import Merge, merge
from tests.server.door_model import LINK, DoorModel, Refused, Row
from tests.server.door_upserts import KEYS, upsert, upsert_many
from tests.server.door_values import MANY, SELECTED, Step, ids, inputs, link_inputs, links, plain, values
from xrm_core import naming

FREE = [f"01900000-0000-7000-8000-0000000000{number:02x}" for number in range(8)]
"""Ids that records may be given."""

NESTED = {"company": ("parent", "contacts", "contracts"), "contact": ("company",), "project": ("members",)}
"""What may be created with a record."""

OF = {"parent": "company", "company": "company", "contacts": "contact", "contracts": "contract", "members": "contact"}
TOLD = "count createdCount ids created errors { index id code }"


def key_name(by: list[str]) -> str:
    """What a key is called."""
    return "_".join(inputs(dict.fromkeys(by)))


def text(step: Step) -> tuple[dict[str, tuple[str, Any]], str, str]:
    """Variables with their types, the name of the field, and what it selects."""
    type_, given = naming.pascal(step.entity), step.given
    many = naming.pascal(MANY.get(step.entity, "projectMembers"))
    record = f"record {{ {SELECTED[step.entity]} }}"
    if step.verb == "merge":
        wanted: Merge = given["merge"]
        variables: dict[str, tuple[str, Any]] = {
            "into": ("ID!", wanted.into),
            "from": ("[ID!]!", list(wanted.sources)),
            "take": (f"[Merge{type_}Take!]", [{"from": id_, "fields": list(of)} for id_, of in wanted.take.items()]),
            "set": (f"Update{type_}Input", {**inputs(wanted.values), **link_inputs(wanted.links)}),
            "version": ("Int", wanted.version),
            "fromVersions": ("[Int!]", wanted.versions),
        }
        return variables, f"merge{many}", f"{record} moved {{ entity moved dropped }}"
    if step.verb == "upsert":
        row = {**inputs(given["values"]), **link_inputs(step.links)}
        variables = {"by": (f"{type_}Key!", key_name(given["by"])), "input": (f"Upsert{type_}Input!", row)}
        return variables, f"upsert{type_}", f"created {record}"
    rows = [inputs(each) for each in given["rows"]]
    variables = {
        "by": (f"{type_}Key!", key_name(given["by"])),
        "input": (f"[Upsert{type_}Input!]!", rows),
        "onError": ("OnError", "SKIP" if given["skip"] else "ABORT"),
    }
    return variables, f"upsert{many}", TOLD


def nested_input(nested: Mapping[str, Any]) -> dict[str, Any]:
    """Records within others, as inputs have them."""
    found: dict[str, Any] = {}
    for name, given in nested.items():
        if name == "members":
            found[name] = {"create": [{"record": inputs(row), "role": role} for row, role in given]}
        else:
            found[name] = {"create": inputs(given) if isinstance(given, dict) else [inputs(row) for row in given]}
    return found


def nested_selection(nested: Mapping[str, Any]) -> str:
    """Their ids."""
    lists = [name for name, given in nested.items() if not isinstance(given, dict)]
    return " ".join(f"n_{name}: {name}(first: 100) {{ nodes {{ id {_title(name)} }} }}" for name in lists)


def do(model: DoorModel, user: str, step: Step, told: Any) -> Any:
    """What the model answers.

    Raises:
        Refused: it cannot be done; the model is spoilt.
    """
    given, entity = step.given, step.entity
    if step.verb == "merge":
        moved = merge(model, user, entity, given["merge"])
        into = given["merge"].into
        return {"record": model.shown(user, entity, model.live[entity][into]), "moved": moved}
    if step.verb == "upsert":
        new = told["record"]["id"] if told else f"new {len(model.log)}"
        id_, created = upsert(model, user, entity, given["by"], given["values"], new, step.links)
        row = model.shown(user, entity, model.live[entity][id_])
        return {"created": created, "record": {**row, "id": told["record"]["id"]} if told and entity == LINK else row}
    rows = given["rows"]
    known = (told or {}).get("ids") or [None] * len(rows)
    new_ids = [id_ or f"new {len(model.log)} {place}" for place, id_ in enumerate(known)]
    found, created_, wrong = upsert_many(model, user, entity, given["by"], rows, new_ids, skip=given["skip"])
    return {
        "count": sum(id_ is not None for id_ in found),
        "createdCount": sum(bool(each) for each in created_),
        "ids": found,
        "created": created_,
        "errors": [{"index": place, "id": None, "code": each.code} for place, each in sorted(wrong.items())],
    }


def comparable(step: Step, told: Any) -> Any:
    """An answer as :func:`do` has it."""
    return {**told, "record": plain(told["record"])} if step.verb in ("merge", "upsert") else told


def create_nested(model: DoorModel, user: str, step: Step, told: Any, new: str = "") -> str:
    """A record with others in it; answers its id, ``new`` if it is not told. They are looked at before any is made.

    Raises:
        Refused: the model is spoilt.
    """
    nested: Mapping[str, Any] = step.given["nested"]
    row, entity = dict(step.given["values"]), step.entity
    parts = [(name, each) for name, given in nested.items() for each in _rows(given)]
    for name, each in parts:
        stand_in = {"company": "later"} if name in ("contacts", "contracts") else {}
        model.check(OF[name], {**each, **stand_in})
        if name in ("company", "parent"):
            row[name] = "later"
    for name, given in nested.items():
        if name == "members" and any(len(role or "") > 8 for _, role in given):
            raise Refused("VALIDATION_FAILED")
    model.check(entity, row)
    ids_ = {name: _ids_told(model, name, given, told) for name, given in nested.items()}
    for name in ("company", "parent"):
        if name in nested:
            model.create(user, OF[name], nested[name], ids_[name][0])
            row[name] = ids_[name][0]
    links_ = dict(step.links)
    if "members" in nested:
        for (each, _), id_ in zip(nested["members"], ids_["members"], strict=True):
            model.create(user, "contact", each, id_)
        added = {id_: {"role": role} for (_, role), id_ in zip(nested["members"], ids_["members"], strict=True)}
        before = links_.get("members", {})
        links_["members"] = {**before, "add": {**before.get("add", {}), **added}}
    id_ = told["id"] if told else new or f"new {len(model.log)}"

    def along() -> None:
        for name in ("contacts", "contracts"):
            for each, new in zip(nested.get(name, ()), ids_.get(name, ()), strict=True):
                model.create(user, OF[name], {**each, "company": id_}, new)

    model.create(user, entity, row, id_, links_, along)
    return str(id_)


def _rows(given: Any) -> list[Row]:
    if isinstance(given, dict):
        return [given]
    return [each[0] if isinstance(each, tuple) else each for each in given]


def _ids_told(model: DoorModel, name: str, given: Any, told: Any) -> list[str]:
    rows = _rows(given)
    if not told:
        return [f"new {len(model.log)} {name} {place}" for place, _ in enumerate(rows)]
    if isinstance(given, dict):
        return [told[name]["id"]]
    known = {each[_title(name)]: each["id"] for each in told[f"n_{name}"]["nodes"]}
    return [known[row[_title(name)]] for row in rows]


def _title(name: str) -> str:
    return "title" if name == "contracts" else "name"


@st.composite
def upserts(draw: Any, model: DoorModel) -> Step:
    """By any key, of one or of many. Many change the same fields, none of a key: so their order does not matter."""
    entities = ["company", "company", "company", "project"]
    entities += ["contact", "contract"] * bool(model.live["company"])
    entities += [LINK] * bool(model.live["project"] and model.live["contact"])
    entity = draw(st.sampled_from(entities))
    by = draw(st.sampled_from(KEYS[entity]))
    if entity != LINK and draw(st.integers(0, 3)) == 0:
        names = (
            draw(st.lists(st.sampled_from(["rating", "owner", "parent"]), unique=True)) if entity == "company" else []
        )
        rows = []
        for key in draw(st.lists(_key_values(model, entity, by), max_size=4)):
            given = {**draw(values(model, entity, whole=True)), **key}
            # names of companies stand in a key of theirs
            needed = [] if entity == "project" else ["name"] if entity == "company" else ["company"]
            needed += ["name"] * (entity == "contact")
            rows.append({name: given.get(name) for name in dict.fromkeys([*by, *needed, *names])})
        if entity == "company":
            rows = [{**row, "name": row["name"] if "name" in by else f"N{place}"} for place, row in enumerate(rows)]
        return Step("upsert_many", entity, {"by": by, "rows": rows, "skip": draw(st.booleans())})
    if entity == LINK:
        given = {"role": draw(st.sampled_from([None, "lead", "guest", "much too long"]))} if draw(st.booleans()) else {}
        given |= {name: draw(ids(model, name)) for name in by}
        return Step("upsert", entity, {"by": by, "values": given})
    given = {**draw(values(model, entity, whole=True)), **draw(_key_values(model, entity, by))}
    return Step("upsert", entity, {"by": by, "values": given}, draw(links(model, entity)))


@st.composite
def _key_values(draw: Any, model: DoorModel, entity: str, by: list[str]) -> Row:
    known: dict[str, Any] = {
        "id": st.one_of(st.sampled_from(FREE), ids(model, entity)),
        "code": st.sampled_from(["1", "2", "1", "2", None]),
        "city": st.sampled_from(["Ulm", "Bonn", "Ulm", "Bonn", None]),
        "name": st.sampled_from(["A", "B", "C", "D", ""]),
    }
    return {name: draw(known[name]) for name in by}


@st.composite
def merges(draw: Any, model: DoorModel) -> Step:
    """Of records that there are, mostly: each with a part of its values."""
    entity = draw(st.sampled_from([each for each in MANY if len(model.live[each]) > 1] or ["company"]))
    alive = sorted(model.live[entity])
    known = st.sampled_from(alive) if len(alive) > 1 and draw(st.integers(0, 5)) else ids(model, entity)
    found = draw(st.lists(known, min_size=min(2, len(alive)), max_size=3, unique=True)) or [FREE[1]]
    if len(found) < 2:
        found = [found[0], next(each for each in FREE if each != found[0])]
    into, *sources = found
    takeable = {
        "company": ["name", "code", "city", "rating", "owner", "parent"],
        "contact": ["name", "company"],
        "contract": ["title", "company"],
        "project": ["name"],
    }[entity]
    taken = draw(st.lists(st.sampled_from(takeable), unique=True, max_size=3))
    take: dict[str, list[str]] = {}
    for name in taken:
        take.setdefault(draw(st.sampled_from(sources)), []).append(name)
    set_ = {name: value for name, value in draw(values(model, entity)).items() if name not in taken}
    version = versions = None
    if draw(st.integers(0, 3)) == 0:
        version = model.live[entity].get(into, {}).get("version", 1) + draw(st.sampled_from([0, 0, 0, 1]))
        versions = [model.live[entity].get(id_, {}).get("version", 1) for id_ in sources]
    wanted = Merge(into, sources, take, set_, version, versions, draw(links(model, entity)))
    return Step("merge", entity, {"merge": wanted})


@st.composite
def below(draw: Any, model: DoorModel) -> dict[str, Any]:
    """What stands in a company that is created with others, mostly nothing."""
    found: dict[str, Any] = {}
    for name in ("contacts", "contracts") if draw(st.integers(0, 3)) == 0 else ():
        rows = [draw(values(model, OF[name], whole=True)) for _ in range(draw(st.integers(0, 2)))]
        kept = [{key: value for key, value in row.items() if key != "company"} for row in rows]
        titles = ["K", draw(st.sampled_from(["L", "L", "L", "too long a name"]))]
        found[name] = [{**row, _title(name): title} for row, title in zip(kept, titles, strict=False)]
    return {name: rows for name, rows in found.items() if rows}


@st.composite
def nested(draw: Any, model: DoorModel) -> Step:
    """A creation with others in it, whose names differ, so that each is found in the answer."""
    entity = draw(st.sampled_from(["company", "company", "contact", "project"]))
    if entity == "project" and not model.live["company"]:
        entity = "company"
    names = draw(st.lists(st.sampled_from(NESTED[entity]), min_size=1, unique=True))
    found: dict[str, Any] = {}
    for name in names:
        count = 1 if name in ("company", "parent") else draw(st.integers(1, 2))
        rows = [draw(values(model, OF[name], whole=True)) for _ in range(count)]
        if name in ("contacts", "contracts"):
            rows = [{key: value for key, value in row.items() if key != "company"} for row in rows]
        if count > 1 or name not in ("company", "parent"):
            good = draw(st.integers(0, 5)) > 0
            titles = ["K", "L"] if good or name == "contracts" else ["K", "too long a name"]
            rows = [{**row, _title(name): title} for row, title in zip(rows, titles, strict=False)]
        if name == "members":
            found[name] = [(row, draw(st.sampled_from([None, "lead", "lead", "much too long"]))) for row in rows]
        else:
            found[name] = rows[0] if name in ("company", "parent") else rows
    row = {name: value for name, value in draw(values(model, entity, whole=True)).items() if name not in names}
    linked = draw(links(model, entity))
    if "members" in found and "set" in linked.get("members", {}):  # it says all there are
        linked = {"members": {"add": {id_: {} for id_ in linked["members"]["set"]}}}
    return Step("create", entity, {"values": row, "nested": found}, linked)
