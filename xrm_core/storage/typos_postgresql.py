"""PostgreSQL's function that counts typos, in the schema that has the tables.

``fuzzystrmatch`` has Levenshtein's distance, where a swap is two steps. So what is up to twice as many steps away is
looked at once more: as the word with a swap, and one more typo, a letter missing between those that are swapped, or one
more swap.

It says where the functions live that it calls, so that it does the same whatever the search_path is.
"""

from sqlalchemy import Connection

from xrm_core.storage.extensions import extension

FUNCTION, _NEAR = "xrm_typos", "xrm_near_typos"
FUNCTIONS = (FUNCTION, _NEAR)
"""The one that is called, and the one that it calls for the few words that are near: it is quick itself."""

_SWAPPED = "overlay({0} PLACING reverse(substr({0}, {1}, 2)) FROM {1} FOR 2)"
_BODY = f"""
DECLARE
    size constant integer := length(word);
    steps constant integer := {{schema}}.levenshtein_less_equal(word, other, 2 * most);
BEGIN
    IF steps <= 1 THEN
        RETURN steps;
    ELSIF steps = 2 AND size = length(other) AND EXISTS (
        SELECT FROM generate_series(1, size - 1) AS i WHERE {_SWAPPED.format("word", "i")} = other
    ) THEN
        RETURN 1;
    ELSIF most < 2 THEN
        RETURN NULL;
    ELSIF steps = 2 OR EXISTS (
        SELECT FROM generate_series(1, size - 1) AS i,
            LATERAL (SELECT {_SWAPPED.format("word", "i")} AS swapped) AS one
        WHERE {{schema}}.levenshtein_less_equal(swapped, other, 1) <= 1
            OR left(word, i - 1) || substr(word, i + 2, 1) || substr(word, i, 1) || substr(word, i + 3) = other
            OR (size = length(other) AND EXISTS (
                SELECT FROM generate_series(i + 2, size - 1) AS j WHERE {_SWAPPED.format("swapped", "j")} = other
            ))
    ) THEN
        RETURN 2;
    END IF;
    RETURN NULL;
END
"""


def create_typos(connection: Connection) -> None:
    """Make the functions, or make them anew. ``xrm_typos(word, other, most)`` counts the typos between two words.

    It answers NULL if there are more than ``most``, which is 1 or 2. Words have at most 255 letters.

    Raises:
        ExtensionMissing: there is no fuzzystrmatch, and it cannot be made.
    """
    schema = extension(connection, "fuzzystrmatch")
    connection.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION {_NEAR}(word text, other text, most integer) RETURNS integer "
        f"LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $xrm${_BODY.format(schema=schema)}$xrm$"
    )
    connection.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION {FUNCTION}(word text, other text, most integer) RETURNS integer "
        f"LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE WHEN {schema}.levenshtein_less_equal(word, other, 2 * most) "
        f"<= 2 * most THEN {_NEAR}(word, other, most) END"
    )
