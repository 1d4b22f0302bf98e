"""Wrong entity files: those whose text, structure or names are wrong, and all there are."""

from tests.metadata.wrong_fields import FIELDS
from tests.metadata.wrong_file import BASE, RELATION, Wrong, field, named, top
from tests.metadata.wrong_rules import REFERENCES, RULES

_NAME = "Small letters"

SYNTAX = {
    "empty": Wrong("", 1, "", "Line 1, column 1: expected a value, found the end of the file", "double quotes"),
    "blank": Wrong("\n\n ", 3, "", "Line 3, column 2: expected a value", "double quotes"),
    "not json": Wrong("x-entity: thing", 1, "", 'expected a value, found "x"', "double quotes"),
    "unclosed": Wrong('{\n"a": 1', 2, "", 'Line 2, column 7: expected "," or "}", found the end', 'missing ","'),
    "missing comma": Wrong('{\n"a": 1\n"b": 2}', 3, "", 'expected "," or "}", found a quotation mark', 'missing ","'),
    "trailing comma": Wrong(
        '{\n"a": 1,\n}', 3, "", 'expected a name in double quotes, found "}"', "none after the last"
    ),
    "trailing comma in list": Wrong('{"a": [1,\n]}', 2, "/a/1", 'expected a value, found "]"', "no comma before"),
    "no comma in list": Wrong('{"a": [1 2]}', 1, "/a", 'expected "," or "]", found "2"', "missing"),
    "no colon": Wrong('{"a" 1}', 1, "/a", 'expected ":" after the name "a"', 'missing ":"'),
    "single quotes": Wrong("{'a': 1}", 1, "", "expected a name in double quotes", '"name": value'),
    "comment": Wrong('{\n// hello\n"a": 1}', 2, "", "expected a name in double quotes", '"name": value'),
    "open string": Wrong('{\n"a": "b\n}', 2, "/a", "not closed", "on the same line"),
    "bad escape": Wrong('{"a": "\\x"}', 1, "/a", "invalid escape", "\\n"),
    "exponent": Wrong('{"a": 1e-99999999999999999999}', 1, "/a", "exponent", "without one"),
    "NUL": Wrong('{"a": "x\\u0000"}', 1, "/a", "NUL", "Remove it"),
    "lone surrogate": Wrong('{"a":\n"\\ud800"}', 2, "/a", "surrogate", "Remove it"),
    "NaN": Wrong('{"a": NaN}', 1, "/a", 'expected a value, found "NaN"', "a number"),
    "Infinity": Wrong('{"a": -Infinity}', 1, "/a", "expected a value", "a number"),
    "too large": Wrong('{"a": 1e999}', 1, "/a", "too large", "smaller"),
    "too exact": Wrong('{"a": 1234567890123456.78}', 1, "/a", "too many digits", "at most 15"),
    "too long": Wrong(f'{{"a": 1{"0" * 5000}}}', 1, "/a", "more than 40 digits", "Shorten"),
    "leading zero": Wrong('{"a": 01}', 1, "", 'expected "," or "}", found "1"', "missing"),
    "python": Wrong('{"a": True}', 1, "/a", 'found "True"', "true, false"),
    "two values": Wrong("{}\n{}", 2, "", "the file should end here", "Remove what follows"),
    "too deep": Wrong("[" * 100_000, 1, "/0" * 32, "deeper than 32 levels", "Flatten"),
}

STRUCTURE = {
    "not an object": Wrong("[1]", 1, "", "[1] should be an object", "One entity"),
    "unknown keyword": top('"x-foo": 1', "/x-foo", 'Unknown keyword "x-foo"', "Allowed here: $schema, x-entity"),
    "misspelt keyword": top('"x-lables": {}', "/x-lables", 'Unknown keyword "x-lables"', 'Did you mean "x-labels"?'),
    "$id": top('"$id": "file:///etc/passwd"', "/$id", "nothing is ever fetched", "Write out here"),
    "label language": top('"x-labels": {"Deutsch": "x"}', "/x-labels/Deutsch", "not allowed", "language code"),
    "label empty": top('"x-labels": {"de": ""}', "/x-labels/de", "too short", "1 to 200"),
    "labels list": top('"x-labels": ["x"]', "/x-labels", "should be an object", "by language code"),
    "title number": top('"title": 5', "/title", "5 should be text", "short English name"),
    "required unknown": top('"required": ["nmae"]', "/required/0", 'no field "nmae"', 'Did you mean "name"?'),
    "required twice": top('"required": ["name", "name"]', "/required/1", "twice", "Keep one"),
    "required system": top('"required": ["id"]', "/required/0", "not a field of this file", "Remove it"),
    "display unknown": top('"x-display": "nam"', "/x-display", 'no field "nam"', 'Did you mean "name"?'),
    "index unknown": top('"x-indexes": [["name", "age"]]', "/x-indexes/0/1", 'no field "age"', "Add it"),
    "unique unknown": top('"x-unique": [["age", "name"]]', "/x-unique/0/0", 'no field "age"', "Add it"),
    "index of one": top('"x-indexes": [["name"]]', "/x-indexes/0", "at least 2", "at the field itself"),
    "index same field": top('"x-indexes": [["name", "name"]]', "/x-indexes/0/1", "twice", "Keep one"),
    "plural form": top('"x-plural": "The Things"', "/x-plural", "right form", _NAME),
    "plural is singular": top('"x-plural": "thing"', "/x-plural", "same as the singular", "x-plural"),
    "plural reserved": top('"x-plural": "nodes"', "/x-plural", "field of this name already", "x-plural"),
    "renamed from itself": top('"x-renamed-from": "thing"', "/x-renamed-from", "still an entity", "this keyword"),
    "entity missing": Wrong(
        '{"type": "object",\n"properties": {"a": {"type": "string"}}}', 1, "", '"x-entity" is missing', 'Add "x-entity"'
    ),
    "properties missing": Wrong('{"x-entity": "a", "type": "object"}', 1, "", '"properties" is missing', "Add"),
    "no fields": Wrong(
        '{"x-entity": "a", "type": "object",\n"properties": {}}', 2, "/properties", "At least 1", "fields"
    ),
    "properties list": Wrong(
        '{"x-entity": "a", "type": "object",\n"properties": []}', 2, "/properties", "should be an object", "by name"
    ),
    "type array": Wrong(
        (BASE % ("", "")).replace('"object"', '"array"'), 3, "/type", 'should be "object"', "always an object"
    ),
    "duplicate key": Wrong(
        BASE % ("", ',\n"title": "x",\n"title": "y"'), 8, "/title", "twice (first on line 7)", "Keep one"
    ),
    "duplicate field": Wrong(
        BASE % (',\n"name": {"type": "integer"}', ""), 6, "/properties/name", "twice (first on line 5)", "Keep one"
    ),
}

NAMES = {
    "entity upper": named("Thing", "right form", _NAME),
    "entity umlaut": named("müller", "right form", _NAME),
    "entity digit": named("1thing", "right form", _NAME),
    "entity long": named("a" * 49, "right form", "at most 48"),
    "entity empty": named("", "right form", _NAME),
    "entity emoji": named("🦊", "right form", _NAME),
    "entity line break": named("thing\\n", "right form", _NAME),
    "entity sql": named("thing; drop table x", "right form", _NAME),
    "entity xrm_": named("xrm_user", "platform's own tables", "another name"),
    "entity sqlite_": named("sqlite_master", "SQLite", "another name"),
    "entity pg_": named("pg_class", "PostgreSQL", "another name"),
    "entity ix_": named("ix_thing", "indexes", "another name"),
    **{
        f"entity {name}": named(name, "has this word already", "another name")
        for name in (
            "query",
            "mutation",
            "subscription",
            "node",
            "page_info",
            "order_direction",
            "int_filter",
            "me",
            "search",
            "search_hit",
        )
    },
    "entity number": Wrong((BASE % ("", "")).replace('"thing"', "5"), 2, "/x-entity", "should be text", _NAME),
    "field upper": field('{"type": "string"}', "", "not allowed", _NAME, "Name"),
    "field umlaut": field('{"type": "string"}', "", "not allowed", _NAME, "größe"),
    "field emoji": field('{"type": "string"}', "", "not allowed", _NAME, "🦊"),
    "field sql": field('{"type": "string"}', "", "not allowed", _NAME, "a' OR 1=1 --"),
    "field empty": field('{"type": "string"}', "", "not allowed", _NAME, ""),
    "field dash": field('{"type": "string"}', "", "not allowed", _NAME, "last-name"),
    **{
        f"field {name}": field('{"type": "string"}', "", "kept by the platform", "another name", name)
        for name in ("id", "created_at", "created_by", "updated_at", "updated_by", "version")
    },
    **{
        f"field {name}": field('{"type": "string"}', "", "filters use this word", "another name", name)
        for name in ("and", "or", "not", "is_null")
    },
    "field xmin": field('{"type": "string"}', "", "hidden column", "another name", "xmin"),
    "field xrm_": field('{"type": "string"}', "", "keeps for itself", "another name", "xrm_x"),
    "field camel": field('{"type": "string"}', "", 'both "name" in the API', "Rename", "name_"),
    "field camel system": field('{"type": "string"}', "", 'both "createdAt"', "Rename", "created__at"),
}

TWO_FIELDS = {
    "set_null required": Wrong(
        BASE
        % (',\n"f": {"x-relation": {"to": "thing", "inverse": "xs",\n"on_delete": "set_null"}}', ', "required": ["f"]'),
        7,
        "/properties/f/x-relation/on_delete",
        "could not be emptied",
        '"cascade"',
    ),
    "same inverse": Wrong(
        BASE % (f',\n"f": {RELATION % "xs"},\n"g": {RELATION % "xs"}', ""),
        7,
        "/properties/g/x-relation/inverse",
        'the inverse "xs" of thing.f already',
        "another inverse",
    ),
    "column of relation": Wrong(
        BASE % (f',\n"f": {RELATION % "xs"},\n"f_id": {{"type": "string"}}', ""),
        6,
        "/properties/f",
        'in the column "f_id", which "f_id" has',
        "Rename one",
    ),
    "camel of underscores": Wrong(
        BASE % (',\n"a_b": {"type": "string"},\n"a__b": {"type": "string"}', ""),
        7,
        "/properties/a__b",
        '"aB"',
        "Rename",
    ),
    "camel of digits": Wrong(
        BASE % (',\n"a1b": {"type": "string"},\n"a_1b": {"type": "string"}', ""),
        7,
        "/properties/a_1b",
        '"a1b"',
        "Rename",
    ),
    "display is relation": Wrong(
        BASE % (f',\n"f": {RELATION % "xs"}', ',\n"x-display": "f"'), 8, "/x-display", "is a relation", "holds a value"
    ),
    "index of a set": Wrong(
        BASE
        % (
            ',\n"s": {"type": "array", "uniqueItems": true, "items": {"enum": ["a"]}}',
            ',\n"x-indexes": [["name", "s"]]',
        ),
        8,
        "/x-indexes/0",
        "holds several values",
        "x-index of its own",
    ),
    "display is a set": Wrong(
        BASE % (',\n"s": {"type": "object", "x-type": "json"}', ',\n"x-display": "s"'),
        8,
        "/x-display",
        "holds several values",
        "holds one",
    ),
    "index wide together": Wrong(
        BASE
        % (
            ',\n"g": {"type": "string"},\n"h": {"type": "string"}',
            ',\n"x-indexes": [["name", "g", "h"]]',
        ),
        9,
        "/x-indexes/0",
        "3060 bytes",
        "maxLength",
    ),
    "same former name": Wrong(
        BASE
        % (',\n"g": {"type": "string", "x-renamed-from": "o"},\n"h": {"type": "string", "x-renamed-from": "o"}', ""),
        7,
        "/properties/h/x-renamed-from",
        '"g" has the same former name',
        "Keep one",
    ),
}

ALL: dict[str, Wrong] = {
    f"{group}: {name}": wrong
    for group, cases in {
        "syntax": SYNTAX,
        "structure": STRUCTURE,
        "names": NAMES,
        "field": FIELDS,
        "rule": RULES,
        "reference": REFERENCES,
        "together": TWO_FIELDS,
    }.items()
    for name, wrong in cases.items()
}
