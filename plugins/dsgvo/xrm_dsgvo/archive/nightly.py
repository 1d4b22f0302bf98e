"""Each night: what has lost its purpose and not yet its period goes into the archive, and what nobody needs any more
goes from it.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from xrm_core.api import Record
from xrm_dsgvo.archive.entries import ENTRY, Ground, Reason, end, key_of, names_of, of_records
from xrm_dsgvo.archive.moving import put_apart, to_move
from xrm_dsgvo.erasure.plan import Decision, FieldPlan, RecordPlan
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import EntityPrivacy, PrivacyModel, privacy_of
from xrm_dsgvo.registers import Registers
from xrm_dsgvo.retention.beginning import began
from xrm_dsgvo.retention.deadline import end_of

Key = tuple[str, str]


def archive_stored(
    context: Writing, registers: Registers, said: EntityPrivacy, ids: Iterable[str], *, does: bool = True
) -> int:
    """Archive records whose purpose has ended; answers how many went, or, unless it ``does``, would go."""
    privacy = privacy_of(context.records.model)
    names, count = [each.name for each in said.personal()], 0
    for id_ in ids:
        stored = context.read(said.name, id_)
        if stored is None or not any(to_move(context, privacy, said.name, stored, names)):
            continue
        if does:
            context.hold(said.name, id_)
            ground = _purpose_ended(context, registers, said, stored)
            # nothing is moved where there is no key store
            count += bool(put_apart(context, privacy, (said.name, id_), dict.fromkeys(names, ground)))
        else:
            count += 1
    return count


def archive_due(context: Writing, privacy: PrivacyModel, root: RecordPlan, *, held: bool) -> int:
    """Archive what is left of a record whose period has ended, and that a hold or a dispute alone keeps; how many
    values.
    """
    stays = [each for each in root.fields if each.decision is not Decision.KEEP]
    grounds = {each.name: _ground(each, held=held) for each in stays}
    return put_apart(context, privacy, (root.entity, root.id), grounds)


def lies_there(context: Writing, key: Key, names: Iterable[str] | None = None) -> bool:
    """Whether the archive has something of a record, or of some of its fields."""
    found = of_records(context, [key])
    return any(names is None or names_of(each) & set(names) for each in found)


def end_orphans(context: Writing, day: date, after: str, limit: int) -> tuple[int, str | None]:
    """End what is kept of records that are gone, once its last day is over.

    Returns:
        How many entries have ended, and where to go on; None: that was all.
    """
    over = {"or": [{"until": {"lt": day.isoformat()}}, {"until": {"isNull": True}}]}
    found = context.find(ENTRY, over, limit, after)
    ended = [each for each in found if not _is_there(context, each)]
    if ended:
        end(context, ended)
    return len(ended), str(found[-1]["id"]) if len(found) == limit else None


def _is_there(context: Writing, entry: Mapping[str, object]) -> bool:
    entity, id_ = key_of(entry)
    if entity not in context.records.model:
        return True  # until its tables are gone, a change of the schema may be undone
    if context.read(entity, id_) is not None:
        return True
    before = str(UUID(int=UUID(id_).int - 1))
    in_trash = (str(each["id"]) for each in context.deleted(entity, before, 1))
    whole = any(each.whole for each in context.vaulted(entity, [id_]))
    return id_ in in_trash or whole


def _purpose_ended(context: Writing, registers: Registers, said: EntityPrivacy, stored: Record) -> Ground:
    retention = said.retention
    if retention is None:
        return Ground(Reason.PURPOSE_END)
    class_ = registers.retention_classes[retention.class_]
    start = began(context, privacy_of(context.records.model), said, stored, lambda key: context.read(*key))
    return Ground(Reason.PURPOSE_END, class_.legal_ref, None if start is None else end_of(class_, start))


def _ground(field: FieldPlan, *, held: bool) -> Ground:
    if held:
        return Ground(Reason.HOLD)
    return Ground(Reason.DISPUTE if field.code == "DISPUTE" else Reason.LAW, field.basis, field.until)
