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
    "privacy_of",
]
