"""A message as the gate is asked about it, and what it answers."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from xrm_dsgvo.channels import Channel, PointKind


class Kind(Enum):
    """What a message is: whatever is not needed for a contract or demanded by law is advertising."""

    advertising = "advertising"
    transactional = "transactional"
    legal = "legal"


@dataclass
class Draft:
    """A message that somebody wants to send.

    ``purpose`` is the key of one; advertising has to name it. ``advertising_free``: nothing in it is advertising, no
    survey, no recommendation. ``opt_out_notice``: it says how to object, as the exception for customers demands.
    ``connector`` is the key of that by which it leaves: ``channel:mail``. Senders outside name their own; where none is
    named, nobody asks whether there is a contract. ``template`` is the key of one that was approved: it says then what
    the message is, and whether it says how to object. ``notice`` is the id of the privacy notice that it brings.
    """

    channel: Channel
    to: str
    kind: Kind = Kind.advertising
    point_kind: PointKind | None = None
    purpose: str | None = None
    advertising_free: bool = False
    products: list[str] = field(default_factory=list)
    product_category: str | None = None
    controller: str | None = None
    opt_out_notice: bool = False
    message: str | None = None
    connector: str | None = None
    notice: str | None = None
    template: str | None = None


@dataclass
class Permit:
    """Whether it may go, by which code; ``consent`` is the one that allows it. ``tracking``: opening and clicks may be
    watched, which is a consent of its own. ``unsubscribe`` is the path for the header ``List-Unsubscribe`` and the
    foot of the message; only of what is really let go. ``until``: it may not go now, and may be asked about again then.
    """

    allowed: bool
    code: str
    reason: str
    consent: str | None = None
    tracking: bool = False
    unsubscribe: str | None = None
    until: datetime | None = None


REASONS = {
    "E_ERASED": "There is nobody to write to: the address is none, or the person's data is erased.",
    "E_RESTRICTED": "The processing of the person's data is restricted.",
    "E_AVV": "No contract is in force with whoever would get it on the way, or nothing allows a transfer there.",
    "E_TEMPLATE": "No template of this name is approved, or the message has to name one.",
    "T_CONTRACT": "It is needed for a contract or demanded by law, and has no advertising in it.",
    "E_OBJECTION": "Somebody at this address has objected or withdrawn, or messages came back.",
    "E_MINOR": "A minor is reached there, and nobody with parental responsibility has consented.",
    "E_DECEASED": "Who is reached there has died, and nobody who lives has consented to it.",
    "P_PREFERENCE": "It is not wanted there: not about this, not so often, or not at this time.",
    "C_CONSENT": "There is a consent for it.",
    "C_CUSTOMER": "It is for a customer, about goods like those that they bought, and says how to object.",
    "C_PHONE": "The call is consented to, or may be presumed to be.",
    "C_POST": "An approved assessment allows it, and the person was told.",
    "E_STALE": "The consent was not used for too long.",
    "E_NO_BASIS": "Nothing allows it.",
    "E_NO_KEY": "There is no key for suppressions: set XRM_DSGVO_SUPPRESSION_KEY.",
}
"""Code → what it says. ``E_`` and ``P_`` do not let it go."""

GERMAN = {
    "E_ERASED": "Da ist niemand: Die Adresse ist keine, oder die Daten der Person sind gelöscht.",
    "E_RESTRICTED": "Die Verarbeitung der Daten dieser Person ist eingeschränkt.",
    "E_AVV": "Mit wem sie auf dem Weg bekäme, ist kein Vertrag in Kraft, oder nichts erlaubt die Übermittlung dorthin.",
    "E_TEMPLATE": "Eine solche Vorlage ist nicht freigegeben, oder die Nachricht muss eine nennen.",
    "T_CONTRACT": "Sie gehört zu einem Vertrag oder ist vorgeschrieben, und wirbt für nichts.",
    "E_OBJECTION": "An dieser Adresse hat jemand widersprochen oder widerrufen, oder Nachrichten kamen zurück.",
    "E_MINOR": "Dort ist jemand minderjährig, und kein Sorgeberechtigter hat eingewilligt.",
    "E_DECEASED": "Wer dort erreichbar ist, ist verstorben, und niemand Lebendes hat eingewilligt.",
    "P_PREFERENCE": "Sie ist dort nicht erwünscht: nicht dazu, nicht so oft oder nicht um diese Zeit.",
    "C_CONSENT": "Es gibt eine Einwilligung.",
    "C_CUSTOMER": "Sie geht an einen Kunden, wirbt für ähnliche Waren und nennt das Widerspruchsrecht.",
    "C_PHONE": "In den Anruf ist eingewilligt, oder das ist anzunehmen.",
    "C_POST": "Eine freigegebene Abwägung erlaubt sie, und die Person ist unterrichtet.",
    "E_STALE": "Die Einwilligung wurde zu lange nicht benutzt.",
    "E_NO_BASIS": "Nichts erlaubt sie.",
    "E_NO_KEY": "Es gibt keinen Schlüssel für Werbesperren: XRM_DSGVO_SUPPRESSION_KEY setzen.",
}
