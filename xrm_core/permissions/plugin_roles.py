"""Default roles that plugins bring: a proposal beside the policies in force, put upon them by who administers them.

They add. A role that is in force keeps what it says, and whatever it would gain or lose beside that has to be accepted
by its name: a plugin that is installed changes nothing that anybody may do.
"""

import csv
import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xrm_core.errors import PermissionsRefused, PluginLoadError, PolicyInvalid
from xrm_core.metadata.model import Model
from xrm_core.permissions.differences import differences
from xrm_core.permissions.policy import PolicySet, parse_texts
from xrm_core.permissions.policy_files import POLICIES, ROLES, text_of
from xrm_core.plugins import Plugins


@dataclass(frozen=True)
class Brought:
    """The roles and policies of one plugin: the document of ``roles.json``, and both texts by their paths."""

    plugin: str
    document: Mapping[str, Any]
    roles: Mapping[str, str]
    policies: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """The roles that it defines."""
        return list(self.document.get("roles", ()))


def brought(plugins: Plugins) -> list[Brought]:
    """What plugins bring, in their order.

    Raises:
        PluginLoadError: a file cannot be read, or two plugins mean different things by one name.
    """
    found: list[Brought] = []
    for plugin, folder in plugins.folders("register_roles"):
        try:
            found.append(_read(plugin, folder))
        except PolicyInvalid as error:
            raise plugins.load_error(plugin, error.message) from None
    _refuse_clashes(plugins, found)
    return found


def put_upon(in_force: Mapping[str, str], each: Brought, model: Model) -> dict[str, str]:
    """The texts of a policy set in force with the roles of a plugin upon it.

    Raises:
        PolicyInvalid: the plugin's files have mistakes, or do not fit the model or what is in force.
    """
    document = json.loads(in_force[ROLES])
    roles = in_force[ROLES]
    if _add(document, each):
        roles = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    named = f"{ROLES} with those of {each.plugin}"
    parse_texts({named: roles}, {POLICIES: in_force[POLICIES], **each.policies}, model)
    return {ROLES: roles, POLICIES: in_force[POLICIES] + _missing(in_force[POLICIES], each.policies.values())}


def require_accepted(model: Model, before: PolicySet, after: PolicySet, accepted: Collection[str]) -> None:
    """Refuse that roles which are in force change, unless that is accepted for each by its name.

    Raises:
        PermissionsRefused: names them.
    """
    found = {each.role for each in differences(model, before, after)}
    touched = sorted(name for name in found if name in before.roles and name not in accepted)
    if touched:
        options = " ".join(f"--accept {name}" for name in touched)
        raise PermissionsRefused(
            f"Roles that are in force already would change: {', '.join(touched)}.",
            hint=f"Look at the plan; then say for each of them that it may: {options}.",
            details={"roles": touched},
        )


def _read(plugin: str, folder: Path) -> Brought:
    texts = {name: (folder / name, text_of(folder / name)) for name in (ROLES, POLICIES) if (folder / name).exists()}
    if not texts:
        raise PolicyInvalid(f"its folder {folder} has neither {ROLES} nor {POLICIES}")
    document: Any = {}
    if ROLES in texts:
        file, text = texts[ROLES]
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise PolicyInvalid(f"{file} is not valid JSON: {error}") from error
        members = [document.get(key, {}) for key in ("roles", "rules")] if isinstance(document, dict) else [None]
        if not all(isinstance(each, dict) for each in members):
            raise PolicyInvalid(f"{file} must be an object with «roles» and «rules»")
    document = {"roles": document.get("roles", {}), "rules": document.get("rules", {})}
    by_file = [{str(texts[name][0]): texts[name][1]} if name in texts else {} for name in (ROLES, POLICIES)]
    return Brought(plugin, document, *by_file)


def _refuse_clashes(plugins: Plugins, found: Sequence[Brought]) -> None:
    first: dict[tuple[str, str], Brought] = {}
    for each in found:
        for noun in ("roles", "rules"):
            for name, body in each.document[noun].items():
                other = first.setdefault((noun, name), each)
                if other.document[noun][name] != body:
                    raise _clash(plugins, noun[:-1], name, other.plugin, each.plugin)


def _clash(plugins: Plugins, noun: str, name: str, first: str, second: str) -> PluginLoadError:
    return plugins.load_error(second, f"its {noun} {name!r} is another than that of the plugin {plugins.origin(first)}")


def _add(document: dict[str, Any], each: Brought) -> bool:
    """Add to the document of a set what it lacks; answers whether it lacked anything."""
    before = json.dumps(document)
    for name, body in each.document["roles"].items():
        known = document["roles"].setdefault(name, body)
        wanted = body.get("inherits", ()) if isinstance(body, dict) else ()
        more = [parent for parent in wanted if parent not in known.get("inherits", ())]
        if more:
            known["inherits"] = [*known.get("inherits", ()), *more]
    rules = document.setdefault("rules", {})
    for name, body in each.document["rules"].items():
        if rules.setdefault(name, body) != body:
            file = next(iter(each.roles))
            raise PolicyInvalid(f"{file}: the rule {name!r} is in force already, and otherwise.")
    return json.dumps(document) != before


def _missing(known: str, texts: Iterable[str]) -> str:
    """The rows of policy files that another does not have, as text to stand behind it."""
    there = {_key(row) for row in _rows(known)}
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    for text in texts:
        for row in _rows(text):
            if _key(row) not in there:
                there.add(_key(row))
                writer.writerow(row)
    return ("" if not made.getvalue() or known.endswith("\n") else "\n") + made.getvalue()


def _rows(text: str) -> list[list[str]]:
    return [row for row in csv.reader(text.splitlines(), strict=True) if row][1:]


def _key(row: Sequence[str]) -> tuple[object, ...]:
    role, entity, action, fields, rule, effect = row
    return role, entity, action, frozenset(fields.split()), rule, effect
