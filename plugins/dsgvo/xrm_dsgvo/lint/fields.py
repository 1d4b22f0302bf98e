"""What fields say of themselves fits together, and fits what they are."""

from collections.abc import Iterator

from xrm_core.api import KeywordMistake
from xrm_dsgvo.lint.surroundings import Said, Surroundings
from xrm_dsgvo.privacy.reading import names_of

_KINDS = ("personal", "category", "link")
_SPECIAL = {"art9": "Article 9", "art10": "Article 10"}


def mistakes(found: Surroundings) -> Iterator[KeywordMistake]:
    """Of all fields."""
    for each in found.all_fields():
        kinds = [word for word in _KINDS if word in each.words]
        if len(kinds) != 1:
            said = f"it says {' and '.join(kinds)}." if kinds else 'it says neither "category" nor "link".'
            yield each.mistake("one-of", said, 'Say one of "personal": false, "category" and "link".')
        elif kinds == ["personal"]:
            yield from _not_personal(found, each)
        elif kinds == ["category"]:
            yield from _personal(found, each)


def _not_personal(found: Surroundings, each: Said) -> Iterator[KeywordMistake]:
    more = [word for word in each.words if word not in ("personal", "why")]
    if more:
        yield each.mistake("personal-alone", f"what is not personal has no {', '.join(more)}.", "Remove them.")
    if found.is_person(each.field) and each.entity.between is None:
        reason = "it refers to persons, so it says whom the record is about."
        yield each.mistake("person", reason, 'Say "link" in place of "personal".')
    if each.field.type == "file" and "why" not in each.words:
        reason = "whatever may be uploaded may be personal."
        yield each.mistake("file", reason, 'Say "why" it is not, or a category and "delete_file".')
    if each.field.computed is not None and each.entity.name in found.fields:
        named = each.entity.expressions[each.field.name].fields()
        others = found.fields[each.entity.name]
        used = sorted(name for name in named if name in others and "category" in others[name].words)
        if used and "why" not in each.words:
            reason = f"it is computed of {', '.join(used)}, which is personal."
            yield each.mistake("computed", reason, 'Say its category and "derivedFrom", or "why" it is not personal.')


def _personal(found: Surroundings, each: Said) -> Iterator[KeywordMistake]:
    words, field = each.words, each.field
    missing = [word for word in ("origin", "erase") if word not in words]
    if missing:
        yield each.mistake("incomplete", f'"category" needs {" and ".join(missing)}, too.', "Add them.")
    if field.relation is not None:
        yield each.mistake("relation", "a relation is no value.", 'Say "link" in place of "category".')
    yield from _whose(found, each)
    yield from _where_from(found, each)
    if words.get("necessity", {}).get("level") == "required" and "why" not in words["necessity"]:
        reason = "what is required needs a reason (Article 5(1)(c))."
        yield each.mistake("necessity", reason, 'Add "why", or say "optional".')
    if words.get("access", "full") != "full" and "withholdBasis" not in words:
        reason = "what is not given out in full needs a basis."
        yield each.mistake("withhold", reason, 'Add "withholdBasis".')
    if "match" in words and words.get("identifier") != "direct":
        reason = "what is matched identifies a person directly."
        yield each.mistake("match", reason, 'Add "identifier": "direct".')
    if field.given.type == "long_text" and "freeText" not in words:
        reason = "anything may stand in a long text."
        yield each.mistake("free-text", reason, 'Say "freeText": true, or false if it cannot.')
    if words.get("freeText") and "thirdParty" not in words:
        reason = "a free text may be about others."
        yield each.mistake("free-text", reason, 'Say "thirdParty", e.g. "may_contain".')


def _whose(found: Surroundings, each: Said) -> Iterator[KeywordMistake]:
    others = found.fields[each.entity.name]
    for name in names_of(each.words.get("of")):
        if name not in others or "link" not in others[name].words:
            reason = f'"of" names "{name}", which is no link of this entity.'
            yield each.mistake("of", reason, "Name a relation that says by x-dsgvo how the record belongs to a person.")
    if found.role(each.entity.name) == "shared" and "of" not in each.words:
        reason = "several persons share the record; nobody has said whose this is."
        yield each.mistake("of", reason, 'Add "of" with the name of a link.')


def _where_from(found: Surroundings, each: Said) -> Iterator[KeywordMistake]:
    words = each.words
    if words.get("origin") == "third_party" and "sourceField" not in words:
        reason = "the person has to be told where it is from (Article 14)."
        yield each.mistake("source", reason, 'Add "sourceField" with the field that says it.')
    if "sourceField" in words and words["sourceField"] not in each.entity.fields:
        reason = f'"sourceField" names "{words["sourceField"]}", which is no field.'
        yield each.mistake("source", reason, "Name a field of this entity.")
    if words.get("origin") == "derived" and "derivedFrom" not in words:
        reason = "nobody has said what it is made of."
        yield each.mistake("derived", reason, 'Add "derivedFrom".')
    if each.field.virtual and words.get("origin") != "derived":
        yield each.mistake("derived", "it is worked out whenever it is read.", 'Say "origin": "derived".')
    if words.get("decision", "none") != "none" and "logic" not in words:
        reason = "the person has to be told how it is reckoned, and what follows (Article 15(1)(h))."
        yield each.mistake("logic", reason, 'Add "logic" with a text in "de" and "en".')
    for name in words.get("derivedFrom", ()):
        if not _there(found, each, name):
            reason = f'"derivedFrom" names "{name}", which is not there.'
            remedy = 'Name a field, a list and a field ("activities.completed_at"), or all of a list ("activities.*").'
            yield each.mistake("derived", reason, remedy)


def _there(found: Surroundings, each: Said, name: str) -> bool:
    first, _, second = name.partition(".")
    entity = each.entity
    if not second:
        return entity.field(first) is not None
    inverse, link, field = entity.inverses.get(first), entity.links.get(first), entity.fields.get(first)
    targets: tuple[str, ...] = ()
    if inverse is not None:
        targets = (inverse.entity,)
    elif link is not None:
        targets = (link.target,)
    elif field is not None and field.relation is not None:
        targets = field.relation.targets
    return any(second == "*" or found.model[target].field(second) is not None for target in targets)
