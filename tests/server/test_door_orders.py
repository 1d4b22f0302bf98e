"""What counts as an explanation of documents that were sent at the same moment, and what does not."""

from dataclasses import replace
from typing import Any

from tests.server.door_model import DoorModel
from tests.server.door_orders import Sent, explained, summary
from tests.server.door_steps import do
from tests.server.door_values import Step

ULM = {"count": 1, "ids": ["1"], "errors": []}
NOBODY = {"count": 0, "ids": [], "errors": []}
IN_ULM = Step("update_many", "company", {"skip": False, "city": "Ulm", "values": {"rating": 3}})


def company() -> DoorModel:
    """One of ben's, without a city."""
    model = DoorModel({"anna": "a", "ben": "b"})
    model.create("anna", "company", {"name": "A", "owner": "b"}, "1")
    return model


def moved(user: str = "anna", version: int = 2, **changes: Any) -> tuple[str, Step, Any]:
    given = {"name": "A", "code": None, "city": None, "rating": None, "number": "C-1", "parent": None}
    answer = {"id": "1", "version": version, **given, "owner": {"id": "b"}, **changes}
    values = {name: value["id"] if isinstance(value, dict) else value for name, value in changes.items()}
    return user, Step("update", "company", {"id": "1", "values": values}), answer


def sent(user: str, *fields: tuple[Step, Any]) -> Sent:
    return Sent(user, [step for step, _ in fields], {"data": {f"a{n}": told for n, (_, told) in enumerate(fields)}})


def test_a_document_may_see_another_one_between_its_fields() -> None:
    # given somebody who looks for records in Ulm twice, and finds one the second time
    user, step, answer = moved(city="Ulm")
    documents = [sent("ben", (IN_ULM, NOBODY), (IN_ULM, ULM)), sent(user, (step, answer))]
    stored = company()
    stored.update("anna", "company", "1", {"city": "Ulm"})
    stored.update("ben", "company", "1", {"rating": 3})
    # then another one has put it there in between; nobody can have seen it first and then not
    found = explained(company(), documents, summary(stored))
    assert isinstance(found, DoorModel)
    assert summary(found) == summary(stored)
    turned = [sent("ben", (IN_ULM, ULM), (IN_ULM, NOBODY)), documents[1]]
    assert isinstance(explained(company(), turned, summary(stored)), str)
    # and of one field that would be two moments
    alone = [sent("ben", (IN_ULM, {**ULM, "count": 0})), documents[1]]
    assert isinstance(explained(company(), alone, summary(stored)), str)


def test_a_lost_update_is_not_explained() -> None:
    # given two documents that have both changed the first version of a record
    one, other = moved(city="Ulm"), moved("ben", rating=5)
    nothing = (Step("update_many", "company", {"skip": False, "city": "Bonn", "values": {"rating": 3}}), NOBODY)
    documents = [sent(user, (step, answer), nothing) for user, step, answer in (one, other)]
    stored = company()
    stored.update("ben", "company", "1", {"rating": 5})
    # then there is no order, though each field by itself is right
    assert "both" in str(explained(company(), documents, summary(stored)))


def test_a_broken_rule_is_not_explained() -> None:
    # given ben, who writes below his company, and then finds what somebody has done who takes this company away
    before = company()
    before.create("anna", "company", {"name": "B", "owner": "b"}, "2")
    contact = {"id": "3", "version": 1, "name": "C", "company": {"id": "1"}}
    create = Step("create", "contact", {"values": {"name": "C", "company": "1"}})
    second = Step("update", "company", {"id": "2", "values": {"city": "Ulm"}})
    answer = {**moved(city="Ulm")[2], "id": "2", "name": "B", "number": "C-2"}
    stored = before.copy()
    stored.create("ben", "contact", {"name": "C", "company": "1"}, "3")
    for taken in (False, True):
        user, first, told = moved(owner={"id": "a"}) if taken else moved(rating=5)
        after = stored.copy()
        after.update("anna", "company", "1", {"owner": "a"} if taken else {"rating": 5})
        after.update("anna", "company", "2", {"city": "Ulm"})
        after.update("ben", "company", "2", {"rating": 3})
        documents = [
            sent("ben", (create, contact), (IN_ULM, {**ULM, "ids": ["2"]})),
            sent(user, (first, told), (second, answer)),
        ]
        found = explained(before, documents, summary(after))
        # then it is explained only if it was not taken away
        assert isinstance(found, str) == taken
        assert not taken or "no longer sees contact 3" in str(found)


def test_what_many_leave_out_may_have_been_tried_before_others_came() -> None:
    # given two of anna's companies, which she takes away in one document
    model = DoorModel({"anna": "a", "ben": "b"})
    for number in ("1", "2"):
        model.create("anna", "company", {"name": "A", "code": number, "owner": "a"}, number)
    deletions = [(Step("delete", "company", {"id": number}), None) for number in ("1", "2")]
    stored, told = model.copy(), []
    for step, _ in deletions:
        told.append((step, do(stored, "anna", step, None)))
    documents, gone = [sent("anna", *told)], stored.copy()
    # and ben, who meanwhile has to do with the same codes, and gets one of them
    rows = [{"code": "1", "name": "N0"}, {"code": "2", "name": "N1"}]
    step = Step("upsert_many", "company", {"by": ["code"], "rows": rows, "skip": True})
    wrong = {"index": 0, "id": None, "code": "VALIDATION_FAILED"}
    answer = {"count": 1, "createdCount": 1, "ids": [None, "3"], "created": [None, True], "errors": [wrong]}
    one = replace(step, given={**step.given, "rows": rows[1:]})
    do(stored, "ben", one, {**answer, "ids": ["3"], "created": [True], "errors": []})
    # then that is explained at the same moment as hers, and not after it
    assert isinstance(explained(model, [*documents, sent("ben", (step, answer))], summary(stored)), DoorModel)
    assert isinstance(explained(gone, [sent("ben", (step, answer))], summary(stored)), str)
    # nor by another error
    other = {**answer, "errors": [{**wrong, "code": "FORBIDDEN"}]}
    assert isinstance(explained(model, [*documents, sent("ben", (step, other))], summary(stored)), str)
