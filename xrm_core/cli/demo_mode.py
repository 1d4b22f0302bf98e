"""``xrm serve --demo``: applies, loads, makes tokens, and says them on the terminal, in a file and on the page."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from xrm_core.cli.progress import progress_bar
from xrm_core.contributions.demo import roles_besides
from xrm_core.demo import loading
from xrm_core.demo.packs import demo_of
from xrm_core.errors import SettingsError
from xrm_core.metadata.model import Model
from xrm_core.metadata.packs import pack_layers
from xrm_core.permissions.fitting import put_along
from xrm_core.permissions.plugin_roles import brought, put_upon
from xrm_core.permissions.policy import PolicySet, parse_files
from xrm_core.server.assembly import Platform
from xrm_core.server.blueprints import asking_of
from xrm_core.storage.apply import apply

TOKEN_FILE = "demo-tokens.json"  # noqa: S105 - a file's name


@dataclass(frozen=True)
class Demo:
    """What a started demo has to say: ``text`` for the terminal, ``page`` for GraphiQL."""

    text: str
    page: Mapping[str, Any]


def prepare(platform: Platform) -> Demo:
    """Bring the database to the state that the demo needs, and make new tokens.

    Raises:
        XrmError: the pack lacks entities or roles that its demo needs, or the database is not empty and not the
            demo's; nothing was changed.
    """
    settings, database = platform.settings, platform.database
    roles = platform.authority.policies.roles
    demo = demo_of(layer.name for layer in pack_layers(settings.schemas))
    loading.check_pack(platform.model, roles, demo)
    with database.read() as connection:
        loaded = loading.is_loaded(connection, demo)
    policies = _policies(platform)

    def along(connection: Connection, _model: Model) -> None:
        put_along(connection, policies, note="the pack's, with the start of the demo")

    apply(database, platform.model, only_safe=True, along=along)
    if not loaded:
        if platform.plugins.infos and platform.records.asks is None:  # hooks of plugins ask documents
            platform.records.asks = asking_of(settings, platform.records, database.dialect)
        with progress_bar(f"Loading {demo.size} demo records") as progress, database.begin() as connection:
            loading.load_demo(platform.records, connection, progress, demo)
    with database.begin() as connection:
        tokens = loading.new_tokens(connection, demo)
    file = _write(settings.data_dir.expanduser() / TOKEN_FILE, tokens)
    labels = {name: roles[name].labels.get("en", name) for name in tokens}
    width = max(map(len, tokens))
    lines = [f"  {name:{width}}  {token}  ({labels[name]})" for name, token in tokens.items()]
    text = "\n".join(
        ["Tokens of the demo, one for each role; they end with the next start:", *lines, f"Also in {file}"]
    )
    page = {
        "demo": True,
        "roles": [{"name": name, "label": labels[name], "token": token} for name, token in tokens.items()],
        "examples": [example.to_json() for example in demo.examples],
    }
    return Demo(text, page)


def _policies(platform: Platform) -> PolicySet:
    """Those of the pack, with the roles of plugins that show something by them."""
    found = platform.authority.policies
    shown = roles_besides(platform.plugins, platform.model)
    for each in brought(platform.plugins) if shown else ():
        if each.plugin in shown:
            found = parse_files(put_upon(found.files, each, platform.model), platform.model)
    return found


def _write(file: Path, tokens: Mapping[str, str]) -> Path:
    """A file that only its owner can read, from the first moment on."""
    new = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            json.dump(tokens, stream, indent=2)
            stream.write("\n")
        new.replace(file)
    except OSError as error:
        raise SettingsError(
            f"The file {file} cannot be written.", hint="Name another folder by XRM_DATA_DIR."
        ) from error
    return file
