"""What an answer shows to a person their erasure reaches, and the other way round, whatever leads to what."""

import random
from typing import Any

import pytest
from sqlalchemy import text
from xrm_dsgvo.privacy import privacy_of

from tests.dsgvo.canaries import Person
from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.test_access import OTHERS, SETUP
from xrm_core import naming
from xrm_core.metadata.model import Field
from xrm_core.testing import Client, Setup, Xrm

GRAPH = """query ($e: String!, $r: String!) { dsgvoSubjectGraph(entity: $e, record: $r) {
  records { entity record own mine deleted } } }"""
OPEN = """mutation ($i: DsgvoErasureOpenInput!) { dsgvoErasureOpen(input: $i) {
  records { entity record action fields { name decision code } } } }"""


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return SETUP


def mixed(xrm: Xrm, admin: Client, persons: tuple[Person, ...], seed: int) -> None:
    """Some records of each lead to those of others, and some are in the trash."""
    rng = random.Random(seed)
    model = xrm.platform.model
    privacy = privacy_of(model)
    links = [
        (entity.name, each)
        for entity in model
        for each in entity.fields.values()
        if entity.name not in OTHERS and privacy[entity.name].role != "none" and each.relation and each.writable
    ]
    for _ in range(30):
        entity, link = rng.choice(links)
        one, other = rng.choice(persons), rng.choice(persons)
        targets = [name for name in link.reference.targets if name in other.records and name != "user"]
        if entity in one.records and targets:
            values = linking(link, rng.choice(targets), other)
            kind = naming.pascal(entity)
            document = f"mutation ($id: ID!, $v: Update{kind}Input!) {{ update{kind}(id: $id, input: $v) {{ id }} }}"
            admin.post(document, id=one.records[entity], v=values)  # some are refused: by a key, or by a rule
    for entity in ("activity", *rng.sample(sorted({entity for entity, _ in links} - {"user", "contact"}), 4)):
        record = persons[0].records.get(entity)
        admin.post(f"mutation ($id: ID!) {{ delete{naming.pascal(entity)}(id: $id) {{ id }} }}", id=record)


def is_anywhere(xrm: Xrm, entity: str, id_: str) -> bool:
    """Whether a record is in its table or in the trash."""
    with xrm.database.read() as connection:
        places = (f'SELECT 1 FROM "{entity}" WHERE id = :id', "SELECT 1 FROM xrm_trash WHERE record_id = :id")
        return any(connection.execute(text(each), {"id": id_}).first() is not None for each in places)


def linking(link: Field, target: str, other: Person) -> dict[str, Any]:
    name, id_ = naming.camel(link.name), other.records[target]
    return {name: {f"{naming.camel(target)}Id": id_}} if link.reference.polymorphic else {f"{name}Id": id_}


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(each, marks=pytest.mark.slow) for each in range(3, 30))])
@pytest.mark.invariant("I10")
def test_an_erasure_reaches_what_an_answer_shows(xrm: Xrm, consents: Consents, seed: int) -> None:  # noqa: F811
    # given persons whose records lead to each other's, a family's address, and a trash
    persons = xrm.begun
    admin, agent = xrm.as_role("admin"), xrm.as_role("dsgvo_agent")
    for each in persons[:2]:
        consents.consent("family@example.com", person={"entity": "contact", "record": each.records["contact"]})
    mixed(xrm, admin, persons, seed)

    for each in persons[:2]:
        given = {"entity": "contact", "record": each.records["contact"]}

        # when
        shown = agent.query(GRAPH, e=given["entity"], r=given["record"])["dsgvoSubjectGraph"]["records"]
        planned = agent.query(OPEN, i=given)["dsgvoErasureOpen"]["records"]

        # then both are about the same records, and the same of their fields; the plan alone has what only the log has
        found = {(one["entity"], one["record"]): sorted(one["mine"]) for one in shown}
        plan = {(one["entity"], one["record"]): sorted(f["name"] for f in one["fields"]) for one in planned}
        assert {key: plan[key] for key in plan if key in found or is_anywhere(xrm, *key)} == found
        assert any(one["deleted"] for one in shown) or each is not persons[0]
        # and the family's address is shown, and stays
        [address] = [one for one in planned if one["entity"] == "contact_point" and one["action"] == "nothing"]
        assert [(f["decision"], f["code"]) for f in address["fields"]] == [("keep", "OTHERS")]
