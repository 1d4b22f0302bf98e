"""What is kept of rights beyond a restore: ids, hashes, kinds and moments. What somebody has written is sealed by the
key of the person, and goes with it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from xrm_core.api import keep_beyond_restore, open_text, seal_text
from xrm_dsgvo.own import Writing
from xrm_dsgvo.purposes import PURPOSE
from xrm_dsgvo.restored.persons import told

SUPPRESSED, RELEASED = "dsgvo.suppression", "dsgvo.suppression_released"
CONSENT_ENDED = "dsgvo.consent_ended"
PREFERRED = "dsgvo.preference"
OBJECTED, DECIDED = "dsgvo.objection", "dsgvo.objection_decided"
RESTRICTED, ANNOUNCED, LIFTED = "dsgvo.restriction", "dsgvo.restriction_announced", "dsgvo.restriction_lifted"
RECTIFIED = "dsgvo.rectification"
HELD, HOLD_RELEASED = "dsgvo.hold", "dsgvo.hold_released"
DIED, LIVES = "dsgvo.death", "dsgvo.death_revoked"

_WISHES = ("wish", "most_per_day", "most_per_week", "most_per_month", "quiet_from", "quiet_until", "language")
ENDING = frozenset({"withdrawn", "invalidated", "expired", "superseded"})
"""Events after which a consent allows nothing. One that nobody has confirmed in time ends by itself."""


def suppressed(context: Writing, entry: Mapping[str, Any]) -> None:
    """A contact point is not written to, or counts from now on."""
    keep_beyond_restore(context.connection, SUPPRESSED, _entry(context, entry))


def released(context: Writing, entry: Mapping[str, Any], at: str) -> None:
    """It may be written to again."""
    keep_beyond_restore(context.connection, RELEASED, {**_entry(context, entry), "released_at": at})


def ended(context: Writing, consent: str, kind: str, at: str) -> None:
    """A consent has ended, by an event of :data:`ENDING`."""
    keep_beyond_restore(context.connection, CONSENT_ENDED, {"consent": consent, "kind": kind, "at": at})


def objected(context: Writing, objection: str, values: Mapping[str, Any], points: Iterable[str] = ()) -> None:
    """Somebody has objected, at these contact points."""
    names = ("scope", "channel", "received_at", "effective_at", "status")
    said = {name: values[name] for name in names} | {"purpose": purpose_told(context, values["purpose"])}
    said |= {"objection": objection, "person": told(context, values["data_subject"]), "points": list(points)}
    said["grounds"] = _sealed(context, values["data_subject"], values["grounds"])
    keep_beyond_restore(context.connection, OBJECTED, said)


def decided(context: Writing, objection: Mapping[str, Any], status: str, assessment: str | None = None) -> None:
    """An objection was decided on, or closed."""
    said = {"objection": objection["id"], "effective_at": objection["effective_at"], "status": status}
    said["person"] = told(context, objection["data_subject"])
    said["assessment"] = _sealed(context, objection["data_subject"], assessment)
    keep_beyond_restore(context.connection, DECIDED, said)


def preferred(context: Writing, point: str, values: Mapping[str, Any], *, cleared: bool) -> None:
    """Somebody wants something at a contact point, or nothing any more: it narrows what may be sent."""
    said = {name: values.get(name) for name in ("wish", "channel")} | {"point": point, "cleared": cleared}
    said["topic"] = purpose_told(context, values.get("topic"))
    said["given"] = {name: values[name] for name in _WISHES if name in values}
    keep_beyond_restore(context.connection, PREFERRED, said)


def restricted(context: Writing, restriction: str, values: Mapping[str, Any]) -> None:
    """Data of a person were restricted."""
    said = {name: values[name] for name in ("ground", "since", "review_on", "parts", "purposes")}
    said |= {"restriction": restriction, "person": told(context, values["data_subject"])}
    said["because"] = _sealed(context, values["data_subject"], values["because"])
    keep_beyond_restore(context.connection, RESTRICTED, said)


def lifting(context: Writing, kind: str, restriction: Mapping[str, Any], at: str, text: str) -> None:
    """The person was told that it will be lifted, or it was; and how, or why."""
    said = {"restriction": restriction["id"], "since": restriction["since"], "at": at}
    said["text"] = _sealed(context, restriction["data_subject"], text)
    said["person"] = told(context, restriction["data_subject"])
    keep_beyond_restore(context.connection, kind, said)


def held(context: Writing, hold: str, values: Mapping[str, Any]) -> None:
    """A legal hold was set. Its matter is a file number, and its basis a norm."""
    names = ("matter", "basis", "entity_name", "record_id", "review_on")
    keep_beyond_restore(context.connection, HELD, {name: values[name] for name in names} | {"hold": hold})


def hold_released(context: Writing, hold: Mapping[str, Any], at: str) -> None:
    """It was released."""
    said = {name: hold[name] for name in ("matter", "basis", "entity_name", "record_id")}
    keep_beyond_restore(context.connection, HOLD_RELEASED, said | {"hold": hold["id"], "at": at})


def rectified(
    context: Writing, request: str, subject: str, values: Mapping[tuple[str, str], Mapping[str, Any]]
) -> None:
    """Fields of records have other values; without a key store nobody will know which."""
    text = json.dumps([[*key, new] for key, new in sorted(values.items())], ensure_ascii=False)
    if (sealed := _sealed(context, subject, text)) is not None:
        said = {"request": request, "person": told(context, subject), "values": sealed}
        keep_beyond_restore(context.connection, RECTIFIED, said)


def died(context: Writing, subject: str, values: Mapping[str, Any]) -> None:
    """Somebody has died, as far as is known."""
    said = {"person": told(context, subject), "died_on": values["died_on"]}
    said["source"] = _sealed(context, subject, values["death_source"])
    keep_beyond_restore(context.connection, DIED, said)


def lives(context: Writing, subject: str) -> None:
    """They have not."""
    keep_beyond_restore(context.connection, LIVES, {"person": told(context, subject)})


def purpose_told(context: Writing, purpose: str | None) -> Mapping[str, Any] | None:
    """A purpose, by its id and its key, which is the same where somebody makes it again."""
    stored = context.read(PURPOSE, purpose) if purpose else None
    return None if stored is None else {"id": stored["id"], "key": stored["key"]}


def text_of(context: Writing, said: Mapping[str, Any], name: str) -> str | None:
    """What somebody has written then; None: nothing, or nobody can read it any more."""
    person = said["person"]
    return None if person is None else open_text(context, str(person["subject"]), said.get(name))


def _sealed(context: Writing, subject: str | None, text: str | None) -> str | None:
    return None if not subject or not text else seal_text(context, str(subject), text)


def _entry(context: Writing, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    said = {name: entry[name] for name in ("digest", "kind", "reason", "channel", "at")}
    return said | {"purpose": purpose_told(context, entry["purpose"])}
