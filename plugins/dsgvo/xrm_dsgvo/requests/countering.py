"""An opinion that a person disputes is not overwritten: what they say stands beside it (Article 16)."""

from dataclasses import dataclass

from xrm_core.api import Action, ActionContext, On, Refuse
from xrm_dsgvo.own import create, kept, now
from xrm_dsgvo.requests.cases import held, said
from xrm_dsgvo.requests.identity import graph_of

STATEMENT = "counter_statement"


@dataclass
class CounterStateInput:
    """For which request, to which field of which record, and what the person says."""

    request: str
    entity: str
    record: str
    field: str
    text: str


@dataclass
class CounterStated:
    """The statement."""

    statement: str


def state(context: ActionContext, given: CounterStateInput) -> CounterStated:
    """Keep it beside the opinion.

    Raises:
        Refuse: it is no request for rectification that was granted, or the field says nothing about the person.
    """
    request = held(context, given.request, "answer")
    if request["decision"] == "refused" or request["kind"] != "rectification" or request["data_subject"] is None:
        text = {"en": "It is no request for rectification of somebody.", "de": "Es ist keine Anfrage auf Berichtigung."}
        raise Refuse(text, field="request")
    hit = graph_of(context, request).hit((given.entity, given.record))
    if hit is None or given.field not in hit.mine:
        text = {
            "en": f"That is no field about them: {given.entity}.{given.field}.",
            "de": f"Das ist kein Feld über die Person: {given.entity}.{given.field}.",
        }
        raise Refuse(text, field="field")
    place = {"entity_name": given.entity, "record_id": given.record, "field_name": given.field}
    values = {"data_subject": request["data_subject"], "request": request["id"], "text": said(given.text, "text")}
    return CounterStated(create(context, STATEMENT, {**values, **place, "stated_at": now()}))


def has_stated(context: ActionContext, request: str) -> bool:
    """Whether there is one of this request."""
    return bool(context.find(STATEMENT, {"request": {"id": {"eq": request}}}, 1))


def actions() -> list[Action]:
    """``dsgvoCounterState``."""
    about = {"en": "Keep what a person says to an opinion.", "de": "Eine Gegendarstellung der Person aufnehmen."}
    return [Action("dsgvo.counter_state", state, input=CounterStateInput, answers=CounterStated, description=about)]


def hooks() -> list[On]:
    """It is the person's: nobody changes it."""
    text = {
        "en": "Counter-statements are kept by dsgvoCounterState, and stay.",
        "de": "Gegendarstellungen nimmt dsgvoCounterState auf, und sie bleiben.",
    }
    return [kept(STATEMENT, text)]
