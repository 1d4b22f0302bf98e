"""A policy set without what names parts of a model that are going."""

import csv
import io
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from xrm_core.permissions.policy_files import POLICIES, ROLES

_ENTITY, _FIELDS, _RULE = 1, 3, 4
_COLUMNS = 6


@dataclass(frozen=True)
class Trimmed:
    """The texts that are left, and the lines of ``policies.csv`` that are gone or have lost fields, as they were."""

    files: Mapping[str, str]
    lines: tuple[str, ...]


def trimmed(
    files: Mapping[str, str], entities: Collection[str], fields: Mapping[str, Collection[str]], actions: str
) -> Trimmed:
    """Take out lines and fields that name what is going, and rules that only such lines have used.

    Args:
        files: texts of a valid set.
        entities: those that are going.
        fields: of entities that stay, those that are going.
        actions: what the names of actions that are going begin with: ``fleet.``.
    """
    rows = [row for row in csv.reader(files[POLICIES].splitlines(), strict=True) if row]
    kept, lines = [rows[0]], []
    for row in rows[1:]:
        left = _left(row, entities, fields, actions)
        if left != row:
            lines.append(",".join(row))
        if left is not None:
            kept.append(left)
    if not lines:
        return Trimmed(files, ())
    unused = {row[_RULE] for row in rows[1:]} - {row[_RULE] for row in kept[1:]}
    roles = json.loads(files[ROLES])
    if unused and "rules" in roles:
        roles["rules"] = {name: rule for name, rule in roles["rules"].items() if name not in unused}
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows(kept)
    texts = {ROLES: json.dumps(roles, ensure_ascii=False, indent=2) + "\n", POLICIES: made.getvalue()}
    return Trimmed(texts, tuple(lines))


def _left(
    row: list[str], entities: Collection[str], fields: Mapping[str, Collection[str]], actions: str
) -> list[str] | None:
    """What is left of a line; None: nothing."""
    entity = row[_ENTITY]
    if entity in entities or entity.startswith(actions):
        return None
    gone, named = fields.get(entity, ()), row[_FIELDS].split()
    if not set(gone) & set(named):
        return row
    rest = [name for name in named if name not in gone]
    return [*row[:_FIELDS], " ".join(rest), *row[_FIELDS + 1 : _COLUMNS]] if rest else None
