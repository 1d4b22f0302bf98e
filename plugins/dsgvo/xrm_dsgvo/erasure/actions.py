"""What becomes of a record, by what becomes of its fields. No I/O in here."""

from collections.abc import Sequence

from xrm_dsgvo.erasure.facts import Found, Trigger
from xrm_dsgvo.erasure.plan import Decision, FieldPlan, RecordAction
from xrm_dsgvo.privacy import EntityPrivacy

_MILDEST = ("keep", "unlink", "anonymize", "cascade", "block")
_BY_LINK = {"keep": "keep_unlinked", "unlink": "unlink", "anonymize": "anonymize", "cascade": "delete"}


CUTTING = frozenset(
    {
        RecordAction.RESTRICT,
        RecordAction.UNLINK,
        RecordAction.KEEP_UNLINKED,
        RecordAction.ANONYMIZE,
        RecordAction.DELETE,
    }
)
"""With these, no way leads from the record to the person any more."""


def action_of(
    entity: EntityPrivacy, found: Found, trigger: Trigger, fields: Sequence[FieldPlan], own: FieldPlan | None
) -> RecordAction:
    """Held, restricted, kept in part, or what its annotation says once nothing is left that stays.

    ``own`` says why the record itself stays, whatever its fields are: an invoice on which nothing is personal is kept
    all the same.

    A field that stays because its annotation says so (an id that names nobody any more) keeps no record.
    """
    if found.holds:
        return RecordAction.HOLD
    stays = [each for each in fields if each.decision is not Decision.ERASE and each.code != "ANNOTATED"]
    decisions = {each.decision for each in [*stays, *([own] if own is not None else [])]}
    if Decision.RESTRICT in decisions:
        return RecordAction.RESTRICT
    if Decision.REVIEW in decisions:
        return RecordAction.REVIEW
    if decisions:
        going = any(each.decision is Decision.ERASE or each.redacts for each in fields)
        return RecordAction.FIELDS if going else RecordAction.NOTHING
    return _whole(entity, found, trigger)


def _whole(entity: EntityPrivacy, found: Found, trigger: Trigger) -> RecordAction:
    if trigger is Trigger.RETENTION:
        then = entity.retention.then if entity.retention is not None else "anonymize"
        return RecordAction.ANONYMIZE if then == "anonymize" else RecordAction.DELETE
    via = frozenset() if found.own else found.via
    links = {link.on_erase for name in via if (link := entity.fields[name].link) is not None}
    mildest = next((each for each in _MILDEST if each in links), "block")
    action = RecordAction(_BY_LINK.get(mildest) or entity.on_erase or "anonymize")
    if found.others and action in (RecordAction.DELETE, RecordAction.ANONYMIZE):
        return RecordAction.UNLINK
    return action
