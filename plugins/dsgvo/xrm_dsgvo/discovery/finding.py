"""From the records that are the person along the links of the annotations to all that is about them."""

from functools import partial

from xrm_core.api import Field, Model, Record
from xrm_dsgvo.discovery.graph import Hit, Key, Reason, Seed, SubjectGraph
from xrm_dsgvo.discovery.joining import Joining
from xrm_dsgvo.discovery.sources import Searching, Sources, refers_to, target_of
from xrm_dsgvo.privacy import privacy_of


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


def discover_in(sources: Sources, seed: Seed, region: str) -> SubjectGraph:
    """The same for whoever goes on with these sources."""
    joining = Joining(sources, seed, region)
    why = {key: list(reasons) for key, reasons in joining.own.items()}
    via: dict[Key, set[str]] = {key: set() for key in joining.own}
    todo = list(joining.own)
    while todo:
        at = todo.pop()
        for key, field, up in _along(sources, at):
            reason = Reason("link", field, at, up)
            if key not in via:
                via[key], why[key] = set(), [reason]
                todo.append(key)
            elif reason not in why[key] and key not in joining.own:
                why[key].append(reason)
            if not up:
                via[key].add(field)
    hits = tuple(_hit(sources, key, frozenset(via[key]), tuple(why[key]), key in joining.own) for key in sorted(via))
    counts = {each.name: 0 for each in sources.privacy}
    for each in hits:
        counts[each.entity] += 1
    return SubjectGraph(hits, tuple(each for each in joining.candidates() if (each.entity, each.id) not in via), counts)


def _along(sources: Sources, at: Key) -> list[tuple[Key, str, bool]]:
    """Records one step away, with the link, and whether it is a step up."""
    found: list[tuple[Key, str, bool]] = []
    for edge in sources.privacy.edges_from(at[0]):
        field = sources.model[edge.holder][edge.field]
        if edge.down:
            records = sources.where(edge.holder, refers_to(field, at), partial(_refers, field, at))
            found += [((edge.holder, str(record["id"])), edge.field, False) for record, _ in records]
        elif (record := sources.read(at)) is not None:
            target = target_of(field, record)
            if target is not None and target[0] == edge.end and sources.read(target) is not None:
                found.append((target, edge.field, True))
    return found


def _refers(field: Field, key: Key, record: Record) -> bool:
    return target_of(field, record) == key


def _hit(sources: Sources, key: Key, via: frozenset[str], why: tuple[Reason, ...], own: bool) -> Hit:
    personal = sorted(sources.privacy[key[0]].personal(), key=lambda each: each.name)
    mine = tuple(each.name for each in personal if not each.of or via & set(each.of))
    others = tuple(each.name for each in personal if each.name not in mine)
    return Hit(*key, own, via, mine, others, why, sources.is_deleted(key), sources.is_restricted(key))
