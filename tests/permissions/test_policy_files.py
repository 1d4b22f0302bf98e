"""Policy files: what is wrong in them is all told, with its place, and then nothing of them is used."""

import json
from pathlib import Path

import pytest

from tests.graphql import kit
from xrm_core.errors import PolicyInvalid
from xrm_core.permissions import policy
from xrm_core.permissions.policy import Action, Effect

MODEL = kit.load_model()
HEADER = "role,entity,action,fields,rule,effect"
ROLES = {
    "roles": {"rep": {"labels": {"en": "Rep"}, "description": "A rep."}, "boss": {"inherits": ["rep"]}},
    "rules": {"own": {"owner": {"id": {"eq": "$user"}}}, "lead": {"kind": {"eq": "lead"}}},
}


def problems(rows: str, roles: object = ROLES) -> list[str]:
    """What the loader says is wrong."""
    text = roles if isinstance(roles, str | bytes) else json.dumps(roles)
    with pytest.raises(PolicyInvalid) as caught:
        kit.load_policies(MODEL, text, rows)
    return list(caught.value.details.get("problems", [caught.value.message]))


def rows(*lines: str) -> str:
    return "\n".join((HEADER, *lines)) + "\n"


def test_good_files_are_read_as_typed_rows() -> None:
    found = kit.load_policies(MODEL, json.dumps(ROLES), rows("rep,firm,read,id name,own,allow", "boss,*,*,*,,deny"))
    first, second = found.policies
    assert (first.role, first.entity, first.action, first.fields, first.rule, first.effect) == (
        "rep",
        "firm",
        Action.READ,
        frozenset({"id", "name"}),
        "own",
        Effect.ALLOW,
    )
    assert (second.entity, second.action, second.fields, second.rule, second.effect) == (
        None,
        None,
        None,
        None,
        Effect.DENY,
    )
    assert found.roles["boss"].inherits == ("rep",)


def test_line_ends_empty_lines_quotes_and_a_byte_order_mark_are_no_matter() -> None:
    text = "\ufeff" + rows('rep,firm,read,"id name",own,allow', "", "boss,firm,read,*,,allow").replace("\n", "\r\n")
    assert len(kit.load_policies(MODEL, "\ufeff" + json.dumps(ROLES), text).policies) == 2


@pytest.mark.parametrize(
    "line",
    [
        *(
            f"rep,firm,read,*,,{effect}"
            for effect in ("Deny", "DENY", "block", "", " allow", "allow ", "Allow", "1", "all\u200bow")
        ),
        *(f"rep,firm,{action},*,,allow" for action in ("Read", "write", "", "**", "read update", "reader")),
        *(
            f"rep,{entity},read,*,,allow"
            for entity in ("Firm", "firms", "", "fir*", "firm/../deal", "user", "firm deal")
        ),
        *(f"{role},firm,read,*,,allow" for role in ("Rep", "sales", "", "*", "r:rep", "\u200brep", "p", "#rep", "u:1")),
        *(
            f"rep,firm,read,{fields},,allow"
            for fields in ("", " ", "nam", "Name", "name nam", "* name", "firms", "deals", "parent_id")
        ),
        *(f"rep,firm,read,*,{rule},allow" for rule in ("Own", "mine", "true", "1=1", " ", "own lead")),
        "rep,deal,read,*,own,allow",
        "rep,*,read,*,own,allow",
        "rep,*,read,nothing,,allow",
        "rep,firm,read,*,allow",
        "rep,firm,read,*,,allow,",
        "rep;firm;read;*;;allow",
        "rep",
        "   ",
        "# a comment",
        '"rep,firm,read,*,,allow',
        'rep,"fir"m,read,*,,allow',
        "rep,firm,read,id name,,deny",
        "rep,firm,*,id,own,deny",
        "rep,firm,run,*,,allow",
        "rep,sales.win,update,*,,allow",
        "rep,sales.win,run,name,,allow",
        "rep,sales.win,run,*,own,allow",
        "rep,sales.win,run,*,,last_4",
        "rep,Sales.win,run,*,,allow",
        "rep,sales.win.more,run,*,,allow",
        "rep,*.*,run,*,,allow",
        "rep,*,run,*,own,allow",
        "rep,*,run,name,,allow",
        "rep,*,run,*,,hash",
    ],
)
def test_a_wrong_line_is_told_and_refuses_the_whole_set(line: str) -> None:
    [problem] = problems(rows("rep,firm,read,*,own,allow", line))[:1]
    assert "policies.csv:3" in problem


def test_all_mistakes_are_told_at_once() -> None:
    found = problems(rows("rep,firm,read,*,,Deny", "rep,firm,read,*,own,allow", "who,what,how,nam,why,maybe"))
    assert len(found) == 7
    assert [each.rpartition("policies.csv:")[2][0] for each in found] == ["2", *"444444"]


@pytest.mark.parametrize(
    "header", ["", "role,entity", HEADER.upper(), HEADER + ",", HEADER.replace(",", ";"), " " + HEADER]
)
def test_another_header_is_refused(header: str) -> None:
    [problem] = problems(f"{header}\nrep,firm,read,*,,allow\n")
    assert "policies.csv:1" in problem


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        (b"\xff\xfe", "UTF-8"),
        ('{"roles": {"a": {}, "a": {"inherits": ["b"]}}}', "twice"),
        ('{"roles": {"a": {}}, "rules": {"r": {"name": {"eq": "x"}}, "r": {}}}', "twice"),
        ([], "roles"),
        ({}, "roles"),
        ({"roles": []}, "roles"),
        ({"roles": {}, "policies": []}, "policies"),
        ({"roles": {"Rep": {}}}, "Rep"),
        ({"roles": {"r:rep": {}}}, "r:rep"),
        ({"roles": {"a b": {}}}, "a b"),
        ({"roles": {"": {}}}, "''"),
        ({"roles": {"a": []}}, "'a'"),
        ({"roles": {"a": {"inherit": ["b"]}}}, "'a'"),
        ({"roles": {"a": {"inherits": ["b"]}}}, "'b'"),
        ({"roles": {"a": {"inherits": "a"}}}, "'a'"),
        ({"roles": {"a": {"inherits": None}}}, "'a'"),
        ({"roles": {"a": {"inherits": [["a"]]}}}, "'a'"),
        ({"roles": {"a": {"labels": "x"}}}, "'a'"),
        ({"roles": {"a": {"description": 1}}}, "'a'"),
        ({"roles": {"a": {"inherits": ["a"]}}}, "inherits itself"),
        ({"roles": {"a": {"inherits": ["b"]}, "b": {"inherits": ["c"]}, "c": {"inherits": ["a"]}}}, "inherits itself"),
        ({"roles": {}, "rules": []}, "rules"),
        ({"roles": {}, "rules": {"all": {}}}, "'all' is empty"),
    ],
    ids=str,
)
def test_wrong_roles_are_told(roles: object, words: str) -> None:
    assert any(words in problem for problem in problems(rows(), roles))


@pytest.mark.parametrize(
    "rule",
    [
        5,
        [],
        "true",
        None,
        {"nam": {"eq": 1}},
        {"name": "x"},
        {"name": {"like": "x"}},
        {"name": {"eq": 5}},
        {"name": {"in": "x"}},
        {"name": {"lt": None}},
        {"name": {"isNull": "yes"}},
        {"name": {"eq": "$user"}},
        {"id": {"eq": "$me"}},
        {"id": {"in": ["$user"]}},
        {"owner": {"id": {"ne": "$tenant"}}},
        {"kind": {"eq": "leed"}},
        {"kind": {"in": ["lead", None]}},
        {"revenue": {"gt": "much"}},
        {"revenue": {"eq": True}},
        {"revenue": {"eq": "NaN"}},
        {"employees": {"gt": 1.5}},
        {"employees": {"eq": "5"}},
        {"active": {"eq": "yes"}},
        {"active": {"eq": 1}},
        {"founded_on": {"gt": "yesterday"}},
        {"seen_at": {"gt": "2026-01-01T00:00:00"}},
        {"or": {"name": {"eq": "x"}}},
        {"deals": {"any": {}}},
        {"deals": {}},
        {"owner": {"nam": {"eq": "x"}}},
        {"owner": {"isNull": None}},
    ],
    ids=str,
)
def test_a_rule_that_does_not_fit_its_entity_is_told_with_its_line(rule: object) -> None:
    [problem] = problems(rows("rep,firm,read,*,r,allow"), {"roles": {"rep": {}}, "rules": {"r": rule}})
    assert "policies.csv:2" in problem
    assert "'firm'" in problem


@pytest.mark.parametrize(
    ("rule", "mistake"),
    [
        (5, "r must be an object, not int"),
        ({"nam": {"eq": 1}}, "has no field or relation 'nam'"),
        ({"name": {"like": "x"}}, "name has no operator 'like'"),
        ({"owner": {"id": {"eq": "$me"}}}, "r/owner/id/eq: $me is not known here"),
        ({"or": [{"kind": {"eq": "lead"}}, {"kind": {"eq": "leed"}}]}, "r/or/1/kind/eq: 'leed' is not a value of kind"),
    ],
    ids=str,
)
def test_a_rule_that_no_policy_uses_must_fit_some_entity(rule: object, mistake: str) -> None:
    roles = {"roles": {"rep": {}}, "rules": {"r": rule, "lead": {"kind": {"eq": "lead"}}}}
    [problem] = problems(rows("rep,firm,read,*,,allow"), roles)
    assert "roles.json: rule 'r' fits no entity" in problem
    assert mistake in problem


def test_a_rule_for_any_entity_must_fit_all() -> None:
    found = problems(rows("rep,*,read,*,own,allow"))
    assert {each.partition("the entity '")[2].partition("'")[0] for each in found} == {
        *("person", "deal", "visit", "secret", "wide")
    }


@pytest.mark.parametrize("missing", ["roles.json", "policies.csv"])
def test_missing_files_are_told(tmp_path: Path, missing: str) -> None:
    for name, text in (("roles.json", json.dumps(ROLES)), ("policies.csv", rows())):
        if name != missing:
            (tmp_path / name).write_text(text)
    with pytest.raises(PolicyInvalid, match=missing):
        policy.load([tmp_path], MODEL)


def test_the_version_changes_with_the_texts() -> None:
    one = kit.load_policies(MODEL, json.dumps(ROLES), rows("rep,firm,read,*,own,allow"))
    same = kit.load_policies(MODEL, json.dumps(ROLES), rows("rep,firm,read,*,own,allow"))
    other = kit.load_policies(MODEL, json.dumps(ROLES), rows("rep,firm,read,*,lead,allow"))
    assert one.version == same.version != other.version


def _folder(parent: Path, name: str, roles: str | None, rows: str | None) -> Path:
    folder = parent / name
    folder.mkdir()
    for file, text in (("roles.json", roles), ("policies.csv", rows)):
        if text is not None:
            (folder / file).write_text(text)
    return folder


_HEAD = "role,entity,action,fields,rule,effect\n"


def test_a_pack_adds_roles_rules_and_policies_to_those_below(tmp_path: Path) -> None:
    # given two packs, the upper one with the same role again, a new one, a new rule and rows for both
    low = _folder(tmp_path, "low", '{"roles": {"clerk": {}}, "rules": {}}', f"{_HEAD}clerk,firm,read,*,,allow\n")
    more = '{"roles": {"clerk": {}, "chief": {"inherits": ["clerk"]}}, "rules": {"big": {"name": {"eq": "Big"}}}}'
    high = _folder(tmp_path, "high", more, f"{_HEAD}clerk,person,read,*,,allow\nchief,firm,update,*,big,allow\n")
    # when both are read, with folders between them that have one file or none
    half = _folder(tmp_path, "half", None, f"{_HEAD}clerk,deal,read,*,,allow\n")
    found = policy.load([low, tmp_path / "none", half, high], MODEL)
    # then all is there, in order
    assert list(found.roles) == ["clerk", "chief"]
    assert list(found.rules) == ["big"]
    assert [(row.role, row.entity) for row in found.policies] == [
        ("clerk", "firm"),
        ("clerk", "deal"),
        ("clerk", "person"),
        ("chief", "firm"),
    ]
    assert found.version != policy.load([low, high], MODEL).version


def test_a_role_or_rule_with_two_meanings_names_both_files(tmp_path: Path) -> None:
    low = _folder(tmp_path, "low", '{"roles": {"clerk": {}}, "rules": {"r": {"name": {"eq": "a"}}}}', _HEAD)
    more = '{"roles": {"clerk": {"description": "x"}}, "rules": {"r": {"name": {"eq": "b"}}}}'
    high = _folder(tmp_path, "high", more, None)
    with pytest.raises(PolicyInvalid) as caught:
        policy.load([low, high], MODEL)
    assert caught.value.details["problems"] == [
        f"{high}/roles.json: role 'clerk' is defined already, and otherwise, in {low}/roles.json.",
        f"{high}/roles.json: rule 'r' is defined already, and otherwise, in {low}/roles.json.",
    ]


def test_the_schema_is_an_object_without_fields_and_rows() -> None:
    good = rows("rep,xrm_schema,read,*,,allow", "boss,xrm_schema,*,*,,allow", "rep,xrm_schema,update,*,,deny")
    assert len(kit.load_policies(MODEL, json.dumps(ROLES), good).policies) == 3
    for bad in ("rep,xrm_schema,create,*,,allow", "rep,xrm_schema,read,name,,allow", "rep,xrm_schema,read,*,own,allow"):
        assert any("xrm_schema" in problem for problem in problems(rows(bad)))
