"""What plugins and webhooks are told of persons: ids only."""

from collections.abc import Mapping
from typing import Any

import pytest
import xrm_dsgvo
from xrm_dsgvo.retention.engine import RETAIN

from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.test_erasures import OPEN, RUN
from xrm_core.api import HookContext, On, RecordChange, RecordEvent, enqueue, hookimpl
from xrm_core.testing import Setup, Xrm

ADA = "ada@example.com"


class Follower:
    """A plugin with a store of its own, that has to follow."""

    def __init__(self) -> None:
        self.before: list[str] = []
        self.after: list[tuple[str, Mapping[str, Any]]] = []

    @hookimpl
    def register_record_hooks(self) -> list[On]:
        return [On("privacy_event", "create", before=self._follow)]

    def _follow(self, change_: RecordChange) -> None:
        def note(_context: HookContext, id_: str) -> None:
            self.before.append(id_)

        change_.then(note)

    @hookimpl
    def after_record_create(self, entity: str, record: Mapping[str, Any], event: RecordEvent) -> None:
        if entity == "privacy_event":
            self.after.append((record["kind"], record))


FOLLOWER = Follower()


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    parts = {"XRM_DSGVO_ERASURE_AT_ONCE": "0"}  # so that a person is frozen first
    return Setup(plugins={"dsgvo": xrm_dsgvo, "mk": FOLLOWER}, environment=KEY | parts)


def test_objections_restrictions_and_erasures_are_told_by_ids(consents: Consents):  # noqa: F811
    xrm = consents.xrm
    FOLLOWER.before.clear()
    FOLLOWER.after.clear()
    contact = xrm.create("contact", last_name="Kern", email=ADA)
    person = {"entity": "contact", "record": contact}

    consents.object(ADA, grounds="No more of this, says Kern!")
    objection = consents.object(person=person, scope="specific", grounds="My situation.")["objection"]
    for each in (person, {"entity": "contact", "record": xrm.create("contact", last_name="Vogel")}):
        opened = xrm.as_role("admin").query(OPEN, i={**each, "reviewed": []})["dsgvoErasureOpen"]
        xrm.as_role("dsb").query(RUN, i={"run": opened["run"], "planHash": opened["planHash"]})
        xrm.work()

    told = [(kind, record["entity_name"]) for kind, record in FOLLOWER.after]
    assert told == [
        ("objection_effective", "objection"),
        ("restriction_changed", "restriction"),
        ("restriction_changed", "restriction"),  # which ends with the erasure
        ("subject_erased", "data_subject"),
        ("subject_erased", "contact"),
        ("subject_frozen", "contact"),  # in parts, since it is not in the vault
        ("subject_erased", "contact"),
    ]
    assert FOLLOWER.after[4][1]["record_id"] == contact
    subject = xrm.get("objection", objection)["data_subject"]
    assert [record.get("data_subject") for _, record in FOLLOWER.after[1:4]] == [subject] * 3
    assert {record["id"] for _, record in FOLLOWER.after} <= set(FOLLOWER.before)  # in the transaction, too
    assert "Kern" not in str(FOLLOWER.after)
    assert ADA not in str(FOLLOWER.after)
    assert {"email", "grounds"}.isdisjoint(FOLLOWER.after[0][1])
    # nobody else writes them
    forge = 'mutation { createPrivacyEvent(input: {kind: subject_erased, entityName: "x", recordId: "x"}) { id } }'
    xrm.as_role("admin").refused(forge, "REFUSED_BY_PLUGIN")
    assert len(xrm.as_role("auditor").query("{ privacyEvents { nodes { id } } }")["privacyEvents"]["nodes"]) == 7


def test_a_run_says_that_something_is_due(xrm: Xrm):
    xrm.work()
    FOLLOWER.after.clear()
    contact = xrm.create("contact", last_name="Kern")
    ended = {"event": "contact.relationship_ended", "happened_on": "2015-01-01"}
    xrm.create("retention_event", {**ended, "entity_name": "contact", "record_id": contact})

    with xrm.database.begin() as connection:
        enqueue(connection, RETAIN, {})
    xrm.work()

    [(kind, record)] = FOLLOWER.after
    assert (kind, record["entity_name"]) == ("retention_due", "retention_run")
    assert xrm.get("retention_run", record["record_id"])["status"] == "complete"
