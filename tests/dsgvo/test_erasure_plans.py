"""What becomes of each field and record: by cases, and what holds of all plans."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xrm_dsgvo.erasure.facts import Found, Trigger
from xrm_dsgvo.erasure.plan import Decision, FieldPlan, Plan, RecordAction
from xrm_dsgvo.erasure.planning import plan
from xrm_dsgvo.privacy import PrivacyModel, privacy_of
from xrm_dsgvo.registers import Registers, registers_of
from xrm_dsgvo.retention.deadline import Suspension, end_of

from tests.dsgvo.lint_kit import OWN_REGISTERS, PACK, model_of

TODAY = date(2026, 3, 1)
INVOICE = Found("invoice", "i", frozenset({"bill_to"}), {"field:issued_on": date(2022, 3, 14)})
PERSON = Found("person", "p", starts={"field:left_on": date(2025, 1, 1)})
CASE = Found("case", "c", frozenset({"requester"}), {"field:created_at": date(2026, 1, 1)})


class World:
    """Plans over the small pack."""

    def __init__(self, privacy: PrivacyModel, registers: Registers) -> None:
        self.privacy, self.registers = privacy, registers

    def plan(self, *found: Found, day: date = TODAY, **more: Any) -> Plan:
        return plan(self.privacy, self.registers, found, day, **more)

    def one(self, found: Found, **more: Any) -> tuple[RecordAction, Mapping[str, FieldPlan]]:
        [record] = self.plan(found, **more).records
        return record.action, {each.name: each for each in record.fields}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    path: Path = tmp_path_factory.mktemp("registers") / "own.json"
    path.write_text(json.dumps(OWN_REGISTERS), "utf-8")
    return World(privacy_of(model_of(PACK, str(path))), registers_of((path,)))


def test_a_person_goes_by_the_strategy_of_each_field(world: World):
    action, fields = world.one(replace(PERSON, reviewed={"notes": True}))

    assert action is RecordAction.ANONYMIZE
    assert {each.decision for each in fields.values()} == {Decision.ERASE}
    assert fields["last_name"].strategy == "constant"
    assert fields["photo"].strategy == "delete_file"
    assert fields["label"].strategy == "recompute"


def test_what_the_law_demands_is_restricted_with_its_norm_and_end_and_cut_off(world: World):
    [record] = world.plan(INVOICE).records
    fields = {each.name: each for each in record.fields}

    assert (record.action, record.cut) == (RecordAction.RESTRICT, ("bill_to",))
    assert fields["street"].decision is Decision.RESTRICT
    assert fields["street"].until == date(2030, 12, 31)
    assert "§ 147 AO" in fields["street"].basis
    assert fields["phone"].decision is Decision.ERASE


def test_it_goes_the_day_after_its_end_and_not_before(world: World):
    last, after = world.one(INVOICE, day=date(2030, 12, 31)), world.one(INVOICE, day=date(2031, 1, 1))

    assert (last[0], after[0]) == (RecordAction.RESTRICT, RecordAction.DELETE)


def test_a_record_that_the_law_demands_stays_although_nothing_on_it_is_this_person_s(world: World):
    entity = world.privacy["invoice"]
    bare = replace(entity, fields={name: each for name, each in entity.fields.items() if not each.personal})
    found = plan(PrivacyModel({"invoice": bare}), world.registers, [INVOICE], TODAY)

    assert found.records[0].action is RecordAction.RESTRICT


def test_without_its_start_nobody_knows_when_it_ends_and_that_is_a_defect(world: World):
    found = world.plan(replace(INVOICE, starts={}))

    assert found.records[0].action is RecordAction.RESTRICT
    assert {each.code for _, each in found.fields() if each.decision is Decision.RESTRICT} == {"START_MISSING"}
    assert [(each.code, each.what) for each in found.defects] == [("START_MISSING", "field:issued_on")]


def test_free_text_on_others_is_looked_at_first(world: World):
    assert world.plan(CASE).needs_review
    assert world.one(CASE)[0] is RecordAction.REVIEW

    assert world.one(replace(CASE, reviewed={"body": True}))[0] is RecordAction.ANONYMIZE
    assert world.one(replace(CASE, reviewed={"body": False}))[1]["body"].code == "REVIEWED"


def test_a_field_of_somebody_else_is_not_touched_and_a_shared_record_only_left(world: World):
    found = replace(CASE, via=frozenset({"created_by"}), others=True)

    action, fields = world.one(found)

    assert "body" not in fields
    assert action is RecordAction.KEEP_UNLINKED
    assert world.one(replace(CASE, others=True, reviewed={"body": True}))[0] is RecordAction.UNLINK


def test_another_activity_with_a_basis_of_its_own_keeps_what_it_needs(world: World):
    action, fields = world.one(PERSON, running=["vertrieb.kundenpflege"])

    assert action is RecordAction.FIELDS
    assert fields["email"].code == "OTHER_BASIS"
    assert fields["health"].decision is Decision.ERASE, "it is for another purpose"


def test_who_withdraws_one_purpose_has_the_books_of_what_goes_on_left_in_use(world: World):
    books = world.privacy["invoice"].activities
    for trigger in (Trigger.WITHDRAWAL, Trigger.OBJECTION):
        action, fields = world.one(INVOICE, trigger=trigger, running=books)
        assert action in (RecordAction.FIELDS, RecordAction.NOTHING)
        assert fields["street"].code == "OTHER_BASIS"

    # but who wants to be erased, and of whom the law keeps them alone
    assert world.one(INVOICE, running=books)[1]["street"].code == "STATUTORY"
    assert world.one(INVOICE, trigger=Trigger.WITHDRAWAL)[1]["street"].code == "STATUTORY"


def test_retention_takes_what_is_due_alone_whosever_it_is(world: World):
    due = date(2029, 1, 1)

    assert world.one(PERSON, trigger=Trigger.RETENTION)[0] is RecordAction.NOTHING
    assert world.one(PERSON, trigger=Trigger.RETENTION, day=due)[0] is RecordAction.ANONYMIZE
    assert world.one(replace(CASE, via=frozenset()), trigger=Trigger.RETENTION, day=date(2030, 1, 1)) == (
        RecordAction.DELETE,
        {"body": FieldPlan("body", Decision.ERASE, "NOTHING_KEEPS_IT", "null", class_="LK-3J-VORGANG")},
    )


def test_an_approval_holds_as_long_as_the_same_is_to_be_done(world: World):
    before, after = world.plan(INVOICE, PERSON), world.plan(PERSON, INVOICE, day=TODAY + timedelta(days=1))
    held = world.plan(replace(INVOICE, holds=("AZ 12/26",)), PERSON)

    assert before.hash == after.hash
    assert held.hash != before.hash


FOUND = st.builds(
    Found,
    entity=st.sampled_from(["person", "invoice", "case"]),
    id=st.just("x"),
    starts=st.fixed_dictionaries(
        {},
        optional={
            key: st.dates(date(2010, 1, 1), TODAY) for key in ("field:left_on", "field:issued_on", "field:created_at")
        },
    ),
    holds=st.sampled_from([(), ("AZ 1",)]),
    suspensions=st.sampled_from([(), (Suspension(),), (Suspension(date(2027, 1, 1)),)]),
    others=st.booleans(),
    reviewed=st.dictionaries(st.sampled_from(["notes", "body"]), st.booleans()),
)
ENDING = (RecordAction.DELETE, RecordAction.ANONYMIZE)


@pytest.mark.invariant("I19", "I20")
@given(FOUND, st.sampled_from(list(Trigger)), st.sampled_from([(), ("vertrieb.kundenpflege",)]))
def test_what_holds_of_every_plan(world: World, found: Found, trigger: Trigger, running: tuple[str, ...]):
    [record] = world.plan(found, trigger=trigger, running=running).records
    decisions = {each.decision for each in record.fields}

    if found.holds:  # I20
        assert record.action is RecordAction.HOLD
        assert decisions <= {Decision.HOLD}
        assert not record.cut
    if record.action in ENDING:  # nothing that stays goes along with its record
        assert all(each.decision is Decision.ERASE or each.code == "ANNOTATED" for each in record.fields)
    retention = world.privacy[found.entity].retention
    assert retention is not None
    began = found.starts.get(f"field:{retention.start.field}")
    class_ = world.registers.retention_classes[retention.class_]
    end = None if began is None else end_of(class_, began, found.suspensions)
    if (class_.statutory or trigger is Trigger.RETENTION) and (end is None or end >= TODAY):  # I19
        assert record.action not in ENDING
    if trigger is Trigger.RETENTION and not found.holds and end is not None and end < TODAY:  # I19
        assert decisions <= {Decision.ERASE}, "what somebody has decided for a request keeps nothing past its end"
    for each in record.fields:
        assert each.decision is not Decision.RESTRICT or each.basis
    exported = json.dumps(world.plan(found, trigger=trigger, running=running).exported())
    assert json.loads(exported)["records"][0]["id"] == "x"
