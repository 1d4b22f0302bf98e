"""``xrm plugins check`` finds what is wrong with a plugin, all at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.conftest import EXTERNAL_PLUGIN, MakeDistribution, make_distribution
from xrm_core.errors import SettingsError
from xrm_core.server.plugin_check import Report, check_plugin
from xrm_core.server.plugin_check.findings import CHECKS
from xrm_core.settings import load_settings

__all__ = ["make_distribution"]

README = "# xrm-sample\n\n## Privacy\n\nIt keeps no personal data, and sends nothing to anybody at all.\n"
GOOD = """
from xrm_core.api import Needs, hookimpl

@hookimpl
def register_needs():
    return Needs(core=">=0.1")
"""


@pytest.fixture
def check(tmp_path: Path, pytestconfig: pytest.Config) -> Any:
    """A function that checks a plugin with this code and these files."""

    def checked(source: str, readme: str = README, depends: str = '"xrm-platform"', **files: str) -> Report:
        folder = tmp_path / "sample"
        folder.mkdir()
        (folder / "pyproject.toml").write_text(
            f'[project]\nname = "xrm-sample"\nversion = "0.1"\ndependencies = [{depends}]\n'
            '[project.entry-points."xrm.plugins"]\nsample = "xrm_sample"\n'
        )
        (folder / "README.md").write_text(readme)
        (folder / "xrm_sample").mkdir()
        (folder / "xrm_sample" / "__init__.py").write_text(source)
        (folder / "tests").mkdir()
        (folder / "tests" / "test_sample.py").write_text(files.pop("tests", "from xrm_core.testing import Xrm\n"))
        for name, content in files.items():
            (folder / "xrm_sample" / f"{name}.json").write_text(content)
        return check_plugin(load_settings(schemas="core"), str(folder))

    return checked


def told(report: Report) -> list[tuple[str, str, str]]:
    """Check, level and message of each finding."""
    return [(each.check, each.level, each.message) for each in report.findings]


def test_the_external_plugin_has_no_errors():
    report = check_plugin(load_settings(schemas="core"), str(EXTERNAL_PLUGIN))

    assert [each for each in report.findings if each.level == "error"] == []
    assert (report.plugin, report.distribution, report.version) == ("fleet", "xrm-fleet", "1.2.0")


def test_a_plugin_without_mistakes_is_all_right(check: Any):
    report = check(GOOD)

    assert told(report) == []
    assert report.to_text() == "sample (xrm-sample 0.1): all right."


@pytest.mark.parametrize(
    ("source", "finding"),
    [
        ("import nothing_there", ("load", "error", "No module named 'nothing_there'")),
        (
            GOOD + "\n@hookimpl\ndef before_record_creates(entity): ...\n",
            ("hooks", "error", 'There is no hook before_record_creates. Did you mean "before_record_create"?'),
        ),
        (
            GOOD + "\n@hookimpl\ndef before_record_delete(entity, record): ...\n",
            ("hooks", "error", "before_record_delete has no argument record; it is before_record_delete("),
        ),
        (GOOD + "\ndef scan_file(file, content): ...\n", ("hooks", "error", "scan_file is named like a hook but not")),
        ("x = 1", ("hooks", "error", "It has no hook.")),
        (
            GOOD + "\nfrom xrm_core.records.door import Records\n",
            ("imports", "error", "It imports xrm_core.records.door."),
        ),
        (GOOD + "\nfrom xrm_core import errors\n", ("imports", "error", "It imports xrm_core.errors.")),
        (GOOD + "\nimport xrm_core.testing\n", ("imports", "error", "It imports xrm_core.testing.")),
        (GOOD.replace('core=">=0.1"', 'plugins={"pails": ""}'), ("needs", "error", "the plugin pails")),
        (GOOD.replace(">=0.1", ">=99"), ("needs", "error", "it needs the platform >=99")),
        (
            "from xrm_core.api import hookimpl\n@hookimpl\ndef scan_file(file): ...\n",
            ("needs", "warning", "It does not say"),
        ),
        (
            GOOD + "\nfrom xrm_core.api import JobHandler\n@hookimpl\ndef register_jobs():\n"
            "    return [JobHandler('other.job', print)]\n",
            ("contributions", "error", "must have a name that begins with 'sample'"),
        ),
        (
            GOOD + "\nfrom xrm_core.api import On\n@hookimpl\ndef register_record_hooks():\n"
            "    return [On('customer', 'update', fields=('mood',), before=print)]\n",
            ("contributions", "error", "names the field 'mood'"),
        ),
        (
            GOOD
            + "\nfrom xrm_core.api import Route\n@hookimpl\ndef register_routes():\n    return [Route('x', print)]\n",
            ("contributions", "error", "The plugin sample"),
        ),
        (
            GOOD + "\nfrom dataclasses import dataclass\n@dataclass\nclass Settings:\n    key: str\n"
            "@hookimpl\ndef register_settings():\n    return Settings\n",
            ("settings", "warning", "XRM_SAMPLE_KEY"),
        ),
        (
            GOOD + "\nfrom xrm_core.api import Refuse\n"
            "@hookimpl\ndef before_record_delete(entity):\n    raise Refuse('no')\n",
            ("languages", "warning", "A refusal is in one language."),
        ),
    ],
    ids=lambda value: value[1:6] if isinstance(value, str) else "-".join(value[:1]),
)
def test_a_mistake_in_the_code_is_found(check: Any, source: str, finding: tuple[str, str, str]):
    report = check(source)

    assert [each[:2] for each in told(report)] == [finding[:2]]
    assert finding[2] in report.findings[0].message


ENTITY = """
from pathlib import Path

@hookimpl
def register_schemas():
    return [Path(__file__).parent]
"""


def test_entity_files_are_checked_on_top_of_the_pack(check: Any):
    wrong = {"x-entity": "thing", "type": "object", "properties": {"of": {"x-relation": {"to": "custommer"}}}}

    report = check(GOOD + ENTITY, thing=json.dumps(wrong))

    assert {each.check for each in report.findings} == {"entity-files"}
    assert all("thing.json:1" in each.place for each in report.findings)
    assert any("inverse" in each.message for each in report.findings)


def test_labels_that_are_missing_in_a_language_are_told(check: Any):
    thing = {"x-entity": "thing", "type": "object", "x-labels": {"de": "Ding", "en": "Thing"}}
    thing["properties"] = {"name": {"type": "string", "x-labels": {"en": "Name"}}}

    report = check(GOOD + ENTITY, thing=json.dumps(thing))

    assert told(report) == [("languages", "warning", "thing.name has no label in de.")]


@pytest.mark.parametrize(
    "readme", ["# Sample\n", "# Sample\n\n## Privacy\n\nTODO\n\n## More\n\nMuch more of all of this.\n"]
)
def test_a_readme_without_privacy_is_an_error(check: Any, readme: str):
    assert told(check(GOOD, readme)) == [("privacy", "error", "The README has no section on privacy.")]


def test_what_else_is_missing_is_told(check: Any):
    report = check(GOOD, "", depends="")

    assert told(report) == [
        ("documentation", "error", "There is no README."),
        ("distribution", "warning", "It does not depend on xrm-platform."),
    ]


def test_the_report_is_for_programs_too(check: Any):
    found = check(GOOD, "").to_json()

    assert (found["plugin"], found["errors"], found["warnings"]) == ("sample", 1, 0)
    assert found["checks"] == list(CHECKS)
    assert found["findings"][0]["check"] == "documentation"
    json.dumps(found)


def test_an_installed_plugin_is_checked_by_its_name(make_distribution: MakeDistribution):
    make_distribution(GOOD)

    report = check_plugin(load_settings(schemas="core"), "sample")

    assert (report.distribution, report.version) == ("sample-dist", "0.3")
    with pytest.raises(SettingsError, match='Did you mean "sample"'):
        check_plugin(load_settings(schemas="core"), "sampel")
