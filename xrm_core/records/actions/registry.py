"""The actions that plugins register, held against the model."""

import dataclasses
from collections.abc import Iterator, Mapping

from xrm_core import naming
from xrm_core.errors import PluginLoadError
from xrm_core.metadata.model import Model
from xrm_core.plugins import Plugins, wrong_name
from xrm_core.records.actions.action import Action
from xrm_core.records.actions.shapes import Shape, shape_of

_VERBS = ("create", "update", "delete", "restore", "purge", "merge", "upsert", "share", "unshare")


class Actions(Mapping[str, Action]):
    """Actions by name.

    Args:
        plugins: are asked.
        model: has the entities. Actions about one that is not there are left out: a pack need not have all entities
            that a plugin knows of.

    Raises:
        PluginLoadError: a plugin registers what cannot be used; names it.
    """

    def __init__(self, plugins: Plugins, model: Model) -> None:
        self._loaded = plugins
        self._found: dict[str, Action] = {}
        self._plugins: dict[str, str] = {}
        self._shapes: dict[tuple[str, str], Shape] = {}
        registered = plugins.registered("register_actions", Action)
        taken = dict.fromkeys(_core_fields(model) if registered else (), "the platform's")
        for plugin, action in registered:
            problem = _wrong(plugin, action, self._found) or self._shaped(action)
            if not problem and (action.entity is None or action.entity in model):
                field = self.field(action, model)
                if field in taken:
                    problem = f"would have the mutation {field}, which is {taken[field]}"
                taken[field] = f"that of {action.name} of the plugin {plugins.origin(plugin)}"
                self._found[action.name] = action
                self._plugins[action.name] = plugin
            if problem:
                raise _refused(plugins, plugin, action.name, problem)

    def __getitem__(self, name: str) -> Action:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def plugins(self) -> Plugins:
        """Those that were asked."""
        return self._loaded

    def plugin(self, name: str) -> str:
        """The plugin that has an action."""
        return self._plugins[name]

    def refused(self, name: str, problem: str) -> PluginLoadError:
        """The error for an action that is here and cannot be used."""
        return _refused(self._loaded, self._plugins[name], name, problem)

    def input(self, name: str) -> Shape | None:
        """The shape of what is given to an action; None: nothing is."""
        return self._shapes.get((name, "input"))

    def answer(self, name: str) -> Shape | None:
        """The shape of what it answers beside its record; None: nothing."""
        return self._shapes.get((name, "answers"))

    def _shaped(self, action: Action) -> str:
        for what, given in (("input", action.input), ("answers", action.answers)):
            if given is not None:
                try:
                    self._shapes[action.name, what] = shape_of(given)
                except (TypeError, NameError) as error:
                    return f"has {what} that cannot be used: {error}"
        answer = self.answer(action.name)
        if action.entity is not None and answer is not None and any(part.key == "record" for part in answer.parts):
            return "has a field «record» among its answers, where the record itself stands"
        return ""

    @staticmethod
    def field(action: Action, model: Model) -> str:
        """The mutation of an action: ``winOpportunity``, or ``salesRecount`` for one about no record."""
        if action.entity is None:
            return naming.camel(action.name.replace(".", "_"))
        return f"{naming.camel(action.verb)}{naming.pascal(model[action.entity].name)}"


def _refused(plugins: Plugins, plugin: str, name: str, problem: str) -> PluginLoadError:
    return plugins.load_error(plugin, f"the action {name!r} {problem}")


def _core_fields(model: Model) -> Iterator[str]:
    for verb in _VERBS:
        for entity in model:
            yield f"{verb}{naming.pascal(entity.name)}"
            yield f"{verb}{naming.pascal(entity.plural)}"


def _wrong(plugin: str, action: Action, known: Mapping[str, Action]) -> str:
    if problem := wrong_name(plugin, action.name, known, "plugin.action"):
        return problem
    if not callable(action.run):
        return "has no function to run"
    if action.needs not in ("read", "update"):
        return "needs neither «read» nor «update»"
    for what, given in (("input", action.input), ("answers", action.answers)):
        if given is not None and not (isinstance(given, type) and dataclasses.is_dataclass(given)):
            return f"has as {what} no dataclass"
    return ""
