"""Restricted data are looked at for one of the purposes that Article 18(2) allows, and that is kept."""

import json
from dataclasses import dataclass

from xrm_core.api import ActionContext, Refuse, in_vault
from xrm_dsgvo.access.values import plain
from xrm_dsgvo.own import create, now
from xrm_dsgvo.restriction.standing import RESTRICTION
from xrm_dsgvo.restriction.terms import AllowedPurpose, allowed_of


@dataclass
class RestrictionLookInput:
    """Which, for what, and why."""

    restriction: str
    purpose: AllowedPurpose
    because: str


@dataclass
class RestrictedValue:
    """A field, with its value as JSON."""

    field: str
    value: str


@dataclass
class RestrictedData:
    """A record. Not ``whole``: it is in its table, but for these values."""

    entity: str
    record: str
    whole: bool
    values: list[RestrictedValue]


@dataclass
class RestrictionLooked:
    """All that lies in the vault for a restriction."""

    records: list[RestrictedData]


def look(context: ActionContext, given: RestrictionLookInput) -> RestrictionLooked:
    """Open it. It takes the right to sealed values as well, and is in the log of reads.

    Raises:
        Refuse: there is no such restriction, it is not to be used for that, or nothing is said of why.
        Forbidden: the caller may not open sealed values.
    """
    found = context.read(RESTRICTION, given.restriction)
    if found is None or found["deposit"] is None:
        text = {"en": "Nothing is restricted by that.", "de": "Damit ist nichts eingeschränkt."}
        raise Refuse(text, field="restriction")
    if not given.because.strip():
        raise Refuse({"en": "Say why.", "de": "Den Grund angeben."}, field="because")
    if given.purpose.value not in allowed_of(found["purposes"]):
        text = {
            "en": "This restriction does not allow them to be used for that.",
            "de": "Zu diesem Zweck lässt die Einschränkung sie nicht nutzen.",
        }
        raise Refuse(text, field="purpose")
    records = in_vault(context, deposit=str(found["deposit"]))
    values = {"purpose": given.purpose.value, "because": given.because.strip()[:2000], "at": now()}
    create(context, "restriction_use", {"restriction": given.restriction, "records": len(records), **values})
    told = [
        RestrictedData(
            each.entity,
            each.id,
            each.whole,
            [
                RestrictedValue(name, json.dumps(plain(value), ensure_ascii=False))
                for name, value in sorted(each.values.items())
                if value is not None
            ],
        )
        for each in records
    ]
    return RestrictionLooked(told)
