"""Everything a plugin may import, and nothing else of core.

``hookimpl`` marks the functions that implement hooks (:mod:`xrm_core.hookspecs` has their contracts), ``Refuse`` is
raised by a before-hook to refuse a write, ``Record`` is the type of the records that hooks are given. What is not
here may change in any release.
"""

from xrm_core.errors import Refuse
from xrm_core.hookspecs import Record, hookimpl

__all__ = ["Record", "Refuse", "hookimpl"]
