"""Policies → :class:`Access`: what Casbin decides, rows and fields, and roles that inherit."""

import threading
from dataclasses import replace

import casbin
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphql import kit
from tests.graphql.relationship_world import relationship_model
from tests.query.examples import examples
from xrm_core.metadata.predicate import EVERYTHING, All, Any_, Not, parse
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.policy import OF_RECORDS, SCHEMA, Action, Effect, Policy, PolicySet, Role, is_action
from xrm_core.permissions.role_limits import RoleLimits
from xrm_core.permissions.token_scope import TokenScope

MODEL = kit.load_model()
RULES = {"lead": {"kind": {"eq": "lead"}}, "lost": {"kind": {"eq": "lost"}}}
LEAD, LOST = (parse(MODEL, MODEL["firm"], RULES[name]) for name in ("lead", "lost"))


def authority(policies: list[Policy], inherits: dict[str, tuple[str, ...]] | None = None) -> Authority:
    links = {policy.role: () for policy in policies} | (inherits or {})
    roles = {name: Role(name, {}, "", parents) for name, parents in links.items()}
    return Authority(MODEL, PolicySet(roles, RULES, tuple(policies), "v"))


def allow(fields: str = "", rule: str | None = None, role: str = "a", effect: Effect = Effect.ALLOW) -> Policy:
    return Policy(role, "firm", Action.READ, frozenset(fields.split()) or None, rule, effect)


def deny(fields: str = "", rule: str | None = None, role: str = "a") -> Policy:
    return allow(fields, rule, role, Effect.DENY)


def firm(*policies: Policy) -> tuple[object, dict[str, object]]:
    """Row rule and field rules of firms for role a."""
    permission = authority(list(policies)).access(frozenset({"a"})).get("firm", Action.READ)
    assert permission is not None
    return permission.rule, dict(permission.field_rules)


def test_nothing_is_allowed_that_no_policy_allows() -> None:
    access = authority([allow()]).access(frozenset({"a"}))
    assert access.may("firm", Action.READ)
    assert not any(access.may("firm", action) for action in Action if action is not Action.READ)
    others = [entity.name for entity in MODEL if entity.name not in ("firm", "firm_ally")]  # allies are firms, too
    assert not any(access.may(name, action) for name in others for action in Action)


def test_a_grant_of_some_fields_is_one_of_these_and_the_id() -> None:
    rule, fields = firm(allow("name kind"))
    assert (rule, fields) == (EVERYTHING, {"id": None, "name": None, "kind": None})


def test_two_grants_with_different_rows_keep_their_fields_apart() -> None:
    rule, fields = firm(allow("name", "lead"), allow("note", "lost"), allow("kind", "lead"), allow("kind", "lost"))
    assert rule == Any_((LEAD, LOST))
    assert fields == {"id": None, "name": LEAD, "note": LOST, "kind": None}


def test_a_grant_of_all_rows_swallows_rules() -> None:
    rule, fields = firm(allow("name", "lead"), allow("note"))
    assert rule == EVERYTHING
    assert fields == {"id": None, "name": LEAD, "note": None}


def test_denials_take_rows_fields_or_fields_on_rows() -> None:
    rule, fields = firm(allow("name note kind"), deny("", "lost"), deny("note"), deny("kind", "lead"))
    assert rule == All((EVERYTHING, Not(LOST)))
    assert fields == {"id": None, "name": None, "kind": All((EVERYTHING, Not(LEAD)))}


def test_a_denial_of_everything_leaves_nothing() -> None:
    access = authority([allow(), deny()]).access(frozenset({"a"}))
    assert not access.may("firm", Action.READ)


def test_a_field_that_is_denied_everywhere_is_denied_on_links_and_relationships_too() -> None:
    policies = [Policy("a", None, None, None, None, Effect.ALLOW)]
    denied = Policy("a", None, Action.READ, frozenset({"share", "area", "firm"}), None, Effect.DENY)
    on_rows = replace(denied, rule="lead")
    joined = [(MODEL, "firm_advisor", "share"), (relationship_model(), "decides_for", "area")]
    for model, name, attribute in joined:
        for more, expected in (([], True), ([denied], False), ([on_rows], True)):
            made = Authority(model, PolicySet({"a": Role("a", {}, "")}, {"lead": {"and": []}}, (*policies, *more), "v"))
            access = made.access(frozenset({"a"}))
            assert access.readable(name, attribute) is expected, (name, more)
            assert access.may(name, Action.READ)
            assert attribute in access.get(name, Action.UPDATE).fields  # type: ignore[union-attr]
    assert (
        Authority(MODEL, PolicySet({"a": Role("a", {}, "")}, {}, (*policies, denied), "v"))
        .access(frozenset({"a"}))
        .readable("firm_advisor", "firm")
    )


@pytest.mark.parametrize("roles", [set(), {"unknown"}, {"r:a"}, {"u:a"}, {"A"}, {""}, {"*"}, {"firm"}])
def test_no_known_role_has_nothing(roles: set[str]) -> None:
    access = authority([allow(), Policy("a", None, None, None, None, Effect.ALLOW)]).access(frozenset(roles))
    assert not any(access.may(entity.name, action) for entity in MODEL for action in Action)


def test_roles_inherit_over_several_steps() -> None:
    policies = [
        allow("name", role="base"),
        allow("note", role="middle"),
        deny("kind", role="middle"),
        allow("kind", role="top"),
    ]
    made = authority(policies, {"middle": ("base",), "top": ("middle",)})
    expected = {"base": {"id", "name"}, "middle": {"id", "name", "note"}, "top": {"id", "name", "note"}}
    for role, fields in expected.items():
        permission = made.access(frozenset({role})).get("firm", Action.READ)
        assert permission is not None
        assert set(permission.fields) == fields, role


def test_a_role_may_inherit_several_and_one_twice() -> None:
    policies = [allow("name", role="one"), allow("note", role="two"), allow("kind", role="root")]
    made = authority(policies, {"one": ("root",), "two": ("root",), "both": ("one", "two")})
    permission = made.access(frozenset({"both"})).get("firm", Action.READ)
    assert permission is not None
    assert set(permission.fields) == {"id", "name", "note", "kind"}


def test_equal_rights_have_equal_shapes_and_others_have_not() -> None:
    policies = [
        allow(role="a"),
        allow(role="b"),
        allow("name", role="c"),
        allow("name", "lead", role="d"),
        deny(role="e"),
    ]
    made = authority(policies)
    shapes = [made.access(frozenset(roles)).shape for roles in ({"a"}, {"c"}, {"d"}, set())]
    assert len(set(shapes)) == 4
    # whoever gives them, whatever they are called, and in which version
    equal = [{"a"}, {"b"}, {"a", "b"}, {"a", "c"}, {"a", "unknown"}]
    assert {made.access(frozenset(roles)).shape for roles in equal} == {shapes[0]}
    assert made.access(frozenset({"c", "d"})).shape == shapes[1]
    assert made.access(frozenset({"a", "e"})).shape == made.access(frozenset({"e"})).shape
    other = Authority(MODEL, PolicySet(made.policies.roles, RULES, made.policies.policies, "another version"))
    assert other.access(frozenset({"a"})).shape == shapes[0]
    # another rule of the same name, another limit, and a token that is held to less are other rights
    rules = {**RULES, "lead": {"kind": {"eq": "lost"}}}
    ruled = Authority(MODEL, PolicySet(made.policies.roles, rules, made.policies.policies, "v"))
    assert ruled.access(frozenset({"d"})).shape not in shapes
    limited = {**made.policies.roles, "a": replace(made.policies.roles["a"], limits=RoleLimits(cost=7))}
    short = Authority(MODEL, PolicySet(limited, RULES, made.policies.policies, "v"))
    assert short.access(frozenset({"a"})).shape not in shapes
    held = TokenScope(grants=frozenset({("firm", Action.READ)}), personal=False)
    assert made.access(frozenset({"a"}), held).shape not in shapes


def test_threads_that_ask_while_policies_change_get_the_verdict_of_one_of_them() -> None:
    """Eight threads, a thousand changes: no error, and never the rights of another version than the one asked."""
    versions = [
        PolicySet({"a": Role("a", {}, "")}, RULES, (allow(fields),), fields) for fields in ("name", "note", "kind")
    ]
    current = Authority(MODEL, versions[0])
    wrong: list[object] = []
    seen: set[str] = set()
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            asked = current
            permission = asked.access(frozenset({"a"})).get("firm", Action.READ)
            if permission is None or set(permission.fields) != {"id", asked.policies.version}:
                wrong.append(permission)
            seen.add(asked.policies.version)

    def guarded() -> None:
        try:
            ask()
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(1000):
        current = Authority(MODEL, versions[number % 3])
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert seen == {"name", "note", "kind"}


def test_the_rights_of_so_many_sets_of_roles_are_kept_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xrm_core.permissions.authority.MAX_KEPT", 3)
    made = authority([allow(role=name) for name in "abcde"])
    kept = made.access(frozenset({"a"}))
    for name in "bc":
        made.access(frozenset({name}))
    assert made.access(frozenset({"a"})) is kept  # asked for last
    for name in "de":
        made.access(frozenset({name}))
    assert made.known() == [frozenset({"a"}), frozenset({"d"}), frozenset({"e"})]
    # names that are no roles make no sets of their own
    made.access(frozenset({"a", "nobody"}))
    assert len(made.known()) == 3


# -- Casbin is asked, and its word is kept ----------------------------------------------------------------------------

ROLES = ("a", "b", "c", "d")
POLICIES = st.builds(
    Policy,
    role=st.sampled_from(ROLES),
    entity=st.sampled_from([None, "firm", "deal", "plug.act"]),
    action=st.sampled_from([None, *Action]),
    fields=st.sampled_from([None, None, frozenset({"version"})]),
    rule=st.sampled_from([None, None, None, "lead"]),
    effect=st.sampled_from(Effect),
)
LINKS = st.fixed_dictionaries(
    {
        name: st.lists(st.sampled_from(ROLES[:number]), unique=True).map(tuple)
        for number, name in enumerate(ROLES)
        if number
    }
)


@given(policies=st.lists(POLICIES, max_size=6), links=LINKS, role=st.sampled_from(ROLES))
@examples(30)
def test_access_agrees_with_casbins_own_decision(
    policies: list[Policy], links: dict[str, tuple[str, ...]], role: str
) -> None:
    policies = [each for each in policies if each.rule is None or each.entity == "firm"]
    policies = [each for each in policies if each.entity != "plug.act" or each.fields is None]
    made = authority(policies, {"a": (), **links})
    access = made.access(frozenset({role}))
    enforcer: casbin.Enforcer = made._enforcer
    for entity in ("firm", "deal", "person", "plug.act", "plug.other"):
        for action in (Action.RUN,) if is_action(entity) else OF_RECORDS:
            may = access.may_run(entity) if is_action(entity) else access.may(entity, action)
            verdict = enforcer.enforce(f"r:{role}", entity, str(action))
            applying = [
                each for each in _of(made, role) if each.entity in (None, entity) and each.action in (None, action)
            ]
            narrow = [each for each in applying if each.effect is Effect.DENY and (each.rule or each.fields)]
            if is_action(entity):  # it has no fields, so a policy about some is not about it
                narrow = [each for each in applying if each.fields]
            if not narrow:  # Casbin knows no fields and no rows: where none are denied, both say the same
                assert may == verdict
            if verdict and not (narrow and is_action(entity)):
                assert may
            if not any(each.effect is Effect.ALLOW for each in applying):
                assert not may


def _of(made: Authority, role: str) -> list[Policy]:
    """The policies of a role and of all that it inherits, found without Casbin."""
    pending, seen = [role], set()
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending.extend(made.policies.roles[name].inherits if name in made.policies.roles else ())
    return [each for each in made.policies.policies if each.role in seen]


@pytest.mark.parametrize(
    ("policies", "may"),
    [
        ([Policy("a", SCHEMA, Action.READ, None, None, Effect.ALLOW)], {Action.READ}),
        ([Policy("a", SCHEMA, None, None, None, Effect.ALLOW)], {Action.READ, Action.UPDATE}),
        ([Policy("a", None, None, None, None, Effect.ALLOW)], {Action.READ, Action.UPDATE}),
        ([Policy("a", None, None, frozenset({"id"}), None, Effect.ALLOW)], set()),
        ([Policy("a", None, None, None, "lead", Effect.ALLOW)], set()),
        ([Policy("b", SCHEMA, None, None, None, Effect.ALLOW)], set()),
        (
            [
                Policy("a", None, None, None, None, Effect.ALLOW),
                Policy("a", SCHEMA, Action.UPDATE, None, None, Effect.DENY),
            ],
            {Action.READ},
        ),
    ],
)
def test_the_schema_is_for_those_who_may_all_of_it(policies: list[Policy], may: set[Action]) -> None:
    only_firms = {"lead": {"and": []}}
    links = {policy.role: Role(policy.role, {}, "") for policy in policies}
    access = Authority(MODEL, PolicySet(links, only_firms, tuple(policies), "v")).access(frozenset({"a"}))
    assert {action for action in Action if access.may(SCHEMA, action)} == may
