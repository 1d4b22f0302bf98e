"""Wrong fields of entity files."""

from tests.metadata.wrong_file import RELATION, field

_NAME = "Small letters"

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
    "inverse form": field(RELATION % "Xs", "/x-relation/inverse", "right form", _NAME),
    "inverse is field": field(RELATION % "name", "/x-relation/inverse", 'a field "name" already', "another inverse"),
    "inverse is system": field(RELATION % "created_at", "/x-relation/inverse", 'a field "created_at"', "another"),
    "inverse camel": field(RELATION % "name_", "/x-relation/inverse", 'a field "name"', "another inverse"),
    "inverse reserved": field(RELATION % "and", "/x-relation/inverse", "filters use this word", "Choose another"),
    "polymorphic one": field(
        '{"x-relation": {"to": ["thing"], "inverse": "xs"}}', "/x-relation/to", "too short", "single"
    ),
    "polymorphic same": field(
        '{"x-relation": {"to": ["thing", "thing"], "inverse": "xs"}}', "/x-relation/to/1", "twice", "Keep one"
    ),
}
