"""Rights on virtual fields follow from those on what they are made of: nothing hidden shows through them.

A computed field is readable where it is granted and all fields that it uses are readable. A roll-up needs the right to
all that it looks at on the related records; on which of them it counts, the scan of those records decides. What is
only ever shown behind a mask is not readable in this sense.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from xrm_core.metadata.model import Field, Model
from xrm_core.metadata.predicate import All, Predicate
from xrm_core.metadata.uses import Place, uses
from xrm_core.permissions.access import Permission
from xrm_core.permissions.policy import Action

Permissions = Mapping[tuple[str, Action], Permission]


def with_derived_rights(model: Model, permissions: Permissions) -> Permissions:
    """The permissions, less virtual fields made of what may not be read; the others get the rules of their parts."""
    if not any(field.virtual for entity in model for field in entity.fields.values()):
        return permissions
    derived = _Derived(model, permissions)
    found = dict(permissions)
    for (name, action), permission in permissions.items():
        if action is Action.READ:
            rules = {
                field: derived.rule((name, field))
                for field in permission.field_rules
                if derived.readable((name, field))
            }
            found[name, action] = replace(permission, field_rules=MappingProxyType(rules))
    return found


class _Derived:
    def __init__(self, model: Model, permissions: Permissions) -> None:
        self._model = model
        self._permissions = permissions
        self._readable: dict[Place, bool] = {}

    def readable(self, place: Place) -> bool:
        """Whether a field, and all that it is made of, can be read on some records."""
        if place not in self._readable:
            permission = self._permissions.get((place[0], Action.READ))
            field = self._virtual(place)
            self._readable[place] = (
                permission is not None
                and place[1] in permission.field_rules
                and (
                    field is None
                    or all(self._in_full(each) for each in uses(self._model, self._model[place[0]], field))
                )
            )
        return self._readable[place]

    def _in_full(self, place: Place) -> bool:
        return self.readable(place) and self._permissions[place[0], Action.READ].in_full(place[1])

    def rule(self, place: Place) -> Predicate | None:
        """The rule that a readable field needs beyond that of the record."""
        own = self._permissions[place[0], Action.READ].field_rules[place[1]]
        field = self._virtual(place)
        if field is None or field.computed is None:
            return own
        parts = self._model[place[0]].expressions[field.name].fields()
        rules = [own, *(self.rule((place[0], name)) for name in parts)]
        found = tuple(dict.fromkeys(rule for rule in rules if rule is not None))
        return None if not found else found[0] if len(found) == 1 else All(found)

    def _virtual(self, place: Place) -> Field | None:
        """The virtual field at a place; None if something else is there."""
        entity = self._model.entities.get(place[0])
        field = None if entity is None else entity.fields.get(place[1])
        return field if field is not None and field.virtual else None
