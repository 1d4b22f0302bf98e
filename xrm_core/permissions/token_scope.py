"""What an API token may at most: some of the roles of its user, some actions on some entities.

A scope only takes: what a user may is compiled from their roles, and of that what is in the scope is left. Policies
that deny count whatever roles the scope has, so leaving out a role never gives a right back that the role takes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xrm_core.errors import SettingsError
from xrm_core.permissions.policy import ALL, OBJECTS, OF_RECORDS, Action, is_action

Grant = tuple[str, Action]


@dataclass(frozen=True, slots=True)
class TokenScope:
    """``roles`` and ``grants`` (pairs of entity, or ``*``, and action) that a token is held to; None: all.

    ``personal``: it acts as its user in every respect, who may manage their own account by it.
    """

    roles: frozenset[str] | None = None
    grants: frozenset[Grant] | None = None
    personal: bool = True

    def allows(self, entity: str, action: Action) -> bool:
        """Whether an action on an entity is in the scope, or on another object, for which ``*`` does not stand."""
        if self.grants is None or (entity, action) in self.grants:
            return True
        return entity not in OBJECTS and (ALL, action) in self.grants

    def key(self) -> str:
        """A text that is the same for the same scopes; empty for all."""
        if self == UNSCOPED:
            return ""
        roles = ALL if self.roles is None else ",".join(sorted(self.roles))
        grants = (
            ALL if self.grants is None else ",".join(sorted(f"{entity}:{action}" for entity, action in self.grants))
        )
        return f"|{roles}|{grants}|{self.personal}"


UNSCOPED = TokenScope()


def read_grants(
    words: Iterable[str], entities: Iterable[str], objects: Iterable[str] = OBJECTS
) -> dict[str, list[str]]:
    """``["customer:read,update", "product:*"]`` → entity → actions, as a token keeps it.

    Args:
        words: an entity, or ``*`` for all, and its actions; the same entity twice adds up.
        entities: names that are known, beside ``*``.
        objects: and of other objects of permissions.

    Raises:
        SettingsError: there is no such entity or action.
    """
    known = {*entities, ALL, *objects}
    found: dict[str, set[str]] = {}
    for word in words:
        entity, _, actions = word.partition(":")
        possible = {Action.RUN} if is_action(entity) else set(Action) if entity == ALL else set(OF_RECORDS)
        named = {each.strip() for each in actions.split(",")} if actions != ALL else possible
        if entity not in known and not is_action(entity):
            raise SettingsError(f"There is no entity {entity!r}.", hint="Write entity:action,action, or *:action.")
        wrong = sorted(named - possible)
        if wrong:
            known_words = ", ".join(each for each in Action if each in possible)
            raise SettingsError(
                f"{word!r}: there is no action {wrong[0]!r}.", hint=f"Actions are {known_words}, and * for all."
            )
        found.setdefault(entity, set()).update(named)
    return {entity: sorted(actions) for entity, actions in sorted(found.items())}


def grants_of(stored: Mapping[str, Iterable[str]] | None) -> frozenset[Grant] | None:
    """What a token keeps, as a scope has it. Actions that are not known any more grant nothing."""
    if stored is None:
        return None
    known = set(Action)
    return frozenset(
        (entity, Action(action)) for entity, actions in stored.items() for action in actions if action in known
    )
