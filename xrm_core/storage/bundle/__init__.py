"""Export bundles: everything of one tenant in a zip file that any database of this platform can take."""

from xrm_core.storage.bundle.reading import import_bundle
from xrm_core.storage.bundle.writing import export_bundle

__all__ = ["export_bundle", "import_bundle"]
