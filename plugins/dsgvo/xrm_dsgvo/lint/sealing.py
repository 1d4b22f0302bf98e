"""Special categories are sealed, and used for what is named."""

from collections.abc import Iterator

from xrm_core.api import KeywordMistake, Sealing
from xrm_dsgvo.lint.surroundings import Said, Surroundings
from xrm_dsgvo.privacy.reading import names_of

_LOOKING = ("redact_text", "generalize")
"""Strategies that make another value of one."""

_CALLED = {"art9": "a special category (Article 9)", "art10": "of offences and convictions (Article 10)"}


def mistakes(found: Surroundings) -> Iterator[KeywordMistake]:
    """Of all personal fields."""
    for each in found.all_fields():
        if "category" in each.words:
            yield from _special(found, each)
        if "encrypt" in each.words:
            yield from _sealed(each)
        if each.field.sealing is not None:
            yield from _kept_sealed(each, each.field.sealing)


def in_clear(found: Surroundings) -> list[Said]:
    """Fields whose values their annotation wants sealed, and that stand in clear: no mistake, but told by the lint.
    Of special categories it is one.
    """
    wanted = (each for each in found.all_fields() if "encrypt" in each.words and "special" not in each.words)
    return [each for each in wanted if each.field.sealing is None]


def _special(found: Surroundings, each: Said) -> Iterator[KeywordMistake]:
    words = each.words
    category = found.registers.categories.get(words["category"])
    special = words.get("special")
    if category is not None and category.special is not None and special != category.special:
        reason = f'"{words["category"]}" is {_CALLED[category.special]}.'
        yield each.mistake("special", reason, f'Add "special": "{category.special}".')
    if special is None:
        return
    for word in ("purposes", "encrypt"):
        if word not in words:
            yield each.mistake("special", f'what is {_CALLED[special]} needs "{word}".', "Add it.")
    if each.field.sealing is None and "encrypt" in words and not each.field.virtual:
        reason = f"what is {_CALLED[special]} is stored sealed, and this stands in clear."
        yield each.mistake("in-clear", reason, 'Add "x-sealed": {} to the field, beside "x-dsgvo".')
    if each.field.searched:
        reason = f"what is {_CALLED[special]} is not found by words."
        yield each.mistake("special", reason, 'Remove "x-search" of the field.')
    if special == "art9":
        keys = found.entities[each.entity.name].get("activities", ())
        activities = [found.registers.activities[key] for key in keys if key in found.registers.activities]
        if not any(activity.art9_basis for activity in activities):
            reason = "no activity of the entity has a basis of Article 9(2)."
            remedy = 'Name an activity with "art9Basis", in a file that XRM_DSGVO_REGISTERS names.'
            yield each.mistake("art9-basis", reason, remedy)


def _sealed(each: Said) -> Iterator[KeywordMistake]:
    field = each.field
    used = [
        word
        for word, on in (("x-search", field.searched), ("x-unique", field.unique), ("x-index", field.indexed))
        if on
    ]
    if used:
        reason = f"a sealed value cannot be found by the database, and the field has {', '.join(used)}."
        yield each.mistake("sealed", reason, f"Remove {', '.join(used)}, or the sealing.")
    if field.virtual:
        yield each.mistake("sealed", "a field that is worked out is not stored.", 'Remove "encrypt".')


def _kept_sealed(each: Said, sealing: Sealing) -> Iterator[KeywordMistake]:
    """What "x-sealed" and the annotation say of each other."""
    if "category" in each.words and "encrypt" not in each.words:
        yield each.mistake("sealed", 'it has "x-sealed", and needs "encrypt".', 'Add "encrypt": {"key": "subject"}.')
    strategy = each.words.get("erase", {}).get("strategy")
    if strategy in _LOOKING:
        reason = f'a sealed value cannot be looked at by "{strategy}".'
        yield each.mistake("sealed", reason, f'Erase it by "null", which {each.field.name} can bear if not required.')
    of = names_of(each.words.get("of"))
    if of and sealing.subject not in of:
        whose = f'"{sealing.subject}"' if sealing.subject else "the record itself"
        reason = f'"x-sealed" has the key of {whose}, and the data are of {" and ".join(of)}.'
        yield each.mistake("sealed", reason, f'Name "{of[0]}" as the subject of "x-sealed".')
    blind = each.words.get("encrypt", {}).get("blind")
    if blind and not sealing.bits:
        yield each.mistake("sealed", '"encrypt" has a blind index, "x-sealed" has none.', 'Add "blind" to "x-sealed".')
