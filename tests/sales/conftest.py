"""An app with the sales plugin, and what most of its tests begin with."""

from dataclasses import dataclass

import pytest

from xrm_core.testing import Client, Setup, Xrm

ENTITIES = (
    *("opportunity", "opportunity_item", "opportunity_member", "lead", "customer", "contact", "activity"),
    *("quote", "quote_item"),
)
POLICIES = [
    *(
        f"sales_rep,{entity},{action},*,,allow"
        for entity in ENTITIES
        for action in ("read", "create", "update", "delete")
    ),
    "sales_rep,opportunity,update,status stage_since,,deny",
    *(f"sales_rep,{entity},read,*,,allow" for entity in ("pipeline", "stage", "stage_check", "stage_period")),
    *(f"sales_rep,{entity},read,*,,allow" for entity in ("loss_reason", "competitor", "product")),
    "sales_rep,quote_approval,read,*,,allow",
    *(f"sales_rep,sales.{name},run,*,,allow" for name in ("win", "lose", "reopen", "submit", "approve")),
]


NARROW = {
    "roles": {
        "narrow": {"labels": {"de": "Nur die eigenen", "en": "Own ones only"}},
        "narrow_reader": {"inherits": ["narrow"], "labels": {"de": "Liest Angebote", "en": "Reads quotes"}},
        "guarded": {"labels": {"de": "Schreibt keinen Status", "en": "Writes no status"}},
    },
    "rules": {"narrow_mine": {"owner": {"id": {"eq": "$user"}}}},
}
"""Roles that see few customers, one that reads quotes nevertheless, and one that ends opportunities by actions only."""
NARROW_POLICIES = [
    "narrow,customer,read,*,narrow_mine,allow",
    *(f"narrow_reader,{each},read,*,,allow" for each in ("quote", "quote_item", "contact", "user", "product")),
]

_WRITTEN = (
    "name customer pipeline stage amount closed_on engaged_on loss_reason external_id probability owner next_step"
)
GUARDED_POLICIES = [
    *(f"guarded,opportunity,{each},{_WRITTEN},,allow" for each in ("create", "update")),
    *(f"guarded,{each},read,*,,allow" for each in ("opportunity", "customer", "pipeline", "stage", "loss_reason")),
    *("guarded,customer,create,*,,allow", "guarded,user,read,*,,allow"),
    *(f"guarded,sales.{each},run,*,,allow" for each in ("win", "lose")),
]


def begin(xrm: Xrm) -> tuple[str, dict[str, str], dict[str, str]]:
    """A pipeline with reasons, a customer, somebody who sells."""
    admin = xrm.as_role("admin")
    admin.query("mutation { salesInstallDefaults }")
    found = admin.query("{ stages(first: 20) { nodes { id name } } lossReasons(first: 20) { nodes { id name } } }")
    stages, reasons = (
        {each["name"]: each["id"] for each in found[name]["nodes"]} for name in ("stages", "lossReasons")
    )
    xrm.as_role("sales_rep")
    return xrm.create("customer", name="Miller Ltd"), stages, reasons


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(
        plugins=["sales"], policies=[*POLICIES, *NARROW_POLICIES, *GUARDED_POLICIES], roles=NARROW, begin=begin
    )


@dataclass
class Sales:
    """An app with a pipeline; ``stages`` and ``reasons`` are ids by name."""

    xrm: Xrm
    rep: Client
    admin: Client
    customer: str
    stages: dict[str, str]
    reasons: dict[str, str]

    def opportunity(self, **values: object) -> str:
        """A new one, made by the sales representative."""
        given = {"name": "Press line", "customerId": self.customer, **values}
        document = "mutation ($input: CreateOpportunityInput!) { createOpportunity(input: $input) { id } }"
        return str(self.rep.query(document, input=given)["createOpportunity"]["id"])

    def move(self, id_: str, stage: str) -> None:
        """Move it to the stage of this name."""
        self.rep.query(MOVE, id=id_, stage=self.stages[stage])


MOVE = "mutation ($id: ID!, $stage: ID!) { updateOpportunity(id: $id, input: {stageId: $stage}) { id } }"


@pytest.fixture
def sales(xrm: Xrm) -> Sales:
    customer, stages, reasons = xrm.begun
    return Sales(xrm, xrm.as_role("sales_rep"), xrm.as_role("admin"), customer, dict(stages), dict(reasons))
