"""Where the content of files lies if not in the database: a folder, or a bucket of an S3-compatible store."""

from xrm_core.storage.contents.contents import Contents, Kept, Stores
from xrm_core.storage.contents.store import FilesUnavailable, Reader, Store

__all__ = ["Contents", "FilesUnavailable", "Kept", "Reader", "Store", "Stores"]
