"""A plan is carried out: its steps, then a look whether anything is left; all in the transaction of whoever asks."""

from collections.abc import Callable, Iterator
from datetime import date

from xrm_core.api import Refuse
from xrm_dsgvo.erasure.plan import Decision, Plan, RecordAction
from xrm_dsgvo.erasure.steps import STEPS, Work, needles_of
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import privacy_of

_OURS = frozenset({"ANNOTATED"})


def carry_out(
    context: Writing,
    planned: Plan,
    again: Callable[[], Plan],
    person: tuple[str, str],
    needles: frozenset[str] = frozenset(),
) -> dict[str, int]:
    """How much each step has done. ``needles`` name persons who are not in the plan: they go from texts, too.

    Raises:
        Refuse: something is left that should be gone; nothing was done.
    """
    privacy = privacy_of(context.records.model)
    work = Work(context, privacy, planned, needles | needles_of(context, privacy, planned))
    done = {step.name: step.do(work) for step in STEPS}
    left = again()
    # The same steps find nothing more to do, and no way leads from the person to what was cut off.
    rest = sum(step.do(Work(context, privacy, left, work.needles)) for step in STEPS)
    ways = sum(1 for each in left.records if each.cut and (each.entity, each.id) != person)
    if rest or ways:
        text = {
            "en": f"The erasure was not complete ({rest} values, {ways} links were left) and was taken back.",
            "de": f"Die Löschung war nicht vollständig (übrig: {rest} Werte, {ways} Bezüge) und wurde zurückgenommen.",
        }
        raise Refuse(text)
    return done


def kept_of(planned: Plan) -> Iterator[tuple[str, str, str, date | None]]:
    """Datenart, decision, basis and end of what stays, once for each record; what names nobody is not told."""
    for record in planned.records:
        told = {
            (record.datenart or record.entity, each.decision.value, each.basis or each.code, each.until)
            for each in record.fields
            if each.decision is not Decision.ERASE and each.code not in _OURS
        }
        if not told and record.action in (RecordAction.RESTRICT, RecordAction.HOLD):
            told = {(record.datenart or record.entity, record.action.value, "", None)}
        yield from told
