"""Wrong rules and references of entity files."""

from tests.metadata.wrong_file import BASE, Wrong, field, top

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
