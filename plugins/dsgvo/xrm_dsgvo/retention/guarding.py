"""What a legal hold is upon is not deleted by anybody either, nor what belongs to it or would go along.

The trash is emptied after a while, so what goes there is on its way out.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from xrm_core.api import HookContext, Record, Refuse, Write
from xrm_dsgvo import own
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.retention.persons import above, belongs_to, held

HOLD = "legal_hold"
_MOST = 1_000


def before_record_delete(entity: str, before: Mapping[str, Any], write: Write) -> None:
    """Refuse it. What the plugin deletes itself was planned with the holds in view.

    Raises:
        Refuse: a hold is upon the record, its entity, something that goes along, or what it belongs to.
    """
    holds = write.find(HOLD, {"status": {"eq": "active"}}, _MOST)
    if not holds or own.is_under_way(entity):
        return
    if any(each["entity_name"] == entity and each["record_id"] in (None, before["id"]) for each in holds):
        raise _refused()
    upon = [(str(each["entity_name"]), str(each["record_id"])) for each in holds if each["record_id"] is not None]
    there = [key for key in upon if write.read(*key) is not None]
    record = dict(before)

    def follow(context: HookContext, _id: str) -> None:
        if any(context.read(*key) is None for key in there) or _belongs(context, (entity, record), upon):
            raise _refused()

    if upon:
        write.then(follow)


def _belongs(context: HookContext, gone: tuple[str, Record], upon: Iterable[Key]) -> bool:
    """Whether what has gone belonged to something that is held."""
    writing: Any = context
    privacy = privacy_of(context.records.model)
    entity, record = gone
    if entity not in privacy.entities:
        return False
    keys = {(entity, str(record["id"]))}
    for each in belongs_to(writing, privacy, entity, record):
        keys |= above(writing, privacy, each)
    return bool(keys & set(upon)) or held(writing, keys)


def _refused() -> Refuse:
    text = {
        "en": "A legal hold keeps this from being deleted. Who looks after data protection may release it.",
        "de": "Eine Löschsperre verhindert das Löschen. Aufheben kann sie, wer sich um den Datenschutz kümmert.",
    }
    return Refuse(text)
