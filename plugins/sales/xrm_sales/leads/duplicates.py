"""Whom we know already: leads with the same e-mail address, contacts, and customers by contact, domain or name."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from xrm_core.api import RecordChange
from xrm_sales.leads.scoring import ALIVE

FREE_MAIL = frozenset(
    {
        "aol.com", "freenet.de", "gmail.com", "gmx.at", "gmx.ch", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com",
        "icloud.com", "live.com", "mail.com", "mail.de", "me.com", "outlook.com", "outlook.de", "posteo.de",
        "proton.me", "protonmail.com", "t-online.de", "web.de", "yahoo.com", "yahoo.de",
    }
)  # fmt: skip
"""Domains that say nothing of the firm."""


def recognise(change: RecordChange) -> Mapping[str, Any]:
    """What is known of a new lead, or of one with another address or firm: the values to set."""
    lead = change.after
    email = (lead.get("email") or "").strip().lower()
    own = {"id": {"ne": lead["id"]}} if lead.get("id") else {}
    found: dict[str, Any] = {"duplicate_of": None, "known_contact": None, "known_customer": None}
    if email:
        found["email"] = email
        same = {"email": {"eq": email, "ignoring": "CASE"}}
        leads = change.find("lead", {**same, **own, "status": {"in": list(ALIVE)}, "duplicate_of": {"isNull": True}}, 1)
        contacts = change.find("contact", same, 1)
        found["duplicate_of"] = leads[0]["id"] if leads else None
        if contacts:
            found["known_contact"] = contacts[0]["id"]
            found["known_customer"] = (contacts[0]["organisation"] or {}).get("customer")
    found["known_customer"] = found["known_customer"] or _customer(change, lead, email)
    return {name: value for name, value in found.items() if lead.get(name) != value}


def _customer(change: RecordChange, lead: Mapping[str, Any], email: str) -> str | None:
    domain = email.rpartition("@")[2]
    if domain and domain not in FREE_MAIL:
        address = {"endsWith": f"@{domain}", "ignoring": "CASE"}
        if customers := change.find("customer", {"email": address}, 1):
            return str(customers[0]["id"])
        sites = [{"website": {"contains": f"//{www}{domain}", "ignoring": "CASE"}} for www in ("", "www.")]
        for customer in change.find("customer", {"or": sites}, 100):
            if _host(customer["website"]) == domain:  # example.com is found by example.co, too
                return str(customer["id"])
    if lead.get("company"):
        name = {"eq": lead["company"].strip(), "ignoring": "CASE_AND_ACCENTS"}
        if customers := change.find("customer", {"name": name}, 1):
            return str(customers[0]["id"])
    return None


def _host(website: str) -> str:
    try:
        return (urlsplit(website).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
