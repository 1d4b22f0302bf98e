"""Many-to-many relations in entity files: the entity of links, the sides, and what can be wrong."""

import json
from typing import Any

import pytest

from xrm_core.errors import Problem, SchemaFilesInvalid
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Link, Model
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot
from xrm_core.metadata.writer import files_of

ROLE = {"type": "string", "enum": ["lead", "expert"]}


def many(to: str = "contact", inverse: str = "projects", **more: Any) -> dict[str, Any]:
    return {"x-relation": {"to": to, "many": True, "inverse": inverse, **more}}


def texts(members: Any, project: dict[str, Any] | None = None, **others: Any) -> list[tuple[str, str, str]]:
    files = {
        "project": {"properties": {"name": {"type": "string"}, "members": members}, **(project or {})},
        "contact": {"properties": {"name": {"type": "string"}}},
        **others,
    }
    return [
        (f"{name}.json", json.dumps({"x-entity": name, "type": "object", **body}, indent=0), "core")
        for name, body in files.items()
    ]


def load(members: Any, project: dict[str, Any] | None = None, **others: Any) -> Model:
    return load_texts(texts(members, project, **others))


def problems(members: Any, project: dict[str, Any] | None = None, **others: Any) -> tuple[Problem, ...]:
    with pytest.raises(SchemaFilesInvalid) as caught:
        load(members, project, **others)
    return caught.value.problems


def test_a_relation_makes_an_entity_of_links_and_a_list_on_both_sides() -> None:
    model = load(many(attributes={"role": ROLE, "since": {"type": "string", "format": "date"}}, required=["role"]))
    link = model["project_member"]
    assert link.kind == "link"
    assert {name: field.required for name, field in link.fields.items()} == {
        "project": True,
        "contact": True,
        "role": True,
        "since": False,
    }
    assert link.unique_together == (("project", "contact"),)
    assert {link.fields[end].reference.on_delete for end in ("project", "contact")} == {"cascade"}
    assert model["project"].links["members"] == Link(
        "members", "contact", "project_member", "project", "contact", owned=True
    )
    assert model["contact"].links["projects"] == Link(
        "projects", "project", "project_member", "contact", "project", owned=False
    )
    assert list(model["project"].inverses) == ["member_links"]
    assert list(model["contact"].inverses) == ["project_links"]
    assert "members" not in model["project"].fields


def test_an_entity_can_be_linked_with_itself() -> None:
    model = load(many("project", "successors"))
    assert list(model["project_member"].fields) == ["project", "member"]
    assert {name: (link.near, link.far) for name, link in model["project"].links.items()} == {
        "members": ("project", "member"),
        "successors": ("member", "project"),
    }


def test_the_entity_of_links_can_have_another_name() -> None:
    assert "participation" in load(many(through="participation"))


def test_the_snapshot_gives_the_same_model() -> None:
    model = load(many(attributes={"role": ROLE}))
    assert from_snapshot(json.loads(json.dumps(to_snapshot(model)))) == model


def test_a_renamed_relation_or_owner_keeps_its_links() -> None:
    assert load({**many(), "x-renamed-from": "participants"})["project_member"].renamed_from == "project_participant"
    model = load(many(), {"x-renamed-from": "job"})
    assert model["project_member"].renamed_from == "job_member"
    assert model["project_member"]["project"].renamed_from == "job"


WRONG = {
    "unknown target": (many("contct"), "/x-relation/to", 'no entity "contct"', 'Did you mean "contact"?'),
    "many is false": (
        {"x-relation": {"to": "contact", "many": False, "inverse": "projects"}},
        "/x-relation/many",
        "should be true",
        "relation to one",
    ),
    "several targets": (
        {"x-relation": {"to": ["contact", "project"], "many": True, "inverse": "projects"}},
        "/x-relation/to",
        "text in double quotes",
        "Small letters",
    ),
    "on_delete": (many(on_delete="cascade"), "/x-relation/on_delete", "does not belong", "allowed here: to, many"),
    "no inverse": (
        {"x-relation": {"to": "contact", "many": True}},
        "/x-relation",
        '"inverse" is missing',
        "name of the list",
    ),
    "default": ({**many(), "default": "$user"}, "/default", "does not belong", "Remove it"),
    "unique": ({**many(), "x-unique": True}, "/x-unique", "does not belong", "Remove it"),
    "inverse is a field": (many(inverse="name"), "/x-relation/inverse", 'a field "name" already', "another inverse"),
    "inverse reserved": (many(inverse="and"), "/x-relation/inverse", "filters use this word", "another"),
    "attribute is a side": (
        many(attributes={"contact": ROLE}),
        "/x-relation/attributes/contact",
        "one of the two sides",
        "another name",
    ),
    "attribute of edges": (
        many(attributes={"cursor": ROLE}),
        "/x-relation/attributes/cursor",
        "The edges of lists",
        "another name",
    ),
    "attribute is a relation": (
        many(attributes={"boss": {"x-relation": {"to": "contact", "inverse": "bossed"}}}),
        "/x-relation/attributes/boss",
        "cannot be an attribute",
        "Remove it",
    ),
    "attribute is a file": (
        many(attributes={"paper": {"x-type": "file"}}),
        "/x-relation/attributes/paper",
        "A file cannot be an attribute",
        "Remove it",
    ),
    "attribute of no type": (
        many(attributes={"role": {"type": "sting"}}),
        "/x-relation/attributes/role/type",
        '"sting" is not one of',
        "kind of value",
    ),
    "attribute with a system name": (
        many(attributes={"version": ROLE}),
        "/x-relation/attributes/version",
        "every record has this field",
        "another name",
    ),
    "attribute with a bad default": (
        many(attributes={"role": {**ROLE, "default": "boss"}}),
        "/x-relation/attributes/role/default",
        "breaks the field's own rules",
        "Change one",
    ),
    "required is no attribute": (
        many(required=["role"]),
        "/x-relation/required/0",
        'no attribute "role"',
        "Add it",
    ),
    "labels of links": (
        many(link_labels="Member"),
        "/x-relation/link_labels",
        "should be an object",
        "Text by language",
    ),
    "language of links": (
        many(link_plural_labels={"german": "M"}),
        "/x-relation/link_plural_labels/german",
        "not allowed",
        "language code",
    ),
    "through is taken": (many(through="contact"), "/x-relation/through", "is defined already", '"through"'),
    "through is reserved": (many(through="query"), "/x-relation/through", "has this word already", "another name"),
}


@pytest.mark.parametrize(("members", "place", "reason", "remedy"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_relation_gets_one_problem_with_place_reason_and_remedy(
    members: Any, place: str, reason: str, remedy: str
) -> None:
    [problem] = problems(members)
    assert (problem.file, problem.pointer) == ("project.json", f"/properties/members{place}")
    assert problem.line > 1
    assert reason in problem.reason
    assert remedy in problem.remedy


def test_links_have_labels_of_their_own() -> None:
    model = load(many(link_labels={"en": "Membership"}, link_plural_labels={"en": "Memberships"}))
    links = model["project_member"]
    assert (links.labels, links.plural_labels) == ({"en": "Membership"}, {"en": "Memberships"})
    for side, name in (("project", "member_links"), ("contact", "project_links")):
        assert model[side].inverses[name].labels == {"en": "Memberships"}


def test_a_side_of_a_link_is_labelled_as_its_entity_is() -> None:
    contact = {"properties": {"name": {"type": "string"}}, "x-labels": {"en": "Contact"}}
    links = load(many(), {"x-labels": {"en": "Project"}}, contact=contact)["project_member"]
    assert (links["project"].labels, links["contact"].labels) == ({"en": "Project"}, {"en": "Contact"})


def test_an_entity_that_has_the_name_of_the_links_is_named() -> None:
    other = {"properties": {"name": {"type": "string"}}}
    [problem] = problems(many(), project_member=other)
    assert problem.pointer == "/properties/members"
    assert "project_member.json:2" in problem.reason
    assert '"through"' in problem.remedy


def test_two_relations_to_one_list_are_refused() -> None:
    [problem] = problems(many(), {"properties": {"members": many(), "guests": many(), "name": {"type": "string"}}})[:1]
    assert "/properties/guests" in problem.pointer


@pytest.mark.parametrize(
    "words", [{"required": ["members"]}, {"x-display": "members"}, {"x-unique": [["name", "members"]]}]
)
def test_the_relation_cannot_stand_where_fields_do(words: dict[str, Any]) -> None:
    [problem] = problems(many(), words)
    assert "many-to-many relation" in problem.reason


@pytest.mark.parametrize(
    ("members", "project"),
    [
        (many(), {}),
        (many(attributes={"role": ROLE, "no": {"type": "integer"}}, required=["no"], inverse_labels={"en": "P"}), {}),
        ({**many(through="part"), "description": "Who.", "x-labels": {"en": "Members"}}, {}),
        (many(link_labels={"en": "Membership"}, link_plural_labels={"en": "Memberships", "de": "Mitwirkungen"}), {}),
        ({**many(), "x-renamed-from": "guests"}, {"x-renamed-from": "job"}),
        ({**many("project", "successors"), "x-renamed-from": "guests"}, {}),
    ],
)
def test_the_files_written_of_a_model_read_as_the_same_model(members: Any, project: dict[str, Any]) -> None:
    model = load(members, project)
    assert load_texts([(file, text, "core") for file, text in files_of(model).items()]).fingerprint == model.fingerprint
