"""``x-ownership`` → the fields ``owner`` and ``owner_team`` that it gives an entity: relations like any other."""

from collections.abc import Mapping
from types import MappingProxyType

from xrm_core.metadata.model import CALLER, CALLER_TEAM, TEAM, USER, Field, Labels, OnDelete, Relation, Source
from xrm_core.metadata.types import FieldType

OWNER, OWNER_TEAM = "owner", "owner_team"

_LABELS: Mapping[str, Labels] = {
    OWNER: MappingProxyType({"de": "Zuständig", "en": "Owner"}),
    OWNER_TEAM: MappingProxyType({"de": "Zuständiges Team", "en": "Owner team"}),
}
_DESCRIPTIONS = {
    OWNER: "The user who is responsible for the record.",
    OWNER_TEAM: "The team that is responsible for the record.",
}
_INVERSE_LABELS = {"de": "Zuständig für {}", "en": "Owner of {}"}


def owner_fields(
    ownership: str | None, plural: str, plural_labels: Labels, required: frozenset[str], source: Source
) -> dict[str, Field]:
    """The fields of ``user``, ``team`` or ``user_and_team``; none for None.

    Args:
        ownership: the word in the file.
        plural: of the entity; the lists on the other side are called ``owned_<plural>``.
        plural_labels: of the entity, for the labels of those lists.
        required: names that the file lists as required.
        source: where the word stands.
    """
    found: dict[str, Field] = {}
    if ownership in ("user", "user_and_team"):
        # Who owns records hands them over before leaving: else nobody would see them any more.
        found[OWNER] = _field(OWNER, USER, CALLER, "restrict", plural, plural_labels, required, source)
    if ownership in ("team", "user_and_team"):
        alone = ownership == "team" or OWNER_TEAM in required
        on_delete: OnDelete = "restrict" if alone else "set_null"
        found[OWNER_TEAM] = _field(OWNER_TEAM, TEAM, CALLER_TEAM, on_delete, plural, plural_labels, required, source)
    return found


def _field(
    name: str,
    target: str,
    default: str,
    on_delete: OnDelete,
    plural: str,
    plural_labels: Labels,
    required: frozenset[str],
    source: Source,
) -> Field:
    labels = {language: text.format(plural_labels.get(language, plural)) for language, text in _INVERSE_LABELS.items()}
    return Field(
        name,
        FieldType.RELATION,
        required=name in required,
        default=default,
        relation=Relation((target,), f"owned_{plural}", on_delete, MappingProxyType(labels)),
        labels=_LABELS[name],
        description=_DESCRIPTIONS[name],
        source=source,
    )
