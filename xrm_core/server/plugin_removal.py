"""Removing what a plugin has in a database: what that would do, and doing it as a change of the model like others."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from xrm_core.errors import ModelOutOfDate, PolicyInvalid, SchemaChangeRefused, SchemaFilesInvalid, SettingsError
from xrm_core.events import webhooks
from xrm_core.metadata.keywords import Keywords, own_word
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Model
from xrm_core.permissions.fitting import put_along
from xrm_core.permissions.policy import PolicySet, parse_files
from xrm_core.permissions.trimming import trimmed
from xrm_core.plugins import Plugins
from xrm_core.server.assembly import find_plugins, kept_files, read_layers
from xrm_core.server.plugin_leftovers import Leftovers, clear, leftovers
from xrm_core.server.workflow_files import in_the_way, workflows_of
from xrm_core.settings import Settings
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.plan import Plan, plan
from xrm_core.storage.plugin_switches import mark_removed
from xrm_core.storage.policy_sets import newest_set


@dataclass(frozen=True)
class Removal:
    """What is there of a plugin besides its records, and what is in the way of taking it away.

    ``plan`` is what becomes of entities and fields. ``policies`` are lines of the set in force that go with them;
    ``new_policies`` is what is left. ``references`` are files of others that refer to what is going: as long as there
    are some, nothing can go. ``left`` is what would wait for it.
    """

    plugin: str
    plan: Plan
    references: Sequence[str]
    policies: Sequence[str]
    new_policies: PolicySet | None
    left: Leftovers
    webhooks: Sequence[str]
    switched_off: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left of it."""
        return self.plan.is_empty and not (self.policies or self.left)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        names = ("plugin", "references", "policies", "webhooks", "switched_off")
        return {**self.plan.to_json(), **{name: getattr(self, name) for name in names}, **self.left.to_json()}

    def to_text(self) -> str:
        """For people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self.plan.to_text() if not self.plan.is_empty else f"The database has no tables of {self.plugin}."
        for line in self.references:
            yield f"in the way: {line}"
        for line in self.policies:
            yield f"policy: {line}"
        yield from self.left.lines()
        for name in self.webhooks:
            yield f"webhook: {name} tells of records that go; change it"


def removal(settings: Settings, name: str) -> Removal:
    """What removing a plugin would do. Changes nothing.

    Raises:
        SettingsError: there is no such plugin, neither loaded nor switched off.
        SchemaChangeRefused: the database has another model than the files say, so that more would change.
    """
    plugins = find_plugins(settings)
    with closing(Database(settings.database_url)) as database, database.read() as connection:
        return _removal(settings, plugins, connection, name)[0]


def remove(settings: Settings, name: str, accept: Collection[str] = ()) -> Removal:
    """Take away what the database has of a plugin, which is switched off; answers what was done.

    Tables and columns are put aside as by any change, so «xrm schema undo» brings them back.

    Args:
        settings: which database.
        name: of the plugin.
        accept: keys of the lossy operations that are consented to.

    Raises:
        SettingsError: as :func:`removal`, or the plugin is not switched off.
        SchemaChangeRefused: as :func:`removal`; or something refers to what would go, or lacks consent.
    """
    plugins = find_plugins(settings)
    with closing(Database(settings.database_url)) as database:
        with database.read() as connection:
            found, new = _removal(settings, plugins, connection, name)
        if not found.switched_off:
            raise SettingsError(
                f"The plugin {name} is not switched off.",
                hint=f"Run «xrm plugins disable {name}», then start servers and workers anew: nothing uses it then.",
            )
        if new is None or found.references:
            raise SchemaChangeRefused(
                f"Other files refer to what the plugin {name} has brought:\n" + "\n".join(found.references),
                hint="Nothing was changed. Take these references out first, by «xrm schema apply».",
            )

        def along(connection: Connection, _model: Model) -> None:
            if found.new_policies is not None:
                put_along(connection, found.new_policies, note=f"without the plugin {name}")
            clear(connection, name, _workflows(settings, plugins, name))
            if settings.database_url == settings.main_url:
                mark_removed(connection, name)

        done = apply(database, new, accept, along=along)
    return Removal(**{**vars(found), "plan": done})


def _removal(settings: Settings, plugins: Plugins, connection: Connection, name: str) -> tuple[Removal, Model | None]:
    old = current_model(connection)
    if old is None:
        raise ModelOutOfDate("The database has no model yet.", hint="There is nothing to remove.")
    with_it, without = _layers(settings, plugins, name)
    others = Keywords(plugins, but=(name,))
    known = load(with_it, Keywords(plugins)).fingerprint == old.fingerprint
    if not known and _fingerprint(without, others) != old.fingerprint:
        raise SchemaChangeRefused(
            "The database has another model than the files.",
            hint="Look at «xrm schema plan», then run «xrm schema apply»: removing a plugin changes nothing else.",
        )
    new, references = _new_model(without, others)
    if new is not None:
        references = in_the_way(settings, plugins, new, name)
    new_policies, lines = _policies(connection, old, new, name)
    gone = set() if new is None else {each.name for each in old} - {each.name for each in new}
    found = Removal(
        name,
        Plan() if new is None else plan(connection, old, new),
        references,
        lines,
        new_policies,
        leftovers(connection, name, _workflows(settings, plugins, name)),
        [each.wanted.name for each in webhooks.webhooks(connection) if gone & set(each.subjects)],
        any(each.name == name for each in plugins.resting),
    )
    return found, new


def _layers(settings: Settings, plugins: Plugins, name: str) -> tuple[list[LayerSource], list[LayerSource]]:
    """All layers with those of the plugin, and without."""
    layers = read_layers(settings, plugins, kept_files(settings).texts)
    own = [each for each in layers if each.kind == "plugin" and each.name == name]
    resting = next((each for each in plugins.resting if each.name == name), None)
    if resting is None and all(each.name != name for each in plugins.infos):
        known = ", ".join([*(each.name for each in plugins.infos), *(each.name for each in plugins.resting)])
        raise SettingsError(f"There is no plugin {name}.", hint=f"There are: {known or 'none'}.")
    if resting is not None and resting.removed:  # of another tenant, it is still to be removed
        own = [LayerSource(name, "plugin", texts=resting.files, words=(own_word(name),))] if resting.files else []
    others = [each for each in layers if each.kind != "plugin" or each.name != name]
    return [*others, *own], others


def _fingerprint(layers: list[LayerSource], keywords: Keywords) -> str | None:
    try:
        return load(layers, keywords).fingerprint
    except SchemaFilesInvalid:
        return None


def _new_model(layers: list[LayerSource], keywords: Keywords) -> tuple[Model | None, list[str]]:
    """The model without the plugin, or what of other layers cannot be without it."""
    try:
        return load(layers, keywords), []
    except SchemaFilesInvalid as invalid:
        return None, [f"{each.file}:{each.line}: {each.reason}" for each in invalid.problems]


def _policies(
    connection: Connection, old: Model, new: Model | None, name: str
) -> tuple[PolicySet | None, Sequence[str]]:
    """The set in force without what goes, if it names any of it; None: it stays, or there is none."""
    stored = newest_set(connection)
    if stored is None or new is None:
        return None, ()
    entities = {each.name for each in old} - {each.name for each in new}
    fields = {each.name: set(old[each.name].fields) - set(each.fields) for each in new if each.name in old}
    found = trimmed(stored.files, entities, fields, f"{name}.")
    if not found.lines:
        return None, ()
    try:
        return parse_files(found.files, new), found.lines
    except PolicyInvalid as invalid:
        raise SchemaChangeRefused(
            "The policies in force would not fit without the plugin, and cannot be mended by leaving lines out:\n"
            + "\n".join(map(str, invalid.details["problems"])),
            hint="Nothing was changed. Change the policies first by «xrm permissions apply».",
        ) from invalid


def _workflows(settings: Settings, plugins: Plugins, name: str) -> Sequence[str]:
    """Those of the plugin, by name."""
    resting = next((each for each in plugins.resting if each.name == name), None)
    if resting is not None:
        return resting.workflows
    return [each.name for each in workflows_of(settings, plugins) if each.layer == name]
