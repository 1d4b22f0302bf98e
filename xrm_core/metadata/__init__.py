"""Schema files → :class:`~xrm_core.metadata.model.Model` (frozen; no I/O but reading files)."""
