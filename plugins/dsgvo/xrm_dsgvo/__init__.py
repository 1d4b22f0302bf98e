"""Data protection (GDPR, in German DSGVO) out of one annotation in the entity files: ``x-dsgvo``."""

from xrm_core.api import Needs, hookimpl


@hookimpl
def register_needs() -> Needs:
    """The platform with which it comes."""
    return Needs(core=">=0.1")
