"""Imports as a whole: what is written, what is reported, and that nothing is ever half-written."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.importing.conftest import Importer
from xrm_core.api import Refuse, hookimpl
from xrm_core.errors import ImportFailed
from xrm_core.plugins import InstalledPlugin
from xrm_core.records.importing import ImportResult, RowProblem, write_report


def brief(result: ImportResult) -> list[tuple[int, str, str, str]]:
    """Line, column, value and code of each problem."""
    return [(each.line, each.column, each.value, each.code) for each in result.problems]


def test_all_types_of_fields_are_stored(importer: Importer):
    result = importer(
        "firm",
        "name;number;rank;revenue;active;founded_on;seen_at\n"
        " Acme ;1.234;GOLD;1.100,04;ja;20.10.1999;2026-11-22T10:00:00+01:00\n"
        "Beta;;;;;;\n",
        decimal_comma=True,
        date_format="%d.%m.%Y",
    )

    acme, beta = importer.records("firm")
    assert (result.ok, result.read, result.written) == (True, 2, 2)
    assert (acme["name"], acme["number"], acme["rank"], acme["revenue"]) == ("Acme", 1234, "gold", Decimal("1100.04"))
    assert (acme["active"], acme["founded_on"]) == (True, "1999-10-20")
    assert acme["seen_at"] == "2026-11-22T09:00:00+00:00"
    assert (beta["number"], beta["rank"], beta["revenue"], beta["active"]) == (None, "silver", None, None)
    assert (beta["version"], beta["created_by"]) == (1, None)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(beta["created_at"])).total_seconds()) < 60


def test_relations_are_resolved_by_unique_fields(importer: Importer):
    importer("firm", "name,number\nAcme,7\n")
    importer("person", "last_name,email,badge\nMeyer,m@example.org,42\n")

    result = importer(
        "note",
        "text,firm,who,about firm,about person\na,Acme,42,Acme,\nb,,,,m@example.org\nc,,,,\n",
        ("who=author.badge", "about firm=regarding.firm", "about person=regarding.person.email"),
    )

    [firm], [person] = importer.column("firm", "id"), importer.column("person", "id")
    assert result.ok
    assert importer.column("note", "firm") == [firm, None, None]
    assert importer.column("note", "author") == [person, None, None]
    assert importer.column("note", "regarding") == [{"firm": firm}, {"person": person}, None]


def test_what_relations_name_wrongly_is_reported(importer: Importer):
    importer("firm", "name\nAcme\n")
    importer("person", "last_name,email\nMeyer,m@example.org\n")

    result = importer(
        "note",
        "text,firm,who,about firm,about person\n"
        "a,Nobody,,,\n"
        "b,,many,,\n"
        f"c,,{'9' * 30},,\n"
        "d,,,Acme,m@example.org\n"
        "e,A\0cme,,,\n",
        ("who=author.badge", "about firm=regarding.firm", "about person=regarding.person.email"),
    )

    assert brief(result) == [
        (2, "firm", "Nobody", "relation"),
        (3, "who", "many", "number"),
        (4, "who", "9" * 30, "integer"),
        (5, "about person", "m@example.org", "relation"),
        (6, "firm", "A\0cme", "nul"),
    ]
    assert importer.records("note") == []


def test_one_bad_row_keeps_the_whole_file_out_and_all_problems_are_listed(importer: Importer):
    result = importer(
        "firm",
        "name,number,rank,revenue\n"
        "Good,1,gold,1.5\n"
        ",2,gold,1\n"
        "Far too long a name for this,3,iron,1.234\n"
        "Few,4\n"
        "Large,99999999999,gold,\n"
        "Minus,-1,gold,\n"
        "Good too,6,,\n",
    )

    assert brief(result) == [
        (3, "name", "", "required"),
        (4, "name", "Far too long a name for this", "maxLength"),
        (4, "rank", "iron", "enum"),
        (4, "revenue", "1.234", "digits"),
        (5, "", "", "columns"),
        (6, "number", "99999999999", "maximum"),
        (7, "number", "-1", "minimum"),
    ]
    assert (result.read, result.written) == (7, 0)
    assert importer.records("firm") == []


def test_the_good_rows_are_written_if_asked_for(importer: Importer):
    result = importer("firm", "name,number\nGood,1\nBad,x\nFine,3\n", skip_bad_rows=True)

    assert brief(result) == [(3, "number", "x", "number")]
    assert (result.read, result.written) == (3, 2)
    assert importer.column("firm", "name") == ["Good", "Fine"]


def test_values_that_must_be_unique_are_looked_for_in_file_and_database(importer: Importer):
    importer("firm", "name,number,country,register\nOld,1,DE,HRB 1\nOther,,AT,\n")

    result = importer(
        "firm",
        "name,number,country,register\n"
        "Old,2,DE,HRB 2\n"
        "New,3,DE,HRB 1\n"
        "Newer,3,AT,\n"
        "Newest,,AT,\n"
        "Fresh,5,CH,1\n"
        "Fresher,6,CH,1\n",
        skip_bad_rows=True,
    )

    assert brief(result) == [
        (2, "name", "Old", "unique"),
        (3, "country", "DE", "unique"),
        (4, "number", "3", "unique"),
        (7, "country", "CH", "unique"),
    ]
    assert result.problems[0].message == "The name must be unique, and a firm in the database has the same."
    assert result.problems[2].message == "The number must be unique, and line 3 has the same."
    assert importer.column("firm", "name") == ["Old", "Other", "Newest", "Fresh"]


def test_importing_a_file_twice_changes_nothing(importer: Importer):
    importer("firm", "name\nAcme\nBeta\n")

    result = importer("firm", "name\nAcme\nBeta\n")

    assert [each.code for each in result.problems] == ["unique", "unique"]
    assert importer.column("firm", "name") == ["Acme", "Beta"]


def test_rows_may_refer_to_rows_further_down_and_to_records_in_the_database(importer: Importer):
    importer("firm", "name,number\nHolding,1\n")

    result = importer(
        "firm",
        'name,number,parent\nGrandchild,4,Child\nChild,3,Parent\nParent,"2,000",Holding\nBy number,5,2000\n',
        replacements=("parent:2000=Parent",),
    )

    names = {record["id"]: record["name"] for record in importer.records("firm")}
    assert result.ok
    assert {record["name"]: names.get(record["parent"]) for record in importer.records("firm")} == {
        "Holding": None,
        "Grandchild": "Child",
        "Child": "Parent",
        "Parent": "Holding",
        "By number": "Parent",
    }


def test_rows_refer_to_each_other_by_any_unique_field_however_it_is_written(sqlite_importer: Importer):
    result = sqlite_importer("firm", 'name,number,in\nChild,2,"1,000"\nParent,1000,\n', ("in=parent.number",))

    child, parent = sqlite_importer.records("firm")
    assert result.ok
    assert child["parent"] == parent["id"]


def test_circles_are_reported_and_so_are_rows_that_wait_for_bad_ones(importer: Importer):
    result = importer(
        "firm",
        "name,number,parent\n"
        "A,1,B\n"
        "B,2,A\n"
        "C,3,B\n"
        "Self,4,Self\n"
        "Bad,x,\n"
        "Under bad,6,Bad\n"
        "Under that,7,Under bad\n"
        "Lost,8,Nowhere\n"
        "Good,9,\n",
        skip_bad_rows=True,
    )

    assert [(each.line, each.column, each.code) for each in result.problems] == [
        (2, "", "circle"),
        (3, "", "circle"),
        (4, "", "circle"),
        (5, "", "circle"),
        (6, "number", "number"),
        (7, "", "relation"),
        (8, "", "relation"),
        (9, "parent", "relation"),
    ]
    assert result.problems[0].message == "The rows refer to each other in a circle: lines 2 → 3 → 2."
    assert result.problems[2].message == "The rows refer to each other in a circle: lines 4 → 3 → 2 → 3."
    assert result.problems[5].message == "It refers to line 6, which cannot be imported."
    assert importer.column("firm", "name") == ["Good"]


def refusing(word: str) -> InstalledPlugin:
    plugin = ModuleType("refusing")

    @hookimpl
    def before_record_create(entity: str, record: dict[str, Any]) -> dict[str, Any] | None:
        if word in record["name"]:
            raise Refuse(f"{record['name']} is not wanted.", field="name")
        return {"register": "checked"}

    plugin.before_record_create = before_record_create  # type: ignore[attr-defined]
    return InstalledPlugin("gate", plugin)


@pytest.mark.parametrize("skip", [False, True])
def test_a_plugin_that_refuses_a_row_is_named_in_the_report(importer: Importer, skip: bool):
    importer.plugins.append(refusing("Test"))

    result = importer("firm", "name,parent\nAcme,\nTest,\nTest two,\nUnder,Test\nBeta,Acme\n", skip_bad_rows=skip)

    assert brief(result) == [
        (3, "name", "Test", "refused_by_plugin"),
        (4, "name", "Test two", "refused_by_plugin"),
        (5, "", "", "relation"),
    ]
    assert result.problems[0].message == "Test is not wanted. (plugin gate)"
    assert importer.column("firm", "name") == (["Acme", "Beta"] if skip else [])
    assert set(importer.column("firm", "register")) <= {"checked"}


def test_a_failure_of_the_door_halfway_leaves_nothing(importer: Importer, monkeypatch: pytest.MonkeyPatch):
    from xrm_core.records import door
    from xrm_core.records.importing import importer as module

    monkeypatch.setattr(module, "BATCH", 2)
    create_many, calls = door.Records.create_many, []

    def fails_the_third_time(self: door.Records, *arguments: Any) -> list[str]:
        calls.append(arguments)
        if len(calls) == 3:
            raise ConnectionError("gone")
        return create_many(self, *arguments)

    monkeypatch.setattr(door.Records, "create_many", fails_the_third_time)

    with pytest.raises(ConnectionError):
        importer("firm", "name\n" + "".join(f"Firm {n}\n" for n in range(10)), skip_bad_rows=True)

    assert importer.records("firm") == []


def test_a_file_that_breaks_off_is_refused_before_anything_is_written(importer: Importer):
    with pytest.raises(ImportFailed, match="line 4: a quotation is never closed"):
        importer("firm", 'name\nAcme\nBeta\n"Gam', skip_bad_rows=True)

    assert importer.records("firm") == []


def test_batches_report_progress_and_statements_do_not_grow_with_rows(
    sqlite_importer: Importer, monkeypatch: pytest.MonkeyPatch
):
    from sqlalchemy import event

    statements: list[str] = []
    event.listen(
        sqlite_importer.database.engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: statements.append(statement),
    )
    sqlite_importer("person", "last_name,badge\nMeyer,1\nMüller,2\n")
    progress: list[tuple[int, int]] = []
    counts = []
    for rows in (10, 900):
        statements.clear()
        text = "text,author\n" + "".join(f"note {n},{n % 2 + 1}\n" for n in range(rows))
        sqlite_importer("note", text, ("author=author.badge",), progress=lambda *step: progress.append(step))
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 10
    assert progress == [(10, 10), (900, 900)]


def test_an_empty_table_is_no_error(sqlite_importer: Importer):
    assert sqlite_importer("firm", "name\n") == ImportResult(read=0, written=0, problems=())


def test_an_unknown_entity_names_those_that_there_are(sqlite_importer: Importer):
    with pytest.raises(ImportFailed, match=r"There is no entity 'firms'\. Entities are: firm, note, person\."):
        sqlite_importer("firms", "name\nA\n")


def test_the_report_is_a_csv_file_that_a_spreadsheet_does_not_run(tmp_path: Path):
    path = tmp_path / "report.csv"

    write_report(
        path,
        [
            RowProblem(3, "name", '=HYPERLINK("x")', "unique", "The name, it must be unique."),
            RowProblem(4, "", "", "columns", "Grüße"),
        ],
    )

    assert path.read_text(encoding="utf-8").splitlines() == [
        "line,column,value,code,message",
        '3,name,"\'=HYPERLINK(""x"")",unique,"The name, it must be unique."',
        "4,,,columns,Grüße",
    ]


def test_by_a_key_what_is_there_is_changed_and_the_rest_is_new(importer: Importer):
    importer("firm", "name,number,revenue,parent\nAcme,1,10.50,\nBeta,2,,Acme\n")
    acme, beta = importer.column("firm", "id")

    result = importer(
        "firm",
        "number,name,revenue,parent\n2,Beta,7,Gamma\n1,Acme AG,,\n3,Gamma,,Acme AG\n1,Twice,,\n,No key,,\n",
        upsert_by=("number",),
        skip_bad_rows=True,
    )

    assert (result.read, result.written, result.there) == (5, 3, 2)
    assert brief(result) == [(5, "number", "1", "unique"), (6, "number", "", "required")]
    firms = {each["number"]: each for each in importer.records("firm")}
    assert (firms[1]["id"], firms[1]["name"], firms[1]["revenue"]) == (acme, "Acme AG", Decimal("10.50"))
    assert (firms[2]["id"], firms[2]["revenue"], firms[2]["parent"]) == (beta, Decimal("7.00"), firms[3]["id"])
    assert firms[3]["parent"] == acme
    versions = [firms[number]["version"] for number in (1, 2, 3)]
    again = importer("firm", "number,name\n2,Beta\n3,Gamma\n", upsert_by=("number",))
    assert (again.ok, again.written, again.there) == (True, 2, 2)
    assert [each["version"] for each in sorted(importer.records("firm"), key=lambda each: each["number"])] == versions


def test_by_a_key_each_problem_has_its_row_and_one_keeps_all_out(importer: Importer):
    importer("firm", "name,number,country,register\nAcme,1,DE,a\nBeta,2,DE,b\n")
    before = importer.records("firm")

    text = "country,register,name,number\nDE,a,,-1\nDE,b,Acme,2\nDE,c,,3\nDE,d,Delta,4\n"
    result = importer("firm", text, upsert_by=("country", "register"))

    assert (result.written, result.there) == (0, 0)
    assert brief(result) == [
        (2, "number", "-1", "minimum"),
        (3, "name", "Acme", "unique"),
        (4, "name", "", "required"),
    ]
    assert importer.records("firm") == before
    for key, words in (("name,number", "has no key"), ("rank", "has no key"), ("id", "has no key")):
        with pytest.raises(ImportFailed, match=words):
            importer("firm", "name\nAcme\n", upsert_by=tuple(key.split(",")))
    with pytest.raises(ImportFailed, match="No column fills number"):
        importer("firm", "name\nAcme\n", upsert_by=("number",))
