"""Relations say how records belong to persons, and lead to all that is about somebody."""

from collections.abc import Iterator

from xrm_core.api import KeywordMistake
from xrm_dsgvo.lint.surroundings import Said, Surroundings, of_entity_mistake
from xrm_dsgvo.privacy.reading import edges_of

_LEADING = frozenset({"owner", "participant"})


def mistakes(found: Surroundings) -> Iterator[KeywordMistake]:
    """Of all links, and of entities to which none leads."""
    for each in found.all_fields():
        if "link" in each.words:
            yield from _link(found, each)
    yield from _unreachable(found)


def _link(found: Surroundings, each: Said) -> Iterator[KeywordMistake]:
    link = each.words["link"]
    if each.field.relation is None:
        yield each.mistake("no-relation", "only a relation is a link.", 'Say "category", or "personal": false.')
        return
    more = [word for word in each.words if word not in ("link", "why")]
    if more:
        yield each.mistake("link-alone", f"a link has no {', '.join(more)}.", "Remove them.")
    if link["role"] in _LEADING and link["traverse"] not in ("down", "both") and found.is_person(each.field):
        reason = f"the record is that of its {link['role']}, and is not found from there."
        yield each.mistake("traverse", reason, 'Say "traverse": "down", or another role, e.g. "reference".')
    if link["onErase"] == "unlink" and each.field.required:
        reason = "a required relation cannot be emptied."
        yield each.mistake("unlink", reason, 'Say "cascade", "anonymize", "keep" or "block".')


def _unreachable(found: Surroundings) -> Iterator[KeywordMistake]:
    reached = [name for name in found.entities if found.role(name) == "is_subject"]
    known = set(reached)
    ways: dict[str, list[str]] = {}
    for edge in edges_of(found.model):
        ways.setdefault(edge.start, []).append(edge.end)
    while reached:
        for name in ways.get(reached.pop(), ()):
            if name not in known:
                known.add(name)
                reached.append(name)
    for name in found.entities:
        if found.role(name) in ("about_subject", "shared") and name not in known:
            reason = "no link leads to it from a person, so what it has of somebody would never be found."
            remedy = 'Say "traverse": "down" at the relation by which it belongs to a person, or to a record that does.'
            yield of_entity_mistake(name, "unreachable", reason, remedy)
