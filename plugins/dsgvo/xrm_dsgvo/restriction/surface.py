"""The mutations of restrictions, and the guards of what only they write."""

from typing import Any

from xrm_core.api import Action, On
from xrm_dsgvo import own
from xrm_dsgvo.restriction.lifting import RestrictionAnnounceInput, RestrictionLiftInput, announce, lift
from xrm_dsgvo.restriction.looking import RestrictionLooked, RestrictionLookInput, look
from xrm_dsgvo.restriction.restricting import RestrictionOpenInput, RestrictionStanding, open_restriction
from xrm_dsgvo.restriction.standing import RESTRICTION


def actions() -> list[Action]:
    """``dsgvoRestrictionOpen``, ``…Announce``, ``…Lift`` and ``…Look``."""
    opens = {"en": "Restrict the processing of a person's data.", "de": "Die Verarbeitung der Daten einschränken."}
    announces = {"en": "The person was told that it ends.", "de": "Die Person weiß von der Aufhebung."}
    lifts = {"en": "Lift a restriction.", "de": "Eine Einschränkung aufheben."}
    looks = {"en": "Look at restricted data.", "de": "Eingeschränkte Daten ansehen."}
    parts: tuple[tuple[str, Any, type, type, dict[str, str]], ...] = (
        ("open", open_restriction, RestrictionOpenInput, RestrictionStanding, opens),
        ("announce", announce, RestrictionAnnounceInput, RestrictionStanding, announces),
        ("lift", lift, RestrictionLiftInput, RestrictionStanding, lifts),
        ("look", look, RestrictionLookInput, RestrictionLooked, looks),
    )
    return [
        Action(f"dsgvo.restriction_{name}", act, input=given, answers=answers, description=about)
        for name, act, given, answers, about in parts
    ]


def hooks() -> list[On]:
    """They are written by actions alone, and stay as a proof."""
    text = {
        "en": "Restrictions are written by dsgvoRestrictionOpen and what follows it.",
        "de": "Einschränkungen schreiben dsgvoRestrictionOpen und was darauf folgt.",
    }
    return [own.kept(RESTRICTION, text), own.kept("restriction_use", text)]
