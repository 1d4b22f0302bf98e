"""Who gets a lead: the first rule that fits, by whatever a filter can say, and that has somebody with room."""

from collections.abc import Sequence
from typing import Any

from xrm_core.api import BadQuery, Record, RecordChange, Refuse
from xrm_sales.leads.scoring import ALIVE, LEAD
from xrm_sales.leads.turns import Seller, in_turn, least_loaded
from xrm_sales.writing import Writing, change

ATTRIBUTES = (
    "first_name", "last_name", "company", "job_title", "email", "phone", "website", "postal_code", "city", "country",
    "language", "industry", "employees", "annual_revenue", "product", "budget", "wanted_by", "source", "source_detail",
    "known_customer", "known_contact", "duplicate_of",
)  # fmt: skip
"""Of a lead, about which rules say something."""
LOADS = """
query ($users: [ID!]!, $alive: [LeadStatus!]!) {
  leadsAggregate(
    where: {owner: {id: {in: $users}}, status: {in: $alive}}, groupBy: [{owner: {id: VALUE}}], first: 1000
  ) {
    key { owner { id } } count
  }
}"""


def route(context: Writing, lead: str) -> dict[str, Any] | None:
    """What changes of the lead: owner and team, and the rule that has said so; None: no rule fits.

    Two leads at a time do not come past each other: the rule is held, so that each has its turn and nobody gets more
    than fits.
    """
    rules = context.find("routing_rule", {"active": {"eq": True}}, 1_000)
    for rule in sorted(rules, key=lambda each: (each["position"], each["id"])):
        if fits(context, rule, lead):
            context.hold("routing_rule", rule["id"])
            if found := _by(context, rule, lead):
                return {**found, "routed_by": rule["id"]}
    return None


def fits(context: Writing, rule: Record, lead: str) -> bool:
    """Whether the condition of a rule or a territory holds of the lead."""
    condition = rule.get("condition")
    return not condition or bool(context.find(LEAD, {"and": [{"id": {"eq": lead}}, condition]}, 1))


def check_condition(change: RecordChange) -> None:
    """A condition must fit leads.

    Raises:
        Refuse: it does not.
    """
    if condition := change.after.get("condition"):
        try:
            change.find(LEAD, condition, 1)
        except BadQuery as error:
            text = {"en": f"The condition does not fit leads: {error}", "de": f"Die Bedingung passt nicht: {error}"}
            raise Refuse(text, field="condition") from None


def _by(context: Writing, rule: Record, lead: str) -> dict[str, Any] | None:
    match rule["method"]:
        case "customer_owner":
            return _customer_owner(context, lead)
        case "territory":
            return _territory(context, lead)
        case "queue":
            return {"team": rule["team"]} if rule["team"] else None
    sellers = _sellers(context, "routing_rule_member", {"routing_rule": {"id": {"eq": rule["id"]}}})
    if rule["method"] == "least_loaded":
        chosen = least_loaded(sellers)
    else:
        held = context.read("routing_rule", rule["id"])  # whoever was last may have changed until it was held
        chosen = in_turn(sellers, held["last_user"] if held else None)
        if chosen is not None:
            change(context, "routing_rule", rule["id"], {"last_user": chosen.id})
    return None if chosen is None else {"owner": chosen.id, "team": rule["team"]}


def _customer_owner(context: Writing, lead: str) -> dict[str, Any] | None:
    record = context.read(LEAD, lead)
    customer = context.read("customer", record["known_customer"]) if record and record["known_customer"] else None
    return {"owner": customer["owner"], "team": customer["team"]} if customer and customer["owner"] else None


def _territory(context: Writing, lead: str) -> dict[str, Any] | None:
    """Of the first territory that fits: whoever has least to do there, else the team."""
    territories = context.find("territory", {"active": {"eq": True}}, 1_000)
    for territory in sorted(territories, key=lambda each: (each["position"], each["id"])):
        if fits(context, territory, lead):
            chosen = least_loaded(_sellers(context, "territory_member", {"territory": {"id": {"eq": territory["id"]}}}))
            if chosen is not None:
                return {"owner": chosen.id, "team": territory["team"]}
            return {"team": territory["team"]} if territory["team"] else None
    return None


def _sellers(context: Writing, links: str, where: dict[str, Any]) -> Sequence[Seller]:
    """The users of some links who are active, with what they have to do."""
    found = context.find(links, {**where, "user": {"active": {"eq": True}}}, 1_000)
    users = [each["user"] for each in found]
    variables = {"users": users, "alive": list(ALIVE)}
    loads = {
        each["key"]["owner"]["id"]: each["count"]
        for each in (context.query_as_system(LOADS, variables)["leadsAggregate"] if users else [])
    }
    return [Seller(each["user"], loads.get(each["user"], 0), each["capacity"]) for each in found]
