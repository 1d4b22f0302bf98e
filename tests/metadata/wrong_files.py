"""Wrong entity files: what stands in them, and what the loader has to say about it."""

from typing import NamedTuple

BASE = """{
"x-entity": "thing",
"type": "object",
"properties": {
"name": {"type": "string"}%s
}%s
}"""
"""A right file with two gaps: one more field stands on line 6, one more keyword of the file on line 7 (8 after it)."""

FIELD_LINE, TOP_LINE = 6, 7


class Wrong(NamedTuple):
    """A wrong file and its one problem."""

    text: str
    line: int
    pointer: str
    reason: str
    remedy: str


def field(text: str, pointer: str, reason: str, remedy: str, name: str = "f") -> Wrong:
    """A file whose second field is wrong; the pointer is relative to that field."""
    return Wrong(BASE % (f',\n"{name}": {text}', ""), FIELD_LINE, f"/properties/{name}{pointer}", reason, remedy)


def top(text: str, pointer: str, reason: str, remedy: str) -> Wrong:
    """A file in which a keyword of the entity is wrong."""
    return Wrong(BASE % ("", f",\n{text}"), TOP_LINE, pointer, reason, remedy)


def named(name: str, reason: str, remedy: str) -> Wrong:
    """A file whose entity has a name that it may not have."""
    return Wrong((BASE % ("", "")).replace("thing", name), 2, "/x-entity", reason, remedy)


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

_RELATION = '{"x-relation": {"to": "thing", "inverse": "%s"}}'

FIELDS = {
    "not an object": field('"string"', "", '"string" should be an object', "A value or a relation"),
    "no type": field('{"x-index": true}', "", '"type" is missing', '"x-relation"'),
    "wrong type": field('{"type": "strng"}', "/type", "not one of string, integer", 'Did you mean "string"?'),
    "set items": field('{"type": "array", "uniqueItems": true}', "", '"items" is missing', "the words"),
    "set unique": field('{"type": "array", "items": {"enum": ["a"]}}', "", '"uniqueItems" is missing', "always true"),
    "set not unique": field(
        '{"type": "array", "uniqueItems": false, "items": {"enum": ["a"]}}', "/uniqueItems", "should be true", "Always"
    ),
    "set of texts": field(
        '{"type": "array", "uniqueItems": true, "items": {"type": "string"}}', "/items", '"enum" is missing', "words"
    ),
    "set of numbers": field(
        '{"type": "array", "uniqueItems": true, "items": {"enum": [1]}}', "/items/enum/0", "should be text", "Letters"
    ),
    "set value": field(
        '{"type": "array", "uniqueItems": true, "items": {"enum": ["a", "a b"]}}', "/items/enum/1", "form", "Letters"
    ),
    "set few": field(
        '{"type": "array", "uniqueItems": true, "items": {"enum": ["a"]}, "minItems": 2}',
        "/minItems",
        "more than there can be",
        "Lower it",
    ),
    "set default": field(
        '{"type": "array", "uniqueItems": true, "items": {"enum": ["a"]}, "default": ["b"]}',
        "/default",
        "own rules",
        "Change one",
    ),
    "set default text": field(
        '{"type": "array", "uniqueItems": true, "items": {"enum": ["a"]}, "default": "a"}',
        "/default",
        "should be a list",
        "as a list",
    ),
    "set x-unique": field(
        '{"type": "array", "uniqueItems": true, "items": {"enum": ["a"]}, "x-unique": true}',
        "/x-unique",
        "belong in a set field",
        "Remove it",
    ),
    "set label": field(
        '{"type": "array", "uniqueItems": true, "items": {"enum": ["a"]}, "x-enum-labels": {"b": {"de": "B"}}}',
        "/x-enum-labels/b",
        "not a value of this enum",
        "add it to enum",
    ),
    "money currency": field(
        '{"type": "object", "x-type": "money", "x-currencies": ["EUR", "EUX"]}',
        "/x-currencies/1",
        "not a currency",
        "Did you mean",
    ),
    "money currency form": field(
        '{"type": "object", "x-type": "money", "x-currencies": ["eur"]}', "/x-currencies/0", "right form", "EUR"
    ),
    "money currencies": field(
        '{"type": "object", "x-type": "money", "x-currencies": "EUR"}', "/x-currencies", "should be a list", "a list"
    ),
    "money no currencies": field(
        '{"type": "object", "x-type": "money", "x-currencies": []}', "/x-currencies", "too short", "a list"
    ),
    "money twice": field(
        '{"type": "object", "x-type": "money", "x-currencies": ["EUR", "EUR"]}', "/x-currencies/1", "twice", "Keep one"
    ),
    "money scale": field(
        '{"type": "object", "x-type": "money", "x-precision": 3, "x-scale": 4}', "/x-scale", "more than", "all digits"
    ),
    "money bound": field(
        '{"type": "object", "x-type": "money", "x-precision": 4, "minimum": 100}', "/minimum", "does not fit", "Raise"
    ),
    "money default": field(
        '{"type": "object", "x-type": "money", "default": {"amount": 1}}', "/default", "in a money field", "Remove it"
    ),
    "money type": field('{"type": "number", "x-type": "money"}', "/x-type", 'should be "decimal"', "kept exactly"),
    "money of a decimal": field(
        '{"type": "number", "x-type": "decimal", "x-currencies": ["EUR"]}',
        "/x-currencies",
        "in a decimal field",
        "Remove",
    ),
    "json plain": field('{"type": "object"}', "", '"x-type" is missing', "json"),
    "json properties": field(
        '{"type": "object", "x-type": "json", "properties": {}}', "/properties", "belong in a json field", "Remove it"
    ),
    "json default": field('{"type": "object", "x-type": "json", "default": []}', "/default", "an object", "an object"),
    "json number": field(
        '{"type": "object", "x-type": "json", "default": {"a": 9223372036854775808}}',
        "/default",
        "beyond 64 bits",
        "Change one",
    ),
    "json index": field(
        '{"type": "object", "x-type": "json", "x-index": true}', "/x-index", "belong in a", "Remove it"
    ),
    "nullable": field('{"type": ["string", "null"]}', "/type", "not one of", "The kind of value"),
    "unknown keyword": field('{"type": "string", "max": 5}', "/max", 'Unknown keyword "max"', "Allowed here: type"),
    "misspelt": field('{"type": "string", "maxLenght": 5}', "/maxLenght", "Unknown", 'Did you mean "maxLength"?'),
    "other kind": field('{"type": "integer", "maxLength": 5}', "/maxLength", "belong in an integer field", "minimum"),
    "format": field('{"type": "string", "format": "ipv4"}', "/format", "not one of email, uri", "a web address (uri)"),
    "format near": field('{"type": "string", "format": "datetime"}', "/format", "not one of", 'mean "date-time"?'),
    "x-type": field('{"type": "string", "x-type": "longtext"}', "/x-type", "not one of", 'Did you mean "long_text"?'),
    "number": field('{"type": "number"}', "", '"x-type" is missing', '"x-type": "decimal"'),
    "length text": field(
        '{"type": "string", "maxLength": "9"}', "/maxLength", "should be a whole number", "characters"
    ),
    "length zero": field('{"type": "string", "maxLength": 0}', "/maxLength", "too small", "characters"),
    "lengths": field('{"type": "string", "minLength": 9, "maxLength": 3}', "/minLength", "no text could", "Lower it"),
    "length default": field('{"type": "string", "minLength": 300}', "/minLength", "maxLength 255", "raise maxLength"),
    "bounds": field('{"type": "integer", "minimum": 9, "maximum": 3}', "/minimum", "no number could", "Lower it"),
    "int too large": field('{"type": "integer", "maximum": 3000000000}', "/maximum", "too large", "2147483647"),
    "int exclusive": field(
        '{"type": "integer", "minimum": 3, "exclusiveMaximum": 3}',
        "/minimum",
        "not less than",
        "raise exclusiveMaximum",
    ),
    "int multiple": field(
        '{"type": "integer", "multipleOf": 0}', "/multipleOf", "must be more than 0", "greater than 0"
    ),
    "int const": field('{"type": "integer", "maximum": 3, "const": 4}', "/const", "own rules", "Change one"),
    "int const text": field('{"type": "integer", "const": "4"}', "/const", "should be a whole number", "whole number"),
    "int x-type": field('{"type": "integer", "x-type": "bigint"}', "/x-type", 'should be "big_integer"', "64 bits"),
    "big int": field(
        '{"type": "integer", "x-type": "big_integer", "maximum": 9223372036854775808}',
        "/maximum",
        "too large",
        "9223372036854775807",
    ),
    "big int precise": field(
        '{"type": "integer", "x-type": "big_integer", "x-scale": 2}', "/x-scale", "a big integer field", "Remove it"
    ),
    "text const": field('{"type": "string", "maxLength": 2, "const": "abc"}', "/const", "own rules", "Change one"),
    "text const number": field('{"type": "string", "const": 5}', "/const", "should be text", "only value"),
    "const default": field('{"type": "string", "const": "a", "default": "b"}', "/default", "own rules", "Change one"),
    "text exclusive": field(
        '{"type": "string", "exclusiveMinimum": 1}', "/exclusiveMinimum", "belong in a text field", "Remove it"
    ),
    "time default": field(
        '{"type": "string", "x-type": "time", "default": "25:00"}', "/default", "own rules", "Change"
    ),
    "time zone": field('{"type": "string", "x-type": "time", "default": "10:00Z"}', "/default", "own rules", "Change"),
    "time format": field('{"type": "string", "format": "time"}', "/format", "not one of", "date-time"),
    "time pattern": field('{"type": "string", "x-type": "time", "pattern": "a"}', "/pattern", "a time field", "Remove"),
    "time type": field('{"type": "integer", "x-type": "time"}', "/x-type", 'should be "big_integer"', "64 bits"),
    "duration months": field(
        '{"type": "string", "format": "duration", "default": "P1M"}', "/default", "not a duration", "Change one"
    ),
    "duration long": field(
        '{"type": "string", "format": "duration", "default": "P9999999D"}', "/default", "longer than", "Change one"
    ),
    "duration length": field(
        '{"type": "string", "format": "duration", "maxLength": 5}', "/maxLength", "belong in a date", "Remove it"
    ),
    "int fraction": field('{"type": "integer", "minimum": 0.5}', "/minimum", "should be a whole number", "whole"),
    "precision": field('{"type": "number", "x-type": "decimal", "x-precision": 19}', "/x-precision", "too large", "18"),
    "scale": field(
        '{"type": "number", "x-type": "decimal", "x-precision": 3, "x-scale": 4}', "/x-scale", "more than", "all digits"
    ),
    "decimal bound": field(
        '{"type": "number", "x-type": "decimal", "x-precision": 4, "x-scale": 2, "maximum": 100}',
        "/maximum",
        "does not fit 4 digits",
        "Raise x-precision",
    ),
    "look-around": field('{"type": "string", "pattern": "(?=a)b"}', "/pattern", "not a regular", "look-around"),
    "back-reference": field(r'{"type": "string", "pattern": "(a)\\1"}', "/pattern", "not a regular", "back-reference"),
    "pattern open": field('{"type": "string", "pattern": "["}', "/pattern", "not a regular", "Close all brackets"),
    "pattern huge": field('{"type": "string", "pattern": "(x{999}){999}"}', "/pattern", "not a regular", "counts"),
    "enum value": field('{"type": "string", "enum": ["a b"]}', "/enum/0", "right form", "Letters a-z"),
    "enum number": field('{"type": "string", "enum": [1]}', "/enum/0", "should be text", "Letters a-z"),
    "enum true": field(
        '{"type": "string", "enum": ["a", "true"]}', "/enum/1", "not allowed", "not true, false or null"
    ),
    "enum twice": field(
        '{"type": "string", "enum": ["a", "b", "a"]}', "/enum/2", '"a" stands in this list twice', "Keep one"
    ),
    "enum empty": field('{"type": "string", "enum": []}', "/enum", "too short", "words"),
    "enum many": field(
        '{"type": "string", "enum": [' + ", ".join(f'"v{i}"' for i in range(501)) + "]}",
        "/enum",
        "501 entries",
        "words",
    ),
    "enum with format": field(
        '{"type": "string", "enum": ["a"], "format": "email"}', "/format", "enum field", "Remove"
    ),
    "enum label": field(
        '{"type": "string", "enum": ["a"], "x-enum-labels": {"b": {"de": "B"}}}',
        "/x-enum-labels/b",
        "not a value of this enum",
        "add it to enum",
    ),
    "default type": field(
        '{"type": "integer", "default": "1"}', "/default", "should be a whole number", "leave the word out"
    ),
    "default null": field(
        '{"type": "string", "default": null}', "/default", "null should be text", "leave the word out"
    ),
    "default long": field(
        '{"type": "string", "maxLength": 2, "default": "abc"}', "/default", "own rules", "Change one"
    ),
    "default int": field('{"type": "integer", "default": 2147483648}', "/default", "own rules", "Change one"),
    "default enum": field('{"type": "string", "enum": ["a"], "default": "b"}', "/default", "own rules", "Change one"),
    "default date": field(
        '{"type": "string", "format": "date", "default": "2025-02-30"}', "/default", "own rules", "Change one"
    ),
    "default email": field('{"type": "string", "format": "email", "default": "x"}', "/default", "own rules", "Change"),
    "default pattern": field('{"type": "string", "pattern": "^a$", "default": "b"}', "/default", "own rules", "Change"),
    "default scale": field(
        '{"type": "number", "x-type": "decimal", "default": 0.125}', "/default", "more than 2 digits", "x-scale"
    ),
    "default range": field(
        '{"type": "number", "x-type": "decimal", "x-precision": 3, "default": 10}', "/default", "own rules", "Change"
    ),
    "index wide": field('{"type": "string", "maxLength": 900, "x-index": true}', "/x-index", "3600 bytes", "maxLength"),
    "unique long text": field(
        '{"type": "string", "x-type": "long_text", "x-unique": true}', "/x-unique", "400000 bytes", "remove the index"
    ),
    "renamed from present": field(
        '{"type": "string", "x-renamed-from": "name"}', "/x-renamed-from", "still a field", "this keyword"
    ),
    "relation text": field('{"x-relation": "thing"}', "/x-relation", "should be an object", "reference leads"),
    "relation no inverse": field('{"x-relation": {"to": "thing"}}', "/x-relation", '"inverse" is missing', "Add"),
    "relation type": field(
        '{"type": "string", "x-relation": {"to": "thing", "inverse": "xs"}}', "/type", "a relation field", "Remove it"
    ),
    "relation unknown": field(
        '{"x-relation": {"to": "thnig", "inverse": "xs"}}',
        "/x-relation/to",
        'no entity "thnig"',
        'Did you mean "thing"?',
    ),
    "relation to number": field(
        '{"x-relation": {"to": 5, "inverse": "xs"}}', "/x-relation/to", "text in double quotes or a list", "referred to"
    ),
    "relation on_delete": field(
        '{"x-relation": {"to": "thing", "inverse": "xs", "on_delete": "nullify"}}',
        "/x-relation/on_delete",
        "not one of restrict, set_null, cascade",
        "restrict (that is refused",
    ),
    "relation keyword": field(
        '{"x-relation": {"to": "thing", "inverse": "xs", "via": "y"}}',
        "/x-relation/via",
        'Unknown keyword "via"',
        "Allowed here: to, inverse",
    ),
    "inverse form": field(_RELATION % "Xs", "/x-relation/inverse", "right form", _NAME),
    "inverse is field": field(_RELATION % "name", "/x-relation/inverse", 'a field "name" already', "another inverse"),
    "inverse is system": field(_RELATION % "created_at", "/x-relation/inverse", 'a field "created_at"', "another"),
    "inverse camel": field(_RELATION % "name_", "/x-relation/inverse", 'a field "name"', "another inverse"),
    "inverse reserved": field(_RELATION % "and", "/x-relation/inverse", "filters use this word", "Choose another"),
    "polymorphic one": field(
        '{"x-relation": {"to": ["thing"], "inverse": "xs"}}', "/x-relation/to", "too short", "single"
    ),
    "polymorphic same": field(
        '{"x-relation": {"to": ["thing", "thing"], "inverse": "xs"}}', "/x-relation/to/1", "twice", "Keep one"
    ),
}

RULES = {
    "if list": top('"if": []', "/if", "should be an object", "whole record"),
    "if alone": top('"if": {"required": ["name"]}', "/if", 'nothing without "then"', "Add one"),
    "then alone": top('"then": {"required": ["name"]}', "/then", 'nothing without "if"', "allOf"),
    "allOf empty": top('"allOf": []', "/allOf", "too short", "list of rules"),
    "allOf object": top('"allOf": {}', "/allOf", "should be a list", "list of rules"),
    "rule word": top('"not": {"requird": ["name"]}', "/not/requird", "Unknown keyword", 'Did you mean "required"?'),
    "rule type": top('"not": {"type": "object"}', "/not/type", "belong in a rule", "Remove it"),
    "rule required": top('"not": {"required": ["nmae"]}', "/not/required/0", 'no field "nmae"', 'Did you mean "name"?'),
    "rule of id": top('"not": {"required": ["id"]}', "/not/required/0", 'no field "id"', "its own entity"),
    "rule field": top(
        '"not": {"properties": {"age": {"const": 1}}}', "/not/properties/age", 'no field "age"', "speaks"
    ),
    "rule deep": top(
        '"anyOf": [{"required": ["name"]}, {"allOf": [{"not": {"required": ["x"]}}]}]',
        "/anyOf/1/allOf/0/not/required/0",
        'no field "x"',
        "speaks of fields",
    ),
    "rule value": top(
        '"not": {"properties": {"name": {"const": 5}}}',
        "/not/properties/name/const",
        "No record can have the value 5",
        "of the type text",
    ),
    "rule values": top(
        '"not": {"properties": {"name": {"enum": ["a", null]}}}',
        "/not/properties/name/enum/1",
        "No record can have the value null",
        "of the type text",
    ),
    "rule number of text": top(
        '"not": {"properties": {"name": {"minimum": 5}}}',
        "/not/properties/name/minimum",
        "says nothing about name",
        "Remove it",
    ),
    "rule contains of text": top(
        '"not": {"properties": {"name": {"contains": {"const": "a"}}}}',
        "/not/properties/name/contains",
        "says nothing about name",
        "Remove it",
    ),
    "rule part of money": Wrong(
        BASE
        % (
            ',\n"p": {"type": "object", "x-type": "money"}',
            ',\n"not": {"properties": {"p": {"properties": {"sum": {"minimum": 1}}}}}',
        ),
        8,
        "/not/properties/p/properties/sum",
        'has no part "sum"',
        "amount and currency",
    ),
    "rule currency": Wrong(
        BASE
        % (
            ',\n"p": {"type": "object", "x-type": "money"}',
            ',\n"not": {"properties": {"p": {"properties": {"currency": {"const": "USD"}}}}}',
        ),
        8,
        "/not/properties/p/properties/currency/const",
        'No record can have the value "USD"',
        "enum",
    ),
    "column of money": Wrong(
        BASE % (',\n"p": {"type": "object", "x-type": "money"},\n"p_currency": {"type": "string"}', ""),
        6,
        "/properties/p",
        'in the column "p_currency"',
        "Rename one",
    ),
    "rule pattern in a set": Wrong(
        BASE
        % (
            ',\n"p": {"type": "array", "uniqueItems": true, "items": {"enum": ["a", "b"]}}',
            ',\n"not": {"properties": {"p": {"contains": {"pattern": "("}}}}',
        ),
        8,
        "/not/properties/p/contains/pattern",
        "not a regular",
        "look-around",
    ),
    "rule value in a set": Wrong(
        BASE
        % (
            ',\n"p": {"type": "array", "uniqueItems": true, "items": {"enum": ["a", "b"]}}',
            ',\n"not": {"properties": {"p": {"items": {"enum": ["a", "z"]}}}}',
        ),
        8,
        "/not/properties/p/items/enum/1",
        'No record can have the value "z"',
        "of the type enum",
    ),
    "rule pattern in an object": Wrong(
        BASE
        % (
            ',\n"p": {"type": "object", "x-type": "json"}',
            ',\n"not": {"properties": {"p": {"properties": {"a": {"items": {"pattern": "(?=a)"}}}}}}',
        ),
        8,
        "/not/properties/p/properties/a/items/pattern",
        "not a regular",
        "look-around",
    ),
    "rule part of a reference": Wrong(
        BASE
        % (
            ',\n"p": {"x-relation": {"to": "thing", "inverse": "xs"}}',
            ',\n"not": {"properties": {"p": {"required": ["name"]}}}',
        ),
        8,
        "/not/properties/p/required/0",
        'p has no part "name"',
        "id of the other",
    ),
    "rule other form of a duration": Wrong(
        BASE
        % (',\n"p": {"type": "string", "format": "duration"}', ',\n"not": {"properties": {"p": {"const": "PT24H"}}}'),
        8,
        "/not/properties/p/const",
        'No record can have the value "PT24H"',
        "form that answers have",
    ),
    "rule pattern": top(
        '"not": {"properties": {"name": {"pattern": "(?=a)"}}}',
        "/not/properties/name/pattern",
        "not a regular expression",
        "look-around",
    ),
    "rule true": top(
        '"not": {"properties": {"name": "x"}}', "/not/properties/name", "should be an object", "false if the field"
    ),
    "dependent list": top('"dependentRequired": []', "/dependentRequired", "should be an object", "If the field"),
    "dependent text": top(
        '"dependentRequired": {"name": "age"}', "/dependentRequired/name", "should be a list", "names of fields"
    ),
    "dependent unknown": top(
        '"dependentRequired": {"name": ["age"]}', "/dependentRequired/name/0", 'no field "age"', "speaks of fields"
    ),
    "dependent on unknown": top(
        '"dependentRequired": {"age": ["name"]}', "/dependentRequired/age", 'no field "age"', "speaks of fields"
    ),
    "dependent rule": top(
        '"dependentSchemas": {"name": {"required": ["age"]}}',
        "/dependentSchemas/name/required/0",
        'no field "age"',
        "speaks of fields",
    ),
    "message text": top('"not": {"required": ["name"], "x-message": "No"}', "/not/x-message", "an object", "language"),
    "message language": top(
        '"not": {"required": ["name"], "x-message": {"English": "No"}}', "/not/x-message/English", "not allowed", "en"
    ),
    "definitions": top('"definitions": {}', "/definitions", "not supported", '"$defs"'),
    "$id": top('"$id": "file:///etc/passwd"', "/$id", "nothing is ever fetched", "Write out here"),
}

_OUT = "leads out of $defs"
REFERENCES = {
    "entity": top('"$ref": "#/$defs/x"', "/$ref", "nothing is ever fetched", "Write out"),
    "$defs list": top('"$defs": []', "/$defs", "should be an object", "Parts of this file"),
    "remote": field('{"$ref": "http://127.0.0.1/x"}', "/$ref", _OUT, '"#/$defs/NAME"'),
    "file": field('{"$ref": "file:///etc/passwd"}', "/$ref", _OUT, '"#/$defs/NAME"'),
    "neighbour": field('{"$ref": "other.json#/$defs/x"}', "/$ref", _OUT, '"#/$defs/NAME"'),
    "whole": field('{"$ref": "#"}', "/$ref", _OUT, '"#/$defs/NAME"'),
    "elsewhere": field('{"$ref": "#/properties/name"}', "/$ref", _OUT, '"#/$defs/NAME"'),
    "number": field('{"$ref": 5}', "/$ref", "should be text", '"#/$defs/NAME"'),
    "null": Wrong(
        BASE % (',\n"f": {"$ref": "#/$defs/a"}', ',\n"$defs": {"a": null}'),
        6,
        "/properties/f/$ref",
        "not an object",
        "field",
    ),
    "none": field('{"$ref": "#/$defs/x"}', "/$ref", 'no "#/$defs/x" in this file', "Define it"),
    "near": Wrong(
        BASE % (',\n"f": {"$ref": "#/$defs/adress"}', ',\n"$defs": {"address": {"type": "string"}}'),
        6,
        "/properties/f/$ref",
        "no ",
        'Did you mean "address"?',
    ),
    "no object": Wrong(
        BASE % (',\n"f": {"$ref": "#/$defs/a"}', ',\n"$defs": {"a": ["string"]}'),
        6,
        "/properties/f/$ref",
        "not an object",
        "a field or a rule",
    ),
    "circle": Wrong(
        BASE
        % (',\n"f": {"$ref": "#/$defs/a"}', ',\n"$defs": {"a": {"$ref": "#/$defs/b"},\n"b": {"$ref": "#/$defs/a"}}'),
        9,
        "/$defs/b/$ref",
        "back to itself: a → b → a",
        "Write out one",
    ),
    "itself": Wrong(
        BASE % ("", ',\n"$defs": {"a": {"not": {"$ref": "#/$defs/a"}}},\n"not": {"$ref": "#/$defs/a"}'),
        7,
        "/$defs/a/not/$ref",
        "back to itself: a → a",
        "Write out one",
    ),
    "mistake in a definition": Wrong(
        BASE % (',\n"f": {"$ref": "#/$defs/a"}', ',\n"$defs": {"a": {"type": "strng"}}'),
        8,
        "/$defs/a/type",
        "not one of string",
        'Did you mean "string"?',
    ),
    "mistake beside": Wrong(
        BASE % (',\n"f": {"$ref": "#/$defs/a",\n"maxLength": 0}', ',\n"$defs": {"a": {"type": "string"}}'),
        7,
        "/properties/f/maxLength",
        "too small",
        "characters",
    ),
    "beside a wrong list": Wrong(
        BASE % (',\n"f": {"$ref": "#/$defs/a"}', ',\n"$defs": {"a": {"type": "string"}},\n"required": true'),
        9,
        "/required",
        "should be a list",
        "Fields that every record",
    ),
    "bomb": Wrong(
        BASE
        % (
            "",
            ',\n"not": {"$ref": "#/$defs/a0"}, "$defs": {'
            + ", ".join(
                f'"a{i}": {{"allOf": [{", ".join([f"""{{"$ref": "#/$defs/a{i + 1}"}}"""] * 9)}]}}' for i in range(9)
            )
            + ', "a9": {"required": ["name"]}}',
        ),
        7,
        "/$defs/a7/allOf/1/$ref",
        "unfold to more than",
        "Refer to less",
    ),
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
        BASE % (f',\n"f": {_RELATION % "xs"},\n"g": {_RELATION % "xs"}', ""),
        7,
        "/properties/g/x-relation/inverse",
        'the inverse "xs" of thing.f already',
        "another inverse",
    ),
    "column of relation": Wrong(
        BASE % (f',\n"f": {_RELATION % "xs"},\n"f_id": {{"type": "string"}}', ""),
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
        BASE % (f',\n"f": {_RELATION % "xs"}', ',\n"x-display": "f"'), 8, "/x-display", "is a relation", "holds a value"
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
