"""Which records are the person: strong matches are joined until nothing more comes, weak ones are listed."""

from collections.abc import Iterator
from typing import Any, Literal

from xrm_core.api import Record
from xrm_dsgvo.discovery.graph import Candidate, Key, Reason, Seed
from xrm_dsgvo.discovery.identity import (
    Identifier,
    fields_with,
    filter_of,
    found_by_index,
    identifier,
    name_form,
    one_form,
    spellings,
)
from xrm_dsgvo.discovery.known import Called, Known
from xrm_dsgvo.discovery.sources import Sources, refers_to, target_of
from xrm_dsgvo.points import role_mailbox
from xrm_dsgvo.privacy import EntityPrivacy, is_company, is_person
from xrm_dsgvo.subjects import SUBJECT

LINK = "data_subject_link"
_SHARED = frozenset({"email", "phone", "iban"})
"""What a family has together: it joins nobody who has another first name."""

Code = Literal["WEAK", "ROLE_MAILBOX", "BIRTH_DATE", "OTHER_NAME"]
_CLEAR: tuple[Code, ...] = ("BIRTH_DATE", "OTHER_NAME")
"""What speaks against it, rather than not enough for it: the first of these is told."""


class Joining:
    """The records that are the person, and those that may be.

    Args:
        sources: where to look.
        seed: with what to begin.
        region: of which country phone numbers without a country are.
    """

    def __init__(self, sources: Sources, seed: Seed, region: str) -> None:
        self._sources = sources
        self._region = region
        self._todo: list[Identifier] = []
        self._seen: set[Identifier] = set()
        self._births = set() if seed.birth_date is None else {seed.birth_date.isoformat()}
        self._names = {name_form(seed.name): seed.name} if seed.name and name_form(seed.name) else {}
        self._called = {found} if (found := called(seed.name or "")) else set()
        self._maybe: dict[Key, tuple[set[str], Code]] = {}
        self._others = seed.others
        self._told: set[Key] = {*seed.records, *seed.confirmed}
        self.own: dict[Key, list[Reason]] = {}
        if seed.known is not None:
            self._births |= seed.known.births
            self._called |= seed.known.called
            for each in seed.known.identifiers:
                self._note(each)
        for space, value in (("email", seed.email), ("phone", seed.phone), ("iban", seed.iban)):
            form = one_form(space, value, region) if value else None
            if form is not None:
                self._note(Identifier(space, form, space == "email" and role_mailbox(space, form)))
        for key in seed.records:
            self._join(key, Reason("seed"))
        for key in sorted(seed.confirmed):
            self._join(key, Reason("confirmed"))
        while self._todo:
            self._search(self._todo.pop())
        for text in list(self._names.values()):
            self._same_name(text)

    def candidates(self) -> list[Candidate]:
        """What is listed for somebody to confirm."""
        return [
            Candidate(*key, tuple(sorted(fields)), code, self._sources.is_deleted(key))
            for key, (fields, code) in sorted(self._maybe.items())
            if key not in self.own and key not in self._others
        ]

    @property
    def known(self) -> Known:
        """What the person is known by, by all that was joined."""
        return Known(frozenset(self._seen), frozenset(self._births), frozenset(self._called))

    def _join(self, key: Key, why: Reason) -> None:
        if key in self._others:
            return
        if key in self.own:
            if why not in self.own[key]:
                self.own[key].append(why)
            return
        record = self._sources.read(key)
        if record is None:
            return
        entity = self._sources.privacy[key[0]]
        if is_company(entity, record):
            return  # a company, as which somebody may have objected to advertising: they are asked by what is theirs
        self.own[key] = [why]
        if entity.birth_date and record.get(entity.birth_date):
            self._births.add(str(record[entity.birth_date]))
        for said in entity.fields.values():
            if (form := identifier(said, record.get(said.name), self._region, record)) is not None:
                self._note(form)
        if name := name_of(entity, record):
            self._names.setdefault(name_form(name), name)
        if found := called_of(entity, record):
            self._called.add(found)
        for other in self._same_subject(key, record):
            self._join(other, Reason("subject", of=key))
        for other in self._sources.merged(key):
            self._join(other, Reason("merged", of=key))

    def _note(self, found: Identifier) -> None:
        if found.space != "name_de" and found not in self._seen:
            self._seen.add(found)
            self._todo.append(found)

    def _search(self, wanted: Identifier) -> None:
        for said in fields_with(self._sources.privacy, wanted.space):
            entity = self._sources.privacy[said.entity]
            field = self._sources.model[said.entity][said.name]

            def fits(record: Record, said: Any = said) -> bool:
                found = identifier(said, record.get(said.name), self._region, record)
                return found is not None and (found.space, found.value) == (wanted.space, wanted.value)

            equal = (field, wanted.value) if found_by_index(field, wanted) else None
            for record, _ in self._sources.where(said.entity, filter_of(field, said, wanted), fits, equal):
                if not is_person(entity, record):
                    continue
                there = identifier(said, record.get(said.name), self._region, record)
                key = (said.entity, str(record["id"]))
                if wanted.weak or (there is not None and there.weak):
                    mailbox = wanted.space == "email" and role_mailbox("email", wanted.value)
                    self._list(key, said.name, "ROLE_MAILBOX" if mailbox else "WEAK")
                elif self._other_birth(entity, record) and key not in self._told:
                    self._list(key, said.name, "BIRTH_DATE")
                elif wanted.space in _SHARED and self._other_name(entity, record) and key not in self._told:
                    self._list(key, said.name, "OTHER_NAME")
                else:
                    self._join(key, Reason("match", said.name))

    def _same_name(self, name: str) -> None:
        wanted, forms = name_form(name), spellings(name)
        for entity in self._sources.privacy.subjects():
            fields = [each.name for each in entity.fields.values() if each.match and each.match.normalizer == "name_de"]
            if not fields:
                continue
            texts = {"in": forms, "ignoring": "CASE_AND_ACCENTS"}
            filter_ = {"and": [{each: texts} for each in fields]}

            def fits(record: Record, entity: EntityPrivacy = entity) -> bool:
                return name_form(name_of(entity, record) or "") == wanted

            for record, _ in self._sources.where(entity.name, filter_, fits):
                if is_person(entity, record):
                    for field in fields:
                        self._list((entity.name, str(record["id"])), field, "WEAK")

    def _list(self, key: Key, field: str, code: Code) -> None:
        fields, known = self._maybe.get(key, (set(), code))
        self._maybe[key] = ({*fields, field}, next((each for each in _CLEAR if each in (known, code)), known))

    def _other_birth(self, entity: EntityPrivacy, record: Record) -> bool:
        born = record.get(entity.birth_date) if entity.birth_date else None
        return bool(born) and bool(self._births) and str(born) not in self._births

    def _other_name(self, entity: EntityPrivacy, record: Record) -> bool:
        """Whether somebody has another first name than all that are known: a family with one address."""
        there = called_of(entity, record)
        return there is not None and bool(self._called) and not any(there.may_be(each) for each in self._called)

    def _same_subject(self, key: Key, record: Record) -> Iterator[Key]:
        """Records of which the platform has noted that they are the same person's."""
        if LINK not in self._sources.model:
            return
        if key[0] == SUBJECT:
            of_subject = self._sources.model[LINK]["data_subject"]
            for link, _ in self._sources.where(
                LINK, refers_to(of_subject, key), lambda each: target_of(of_subject, each) == key
            ):
                yield str(link["entity_name"]), str(link["record_id"])
            merged = self._sources.model[SUBJECT]["merged_into"]
            if (into := target_of(merged, record)) is not None:
                yield into
            for other, _ in self._sources.where(
                SUBJECT, refers_to(merged, key), lambda each: target_of(merged, each) == key
            ):
                yield SUBJECT, str(other["id"])
            return
        this = {"entity_name": {"eq": key[0]}, "record_id": {"eq": key[1]}}
        for link, _ in self._sources.where(
            LINK, this, lambda each: (each["entity_name"], str(each["record_id"])) == key
        ):
            yield SUBJECT, str(link["data_subject"])


def name_of(entity: EntityPrivacy, record: Record) -> str | None:
    """The whole name of a person; None: a part of it is missing."""
    fields = [each.name for each in entity.fields.values() if each.match and each.match.normalizer == "name_de"]
    values = [str(record[each]) for each in fields if record.get(each)]
    return " ".join(values) if values and len(values) == len(fields) else None


def called(name: str) -> Called | None:
    """Of a name in one text; None: it has no first name, or none that can be told from the last one."""
    words = name_form(name).split()
    return Called(frozenset(words[:-1]), frozenset(words)) if len(words) > 1 else None


def called_of(entity: EntityPrivacy, record: Record) -> Called | None:
    """Of a record that has first names apart: the last of its names is that of the family."""
    fields = [each.name for each in entity.fields.values() if each.match and each.match.normalizer == "name_de"]
    words = [name_form(str(record.get(each) or "")).split() for each in fields]
    if len(fields) < 2 or not any(words[:-1]):
        return None
    first = frozenset(word for each in words[:-1] for word in each)
    return Called(first, first | frozenset(words[-1]))
