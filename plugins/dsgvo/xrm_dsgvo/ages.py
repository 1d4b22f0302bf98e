"""Until when somebody is too young to consent alone, by the date of birth that a record of theirs has."""

from datetime import date
from typing import Any

from xrm_core.api import On, Record, RecordChange
from xrm_dsgvo.own import Writing, change
from xrm_dsgvo.privacy import privacy_of

AGE = 16
"""From which age on somebody consents alone in Germany, which has not lowered it (Article 8(1))."""

_BORN = {"contact": "birthday"}
"""Persons whose date of birth may become known, or be corrected, once there is something that they have said."""


def grown_up_on(born: date) -> date:
    """The day on which somebody turns 16; who was born on 29 February does so on 1 March."""
    try:
        return born.replace(year=born.year + AGE)
    except ValueError:
        return date(born.year + AGE, 3, 1)


def minor_until(context: Writing, entity: str, record: Record) -> str | None:
    """The day on which the person of a record turns 16; None: they have, or nobody knows when they were born."""
    name = privacy_of(context.records.model)[entity].birth_date
    born = context.in_clear(entity, record).get(name) if name else None
    if not born:
        return None
    day = grown_up_on(date.fromisoformat(str(born)[:10]))
    return day.isoformat() if day > date.today() else None


def hooks() -> list[On]:
    """A date of birth that comes or is corrected counts at once."""
    return [On(entity, "update", fields=(field,), before=_born) for entity, field in _BORN.items()]


def _born(change_: RecordChange) -> None:
    entity = change_.entity
    if change_.after.get(_BORN[entity]) is None:
        return  # one that goes by an erasure makes nobody older

    def follow(context: Any, id_: str) -> None:
        record = context.read(entity, id_) or {}
        day = {"minor_until": minor_until(context, entity, record)}
        for each in context.find("data_subject_link", {"entity_name": {"eq": entity}, "record_id": {"eq": id_}}, 10):
            change(context, "data_subject", str(each["data_subject"]), day)

    change_.then(follow)
