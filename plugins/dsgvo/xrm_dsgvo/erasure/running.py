"""A plan is carried out: its steps, then looks whether anything is left; all in the transaction of whoever asks."""

from collections.abc import Callable, Iterator
from datetime import date

from xrm_core.api import Refuse
from xrm_dsgvo.erasure.holding import require_free
from xrm_dsgvo.erasure.plan import Decision, FieldPlan, Plan, RecordAction, RecordPlan
from xrm_dsgvo.erasure.steps import STEPS, Work, needles_of, pending
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import privacy_of

_OURS = frozenset({"ANNOTATED"})

MOST_LOOKS = 5
"""So often it is looked what is left: plugins may write something of the person since something of them was erased."""


def carry_out(
    context: Writing,
    planned: Plan,
    again: Callable[[], Plan],
    person: tuple[str, str],
    needles: frozenset[str] = frozenset(),
) -> dict[str, int]:
    """How much each step has done. ``needles`` name persons who are not in the plan: they go from texts, too.

    What follows from the writes of the run itself, such as points that are reckoned anew, goes as well.

    Raises:
        Refuse: something is left that should be gone, or a legal hold has come upon it; nothing was done.
    """
    privacy = privacy_of(context.records.model)
    work = Work(context, privacy, planned, needles | needles_of(context, privacy, planned), anew=True)
    done = _steps(work)
    for _ in range(MOST_LOOKS):
        look = Work(context, privacy, again(), work.needles, work.surrogates)
        _require_same(planned, look)
        more = _steps(look)
        # The same steps find nothing more to do, and no way leads from the person to what was cut off.
        ways = sum(1 for each in look.plan.records if each.cut and (each.entity, each.id) != person)
        rest = sum(more.values())
        if not rest:
            break
        done = {name: count + more[name] for name, count in done.items()}
    if rest or ways:
        text = {
            "en": f"The erasure was not complete ({rest} values, {ways} links were left) and was taken back.",
            "de": f"Die Löschung war nicht vollständig (übrig: {rest} Werte, {ways} Bezüge) und wurde zurückgenommen.",
        }
        raise Refuse(text)
    require_free(context, planned)
    return done


def _steps(work: Work) -> dict[str, int]:
    return {step.name: step.do(work) for step in STEPS}


def _require_same(planned: Plan, look: Work) -> None:
    """Nothing goes by what has come meanwhile that the plan which was looked at keeps, and no text on which somebody
    has to decide.

    Raises:
        Refuse: it would.
    """
    open_ = {(each.entity, each.id, field.name) for each, field in _to_review(planned)}
    for each, field in _to_review(look.plan):
        if (each.entity, each.id, field.name) not in open_:
            place = f"{each.entity}.{field.name}"
            text = {
                "en": f"While it was erased, a text came on which somebody has to decide ({place}): nothing was done.",
                "de": f"Beim Löschen kam ein Text hinzu, über den zu entscheiden ist ({place}): nichts wurde getan.",
            }
            raise Refuse(text)
    was = {(each.entity, each.id): each for each in planned.records}
    for each in look.plan.records:
        before = was.get((each.entity, each.id))
        if before is None or before.action is RecordAction.DELETE:
            continue
        stays = {field.name for field in before.fields if field.decision is not Decision.ERASE}
        if each.action is RecordAction.DELETE or (stays and stays & pending(look, each).keys()):
            text = {
                "en": f"A record ({each.entity}) would lose what the plan keeps: nothing was done. Open the plan anew.",
                "de": f"Ein Datensatz ({each.entity}) verlöre, was nach dem Plan bleibt: nichts wurde getan. Den Plan "
                "neu öffnen.",
            }
            raise Refuse(text)


def _to_review(planned: Plan) -> Iterator[tuple[RecordPlan, FieldPlan]]:
    return ((each, field) for each, field in planned.fields() if field.decision is Decision.REVIEW)


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
