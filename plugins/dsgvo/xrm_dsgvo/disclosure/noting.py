"""What leaves is noted before it does: one record for each connector and record, with the fields that have ever gone.

Names and ids, no values. Of what leaves each day the same it is noted once a day.
"""

from collections.abc import Iterable, Iterator

from xrm_core.api import Field, MessageContext, On, OutgoingMessage, Parcel
from xrm_dsgvo.discovery.identity import one_form
from xrm_dsgvo.informing.duties import due_now
from xrm_dsgvo.own import Writing, change, kept, upsert
from xrm_dsgvo.points import POINT, known
from xrm_dsgvo.privacy import PrivacyModel, privacy_of
from xrm_dsgvo.processors.connectors import today

DISCLOSURE = "disclosure"
KEY = ("connector", "entity_name", "record_id")


def note(context: Writing, connector: str, parcels: Iterable[Parcel]) -> None:
    """Keep that fields of records go by a connector; by one of the controller's own they go to nobody else.

    Args:
        context: a transaction that is committed before they leave.
        connector: its kind and name.
        parcels: what leaves.
    """
    if connector in context.settings.own_connectors:
        return
    privacy = privacy_of(context.records.model)
    about = [each for each in parcels if _is_personal(privacy, each)]
    if not about:
        return
    bound = context.find("data_connector", {"key": {"eq": connector}}, 1)
    processor = str(bound[0]["processor"]) if bound else None
    for each in sorted(about, key=lambda one: (one.entity, one.record)):
        _note(context, connector, processor, each)


def note_given(context: Writing, processor: str, parcels: Iterable[Parcel]) -> None:
    """The same of what a recipient is given at the person's own wish (Article 20(2))."""
    for each in parcels:
        _note(context, f"portability:{processor}", processor, each)


def note_message(context: MessageContext, message: OutgoingMessage) -> None:
    """The same of a message that is handed over: whoever carries it gets the address."""
    connector = f"channel:{message.channel}"
    if connector not in context.settings.own_connectors:
        note(context, connector, _parcels(context, message))


def hooks() -> list[On]:
    """Nobody but the plugin writes them."""
    text = {"en": "The platform keeps what has left.", "de": "Was übermittelt wurde, vermerkt die Plattform."}
    return [kept(DISCLOSURE, text)]


def _note(context: Writing, connector: str, processor: str | None, parcel: Parcel) -> None:
    day = today(context.settings)
    key = {"connector": connector, "entity_name": parcel.entity, "record_id": parcel.record}
    found = context.find(DISCLOSURE, {name: {"eq": value} for name, value in key.items()}, 1)
    names = set((found[0]["fields"] or {}).get("names", ())) if found else set()
    if found and parcel.fields <= names and found[0]["last_on"] == day and found[0]["processor"] == processor:
        return
    values = {**key, "processor": processor, "last_on": day}
    if not found:
        due_now(context, [(parcel.entity, parcel.record)], "first_disclosure")
    id_ = upsert(context, DISCLOSURE, KEY, values if found else {**values, "first_on": day})
    context.hold(DISCLOSURE, id_)
    stored = context.read(DISCLOSURE, id_) or {}
    every = set((stored.get("fields") or {}).get("names", ())) | parcel.fields
    change(context, DISCLOSURE, id_, {"fields": {"names": sorted(every)}})


def _is_personal(privacy: PrivacyModel, parcel: Parcel) -> bool:
    """Whether it is about a person: it has a field of theirs, or tells that there is, or was, a record of theirs."""
    said = privacy.entities.get(parcel.entity)
    if said is None:
        return False
    if not parcel.fields:
        return said.role in ("is_subject", "about_subject", "shared")
    return any(each.name in parcel.fields for each in said.personal())


def _parcels(context: MessageContext, message: OutgoingMessage) -> Iterator[Parcel]:
    region, address = context.settings.region, message.address or ""
    space = next((each for each in ("email", "phone") if one_form(each, address, region)), None)
    form = one_form(space, address, region) if space else None
    if space is None or form is None:
        return
    if (point := known(context, space, form)) is not None:
        yield Parcel(POINT, point, frozenset({"value"}))
    for entity, id_ in {message.about, *([message.person] if message.person else [])}:
        record = context.read(entity, id_) or {}
        fields = context.records.model[entity].fields.values()
        if names := {each.name for each in fields if _has(each, record.get(each.name), space, form, region)}:
            yield Parcel(entity, id_, frozenset(names))


def _has(field: Field, value: object, space: str, form: str, region: str) -> bool:
    return str(field.type) == space and isinstance(value, str) and one_form(space, value, region) == form
