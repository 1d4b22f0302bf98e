"""What the door should do with the records of :mod:`tests.server.door_world`, in plain Python: dicts, and nobody else.

Each function either changes the state as its operation would, or raises :class:`Refused`; then the state is spoilt,
so give it a copy. Links are known by the records that they join: the answers do not tell their ids.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
Key = tuple[str, str]
"""Entity and id of a record; of a link, the ids of project and contact with a slash between them."""

LINK = "project_member"
RELATIONS = {
    "company": {"owner": ("user", "none"), "parent": ("company", "set_null")},
    "contact": {"company": ("company", "cascade")},
    "contract": {"company": ("company", "restrict")},
    "project": {},
    LINK: {"project": ("project", "cascade"), "contact": ("contact", "cascade")},
}
"""Entity → relation → target, and what becomes of the record when that goes."""

BLANK: dict[str, Row] = {
    "company": dict.fromkeys(("name", "code", "city", "rating", "number", "owner", "parent")),
    "contact": dict.fromkeys(("name", "company")),
    "contract": dict.fromkeys(("title", "company")),
    "project": dict.fromkeys(("name",)),
    LINK: dict.fromkeys(("project", "contact", "role")),
}


class Refused(Exception):
    """Nothing is done. ``details`` are what the error says beyond its code, as far as it is known."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code, details)
        self.code, self.details = code, details


@dataclass
class Deletion:
    """What the trash keeps: the record that was to be deleted, those that went along, and the relations it emptied."""

    rows: list[tuple[str, Row]]
    lost: list[tuple[str, str, str, str]]


@dataclass
class DoorModel:
    """All records and the trash.

    Args:
        users: name → id.
    """

    users: Mapping[str, str]
    live: dict[str, dict[str, Row]] = field(default_factory=lambda: {entity: {} for entity in BLANK})
    trash: dict[Key, Deletion] = field(default_factory=dict)
    numbers: int = 0
    log: dict[Key, list[tuple[str, int, Row]]] = field(default_factory=dict)
    merged: dict[Key, str] = field(default_factory=dict)

    def copy(self) -> "DoorModel":
        """One that can be spoilt."""
        return deepcopy(self)

    def sees(self, user: str, entity: str, row: Row) -> bool:
        """Whether somebody may see a record, and do anything else with it."""
        if user == "anna":
            return True
        match entity:
            case "company":
                return bool(row["owner"] == self.users[user])
            case "contact":
                company = self.live["company"].get(row["company"])
                return company is not None and self.sees(user, "company", company)
            case "project_member":
                project, contact = self.live["project"].get(row["project"]), self.live["contact"].get(row["contact"])
                return project is not None and contact is not None and self.sees(user, "contact", contact)
        return True

    def seen(self, user: str, entity: str) -> dict[str, Row]:
        """The records that somebody sees, as they see them."""
        return {id_: self.shown(user, entity, row) for id_, row in self._visible(user, entity)}

    def shown(self, user: str, entity: str, row: Row) -> Row:
        """A record as somebody sees it: a relation to what they do not see is empty."""
        hidden = {
            name: None
            for name, (target, _) in RELATIONS[entity].items()
            if target != "user" and row[name] is not None and not self.sees_id(user, target, row[name])
        }
        return {**row, **hidden}

    def create(
        self,
        user: str,
        entity: str,
        values: Row,
        id_: str,
        links: Mapping[str, Any] | None = None,
        along: Callable[[], None] | None = None,
    ) -> None:
        """A new record with this id; ``along`` creates what refers to it."""
        row = {**self.valid(user, entity, values), "id": id_, "version": 1}
        if entity == "company":
            self.numbers += 1
            row["number"] = f"C-{self.numbers}"
        self.store(entity, row)
        self.note(entity, id_, "create")
        self._link(user, entity, id_, links or {})
        if along is not None:
            along()
        if not self.sees(user, entity, row):
            raise Refused("FORBIDDEN")

    def update(
        self,
        user: str,
        entity: str,
        id_: str,
        changes: Row,
        version: int | None = None,
        links: Mapping[str, Any] | None = None,
        *,
        touch: bool = True,
    ) -> None:
        """Some fields and links of a record become others; without ``touch`` it stays if it would become what it is."""
        row = self.found(user, entity, id_, version)
        after = {**row, **changes, "version": row["version"] + 1}
        self.check(entity, after)
        self.targets(user, entity, changes)
        if not touch and self.in_sight(user, entity, changes) and {**after, "version": row["version"]} == row:
            if not self._link(user, entity, id_, links or {}, touch=False):
                return
            links = {}
        self.store(entity, after)
        self.note(entity, id_, "update")
        self._link(user, entity, id_, links or {})
        if not self.sees(user, entity, after):
            raise Refused("FORBIDDEN")

    def delete(self, user: str, entity: str, ids: Sequence[str], version: int | None = None) -> None:
        """Records go into the trash, each by itself, with what goes along."""
        roots = [self.found(user, entity, id_, version) for id_ in ids]
        gone: dict[Key, tuple[Row, str]] = {(entity, row["id"]): (row, row["id"]) for row in roots}
        waiting = list(gone)
        while waiting:
            key = waiting.pop(0)
            for owner, _, row in self._referring(key, "cascade"):
                if (owner, row["id"]) not in gone:
                    gone[owner, row["id"]] = row, gone[key][1]
                    waiting.append((owner, row["id"]))
        if any(True for key in gone for _ in self._referring(key, "restrict")):
            raise Refused("RECORD_IN_USE")
        deletions = {row["id"]: Deletion([], []) for row in roots}
        for key, (_, root) in gone.items():
            for owner, name, row in list(self._referring(key, "set_null")):
                if (owner, row["id"]) not in gone:
                    self.live[owner][row["id"]] = {**row, name: None, "version": row["version"] + 1}
                    self.note(owner, row["id"], "update")
                    deletions[root].lost.append((owner, row["id"], name, key[1]))
        for (owner, id_), (row, root) in gone.items():
            deletions[root].rows.append((owner, {**row, "version": row["version"] + 1}))
            del self.live[owner][id_]
            self.note(owner, id_, "delete", row["version"] + 1)
        if entity != LINK:
            self.trash |= {(entity, id_): found for id_, found in deletions.items()}

    def restore(self, user: str, entity: str, ids: Sequence[str]) -> None:
        """Records come back with what went along, as far as things are now."""
        deletions = [self._deleted(user, entity, id_) for id_ in ids]
        coming = {(owner, row["id"]) for deletion in deletions for owner, row in deletion.rows}
        back = []
        for owner, row in (each for deletion in deletions for each in deletion.rows):
            again: Row | None = {**row, "version": row["version"] + 1}
            for name, (target, then) in RELATIONS[owner].items():
                there = target == "user" or row[name] in self.live[target] or (target, row[name]) in coming
                if row[name] is None or there:
                    continue
                if owner == LINK:
                    again = None
                elif then == "set_null" and again is not None:
                    again[name] = None
                else:
                    raise Refused("VALIDATION_FAILED")
            if again is not None:
                back.append((owner, again))
        for owner, row in back:
            self.store(owner, row)
            self.note(owner, row["id"], "restore")
        for owner, other, name, value in (each for deletion in deletions for each in deletion.lost):
            row = self.live[owner].get(other, {})
            if row and row[name] is None:
                self.store(owner, {**row, name: value, "version": row["version"] + 1})
                self.note(owner, other, "update")
        for id_ in ids:
            del self.trash[entity, id_]
            self.merged.pop((entity, id_), None)
        if not all(self.sees(user, entity, self.live[entity][id_]) for id_ in ids):
            raise Refused("FORBIDDEN")

    def purge(self, user: str, entity: str, ids: Sequence[str]) -> None:
        """Records end for good, with what went along."""
        deletions = [self._deleted(user, entity, id_) for id_ in ids]
        gone = {(owner, row["id"]) for deletion in deletions for owner, row in deletion.rows}
        self.trash = {key: each for key, each in self.trash.items() if key[0] != entity or key[1] not in ids}
        self.merged = {key: into for key, into in self.merged.items() if (key[0], into) not in gone}

    def each(
        self, items: Sequence[Any], work: Callable[["DoorModel", Sequence[Any]], None], *, skip: bool
    ) -> dict[int, Refused]:
        """Do something with many; what cannot be done is left out, and answered by its place.

        Raises:
            Refused: not all can be done, and none shall be left out.
        """
        wrong: dict[int, Refused] = {}
        waiting = [list(enumerate(items))]
        while waiting:
            part = waiting.pop()
            tried = self.copy()
            try:
                work(tried, [item for _, item in part])
                self.__dict__.update(tried.__dict__)
            except Refused as refused:
                if len(part) == 1:
                    wrong[part[0][0]] = refused
                else:
                    waiting += [part[len(part) // 2 :], part[: len(part) // 2]]
        if wrong and not skip:
            raise Refused("BULK_REFUSED", errors={index: each.code for index, each in wrong.items()})
        return wrong

    def _visible(self, user: str, entity: str) -> Iterator[tuple[str, Row]]:
        return ((id_, row) for id_, row in self.live[entity].items() if self.sees(user, entity, row))

    def sees_id(self, user: str, entity: str, id_: str) -> bool:
        return id_ in self.live[entity] and self.sees(user, entity, self.live[entity][id_])

    def valid(self, user: str, entity: str, values: Row) -> Row:
        """A new record, as far as it can be looked at by itself."""
        default = {"owner": self.users[user]} if entity == "company" else {}
        row = {**BLANK[entity], **default, **values}
        self.check(entity, row)
        self.targets(user, entity, values)
        return row

    def in_sight(self, user: str, entity: str, changes: Row) -> bool:
        """Whether somebody sees what these fields are before they become this: else it counts as a change anyway."""
        hidden = [name for name, (target, _) in RELATIONS[entity].items() if target not in ("user", "project")]
        return user == "anna" or not any(name in changes and changes[name] is None for name in hidden)

    def _deleted(self, user: str, entity: str, id_: str) -> Deletion:
        deletion = self.trash.get((entity, id_))
        if deletion is None or not self.sees(user, entity, deletion.rows[0][1]):
            raise Refused("NOT_FOUND")
        return deletion

    def found(self, user: str, entity: str, id_: str, version: int | None) -> Row:
        if not self.sees_id(user, entity, id_):
            raise Refused("NOT_FOUND")
        row = self.live[entity][id_]
        if version is not None and version != row["version"]:
            raise Refused("VERSION_CONFLICT", currentVersion=row["version"])
        return row

    def check(self, entity: str, row: Row) -> None:
        name, rating = row.get("name"), row.get("rating")
        if entity in ("company", "contact") and (name is None or not 1 <= len(name) <= 8):
            raise Refused("VALIDATION_FAILED")
        if entity in ("contact", "contract") and row["company"] is None:
            raise Refused("VALIDATION_FAILED")
        if (rating is not None and not 0 <= rating <= 5) or len(row.get("role") or "") > 8:
            raise Refused("VALIDATION_FAILED")

    def targets(self, user: str, entity: str, values: Row) -> None:
        for name, (target, _) in RELATIONS[entity].items():
            id_ = values.get(name)
            if id_ is not None and not (
                id_ in self.users.values() if target == "user" else self.sees_id(user, target, id_)
            ):
                raise Refused("VALIDATION_FAILED")

    def store(self, entity: str, row: Row) -> None:
        others = [other for id_, other in self.live[entity].items() if id_ != row["id"]]
        for unique in (("code",), ("city", "name")) if entity == "company" else ():
            mine = [row[name] for name in unique]
            if None not in mine and any([other[name] for name in unique] == mine for other in others):
                raise Refused("VALIDATION_FAILED")
        self.live[entity][row["id"]] = row

    def note(self, entity: str, id_: str, operation: str, version: int = 0) -> None:
        row = self.live[entity].get(id_, {})
        self.log.setdefault((entity, id_), []).append((operation, version or row["version"], dict(row)))

    def _referring(self, key: Key, then: str) -> Iterator[tuple[str, str, Row]]:
        for owner, relations in RELATIONS.items():
            for name, (target, on_delete) in relations.items():
                if (target, on_delete) == (key[0], then):
                    yield from ((owner, name, row) for row in self.live[owner].values() if row[name] == key[1])

    def _link(self, user: str, entity: str, id_: str, links: Mapping[str, Any], *, touch: bool = True) -> bool:
        """``links``: {"members": {"add": {id: attributes}, "remove": [id], "set": [id]}}, from either side. Answers
        whether there was anything to do.
        """
        changed = False
        for change in links.values():
            near, far = ("project", "contact") if entity == "project" else ("contact", "project")
            there = {row[far]: link for link, row in self._visible(user, LINK) if row[near] == id_}
            wanted, removed = dict(change.get("add", {})), set(change.get("remove", ()))
            if change.get("set") is not None:
                wanted = {other: {} for other in change["set"]}
                removed = there.keys() - wanted.keys()
            for other in removed & there.keys():
                self.delete(user, LINK, [there[other]])
                changed = True
            for other, attributes in wanted.items():
                if other in there and attributes:
                    before = self.live[LINK][there[other]]["version"]
                    self.update(user, LINK, there[other], attributes, touch=touch)
                    changed = changed or self.live[LINK][there[other]]["version"] != before
            for other in [each for each in wanted if each not in there]:
                changed = True
                ends = {near: id_, far: other}
                key = f"{ends['project']}/{ends['contact']}"
                if not self.sees_id(user, far, other):
                    raise Refused("VALIDATION_FAILED")
                self.create(user, LINK, {**ends, **wanted[other]}, key)
        return changed
