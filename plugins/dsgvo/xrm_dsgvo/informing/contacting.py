"""A message to somebody whose data came from elsewhere: the first one brings the notice (Article 14(3)(b))."""

from datetime import UTC, datetime

from xrm_core.api import MessageOutcome, MessageState, OutgoingMessage
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.informing.delivering import delivered, edition
from xrm_dsgvo.informing.duties import DUTY, due_now
from xrm_dsgvo.objection.following import ADDRESSES
from xrm_dsgvo.objection.persons import HOLDER, one_person
from xrm_dsgvo.own import Writing
from xrm_dsgvo.sending.draft import Draft
from xrm_dsgvo.subjects import SUBJECT, Person, subject_of


def written_to(context: Writing, draft: Draft, point: str, person: Key | None, *, ends: bool) -> None:
    """Keep that a message has brought a notice; else have it be due where one is owed.

    Args:
        context: the transaction that lets the message go.
        draft: the message.
        point: where it goes.
        person: the record of who gets it, as far as one is known.
        ends: its end will be told, by :func:`arrived`: nobody was given anything before.

    Raises:
        Refuse: there is no such notice.
    """
    if draft.notice is not None and ends:
        edition(context, draft.notice)
        return
    if draft.notice is not None:
        _given(context, draft.notice, point, person, draft.channel.value, datetime.now(UTC))
        return
    if not context.find(DUTY, {"status": {"eq": "open"}}, 1):
        return
    holders = context.find(HOLDER, {"contact_point": {"id": {"eq": point}}}, 100)
    keys: set[Key] = {(SUBJECT, str(each["data_subject"])) for each in holders} | ({person} if person else set())
    due_now(context, one_person(context, keys), "first_contact")


def arrived(context: Writing, message: OutgoingMessage, outcome: MessageOutcome) -> None:
    """A message of the outbox has ended: what was taken has brought its notice."""
    notice = message.payload.get("notice")
    if notice is None or outcome.state is not MessageState.SENT:
        return
    for use in context.find("consent_use", {"message": {"eq": message.id}}, 1):
        person = message.person or message.about
        _given(context, str(notice), str(use["contact_point"]), person, str(use["channel"]), outcome.at)


def _given(context: Writing, notice: str, point: str, person: Key | None, via: str, at: datetime) -> None:
    is_person = person is not None and person[0] in ADDRESSES
    of = subject_of(context, Person(entity=person[0], record=person[1])) if person and is_person else None
    delivered(context, notice, point, of, via, at)
