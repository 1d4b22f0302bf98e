"""Backups: all databases of an installation in a folder, each from one moment, and the way back into empty places."""

from xrm_core.storage.backup.restoring import restore
from xrm_core.storage.backup.writing import back_up

__all__ = ["back_up", "restore"]
