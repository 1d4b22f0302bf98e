"""Whom stores are asked about: the ids of a person's records, and what names them and nobody else.

Names are none of it: others have the same. Addresses, numbers and accounts are, as they are and as they were, in the
ways in which people write them; not those of a function, and not those that somebody else has here as well: what lies
in a store under a family's address would be told to each of them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import phonenumbers

from xrm_core.api import Record, StorePart, StoreSubject, former_values
from xrm_dsgvo.discovery.graph import Key, Seed, SubjectGraph
from xrm_dsgvo.discovery.identity import Identifier, fields_with, filter_of, found_by_index, identifier, one_form
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.erasure.plan import Plan
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import FieldPrivacy, privacy_of

Written = tuple[Identifier, str]
"""What somebody is known by, and as it was written."""


def of_graph(sources: Sources, graph: SubjectGraph, region: str) -> StoreSubject:
    """A person as they were found."""
    keys = [hit.key for hit in graph.hits]
    own = [hit.key for hit in graph.hits if hit.own]
    written = (each for key in own for each in _of_record(sources, key, region))
    return _subject(sources, keys, written, region)


def of_parts(sources: Sources, graph: SubjectGraph, parts: Sequence[StorePart], region: str) -> StoreSubject:
    """Some records, or fields, of a person, by what stands in these alone."""
    written: list[Written] = []
    for part in parts:
        of_part = _of_record(sources, (part.entity, part.record), region, part.fields)
        written += of_part if part.entity in sources.privacy.entities else ()
    found = _subject(sources, [hit.key for hit in graph.hits], written, region)
    records = sorted({(each.entity, each.record) for each in parts})
    return replace(found, records=tuple(records), parts=tuple(parts))


def of_seed(seed: Seed, region: str) -> StoreSubject:
    """Somebody of whom there is no record here, by what they have told of themselves."""
    told = (("email", seed.email), ("phone", seed.phone), ("iban", seed.iban))
    known = (Identifier(space, form, False) for space, text in told if text and (form := one_form(space, text, region)))
    written = [text for _, text in told if text]
    return StoreSubject((), frozenset([*written, *(form for each in known for form in _spelled(each))]))


def of_plan(context: Writing, plan: Plan, *, aside: bool = True, own: bool = False) -> StoreSubject:
    """A person of whom something is erased, or was a moment ago: what they were known by is in the change log still.

    With ``own`` it is taken from the records that are the person alone, of which there are few.
    """
    model, region = context.records.model, context.settings.region
    searching: Any = context
    sources = Sources(searching, model, privacy_of(model), aside=aside)
    keys = [(each.entity, each.id) for each in plan.records if not each.mention]
    written: list[Written] = []
    for record in (each for each in plan.records if each.own or not own):
        stored = sources.read((record.entity, record.id)) or {}
        for field in record.fields:
            said = sources.privacy[record.entity].fields[field.name]
            if said.match is not None:
                values = [stored.get(field.name), *_former(context, record.entity, record.id, field.name)]
                kinds = [stored.get("kind"), *former_values(context, record.id, ["kind"])]
                written += _known(said, values, {"kind": next(filter(None, kinds), None)}, region)
    return _subject(sources, keys, written, region)


def _of_record(sources: Sources, key: Key, region: str, only: Collection[str] = ()) -> Iterator[Written]:
    record = sources.read(key) or {}
    for said in sources.privacy[key[0]].personal():
        if said.match is not None and (not only or said.name in only):
            yield from _known(said, [record.get(said.name), *sources.former(key, said.name)], record, region)


def _former(context: Writing, entity: str, id_: str, name: str) -> Iterator[object]:
    """Former values in clear; of sealed ones what can still be opened."""
    for value in former_values(context, id_, [name]):
        if context.records.model[entity][name].sealing is None:
            yield value
        else:
            looking: Any = context
            yield looking.in_clear(entity, {"id": id_, name: value})[name]


def _known(said: FieldPrivacy, values: Iterable[object], record: Record, region: str) -> Iterator[Written]:
    for value in values:
        found = identifier(said, value, region, record)
        if found is not None and not found.weak and found.space != "name_de":
            yield found, str(value)


def _subject(sources: Sources, keys: Collection[Key], written: Iterable[Written], region: str) -> StoreSubject:
    mine, texts = frozenset(keys), dict[Identifier, set[str]]()
    for found, text in written:
        texts.setdefault(found, set()).add(text)
    alone = (found for found in texts if not _is_shared(sources, found, mine, region))
    named = {form for found in alone for form in (*texts[found], *_spelled(found))}
    return StoreSubject(tuple(sorted(mine)), frozenset(named))


def _is_shared(sources: Sources, wanted: Identifier, mine: frozenset[Key], region: str) -> bool:
    """Whether somebody else is known by it, too."""
    for said in fields_with(sources.privacy, wanted.space):
        field = sources.model[said.entity][said.name]

        def fits(record: Record, said: FieldPrivacy = said) -> bool:
            found = identifier(said, record.get(said.name), region, record)
            return found is not None and (found.space, found.value) == (wanted.space, wanted.value)

        equal = (field, wanted.value) if found_by_index(field, wanted) else None
        there = sources.where(said.entity, filter_of(field, said, wanted), fits, equal)
        if any((said.entity, str(record["id"])) not in mine for record, _ in there):
            return True
    return False


def _spelled(found: Identifier) -> Iterator[str]:
    """In what other ways people and programs write it."""
    yield found.value
    if found.space == "iban":
        yield " ".join(found.value[at : at + 4] for at in range(0, len(found.value), 4))
    if found.space == "phone":
        number = phonenumbers.parse(found.value)
        yield "00" + found.value[1:]
        for form in (phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.NATIONAL):
            text = phonenumbers.format_number(number, form)
            yield from (text, "".join(each for each in text if each.isdigit() or each == "+"))
