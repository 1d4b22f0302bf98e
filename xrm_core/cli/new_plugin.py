"""``xrm plugins new``: a distribution with one of each thing that a plugin can bring, to begin with."""

import re
from collections.abc import Mapping
from pathlib import Path

from xrm_core import naming
from xrm_core.contributions.command import OF_THE_PLATFORM
from xrm_core.errors import SettingsError

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 24
_SKELETON = Path(__file__).parent / "plugin_skeleton"
_SUFFIX = ".txt"  # so that no tool takes the templates for code of ours


def write_plugin(name: str, folder: Path) -> list[Path]:
    """Write the distribution of a plugin into a folder, which must be new or empty; answers its files.

    Raises:
        SettingsError: the name cannot be one, or the folder is not empty or cannot be written to.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST or name in {"core", *OF_THE_PLATFORM}:
        raise SettingsError(
            f"{name!r} cannot be the name of a plugin.",
            hint=f"It has {_LONGEST} letters a-z, digits and _ at most, begins with a letter: fleet, and is no "
            "command of the platform.",
        )
    words = _words(name)
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise SettingsError(f"The folder {folder} is not empty.", hint="Name a new one by --folder.")
        for template in sorted(_SKELETON.rglob(f"*{_SUFFIX}")):
            path = folder / _place(template.relative_to(_SKELETON), words)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_filled(template.read_text("utf-8"), words), "utf-8")
            written.append(path)
    except OSError as error:
        raise SettingsError(f"Cannot write to {folder}: {error.strerror}.", hint="Name another folder.") from error
    return written


def _words(name: str) -> Mapping[str, str]:
    entity, entities = f"{name}_item", f"{name}_items"
    return {
        "name": name,
        "word": name.replace("_", "-"),
        "VARIABLE": f"XRM_{name.upper()}",
        "title": name.replace("_", " ").capitalize(),
        "package": f"xrm_{name}",
        "distribution": f"xrm-{name.replace('_', '-')}",
        "entity": entity,
        "entities": entities,
        "Entity": naming.pascal(entity),
        "entitiesField": naming.camel(entities),
        "overviewField": naming.camel(f"{name}_overview"),
        "openField": naming.camel(f"{name}_open"),
        "ratingField": naming.camel(f"{name}_rating"),
    }


def _place(template: Path, words: Mapping[str, str]) -> Path:
    names = {"package": words["package"], "entity.json.txt": f"{words['entity']}.json", "gitignore.txt": ".gitignore"}
    names["catalogue.po.txt"] = f"{words['name']}.po"
    return Path(*(names.get(part, part.removesuffix(_SUFFIX)) for part in template.parts))


def _filled(text: str, words: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: words[found[1]], text)
