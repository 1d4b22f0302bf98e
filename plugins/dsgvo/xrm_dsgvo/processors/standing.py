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
  nodes {
    country instrument status validUntil
    assessments(
      first: 1, where: {kind: {eq: transfer}, status: {eq: approved}, outcome: {eq: acceptable}},
      orderBy: [{reviewOn: DESC}]
    ) { nodes { reviewOn } }
  }
}"""
ITSELF = f"id name role country approvedOn {TRANSFERS}"
CONTRACTS = """
contracts(first: 20, where: {status: {eq: active}}, orderBy: [{validFrom: DESC}]) {
  nodes { kind status validFrom validUntil subProcessing }
}"""

_ASSESSED = frozenset({"scc", "bcr"})
"""Instruments that say nothing of the law of the country: it was looked at (Schrems II, EDPB 01/2020)."""


@dataclass(frozen=True)
class Lack:
    """What is missing, in both languages."""

    en: str
    de: str


def lack(recipient: Mapping[str, Any], below: Sequence[Mapping[str, Any]], today: str) -> Lack | None:
    """Why a recipient gets nothing on a day; None: it may get data.

    Args:
        recipient: with its contracts and transfers, as the API answers them (:data:`ITSELF`, :data:`CONTRACTS`).
        below: its sub-processors, and theirs. They have their contract with whoever engages them; of them it is looked
            at whether we have allowed them (Article 28(2)), and at the transfer.
        today: the day.
    """
    name, kind = recipient["name"], CONTRACTS_OF.get(recipient["role"])
    bound = [each for each in recipient["contracts"]["nodes"] if kind is not None and _binds(each, kind, today)]
    if kind is not None and not bound:
        return Lack(f"With {name} no contract is in force.", f"Mit {name} ist kein Vertrag in Kraft.")
    if kind == "processing" and (refused := _not_allowed(bound, below, today)):
        english = f"The contract with {name} does not allow {refused} as a sub-processor."
        return Lack(english, f"Der Vertrag mit {name} erlaubt {refused} nicht als Unterauftragsverarbeiter.")
    for each in (recipient, *below):
        name, country = each["name"], each["country"]
        bases = [one for one in each["transfers"]["nodes"] if _carries(one, country, today)]
        if country not in EEA and not bases:
            english = f"Nothing allows a transfer to {name} in {country}."
            return Lack(english, f"Nichts erlaubt eine Übermittlung an {name} in {country}.")
        if country not in EEA and not any(_is_assessed(one, today) for one in bases):
            english = f"No assessment of the transfer to {name} in {country} (TIA) holds."
            return Lack(english, f"Für die Übermittlung an {name} in {country} gilt keine Prüfung (TIA).")
    return None


def _not_allowed(contracts: Sequence[Mapping[str, Any]], below: Sequence[Mapping[str, Any]], today: str) -> str | None:
    """A sub-processor that no contract in force allows, by its name."""
    modes = {each["subProcessing"] for each in contracts}
    if "general" in modes:
        return None
    allowed = (each for each in below if "specific" in modes and each["approvedOn"] and each["approvedOn"] <= today)
    known = {each["id"] for each in allowed}
    return next((str(each["name"]) for each in below if each["id"] not in known), None)


def _binds(contract: Mapping[str, Any], kind: str, today: str) -> bool:
    return bool(contract["kind"] == kind and contract["status"] == "active" and _is_within(contract, today))


def _carries(transfer: Mapping[str, Any], country: str, today: str) -> bool:
    return bool(transfer["country"] == country and transfer["status"] == "active" and _is_within(transfer, today))


def _is_assessed(transfer: Mapping[str, Any], today: str) -> bool:
    """Whether somebody has found the law of the country acceptable, where the instrument needs that, and lately."""
    held = (each["reviewOn"] > today for each in transfer["assessments"]["nodes"])
    return transfer["instrument"] not in _ASSESSED or any(held)


def _is_within(what: Mapping[str, Any], today: str) -> bool:
    begins, ends = what.get("validFrom"), what["validUntil"]
    return (begins is None or begins <= today) and (ends is None or today <= ends)
