"""``xrm <plugin> <command>``: what plugins bring. They are loaded when nobody else knows the word."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_type_hints

import typer
import typer.main
from typer.core import TyperGroup

from xrm_core.cli.options import DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.contributions.command import Command

_OURS = {"schemas": Schemas, "database": DatabaseUrl}


class CommandsOfPlugins(TyperGroup):
    """The platform's commands, and behind them those of plugins."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command or group of a word."""
        return super().get_command(ctx, cmd_name) or _group_of(cmd_name)


def _group_of(plugin: str) -> Any:
    """The commands of a plugin; None: there is none of that name, or it has no commands.

    Raises:
        SettingsError: it is switched off.
    """
    from xrm_core.cli.tenant_option import add_tenant_option
    from xrm_core.contributions.command import commands_of
    from xrm_core.errors import SettingsError
    from xrm_core.server.assembly import find_plugins
    from xrm_core.settings import load_settings

    plugins = find_plugins(load_settings(), reaches=False)
    if any(each.name == plugin for each in plugins.resting):
        raise SettingsError(
            f"The plugin {plugin} is switched off, and its commands with it.",
            hint=f"«xrm plugins enable {plugin}» switches it on again.",
        )
    commands = commands_of(plugins).get(plugin)
    if not commands:
        return None
    group = typer.Typer(help=f"Commands of the plugin {plugin}.", no_args_is_help=True, add_completion=False)
    group.callback()(_keeps_names)
    for each in commands:
        group.command(each.name, help=each.help)(_function(plugin, each))
    return add_tenant_option(typer.main.get_command(group))


def _keeps_names() -> None:
    """Keeps the name of a command that is the only one."""


def _function(plugin: str, command: "Command") -> Callable[..., None]:
    """What typer is given: the parameters of the function but for the context, and those that all commands take."""

    def run_on_files(schemas: Any = None, **given: Any) -> None:
        from xrm_core.cli.logs import configure_logs
        from xrm_core.contributions.files_context import FilesContext
        from xrm_core.server.assembly import find_plugins, read_unchecked
        from xrm_core.settings import load_settings

        configure_logs()
        settings = load_settings(schemas=schemas)
        plugins = find_plugins(settings, reaches=False)
        model = read_unchecked(settings, plugins, plugin)
        context = FilesContext(model, plugins.settings_of(plugin), f"{plugin} {command.name}", plugins)
        with plugins.commanding(plugin, command.name):
            command.run(context, **given)

    def run(schemas: Any = None, database: Any = None, **given: Any) -> None:
        from xrm_core.cli.tenant_option import chosen_tenant
        from xrm_core.cli.workplace import opened
        from xrm_core.contributions.command import CommandContext

        with opened(schemas, database) as workplace:
            settings = workplace.plugins.settings_of(plugin)
            name = f"{plugin} {command.name}"
            context = CommandContext(workplace.records, workplace.database, chosen_tenant(), settings, name)
            with workplace.plugins.commanding(plugin, command.name):
                command.run(context, **given)

    hints = get_type_hints(command.run, include_extras=True)
    own = list(inspect.signature(command.run).parameters.values())[1:]
    parameters = [each.replace(annotation=hints.get(each.name, str)) for each in own]
    named = inspect.Parameter.KEYWORD_ONLY
    ours = {"schemas": Schemas} if command.files_only else _OURS
    parameters += [inspect.Parameter(name, named, default=None, annotation=kind) for name, kind in ours.items()]
    function: Callable[..., None] = run_on_files if command.files_only else run
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {each.name: each.annotation for each in parameters}
    return function
