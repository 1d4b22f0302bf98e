"""The root field ``search(text, entities, first)``: the records of all entities that fit a text, the best first."""

from functools import partial

from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.hits import USUAL_PAGE
from xrm_core.graphql.meanings import HitField, Root
from xrm_core.graphql.types import Types, label
from xrm_core.metadata.model import Entity

_HIT, _ENTITY = "SearchHit", "SearchableEntity"


def add_search(types: Types) -> None:
    """The field, if the role can read any field that is searched."""
    entities = [each for each in types.readable if _has_searched(types, each)]
    if not entities:
        return
    texts = {each.name: label(each.plural_labels) or names.type_name(each) for each in entities}
    kind = builder.enum_type(_ENTITY, texts, texts, "An entity with fields that are searched.")
    about = "A record in which each word of a search was found."
    hit = builder.object_type(_HIT, about, partial(_fill, types))
    types.know(kind, hit)
    builder.add(
        types.query,
        "search",
        builder.list_of(hit),
        "Records that you may see and in which each word of the text was found, whole, in part or with typos, the "
        "best first.",
        [
            Argument("text", str, "Words, in any order; case, accents and punctuation make no difference."),
            Argument("entities", builder.optional(builder.list_of(kind)), "Only these; all if absent."),
            Argument("first", int | None, f"At most so many; {USUAL_PAGE} if absent."),
        ],
    )
    types.meanings.add("Query", "search", Root("search", ""))


def _has_searched(types: Types, entity: Entity) -> bool:
    fields = entity.fields.values()
    return any(field.searched and types.access.readable(entity.name, field.name) for field in fields)


def _fill(types: Types, owner: ObjectType) -> None:
    builder.add(owner, "node", types.node, "The record.")
    builder.add(owner, "score", float, "How well it fits, from 0 to 1.")
    builder.add(owner, "fields", builder.list_of(str), "Its searched fields in which a word was found.")
    builder.add(owner, "title", str | None, "What the record is called: the field that «x-display» names.")
    types.meanings.add(owner.name, "node", HitField("node"))
    types.meanings.add(owner.name, "score", HitField("score"))
    types.meanings.add(owner.name, "fields", HitField("fields"))
    types.meanings.add(owner.name, "title", HitField("title"))
