"""Preferences: how somebody wants to be written to. They narrow what is allowed, and are never read as a permission."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from xrm_core.api import Action, ActionContext, On, RecordChange, Refuse
from xrm_dsgvo.channels import Channel, PointKind
from xrm_dsgvo.own import Writing, change, create, is_own
from xrm_dsgvo.points import POINT, held, normal
from xrm_dsgvo.purposes import named
from xrm_dsgvo.restored import keeping

PREFERENCE = "preference"
CAPS = ("most_per_day", "most_per_week", "most_per_month")
"""How many messages at most: on a calendar day where the controller is, in 7 days, in 30 days."""


class Wish(Enum):
    """Whether it is wanted."""

    wanted = "wanted"
    unwanted = "unwanted"
    neutral = "neutral"


class Language(Enum):
    """In which somebody wants to read."""

    de = "de"
    en = "en"


@dataclass
class PreferenceInput:
    """What somebody wants, about a topic and a channel, or about everything; with ``clear`` nothing any more."""

    to: str
    point_kind: PointKind = PointKind.email
    topic: str | None = None
    channel: Channel | None = None
    wish: Wish = Wish.neutral
    most_per_day: int | None = None
    most_per_week: int | None = None
    most_per_month: int | None = None
    quiet_from: str | None = None
    quiet_until: str | None = None
    language: Language | None = None
    clear: bool = False


@dataclass
class Preferred:
    """The preference."""

    preference: str
    status: str


def set_(context: ActionContext, given: PreferenceInput) -> Preferred:
    """Keep it: of one topic and channel at a contact point there is one.

    Raises:
        Refuse: there is no such topic, or it is no contact point.
    """
    kind = given.point_kind.value
    point = held(context, kind, normal(kind, given.to, context.settings.region))
    values = {
        "channel": given.channel.value if given.channel else None,
        "topic": named(context, given.topic) if given.topic else None,
        "wish": given.wish.value,
        **{name: getattr(given, name) for name in CAPS},
        "quiet_from": given.quiet_from,
        "quiet_until": given.quiet_until,
        "language": given.language.value if given.language else None,
    }
    if given.clear:
        values |= dict.fromkeys((*CAPS, "quiet_from", "quiet_until", "language")) | {"wish": "neutral"}
    return keep(context, point, values, clear=given.clear)


def keep(context: Writing, point: str, values: dict[str, Any], *, clear: bool = False) -> Preferred:
    """The same at a contact point that is held."""
    keeping.preferred(context, point, values, cleared=clear)
    for each in context.find(PREFERENCE, {"contact_point": {"id": {"eq": point}}}, 1_000):
        if (each["topic"], each["channel"]) == (values["topic"], values["channel"]):
            status = "cleared" if clear else "changed"
            change(context, PREFERENCE, each["id"], {**values, "status": status})
            return Preferred(each["id"], status)
    status = "cleared" if clear else "set"
    return Preferred(create(context, PREFERENCE, {**values, "contact_point": point, "status": status}), status)


def actions() -> list[Action]:
    """``dsgvoPreferenceSet``."""
    about = {"en": "What somebody wants to get.", "de": "Was jemand bekommen möchte."}
    return [Action("dsgvo.preference_set", set_, input=PreferenceInput, answers=Preferred, description=about)]


def hooks() -> list[On]:
    """Its status follows from what is done with it, and it is cleared rather than deleted."""
    return [On(PREFERENCE, ("create", "update", "delete", "restore"), before=_status)]


def _status(change_: RecordChange) -> Mapping[str, Any] | None:
    if is_own(change_):
        return None
    if change_.operation in ("delete", "restore"):
        text = {
            "en": "A preference is cleared by dsgvoPreferenceSet, so that it is known that there was one.",
            "de": "Eine Präferenz hebt dsgvoPreferenceSet auf; so bleibt bekannt, dass es sie gab.",
        }
        raise Refuse(text)
    if change_.changes.get("status", change_.before.get("status")) != change_.before.get("status"):
        text = {"en": "The status follows by itself.", "de": "Der Status ergibt sich von selbst."}
        raise Refuse(text, field="status")
    if change_.operation == "update" and change_.after["contact_point"] != change_.before["contact_point"]:
        text = {"en": "It stays with its contact point.", "de": "Sie bleibt bei ihrem Kontaktpunkt."}
        raise Refuse(text, field="contact_point")
    after = dict(change_.after)

    def follow(context: Any, _: str) -> None:
        context.hold(POINT, after["contact_point"])
        keeping.preferred(context, str(after["contact_point"]), after, cleared=False)

    change_.then(follow)
    return {"status": "set" if change_.operation == "create" else "changed"}
