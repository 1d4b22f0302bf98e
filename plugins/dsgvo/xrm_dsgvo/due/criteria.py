"""What speaks for an impact assessment of an activity: by annotations, and by what is around them.

No I/O in here. The criteria are those that supervisory authorities count (WP 248): a processing that meets two of them
usually needs one. Kinds of processing that need one anyway stand in the register ``impact_list``: those of Article
35(3), and those of lists of authorities (35(4)) as far as annotations know them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xrm_dsgvo.privacy import FieldPrivacy, PrivacyModel
from xrm_dsgvo.record.making import fields_of
from xrm_dsgvo.registers import Activity, ListedProcessing, Registers

_ENOUGH = 2
_SENSITIVE = ("user.location", "user.financial", "user.government_id")
_VULNERABLE = frozenset({"child", "employee", "job_applicant"})


@dataclass(frozen=True)
class Scale:
    """What no annotation knows.

    Args:
        persons: entity → how many of its records are there.
        abroad: activity → keys of its recipients outside the EEA.
        large: from so many persons on it is a large scale.
    """

    persons: Mapping[str, int] = field(default_factory=dict)
    abroad: Mapping[str, Sequence[str]] = field(default_factory=dict)
    large: int = 10_000


@dataclass(frozen=True)
class Found:
    """Of an activity: criterion → by what it is met, and the kinds of the list that it is of."""

    activity: str
    criteria: Mapping[str, Sequence[str]]
    listed: Sequence[ListedProcessing]

    @property
    def required(self) -> bool:
        """Whether enough speaks for an assessment."""
        return bool(self.listed) or len(self.criteria) >= _ENOUGH

    @property
    def marks(self) -> list[str]:
        """All of it as keys: what is new among them was not looked at when an assessment was approved."""
        return sorted({*self.criteria, *(each.key for each in self.listed)})


def found_of(privacy: PrivacyModel, registers: Registers, scale: Scale | None = None) -> Iterator[Found]:
    """Each activity for which something speaks."""
    around = scale or Scale()
    for key in sorted({key for entity in privacy for key in entity.activities}):
        activity = registers.activities[key]
        fields = list(fields_of(privacy, activity, registers))
        criteria = dict(_criteria(privacy, activity, fields, registers, around))
        if criteria:
            kinds = {kind for entity in privacy if key in entity.activities for kind in entity.kinds}
            listed = [each for each in registers.impact_list.values() if _is(each, criteria, fields, kinds)]
            yield Found(key, criteria, listed)


def _criteria(
    privacy: PrivacyModel, activity: Activity, fields: Sequence[FieldPrivacy], registers: Registers, scale: Scale
) -> Iterator[tuple[str, list[str]]]:
    found = {
        "automated_decision": [each for each in fields if each.decision == "art22"],
        "scoring": [each for each in fields if each.decision == "profiling"],
        "special_category": [each for each in fields if _is_special(each, registers)],
        "sensitive": [each for each in fields if str(each.category).startswith(_SENSITIVE)],
        "matched_sources": [each for each in fields if each.origin == "third_party"],
    }
    for name, having in found.items():
        if having:
            yield name, [f"{each.entity}.{each.name}" for each in having]
    entities = [entity for entity in privacy if activity.key in entity.activities]
    vulnerable = {each.name for each in entities if _VULNERABLE & set(each.kinds) or each.birth_date}
    if vulnerable:
        yield "vulnerable_persons", sorted(vulnerable)
    many = {each.name: scale.persons.get(each.name, 0) for each in entities if each.role == "is_subject"}
    if sum(many.values()) >= scale.large:
        yield "large_scale", sorted(name for name, count in many.items() if count)
    if abroad := scale.abroad.get(activity.key):
        yield "third_country", sorted(abroad)


def _is(
    listed: ListedProcessing, criteria: Mapping[str, Sequence[str]], fields: Sequence[FieldPrivacy], kinds: set[str]
) -> bool:
    """Whether an activity is of a kind: all that the entry names is there."""
    categories = {str(each.category) for each in fields}
    return (
        set(listed.criteria) <= criteria.keys()
        and (not listed.kinds or bool(kinds & set(listed.kinds)))
        and (
            not listed.categories
            or any(f"{one}.".startswith(f"{two}.") for one in categories for two in listed.categories)
        )
    )


def _is_special(each: FieldPrivacy, registers: Registers) -> bool:
    return bool(each.special or registers.categories[str(each.category)].special)
