"""What only the plugin writes of the archive."""

from xrm_core.api import On
from xrm_dsgvo import own
from xrm_dsgvo.archive.entries import ENTRY, USE


def hooks() -> list[On]:
    """Entries and uses are written by the platform alone."""
    text = {
        "en": "The platform keeps what is archived, and who has looked at it.",
        "de": "Was archiviert ist und wer es angesehen hat, führt die Plattform.",
    }
    return [own.kept(ENTRY, text), own.kept(USE, text)]
