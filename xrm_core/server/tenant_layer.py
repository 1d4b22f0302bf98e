"""Changes of the tenant layer at run time: the same engine and the same plan as on the command line."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection

from xrm_core.auth.still_held import require_still_held
from xrm_core.errors import ModelOutOfDate, Problem, SchemaChangeRefused, SchemaFilesInvalid, XrmError
from xrm_core.metadata.keywords import Keywords
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.lines import MAX_BYTES
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import USER, Model
from xrm_core.metadata.predicate import EVERYTHING
from xrm_core.metadata.reading import texts_in
from xrm_core.permissions.caller import User
from xrm_core.permissions.fitting import require_fitting
from xrm_core.permissions.in_force import in_force
from xrm_core.permissions.policy import PERMISSIONS, Action
from xrm_core.plugins import Plugins
from xrm_core.server.assembly import TENANT_LAYER, read_layers
from xrm_core.settings import Settings
from xrm_core.storage.applied import applied_fingerprint, current_model
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.operations import Operation
from xrm_core.storage.plan import Plan, plan
from xrm_core.storage.policy_sets import require_current
from xrm_core.storage.schema_files import FILE_NAME, SchemaFiles, save_schema_files, schema_files
from xrm_core.storage.tables import Tables

MAX_FILES = 500

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Change:
    """A change of the layer, with what it starts from."""

    before: SchemaFiles
    applied: Model
    new: Model
    files: Mapping[str, str]
    remove: Collection[str]

    @property
    def key(self) -> str:
        """Equal for equal changes of equal models."""
        content = [
            self.applied.fingerprint,
            self.new.fingerprint,
            dict(self.before.texts),
            dict(self.files),
            sorted(self.remove),
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]

    def save(self, connection: Connection, caller: User, policies: str | None) -> None:
        """Keep the files, if what the change starts from is still there, and the caller's rights are."""
        self.before.require_unchanged(connection)
        if applied_fingerprint(connection) != self.applied.fingerprint:
            raise _another_plan()
        require_current(connection, self.applied, policies)
        _check_policies(connection, self.new, caller)
        save_schema_files(connection, self.files, self.remove, caller.actor)


class TenantLayer:
    """What :class:`~xrm_core.graphql.schema_fields.SchemaAdministration` asks for, on one database.

    Args:
        settings: say where the layers below are.
        plugins: may have entity files.
        database: keeps the layer and is changed.
        refresh: makes the server take the applied model.
    """

    def __init__(
        self, settings: Settings, plugins: Plugins, database: Database, refresh: Callable[[], Awaitable[object]]
    ) -> None:
        self._settings = settings
        self._plugins = plugins
        self._database = database
        self._refresh = refresh

    def files(self) -> list[dict[str, Any]]:
        """The files of all layers, from the lowest up."""
        with self._database.read() as connection:
            kept = schema_files(connection).texts
        found = []
        for layer in read_layers(self._settings, self._plugins, kept):
            texts = [*layer.texts, *(texts_in(layer.folder, []) if layer.folder else ())]
            found += [
                {"name": file.rpartition("/")[2], "text": text, "layer": layer.name} for file, text in sorted(texts)
            ]
        return found

    def plan(self, caller: User, files: Mapping[str, str], remove: Collection[str]) -> dict[str, Any]:
        """What a change would do. Raises SchemaFilesInvalid, SchemaChangeRefused."""
        with self._database.read() as connection:
            change, old = self._change(connection, files, remove)
            _check_policies(connection, change.new, caller)
            planned = plan(connection, old, change.new)
        return _shown(planned, change.key, old, caller)

    def apply(
        self,
        caller: User,
        files: Mapping[str, str],
        remove: Collection[str],
        accept: Collection[str],
        key: str,
        policies: str | None,
    ) -> dict[str, Any]:
        """Carry a change out.

        Raises:
            SchemaFilesInvalid, SchemaChangeRefused, PermissionsChanged: it cannot be.
            Unauthenticated, Forbidden: the caller has lost what they were let in with a moment ago.
        """
        with self._database.read() as connection:
            change, old = self._change(connection, files, remove)
            if key != change.key:
                raise _another_plan()
            require_current(connection, change.applied, policies)
            users = Tables(change.applied, lazy=True)[USER]
            require_still_held(connection, caller, users, in_force(connection, change.applied))
            _check_policies(connection, change.new, caller)

        def save(connection: Connection, _model: Model) -> None:
            change.save(connection, caller, policies)

        try:
            done = apply(self._database, change.new, accept, along=save)
        except SchemaChangeRefused as refused:
            raise _without_samples(refused) from refused
        operations = [operation.key for operation in done.operations]
        _log.info("schema_change_applied", user=caller.actor, model=change.new.fingerprint, operations=operations)
        return _shown(done, key, old, caller)

    async def follow(self) -> None:
        """Return once the server answers with the applied model, or has said in its log why not."""
        with suppress(XrmError):
            await self._refresh()

    def _change(
        self, connection: Connection, files: Mapping[str, str], remove: Collection[str]
    ) -> tuple[_Change, Model]:
        old, before = current_model(connection), schema_files(connection)
        if old is None:
            raise ModelOutOfDate("The database has no model any more.")
        _check_names(files, remove, before.texts)
        if self._load(before.texts).fingerprint != old.fingerprint:
            raise SchemaChangeRefused(
                "The layers below the tenant's have changes that are not applied.",
                hint="Nothing was changed. Whoever runs the server has to apply them first: «xrm schema apply».",
            )
        after = {name: text for name, text in {**before.texts, **files}.items() if name not in remove}
        return _Change(before, old, self._load(after), files, remove), old

    def _load(self, texts: Mapping[str, str]) -> Model:
        layers = read_layers(self._settings, self._plugins, texts)
        try:
            return load(layers, Keywords(self._plugins))
        except SchemaFilesInvalid as invalid:
            raise SchemaFilesInvalid([_placed(problem, layers) for problem in invalid.problems]) from invalid


def _check_policies(connection: Connection, new: Model, caller: User) -> None:
    """Policies must fit the model as it will be. What is in them is told only to those who may see them."""
    try:
        require_fitting(connection, new)
    except SchemaChangeRefused as refused:
        if caller.access.may(PERMISSIONS, Action.READ):
            raise
        _log.warning("policies_do_not_fit", reason=refused.message)
        raise SchemaChangeRefused(
            "The policies in force do not fit the model as it would be.",
            hint="Nothing was changed. Whoever may see the permissions finds out which, and can change them.",
        ) from refused


def _check_names(files: Mapping[str, str], remove: Collection[str], known: Mapping[str, str]) -> None:
    problems = []
    remedy = "Use lower-case letters, digits and _, and .json at the end."
    for name, text in files.items():
        if not FILE_NAME.fullmatch(name) or name == "pack.json":
            problems.append(Problem(name[:100], 1, "", "A file cannot have this name.", remedy))
        if len(text.encode("utf-8", "replace")) > MAX_BYTES:
            reason = f"The file is larger than {MAX_BYTES // 1024} KiB."
            problems.append(Problem(name[:100], 1, "", reason, "Split the entity into smaller ones."))
        if name in remove:
            problems.append(Problem(name, 1, "", "The file is given and removed.", "Decide for one of the two."))
    for name in remove:
        if name not in known:
            reason = f'The layer "{TENANT_LAYER}" has no such file.'
            problems.append(Problem(name[:100], 1, "", reason, "Files of other layers cannot be changed here."))
    if len({*known, *files} - {*remove}) > MAX_FILES:
        reason = f"The layer would have more than {MAX_FILES} files."
        problems.append(Problem(next(iter(files)), 1, "", reason, "Remove some."))
    if problems:
        raise SchemaFilesInvalid(problems)


def _placed(problem: Problem, layers: Collection[LayerSource]) -> Problem:
    """A problem without the server's folders: files of other layers are named by their layer."""
    texts = [problem.file, problem.reason, problem.remedy]
    for layer in layers:
        if layer.folder is not None:
            texts = [text.replace(f"{layer.folder}/", f"{layer.name}/") for text in texts]
    return Problem(texts[0], problem.line, problem.pointer, texts[1], texts[2])


def _shown(planned: Plan, key: str, old: Model, caller: User) -> dict[str, Any]:
    return {
        "key": key,
        "operations": [
            {
                "op": operation.op,
                "key": operation.key,
                "entity": operation.entity,
                "field": operation.field,
                "risk": operation.risk,
                "text": operation.text,
                "remedy": operation.remedy,
                "rows": min(operation.rows, 2**31 - 1),
                "samples": [_sample(sample) for sample in operation.samples]
                if _may_see(operation, old, caller)
                else [],
            }
            for operation in planned.operations
        ],
    }


def _may_see(operation: Operation, old: Model, caller: User) -> bool:
    """Samples are data: they are for who may read the field (all fields, if it names none) in all records."""
    permission = caller.access.get(operation.entity, Action.READ)
    if permission is None or operation.entity not in old or permission.rule != EVERYTHING:
        return False
    names = (
        operation.field.split(",") if operation.field else [field.name for field in old[operation.entity].all_fields()]
    )
    return all(name in permission.field_rules and permission.field_rules[name] is None for name in names)


def _sample(sample: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in sample.items() if name != "id"}
    value = rest["value"] if list(rest) == ["value"] else rest or None
    shown = value if isinstance(value, str) or value is None else json.dumps(value, ensure_ascii=False, default=str)
    return {"id": sample.get("id"), "value": shown}


def _without_samples(refused: SchemaChangeRefused) -> SchemaChangeRefused:
    """The plan that was seen has the samples; an error is told to everybody alike."""
    details = dict(refused.details)
    if "operations" in details:
        details["operations"] = [{**operation, "samples": []} for operation in details["operations"]]
    return SchemaChangeRefused(refused.message, hint=refused.hint, details=details)


def _another_plan() -> SchemaChangeRefused:
    return SchemaChangeRefused(
        "This is not the plan that would be carried out now: files, layers or the model have changed since.",
        hint="Nothing was changed. Make the plan again, look at it, and apply it with its key.",
    )
