"""What change log and outbox have of records, looked up for many of them at a time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from xrm_core.api import ListedMessage, LoggedChange, changes_of, changes_of_many, messages_of_many
from xrm_dsgvo.discovery.graph import Hit
from xrm_dsgvo.own import Making

_AT_ONCE = 200


class Ahead:
    """Of the records that were looked at last."""

    def __init__(self, context: Making) -> None:
        self._context = context
        self._changes: dict[str, list[LoggedChange]] = {}
        self._messages: Mapping[str, list[ListedMessage]] = {}

    def through(self, hits: Sequence[Hit]) -> Iterator[Hit]:
        """Each of them, after what there is of it was looked up."""
        for start in range(0, len(hits), _AT_ONCE):
            some = hits[start : start + _AT_ONCE]
            self._look(some)
            yield from some

    def changes(self, hit: Hit) -> list[LoggedChange]:
        """The entries of the log of a record, the newest first; no key was used for fields that are not told."""
        if hit.restricted:  # what lies in the vault is put together with the log
            return changes_of(self._context, hit.id, vaulted=True, fields=hit.mine)
        return self._changes[hit.id]

    def messages(self, hit: Hit) -> list[ListedMessage]:
        """Messages about a record, or to it, the newest first."""
        return self._messages.get(hit.id, [])

    def _look(self, hits: Sequence[Hit]) -> None:
        there = [each for each in hits if not each.restricted]
        self._changes = {}
        for fields in {each.mine for each in there}:
            self._changes |= changes_of_many(self._context, [each.id for each in there if each.mine == fields], fields)
        found = defaultdict(list)
        for message in messages_of_many(self._context, [each.id for each in hits]):
            for of in {ref[1] for ref in (message.about, message.person) if ref is not None}:
                found[of].append(message)
        self._messages = found
