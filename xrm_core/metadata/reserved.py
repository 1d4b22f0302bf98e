"""Names that entities, fields and inverses may not have, and why."""

from collections.abc import Iterator

from xrm_core import naming
from xrm_core.metadata.model import SYSTEM_FIELDS, Entity

TYPE_FORMS = (
    "{}",
    "{}Connection",
    "{}Edge",
    "{}Filter",
    "{}ListFilter",
    "{}OrderBy",
    "{}GroupBy",
    "{}GroupKey",
    "{}Aggregate",
    "{}AggregateSum",
    "{}AggregateAvg",
    "{}AggregateMin",
    "{}AggregateMax",
    "{}AggregateCountDistinct",
    "{}AggregateOrderBy",
    "{}AggregateOrderBySum",
    "{}AggregateOrderByAvg",
    "{}AggregateOrderByMin",
    "{}AggregateOrderByMax",
    "{}AggregateOrderByCountDistinct",
    "{}Having",
    "{}HavingSum",
    "{}HavingAvg",
    "{}HavingMin",
    "{}HavingMax",
    "{}HavingCountDistinct",
    "Create{}Input",
    "Update{}Input",
    "{}Change",
    "Merge{}Field",
    "Merge{}Take",
    "Merge{}Result",
)
"""GraphQL types made for an entity, with ``{}`` for its PascalCase name; no two entities may make the same one."""

FIELD_TYPE_FORMS = ("{}", "{}Filter", "Create{}Input", "Update{}Input")
"""GraphQL types made for an enum or polymorphic field; ``{}`` is entity and field in PascalCase."""

LINK_TYPE_FORMS = ("{}Connection", "{}Edge", "{}Input", "{}AddInput")
"""GraphQL types made for a side of a many-to-many relation; ``{}`` is entity and relation in PascalCase."""

ROOT_FORMS = ("{}", "{}Aggregate")
"""Fields of the GraphQL query root made for an entity's plural; its singular gives one more."""

_SCALARS = (
    *("string", "text", "boolean", "id", "uuid", "json"),
    *("int", "bigint", "float", "decimal", "date", "datetime", "time", "duration"),
)
_RELATIONSHIP_WORDS = ("", "type", "direction", "side", "edge", "connection", "record", "details")
_GRAPHQL_TYPES = frozenset(
    {"query", "mutation", "subscription", "node", "connection", "edge", "error"}
    | {"schemafile", "schemafileinput", "schemaplan", "schemaoperation", "schemasample"}
    | {"me", "mysession", "mytotp", "totpenrolment"}
    | {f"permission{word}" for word in ("s", "file", "fileinput", "role", "rule", "policy", "difference", "plan")}
    | {"token", "mytoken", "newtoken", "authevent"}  # an entity «token» would have the mutation createToken
    | {f"useraccount{word}" for word in ("", "filter", "connection", "input", "token", "identity")}
    | {"userlink", "userinvitation", "inviteuserinput"}
    | {f"backgroundjob{word}" for word in ("", "state", "error", "filter", "connection")}
    | {f"webhook{word}" for word in ("", "state", "operation", "subject", "subjectinput", "delivery")}
    | {"newwebhook"}
    | {f"outboxmessage{word}" for word in ("", "state", "filter", "connection")}
    | {f"workflowrun{word}" for word in ("", "state", "filter", "connection", "counts")}
    | {"workflowdefinition", "workflowbeginning"}
    | {"money", "moneyinput", "moneyfilter", "moneyorderby", "moneygroupby", "moneygroupkey"}
    | {"currencycode", "currencycodefilter"}
    | {
        "file",
        "filefilter",
        "pageinfo",
        "orderdirection",
        "groupby",
        "dategroupby",
        "totals",
        "textdifference",
        "phonefilter",
    }
    | {f"relationship{word}" for word in _RELATIONSHIP_WORDS}
    | {"network", "networknode", "networkedge"}
    | {"searchhit", "searchableentity"}
    | {"changes", "recordchange", "changeoperation", "followedentity", "feedreload"}
    | {"recordshare", "sharelevel", "sharewith"}
    | {"movedrecords"}
    | {"historyentry", "historyfield", "historycause", "historyoperation", "recordstate", "anyvalue"}
    | {scalar + suffix for scalar in _SCALARS for suffix in ("", "filter", "where")}
)
_ROOT_FIELDS = frozenset({"node", "nodes", "search", "me", "viewer", "schemafiles", "planschemachange"}) | {
    "permissions",
    "planpermissions",
    "authevents",
    "useraccount",
    "useraccounts",
    "backgroundjob",
    "backgroundjobs",
    "webhook",
    "webhooks",
    "webhookdeliveries",
    "outboxmessage",
    "outboxmessages",
    "workflowdefinitions",
    "workflowrun",
    "workflowruns",
    "changes",
}

_TABLE_PREFIXES = {
    "xrm_": "the platform's own tables begin with it",
    "sqlite_": "SQLite keeps it for its own tables",
    "pg_": "PostgreSQL keeps it for its own tables",
    "alembic_": "the migration tool's table begins with it",
    "ix_": "names of indexes begin with it",
    "uq_": "names of constraints begin with it",
    "pk_": "names of primary keys begin with it",
}
_PREDICATE_WORDS = frozenset({"and", "or", "not", "is_null", "search"})
_DATABASE_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "rowid", "oid"})
_SYSTEM = frozenset(field.name for field in SYSTEM_FIELDS)


def why_not_entity(name: str) -> str:
    """Why no entity may have this (well-formed) name; ``""`` if it may."""
    for prefix, reason in _TABLE_PREFIXES.items():
        if name.startswith(prefix):
            return f'it begins with "{prefix}", and {reason}'
    if naming.pascal(name).lower() in _GRAPHQL_TYPES or naming.camel(name).lower() in _ROOT_FIELDS:
        return "GraphQL or the platform's API has this word already"
    return ""


def why_not_plural(name: str) -> str:
    """Why no entity may have this plural; ``""`` if it may."""
    return "the API has a field of this name already" if naming.camel(name).lower() in _ROOT_FIELDS else ""


def why_not_field(name: str) -> str:
    """Why no field or inverse may have this (well-formed) name; ``""`` if it may."""
    if name in _SYSTEM:
        return "every record has this field already, kept by the platform"
    if name in ("relationships", "network"):
        return "the API has this field on every record that can have relationships"
    if name == "shares":
        return "the API has this field on every record that can be shared"
    if name in ("history", "as_of"):
        return "the API has this field on every record"
    if name.endswith("_aggregate"):
        return "the API has figures over related records under such names"
    if name in _PREDICATE_WORDS:
        return "filters use this word"
    if name in _DATABASE_COLUMNS:
        return "databases have a hidden column of this name"
    if name.startswith(("xrm_", "ctx_")):  # values that statements take are called so, those of callers by the latter
        return f'it begins with "{name[:4]}", which the platform keeps for itself'
    return ""


def platform_type(name: str) -> bool:
    """Whether the API has a type of its own with this PascalCase name, or one that differs from it in capitals only."""
    return name.lower() in _GRAPHQL_TYPES


def graphql_types(entity: Entity) -> Iterator[tuple[str, str]]:
    """Each GraphQL type that the entity makes, with the name of the field it is for (``""``: the entity itself)."""
    own = naming.pascal(entity.name)
    for form in TYPE_FORMS:
        yield form.format(own), ""
    for field in entity.fields.values():
        if field.enum or (field.relation is not None and field.relation.polymorphic):
            for form in FIELD_TYPE_FORMS:
                yield form.format(own + naming.pascal(field.name)), field.name
    if (between := entity.between) is not None:
        for side, name in ((between.source, between.name), (between.target, between.inverse)):
            for form in LINK_TYPE_FORMS:
                target = entity.fields[side].reference.targets[0]
                yield form.format(naming.pascal(target) + naming.pascal(name)), ""


def graphql_roots(entity: Entity) -> Iterator[str]:
    """Each field of the GraphQL query root that the entity makes."""
    yield naming.camel(entity.name)
    for form in ROOT_FORMS:
        yield form.format(naming.camel(entity.plural))
