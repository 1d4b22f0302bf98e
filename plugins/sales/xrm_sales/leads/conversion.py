"""A lead becomes a customer, a contact and an opportunity; all of it or nothing, and it can be taken back."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from strawberry import ID

from xrm_core.api import Action, ActionContext, Record, RecordChange, Refuse
from xrm_sales.acting import action
from xrm_sales.leads.scoring import LEAD
from xrm_sales.moments import now
from xrm_sales.writing import change, create

_SOURCES = {"web_form": "website", "import": "other"}
"""Of leads, where customers and opportunities have other words."""
_MADE = ("opportunity", "contact", "customer")
"""What a conversion makes, in the order in which it is taken back."""
_OTHERS = {
    "opportunity": (
        ("quote", "opportunity"), ("sales_order", "opportunity"), ("contract", "opportunity"),
        ("opportunity_item", "opportunity"), ("opportunity_member", "opportunity"),
        ("opportunity_competitor", "opportunity"), ("activity", "opportunity"),
    ),
    "contact": (("quote", "contact"), ("sales_order", "contact"), ("opportunity", "contact")),
    "customer": (("price_book", "customer"), ("opportunity", "customer"), ("quote", "customer")),
}  # fmt: skip
"""Entities whose records refer to what a conversion has made, and would go with it or lose it."""


@dataclass
class ConvertInput:
    """Into what; what is known already is taken if nothing is said, and the rest is made."""

    customer: ID | None = None
    contact: ID | None = None
    opportunity: bool = True
    opportunity_name: str | None = None
    amount: Decimal | None = None
    close_on: date | None = None
    pipeline: ID | None = None


def convert(context: ActionContext, lead: Record, given: ConvertInput) -> None:
    """Make what is not there yet, and note in the lead what it has become.

    Raises:
        Refuse: it is converted, or out; or the caller does not see the given customer or contact.
    """
    if lead["status"] in ("converted", "disqualified"):
        raise Refuse(
            {"en": f"The lead is {lead['status']}.", "de": "Der Lead ist schon umgewandelt oder ausgeschieden."},
            field="status",
        )
    _visible(context, lead, given)
    made: dict[str, str] = {}
    customer = given.customer or lead["known_customer"]
    if not customer:
        customer = made["customer"] = create(context, "customer", _customer(context, lead))
    contact = given.contact or lead["known_contact"]
    if not contact:
        contact = made["contact"] = create(context, "contact", _contact(context, lead, customer))
    opportunity = None
    if given.opportunity:
        values = _opportunity(context, lead, given) | {"customer": customer, "contact": contact}
        opportunity = made["opportunity"] = create(context, "opportunity", values)
        for activity in context.find("activity", {"lead": {"id": {"eq": lead["id"]}}}, 1_000):
            change(context, "activity", activity["id"], {"opportunity": opportunity})
    became = {"customer": customer, "contact": contact, "opportunity": opportunity, "converted": made}
    change(context, LEAD, lead["id"], {"status": "converted", "converted_at": now(), **became})


def unconvert(context: ActionContext, lead: Record) -> None:
    """Take back what the conversion has made, as long as nobody has worked with it; the lead is qualified again.

    Raises:
        Refuse: it is not converted, or something was changed since, or belongs to what it has made.
    """
    if lead["status"] != "converted":
        raise Refuse({"en": "The lead is not converted.", "de": "Der Lead ist nicht umgewandelt."}, field="status")
    made: dict[str, str] = lead["converted"] or {}
    for entity in _MADE:
        record = context.read(entity, made[entity]) if entity in made else None
        if record is not None and record["version"] > 1:
            text = {
                "en": f"The {entity} has been changed since; it stays, and so does the conversion.",
                "de": f"Seitdem wurde geändert, was angelegt war ({entity}); es bleibt, und die Umwandlung auch.",
            }
            raise Refuse(text, field=entity)
        if record is not None:
            _check_unused(context, entity, record, lead, made)
    became: dict[str, Any] = dict.fromkeys((*_MADE, "converted", "converted_at"))
    change(context, LEAD, lead["id"], {"status": "qualified", **became})
    for activity in context.find("activity", {"lead": {"id": {"eq": lead["id"]}}}, 1_000):
        change(context, "activity", activity["id"], {"opportunity": None})
    for entity in _MADE:
        if entity in made and context.read(entity, made[entity]) is not None:
            context.records.delete(context.connection, context.system, entity, made[entity])


def stay(change: RecordChange) -> None:
    """A lead that is converted is what it was then: what goes on is the opportunity.

    Raises:
        Refuse: it would change, and the conversion is not taken back.
    """
    if change.before["status"] == "converted" and change.after["status"] == "converted":
        raise Refuse(
            {"en": "The lead is converted; unconvert it first.", "de": "Der Lead ist umgewandelt; erst zurücknehmen."}
        )
    if (
        change.before["status"] != "converted"
        and change.after["status"] == "converted"
        and not change.after["customer"]
    ):
        raise Refuse(
            {"en": "A lead is converted by the action convertLead.", "de": "Umgewandelt wird durch convertLead."},
            field="status",
        )


def actions() -> list[Action]:
    """``convertLead`` and ``unconvertLead``."""
    whole = "Kunde, Kontakt und Verkaufschance daraus machen."
    back = "Die Umwandlung zurücknehmen."
    return [
        action(
            "convert", convert, LEAD, takes=ConvertInput, en="Make customer, contact and opportunity of it.", de=whole
        ),
        action("unconvert", unconvert, LEAD, en="Take the conversion back.", de=back),
    ]


def _visible(context: ActionContext, lead: Record, given: ConvertInput) -> None:
    """Refuse a customer or a contact that the caller does not see, as one that is not there: nobody finds out."""
    for entity, id_ in (("customer", given.customer), ("contact", given.contact)):
        if id_ and id_ != lead[f"known_{entity}"] and not _sees(context, entity, id_):
            text = {"en": f"There is no such {entity}.", "de": f"Das gibt es nicht: {entity}."}
            raise Refuse(text, field=entity)


def _sees(context: ActionContext, entity: str, id_: str) -> bool:
    found = context.query(f"query ($id: ID!) {{ {entity}(id: $id) {{ id }} }}", {"id": id_})
    return found[entity] is not None


def _check_unused(context: ActionContext, entity: str, record: Record, lead: Record, made: dict[str, str]) -> None:
    """Refuse if something of others belongs to it: that would go along, or lose what it is about."""
    for other, name in _OTHERS[entity]:
        for each in context.find(other, {name: {"id": {"eq": record["id"]}}}, 1_000):
            own = each["id"] == made.get(other) or (other == "activity" and each["lead"] == lead["id"])
            if not own:
                text = {
                    "en": f"A {other} belongs to the {entity} meanwhile; it stays, and so does the conversion.",
                    "de": f"Inzwischen gehört etwas dazu ({entity}: {other}); es bleibt, und die Umwandlung auch.",
                }
                raise Refuse(text, field=entity)


def _source(lead: Record) -> str:
    return _SOURCES.get(str(lead["source"]), str(lead["source"]))


def _owner(context: ActionContext, lead: Record) -> dict[str, Any]:
    """Whose it is: the lead's owner, else who converts it, if that is a user."""
    owner = lead["owner"] or context.caller.actor
    return {"owner": owner} if owner and context.read("user", owner) else {}


def _customer(context: ActionContext, lead: Record) -> dict[str, Any]:
    same = (
        "website",
        "street",
        "postal_code",
        "city",
        "country",
        "industry",
        "employees",
        "annual_revenue",
        "language",
    )
    name = lead["company"] or " ".join(filter(None, (lead["first_name"], lead["last_name"])))
    values = {field: lead[field] for field in same if lead[field] is not None}
    return {**values, "name": name, "source": _source(lead), "team": lead["team"], **_owner(context, lead)}


def _contact(context: ActionContext, lead: Record, customer: str) -> dict[str, Any]:
    same = ("salutation", "first_name", "last_name", "job_title", "email", "phone", "language", "city", "country")
    values = {field: lead[field] for field in same if lead[field] is not None}
    return {**values, "organisation": {"customer": customer}, **_owner(context, lead)}


def _opportunity(context: ActionContext, lead: Record, given: ConvertInput) -> dict[str, Any]:
    what = lead["company"] or lead["last_name"]
    product = context.read("product", lead["product"]) if lead["product"] else None
    values = {
        "name": given.opportunity_name or (f"{product['name']} – {what}" if product else what),
        "amount": given.amount if given.amount is not None else lead["budget"],
        "close_on": given.close_on.isoformat() if given.close_on else lead["wanted_by"],
        "pipeline": given.pipeline,
        "product": lead["product"],
        "source": _source(lead),
        "description": lead["message"],
        "team": lead["team"],
        **_owner(context, lead),
    }
    return {name: value for name, value in values.items() if value is not None}
