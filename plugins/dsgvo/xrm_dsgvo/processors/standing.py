"""Whether somebody may get data today: a function of what the registers say, and of nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EEA = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905
)
"""Countries among which data move freely."""

CONTRACTS_OF = {"processor": "processing", "sub_processor": "processing", "joint_controller": "joint"}
"""Role → the kind of contract without which it gets nothing. A controller of its own needs none."""

TRANSFERS = """
transfers(first: 20, where: {status: {eq: active}}, orderBy: [{checkedOn: DESC}]) {
  nodes { country instrument status validUntil impactCheckedOn }
}"""
ITSELF = f"id name role country {TRANSFERS}"
CONTRACTS = """
contracts(first: 20, where: {status: {eq: active}}, orderBy: [{validFrom: DESC}]) {
  nodes { kind status validFrom validUntil }
}"""

_CHECKED = frozenset({"scc", "bcr"})


@dataclass(frozen=True)
class Lack:
    """What is missing, in both languages."""

    en: str
    de: str


def lack(recipient: Mapping[str, Any], below: Sequence[Mapping[str, Any]], today: str) -> Lack | None:
    """Why a recipient gets nothing on a day; None: it may get data.

    Args:
        recipient: with its contracts and transfers, as the API answers them (:data:`ITSELF`, :data:`CONTRACTS`).
        below: its sub-processors, and theirs. They have their contract with whoever engages them; of them the transfer
            alone is looked at.
        today: the day.
    """
    name, kind = recipient["name"], CONTRACTS_OF.get(recipient["role"])
    if kind is not None and not any(_binds(each, kind, today) for each in recipient["contracts"]["nodes"]):
        return Lack(f"With {name} no contract is in force.", f"Mit {name} ist kein Vertrag in Kraft.")
    for each in (recipient, *below):
        name, country = each["name"], each["country"]
        if country not in EEA and not any(_carries(one, country, today) for one in each["transfers"]["nodes"]):
            english = f"Nothing allows a transfer to {name} in {country}."
            return Lack(english, f"Nichts erlaubt eine Übermittlung an {name} in {country}.")
    return None


def _binds(contract: Mapping[str, Any], kind: str, today: str) -> bool:
    return bool(contract["kind"] == kind and contract["status"] == "active" and _is_within(contract, today))


def _carries(transfer: Mapping[str, Any], country: str, today: str) -> bool:
    if transfer["country"] != country or transfer["status"] != "active" or not _is_within(transfer, today):
        return False
    return transfer["instrument"] not in _CHECKED or bool(transfer["impactCheckedOn"])


def _is_within(what: Mapping[str, Any], today: str) -> bool:
    begins, ends = what.get("validFrom"), what["validUntil"]
    return (begins is None or begins <= today) and (ends is None or today <= ends)
