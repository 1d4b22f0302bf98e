"""Requests that leave for addresses which users have named: one client, which goes nowhere that it must not."""

from xrm_core.outgoing.client import Answer, NotAnswered, Outgoing

__all__ = ["Answer", "NotAnswered", "Outgoing"]
