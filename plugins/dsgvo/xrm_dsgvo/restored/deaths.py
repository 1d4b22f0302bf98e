"""Who has died is known to have died again: nobody writes to them after a restore either."""

from collections.abc import Mapping
from typing import Any

from xrm_dsgvo.death.recording import died, lives
from xrm_dsgvo.own import Writing
from xrm_dsgvo.restored.keeping import text_of
from xrm_dsgvo.restored.persons import known
from xrm_dsgvo.subjects import SUBJECT


def die_again(context: Writing, said: Mapping[str, Any]) -> None:
    """How it was known is known again as long as the key of the person is there."""
    if (subject := _known(context, said)) is not None:
        source = text_of(context, said, "source")
        died(context, subject, {"deceased": True, "died_on": said["died_on"], "death_source": source})


def live_again(context: Writing, said: Mapping[str, Any]) -> None:
    """It was a mistake then."""
    if (subject := _known(context, said)) is not None:
        lives(context, subject)


def _known(context: Writing, said: Mapping[str, Any]) -> str | None:
    subject = known(context, said["person"])
    stored = context.read(SUBJECT, subject) if subject is not None else None
    return None if stored is None or stored["status"] in ("erasing", "erased") else subject
