"""PostgreSQL's own :func:`~xrm_core.storage.matching.match`: a function in the schema that has the tables.

It says where each function lives that it calls, so that it does the same whatever the search_path is.
"""

from sqlalchemy import Connection

from xrm_core.storage.extensions import extension
from xrm_core.storage.matching import (
    BEGINNING,
    DISPLAY,
    INSIDE,
    LEAST_FOR_ONE,
    LEAST_FOR_TWO,
    LEAST_OF_NUMBER,
    MOST_FOR_TYPOS,
    ONE_TYPO,
    OTHER,
    SEPARATORS,
    TEXT_SHARE,
    TWO_TYPOS,
    WHOLE_FIELD,
    WHOLE_WORD,
    WORDS_SHARE,
)
from xrm_core.storage.phone import LEAST_DIGITS

FUNCTION = "xrm_match"
_LETTERS = "eniratsldhuogcm bkfpwzvyjxq0123456789"
"""What stays as it is, and is most of a text: translate() looks through its table from the start for each letter."""

# A swap is two steps of Levenshtein's. So what is up to four steps away is looked at once more: as the word with a swap
# and one more typo, with a letter missing between two that are swapped, or with two swaps.
_BODY = """
DECLARE
    phrase constant text := searched[1];
    number constant text := searched[2];
    words constant text[] := searched[3:];
    _from constant text := {letters} || {separators};
    _to constant text := {letters} || repeat(' ', length({separators}));
    _joined text := array_to_string(texts, '  ');
    _padded text[] := array[]::text[];
    _levels integer[];
    _numbers integer[] := array[]::integer[];
    _found boolean[] := array_fill(false, array[cardinality(texts)]);
    _word text;
    _other text;
    _text text;
    _own text;
    _size integer;
    _most integer;
    _least integer;
    _steps integer;
    _level integer;
    _best integer;
    _points integer := 0;
    _is_number boolean := false;
    _share integer := 0;
BEGIN
    IF cardinality(words) = 0 THEN
        RETURN NULL;
    END IF;
    IF number <> '' THEN
        FOREACH _own IN ARRAY digits LOOP
            _level := CASE
                WHEN _own IS NULL OR _own = '' THEN 0
                WHEN _own = number
                    OR (length(number) >= {least_digits} AND right(_own, length(number)) = number)
                    OR (length(_own) >= {least_digits} AND right(number, length(_own)) = _own) THEN {whole_field}
                WHEN length(number) >= {least_of_number} AND strpos(_own, number) > 0 THEN {inside}
                ELSE 0 END;
            _numbers := _numbers || _level;
            _is_number := _is_number OR _level > 0;
        END LOOP;
    END IF;
    IF NOT _is_number THEN  -- most records end here
        FOREACH _word IN ARRAY words LOOP
            IF length(_word) NOT BETWEEN {least_for_one} AND {most_for_typos} AND strpos(_joined, _word) = 0 THEN
                RETURN NULL;
            END IF;
        END LOOP;
    END IF;
    FOREACH _text IN ARRAY texts LOOP
        _padded := _padded || coalesce(' ' || translate(_text, _from, _to) || ' ', '');
    END LOOP;
    FOREACH _word IN ARRAY words LOOP
        _levels := array[]::integer[];
        _size := length(_word);
        _best := 0;
        FOR _place IN 1..cardinality(texts) LOOP
            _text := _padded[_place];
            _level := CASE
                WHEN strpos(_text, _word) = 0 THEN 0
                WHEN strpos(_text, ' ' || _word || ' ') > 0 THEN
                    CASE WHEN btrim(_text, ' ') = _word THEN {whole_field} ELSE {whole_word} END
                WHEN strpos(_text, ' ' || _word) > 0 THEN {beginning}
                ELSE {inside} END;
            _levels := _levels || CASE WHEN _is_number THEN greatest(_level, _numbers[_place]) ELSE _level END;
            _best := greatest(_best, _levels[_place]);
        END LOOP;
        IF _best = 0 AND _size BETWEEN {least_for_one} AND {most_for_typos} THEN
            _most := CASE WHEN _size < {least_for_two} THEN 1 ELSE 2 END;
            FOR _place IN 1..cardinality(texts) LOOP
                _least := 3;
                FOREACH _other IN ARRAY string_to_array(_padded[_place], ' ') LOOP
                    IF abs(length(_other) - _size) <= _most THEN
                        _steps := {schema}.levenshtein_less_equal(_word, _other, 2 * _most);
                        IF _steps <= 1 THEN
                            _least := 1;
                        ELSIF _steps <= 2 * _most AND _least > 1 THEN
                            IF _steps = 2 AND length(_other) = _size AND EXISTS (
                                SELECT FROM generate_series(1, _size - 1) AS _i
                                WHERE overlay(_word PLACING reverse(substr(_word, _i, 2)) FROM _i FOR 2) = _other
                            ) THEN
                                _least := 1;
                            ELSIF _most = 2 AND _least > 2 AND (_steps = 2 OR EXISTS (
                                SELECT FROM generate_series(1, _size - 1) AS _i,
                                    LATERAL (SELECT overlay(
                                        _word PLACING reverse(substr(_word, _i, 2)) FROM _i FOR 2) AS swapped) AS _one
                                WHERE {schema}.levenshtein_less_equal(swapped, _other, 1) <= 1
                                    OR left(_word, _i - 1) || substr(_word, _i + 2, 1) || substr(_word, _i, 1)
                                        || substr(_word, _i + 3) = _other
                                    OR (length(_other) = _size AND EXISTS (
                                        SELECT FROM generate_series(_i + 2, _size - 1) AS _j
                                        WHERE overlay(swapped PLACING reverse(substr(swapped, _j, 2)) FROM _j FOR 2)
                                            = _other))
                            )) THEN
                                _least := 2;
                            END IF;
                        END IF;
                    END IF;
                END LOOP;
                _levels[_place] := CASE _least WHEN 1 THEN {one_typo} WHEN 2 THEN {two_typos} ELSE 0 END;
            END LOOP;
        END IF;
        _best := 0;
        FOR _place IN 1..cardinality(texts) LOOP
            IF _levels[_place] > 0 THEN
                _found[_place] := true;
                _best := greatest(
                    _best, _levels[_place] * CASE WHEN _place = display THEN {display} ELSE {other} END);
            END IF;
        END LOOP;
        IF _best = 0 THEN
            RETURN NULL;
        END IF;
        _points := _points + _best;
    END LOOP;
    IF {whole_field} = ANY (_numbers) THEN
        _share := {text_share};
    ELSE
        FOREACH _text IN ARRAY texts LOOP
            IF strpos(_text, phrase) > 0 THEN
                _share := greatest(_share, {text_share} * length(phrase) / length(_text));
            END IF;
        END LOOP;
    END IF;
    RETURN array[{words_share} * _points / ({whole_field} * {display} * cardinality(words)) + _share]
        || array(SELECT _place FROM generate_series(1, cardinality(texts)) AS _place WHERE _found[_place]);
END
"""


def create_match(connection: Connection) -> None:
    """Make the function, or make it anew, in the schema of the connection.

    Raises:
        ExtensionMissing: there is no fuzzystrmatch, and it cannot be made.
    """
    body = _BODY.format(
        schema=extension(connection, "fuzzystrmatch"),
        letters=f"'{_LETTERS}'",
        separators="'" + SEPARATORS.replace("'", "''") + "'",
        least_digits=LEAST_DIGITS,
        least_of_number=LEAST_OF_NUMBER,
        least_for_one=LEAST_FOR_ONE,
        least_for_two=LEAST_FOR_TWO,
        most_for_typos=MOST_FOR_TYPOS,
        whole_field=WHOLE_FIELD,
        whole_word=WHOLE_WORD,
        beginning=BEGINNING,
        inside=INSIDE,
        one_typo=ONE_TYPO,
        two_typos=TWO_TYPOS,
        display=DISPLAY,
        other=OTHER,
        words_share=WORDS_SHARE,
        text_share=TEXT_SHARE,
    )
    connection.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION {FUNCTION}("
        "searched text[], texts text[], digits text[], display integer) "
        f"RETURNS integer[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 5000 AS $xrm${body}$xrm$",
        execution_options={"no_parameters": True},  # a % is one
    )
