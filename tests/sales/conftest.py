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


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins=["sales"], policies=POLICIES)


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
    admin = xrm.as_role("admin")
    admin.query("mutation { salesInstallDefaults }")
    found = admin.query("{ stages(first: 20) { nodes { id name } } lossReasons(first: 20) { nodes { id name } } }")
    return Sales(
        xrm=xrm,
        rep=xrm.as_role("sales_rep"),
        admin=admin,
        customer=xrm.create("customer", name="Miller Ltd"),
        stages={each["name"]: each["id"] for each in found["stages"]["nodes"]},
        reasons={each["name"]: each["id"] for each in found["lossReasons"]["nodes"]},
    )
