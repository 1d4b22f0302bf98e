"""Predicates in JSON: what they become, and what is said about wrong ones."""

from typing import Any

import pytest

from tests.metadata.pack import PACK
from xrm_core.errors import BadQuery
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.predicate import (
    EVERYTHING,
    NOTHING,
    All,
    Any_,
    Compare,
    Context,
    Linked,
    Literal_,
    Not,
    Op,
    Related,
    operators,
    parse,
)

MODEL = load_texts(PACK)
CONTACT = MODEL["contact"]
LEAD = Compare("status", Op.EQ, Literal_("lead"))
NAMED = Compare("name", Op.EQ, Literal_("x"))


@pytest.mark.parametrize(
    ("tree", "wanted"),
    [
        ({}, EVERYTHING),
        ({"or": []}, NOTHING),
        ({"and": []}, EVERYTHING),
        ({"status": {"eq": "lead"}}, LEAD),
        ({"status": {}}, EVERYTHING),
        ({"status": {"eq": "lead"}, "active": {"ne": True}}, All((LEAD, Compare("active", Op.NE, Literal_(True))))),
        (
            {"employees": {"gte": 1, "lt": 9}},
            All((Compare("employees", Op.GTE, Literal_(1)), Compare("employees", Op.LT, Literal_(9)))),
        ),
        ({"status": {"in": ["lead", "active"]}}, Compare("status", Op.IN, Literal_(("lead", "active")))),
        ({"status": {"notIn": []}}, Compare("status", Op.NOT_IN, Literal_(()))),
        ({"email": {"isNull": True}}, Compare("email", Op.IS_NULL, Literal_(True))),
        ({"email": {"contains": "$user"[1:]}}, Compare("email", Op.CONTAINS, Literal_("user"))),
        ({"created_by": {"eq": "$user"}}, Compare("created_by", Op.EQ, Context("user"))),
        ({"version": {"gt": 3}}, Compare("version", Op.GT, Literal_(3))),
        ({"or": [{"status": {"eq": "lead"}}, {}]}, Any_((LEAD, EVERYTHING))),
        ({"and": ({"status": {"eq": "lead"}},)}, All((LEAD,))),
        ({"not": {"status": {"eq": "lead"}}}, Not(LEAD)),
        ({"customer": {"name": {"eq": "x"}}}, Related("customer", "customer", "is", NAMED)),
        ({"customer": {}}, Related("customer", "customer", "is", EVERYTHING)),
        ({"customer": {"isNull": False}}, Linked("customer", False)),
        (
            {"customer": {"isNull": False, "name": {"eq": "x"}}},
            All((Linked("customer", False), Related("customer", "customer", "is", NAMED))),
        ),
        ({"regarding": {"isNull": True}}, Linked("regarding", True)),
        ({"regarding": {"customer": {"name": {"eq": "x"}}}}, Related("regarding", "customer", "is", NAMED)),
        (
            {"reports": {"some": {"status": {"eq": "lead"}}, "none": {}}},
            All((Related("reports", "contact", "some", LEAD), Related("reports", "contact", "none", EVERYTHING))),
        ),
        ({"reports": {"every": {"status": {"eq": "lead"}}}}, Related("reports", "contact", "every", LEAD)),
        (
            {"customer": {"contacts": {"some": {"boss": {"status": {"eq": "lead"}}}}}},
            Related(
                "customer",
                "customer",
                "is",
                Related("contacts", "contact", "some", Related("boss", "contact", "is", LEAD)),
            ),
        ),
    ],
)
def test_predicate_is_read(tree: Any, wanted: object) -> None:
    assert parse(MODEL, CONTACT, tree) == wanted


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ([], "The predicate must be an object, not list"),
        ("x", "The predicate must be an object, not str"),
        ({"and": {}}, "/and must be a list"),
        ({"or": "x"}, "/or must be a list"),
        ({"or": [1]}, "/or/0 must be an object, not int"),
        ({"not": []}, "/not must be an object"),
        ({"age": {}}, "/age: the entity contact has no field or relation 'age'"),
        ({"customer": {"age": {}}}, "/customer/age: the entity customer has no field"),
        ({"status": "lead"}, "/status must be an object of operators"),
        ({"status": {"is": 1}}, "/status/is: status has no operator 'is'; it has eq, ne, in, notIn, isNull"),
        ({"status": {"contains": "x"}}, "has no operator 'contains'"),
        ({"active": {"lt": True}}, "has no operator 'lt'"),
        ({"email": {"isNull": "yes"}}, "/email/isNull must be true or false"),
        ({"email": {"isNull": 1}}, "/email/isNull must be true or false"),
        ({"customer": {"isNull": 0}}, "/customer/isNull must be true or false"),
        ({"status": {"in": "lead"}}, "/status/in must be a list"),
        ({"status": {"notIn": {"a": 1}}}, "/status/notIn must be a list"),
        ({"customer": []}, "/customer must be an object"),
        ({"regarding": {"user": {}}}, "/regarding/user: regarding does not refer to 'user'"),
        ({"reports": {}}, "/reports must be an object with some, none or every"),
        ({"reports": []}, "/reports must be an object with some, none or every"),
        ({"reports": {"any": {}}}, "/reports must be an object with some, none or every"),
        ({"reports": {"some": 1}}, "/reports/some must be an object"),
        ({"created_by": {"eq": "$teams"}}, "/created_by/eq: $teams is not known here"),
        ({"email": {"eq": "$user"}}, "/email/eq: $user is not known here"),
    ],
)
def test_wrong_predicate_is_refused_with_its_place(tree: Any, message: str) -> None:
    with pytest.raises(BadQuery) as caught:
        parse(MODEL, CONTACT, tree)
    assert message in caught.value.message


def test_place_begins_where_the_caller_says() -> None:
    with pytest.raises(BadQuery, match=r"^policies\.csv:3/age: "):
        parse(MODEL, CONTACT, {"age": {}}, "policies.csv:3")


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("status", "eq ne in notIn isNull"),
        ("active", "eq ne in notIn isNull"),
        ("external", "eq ne in notIn isNull"),
        ("employees", "eq ne in notIn lt lte gt gte isNull"),
        ("born_on", "eq ne in notIn lt lte gt gte isNull"),
        ("notes", "eq ne in notIn lt lte gt gte contains startsWith endsWith isNull"),
    ],
)
def test_operators_follow_from_the_type(field: str, names: str) -> None:
    assert " ".join(operators(CONTACT.fields[field])) == names
