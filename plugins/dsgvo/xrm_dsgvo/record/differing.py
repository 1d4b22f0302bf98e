"""In what two editions of the record differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LISTS = (
    "purposes",
    "subjects",
    "categories",
    "entities",
    "recipients",
    "transfers",
    "retention",
    "measures",
    "assessments",
    "basis",
)
_SINGLE = ("labels", "art9Basis")


@dataclass
class Difference:
    """One thing that was added, removed or changed. ``activity`` is empty: it is about the whole record."""

    activity: str
    part: str
    change: str
    what: str


def differences(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Iterator[Difference]:
    """What has come and gone since ``old``; None: all of it has come."""
    before = {each["key"]: each for each in (old or {}).get("activities", ())}
    after = {each["key"]: each for each in new["activities"]}
    if old is not None and old.get("controller") != new["controller"]:
        yield Difference("", "controller", "changed", str(new["controller"].get("name", "")))
    for key in sorted(before.keys() | after.keys()):
        if key not in before:
            yield Difference(key, "activity", "added", key)
        elif key not in after:
            yield Difference(key, "activity", "removed", key)
        else:
            yield from _within(key, before[key], after[key])


def _within(activity: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for part in _SINGLE:
        if old.get(part) != new.get(part):
            yield Difference(activity, part, "changed", str(new.get(part)))
    for part in _LISTS:
        before = {_name(each): each for each in old.get(part, ())}
        after = {_name(each): each for each in new.get(part, ())}
        for name in sorted(before.keys() | after.keys()):
            if name not in before:
                yield Difference(activity, part, "added", name)
            elif name not in after:
                yield Difference(activity, part, "removed", name)
            elif before[name] != after[name]:
                yield Difference(activity, part, "changed", name)


def _name(each: Any) -> str:
    if not isinstance(each, Mapping):
        return str(each)
    return str(each.get("key") or " ".join(str(each.get(part)) for part in ("recipient", "country", "instrument")))
