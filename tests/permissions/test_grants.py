"""Nobody gives more than they hold: what a change of policies gives is held against the rights of its author."""

import json

import pytest

from tests.graphql import kit
from tests.graphql.relationship_world import relationship_model
from tests.permissions.test_policies_in_force import MODEL, files
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.grants import beyond, beyond_roles
from xrm_core.permissions.policy import Action, parse_files
from xrm_core.permissions.role_limits import Decided
from xrm_core.permissions.token_scope import TokenScope

USUAL = Decided(cost=100, page_size=50, depth=5, timeout=2.0)
RULES = {"good": {"rank": {"gt": 5}}, "fine": {"rank": {"gt": 5}}, "bad": {"rank": {"lt": 5}}}
TO_COME = "b: read on entities that are to come"


def given(own: tuple[str, ...], before: tuple[str, ...], after: tuple[str, ...], **inherits: list[str]) -> list[str]:
    """What a change of the policies of b and c would give that «a», who has ``own``, does not hold."""
    old = parse_files(files(*own, *before, roles="a b c", rules=RULES), MODEL)
    new = parse_files(files(*own, *after, roles="a b c", rules=RULES, **inherits), MODEL)
    return beyond(Authority(MODEL, old).access(frozenset({"a"})), MODEL, old, new)


HELD = {
    "the same": (("a,firm,read,*,,allow",), (), ("b,firm,read,*,,allow",)),
    "fewer fields": (("a,firm,read,name note,,allow",), (), ("b,firm,read,name,,allow",)),
    "fewer records": (("a,firm,read,*,,allow",), (), ("b,firm,read,*,good,allow",)),
    "the same records": (("a,firm,read,name,good,allow",), (), ("b,firm,read,name,good,allow",)),
    "by another name": (("a,firm,read,name,good,allow",), (), ("b,firm,read,name,fine,allow",)),
    "one of two": (("a,firm,read,name,good,allow", "a,firm,read,name,bad,allow"), (), ("b,firm,read,name,bad,allow",)),
    "everything": (("a,*,*,*,,allow",), (), ("b,*,*,*,,allow",)),
    "what b has already": ((), ("b,firm,read,*,,allow",), ("b,firm,read,*,,allow",)),
    "less than b had": ((), ("b,firm,read,*,,allow",), ()),
    "a denial": ((), ("b,firm,read,*,,allow",), ("b,firm,read,*,,allow", "b,firm,read,name,,deny")),
    "a denial lifted": (("a,firm,read,name,,allow",), ("b,firm,read,name,,deny",), ()),
    "the permissions": (("a,xrm_permissions,read,*,,allow",), (), ("b,xrm_permissions,read,*,,allow",)),
    "an action of a plugin": (("a,sales.win,run,*,,allow",), (), ("b,sales.win,run,*,,allow",)),
    "one of all actions": (("a,*,run,*,,allow",), (), ("b,sales.win,*,*,,allow",)),
    "all actions": (("a,*,run,*,,allow",), (), ("b,*,run,*,,allow",)),
    "a denial of an action lifted": (("a,sales.win,run,*,,allow",), ("b,sales.win,run,*,,deny",), ()),
}
NOT_HELD = {
    "another action": (("a,firm,read,*,,allow",), (), ("b,firm,update,*,,allow",), ["b: update on firm"]),
    "all actions": (("a,firm,read,*,,allow",), (), ("b,firm,*,name,,allow",), ["create", "update", "delete"]),
    "more fields": (("a,firm,read,name,,allow",), (), ("b,firm,read,name note,,allow",), ["b: read on firm"]),
    "more records": (("a,firm,read,*,good,allow",), (), ("b,firm,read,*,,allow",), ["b: read on firm"]),
    "other records": (("a,firm,read,*,good,allow",), (), ("b,firm,read,*,bad,allow",), ["b: read on firm"]),
    "the records of one with the fields of the other": (
        ("a,firm,read,name,good,allow", "a,firm,read,note,bad,allow"),
        (),
        ("b,firm,read,name note,good,allow",),
        ["b: read on firm"],
    ),
    "fields that are to come": (
        ("a,firm,read,name note rank created_at created_by updated_at updated_by version,,allow",),
        (),
        ("b,firm,read,*,,allow",),
        ["b: read on firm"],
    ),
    "entities that are to come": (("a,firm,read,*,,allow",), (), ("b,*,read,name,,allow",), [TO_COME]),
    "what is denied to the author": (
        ("a,firm,read,*,,allow", "a,firm,read,note,,deny"),
        (),
        ("b,firm,read,*,,allow",),
        ["b: read on firm"],
    ),
    "a denial lifted": ((), ("b,firm,read,*,,deny",), (), ["b: read on firm"]),
    "a denial narrowed": (
        ("a,firm,read,*,good,allow",),
        ("b,firm,read,*,,deny",),
        ("b,firm,read,*,good,deny",),
        ["b: read on firm"],
    ),
    "the permissions": (("a,firm,*,*,,allow",), (), ("b,xrm_permissions,update,*,,allow",), ["xrm_permissions"]),
    "the schema among everything": (
        ("a,*,*,*,,allow", "a,xrm_schema,*,*,,deny"),
        (),
        ("b,*,*,*,,allow",),
        ["b: read on xrm_schema", "b: update on xrm_schema"],
    ),
    "a mask of what the author does not see": ((), (), ("b,firm,read,name,,last_4",), ["b: read on firm"]),
    "what the author sees behind a mask": (
        ("a,firm,read,note,,allow", "a,firm,read,name,,last_4"),
        (),
        ("b,firm,read,name,,allow",),
        ["b: read on firm"],
    ),
    "an action of a plugin": (
        ("a,sales.lose,run,*,,allow",),
        (),
        ("b,sales.win,run,*,,allow",),
        ["b: run on sales.win"],
    ),
    "all actions of plugins": (
        ("a,sales.win,run,*,,allow",),
        (),
        ("b,*,run,*,,allow",),
        ["b: run on actions of plugins"],
    ),
    "all actions but one": (
        ("a,*,run,*,,allow", "a,sales.win,run,*,,deny"),
        (),
        ("b,*,run,*,,allow",),
        ["b: run on sales.win"],
    ),
    "a denial of an action lifted": ((), ("b,sales.win,run,*,,deny",), (), ["b: run on sales.win"]),
    "actions among everything": (
        ("a,firm,*,*,,allow",),
        (),
        ("b,*,*,*,,allow",),
        ["b: run on actions of plugins"],
    ),
    "to oneself": (("a,firm,read,name,,allow",), (), ("a,firm,read,note,,allow",), ["a: read on firm"]),
}


@pytest.mark.parametrize("case", HELD)
def test_what_one_holds_one_may_give(case: str) -> None:
    assert given(*HELD[case]) == []


@pytest.mark.parametrize("case", NOT_HELD)
def test_more_than_one_holds_nobody_gives(case: str) -> None:
    own, before, after, expected = NOT_HELD[case]
    found = given(own, before, after)
    assert all(any(word in text for text in found) for word in expected), found
    assert given(("a,*,*,*,,allow",), before, after) == [] or case in ("the schema among everything",)


def test_what_is_inherited_is_given_and_what_is_not_any_more_is_lifted() -> None:
    rows = ("c,firm,read,note,,allow", "c,firm,read,name,,deny")
    assert given((), rows, rows, b=["c"]) == ["b: read on firm"]
    assert given(("a,firm,read,note,,allow",), rows, rows, b=["c"]) == []
    old = parse_files(files(*rows, roles="a b c", b=["c"]), MODEL)
    new = parse_files(files(*rows, roles="a b c"), MODEL)
    assert beyond(Authority(MODEL, old).access(frozenset({"a"})), MODEL, old, new) == ["b: read on firm"]
    # a role that goes takes what it denied along
    gone = parse_files(files(roles="a b"), MODEL)
    assert "c: read on firm" in beyond(Authority(MODEL, old).access(frozenset({"a"})), MODEL, old, gone)


def test_a_rule_that_gets_another_condition_is_another_right() -> None:
    row = "b,firm,read,name,good,allow"
    old = parse_files(files(row), MODEL)
    wider = parse_files(files(row, rules={"good": {"rank": {"gt": 0}}}), MODEL)
    assert beyond(Authority(MODEL, old).access(frozenset({"a"})), MODEL, old, wider) == ["b: read on firm"]


def test_a_token_gives_no_more_than_it_is_held_to() -> None:
    old = parse_files(files("a,*,*,*,,allow"), MODEL)
    new = parse_files(files("a,*,*,*,,allow", "b,firm,read,name,,allow"), MODEL)
    authority, roles = Authority(MODEL, old), frozenset({"a"})
    narrow = TokenScope(grants=frozenset({("xrm_permissions", Action.UPDATE)}))
    assert beyond(authority.access(roles, narrow), MODEL, old, new) == ["b: read on firm"]
    assert beyond(authority.access(roles), MODEL, old, new) == []


@pytest.mark.parametrize(
    ("own", "limits", "expected"),
    [
        ({}, {"cost": 100}, []),
        ({}, {"cost": 101}, ["b: a higher limit of cost"]),
        ({"cost": 200}, {"cost": 200}, []),
        ({"cost": 200}, {"cost": 200, "timeout": 3}, ["b: a higher limit of timeout"]),
        ({"cost": 10}, {"cost": 50}, []),
    ],
)
def test_limits_are_given_too(own: object, limits: object, expected: list[str]) -> None:
    def texts(of_b: object) -> dict[str, str]:
        roles = {"a": {"limits": own}, "b": {"limits": of_b}}
        return {"roles.json": json.dumps({"roles": roles}), "policies.csv": files()["policies.csv"]}

    old, new = parse_files(texts({}), MODEL), parse_files(texts(limits), MODEL)
    author = Authority(MODEL, old).access(frozenset({"a"}))
    assert beyond(author, MODEL, old, new, USUAL) == expected


def test_who_holds_everything_gives_everything_on_what_joins_records_too() -> None:
    """Those are not shared: nobody holds that, and nobody lacks it."""
    model = relationship_model()
    joining = [each.name for each in model if each.kind != "entity"]
    rows = ["a,*,*,*,,allow", *(f"b,{name},*,*,,allow" for name in joining)]
    old = kit.policies(model, rows[:1], {})
    new = kit.policies(model, rows, {})
    assert joining
    assert beyond(Authority(model, old).access(frozenset({"a"})), model, old, new) == []


def role_beyond(own: tuple[str, ...], role: tuple[str, ...], limits: dict[str, int] | None = None) -> list[str]:
    """What the role b gives that «a», who has ``own``, does not hold."""
    texts = files(*own, *role, roles="a b", rules={**RULES, "shared": {"$shared": "read"}})
    if limits:
        roles = json.loads(texts["roles.json"])
        roles["roles"]["b"]["limits"] = limits
        texts = {**texts, "roles.json": json.dumps(roles)}
    policies = parse_files(texts, MODEL)
    access = Authority(MODEL, policies).access(frozenset({"a"}))
    return beyond_roles(access, MODEL, policies, ["b"], USUAL)


@pytest.mark.parametrize("case", [name for name, (_, before, _) in HELD.items() if not before])
def test_who_holds_what_a_role_gives_may_give_the_role(case: str) -> None:
    own, _, role = HELD[case]
    assert role_beyond(own, role) == []


@pytest.mark.parametrize(
    "case", [name for name, (_, before, after, _) in NOT_HELD.items() if not before and after[0][0] == "b"]
)
def test_who_does_not_hold_it_may_not(case: str) -> None:
    own, _, role, words = NOT_HELD[case]
    found = role_beyond(own, role)
    assert all(any(word in text for text in found) for word in words), found


def test_a_role_is_beyond_by_what_it_inherits_by_its_limits_and_if_there_is_none_of_its_name() -> None:
    everything = ("a,*,*,*,,allow",)
    assert role_beyond(everything, ()) == []
    assert role_beyond(everything, (), {"cost": 101}) == ["b: a higher limit of cost"]
    assert role_beyond(everything, (), {"cost": 99}) == []
    policies = parse_files(files("b,firm,read,*,,allow", roles="a b c", rules=RULES, c=["b"]), MODEL)
    nobody = Authority(MODEL, policies).access(frozenset({"a"}))
    assert beyond_roles(nobody, MODEL, policies, ["c"]) == ["c: read on firm"]
    assert beyond_roles(nobody, MODEL, policies, ["gone"]) == ["gone: it is no role"]


def test_who_has_the_same_rule_of_ones_own_records_is_within_unless_they_have_more() -> None:
    model, own = kit.load_model(), "firm,read,*,own,allow"
    rows = [
        f"rep,{own}",
        f"desk,{own}",
        "desk,xrm_users,*,*,,allow",
        "apart,xrm_users,*,*,,allow",
        "safe,xrm_log,*,*,,allow",
    ]
    policies = kit.policies(model, rows, {"own": {"owner": {"id": {"eq": "$user"}}}})

    def within(author: str, *roles: str) -> bool:
        return not beyond_roles(Authority(model, policies).access(frozenset({author})), model, policies, roles)

    assert within("desk", "rep")
    assert within("desk", "desk", "rep")
    assert not within("apart", "rep")
    assert not within("desk", "rep", "safe")


def test_what_is_shared_with_a_role_is_for_who_has_the_role() -> None:
    shared = ("a,firm,read,*,shared,allow",)
    role = ("b,firm,read,*,shared,allow",)
    assert role_beyond(shared, role) == ["b: read on firm"]
    assert role_beyond(("a,firm,read,*,,allow",), role) == []
    policies = parse_files(files(*shared, roles="a b", rules={"shared": {"$shared": "read"}}), MODEL)
    assert beyond_roles(Authority(MODEL, policies).access(frozenset({"a"})), MODEL, policies, ["a"]) == []
    # and a role that gives nothing itself gives what is shared with it, to who has a policy that asks for that
    both = parse_files(files(*shared, roles="a b", rules={"shared": {"$shared": "read"}}), MODEL)
    author = Authority(MODEL, both).access(frozenset({"a"}))
    assert beyond_roles(author, MODEL, both, ["a", "b"]) == ["a: read on firm"]
    assert beyond_roles(author, MODEL, both, ["b"]) == []
    inherited = parse_files(files(*shared, roles="a b", rules={"shared": {"$shared": "read"}}, a=["b"]), MODEL)
    author = Authority(MODEL, inherited).access(frozenset({"a"}))
    assert beyond_roles(author, MODEL, inherited, ["a", "b"]) == []


@pytest.mark.parametrize("less", ["read,since,,allow", "read,share,,deny", "read,*,,deny", "*,*,,deny"])
def test_who_is_held_to_less_on_links_gives_no_role_that_is_not(less: str) -> None:
    model = kit.load_model()
    rows = [
        "wide,*,*,*,,allow",
        f"narrow,firm_advisor,{less}",
        "people,person,*,*,,allow",
        "names,firm,read,name,,allow",
    ]
    policies = kit.policies(model, rows, {})
    author = Authority(model, policies).access(frozenset({"wide", "narrow"}))
    missing = beyond_roles(author, model, policies, ["wide"])
    assert "wide: read on firm_advisor" in missing
    assert not [text for text in missing if "firm_ally" in text]
    assert beyond_roles(author, model, policies, ["people", "names"]) == []  # which give no links
    all_of_it = Authority(model, policies).access(frozenset({"wide"}))
    assert beyond_roles(all_of_it, model, policies, ["wide", "people"]) == []


def test_a_policy_on_links_that_is_gone_gives_what_follows_from_the_ends() -> None:
    model = kit.load_model()
    wide, narrow = "a,*,*,*,,allow", "b,firm_advisor,read,since,,allow"
    old, new = kit.policies(model, [wide, narrow], {}), kit.policies(model, [wide], {}, ["b"])
    other = kit.policies(model, [wide, "b,firm_advisor,read,id,,allow"], {})
    held = Authority(model, old).access(frozenset({"a", "b"}))
    assert "b: read on firm_advisor" in beyond(held, model, old, new)
    assert beyond(held, model, old, other) == []
    assert beyond(Authority(model, old).access(frozenset({"a"})), model, old, new) == []


def test_who_has_everything_has_no_way_to_sealed_values() -> None:
    # given
    everything, opens = ("a,*,*,*,,allow",), ("b,xrm_sealed,read,*,,allow",)
    denied = (*opens, "b,xrm_sealed,read,*,,deny")

    # then neither by a policy, nor by lifting a denial, nor by a role
    assert given(everything, (), opens) == ["b: read on xrm_sealed"]
    assert given(everything, denied, opens) == ["b: read on xrm_sealed"]
    assert role_beyond(everything, opens) == ["b: read on xrm_sealed"]
    assert given((*everything, "a,xrm_sealed,read,*,,allow"), (), opens) == []
    old = parse_files(files(*everything, *opens, roles="a b c", rules=RULES), MODEL)
    access = Authority(MODEL, old).access(frozenset({"a"}))
    assert access.may("xrm_log", Action.READ)
    assert not access.may("xrm_sealed", Action.READ)
    assert not Authority(MODEL, old).access(frozenset({"a"}), TokenScope()).may("xrm_sealed", Action.READ)
