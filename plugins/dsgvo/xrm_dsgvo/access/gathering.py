"""All that is kept about a person, record by record and field by field, each with why, for how long and from where."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xrm_core.api import LoggedChange, Record, VaultedFile, file_in_vault, reads_of
from xrm_dsgvo.access.ahead import Ahead
from xrm_dsgvo.access.manifest import Notes
from xrm_dsgvo.access.others import Others
from xrm_dsgvo.access.portable import is_provided
from xrm_dsgvo.access.retaining import retained
from xrm_dsgvo.access.unsealing import kept_back, may_open
from xrm_dsgvo.access.values import labelled, plain, texts
from xrm_dsgvo.days import day_in
from xrm_dsgvo.discovery.graph import Hit, Key
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.own import Making
from xrm_dsgvo.privacy import FieldPrivacy
from xrm_dsgvo.registers import Registers

Place = tuple[str, str, str]
"""Entity, id of a record, and field."""

_OF_FILE = ("id", "name", "mediaType", "size", "sha256")
_TELLING = frozenset({"enum", "date", "datetime"})
"""Types of fields that are not personal and are told all the same: without them nobody knows what a record is."""


@dataclass
class Gathering:
    """How an answer is made.

    Args:
        context: of what makes it.
        sources: where records are.
        registers: what annotations name.
        others: what names other people.
        reviewed: of texts that may name others: True: it is shown, False: it is not.
        portable: only what the person has provided, as it is now.
    """

    context: Making
    sources: Sources
    registers: Registers
    others: Others
    reviewed: Mapping[Place, bool]
    portable: bool = False
    notes: Notes = field(default_factory=Notes)
    open: dict[Place, str] = field(default_factory=dict)
    """Texts that somebody has to look at first."""

    _messages: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._ahead = Ahead(self.context)

    def all(self, hits: Sequence[Hit]) -> list[dict[str, Any]]:
        """What is told of records."""
        through = hits if self.portable else self._ahead.through(hits)
        return [record for each in through if (record := self.record(each)) is not None]

    def record(self, hit: Hit) -> dict[str, Any] | None:
        """What is told of one record; None: it is gone."""
        stored = self.sources.read(hit.key)
        if stored is None:
            return None
        entity, said = self.sources.model[hit.entity], self.sources.privacy[hit.entity]
        stored = {**stored, **self._asked(hit, stored), **kept_back(self.context, self.notes, hit, entity, stored)}
        self.notes.found[self._store(hit)] += 1
        for name in hit.others:
            self.notes.leave_out("ART15_4", "records", hit.entity, name, int(stored.get(name) is not None))
        datenart = self.registers.datenarten.get(said.datenart or "")
        told = [each for name in hit.mine for each in self._field(hit, name, stored.get(name))]
        self.context.shown(hit.entity, hit.id, [each["name"] for each in told])
        return {
            "entity": hit.entity,
            "label": labelled(entity.labels, hit.entity),
            "id": hit.id,
            "own": hit.own,
            "deleted": hit.deleted,
            "gone": self.sources.is_gone(hit.key),
            "restricted": hit.restricted,
            "datenart": said.datenart,
            "datenartLabel": labelled(datenart.labels if datenart else {}, said.datenart or hit.entity),
            "createdAt": plain(stored.get("created_at")),
            "changedAt": plain(stored.get("updated_at")),
            "about": list(self._about(hit, stored)),
            "fields": told,
            "history": [] if self.portable else list(self._history(hit)),
            "reads": [] if self.portable else self._reads(hit),
            "messages": [] if self.portable else list(self._sent(hit)),
            "retention": retained(self.context, self.sources.privacy, said, self.registers, stored),
        }

    def _store(self, hit: Hit) -> str:
        """Where a record is."""
        if self.sources.is_gone(hit.key):
            return "change_log"
        return "trash" if hit.deleted else "vault" if hit.restricted else "records"

    def mention(self, key: Key, name: str, text: str | None = None, store: str = "mentions") -> dict[str, Any] | None:
        """A text about somebody else that names the person; None: it is not told, or somebody has to look first.

        Args:
            key: the record.
            name: its field.
            text: of it; None: as it is stored, which takes a right where it lies in the vault.
            store: where it was found.
        """
        self.notes.found["mentions"] += 1
        if text is None:
            closed = self.sources.is_restricted(key) or self.sources.model[key[0]][name].sealing is not None
            if closed and not may_open(self.context):
                self.notes.leave_out("SEALED", store, key[0], name)
                return None
            text = str((self.sources.read(key) or {}).get(name) or "")
        place = (*key, name)
        if not self.reviewed.get(place, False):
            self.notes.leave_out("ART15_4" if place in self.reviewed else "REVIEW", store, key[0], name)
            if place not in self.reviewed:
                self.open.setdefault(place, text)
            return None
        shown = self.others.black(text)
        if shown != text:
            self.notes.leave_out("BLACKENED", store, key[0], name)
        entity = self.sources.model[key[0]]
        self.context.shown(*key, [name])
        return {
            "entity": key[0],
            "label": labelled(entity.labels, key[0]),
            "id": key[1],
            "field": name,
            "fieldLabel": labelled(entity[name].labels, name),
            "value": shown,
        }

    def _field(self, hit: Hit, name: str, value: Any, store: str = "records") -> Iterator[dict[str, Any]]:
        """One value, if there is one and it may be told."""
        field_, said = self.sources.model[hit.entity][name], self.sources.privacy[hit.entity].fields[name]
        if value is None or value in ("", []):
            return
        if self.portable and not is_provided(said):
            self.notes.leave_out("NOT_PROVIDED", store, hit.entity, name)
            return
        if said.access == "summary":
            self.notes.leave_out("SUMMARY", store, hit.entity, name)
            value, shown = None, {"de": "vorhanden", "en": "kept"}
        else:
            value = self.told(hit, said, value, store)
            if value is None:
                return
            shown = texts(field_, value)
        if str(field_.type) == "file" and store == "records":
            self.notes.found["files"] += 1
            self.notes.leave_out("FILE_APART", "files", hit.entity, name)
        yield described(self.registers, said, field_.labels, is_file=str(field_.type) == "file") | {
            "value": plain(value),
            "text": shown,
        }

    def told(self, hit: Hit, said: FieldPrivacy, value: Any, store: str) -> Any:
        """A value as it is told; None: it is not."""
        place = (hit.entity, hit.id, said.name)
        if said.access == "withhold":
            self.notes.leave_out((said.withhold_basis or "art15_4").upper(), store, hit.entity, said.name)
            return None
        if said.third_party == "is_third_party" or self.reviewed.get(place) is False:
            self.notes.leave_out("ART15_4", store, hit.entity, said.name)
            return None
        if said.third_party == "may_contain" and place not in self.reviewed:
            self.notes.leave_out("REVIEW", store, hit.entity, said.name)
            self.open.setdefault(place, value if isinstance(value, str) else "")
            return None
        if isinstance(value, str) and (said.free_text or said.third_party == "may_contain"):
            shown = self.others.black(value)
            if shown != value:
                self.notes.leave_out("BLACKENED", store, hit.entity, said.name)
            return shown
        return value

    def _about(self, hit: Hit, stored: Record) -> Iterator[dict[str, Any]]:
        """What is not personal, and says what the record is: its kind, its days."""
        said = self.sources.privacy[hit.entity]
        for name, field_ in self.sources.model[hit.entity].fields.items():
            value, of = stored.get(name), said.fields[name]
            if value is not None and not of.personal and of.link is None and str(field_.type) in _TELLING:
                yield {
                    "name": name,
                    "label": labelled(field_.labels, name),
                    "value": plain(value),
                    "text": texts(field_, value),
                }

    def _history(self, hit: Hit) -> Iterator[dict[str, Any]]:
        """Former values, as far as the change log has them."""
        closed = hit.restricted and not may_open(self.context)
        for change in self._ahead.changes(hit):
            for name, value in _former(change, hit.mine):
                if closed or self.sources.model[hit.entity][name].sealing is not None:
                    self.notes.leave_out("SEALED_FORMER", "change_log", hit.entity, name)
                    continue
                for each in self._field(hit, name, value, "change_log"):
                    self.notes.found["change_log"] += 1
                    kept = {key: each[key] for key in ("name", "label", "value", "text")}
                    yield kept | {"until": change.at}

    def _reads(self, hit: Hit) -> list[dict[str, Any]]:
        """On which days somebody has looked, how often, and what the data are there for; not who (CJEU C-579/21)."""
        if not self.sources.model[hit.entity].log_reads:
            return []
        zone = self.context.settings.time_zone
        days = Counter(day_in(each.at, zone).isoformat() for each in reads_of(self.context, hit.id))
        self.notes.found["reads"] += days.total()
        activities = (self.registers.activities[key] for key in self.sources.privacy[hit.entity].activities)
        purposes = [labelled(each.labels, each.key) for each in activities]
        found = sorted(days.items(), reverse=True)
        return [{"on": day, "times": times, "purposes": purposes} for day, times in found]

    def _sent(self, hit: Hit) -> Iterator[dict[str, Any]]:
        for each in self._ahead.messages(hit):
            if each.id not in self._messages:
                self._messages.add(each.id)
                self.notes.found["outbox"] += 1
                yield {
                    "kind": each.kind,
                    "channel": each.channel,
                    "state": each.state.value,
                    "at": each.ended_at or each.created_at,
                }

    def _asked(self, hit: Hit, stored: Record) -> dict[str, Any]:
        """What a record as it is stored does not have: computed values, and what files are called."""
        entity = self.sources.model[hit.entity]
        wanted = [entity[name] for name in hit.mine]
        held = {each.name for each in wanted if str(each.type) == "file" and stored.get(each.name)}
        sealed = {name for name in held if entity[name].sealing is not None}
        files = held - sealed
        virtual = {each.name for each in wanted if each.virtual}
        found: dict[str, Any] = {name: {"id": str(stored[name])} for name in files}
        found |= {name: _of_file(stored[name]) for name in sealed}
        vaulted = {name: file for name in files if (file := file_in_vault(self.context, str(stored[name])))}
        found |= {name: told_of(file) for name, file in vaulted.items()}
        files -= vaulted.keys()
        there = not hit.restricted or self.context.read(*hit.key) is not None
        if hit.deleted or not there or not files | virtual:
            return found
        parts = [f"{_camel(name)} {{ {' '.join(_OF_FILE)} }}" for name in sorted(files)]
        parts += [_camel(name) for name in sorted(virtual)]
        document = f"query ($id: ID!) {{ {_camel(hit.entity)}(id: $id) {{ {' '.join(parts)} }} }}"
        [answer] = self.context.query_as_system(document, {"id": hit.id}).values()
        return found | {name: (answer or {}).get(_camel(name)) for name in files | virtual}


def told_of(file: VaultedFile) -> dict[str, Any]:
    """What is told of a file that lies in the vault."""
    return dict(zip(_OF_FILE, (file.id, file.name, file.media_type, file.size, file.sha256), strict=True))


def described(
    registers: Registers, said: FieldPrivacy, labels: Mapping[str, str], *, is_file: bool = False
) -> dict[str, Any]:
    """What is told of a field beside its value: of one of a record, or of an item of a store."""
    category = registers.categories.get(str(said.category))
    return {
        "name": said.name,
        "label": labelled(labels, said.name),
        "category": said.category,
        "categoryLabel": labelled(category.labels if category else {}, str(said.category)),
        "special": said.special or (category.special if category else None),
        "origin": said.origin,
        "freeText": said.free_text,
        "isFile": is_file,
        "decision": said.decision,
        "logic": None if said.logic is None else labelled(said.logic, "—"),
        "recipients": list(said.recipients),
    }


def _of_file(value: Any) -> dict[str, Any]:
    """What is told of a sealed file; of one in the trash its id alone is known."""
    said = value if isinstance(value, Mapping) else {"id": str(value)}
    return {key: said[key] for key in _OF_FILE if key in said}


def _former(change: LoggedChange, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Of an update the values before it."""
    if change.operation == "update":
        for name in names:
            value = change.fields.get(name)
            if isinstance(value, list) and len(value) == 2 and value[0] is not None:
                yield name, value[0]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)
