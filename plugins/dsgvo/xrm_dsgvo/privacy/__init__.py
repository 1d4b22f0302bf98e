"""What annotations say, as frozen values: what discovery, export, erasure, retention and the send gate read."""

from xrm_dsgvo.privacy.model import (
    Edge,
    EntityPrivacy,
    Erase,
    FieldPrivacy,
    Link,
    Match,
    PrivacyModel,
    Retention,
    Start,
)
from xrm_dsgvo.privacy.natural import is_company, is_person, require_of_persons, require_person
from xrm_dsgvo.privacy.reading import privacy_of

__all__ = [
    "Edge",
    "EntityPrivacy",
    "Erase",
    "FieldPrivacy",
    "Link",
    "Match",
    "PrivacyModel",
    "Retention",
    "Start",
    "is_company",
    "is_person",
    "privacy_of",
    "require_of_persons",
    "require_person",
]
