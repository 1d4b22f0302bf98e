"""The standard reports come into an installation: all with the first pipeline, later ones by an action."""

from dataclasses import dataclass, field
from typing import Any

from xrm_core.api import Action, ActionContext, Refuse
from xrm_sales.acting import action
from xrm_sales.reports.standard import STANDARD
from xrm_sales.writing import change, create


@dataclass
class ReportsInput:
    """Names of reports that become what the platform has of them, whatever somebody has made of them."""

    replace: list[str] = field(default_factory=list)


@dataclass
class ReportsInstalled:
    """Names of those that are new, and of those that are as the platform has them again."""

    created: list[str]
    replaced: list[str]


def install_missing(context: Any) -> list[str]:
    """Make those that are not there; their names. ``context`` has records, connection and system."""
    there = {each["name"] for each in _kept(context)}
    missing = [name for name, *_ in STANDARD if name not in there]
    for name in missing:
        create(context, "report", {"name": name, **_values(name)})
    return missing


def install(context: ActionContext, given: ReportsInput) -> ReportsInstalled:
    """Make what is missing; done again, it does nothing.

    Raises:
        Refuse: the platform has no report of a name that is to be replaced.
    """
    unknown = sorted(set(given.replace) - {name for name, *_ in STANDARD})
    if unknown:
        names = ", ".join(unknown)
        text = {"en": f"No standard report: {names}.", "de": f"Kein Standardbericht: {names}."}
        raise Refuse(text, field="replace")
    replaced = []
    for each in _kept(context):
        if each["name"] in given.replace:
            values = _values(each["name"])
            if any(each[name] != value for name, value in values.items()):
                change(context, "report", each["id"], values)
                replaced.append(each["name"])
    return ReportsInstalled(install_missing(context), sorted(replaced))


def actions() -> list[Action]:
    """``salesInstallReports``."""
    en, de = "Make the standard reports that are missing.", "Fehlende Standardberichte anlegen."
    return [action("install_reports", install, takes=ReportsInput, answers=ReportsInstalled, en=en, de=de)]


def _kept(context: Any) -> list[Any]:
    return list(context.find("report", {"name": {"in": [name for name, *_ in STANDARD]}}, 1_000))


def _values(wanted: str) -> dict[str, Any]:
    [(_, title, title_de, document)] = [each for each in STANDARD if each[0] == wanted]
    return {"title": title, "title_de": title_de, "document": document}
