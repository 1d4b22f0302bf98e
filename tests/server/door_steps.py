"""Random writes for :mod:`tests.server.door_world`: each as a field of a mutation, and as the model does it."""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.server import door_more_steps
from tests.server.door_model import BLANK, DoorModel, Refused, Row
from tests.server.door_values import MANY, SELECTED, WRITTEN, Step, ids, inputs, link_inputs, links, plain, values
from xrm_core import naming

DONE = "count ids errors { index id code }"
NESTED_IDS = "nested"
"""Key of what an answer does not tell and the change log does: parent → ``n_contacts``, ``n_contracts`` → nodes."""

MORE = ("upsert", "upsert_many", "merge")
"""What is in :mod:`tests.server.door_more_steps`."""
VERBS = ["create", *["update"] * 3, "delete", "restore", "purge", *["many"] * 2, *["upsert"] * 2, "nested", "merge"]
"""As often as they are tried."""


def text(step: Step, number: int, *, says_dry: bool) -> tuple[str, str, dict[str, Any]]:
    """Declarations of variables, the field and the values of the variables, all with a number in their names.

    ``says_dry``: whether the field has the argument ``dryRun``.
    """
    variables, root, selected = door_more_steps.text(step) if step.verb in MORE else _usual(step)
    declared = "".join(f", ${name}{number}: {type_}" for name, (type_, _) in variables.items())
    arguments = ", ".join(f"{name}: ${name}{number}" for name in variables)
    arguments += ", dryRun: $dry" if says_dry else ""
    asked = f"a{number}: {root}({arguments}) {f'{{ {selected} }}' if selected else ''}"
    return declared, asked, {f"{name}{number}": value for name, (_, value) in variables.items()}


def _usual(step: Step) -> tuple[dict[str, tuple[str, Any]], str, str]:
    """Variables with their types, the name of the field, and what it selects."""
    type_, many = naming.pascal(step.entity), naming.pascal(MANY[step.entity])
    given, verb = step.given, step.verb
    variables: dict[str, tuple[str, Any]] = {}
    if verb in ("create", "update"):
        nested = door_more_steps.nested_input(given.get("nested", {}))
        links_ = link_inputs(step.links)
        both = {name: {**links_.get(name, {}), **nested.get(name, {})} for name in (*links_, *nested)}
        variables["input"] = (f"{verb.title()}{type_}Input!", {**inputs(given["values"]), **both})
    if verb in ("update", "delete", "restore", "purge"):
        variables["id"] = ("ID!", given["id"])
    if given.get("version") is not None:
        variables["version"] = ("Int", given["version"])
    if verb == "create_many":
        both_ = zip(given["rows"], given.get("below") or [{}] * len(given["rows"]), strict=True)
        rows = [{**inputs(row), **door_more_steps.nested_input(below)} for row, below in both_]
        variables["input"] = (f"[Create{type_}Input!]!", rows)
    if verb == "update_many":
        variables["set"] = (f"Update{type_}Input!", inputs(given["values"]))
    if "ids" in given:
        variables["ids"] = ("[ID!]", given["ids"])
    if "city" in given:
        variables["where"] = (f"{type_}Filter", {"city": {"eq": given["city"]}})
    if verb.endswith("_many"):
        variables["onError"] = ("OnError", "SKIP" if given["skip"] else "ABORT")
    root = f"{verb.removesuffix('_many')}{many if verb.endswith('_many') else type_}"
    selected = DONE if verb.endswith("_many") else "" if verb == "purge" else SELECTED[step.entity]
    return variables, root, f"{selected} {door_more_steps.nested_selection(given.get('nested', {}))}".strip()


def comparable(step: Step, told: Any) -> Any:
    """An answer as :func:`do` has it."""
    if step.verb in MORE:
        return door_more_steps.comparable(step, told)
    if step.verb == "create_many":
        return {name: value for name, value in told.items() if name != NESTED_IDS}
    return told if step.verb.endswith("_many") or step.verb == "purge" else plain(told)


def do(model: DoorModel, user: str, step: Step, answered: Any) -> Any:
    """What the model answers to a step, which changes it; ids of new records are taken from the answer.

    Raises:
        Refused: it cannot be done; the model is spoilt.
    """
    given, entity = step.given, step.entity
    if step.verb in MORE:
        return door_more_steps.do(model, user, step, answered)
    match step.verb:
        case "create" if "nested" in given:
            id_ = door_more_steps.create_nested(model, user, step, answered)
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
            model.restore(user, entity, [id_])
        case "purge":
            model.purge(user, entity, [given["id"]])
            return given["id"]
        case _:
            return _many(model, user, step, answered)
    return model.shown(user, entity, model.live[entity][id_])


def _many(model: DoorModel, user: str, step: Step, answered: Any) -> dict[str, Any]:
    given, entity, created = step.given, step.entity, step.verb == "create_many"
    told = (answered or {}).get("ids", [])
    if "city" in given:  # in which order, is the platform's to say
        ids = sorted(_in_city(model, user, step))
        failed = {each["index"]: each for each in (answered or {}).get("errors", ())}
        chosen = [failed[place]["id"] if place in failed else id_ for place, id_ in enumerate(told)]
        # Some that were found may be gone when they are to be changed: restored by somebody else, say.
        missed = {each["id"] for each in failed.values() if each["code"] == "NOT_FOUND"}
        ids = chosen if sorted(chosen) == sorted({*ids, *missed}) else ids
    else:
        ids = [f"new {len(model.log)} {place}" for place, _ in enumerate(given["rows"])] if created else given["ids"]
    if created:
        ids = [id_ if place >= len(told) or told[place] is None else told[place] for place, id_ in enumerate(ids)]
        wrong = {} if "below" in given else _unready(model, user, entity, given["rows"])
        if wrong and not given["skip"]:
            raise Refused("BULK_REFUSED", errors=wrong)
    items = list(enumerate(ids))

    def work(tried: DoorModel, some: Any) -> None:
        if step.verb in ("delete_many", "restore_many", "purge_many"):
            work_of = {"delete_many": tried.delete, "restore_many": tried.restore, "purge_many": tried.purge}
            work_of[step.verb](user, entity, [id_ for _, id_ in some])
            return
        for place, id_ in some:
            if created and "below" in given:
                children = (answered or {}).get(NESTED_IDS, {}).get(id_)
                one = Step("create", entity, {"values": given["rows"][place], "nested": given["below"][place]})
                door_more_steps.create_nested(tried, user, one, children and {"id": id_, **children}, id_)
            elif created:
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


def _in_city(model: DoorModel, user: str, step: Step) -> Iterator[str]:
    """The records, or those in the trash, in a city."""
    rows = model.seen(user, step.entity)
    if step.verb in ("restore_many", "purge_many"):
        gone = {id_: each.rows[0][1] for (owner, id_), each in model.trash.items() if owner == step.entity}
        rows = {id_: row for id_, row in gone.items() if model.sees(user, step.entity, row)}
    return (id_ for id_, row in rows.items() if row["city"] == step.given["city"])


def _unready(model: DoorModel, user: str, entity: str, rows: list[Row]) -> dict[int, str]:
    """What is wrong with new records as far as can be said of each by itself: no unique values, no rights on rows."""
    wrong = {}
    for place, row in enumerate(rows):
        tried = model.copy()
        tried.live["company"] = {
            id_: {**each, "code": None, "city": None} for id_, each in tried.live["company"].items()
        }
        try:
            tried.create(user, entity, row, "new")
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
    verb = draw(st.sampled_from(VERBS))
    if verb in ("upsert", "nested", "merge"):
        made = {"upsert": door_more_steps.upserts, "nested": door_more_steps.nested, "merge": door_more_steps.merges}
        return draw(made[verb](model))
    if verb == "create" or (verb == "update" and not model.live[entity]):
        return Step("create", entity, {"values": draw(values(model, entity, whole=True))}, draw(links(model, entity)))
    if verb in ("restore", "purge"):
        if model.trash:
            entity, id_ = draw(st.sampled_from(sorted(model.trash)))
            return Step(verb, entity, {"id": id_})
        return Step(verb, entity, {"id": draw(ids(model, entity))})
    if verb == "many":
        return draw(_of_many(model))
    id_ = draw(ids(model, entity))
    given: dict[str, Any] = {"id": id_}
    if draw(st.booleans()):
        now = model.live[entity].get(id_, {}).get("version", 1)
        given["version"] = draw(st.sampled_from([now, now, now - 1, now + 1]))
    if verb == "delete":
        return Step(verb, entity, given)
    return Step(verb, entity, {**given, "values": draw(values(model, entity))}, draw(links(model, entity)))


@st.composite
def _of_many(draw: Any, model: DoorModel) -> Step:
    entity = draw(st.sampled_from(["company", "company", "contact"]))
    verb = draw(st.sampled_from(["create_many", "update_many", "delete_many", "restore_many", "purge_many"]))
    given: dict[str, Any] = {"skip": draw(st.booleans())}
    if verb == "create_many":
        given["rows"] = draw(st.lists(values(model, entity, whole=True), max_size=4))
        below = [draw(door_more_steps.below(model)) for _ in given["rows"]] if entity == "company" else []
        if any(below):
            given["below"] = below
    elif entity == "company" and draw(st.booleans()):
        given["city"] = draw(st.sampled_from(["Ulm", "Bonn"]))
    else:
        gone = sorted(id_ for owner, id_ in model.trash if owner == entity)
        known = st.sampled_from(gone) if gone and verb in ("restore_many", "purge_many") else ids(model, entity)
        given["ids"] = draw(st.lists(st.one_of(known, ids(model, entity)), max_size=4, unique=True))
    if verb == "update_many":
        given["values"] = draw(values(model, entity))
    return Step(verb, entity, given)
