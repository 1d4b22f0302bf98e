"""Where the packs are that come with the platform: the core pack, and those of industries in ``industries/`` below."""

from pathlib import Path

CORE = "core"
"""Name of the core pack."""


def shipped_folder() -> Path | None:
    """Folder of the core pack: in a wheel inside of the package, in a source checkout beside it; None if neither."""
    package = Path(__file__).parent
    return next((it for it in (package / "schemas", package.parent / "schemas") if any(it.glob("*.json"))), None)


def shipped_packs() -> dict[str, Path]:
    """Folder of each pack that comes with the platform, by the name that ``extends`` and ``--schemas`` take."""
    core = shipped_folder()
    if core is None:
        return {}
    industries = sorted(path.parent for path in (core / "industries").glob("*/pack.json"))
    return {CORE: core, **{folder.name: folder for folder in industries}}
