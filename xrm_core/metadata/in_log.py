"""What words of plugins say of how the change log keeps values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from xrm_core.metadata.model import Model
    from xrm_core.plugins import Plugins

Mode = Literal["sealed", "names"]


@dataclass(frozen=True, slots=True)
class InLog:
    """How the change log keeps the values of a field.

    Args:
        mode: ``sealed``: encrypted by a key of the record; ``names``: not at all, only that the field was changed.
        part: of the record's values those that go together: they have one key.
    """

    mode: Mode = "sealed"
    part: str = ""

    @property
    def key_class(self) -> str:
        """The class of the key, for ``destroy_keys``."""
        return f"log:{self.part}"


LogRules = Mapping[str, Mapping[str, InLog]]
"""Entity → field → how; what is not named stands there in clear."""


def log_rules(plugins: "Plugins", model: "Model") -> LogRules:
    """What all plugins say of a model together; of two the stricter counts.

    Raises:
        PluginLoadError: a plugin failed.
    """
    from xrm_core.metadata.keywords import Keyword

    found: dict[str, dict[str, InLog]] = {}
    for plugin, keyword in plugins.registered("register_keywords", Keyword):
        if keyword.in_log is None:
            continue
        try:
            said = {entity: dict(fields) for entity, fields in keyword.in_log(model).items()}
        except Exception as error:
            cause = f"the log rules of the keyword {keyword.name!r} raised {type(error).__name__}: {error}"
            raise plugins.load_error(plugin, cause) from error
        for entity, fields in said.items():
            mine = found.setdefault(entity, {})
            for name, rule in fields.items():
                if name not in mine or (rule.mode == "names" and mine[name].mode == "sealed"):
                    mine[name] = rule
    return found
