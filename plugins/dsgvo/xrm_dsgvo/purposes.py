"""Purposes are a tree: what holds of one holds of its topics."""

from collections.abc import Iterable, Mapping

from xrm_core.api import On, Record, RecordChange, Refuse
from xrm_dsgvo.own import Looking

PURPOSE = "consent_purpose"
_MOST = 1_000


class Purposes:
    """All purposes.

    Args:
        records: of them; ``parent`` is an id or nothing.
    """

    def __init__(self, records: Iterable[Mapping[str, str | None]]) -> None:
        found = list(records)
        self._parents = {str(each["id"]): each["parent"] for each in found}
        self._ids = {str(each["key"]): str(each["id"]) for each in found}

    def id(self, key: str) -> str | None:
        """The id of the purpose with this key; None: there is none."""
        return self._ids.get(key)

    def chain(self, id_: str) -> list[str]:
        """The purpose and all that it is part of, from the bottom."""
        found: list[str] = []
        at: str | None = id_
        while at is not None and at not in found:
            found.append(at)
            at = self._parents.get(at)
        return found

    def below(self, id_: str) -> set[str]:
        """The purpose and all its topics."""
        return {each for each in self._parents if id_ in self.chain(each)}


def all_of(context: Looking) -> Purposes:
    """The purposes as they are stored now."""
    return Purposes(context.find(PURPOSE, {}, _MOST))


def named(context: Looking, key: str) -> str:
    """The id of the purpose with this key.

    Raises:
        Refuse: there is none.
    """
    found = context.find(PURPOSE, {"key": {"eq": key}}, 1)
    if not found:
        text = {"en": f"There is no purpose «{key}».", "de": f"Den Zweck «{key}» gibt es nicht."}
        raise Refuse(text, field="purpose")
    return str(found[0]["id"])


def hooks() -> list[On]:
    """A purpose stays where it is in the tree; declarations stay as they were shown."""
    return [
        On(PURPOSE, "create", before=_few_enough),
        On(PURPOSE, "update", fields=("key", "parent"), before=_stay),
        On("consent_declaration", ("update", "delete"), before=_as_shown),
    ]


def _few_enough(change: RecordChange) -> None:
    if len(change.find(PURPOSE, {}, _MOST)) >= _MOST:
        raise Refuse({"en": f"There are {_MOST} purposes already.", "de": f"Es gibt schon {_MOST} Zwecke."})


def _stay(_: RecordChange) -> None:
    raise Refuse(
        {
            "en": "Key and place of a purpose stay: consents would mean something else. Make a new one.",
            "de": "Schlüssel und Ort eines Zwecks bleiben: Daran hängen Einwilligungen. Einen neuen anlegen.",
        }
    )


def _as_shown(change: RecordChange) -> None:
    id_ = change.before["id"]
    if change.find("consent", {"declaration": {"id": {"eq": id_}}}, 1):
        raise Refuse(
            {
                "en": "Somebody has consented by this text, so it stays: make a new edition.",
                "de": "Damit hat schon jemand eingewilligt, der Wortlaut bleibt: Eine neue Fassung anlegen.",
            }
        )


def is_covered(record: Record, names: Iterable[str], field: str) -> bool:
    """Whether the names in a list of a consent cover these."""
    return set(names) <= set((record[field] or {}).get("names", ()))
