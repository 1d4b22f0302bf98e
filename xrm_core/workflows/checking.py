"""Workflows held against a model, the actions of plugins and the roles: what they name has to be there."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from xrm_core.errors import BadQuery, Problem, SchemaFilesInvalid
from xrm_core.messages import registered_messages
from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.predicate import parse
from xrm_core.metadata.structure import nearest
from xrm_core.metadata.types import FieldType
from xrm_core.records.actions import Actions
from xrm_core.workflows.definition import Workflow, plugin_of, steps_in
from xrm_core.workflows.values import CREATED, PATH, WORDS, PathWrong, end_of, seconds_of, target_of, words_in

_Mistake = tuple[str, str, str]
_DATES = (FieldType.DATE, FieldType.DATETIME)
_DAY = 86_400


def require_fitting(
    workflows: Sequence[Workflow],
    model: Model,
    actions: Actions,
    roles: Collection[str] | None = None,
    resting: Collection[str] = (),
) -> None:
    """Refuse workflows that name what is not there.

    Args:
        workflows: of files.
        model: with the entities and fields.
        actions: of plugins.
        roles: those that there are; None: that is found out when a workflow works.
        resting: plugins that are switched off: their actions and kinds of messages may be named, and are waited for.

    Raises:
        SchemaFilesInvalid: with each place.
    """
    problems: list[Problem] = []
    for each in workflows:
        problems.extend(each.document.problem(*mistake) for mistake in mistakes(each, model, actions, roles, resting))
    if problems:
        raise SchemaFilesInvalid(sorted(problems, key=lambda each: (each.file, each.line, each.pointer)))


def mistakes(
    workflow: Workflow,
    model: Model,
    actions: Actions,
    roles: Collection[str] | None = None,
    resting: Collection[str] = (),
) -> Iterator[_Mistake]:
    """Pointer, reason and remedy of each mistake; each reason names the workflow."""
    named = f"The workflow {workflow.name}"
    for pointer, reason, remedy in _Check(workflow, model, actions, resting).all(roles):
        yield pointer, f"{named}: {reason}", remedy


class _Check:
    def __init__(self, workflow: Workflow, model: Model, actions: Actions, resting: Collection[str]) -> None:
        self._workflow, self._model, self._actions, self._resting = workflow, model, actions, resting
        self._created: dict[str, str] = {}

    def all(self, roles: Collection[str] | None) -> Iterator[_Mistake]:
        workflow = self._workflow
        if roles is not None and workflow.role is not None and workflow.role not in roles:
            yield "/role", f'there is no role "{workflow.role}".', f"{nearest(workflow.role, roles)}Correct its name."
        if workflow.entity not in self._model:
            yield "/on/entity", *_no_entity(self._model, workflow.entity)
            return
        kind = self._model[workflow.entity]
        for number, name in enumerate(workflow.fields):
            if name not in kind.fields or kind.fields[name].virtual:
                yield f"/on/fields/{number}", *_no_field(kind, name)
        if workflow.happens == "due":
            yield from self._due(kind)
        yield from self._condition(kind, workflow.where, "/where")
        for pointer, step in steps_in(workflow.document.value["steps"]):
            yield from self._step(kind, step, pointer)

    def _due(self, kind: Entity) -> Iterator[_Mistake]:
        name = self._workflow.trigger["due"]["field"]
        found = kind.field(name)
        if found is None or found.type not in _DATES or found.virtual:
            yield "/on/due/field", f'"{name}" is no date of {kind.name}.', "Name a field with a date, or date and time."

    def _condition(self, kind: Entity, where: Mapping[str, Any], pointer: str) -> Iterator[_Mistake]:
        try:
            parse(self._model, kind, where)
        except BadQuery as error:
            yield pointer, error.message, error.hint or "Write it as row rules are written."

    def _step(self, kind: Entity, step: Mapping[str, Any], pointer: str) -> Iterator[_Mistake]:
        gone = "delete" in self._workflow.changes
        if gone and ({"update", "link", "of", "person", "branch"} & step.keys()):
            yield pointer, "a record that was deleted is not there any more.", 'Create something, or remove "delete".'
            return
        about = kind
        if "of" in step:
            try:
                about = target_of(self._model, kind, step["of"])
            except PathWrong as error:
                yield f"{pointer}/of", f"{error}.", "Write names of relations to one, with dots between them."
                return
        for word in ("values", "input", "update", "to"):
            yield from self._words(kind, step.get(word), f"{pointer}/{word}", gone=gone)
        if "branch" in step:
            yield from self._condition(kind, step["branch"], f"{pointer}/branch")
        if "action" in step:
            yield from self._action(about, step, pointer, gone=gone)
        if "create" in step:
            yield from self._create(step, pointer)
        if "update" in step:
            yield from _fields(about, step["update"], f"{pointer}/update")
        if "link" in step and step["link"] not in about.links:
            reason = f'"{step["link"]}" is no many-to-many relation of {about.name}.'
            yield f"{pointer}/link", reason, nearest(step["link"], about.links) or "Name one."
        if "message" in step:
            yield from self._message(kind, step, pointer)

    def _action(self, about: Entity, step: Mapping[str, Any], pointer: str, *, gone: bool) -> Iterator[_Mistake]:
        name = step["action"]
        if plugin_of(step) in self._resting:
            return
        if name not in self._actions:
            remedy = f"{nearest(name, self._actions)}Actions are: {', '.join(sorted(self._actions)) or 'none'}."
            yield f"{pointer}/action", f'there is no action "{name}".', remedy
            return
        action, shape = self._actions[name], self._actions.input(name)
        if action.entity is not None and (action.entity != about.name or gone):
            reason = f"the action {name} is about a {action.entity}, and this is {'gone' if gone else about.name}."
            yield f"{pointer}/action", reason, 'Name by "of" the relation that leads there.'
        given = step.get("input", {})
        known = {} if shape is None else {part.key: part for part in shape.parts}
        for key in given:
            if key not in known:
                yield f"{pointer}/input/{key}", f'the action {name} has no input "{key}".', nearest(key, known)
        for key, part in known.items():
            if part.required and key not in given:
                yield pointer, f'the action {name} wants the input "{key}".', f'Add "input": {{"{key}": …}}.'

    def _create(self, step: Mapping[str, Any], pointer: str) -> Iterator[_Mistake]:
        name = step["create"]
        if name not in self._model:
            yield f"{pointer}/create", *_no_entity(self._model, name)
            return
        if "as" in step:
            self._created[step["as"]] = name
        yield from _fields(self._model[name], step.get("values", {}), f"{pointer}/values")
        for field in self._model[name].fields.values():
            missing = field.required and field.default is None and field.writable
            if missing and field.name not in step.get("values", {}):
                yield pointer, f"{name} has to have the field {field.name}.", 'Add it to "values".'

    def _message(self, kind: Entity, step: Mapping[str, Any], pointer: str) -> Iterator[_Mistake]:
        kinds = registered_messages(self._actions.plugins).kinds
        if step["message"] not in kinds and plugin_of(step) not in self._resting:
            remedy = f"{nearest(step['message'], kinds)}Kinds are: {', '.join(sorted(kinds)) or 'none'}."
            yield f"{pointer}/message", f'there is no kind of messages "{step["message"]}".', remedy
        if "person" in step:
            try:
                target_of(self._model, kind, step["person"])
            except PathWrong as error:
                yield f"{pointer}/person", f"{error}.", "Write names of relations to one, with dots between them."

    def _words(self, kind: Entity, value: Any, pointer: str, *, gone: bool) -> Iterator[_Mistake]:
        for at, word, given in words_in(value, pointer):
            if word not in WORDS:
                yield at, f'"{word}" is no word of values.', f"Words are: {', '.join(WORDS)}; each stands alone."
            elif word == CREATED:
                if given not in self._created:
                    yield at, f'no step before it creates "{given}".', 'Name a step that creates by "as".'
            elif word == PATH:
                if gone and given != "id":
                    yield at, "of a record that was deleted only the id is known.", 'Write {"$path": "id"}.'
                try:
                    end_of(self._model, kind, given)
                except PathWrong as error:
                    yield at, f"{error}.", "Write names of fields, with dots between them."
            else:
                try:
                    seconds_of(given)
                except (ValueError, AttributeError):
                    yield at, f"{given!r} is no duration.", 'Write one such as "P14D", "-PT1H" or "PT0S".'


def _fields(kind: Entity, values: Mapping[str, Any], pointer: str) -> Iterator[_Mistake]:
    for name in values:
        if name not in kind.fields:
            yield f"{pointer}/{name}", *_no_field(kind, name)
        elif not kind.fields[name].writable:
            yield f"{pointer}/{name}", f"{kind.name}.{name} is given by the platform itself.", "Remove it."


def _no_entity(model: Model, name: str) -> tuple[str, str]:
    known = [entity.name for entity in model]
    return f'there is no entity "{name}".', f"{nearest(name, known)}Correct its name."


def _no_field(kind: Entity, name: str) -> tuple[str, str]:
    known = [field.name for field in kind.fields.values()]
    return f'{kind.name} has no field "{name}" that is stored.', f"{nearest(name, known)}Correct its name."
