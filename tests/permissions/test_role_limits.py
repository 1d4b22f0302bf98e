"""Limits of roles: what their files may say, and what those of several roles come to."""

import json
from typing import Any

import pytest

from tests.graphql import kit
from tests.permissions.test_policy_files import MODEL, problems, rows
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.role_limits import Decided

USUAL = Decided(cost=1000, page_size=100, depth=10, timeout=30)
ROLES: dict[str, Any] = {
    "plain": {},
    "tight": {"limits": {"cost": 10, "page_size": 5, "depth": 3, "timeout": 0.5}},
    "wide": {"limits": {"cost": 5000}},
    "cautious": {"inherits": ["tight"]},
    "own": {"inherits": ["tight"], "limits": {"depth": 2}},
    "mixed": {"inherits": ["tight", "plain"]},
    "heir": {"inherits": ["cautious", "wide"]},
}


@pytest.mark.parametrize(
    ("roles", "found"),
    [
        ("", USUAL),
        ("nobody_knows", USUAL),
        ("plain", USUAL),
        ("tight", Decided(10, 5, 3, 0.5)),
        ("wide", Decided(5000, 100, 10, 30)),
        ("tight plain", USUAL),
        ("tight wide", Decided(5000, 100, 10, 30)),
        ("plain wide", Decided(5000, 100, 10, 30)),
        ("cautious", Decided(10, 5, 3, 0.5)),
        ("own", Decided(10, 5, 2, 0.5)),
        ("own tight", Decided(10, 5, 3, 0.5)),
        ("mixed", USUAL),
        ("heir", Decided(5000, 100, 10, 30)),
    ],
)
def test_the_largest_limit_of_several_roles_holds(roles: str, found: Decided) -> None:
    policies = kit.load_policies(MODEL, json.dumps({"roles": ROLES}), rows())
    access = Authority(MODEL, policies).access(frozenset(roles.split()))
    assert access.limits.within(USUAL) == found


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ([], "limits must be an object with some of cost, page_size, depth, timeout"),
        (None, "limits must be an object"),
        ({"pages": 3}, "limits has no 'pages'; it has cost, page_size, depth, timeout"),
        ({"cost": 0}, "limits.cost must be a whole number, at least 1"),
        ({"cost": "10"}, "limits.cost must be a whole number"),
        ({"cost": None}, "limits.cost must be a whole number"),
        ({"page_size": True}, "limits.page_size must be a whole number"),
        ({"page_size": 1.5}, "limits.page_size must be a whole number"),
        ({"depth": -1}, "limits.depth must be a whole number"),
        ({"timeout": 0}, "limits.timeout must be a number of seconds, more than 0 and at most 86400"),
        ({"timeout": float("nan")}, "limits.timeout must be a number of seconds"),
        ({"timeout": 86_401}, "limits.timeout must be a number of seconds"),
    ],
)
def test_limits_that_cannot_be_used_are_told_with_their_role(limits: Any, said: str) -> None:
    [problem] = problems(rows("rep,firm,read,*,,allow"), {"roles": {"rep": {"limits": limits}}})
    assert problem.endswith(".")
    assert "roles.json: role 'rep': " in problem
    assert said in problem


def test_all_mistakes_in_limits_are_told_at_once() -> None:
    found = problems(rows(), {"roles": {"a": {"limits": {"cost": 0, "depth": 0}}, "b": {"limits": {"x": 1}}}})
    assert len(found) == 3


def test_roles_with_other_limits_do_not_share_what_is_kept_for_them() -> None:
    shapes = set()
    for cost in (10, 20):
        text = json.dumps({"roles": {"a": {"limits": {"cost": cost}}, "b": {}}})
        authority = Authority(
            MODEL, kit.load_policies(MODEL, text, rows("a,firm,read,*,,allow", "b,firm,read,*,,allow"))
        )
        shapes |= {authority.access(frozenset(each)).shape for each in ("a", "b", "ab")}
    assert len(shapes) == 5  # only b, which has no limits of its own, is the same in both sets
