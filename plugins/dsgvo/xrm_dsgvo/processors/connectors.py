"""Connectors and whom they reach: what reaches somebody without a contract in force sends nothing."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from xrm_core.api import ConnectorRefusal, LeavingContext
from xrm_dsgvo.processors.standing import CONTRACTS, ITSELF, Lack, lack

CODE = "E_AVV"
QUERY = f"""
query ($key: String!) {{
  dataConnectors(where: {{key: {{eq: $key}}}}) {{ nodes {{ processor {{ {ITSELF} {CONTRACTS} }} }} }}
}}"""
BELOW = f"""
query ($ids: [ID!]!) {{
  processors(first: 200, where: {{mainProcessor: {{id: {{in: $ids}}}}}}) {{
    nodes {{ {ITSELF} }}
    pageInfo {{ hasNextPage }}
  }}
}}"""

Ask = Callable[[str, Mapping[str, Any]], dict[str, Any]]
"""``query_as_system`` of whoever asks."""


def before_data_leaves(context: LeavingContext) -> ConnectorRefusal | None:
    """The gate of webhooks and of connectors of plugins."""
    found = lack_of(context.query_as_system, key_of(context), context.settings)
    return None if found is None else ConnectorRefusal(CODE, {"en": found.en, "de": found.de})


def key_of(context: LeavingContext) -> str:
    """Of the connector that is asked about."""
    return f"{context.connector.kind}:{context.connector.name}"


def lack_of(ask: Ask, key: str, settings: Any) -> Lack | None:
    """Why nothing leaves by a connector today; None: it may.

    Args:
        ask: answers documents.
        key: its kind and name, as in ``webhook:hooks.example.com``.
        settings: of the plugin; its own connectors reach nobody else.
    """
    if key in settings.own_connectors:
        return None
    bound = ask(QUERY, {"key": key})["dataConnectors"]["nodes"]
    if not bound:
        return Lack(f"Nobody has said whom {key} reaches.", f"Niemand hat gesagt, wen {key} erreicht.")
    recipient = bound[0]["processor"]
    below = _below(ask, recipient["id"])
    if below is None:
        return Lack(f"{key} reaches too many.", f"{key} erreicht zu viele.")
    return lack(recipient, below, today(settings))


def today(settings: Any) -> str:
    """The day, where the controller is."""
    return datetime.now(ZoneInfo(settings.time_zone)).date().isoformat()


def _below(ask: Ask, id_: str) -> list[dict[str, Any]] | None:
    """All sub-processors of a recipient; None: there are more than are looked at."""
    found: dict[str, dict[str, Any]] = {}
    ids = [id_]
    while ids:
        page = ask(BELOW, {"ids": ids})["processors"]
        if page["pageInfo"]["hasNextPage"]:
            return None
        fresh = {each["id"]: each for each in page["nodes"] if each["id"] not in found}
        found |= fresh
        ids = list(fresh)
    return list(found.values())
