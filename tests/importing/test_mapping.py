"""Which column fills which field; everything that is wrong with it at once."""

from typing import Any

import pytest

from xrm_core.errors import ImportFailed
from xrm_core.metadata.model import Model
from xrm_core.records.importing import ImportOptions, parse_mappings, parse_replacements
from xrm_core.records.importing.mapping import map_columns


def mapped(model: Model, entity: str, header: str, *mappings: str, **options: Any) -> dict[str, str]:
    """Column → field, with the key of relations behind it."""
    columns = map_columns(
        header.split(","), model[entity], model, ImportOptions(columns=parse_mappings(mappings), **options)
    )
    return {
        column.name: column.field.name + (f" by {column.key.entity}.{column.key.field.name}" if column.key else "")
        for column in columns
    }


def test_columns_are_mapped_by_option_or_by_their_name(model: Model):
    assert mapped(model, "firm", "Firm,number,Notes", "Firm=name", ignored=frozenset({"Notes"})) == {
        "Firm": "name",
        "number": "number",
    }


def test_relations_are_named_by_a_unique_field_of_the_target(model: Model):
    header = "text,firm,who,about,whom"

    assert mapped(model, "note", header, "who=author.badge", "about=regarding.firm", "whom=regarding.person.email") == {
        "text": "text",
        "firm": "firm by firm.name",
        "who": "author by person.badge",
        "about": "regarding by firm.name",
        "whom": "regarding by person.email",
    }


def test_a_relation_can_be_named_by_id(model: Model):
    assert mapped(model, "note", "text,firm", "firm=firm.id")["firm"] == "firm by firm.id"


def test_unmapped_columns_can_all_be_left_out(model: Model):
    assert mapped(model, "firm", "name,town,id", ignore_unmapped=True) == {"name": "name"}


@pytest.mark.parametrize(
    ("entity", "header", "mappings", "reason"),
    [
        ("firm", "name,town", (), "Column 'town' is not mapped."),
        ("firm", "name,town", ("town=city",), "firm has no field 'city'; it has name, number,"),
        ("firm", "name", ("nmae=name",), "--map names the column 'nmae', but the file has name."),
        ("firm", "a,b", ("a=name", "b=name"), "Columns 'a' and 'b' both fill name."),
        ("firm", "name,b", ("b=number.name",), "number is no relation"),
        ("firm", "number", (), "No column fills name, which every firm must have."),
        ("note", "text,author", (), "by which field of person it names author. Unique fields of person: email, badge,"),
        ("note", "text,a", ("a=author.last_name",), "'last_name' is no unique field of person."),
        ("note", "text,a", ("a=author.email.x",), "'email.x' is no field of person"),
        ("note", "text,a", ("a=regarding",), "map it to one of regarding.firm, regarding.person."),
        ("note", "text,a,b", ("a=regarding.firm", "b=regarding.firm.number"), "both fill regarding"),
        ("firm", "name,id", (), "Column 'id' is named like id, which the platform sets itself."),
        ("firm", "name,Version", (), "Column 'Version' is named like version,"),
        ("firm", "name,ｖｅｒｓｉｏｎ", (), "is named like version,"),
        ("firm", "name,Created At", (), "is named like created_at,"),
        ("firm", "name,a", ("a=version",), "Column 'a' cannot fill version, which the platform sets itself."),
        ("firm", "name,a", ("a=created_by.id",), "cannot fill created_by"),
    ],
)
def test_wrong_mappings(model: Model, entity: str, header: str, mappings: tuple[str, ...], reason: str):
    with pytest.raises(ImportFailed) as caught:
        mapped(model, entity, header, *mappings)

    assert reason in caught.value.message


def test_all_that_is_wrong_is_said_at_once(model: Model):
    with pytest.raises(ImportFailed) as caught:
        mapped(model, "firm", "name,town,id", "name=names", ignored=frozenset({"street"}))

    assert len(caught.value.details["problems"]) == 4


@pytest.mark.parametrize("word", ["name", "=name", "column=", ""])
def test_mappings_that_are_not_understood(word: str):
    with pytest.raises(ImportFailed, match="is not understood"):
        parse_mappings([word])


def test_mappings_may_have_equals_signs_in_the_column_and_not_two_targets():
    assert parse_mappings(["a=b=name", "a=b=name"]) == {"a=b": "name"}
    with pytest.raises(ImportFailed, match="'a' is mapped twice, to name and to number"):
        parse_mappings(["a=name", "a=number"])


def test_replacements():
    assert parse_replacements(["product:GTXPro=GTX Pro", "product:x=", "url:http://a=b"]) == {
        "product": {"GTXPro": "GTX Pro", "x": ""},
        "url": {"http://a": "b"},
    }
    for word in ["product", "product:GTXPro", ":a=b", "product:=b"]:
        with pytest.raises(ImportFailed, match="is not understood"):
            parse_replacements([word])
