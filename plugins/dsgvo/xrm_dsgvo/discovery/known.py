"""What somebody is known by, apart from their records: by it records of theirs are found that come later."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from xrm_dsgvo.discovery.identity import Identifier


@dataclass(frozen=True, slots=True)
class Called:
    """The first names of somebody, and all words of their name, in the form in which names are compared."""

    first: frozenset[str]
    whole: frozenset[str]

    def may_be(self, other: "Called") -> bool:
        """Whether both may be of one person: a first name is the same or an initial, or all is turned round."""
        return self.whole == other.whole or any(
            one == two or (1 in (len(one), len(two)) and one[0] == two[0]) for one in self.first for two in other.first
        )


@dataclass(frozen=True, slots=True)
class Known:
    """Of one person.

    Args:
        identifiers: addresses, numbers and accounts in their one form.
        births: their days of birth, as the records say.
        called: their names.
    """

    identifiers: frozenset[Identifier] = frozenset()
    births: frozenset[str] = frozenset()
    called: frozenset[Called] = frozenset()

    def exported(self) -> dict[str, Any]:
        """As JSON: it names the person."""
        return {
            "identifiers": sorted([each.space, each.value, each.weak] for each in self.identifiers),
            "births": sorted(self.births),
            "called": sorted([sorted(each.first), sorted(each.whole)] for each in self.called),
        }

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """Of JSON."""
        return cls(
            frozenset(Identifier(space, value, weak) for space, value, weak in said["identifiers"]),
            frozenset(said["births"]),
            frozenset(Called(frozenset(first), frozenset(whole)) for first, whole in said["called"]),
        )
