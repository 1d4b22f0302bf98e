"""The root field ``changes(entities, after, first)``: what has changed, for clients that keep records."""

from functools import partial

import strawberry

from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument, EnumType, ObjectType
from xrm_core.graphql.meanings import FeedField, FeedRoot
from xrm_core.graphql.types import Types, label

OPERATIONS = {
    "CREATE": "It is new, or back out of the trash.",
    "UPDATE": "It was changed, or you can see it now and could not before.",
    "REMOVE": "It was deleted, or you cannot see it any more.",
}
RELOADS = {
    "START": "There was no cursor.",
    "TOO_OLD": "The log does not reach back to the cursor any more.",
    "RIGHTS_CHANGED": "Your rights (roles, what they allow, teams) are others than when the cursor was made.",
    "MODEL_CHANGED": "The entities or their fields are others than when the cursor was made.",
    "LOG_REPLACED": "The cursor is of another log: a backup was restored.",
}


def add_feed(types: Types) -> None:
    """The field, if the role can read any records that have an entity file."""
    entities = types.readable
    if not entities:
        return
    texts = {each.name: label(each.plural_labels) or names.type_name(each) for each in entities}
    entity = builder.enum_type("FollowedEntity", texts, texts, "An entity whose changes can be followed.")
    operation = change_operation(types)
    reload_ = builder.enum_type("FeedReload", RELOADS, RELOADS, "Why records have to be loaded anew.")
    change = builder.object_type(
        "RecordChange", "A change of a record.", partial(_fill_change, types, entity, operation)
    )
    feed = builder.object_type("Changes", "What has changed.", partial(_fill_feed, types, change, entity, reload_))
    types.know(entity, reload_, change, feed)
    builder.add(
        types.query,
        "changes",
        feed,
        "The records that have changed since a cursor, each once, in the order of their newest changes.",
        [
            Argument("entities", builder.optional(builder.list_of(entity)), "Only of these; all if absent."),
            Argument("after", str | None, "The cursor of the last answer. Without: answers one to begin with."),
            Argument("first", int | None, "At most so many."),
        ],
    )
    types.meanings.add("Query", "changes", FeedRoot())


def change_operation(types: Types) -> EnumType:
    """The type of what has become of a record; one object, whoever asks first."""
    if "ChangeOperation" not in types.shared:
        about = "What has become of a record, as far as you can see."
        types.shared["ChangeOperation"] = builder.enum_type("ChangeOperation", OPERATIONS, OPERATIONS, about)
        types.know(types.shared["ChangeOperation"])
    found: EnumType = types.shared["ChangeOperation"]
    return found


def _fill_change(types: Types, entity: EnumType, operation: EnumType, owner: ObjectType) -> None:
    builder.add(owner, "entity", entity, "Of which entity it is.")
    builder.add(owner, "id", strawberry.ID, "Its id.")
    builder.add(owner, "operation", operation)
    builder.add(owner, "node", types.node | None, "The record as it is now; null if it was removed.")
    types.meanings.add(owner.name, "entity", FeedField("entity"))
    types.meanings.add(owner.name, "id", FeedField("id"))
    types.meanings.add(owner.name, "operation", FeedField("operation"))
    types.meanings.add(owner.name, "node", FeedField("node"))


def _fill_feed(types: Types, change: ObjectType, entity: EnumType, reload_: EnumType, owner: ObjectType) -> None:
    builder.add(owner, "changes", builder.list_of(change))
    builder.add(owner, "cursor", str, "For «after» of the next request.")
    builder.add(owner, "hasMore", bool, "Whether to ask for more at once.")
    about = "Why to load all records anew, after this answer and before the next; null: there is no need to."
    builder.add(owner, "reload", builder.optional(reload_), about)
    about = (
        "Of these you see records by other records, shares or the time, too: what comes or goes by that is not told."
    )
    builder.add(owner, "incomplete", builder.list_of(entity), about)
    types.meanings.add(owner.name, "changes", FeedField("changes"))
    types.meanings.add(owner.name, "cursor", FeedField("cursor"))
    types.meanings.add(owner.name, "hasMore", FeedField("has_more"))
    types.meanings.add(owner.name, "reload", FeedField("reload"))
    types.meanings.add(owner.name, "incomplete", FeedField("incomplete"))
