"""Row rules that hold anyway are left out, and only those: whatever rules there are, the same records remain."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphql.kit import load_model, policies
from xrm_core.metadata.predicate import (
    EVERYTHING,
    All,
    Any_,
    Compare,
    Context,
    Literal_,
    Not,
    Op,
    Predicate,
    Related,
    Whole,
    context_names,
    whole,
)
from xrm_core.permissions.authority import Authority
from xrm_core.query.figures_request import Aggregate, Count
from xrm_core.query.implied import Way, beyond, facts_of
from xrm_core.query.request import Connection, Nodes, Page, ToMany, Value
from xrm_core.query.request import Literal_ as Size
from xrm_core.query.scan import Scope
from xrm_core.query.statement import compile_request
from xrm_core.storage.readers import numbered_dialect
from xrm_core.storage.tables import Tables

_ABOVE = [Compare(name, Op.EQ, Literal_(1)) for name in "ab"] + [Compare("c", Op.EQ, Context("user"))]
_OWN = [Compare("d", Op.EQ, Literal_(1)), Compare("e", Op.EQ, Context("team"))]


def _joined(parts: Any) -> Any:
    several = st.lists(parts, max_size=3).map(tuple)
    return several.map(All) | several.map(Any_) | parts.map(Not) | parts.map(Whole)


_rules_above = st.recursive(st.sampled_from(_ABOVE), _joined, max_leaves=5)
_rules_below = st.recursive(
    st.sampled_from(_OWN) | _rules_above.map(lambda part: Related("above", "top", "is", part)), _joined, max_leaves=5
)


def _holds(rule: Predicate, atoms: Mapping[str, bool], known: frozenset[str]) -> bool:
    """As SQL answers: a comparison with a value that is not known is not true, nor is a whole rule that names one."""
    match rule:
        case Compare(name, value=Context(context)):
            return context in known and atoms[name]
        case Compare(name):
            return atoms[name]
        case All(parts):
            return all(_holds(each, atoms, known) for each in parts)
        case Any_(parts):
            return any(_holds(each, atoms, known) for each in parts)
        case Not(part):
            return not _holds(part, atoms, known)
        case Whole(part):
            return context_names(part) <= known and _holds(part, atoms, known)
        case Related(part=part):
            return _holds(part, atoms, known)
    raise TypeError(rule)


@given(_rules_above, _rules_below)
def test_what_is_left_out_changes_nothing(above: Predicate, below: Predicate) -> None:
    left = beyond(below, [Way("above", "top", facts_of(above))])

    for values in product((False, True), repeat=5):
        atoms = dict(zip("abcde", values, strict=True))
        for known in (frozenset[str](), frozenset({"user"}), frozenset({"team"}), frozenset({"user", "team"})):
            if _holds(whole(above), atoms, known):
                assert _holds(whole(left), atoms, known) == _holds(whole(below), atoms, known)


_A, _B, _USER = _ABOVE


@pytest.mark.parametrize(
    ("above", "below", "left"),
    [
        (_A, Related("above", "top", "is", _A), EVERYTHING),
        (All((_B, _A)), Related("above", "top", "is", _A), EVERYTHING),
        (_A, All((_OWN[0], Related("above", "top", "is", _A))), _OWN[0]),
        (Any_((_A, _B)), Any_((Related("above", "top", "is", _B), Related("above", "top", "is", _A))), EVERYTHING),
        (Whole(_USER), Whole(Related("above", "top", "is", _USER)), EVERYTHING),
    ],
)
def test_what_roles_usually_say_is_left_out(above: Predicate, below: Predicate, left: Predicate) -> None:
    assert beyond(below, [Way("above", "top", facts_of(above))]) == left


@pytest.mark.parametrize(
    "below",
    [
        Related("above", "top", "is", _B),
        Related("other", "top", "is", _A),
        Related("above", "other", "is", _A),
        Not(Related("above", "top", "is", _A)),
        Any_((_OWN[0], Related("above", "top", "is", _B))),
        Whole(Any_((_OWN[1], Related("above", "top", "is", _A)))),
    ],
)
def test_what_may_be_otherwise_stays(below: Predicate) -> None:
    assert beyond(below, [Way("above", "top", facts_of(_A))]) == below


def test_records_of_one_that_may_be_seen_are_not_asked_for_its_rule_again() -> None:
    # Given firms in sight, and people of firms in sight
    model = load_model(
        {
            "firm": {"name": {"type": "string"}, "size": {"type": "integer"}},
            "person": {
                "name": {"type": "string"},
                "firm": {"x-relation": {"to": "firm", "inverse": "people"}},
                "boss": {"x-relation": {"to": "firm", "inverse": "bosses"}},
            },
        }
    )
    rules = {"small": {"size": {"lt": 10}}, "of_small": {"firm": {"size": {"lt": 10}}}}
    lines = ["role,firm,read,*,small,allow", "role,person,read,*,of_small,allow"]
    access = Authority(model, policies(model, lines, rules)).access(frozenset({"role"}))
    scope = Scope(model, Tables(model), access, numbered_dialect())
    page, where = Page(Size(10)), EVERYTHING
    people = Connection("person", where, (), page, (Nodes("nodes", (Value("id", "id"),)),))

    def looks_at_firms(request: Any) -> int:
        return compile_request(scope, request).sql.count("FROM firm AS")

    def of_firms(item: Any) -> Connection:
        return Connection("firm", where, (), page, (Nodes("nodes", (item,)),))

    # When people are listed by themselves, or by another relation, then each one's firm is looked up; else it is not
    alone = looks_at_firms(people)
    below = looks_at_firms(of_firms(ToMany("people", "people", people)))
    by_another = looks_at_firms(of_firms(ToMany("bosses", "bosses", people)))
    asked = looks_at_firms(Connection("person", Related("firm", "firm", "is", EVERYTHING), (), page, people.parts))
    counted = Aggregate("person", Related("firm", "firm", "is", EVERYTHING), (), (Count("count"),), Size(1))
    filtered = Connection("firm", Related("people", "person", "some", EVERYTHING), (), page, people.parts)

    assert (alone, below, by_another, asked) == (1, 1, 2, 1)
    assert looks_at_firms(counted) == 1
    assert looks_at_firms(filtered) == 1
