"""Each hook keeps its contract (``xrm_core/hookspecs.py``): what it is given, may do, and what an exception does."""

import io
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from xrm_core.api import (
    Action,
    Channel,
    Command,
    DataStore,
    DemoData,
    FileScan,
    HealthCheck,
    Keyword,
    MessageKind,
    Needs,
    On,
    QueryField,
    Refuse,
    Route,
    TextFormat,
    Texts,
    hookimpl,
)
from xrm_core.contributions.command import commands_of
from xrm_core.contributions.data_store import stores_of
from xrm_core.contributions.health import HealthChecks
from xrm_core.contributions.routes import routes_of
from xrm_core.errors import PluginLoadError, RefusedByPlugin
from xrm_core.jobs.registry import JobHandler, Schedule, registry
from xrm_core.jobs.replaying import Replay, replays_of
from xrm_core.messages import registered_messages
from xrm_core.metadata.custom_types import CustomFieldType, custom_types_of
from xrm_core.metadata.keywords import Keywords, formats_of
from xrm_core.permissions.plugin_roles import brought
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.records.hooks import RecordHooks, registered
from xrm_core.translation import speaking


def plugins(**hooks: Any) -> Plugins:
    """One plugin, named sample, with these functions as hooks."""
    marked = SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()})
    return Plugins([InstalledPlugin("sample", _Hashable(marked), "sample-dist", "0.3")])


CORE = JobHandler("tidy", lambda _job, _payload: None)


class _Hashable:
    """pluggy wants plugins to be hashable; a SimpleNamespace is not."""

    def __init__(self, hooks: SimpleNamespace) -> None:
        self.__dict__.update(vars(hooks))


def several(**functions: Any) -> Plugins:
    """Plugins by name, each with a before_record_create."""
    return Plugins(
        [
            InstalledPlugin(name, _Hashable(SimpleNamespace(before_record_create=hookimpl(function))))
            for name, function in functions.items()
        ]
    )


async def _coroutine() -> None:
    """What an async function in disguise returns."""


def test_hook_register_needs():
    @hookimpl
    def register_needs():
        return Needs(plugins={"later": ">=0.3"})

    @hookimpl
    def register_schemas():
        return []

    first = _Hashable(SimpleNamespace(register_needs=register_needs, register_schemas=register_schemas))
    later = _Hashable(SimpleNamespace(register_schemas=register_schemas))
    found = Plugins([InstalledPlugin("first", first), InstalledPlugin("later", later, "later-dist", "0.4")])

    assert [(info.order, info.name) for info in found.infos] == [(1, "later"), (2, "first")]
    assert [hook.plugin_name for hook in found._hooks["register_schemas"]] == ["later", "first"]
    for wrong in (lambda: 1 / 0, lambda: {"core": ">=0"}):
        with pytest.raises(PluginLoadError, match=r"The plugin sample of sample-dist 0\.3 .*register_needs"):
            plugins(register_needs=wrong)


def test_hook_register_settings():
    @dataclass
    class Settings:
        city: str = "Ulm"

    assert plugins(register_settings=lambda: Settings).settings_of("sample") == Settings("Ulm")
    for wrong in (Settings, lambda: dict, lambda: 1 / 0):
        with pytest.raises(PluginLoadError, match=r"The plugin sample of sample-dist 0\.3 .*register_settings"):
            plugins(register_settings=lambda given=wrong: given())


def test_hook_register_schemas(tmp_path: Path):
    asked = plugins(register_schemas=lambda: [tmp_path])

    assert asked.schema_folders() == [(tmp_path, "sample")]


@pytest.mark.parametrize(
    ("function", "cause"),
    [
        (lambda: 1 / 0, "register_schemas raised ZeroDivisionError: division by zero"),
        (lambda: "schemas", "must return a list of pathlib.Path"),
        (lambda: ["schemas"], "must return a list of pathlib.Path"),
        (lambda: [Path("no/such/folder")], "its schema folder no/such/folder does not exist"),
    ],
)
def test_register_schemas_that_fails_names_the_plugin(function: Any, cause: str):
    asked = plugins(register_schemas=function)

    with pytest.raises(PluginLoadError, match=f"The plugin sample of sample-dist 0.3 cannot be loaded: .*{cause}"):
        asked.schema_folders()


def test_hook_register_keywords():
    keywords = Keywords(plugins(register_keywords=lambda: [Keyword("x-sample", {"type": "string"})]))

    assert keywords.knows("x-sample", ())
    assert not keywords.knows("x-sample-more", ())
    assert keywords.knows("x-other-more", ("x-other",))
    assert [mistake[1] for mistake in keywords.mistakes("x-sample", 5, "field")] == ["5 is not of type 'string'."]


PO = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "Not {name}."
msgstr "{name} nicht."

msgid "is odd: {what}"
msgstr "ist ungerade: {was}"

msgid "{number} of {kind}"
msgid_plural "{number} of {kind}s"
msgstr[0] "Eins von {kind}"
msgstr[1] "{number} von {kind}en"
"""


def test_hook_register_translations(tmp_path: Path):
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "sample.po").write_text(PO)
    texts = Texts(tmp_path)

    def refuse():
        problems = {"size": "is odd: {what}", "name": {"en": "is {name}", "de": "heißt {name}"}, "city": "{unknown"}
        raise Refuse("Not {name}.", problems=problems, values={"name": "Acme", "what": 3})

    asked = RecordHooks(plugins(register_translations=lambda: [texts], before_record_create=refuse))
    for language, said in (
        ("de", ["Acme nicht.", "is odd: 3", "heißt Acme", "{unknown"]),
        ("en", ["Not Acme.", "is odd: 3", "is Acme", "{unknown"]),
        (None, ["Not Acme.", "is odd: 3", "is Acme", "{unknown"]),
    ):
        with speaking(language), pytest.raises(RefusedByPlugin) as refused:
            asked.before_create("customer", {})
        problems = [each["message"] for each in refused.value.details["problems"]]
        assert [refused.value.message, *problems] == said

    with speaking("de-CH"):
        numbers = [texts.say_n("{number} of {kind}", "{number} of {kind}s", number, kind="Kind") for number in (1, 2)]
    assert numbers == ["Eins von Kind", "2 von Kinden"]
    assert texts.has("Not {name}.")
    assert not texts.has("Never.")
    [mistake] = texts.mistakes()
    assert mistake.endswith("sample.po:9: the text 'is odd: {what}' has other names in braces.")


def test_texts_that_cannot_be_used_name_the_plugin(tmp_path: Path):
    for folder, cause in ((tmp_path, "has no catalogue such as de/sample.po"), (Path("nowhere"), "does not exist")):
        with pytest.raises(PluginLoadError, match=rf"The plugin sample of sample-dist 0\.3 .*{cause}"):
            plugins(register_translations=lambda folder=folder: [Texts(folder)])
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "sample.po").write_bytes(b'msgid "Never."\nmsgstr "N\xfe"\n')
    texts = Texts(tmp_path)
    with pytest.raises(PluginLoadError, match="a plugin has one folder"):
        plugins(register_translations=lambda: [texts, texts])
    with capture_logs() as logs, speaking("de"):
        assert texts.say("Never.") == "Never."
    assert [log["event"] for log in logs] == ["catalogue_unreadable"]
    assert len(texts.mistakes()) == 1


def test_hook_register_text_formats():
    found = TextFormat("sample-code", lambda _text: None)

    assert formats_of(plugins(register_text_formats=lambda: [found])) == {"sample-code": ("sample", found)}


def test_hook_register_workflows(tmp_path: Path):
    assert plugins(register_workflows=lambda: [tmp_path]).folders("register_workflows") == [("sample", tmp_path)]
    with pytest.raises(PluginLoadError, match="register_workflows must return a list of"):
        plugins(register_workflows=lambda: [str(tmp_path)]).folders("register_workflows")


def test_hook_register_field_types():
    found = CustomFieldType("sample-code", {"type": "string"})

    assert custom_types_of(plugins(register_field_types=lambda: [found])) == {"sample-code": ("sample", found)}


@pytest.mark.parametrize(
    ("formats", "cause"),
    [
        ([TextFormat("code", print)], "the format 'code' must be called 'sample', or begin with that and a «-»"),
        ([TextFormat("sample", print)] * 2, "the format 'sample' is one of the plugin sample of sample-dist 0.3, too"),
        ([TextFormat("sample", "check")], "has a function that is none"),
        ([TextFormat("sample", print, "upper")], "has a function that is none"),
        ([TextFormat("sample", print, max_length=0)], "has a greatest length that is none: 1 to 100000"),
        (["sample"], "register_text_formats must return a list of TextFormat"),
    ],
)
def test_formats_that_cannot_be_used_name_the_plugin(formats: Any, cause: str):
    with pytest.raises(PluginLoadError, match=cause):
        formats_of(plugins(register_text_formats=lambda: formats))


def test_hook_register_roles(tmp_path: Path):
    (tmp_path / "roles.json").write_text('{"roles": {"driver": {}}}')

    [found] = brought(plugins(register_roles=lambda: [tmp_path]))

    assert (found.plugin, found.names) == ("sample", ["driver"])
    for text, cause in (("{", "roles.json is not valid JSON"), ('{"roles": []}', "must be an object with «roles»")):
        (tmp_path / "roles.json").write_text(text)
        with pytest.raises(PluginLoadError, match=rf"The plugin sample of sample-dist 0\.3 .*{cause}"):
            brought(plugins(register_roles=lambda: [tmp_path]))
    (tmp_path / "roles.json").unlink()
    for folder, cause in ((tmp_path, "has neither roles.json nor policies.csv"), (Path("nowhere"), "does not exist")):
        with pytest.raises(PluginLoadError, match=cause):
            brought(plugins(register_roles=lambda folder=folder: [folder]))


def test_hook_register_demo():
    data = DemoData(lambda _demo: [("customer", [])])

    assert plugins(register_demo=lambda: [data]).registered("register_demo", DemoData) == [("sample", data)]
    with pytest.raises(PluginLoadError, match="register_demo must return a list of DemoData"):
        plugins(register_demo=lambda: [lambda _demo: ()]).registered("register_demo", DemoData)


def test_hook_register_actions():
    action = Action("sample.count", lambda _context: None)

    assert plugins(register_actions=lambda: [action]).registered("register_actions", Action) == [("sample", action)]
    for wrong in (lambda: action, lambda: ["sample.count"], lambda: 1 / 0):
        with pytest.raises(PluginLoadError, match=r"The plugin sample of sample-dist 0\.3 .*register_actions"):
            plugins(register_actions=wrong).registered("register_actions", Action)


def test_hook_register_query_fields():
    field = QueryField("sample.number", lambda _context: 7, answers=int)

    asked = plugins(register_query_fields=lambda: [field])
    assert asked.registered("register_query_fields", QueryField) == [("sample", field)]
    for wrong in (lambda: field, lambda: ["sample.number"], lambda: 1 / 0):
        with pytest.raises(PluginLoadError, match=r"The plugin sample of sample-dist 0\.3 .*register_query_fields"):
            plugins(register_query_fields=wrong).registered("register_query_fields", QueryField)


def test_hook_register_record_hooks():
    hooks = [On("customer", "update", fields=("city",), before=lambda _change: None)]

    assert registered(plugins(register_record_hooks=lambda: hooks)) == [("sample", hooks[0])]


@pytest.mark.parametrize(
    ("hooks", "cause"),
    [
        (lambda: 1 / 0, "register_record_hooks raised ZeroDivisionError"),
        (lambda: On("customer", "update"), "register_record_hooks must return a list of On"),
        (lambda: [On("customer", "update")], "the hook on 'customer' has nothing to call"),
        (lambda: [On("customer", "upsert", after=print)], "names operations that are none; there are create, update"),
        (lambda: [On("customer", (), after=print)], "names operations that are none"),
        (lambda: [On(7, "update", before=print)], "names no entity"),
        (lambda: [On(bool, "update", fields=("city",), before=print)], "the hook on several entities names fields"),
        (lambda: [On(bool, "update", after=print)], "or is told after a write: of one entity alone"),
        (lambda: [On("customer", "update", fields="city", after=print)], "has fields that are no list of names"),
        (lambda: [On("customer", "update", fields=[7], after=print)], "has fields that are no list of names"),
        (lambda: [On("customer", "update", before="check")], "has no function to call before a write"),
        (lambda: [On("customer", "update", after=_coroutine)], "is async after a write"),
        (lambda: [On(None, "update", after=print)], "names no entity"),
    ],
)
def test_record_hooks_that_cannot_be_used_name_the_plugin(hooks: Any, cause: str):
    asked = plugins(register_record_hooks=hooks)

    with pytest.raises(PluginLoadError, match=f"The plugin sample of sample-dist 0.3 cannot be loaded: .*{cause}"):
        registered(asked)


def test_hook_register_routes():
    route = Route("/state", lambda _context: {"state": "well"})

    [found] = routes_of(plugins(register_routes=lambda: [route]))
    assert (found.path, found.route) == ("/plugins/sample/state", route)
    for wrong in (lambda: route, lambda: ["/state"], lambda: 1 / 0):
        with pytest.raises(PluginLoadError, match=r"The plugin sample of sample-dist 0\.3 .*register_routes"):
            routes_of(plugins(register_routes=wrong))


def test_hook_register_health():
    check = HealthCheck("sample.service", lambda _context: None)

    assert HealthChecks(plugins(register_health=lambda: [check])).found == {"sample.service": check}
    wrong = (
        lambda: check,
        lambda: 1 / 0,
        lambda: [check, check],
        lambda: [HealthCheck("other.service", print)],
        lambda: [HealthCheck("sample.service", print, seconds=6)],
    )
    for each in wrong:
        with pytest.raises(PluginLoadError, match=r"The plugin sample of sample-dist 0\.3 .*health"):
            HealthChecks(plugins(register_health=each))


def test_hook_register_commands():
    command = Command("work", lambda _context: None, "Work.")

    assert commands_of(plugins(register_commands=lambda: [command])) == {"sample": [command]}
    wrong = (
        lambda: command,
        lambda: 1 / 0,
        lambda: [command, command],
        lambda: [Command("Work", print, "x")],
        lambda: [Command("work", print, "")],
    )
    for each in wrong:
        with pytest.raises(PluginLoadError, match=r"The plugin sample of sample-dist 0\.3 .*command"):
            commands_of(plugins(register_commands=each))
    taken = InstalledPlugin("schema", _Hashable(SimpleNamespace(register_commands=hookimpl(lambda: [command]))))
    with pytest.raises(PluginLoadError, match=r"below «xrm schema», which is the platform's"):
        commands_of(Plugins([taken]))


def store(**given: Any) -> DataStore:
    """One that has nothing."""
    nothing = dict.fromkeys(("discover", "export"), lambda _context, _about: [])
    nothing |= dict.fromkeys(("restrict", "lift", "erase", "verify"), lambda _context, _about: 0)
    return DataStore(**{"name": "sample.index", **nothing, **given})


def test_hook_register_data_stores():
    found = stores_of(plugins(register_data_stores=lambda: [store(labels={"en": "Index"})]))

    assert [(name, each.plugin) for name, each in found.items()] == [("sample.index", "sample")]


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        (
            [store(verify=None)],
            "has no verify, so nobody could prove that an erasure has reached it: give it a function",
        ),
        ([store(export="no function")], "has no export, so an answer to a person would not be whole"),
        ([store(name="other.index")], "must have a name that begins with 'sample' and a dot"),
        ([store(), store()], "is registered twice"),
        ([store(seconds=61)], "has seconds that are none: more than 0, and 60 at most"),
        ([store(annotations={"dsgvo": {}})], "has the annotation 'dsgvo': words of plugins begin with «x-»"),
        ([store(labels="Index")], "has labels or annotations that are no mapping"),
    ],
)
def test_a_store_that_cannot_be_used_names_the_plugin(given: list[DataStore], cause: str):
    with pytest.raises(PluginLoadError, match=rf"The plugin sample of sample-dist 0\.3 .*the store '.*' {cause}"):
        stores_of(plugins(register_data_stores=lambda: given))


def test_hook_register_message_kinds():
    kind = MessageKind("sample.news", lambda _context: None, print, "service")

    assert registered_messages(plugins(register_message_kinds=lambda: [kind])).kinds == {"sample.news": kind}
    wrong = (
        lambda: kind,
        lambda: 1 / 0,
        lambda: [kind, kind],
        lambda: [MessageKind("other.news", print, print, "service")],
        lambda: [MessageKind("sample.news", print, print, "")],
        lambda: [MessageKind("sample.news", print, print, "service", attempts=0)],
    )
    for each in wrong:
        with pytest.raises(PluginLoadError, match=r"The plugin sample of sample-dist 0\.3 .*(kind|message)"):
            registered_messages(plugins(register_message_kinds=each))


def test_hook_register_channels():
    channel = Channel("sample.sms", print)

    assert registered_messages(plugins(register_channels=lambda: [channel])).channels == {"sample.sms": channel}
    wrong = (lambda: channel, lambda: 1 / 0, lambda: [channel, channel], lambda: [Channel("mail", print)])
    for each in wrong:
        with pytest.raises(PluginLoadError, match=r"The plugin sample of sample-dist 0\.3 .*channel"):
            registered_messages(plugins(register_channels=each))


def test_hook_before_message_send():
    asked = plugins(before_message_send=lambda message, context: (message, context))
    [hook] = asked.hooks("before_message_send")

    # What it may answer and what follows from it: tests/messages.
    assert asked.answer(hook, {"message": 1, "context": 2}) == (1, 2)


def test_hook_after_message_end():
    told: list[Any] = []
    asked = plugins(after_message_end=lambda message, outcome, context: told.append((message, outcome, context)))
    [hook] = asked.hooks("after_message_end")

    # When it is told, and what becomes of a failure: tests/messages.
    asked.tell(hook, {"message": 1, "outcome": 2, "context": 3})

    assert told == [(1, 2, 3)]


def test_hook_before_data_leaves():
    asked = plugins(before_data_leaves=lambda connector, context: (connector, context))
    [hook] = asked.hooks("before_data_leaves")

    # What it may answer and what follows from it: tests/events/test_webhook_gates.py.
    assert asked.answer(hook, {"connector": 1, "context": 2}) == (1, 2)


def test_hook_register_jobs():
    handler = JobHandler("sample.work", lambda _job, _payload: None)

    asked = registry(plugins(register_jobs=lambda: [handler]), "UTC", [CORE])

    assert asked.handlers == {"tidy": CORE, "sample.work": handler}
    assert asked.attempts == {"tidy": 5, "sample.work": 5}


def test_hook_register_replays():
    replay = Replay("sample.erase", lambda _context, _content: None)

    # What it is asked for: tests/dsgvo/test_replay.py.
    assert replays_of(plugins(register_replays=lambda: [replay])) == {"sample.erase": replay}
    for wrong in ([Replay("other.erase", replay.run)], [replay, replay], [Replay("sample.erase", None)]):  # type: ignore[arg-type]
        with pytest.raises(PluginLoadError, match=r"the replay '\w+.erase' must have a name of its own"):
            replays_of(plugins(register_replays=lambda wrong=wrong: wrong))


def test_hook_register_schedules():
    schedules = [
        Schedule("sample.daily", "tidy", "0 2 * * *"),
        Schedule("sample.far", "tidy", "0 3 * * *", "Asia/Tokyo"),
    ]

    asked = registry(plugins(register_schedules=lambda: schedules), "Europe/Berlin", [CORE])

    assert {name: each.zone for name, each in asked.schedules.items()} == {
        "sample.daily": "Europe/Berlin",
        "sample.far": "Asia/Tokyo",
    }


def _handler(name: Any = "sample.work", run: Any = print, **more: Any) -> list[JobHandler]:
    return [JobHandler(name, run, **more)]


def _schedule(name: Any = "sample.daily", job: str = "tidy", cron: str = "0 2 * * *", **more: Any) -> list[Schedule]:
    return [Schedule(name, job, cron, **more)]


@pytest.mark.parametrize(
    ("hook", "answer", "cause"),
    [
        ("register_jobs", lambda: 1 / 0, "register_jobs raised ZeroDivisionError: division by zero"),
        ("register_jobs", lambda: None, "register_jobs must return a list of JobHandler"),
        ("register_jobs", lambda: ["work"], "register_jobs must return a list of JobHandler"),
        (
            "register_jobs",
            lambda: _handler("work"),
            "the job 'work' must have a name that begins with 'sample' and a dot",
        ),
        ("register_jobs", lambda: _handler("other.work"), "must have a name that begins with 'sample'"),
        ("register_jobs", lambda: _handler("sample.Work"), "has a name that is none"),
        ("register_jobs", lambda: _handler(7), "has a name that is none"),
        ("register_jobs", lambda: _handler() * 2, "is registered twice"),
        ("register_jobs", lambda: _handler(run="print"), "has no function to run"),
        ("register_jobs", lambda: _handler(attempts=0), "has no attempt"),
        ("register_schedules", lambda: _schedule("tidy"), "the schedule 'tidy' must have a name that begins with"),
        ("register_schedules", lambda: _schedule() * 2, "is registered twice"),
        (
            "register_schedules",
            lambda: _schedule(job="sample.none"),
            "is for the job 'sample.none', which nobody registers",
        ),
        (
            "register_schedules",
            lambda: _schedule(cron="0 0 31 2 *"),
            "has no time: '0 0 31 2 \\*' is no cron expression",
        ),
        ("register_schedules", lambda: _schedule(zone="Mars"), "has no time: 'Mars' is no name of a time zone"),
        ("register_schedules", lambda: _schedule(payload={"at": Path()}), "has a payload that cannot be kept"),
    ],
)
def test_jobs_and_schedules_that_cannot_be_used_name_the_plugin(hook: str, answer: Any, cause: str):
    asked = plugins(**{hook: answer})

    with pytest.raises(PluginLoadError, match=f"The plugin sample of sample-dist 0.3 cannot be loaded: .*{cause}"):
        registry(asked, "UTC", [CORE])


def test_hook_before_record_create():
    seen = []

    def before_record_create(entity, record):
        seen.append((entity, dict(record)))
        return {"name": "Changed", "added": None}

    given = {"name": "Acme", "size": 3}

    result = RecordHooks(plugins(before_record_create=before_record_create)).before_create("customer", given)

    assert seen == [("customer", {"name": "Acme", "size": 3})]
    assert result == {"name": "Changed", "size": 3, "added": None}
    assert given == {"name": "Acme", "size": 3}


def test_hook_before_record_update():
    seen = []

    def before_record_update(before, changes):
        seen.append((before["name"], dict(changes)))
        return {"name": changes["name"].upper()}

    result = RecordHooks(plugins(before_record_update=before_record_update)).before_update(
        "customer", {"name": "Acme", "version": 4}, {"name": "Beta"}
    )

    assert seen == [("Acme", {"name": "Beta"})]
    assert result == {"name": "BETA"}


def test_hook_before_record_delete():
    def before_record_delete(entity, before):
        if before["locked"]:
            raise Refuse("It is locked.")

    asked = plugins(before_record_delete=before_record_delete)

    RecordHooks(asked).before_delete("customer", {"locked": False})
    with pytest.raises(RefusedByPlugin, match=r"^It is locked\.$"):
        RecordHooks(asked).before_delete("customer", {"locked": True})


def test_hook_before_record_restore():
    def before_record_restore(entity, record):
        if record["locked"]:
            raise Refuse("It is locked.")

    asked = plugins(before_record_restore=before_record_restore)

    RecordHooks(asked).before_restore("customer", {"locked": False})
    with pytest.raises(RefusedByPlugin, match=r"^It is locked\.$"):
        RecordHooks(asked).before_restore("customer", {"locked": True})


def test_hook_scan_file():
    def scan_file(file, content):
        if content.read() == b"malware":
            raise Refuse({"en": "It has malware.", "de": "Sie hat Schadsoftware."})
        return FileScan.PENDING if file["size"] > 100 else None

    asked = plugins(scan_file=scan_file)

    assert asked.scan_files
    assert not plugins().scan_files
    assert asked.scan_file({"size": 1}, lambda: io.BytesIO(b"x")) is FileScan.CLEAN
    assert asked.scan_file({"size": 101}, lambda: io.BytesIO(b"x")) is FileScan.PENDING
    with pytest.raises(RefusedByPlugin, match=r"^It has malware\.$"):
        asked.scan_file({"size": 1}, lambda: io.BytesIO(b"malware"))


def test_refuse_becomes_an_error_with_the_plugin_and_the_field():
    def before_record_create():
        raise Refuse("Not this one.", field="name")

    with pytest.raises(RefusedByPlugin) as caught:
        RecordHooks(plugins(before_record_create=before_record_create)).before_create("customer", {})

    assert caught.value.to_json() == {
        "code": "REFUSED_BY_PLUGIN",
        "message": "Not this one.",
        "details": {"plugin": "sample", "entity": "customer", "field": "name"},
    }


@pytest.mark.parametrize(
    "function",
    [lambda: {}["secret value"], lambda: ["name"], lambda: {1: 2}, lambda: "name"],
    ids=["raises", "returns a list", "returns wrong keys", "returns text"],
)
def test_a_failing_hook_refuses_without_telling_the_caller_why(function: Any):
    asked = plugins(before_record_create=lambda: function())

    with capture_logs() as logs, pytest.raises(RefusedByPlugin) as caught:
        RecordHooks(asked).before_create("customer", {})

    assert caught.value.to_json() == {
        "code": "REFUSED_BY_PLUGIN",
        "message": "The plugin sample failed when it was asked about this customer; nothing was written.",
        "hint": "The server's log has the cause.",
        "details": {"plugin": "sample", "entity": "customer"},
    }
    assert [(log["event"], log["plugin"], log["log_level"]) for log in logs] == [
        ("plugin_hook_failed", "sample", "error")
    ]
    assert isinstance(logs[0]["exc_info"], Exception)


def test_a_hook_that_returns_a_coroutine_refuses():
    asked = plugins(before_record_create=lambda: _coroutine())

    with pytest.raises(RefusedByPlugin):
        RecordHooks(asked).before_create("customer", {})


def test_plugins_are_asked_in_order_and_see_what_the_earlier_changed():
    asked = several(
        a=lambda record: {"trail": record["trail"] + "a"},
        b=lambda record: None,
        c=lambda record: {"trail": record["trail"] + "c"},
    )

    assert RecordHooks(asked).before_create("customer", {"trail": ""}) == {"trail": "ac"}


def test_the_refusing_plugin_is_named_and_later_ones_are_not_asked():
    asked_later = []

    def refuse():
        raise Refuse("No.")

    asked = several(a=lambda: None, b=refuse, c=lambda record: asked_later.append(record))

    with pytest.raises(RefusedByPlugin) as caught:
        RecordHooks(asked).before_create("customer", {})

    assert caught.value.details["plugin"] == "b"
    assert asked_later == []


def test_hooks_cannot_change_what_they_are_given():
    def before_record_update(before, changes):
        changes["regarding"]["customer"] = "other"
        changes["added"] = 1

    before = {"regarding": {"customer": "1"}}
    changes = {"regarding": {"customer": "2"}}

    assert RecordHooks(plugins(before_record_update=before_record_update)).before_update(
        "activity", before, changes
    ) == {"regarding": {"customer": "2"}}
    assert changes == {"regarding": {"customer": "2"}}


@pytest.mark.parametrize("hook", ["before_record_update", "before_record_delete"])
def test_the_record_before_is_read_only_all_the_way_down(hook: str):
    failures = []

    def attempt(before):
        for target in (before, before["regarding"]):
            try:
                target["customer"] = "other"
            except TypeError as error:
                failures.append(error)

    asked = plugins(**{hook: attempt})
    before = {"regarding": {"customer": "1"}}

    if hook == "before_record_update":
        RecordHooks(asked).before_update("activity", before, {})
    else:
        RecordHooks(asked).before_delete("activity", before)

    assert len(failures) == 2
    assert before == {"regarding": {"customer": "1"}}


def test_without_plugins_nothing_is_changed_or_asked():
    record = {"name": "Acme"}

    assert RecordHooks(Plugins()).before_create("customer", record) is record
    assert RecordHooks(Plugins()).before_update("customer", record, record) is record
    assert Plugins().schema_folders() == []
