"""From the records that are the person along the links of the annotations to all that is about them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from xrm_core.api import Field, Model, Record
from xrm_dsgvo.discovery.addresses import addresses_of
from xrm_dsgvo.discovery.graph import Hit, Key, Reason, Seed, SubjectGraph
from xrm_dsgvo.discovery.joining import Joining
from xrm_dsgvo.discovery.sources import Searching, Sources, refers_to, target_of
from xrm_dsgvo.points import POINT
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.subjects import SUBJECT


def discover(context: Searching, model: Model, seed: Seed, region: str = "DE") -> SubjectGraph:
    """All records about a person, each once, with why, and with which of their personal fields are theirs.

    It reads whatever there is, row rules or not: ask for the right to it before.

    Args:
        context: of an action, a job or a query field.
        model: its entities.
        seed: with what to begin.
        region: of which country phone numbers without a country are (``Settings.region``).
    """
    return discover_in(Sources(context, model, privacy_of(model)), seed, region)


class TooManyRecords(Exception):
    """More belongs to somebody than whoever asked has time for."""


def discover_in(sources: Sources, seed: Seed, region: str, most: int | None = None) -> SubjectGraph:
    """The same for whoever goes on with these sources. Raises TooManyRecords: there are more than ``most``."""
    joining = Joining(sources, seed, region)
    found = {key: [Reason("match", "value")] for key in addresses_of(sources, joining.own, region)}
    own = {**joining.own, **found}
    way = walk(sources, own, most)
    hits = tuple(
        hit_of(sources, key, frozenset(way.via[key]), tuple(way.why[key]), own=key in own) for key in sorted(way.via)
    )
    counts = {each.name: 0 for each in sources.privacy}
    for each in hits:
        counts[each.entity] += 1
    maybe = tuple(each for each in joining.candidates() if (each.entity, each.id) not in way.via)
    return SubjectGraph(hits, maybe, counts)


@dataclass
class Way:
    """All records that were reached, with the links by which they were, and with why."""

    via: dict[Key, set[str]] = field(default_factory=dict)
    why: dict[Key, list[Reason]] = field(default_factory=dict)


def walk(sources: Sources, own: Mapping[Key, Iterable[Reason]], most: int | None = None) -> Way:
    """From the records that are a person to all that is about them: the one walk of answers and of erasures.

    Raises:
        TooManyRecords: there are more than ``most``.
    """
    way = Way({key: set() for key in own}, {key: list(reasons) for key, reasons in own.items()})
    todo = list(own)
    while todo:
        if most is not None and len(way.via) > most:
            raise TooManyRecords
        at = todo.pop()
        for key, name, up in _along(sources, at, own):
            reason = Reason("link", name, at, up)
            if key not in way.via:
                way.via[key], way.why[key] = set(), [reason]
                todo.append(key)
            elif reason not in way.why[key] and key not in own:
                way.why[key].append(reason)
            if not up:
                way.via[key].add(name)
    return way


def _along(sources: Sources, at: Key, own: Collection[Key]) -> list[tuple[Key, str, bool]]:
    """Records one step away, with the link, and whether it is a step up."""
    found: list[tuple[Key, str, bool]] = []
    for edge in sources.privacy.edges_from(at[0]):
        link = sources.model[edge.holder][edge.field]
        if edge.down:
            records = sources.where(edge.holder, refers_to(link, at), partial(_refers, link, at))
            there = (each for each, _ in records if at[0] != POINT or _theirs(sources, edge.holder, each, own))
            found += [((edge.holder, str(record["id"])), edge.field, False) for record in there]
        elif (record := sources.read(at)) is not None:
            target = target_of(link, record)
            if target is not None and target[0] == edge.end and sources.read(target) is not None:
                found.append((target, edge.field, True))
    return found


def _theirs(sources: Sources, entity: str, record: Record, own: Collection[Key]) -> bool:
    """Whether what hangs on an address, at which several may be reached, is the person's, or nobody's by name."""
    if all(name == POINT for name, _ in own):
        return True
    links = (each for each in sources.model[entity].fields.values() if each.relation is not None)
    persons = [key for each in links if (key := target_of(each, record)) is not None and key[0] == SUBJECT]
    return not persons or any(each in own for each in persons)


def _refers(link: Field, key: Key, record: Record) -> bool:
    return target_of(link, record) == key


def hit_of(sources: Sources, key: Key, via: frozenset[str], why: tuple[Reason, ...], *, own: bool = False) -> Hit:
    """A record that was found by some links, with which of its personal fields are the person's."""
    personal = sorted(sources.privacy[key[0]].personal(), key=lambda each: each.name)
    mine = tuple(each.name for each in personal if not each.of or via & set(each.of))
    others = tuple(each.name for each in personal if each.name not in mine)
    return Hit(*key, own, via, mine, others, why, sources.is_deleted(key), sources.is_restricted(key))
