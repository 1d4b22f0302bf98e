"""Nobody approves what is their own: a quote that they have, have submitted, or have written a part of."""

from xrm_core.api import Record, changes_of
from xrm_sales.quotes.reckoning import CONTENT, INPUTS
from xrm_sales.writing import Writing

_WORDS = frozenset((*INPUTS, "subject", "contact", "opportunity", "language", "introduction", "closing", "terms"))


def is_own(context: Writing, quote: Record, user: str) -> bool:
    """Whether a user is its owner, has submitted it, or has written it or one of its lines, by themselves or first.

    Who has written is in the change log, and on the records as far as that was cleared.
    """
    if user in (quote["owner"], quote["submitted_by"], quote["created_by"]) or _wrote(
        context, quote["id"], user, _WORDS
    ):
        return True
    lines = context.find("quote_item", {"quote": {"id": {"eq": quote["id"]}}}, 1_000)
    return any(user in (line["created_by"], line["updated_by"]) for line in lines) or any(
        _wrote(context, line["id"], user, frozenset(CONTENT)) for line in lines
    )


def _wrote(context: Writing, id_: str, user: str, fields: frozenset[str]) -> bool:
    changes = changes_of(context, id_, fields=())  # who, and which: no value of it
    return any(each.actor == user and not fields.isdisjoint(each.fields) for each in changes)
