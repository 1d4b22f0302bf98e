"""The whole surface in GraphQL: each name of the page is there for the roles that it says, and for no other."""

import re

from tests.docs.pages import DOCS
from xrm_core.testing import Client, Xrm

ROLES = ("dsgvo_agent", "dsb", "auditor")
FIELDS = "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }"
ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<agent>✓?) ?\| (?P<dsb>✓?) ?\| (?P<auditor>✓?) ?\|", re.MULTILINE)
OF_RECORDS = {
    *("activateProcessingContract", "suspendProcessingContract", "terminateProcessingContract"),
    *("settleProcessingContract", "approveEditionProcessingRecord", "approveAssessment", "expireAssessment"),
    *(
        "outdateCustomerException",
        "decideObjection",
        "closeObjection",
        "invalidateConsent",
        "endConsent",
        "releaseSuppression",
    ),
}


def offered(client: Client) -> set[str]:
    """What the plugin has for a role, beside the records."""
    schema = client.query(FIELDS)["__schema"]
    kinds = (schema["queryType"], schema["mutationType"])
    names = {field["name"] for kind in kinds if kind is not None for field in kind["fields"]}
    return {name for name in names if name.startswith("dsgvo") or name in OF_RECORDS}


def test_each_name_is_there_for_its_roles_alone(xrm: Xrm):
    page = (DOCS / "dsgvo" / "graphql.md").read_text("utf-8")
    columns = dict(zip(ROLES, ("agent", "dsb", "auditor"), strict=True))
    said = {row["name"]: {role for role, of in columns.items() if row[of]} for row in ROW.finditer(page)}

    there = {role: offered(xrm.as_role(role)) for role in ROLES}

    names = set().union(*there.values())
    found = {name: {role for role in ROLES if name in there[role]} for name in names}
    told = {name: roles for name, roles in said.items() if roles}
    wrong = sorted(name for name in found.keys() | told.keys() if found.get(name) != told.get(name))
    assert not wrong, f"docs/dsgvo/graphql.md: {wrong} have other roles: {[found.get(name) for name in wrong]}"
    others = {name for name, roles in said.items() if not roles}  # for tokens of forms and senders, and administrators
    assert others <= offered(xrm.as_role("admin"))
    assert offered(xrm.as_role("sales_rep")) == set()
