"""Where the files of a plugin are: those of an installed distribution, or a folder with its ``pyproject.toml``."""

import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import invalidate_caches
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from xrm_core.errors import SettingsError
from xrm_core.metadata.structure import nearest
from xrm_core.plugins.loading import GROUP, OWN


@dataclass(frozen=True)
class Source:
    """A plugin before it is loaded.

    ``point`` names module and object; ``package`` is the folder or file of the code; ``folder`` that of the project, if
    it is checked where it is written. ``dependencies`` are those of its distribution, ``readme`` is its text.
    """

    point: EntryPoint
    distribution: str
    version: str
    package: Path | None
    folder: Path | None
    dependencies: tuple[str, ...]
    readme: str

    def modules(self) -> list[Path]:
        """Its Python files."""
        if self.package is None:
            return []
        return [self.package] if self.package.is_file() else sorted(self.package.rglob("*.py"))


@contextmanager
def source_of(name: str) -> Iterator[Source]:
    """The plugin of a name, or of a folder; while it lasts, its modules can be imported.

    Raises:
        SettingsError: there is none.
    """
    folder = Path(name)
    if (folder / "pyproject.toml").is_file():
        with _project(folder.resolve()) as found:
            yield found
        return
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        raise SettingsError(
            f"There is no installed plugin {name}, and no folder of this name with a pyproject.toml.",
            hint=f"{nearest(name, points)}Installed are: {', '.join(sorted(points)) or 'none'}.",
        )
    point, found_in = points[name], points[name].dist
    metadata, package = None if found_in is None else found_in.metadata, _package(point.module)
    if found_in is not None and found_in.name == OWN and package is not None:  # its README is that of the platform
        yield Source(point, OWN, found_in.version or "", package, None, (OWN,), _readme(package.parent, None))
        return
    yield Source(
        point,
        (found_in.name if found_in else "") or "",
        (found_in.version if found_in else "") or "",
        package,
        None,
        tuple((found_in.requires if found_in else None) or ()),
        "" if metadata is None else str(metadata.get_payload() or metadata["Description"] or ""),  # type: ignore[attr-defined]
    )


@contextmanager
def _project(folder: Path) -> Iterator[Source]:
    try:
        said = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{folder / 'pyproject.toml'} cannot be read: {error}.") from error
    project = said.get("project", {})
    points = project.get("entry-points", {}).get(GROUP, {})
    if len(points) != 1:
        raise SettingsError(
            f"{folder / 'pyproject.toml'} names {len(points) or 'no'} plugin{'s' if len(points) > 1 else ''}.",
            hint=f'It has one line below [project.entry-points."{GROUP}"], such as fleet = "xrm_fleet".',
        )
    [(name, value)] = points.items()
    point = EntryPoint(name, value, GROUP)
    before, known = list(sys.path), set(sys.modules)
    sys.path[:0] = [str(folder / "src"), str(folder)]
    invalidate_caches()
    hidden = {each: sys.modules.pop(each) for each in list(sys.modules) if _is_of(each, point)}
    try:
        yield Source(
            point,
            project.get("name", ""),
            str(project.get("version", "")) or ("dynamic" if "version" in project.get("dynamic", ()) else ""),
            _package(point.module),
            folder,
            tuple(project.get("dependencies", ())),
            _readme(folder, project.get("readme")),
        )
    finally:
        sys.path[:] = before
        for each in set(sys.modules) - known:
            if _is_of(each, point):
                del sys.modules[each]
        sys.modules.update(hidden)


def _is_of(module: str, point: EntryPoint) -> bool:
    top = point.module.partition(".")[0]
    return module == top or module.startswith(f"{top}.")


def _package(module: str) -> Path | None:
    """Folder or file of the code, found without importing it."""
    try:
        spec = find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return None if spec.origin is None else Path(spec.origin)


def _readme(folder: Path, said: object) -> str:
    file = said.get("file") if isinstance(said, dict) else said
    path = folder / (file if isinstance(file, str) else "README.md")
    return path.read_text("utf-8", errors="replace") if path.is_file() else ""
