"""What the function of a command is given that works on the entity files alone."""

from typing import Any

from xrm_core.errors import Problem
from xrm_core.metadata.keywords import KeywordMistake, problem_of
from xrm_core.metadata.model import Model
from xrm_core.plugins import Plugins


class FilesContext:
    """One run of a command on the files of all layers; the layer that is kept in a database is not among them.

    Args:
        model: of the files. What this plugin's own words mean was not checked: that may be what the command is for.
        settings: of the plugin.
        name: of the command.
        plugins: that are loaded, for what asks them; None: there are none.
    """

    tenant = ""
    """None: files are those of all."""

    def __init__(self, model: Model, settings: Any, name: str, plugins: Plugins | None = None) -> None:
        self.model = model
        self.settings = settings
        self.name = name
        self.plugins = Plugins() if plugins is None else plugins

    def located(self, mistake: KeywordMistake) -> Problem:
        """Where a mistake stands: ``file``, ``line`` and ``pointer``, with ``reason`` and ``remedy``.

        Its text is one line, as the platform tells mistakes.
        """
        return problem_of(self.model, mistake)
