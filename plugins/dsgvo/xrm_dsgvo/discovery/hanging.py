"""Records about a person that somebody had deleted before, and that have left the trash: the change log has them yet.

No link leads to them any more but the one that the log keeps. Answers and erasures find them in the same way.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from xrm_core.api import GoneRecord, gone_records
from xrm_dsgvo.discovery.finding import hit_of
from xrm_dsgvo.discovery.graph import Hit, Key, Reason, SubjectGraph
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.points import POINT
from xrm_dsgvo.privacy import PrivacyModel


@dataclass
class Hung:
    """By which links a record hung on others, and what the log has of its last state, by names of then."""

    values: Mapping[str, Any]
    via: set[str] = field(default_factory=set)


def hung_on(context: Any, privacy: PrivacyModel, found: Iterable[tuple[Key, bool, Collection[str]]]) -> dict[Key, Hung]:
    """Those that belonged to a person or to what belongs to them, and what belonged to these.

    Args:
        context: in a transaction.
        privacy: what the files say.
        found: what is there: each record, whether it is the person, and the links by which it was found.
    """
    there = list(found)
    known = {key for key, _, _ in there}
    reached: dict[Key, Hung] = {}
    # of what hangs on an address, at which several may be reached, nobody can ask any more whose it was
    ahead = {key for key, own, via in there if own or (via and key[0] != POINT)}
    while ahead:
        new = set[Key]()
        for each in _below(context, privacy, ahead):
            key = (each.entity, each.id)
            if key not in known:
                new |= {key} - reached.keys()
                reached.setdefault(key, Hung(each.values)).via.add(each.field)
        ahead = new
    return dict(sorted(reached.items()))


def with_gone(context: Any, sources: Sources, graph: SubjectGraph) -> SubjectGraph:
    """What was found, and what hung on the person and is gone for good, as far as the log has personal data of it.

    Raises:
        SealingUnavailable: what is closed in the log cannot be opened.
    """
    hits: list[Hit] = []
    found = ((each.key, each.own, each.via) for each in graph.hits)
    for key, hung in hung_on(context, sources.privacy, found).items():
        sources.look_in_log(key)
        record = sources.read(key)
        hit = hit_of(sources, key, frozenset(hung.via), tuple(Reason("link", name) for name in sorted(hung.via)))
        if record is not None and any(record.get(name) not in (None, "", []) for name in hit.mine):
            hits.append(hit)
    counts = dict(graph.searched)
    for each in hits:
        counts[each.entity] += 1
    return replace(graph, hits=(*graph.hits, *hits), searched=counts)


def _below(context: Any, privacy: PrivacyModel, keys: set[Key]) -> Iterator[GoneRecord]:
    """What hung on some records by a link that is followed."""
    ways = {(edge.holder, edge.field) for entity, _ in keys for edge in privacy.edges_from(entity) if edge.down}
    found = gone_records(context, [id_ for _, id_ in keys]) if ways else []
    return (each for each in found if (each.entity, each.field) in ways)
