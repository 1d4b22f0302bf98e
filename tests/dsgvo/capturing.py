"""A plugin with a store outside of the database that keeps whatever it is given, and misbehaves when it is told to."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from xrm_core.api import DataStore, StoreContext, StoredItem, StoreSubject, hookimpl

NAME = "news.readers"
SAYS: dict[str, Any] = {
    "datenart": "kontaktstammdaten",
    "activities": ["marketing.direktwerbung"],
    "kinds": ["customer"],
    "fields": {
        "email": {
            "category": "user.contact.email",
            "origin": "provided",
            "labels": {"en": "Address", "de": "Anschrift"},
            "recipients": ["mail_provider"],
        },
        "opened": {"category": "user.behavior", "origin": "observed"},
        "score": {
            "category": "user.behavior",
            "origin": "derived",
            "decision": "profiling",
            "logic": {"en": "How much was opened.", "de": "Wie viel geöffnet wurde."},
        },
        "note": {
            "category": "user.content.private",
            "origin": "observed",
            "freeText": True,
            "thirdParty": "may_contain",
        },
    },
}
"""What it says of itself."""


@dataclass
class Reader:
    """Of an item: whose address, what else, since when, and whether it is put away."""

    email: str
    values: dict[str, Any] = field(default_factory=dict)
    began_on: dt.date | None = None
    put_away: bool = False
    record: str | None = None
    """Of a contact, by whose id it is known, too."""


class News:
    """The plugin ``news``. ``faults`` are asked instead of what would answer a question."""

    def __init__(self, says: dict[str, Any] | None = SAYS, seconds: float = 10.0, *, parts: bool = False) -> None:
        self.readers: dict[str, Reader] = {}
        self.asked: list[tuple[str, StoreSubject]] = []
        self.faults: dict[str, Callable[[], Any]] = {}
        self.says, self._seconds, self._parts = says, seconds, parts

    def clear(self) -> None:
        """As if nothing had been."""
        self.readers.clear()
        self.asked.clear()
        self.faults.clear()

    def put(
        self, id_: str, email: str, began_on: dt.date | None = None, record: str | None = None, **values: Any
    ) -> None:
        """Keep an item."""
        self.readers[id_] = Reader(email, values, began_on, record=record)

    def dump(self) -> bytes:
        """All that it has."""
        return json.dumps({id_: [each.email, each.values] for id_, each in self.readers.items()}).encode()

    @hookimpl
    def register_data_stores(self) -> list[DataStore]:
        questions = {name: self._asking(name) for name in ("discover", "export", "restrict", "lift", "erase", "verify")}
        annotations = {} if self.says is None else {"x-dsgvo": self.says}
        labels = {"en": "Readers of the news", "de": "Leser der Neuigkeiten"}
        more = {"seconds": self._seconds, "parts": self._parts}
        return [DataStore(NAME, **questions, labels=labels, annotations=annotations, **more)]

    def _asking(self, question: str) -> Callable[[StoreContext, StoreSubject], Any]:
        def ask(_context: StoreContext, about: StoreSubject) -> Any:
            self.asked.append((question, about))
            return self.faults[question]() if question in self.faults else getattr(self, f"_{question}")(about)

        return ask

    def _of(self, about: StoreSubject) -> Iterator[tuple[str, Reader]]:
        names = {each.casefold() for each in about.identifiers}
        for id_, each in list(self.readers.items()):
            if each.email.casefold() in names or ("contact", each.record) in about.records:
                yield id_, each

    def _discover(self, about: StoreSubject) -> list[StoredItem]:
        return [StoredItem(id_, began_on=each.began_on) for id_, each in self._of(about)]

    def _export(self, about: StoreSubject) -> list[StoredItem]:
        found = ((id_, each, {"email": each.email, **each.values}) for id_, each in self._of(about))
        return [StoredItem(id_, values, each.began_on) for id_, each, values in found]

    def _restrict(self, about: StoreSubject) -> int:
        return self._put(about, away=True)

    def _lift(self, about: StoreSubject) -> int:
        return self._put(about, away=False)

    def _put(self, about: StoreSubject, *, away: bool) -> int:
        found = [each for _, each in self._of(about)]
        for each in found:
            each.put_away = away
        return len(found)

    def _erase(self, about: StoreSubject) -> int:
        going = [id_ for id_, _ in self._of(about) if id_ not in about.keep]
        for id_ in going:
            del self.readers[id_]
        return len(going)

    def _verify(self, about: StoreSubject) -> int:
        texts = [
            json.dumps([each.email, each.values], ensure_ascii=False).casefold()
            for id_, each in self.readers.items()
            if id_ not in about.keep
        ]
        return sum(any(name.casefold() in text for name in about.identifiers) for text in texts)
