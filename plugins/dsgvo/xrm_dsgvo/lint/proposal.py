"""What an annotation could be, from type, format and name. Somebody has to look at it: it is a guess."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from xrm_core.api import Entity, Field
from xrm_dsgvo.lint.surroundings import Surroundings

_BY_TYPE = {"email": "user.contact.email", "phone": "user.contact.phone_number", "url": "user.contact.social_url"}
_BY_NAME: tuple[tuple[str, dict[str, Any]], ...] = (
    (r"(first|last|full|middle|maiden)_?name|nickname", {"category": "user.name", "identifier": "direct"}),
    (r"salutation|gender|sex", {"category": "user.demographic.gender"}),
    (r"birth|born_on", {"category": "user.demographic.date_of_birth", "identifier": "quasi"}),
    (r"iban|account_number|bic", {"category": "user.financial.bank_account", "identifier": "direct"}),
    (r"(tax|passport|insurance|social_security)_?(id|number)|vat_id", {"category": "user.government_id"}),
    (
        r"health|illness|disease|allerg|diagnos|disab|pregnan",
        {"category": "user.health_and_medical", "special": "art9", "purposes": ["essential.service"]},
    ),
    (r"religio|confession|denomination", {"category": "user.demographic.religious_belief", "special": "art9"}),
    (r"street|address", {"category": "user.contact.address.street", "identifier": "quasi"}),
    (r"postal|postcode|zip", {"category": "user.contact.address.postal_code", "identifier": "quasi"}),
    (r"city|town", {"category": "user.contact.address.city", "identifier": "quasi"}),
    (r"country|nationality", {"category": "user.contact.address.country"}),
    (r"job|position_title|profession", {"category": "user.job_title"}),
    (r"salary|income|credit|debt", {"category": "user.financial"}),
    (r"consent|opt_?in|do_not|objection", {"category": "user.privacy_preferences"}),
    (r"language", {"category": "user.demographic.language"}),
    (r"ip_address", {"category": "user.device.ip_address", "identifier": "quasi"}),
)
_FREE = frozenset({"long_text", "json"})
_STAFF = re.compile(r"owner|manager|lead|agent|technician|responsible|approver|_by$")


def of_entity(found: Surroundings, entity: Entity) -> dict[str, Any]:
    """What an entity could be: a person, about one, or neither."""
    guesses = [_guess(field) for field in entity.fields.values()]
    if any(guess.get("identifier") == "direct" for guess in guesses):
        return _kept("is_subject", "anonymize", "relationship_end")
    if any(found.is_person(field) and not _STAFF.search(field.name) for field in entity.fields.values()):
        return _kept("about_subject", "delete", "process_end")
    free = any(field.type == "long_text" for field in entity.fields.values())
    return {"v": 1, "subject": {"role": "may_mention" if free else "none"}}


def _kept(role: str, on_erase: str, start: str) -> dict[str, Any]:
    return {
        "v": 1,
        "datenart": "…",
        "subject": {"role": role, "kinds": ["customer"]},
        "activities": ["…"],
        "retention": {"class": "LK-3J-VORGANG", "start": {"type": start, "field": "created_at"}, "then": "delete"},
        "onErase": on_erase,
    }


def of_field(found: Surroundings, entity: Entity, field: Field) -> dict[str, Any]:
    """What a field could be."""
    if field.relation is not None:
        if not found.is_person(field):
            return {"personal": False}
        if _STAFF.search(field.name):
            return {"link": {"role": "reference", "traverse": "none", "onErase": "keep"}}
        return {
            "link": {"role": "participant", "traverse": "down", "onErase": "cascade" if field.required else "unlink"}
        }
    guess = _guess(field)
    if "category" not in guess:
        return {"personal": False}
    proposed = dict(guess)
    if found.role(entity.name) == "shared":
        proposed["of"] = next(_ways(found, entity), "…")
    proposed |= _origin(entity, field)
    if proposed.get("special"):
        proposed |= {"encrypt": {"key": "subject"}}
    return proposed | ({"freeText": True, "thirdParty": "may_contain"} if str(field.type) in _FREE else {})


def _ways(found: Surroundings, entity: Entity) -> Iterator[str]:
    return (field.name for field in entity.fields.values() if found.is_person(field))


def _origin(entity: Entity, field: Field) -> dict[str, Any]:
    if field.virtual:
        made_of = sorted(entity.expressions[field.name].fields()) if field.computed is not None else []
        return {"origin": "derived", "derivedFrom": made_of or ["…"], "erase": {"strategy": "recompute"}}
    strategy: dict[str, Any] = {"strategy": "null"}
    if field.type == "file":
        strategy = {"strategy": "delete_file"}
    elif field.required:
        strategy = {"strategy": "random_token"} if field.unique else {"strategy": "constant", "value": "—"}
    return {"origin": "provided", "erase": strategy}


def _guess(field: Field) -> Mapping[str, Any]:
    if field.relation is not None:
        return {}
    for pattern, said in _BY_NAME:
        if re.search(pattern, field.name):
            return said
    if str(field.type) in _BY_TYPE:
        direct = {} if field.type == "url" else {"identifier": "direct"}
        return {"category": _BY_TYPE[str(field.type)], **direct}
    if field.type == "file":
        return {"category": "user.content.private"}
    return {"category": "user.content.private"} if field.type == "long_text" else {}
