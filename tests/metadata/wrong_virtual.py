"""Wrong computed fields and roll-ups: what stands in them, and what the loader has to say about it."""

import json

from tests.metadata.wrong_file import BASE, FIELD_LINE, TOP_LINE, Wrong, field

_NEAR = (
    ',\n"n": {"type": "integer"}, "d": {"type": "string", "format": "date"}, "b": {"type": "boolean"},'
    ' "m": {"type": "string", "format": "date-time"}, "k": {"type": "string", "x-type": "long_text"},'
    ' "p": {"type": "number", "x-type": "decimal", "x-scale": 9},'
    ' "v": {"type": "object", "x-type": "money", "x-currencies": ["EUR", "CHF"]},'
    ' "e": {"type": "object", "x-type": "money"},'
    ' "up": {"x-relation": {"to": "thing", "inverse": "downs"}},\n"f": %s'
)
_LINE = FIELD_LINE + 1


def computed(expression: str, reason: str, remedy: str, type_: str = '"type": "integer"') -> Wrong:
    """A file whose last field is computed in a wrong way."""
    text = f'{{{type_}, "x-computed": {json.dumps(expression)}}}'
    return Wrong(BASE % (_NEAR % text, ""), _LINE, "/properties/f/x-computed", reason, remedy)


def rolled(words: str, pointer: str, reason: str, remedy: str, more: str = "") -> Wrong:
    """A file whose last field is rolled up in a wrong way."""
    text = f'{{{more}"x-rollup": {{{words}}}}}'
    return Wrong(BASE % (_NEAR % text, ""), _LINE, f"/properties/f{pointer}", reason, remedy)


def mention(top: str, pointer: str) -> Wrong:
    """A file that names a computed field where it may not."""
    text = BASE % (',\n"f": {"type": "integer", "x-computed": "1"}', f",\n{top}")
    return Wrong(text, TOP_LINE + 1, pointer, "nothing of it is stored", "Remove it")


_COUNT = '"relation": "downs", "function": "count"'
_KNOWN = "Allowed are field names"

EXPRESSIONS = {
    "no sql": computed("name ||", "not an SQL expression", "Check brackets"),
    "open bracket": computed("(n", "not an SQL expression", "Check brackets"),
    "list of references": computed(
        "id IN (created_by)", "References cannot be compared", "IS NULL", '"type": "boolean"'
    ),
    "references in NULLIF": computed(
        "NULLIF(id, created_by) IS NULL", "References cannot be compared", "IS NULL", '"type": "boolean"'
    ),
    "empty call": computed("CEIL()", "too few values", _KNOWN),
    "what the parser stumbles over": computed("FROM @x ? n", "not an SQL expression", "Check brackets"),
    "money in several currencies": computed("v * 2", '"v" has a type that cannot', "another field"),
    "open text": computed("'a", "not an SQL expression", "Check brackets"),
    "blank": computed(" ", "not one single expression", "without SELECT"),
    "two": computed("n, n", "not one single expression", "without SELECT"),
    "two statements": computed("n; DROP TABLE thing", "not one single expression", "without SELECT"),
    "from": computed("n FROM thing", "not one single expression", "without SELECT"),
    "union": computed("n UNION SELECT n", "not one single expression", "without SELECT"),
    "into": computed("n INTO other", "not one single expression", "without SELECT"),
    "distinct": computed("DISTINCT n", "not one single expression", "without SELECT"),
    "star": computed("*", "STAR cannot be used", _KNOWN),
    "sub-query": computed("(SELECT 1)", "SUBQUERY cannot be used", _KNOWN),
    "query in IN": computed("n IN (SELECT 1)", "IN cannot be used", _KNOWN, '"type": "boolean"'),
    "empty IN": computed("n IN ()", "list of IN is empty", "IN ('a', 'b')", '"type": "boolean"'),
    "NULL in IN": computed("n IN (1, NULL)", "NULL stands in the list", "IS NULL", '"type": "boolean"'),
    "unknown function": computed("pg_sleep(9)", "pg_sleep cannot be used", _KNOWN),
    "aggregate": computed("SUM(n)", "SUM cannot be used", _KNOWN),
    "window": computed("SUM(n) OVER ()", "WINDOW cannot be used", _KNOWN),
    "like": computed("name LIKE 'a'", "LIKE cannot be used", _KNOWN, '"type": "boolean"'),
    "power": computed("n ^ 2", "POW cannot be used", _KNOWN),
    "cast": computed("name::integer", "not cast", "DATE(…)"),
    "parameter": computed("$1", "PARAMETER cannot be used", _KNOWN),
    "placeholder": computed(":n", "PLACEHOLDER cannot be used", _KNOWN),
    "distinct inside": computed("LENGTH(DISTINCT name)", "DISTINCT cannot be used", _KNOWN),
    "trim of more": computed("LENGTH(TRIM(LEADING 'x' FROM name))", "TRIM cannot be used", _KNOWN),
    "alias": computed("n AS x", "ALIAS cannot be used", _KNOWN),
    "zone": computed("m AT TIME ZONE 'UTC'", "ATTIMEZONE cannot be used", _KNOWN),
    "interval": computed("d + INTERVAL '1 day'", "INTERVAL cannot be used", _KNOWN),
    "no field": computed("nam", 'no field "nam"', 'Did you mean "name"? '),
    "field of a table": computed("thing.n", "thing.n is not a field", "without a point"),
    "big letters in quotes": computed('"N"', 'no field "N"', "Name a field"),
    "relation": computed("up IS NULL", '"up" has a type that cannot', "another field", '"type": "boolean"'),
    "itself": computed("f + 1", "made of itself: thing.f → thing.f", "out of another"),
    "another type": computed("name", "gives a text, the field is a number", "Change one"),
    "nothing": computed("NULL", "gives a nothing", "Change one"),
    "number and text": computed("n + name", "+ is given a text", "It needs a number"),
    "minus a text": computed("-name", "- is given a text", "It needs a number"),
    "compare two types": computed("n = name", "given a number and a text", "of one type", '"type": "boolean"'),
    "equal to NULL": computed("n = NULL", "Nothing is ever = NULL", "IS NULL", '"type": "boolean"'),
    "is true": computed("b IS TRUE", "b IS TRUE cannot be used", "NULL or NOT NULL", '"type": "boolean"'),
    "order of booleans": computed("b < b", "< cannot be used on booleans", "AND", '"type": "boolean"'),
    "ids are not compared": computed("id = id", "References cannot be compared", "IS NULL", '"type": "boolean"'),
    "and of a number": computed("n AND b", "AND is given a number", "It needs a boolean", '"type": "boolean"'),
    "not of a number": computed("NOT n", "NOT is given a number", "It needs a boolean", '"type": "boolean"'),
    "when of a number": computed("CASE WHEN n THEN 1 END", "WHEN is given a number", "It needs a boolean"),
    "results of two types": computed("CASE WHEN b THEN 1 ELSE 'x' END", "a number and a text", "of one type"),
    "one value": computed("COALESCE(n)", "COALESCE needs two", "another"),
    "least of booleans": computed("LEAST(b, b)", "LEAST cannot be used on a boolean", "no order", '"type": "boolean"'),
    "digits by a field": computed("ROUND(p, n)", "ROUND is told its digits", "ROUND(…, 2)"),
    "exponent": computed("1e5", "number 1e5 cannot", "18 digits"),
    "long number": computed("1234567890123456789", "cannot be used", "18 digits"),
    "too many digits": computed("p * p", "18 digits after the point; 12", "ROUND(…, digits)"),
    "substr from nowhere": computed("LENGTH(SUBSTR(name))", "not told where to start", "start, length"),
    "substr by a fraction": computed("LENGTH(SUBSTR(name, 1.5))", "digits after the point", "FLOOR"),
    "too long a text": computed("REPLACE(k, 'a', k)", "10000000000 characters", "SUBSTR", '"type": "string"'),
    "date and fraction": computed("d + 1.5", "added to a date", "FLOOR", '"type": "string", "format": "date"'),
    "dates added": computed("d + d", "+ is given a date and a date", "date + days"),
    "moment and days": computed("m + 1", "date and time", "DATE(…)", '"type": "string", "format": "date"'),
    "no date": computed("d = '2026-02-30'", "'2026-02-30' is not a date", "2026-11-22", '"type": "boolean"'),
    "moment without zone": computed("m > '2026-02-03T10:00'", "is not a date and time", "Z", '"type": "boolean"'),
    "text as a date": computed("d = name", "A text is used as a date", "literal", '"type": "boolean"'),
    "year of a number": computed("YEAR(n)", "YEAR is given a number", "It needs a date"),
    "hour": computed("EXTRACT(HOUR FROM m)", "HOUR cannot be extracted", "YEAR"),
    "join booleans": computed("name || b", "|| is given a boolean", "texts, numbers", '"type": "string"'),
    "nested": computed("ABS(" * 20 + "n" + ")" * 20, "nested more than 12", "Split"),
    "nested without end": computed("(" * 900 + "n" + ")" * 900, "not an SQL expression", "brackets"),
    "many parts": computed("n" + " + n" * 400, "more than 300 parts", "Split"),
}

FORMS = {
    "empty": field('{"type": "integer", "x-computed": ""}', "/x-computed", "too short", "SQL expression"),
    "too long": field(
        f'{{"type": "integer", "x-computed": "{"1 + " * 600}"}}', "/x-computed", "too long", "SQL expression"
    ),
    "no text": field('{"type": "integer", "x-computed": 5}', "/x-computed", "text in double quotes", "SQL expression"),
    "no type": field('{"x-computed": "1"}', "", '"type" is missing', "string"),
    "default": field('{"type": "integer", "x-computed": "1", "default": 1}', "/default", "does not belong", "Remove"),
    "unique": field('{"type": "integer", "x-computed": "1", "x-unique": true}', "/x-unique", "not belong", "Remove"),
    "index": field('{"type": "integer", "x-computed": "1", "x-index": true}', "/x-index", "not belong", "Remove"),
    "minimum": field('{"type": "integer", "x-computed": "1", "minimum": 1}', "/minimum", "not belong", "Remove"),
    "pattern": field('{"type": "string", "x-computed": "\'a\'", "pattern": "a"}', "/pattern", "not belong", "Remove"),
    "both": field(
        '{"type": "integer", "x-computed": "1", "x-rollup": {"relation": "a", "function": "count"}}',
        "/x-rollup",
        "not belong",
        "Remove",
    ),
    "float": field('{"type": "number", "x-computed": "1"}', "", '"x-type" is missing', "decimal"),
    "scale of text": field(
        '{"type": "string", "x-scale": 2, "x-computed": "\'a\'"}', "/x-scale", "does not go", "number"
    ),
    "format of a number": field(
        '{"type": "integer", "format": "date", "x-computed": "1"}', "/format", "does not go", "string"
    ),
    "decimal text": field(
        '{"type": "string", "x-type": "decimal", "x-computed": "\'a\'"}', "/x-type", "does not go", "Remove"
    ),
    "scale over precision": field(
        '{"type": "number", "x-type": "decimal", "x-precision": 2, "x-scale": 3, "x-computed": "1"}',
        "/x-scale",
        "more than x-precision",
        "all digits",
    ),
    "required": mention('"required": ["f"]', "/required/0"),
    "indexed": mention('"x-indexes": [["name", "f"]]', "/x-indexes/0/1"),
    "unique together": mention('"x-unique": [["f", "name"]]', "/x-unique/0/0"),
}

ROLLUPS = {
    "no relation": rolled('"function": "count"', "/x-rollup", '"relation" is missing', "Add"),
    "no function": rolled('"relation": "downs"', "/x-rollup", '"function" is missing', "Add"),
    "unknown word": rolled(f'{_COUNT}, "filter": 1', "/x-rollup/filter", 'Unknown keyword "filter"', "Allowed here"),
    "function": rolled('"relation": "downs", "function": "median"', "/x-rollup/function", "not one of", "count"),
    "no list": rolled('"relation": "down", "function": "count"', "/x-rollup/relation", "no list", '"downs"'),
    "to-one": rolled('"relation": "up", "function": "count"', "/x-rollup/relation", "not a list", "Name a list"),
    "count of a field": rolled(f'{_COUNT}, "field": "n"', "/x-rollup/field", "count counts records", "where"),
    "sum of nothing": rolled('"relation": "downs", "function": "sum"', "/x-rollup", "sum of what?", "Name a field"),
    "no field": rolled('"relation": "downs", "function": "sum", "field": "m1"', "/x-rollup/field", "no field", "one"),
    "sum of text": rolled(
        '"relation": "downs", "function": "sum", "field": "name"', "/x-rollup/field", "no sum of thing.name", "numbers"
    ),
    "greatest boolean": rolled(
        '"relation": "downs", "function": "max", "field": "b"', "/x-rollup/field", "no max of thing.b", "order"
    ),
    "last relation": rolled(
        '"relation": "downs", "function": "last", "field": "up"', "/x-rollup/field", "no last of thing.up", "value"
    ),
    "money in several currencies": rolled(
        '"relation": "downs", "function": "sum", "field": "v"', "/x-rollup/field", "may be in EUR, CHF", '"eq": "EUR"'
    ),
    "last money": rolled(
        '"relation": "downs", "function": "last", "field": "e"',
        "/x-rollup/field",
        "no last of thing.e (money)",
        "value",
    ),
    "order of a count": rolled(f'{_COUNT}, "order_by": "n"', "/x-rollup/order_by", "count has no order", "Remove"),
    "order by nothing": rolled(
        '"relation": "downs", "function": "last", "field": "n", "order_by": "nn"',
        "/x-rollup/order_by",
        "no field",
        "creation",
    ),
    "order by a boolean": rolled(
        '"relation": "downs", "function": "last", "field": "n", "order_by": "b"',
        "/x-rollup/order_by",
        "has no order",
        "Name a text",
    ),
    "empty filter": rolled(f'{_COUNT}, "where": {{}}', "/x-rollup/where", "At least 1", "Only the related"),
    "filter of nothing": rolled(f'{_COUNT}, "where": {{"x": {{"eq": 1}}}}', "/x-rollup/where", "no field", "Mend"),
    "filter by another type": rolled(
        f'{_COUNT}, "where": {{"n": {{"eq": "a"}}}}', "/x-rollup/where", "not a value of n", "Mend"
    ),
    "another type": rolled(_COUNT, "/x-rollup", "gives the type integer", "leave", '"type": "string", '),
    "another scale": rolled(
        '"relation": "downs", "function": "max", "field": "p"',
        "/x-rollup",
        "decimal with x-scale 9",
        "leave",
        '"type": "number", "x-type": "decimal", ',
    ),
    "itself": rolled(
        '"relation": "downs", "function": "max", "field": "f"', "/x-rollup", "made of itself: thing.f → thing.f", "out"
    ),
    "itself in the filter": rolled(
        f'{_COUNT}, "where": {{"f": {{"gt": 0}}}}', "/x-rollup/where", "made of itself: thing.f → thing.f", "out"
    ),
    "unique": rolled(_COUNT, "/x-unique", "does not belong", "Remove", '"x-unique": true, '),
}

ALL = {
    f"{group}: {name}": wrong
    for group, cases in {"computed": EXPRESSIONS, "form": FORMS, "roll-up": ROLLUPS}.items()
    for name, wrong in cases.items()
}
