"""The machine and the process: folder, disk, packs, plugins, keys."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import make_url

from xrm_core.metadata.keywords import Keywords
from xrm_core.metadata.loader import load
from xrm_core.server.assembly import find_plugins, read_layers
from xrm_core.server.doctor.findings import Finding, failed, ok, warning
from xrm_core.settings import Settings, secret_keys

FEW_BYTES, TOO_FEW_BYTES = 2 * 1024**3, 200 * 1024**2
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def folder(settings: Settings) -> Iterator[Finding]:
    """The data folder: who can look into it, whether it can be written, and how much room there is."""
    path = settings.data_dir.expanduser()
    if not path.exists():
        yield ok("data folder", f"{path} is not there yet; it is made when it is needed.")
        path = next(each for each in path.absolute().parents if each.exists())
    else:
        if stat.S_IMODE(path.stat().st_mode) & _OTHERS:
            yield warning("data folder", f"Others on this machine can look into {path}.", f"chmod 700 {path}")
        elif not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            yield failed("data folder", f"{path} cannot be written.", "Let the server run as its owner, or chown it.")
        else:
            yield ok("data folder", f"{path} is for its owner only.")
        yield from _readable_files(path)
    yield from _room("disk", path)
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        place = Path(url.database).absolute().parent
        if place != path.absolute() and place.exists():
            yield from _room("disk of the database", place)


def _readable_files(path: Path) -> Iterator[Finding]:
    """Files of databases and tokens that others may read, where they can get at them."""
    if not stat.S_IMODE(path.stat().st_mode) & _OTHERS:
        return
    open_ = [each for each in path.rglob("*") if each.is_file() and stat.S_IMODE(each.stat().st_mode) & _OTHERS]
    if open_:
        yield warning("files", f"Others can read {len(open_)} files in {path}, such as {open_[0].name}.", "chmod 600")


def _room(check: str, path: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(path).free
    says = f"{free / 1024**3:.1f} GiB are free where {path} is."
    if free < TOO_FEW_BYTES:
        yield failed(check, says, "Make room: without it nothing can be written, and no backup made.")
    elif free < FEW_BYTES:
        yield warning(check, says, "Make room before it is needed.")
    else:
        yield ok(check, says)


def packs(settings: Settings) -> Iterator[Finding]:
    """Plugins and entity files."""
    plugins = find_plugins(settings, reaches=False)  # a database that does not answer is told elsewhere
    names = [each.name for each in plugins.infos]
    yield ok("plugins", f"{len(names)} plugins: {', '.join(names)}." if names else "No plugin is installed.")
    if plugins.resting:
        yield ok("plugins switched off", f"{', '.join(each.name for each in plugins.resting)}.")
    found = [
        f"{each.variable} ({'set' if each.is_set else 'not set'})" for info in plugins.infos for each in info.settings
    ]
    if found:
        yield ok("plugin settings", f"{', '.join(found)}.")
    model = load(read_layers(settings, plugins), Keywords(plugins))
    yield ok("entity files", f"The files in {settings.schemas} describe {len(tuple(model))} entities.")


def keys(settings: Settings, sealed: int) -> Iterator[Finding]:
    """The secret key, for what needs one.

    Args:
        settings: have the keys.
        sealed: how many secrets the databases have.
    """
    needs = [name for name, is_set in (("XRM_OIDC", settings.oidc), ("passkeys", settings.passkey_origins)) if is_set]
    if secret_keys(settings.secret_key):
        yield ok("secret key", "There is one. Keep it in another place than backups.")
    elif sealed or needs:
        what = ", ".join([*([f"{sealed} encrypted secrets"] if sealed else []), *needs])
        yield failed(
            "secret key", f"There is none, and {what} need it.", "Set XRM_SECRET_KEY to the one of former times."
        )
    else:
        yield warning(
            "secret key",
            "There is none; nobody can have a second factor.",
            "Set XRM_SECRET_KEY: «openssl rand -hex 32».",
        )
