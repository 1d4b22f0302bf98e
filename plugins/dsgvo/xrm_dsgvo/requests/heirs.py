"""Who asks for somebody who has died.

No right of the GDPR is inherited (Recital 27). What an estate is owed, such as information under §§ 666 and 1922 BGB,
is no answer by Article 15: it is noted, and answered by hand.
"""

from typing import Any

from xrm_core.api import Record, Refuse


def check_living(request: Record, deceased: Any) -> None:
    """Demand that it fits who has asked.

    Raises:
        Refuse: the person has died, and it was opened as theirs; or an heir asks of somebody who lives.
    """
    if deceased and not request["heir"]:
        text = {
            "en": "This person has died, and nobody has their rights. What an heir asks for is another request: "
            "open it with heir. Refuse this one by the ground deceased, or withdraw it.",
            "de": "Diese Person ist verstorben, und niemand hat ihre Rechte. Was eine Erbin oder ein Erbe verlangt, "
            "ist eine andere Anfrage: mit heir aufnehmen. Diese mit dem Grund deceased ablehnen oder zurückziehen.",
        }
        raise Refuse(text, field="record")
    if request["heir"] and not deceased:
        text = {
            "en": "As far as is known this person lives: keep first by dsgvoDeathRecord that they have died.",
            "de": "Soweit bekannt, lebt diese Person: zuerst mit dsgvoDeathRecord festhalten, dass sie verstorben ist.",
        }
        raise Refuse(text, field="record")


def check_own(request: Record) -> None:
    """Demand that it is a request of the person, who gets an answer that the platform makes.

    Raises:
        Refuse: an heir has asked.
    """
    if request["heir"]:
        text = {
            "en": "An heir has asked: that is no right of the GDPR, and no such answer. Answer by hand what the estate "
            "is owed, without what is about others.",
            "de": "Eine Erbin oder ein Erbe hat gefragt: Das ist kein Recht der DSGVO und keine solche Antwort. "
            "Von Hand beantworten, was dem Nachlass zusteht, ohne das, was andere betrifft.",
        }
        raise Refuse(text, field="request")
