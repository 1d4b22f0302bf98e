"""Whether what is left of somebody fits enough others (k-anonymity), or would still single them out.

A decade of birth and the beginning of a postal code are coarse among thousands, and a name among twelve.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from xrm_core.api import Entity, Record
from xrm_dsgvo.own import Looking
from xrm_dsgvo.privacy import EntityPrivacy, Erase


def singled_out(
    context: Looking, entity: Entity, said: EntityPrivacy, stored: Record, values: Mapping[str, Any]
) -> set[str]:
    """The fields with a coarse value that have to go as well, since fewer records than a group fit all of them.

    Args:
        context: finds records.
        entity: of the record.
        said: its annotations.
        stored: the record as it is.
        values: what is to be written.
    """
    coarse = {name: value for name, value in values.items() if value is not None and _is_coarse(said, name)}
    if not coarse:
        return set()
    where: dict[str, Any] = {}
    for name, value in (coarse | dict(_left(entity, said, stored, values))).items():
        if entity[name].sealing is not None:  # no filter can look at it, so nobody knows who else fits
            return _droppable(entity, coarse)
        where[name] = _same(said.fields[name].erase, value)
    most = int(context.settings.anonymous_group)
    return _droppable(entity, coarse) if len(context.find(entity.name, where, most)) < most else set()


def _is_coarse(said: EntityPrivacy, name: str) -> bool:
    rule = said.fields[name].erase
    return rule is not None and rule.strategy == "generalize"


def _left(entity: Entity, said: EntityPrivacy, stored: Record, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What else may single somebody out, and stays as it is."""
    for each in said.personal():
        value = stored.get(each.name)
        if (
            each.identifier == "quasi"
            and each.name not in values
            and value is not None
            and not entity[each.name].virtual
        ):
            yield each.name, value


def _droppable(entity: Entity, names: Mapping[str, Any]) -> set[str]:
    return {name for name in names if not entity[name].required}


def _same(rule: Erase | None, value: Any) -> Mapping[str, Any]:
    """A filter: a field has a value that is as coarse as this one."""
    text = str(value)
    to = rule.to if rule is not None and rule.strategy == "generalize" else None
    if to in ("year", "decade"):
        last = int(text[:4]) + (9 if to == "decade" else 0)
        return {"gte": value, "lte": f"{last:04}-12-31{text[10:] and 'T23:59:59.999999Z'}"}
    if to == "plz2":
        return {"startsWith": text[:2]}
    if to == "domain":
        return {"endsWith": text}
    if to == "bucket":
        number = Decimal(text)
        step = Decimal(1).scaleb(number.adjusted()) if number else Decimal(1)
        low, high = (number, number + step) if number >= 0 else (number - step, number)
        return {"gte": type(value)(format(low, "f")), "lt" if number >= 0 else "lte": type(value)(format(high, "f"))}
    return {"eq": value}
