"""Products that go together, and those that do not."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from xrm_sales.products.configuration import Rule, RuleKind, completed, problems, recommendations

PRODUCTS = "abcde"
RULES = st.lists(
    st.builds(
        Rule,
        product=st.sampled_from(PRODUCTS),
        kind=st.sampled_from(RuleKind),
        other=st.sampled_from(PRODUCTS),
        reason=st.just({"en": "so"}),
        quantity=st.integers(1, 3).map(Decimal),
    ),
    max_size=10,
)
CHOSEN = st.dictionaries(st.sampled_from(PRODUCTS), st.integers(1, 5).map(Decimal), max_size=5)


def rule(product: str, kind: RuleKind, other: str, quantity: int = 1) -> Rule:
    return Rule(product, kind, other, {"en": f"{product} {kind} {other}"}, Decimal(quantity))


def test_what_is_required_must_be_there_often_enough():
    needs_two = rule("press", RuleKind.REQUIRES, "foot", 2)

    assert problems({"press": Decimal(3), "foot": Decimal(6)}, [needs_two]) == []
    [found] = problems({"press": Decimal(3), "foot": Decimal(4)}, [needs_two])
    assert found.rule is needs_two
    assert found.missing == Decimal(2)
    assert problems({"foot": Decimal(1)}, [needs_two]) == []


def test_two_that_exclude_each_other_are_told_once():
    rules = [rule("diesel", RuleKind.EXCLUDES, "socket"), rule("socket", RuleKind.EXCLUDES, "diesel")]

    assert [each.rule for each in problems({"diesel": Decimal(1), "socket": Decimal(1)}, rules)] == rules[:1]
    assert problems({"diesel": Decimal(1)}, rules) == []


def test_what_comes_along_brings_more_and_what_was_chosen_stays():
    rules = [rule("press", RuleKind.DEFAULT, "panel"), rule("panel", RuleKind.DEFAULT, "cable", 2)]

    assert completed({"press": Decimal(3)}, rules) == {"press": 3, "panel": 3, "cable": 6}
    assert completed({"press": Decimal(3), "cable": Decimal(1)}, rules) == {"press": 3, "panel": 3, "cable": 1}


def test_nothing_is_recommended_that_does_not_go_with_it():
    rules = [
        rule("press", RuleKind.RECOMMENDS, "training"),
        rule("press", RuleKind.RECOMMENDS, "socket"),
        rule("socket", RuleKind.EXCLUDES, "diesel"),
    ]

    assert recommendations({"press": Decimal(1), "diesel": Decimal(1)}, rules) == rules[:1]
    assert recommendations({"press": Decimal(1), "training": Decimal(1)}, rules) == [rules[1]]


@given(CHOSEN, RULES)
def test_completing_ends_keeps_what_was_chosen_and_leaves_nothing_to_complete(
    chosen: dict[str, Decimal], rules: list[Rule]
):
    result = completed(chosen, rules)

    assert chosen.items() <= result.items()
    assert completed(result, rules) == result
    brought = {each.other for each in rules if each.kind is RuleKind.DEFAULT and each.product in result}
    assert set(result) == set(chosen) | brought


@given(CHOSEN, RULES)
def test_a_problem_is_told_if_and_only_if_a_rule_is_broken(chosen: dict[str, Decimal], rules: list[Rule]):
    told = {(each.rule.kind, frozenset((each.rule.product, each.rule.other))) for each in problems(chosen, rules)}

    for each in rules:
        pair = each.kind, frozenset((each.product, each.other))
        if each.product in chosen and each.kind is RuleKind.EXCLUDES and each.other in chosen:
            assert pair in told
        lacking = chosen.get(each.other, 0) < chosen.get(each.product, 0) * each.quantity
        if each.product in chosen and each.kind is RuleKind.REQUIRES and lacking:
            assert pair in told
    assert all(kind in (RuleKind.EXCLUDES, RuleKind.REQUIRES) for kind, _ in told)
