"""Contact points: addresses and numbers in their one form, and the hash by which the suppressed ones are known."""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import phonenumbers

from xrm_core.api import On, RecordChange, Refuse
from xrm_dsgvo.own import Looking, Writing, is_own, upsert

POINT = "contact_point"
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_RESTRICTED = "restricted:"
_ROLES = frozenset({"info", "kontakt", "contact", "office", "sales", "vertrieb", "service", "support", "mail", "post"})
_NO_KEY = {
    "en": "Without a key for suppressions nobody is safe from being written to: set XRM_DSGVO_SUPPRESSION_KEY.",
    "de": "Ohne Schlüssel für Werbesperren bliebe niemand von Werbung verschont: XRM_DSGVO_SUPPRESSION_KEY setzen.",
}


def normal(kind: str, value: str, region: str) -> str:
    """The one form of a contact point.

    Args:
        kind: email, phone, post or account.
        value: as somebody has written it.
        region: country of phone numbers that name none.

    Raises:
        Refuse: it is none of this kind.
    """
    text = unicodedata.normalize("NFC", value).strip()
    if kind == "email":
        return _email(text)
    if kind == "phone":
        return _phone(text, region)
    text = " ".join(text.split())
    if not text:
        raise _invalid("It is empty.", "Er ist leer.")
    return text.casefold() if kind == "post" else text


def role_mailbox(kind: str, value: str) -> bool:
    """Whether an address is that of a function: there may be nobody, or anybody, behind it."""
    return kind == "email" and value.partition("@")[0].partition("+")[0] in _ROLES


def digest(kind: str, value: str, settings: Any) -> str:
    """The keyed hash of a contact point in its one form.

    Raises:
        Refuse: there is no key.
    """
    if settings.suppression_key is None:
        raise Refuse(_NO_KEY)
    key = settings.suppression_key.reveal().encode()
    return hmac.new(key, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()


def restricted_form(digest_: str) -> str:
    """What stands in place of a contact point whose person's data are restricted, by its :func:`digest`."""
    return f"{_RESTRICTED}{digest_}"


def digest_of(point: Mapping[str, Any], settings: Any) -> str:
    """The :func:`digest` of a contact point that is stored, also while its value is away."""
    value = str(point["value"])
    if value.startswith(_RESTRICTED):
        return value.removeprefix(_RESTRICTED)
    return digest(point["kind"], value, settings)


def held(context: Writing, kind: str, value: str) -> str:
    """The contact point with this value, made if there is none, and held: whatever changes what may go there waits.

    Args:
        context: a transaction.
        kind: of it.
        value: in its one form.

    Returns:
        Its id.
    """
    found = known(context, kind, value)
    if found is None:
        values = {"kind": kind, "value": value, "role_mailbox": role_mailbox(kind, value)}
        found = upsert(context, POINT, ("kind", "value"), values)
    context.hold(POINT, found)
    return found


def known(context: Looking, kind: str, value: str) -> str | None:
    """The id of the contact point with this value in its one form; None: there is none."""
    found = context.find(POINT, {"kind": {"eq": kind}, "value": {"eq": value}}, 1)
    if not found and context.settings.suppression_key is not None:
        meanwhile = restricted_form(digest(kind, value, context.settings))
        found = context.find(POINT, {"kind": {"eq": kind}, "value": {"eq": meanwhile}}, 1)
    return str(found[0]["id"]) if found else None


def hooks() -> list[On]:
    """Contact points have one form, and become no others."""
    return [On(POINT, "create", before=_in_one_form), On(POINT, ("update", "delete", "restore"), before=_stay)]


def _in_one_form(change: RecordChange) -> Mapping[str, Any] | None:
    if is_own(change):
        return None
    kind = change.changes["kind"]
    if str(change.changes.get("value") or "").strip().casefold().startswith(_RESTRICTED):
        raise _invalid("That stands for an address that is restricted.", "Das steht für eine eingeschränkte Adresse.")
    value = normal(kind, change.changes.get("value") or "", change.settings.region)
    return {"value": value, "role_mailbox": bool(change.changes.get("role_mailbox")) or role_mailbox(kind, value)}


def _stay(change: RecordChange) -> None:
    if is_own(change):
        return
    if change.operation != "update" or any(
        name in change.changes and change.changes[name] != change.before[name] for name in ("kind", "value")
    ):
        raise Refuse(
            {
                "en": "A contact point stays what it is: consents belong to it. Use another one.",
                "de": "Ein Kontaktpunkt bleibt, was er ist: An ihm hängen Einwilligungen. Einen anderen verwenden.",
            }
        )


def _email(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise _invalid("It is no e-mail address.", "Das ist keine E-Mail-Adresse.")
    local, _, domain = text.rpartition("@")
    try:
        return f"{local.casefold()}@{domain.casefold().encode('idna').decode()}"
    except UnicodeError:
        raise _invalid("It is no e-mail address.", "Das ist keine E-Mail-Adresse.") from None


def _phone(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise _invalid("It is no phone number.", "Das ist keine Telefonnummer.") from None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise _invalid("It is no phone number.", "Das ist keine Telefonnummer.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _invalid(english: str, german: str) -> Refuse:
    return Refuse({"en": english, "de": german}, field="value")
