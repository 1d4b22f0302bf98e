"""Restricted data are looked at for one of the purposes that Article 18(2) allows, and that is kept."""

from dataclasses import dataclass

from starlette.responses import Response

from xrm_core.api import (
    ActionContext,
    Record,
    Refuse,
    Route,
    RouteContext,
    Vaulted,
    in_vault,
)
from xrm_dsgvo.own import Making, create, now
from xrm_dsgvo.restriction.standing import RESTRICTION
from xrm_dsgvo.restriction.telling import RestrictedData, asked_for, file_among, told
from xrm_dsgvo.restriction.terms import AllowedPurpose, allowed_of

_RIGHT = "dsgvo.restriction_look"


@dataclass
class RestrictionLookInput:
    """Which, for what, and why."""

    restriction: str
    purpose: AllowedPurpose
    because: str


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
    return RestrictionLooked([told(context, each) for each in _looked_at(context, given)])


def look_at_file(context: RouteContext) -> Response:
    """One of its files, under the same conditions.

    Raises:
        Refuse, Forbidden: as above; or there is no such file.
    """
    purpose, because = asked_for(context, _RIGHT, AllowedPurpose)
    given = RestrictionLookInput(context.request.path["restriction"], purpose, because)
    return file_among(context, _looked_at(context, given))


def routes() -> list[Route]:
    """``/restrictions/{restriction}/files/{file}``."""
    return [Route("/restrictions/{restriction}/files/{file}", look_at_file, ("POST",), seconds=60.0)]


def _looked_at(context: Making, given: RestrictionLookInput) -> list[Vaulted]:
    """What lies there, once it is kept that somebody looks."""
    found: Record | None = context.read(RESTRICTION, given.restriction)
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
    return records
