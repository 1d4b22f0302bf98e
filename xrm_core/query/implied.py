"""Row rules that hold anyway: of records that are reached from one that may be seen, and that are asked for by one.

A rule often says of a record what the rule of the record above says of that one: contacts and opportunities of
mid-market companies may be read, and so may mid-market companies. Whoever lists the contacts of a company that may be
seen need not have the company looked up for each of them once more. What is left out here is proved by what the
statement says already, by rules alone: never by the data, nor by what a caller may wish.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from xrm_core.metadata.predicate import (
    EVERYTHING,
    NOTHING,
    All,
    Any_,
    Predicate,
    Related,
    Whole,
    context_names,
    whole,
)

_MOST_CHOICES = 2  # looked into at once: their combinations multiply


@dataclass(frozen=True)
class Facts:
    """What holds of a record: all of ``true``; and the values of the caller that are known."""

    true: tuple[Predicate, ...] = ()
    known: frozenset[str] = frozenset()

    def with_(self, predicate: Predicate) -> "Facts":
        """That a predicate holds, too."""
        match predicate:
            case Whole(part):
                facts = replace(self, true=(*self.true, predicate), known=self.known | context_names(part))
                return facts.with_(part)
            case All(parts):
                facts = self
                for each in parts:
                    facts = facts.with_(each)
                return facts
        return replace(self, true=(*self.true, predicate))

    def imply(self, predicate: Predicate) -> bool:
        """Whether a predicate must hold; False if that cannot be told."""
        match predicate:
            case Whole(part):
                return predicate in self.true or (context_names(part) <= self.known and self.imply(part))
            case All(parts):
                return all(self.imply(each) for each in parts)
        if predicate in self.true:
            return True
        if not isinstance(predicate, Any_):
            return False
        if any(self.imply(each) for each in predicate.parts):
            return True
        # One of these holds, whichever: does each of them lead there?
        choices = [fact for fact in self.true if isinstance(fact, Any_) and fact.parts]
        for choice in choices if len(choices) <= _MOST_CHOICES else ():
            rest = replace(self, true=tuple(each for each in self.true if each is not choice))
            if all(rest.with_(each).imply(predicate) for each in choice.parts):
                return True
        return False


@dataclass(frozen=True)
class Way:
    """A to-one relation of a record that leads to one of which something is known.

    Args:
        relation: its name.
        target: the entity that it leads to.
        facts: what is known of the record there.
    """

    relation: str
    target: str
    facts: Facts

    def implies(self, predicate: Predicate) -> bool:
        """Whether a predicate on the record must hold for what it says of the one that is reached.

        A predicate that names a value of the caller is not left out unless that is known: it is false without.
        """
        return context_names(predicate) <= self.facts.known and self.facts.imply(self._there(predicate))

    def _there(self, predicate: Predicate) -> Predicate:
        """What a predicate says of the record that is reached; what says something else counts as false."""
        match predicate:
            case Related(name=self.relation, target=self.target, how="is", part=part):
                return part
            case Whole(part):
                return self._there(part) if context_names(part) <= self.facts.known else NOTHING
            case All(parts):
                return All(tuple(map(self._there, parts)))
            case Any_(parts):
                return Any_(tuple(map(self._there, parts)))
        return NOTHING


def facts_of(rule: Predicate) -> Facts:
    """What holds of a record for which a row rule does."""
    return Facts().with_(whole(rule))


def beyond(rule: Predicate, ways: Sequence[Way]) -> Predicate:
    """A rule without those of its parts that hold anyway."""
    if not ways:
        return rule
    if isinstance(rule, Whole) and isinstance(rule.part, All):
        left = _left(rule.part, ways)
        return rule if left == rule.part else EVERYTHING if left == EVERYTHING else Whole(left)
    return _left(rule, ways)


def _left(rule: Predicate, ways: Sequence[Way]) -> Predicate:
    parts = list(_parts(rule))
    kept = tuple(each for each in parts if not any(way.implies(each) for way in ways))
    return rule if len(kept) == len(parts) else kept[0] if len(kept) == 1 else All(kept)


def _parts(rule: Predicate) -> Iterator[Predicate]:
    if isinstance(rule, All):
        for each in rule.parts:
            yield from _parts(each)
    else:
        yield rule
