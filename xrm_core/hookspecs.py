"""Every hook that a plugin may implement, in the order in which they fire, with its contract.

Names follow one rule: ``register_<things>`` is asked once at the start; ``before_<noun>_<verb>`` runs inside the
transaction of a write and may change or refuse it; ``after_<noun>_<verb>`` is told of a write that is committed. Hooks
are ordinary functions, never ``async``. Each takes only the arguments that it names.

Plugins are called in the order of their entry-point names, but each after those that it needs. A plugin marks its
functions with ``hookimpl``, from :mod:`xrm_core.api`; ``docs/plugin_hooks.md`` is this file for readers outside.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import pluggy

if TYPE_CHECKING:
    from xrm_core.contributions.command import Command
    from xrm_core.contributions.data_store import DataStore
    from xrm_core.contributions.demo import DemoData
    from xrm_core.contributions.health import HealthCheck
    from xrm_core.contributions.route import Route
    from xrm_core.events.listeners import RecordEvent
    from xrm_core.graphql.query_fields import QueryField
    from xrm_core.jobs.registry import JobHandler, Schedule
    from xrm_core.jobs.replaying import Replay
    from xrm_core.messages import (
        Channel,
        Connector,
        ConnectorRefusal,
        LeavingContext,
        MessageAllowed,
        MessageContext,
        MessageKind,
        MessageOutcome,
        MessageRefusal,
        OutgoingMessage,
    )
    from xrm_core.metadata.custom_types import CustomFieldType
    from xrm_core.metadata.keywords import Keyword
    from xrm_core.metadata.text_formats import TextFormat
    from xrm_core.records.actions import Action
    from xrm_core.records.hooks import HookContext, On
    from xrm_core.translation import Texts

PROJECT = "xrm"
"""Project name of the pluggy markers."""

Record = dict[str, Any]
"""A record: field names of the entity file → JSON values; a to-one relation holds the id of its target."""


class FileScan(StrEnum):
    """What a plugin knows of the content of a file."""

    CLEAN = "clean"
    PENDING = "pending"
    QUARANTINE = "quarantine"


@dataclass(frozen=True)
class Needs:
    """What a plugin needs to work.

    Args:
        core: versions of the platform, as PEP 440 writes them: ``">=0.1,<0.2"``; empty: any.
        plugins: entry-point names of other plugins, each with the versions of its distribution; empty: any.
    """

    core: str = ""
    plugins: Mapping[str, str] = field(default_factory=dict)


Follow = Callable[["HookContext", str], object]
"""Something to do in the transaction of a write, with what it needs to write, too, and the id of the record."""


@dataclass(frozen=True, slots=True)
class Coming:
    """Whence records come that nobody writes one by one.

    Attributes:
        way: ``import``: out of a file; ``upsert``: by a key, as connectors write.
        service: whether a service writes them, by a token of its own.
        said: what whoever imports a file has said of it for plugins (``--say``): ``{"fleet.seller": "Autohaus Nord"}``.
    """

    way: Literal["import", "upsert"]
    service: bool = False
    said: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Write:
    """The write that a before-hook is asked about. ``actor`` is the id of who writes: a user, or a service's token.

    ``settings`` are those of the plugin. ``coming``: whence the record comes; None: somebody writes it, a workflow,
    or another plugin.
    """

    actor: str | None
    _follow: Callable[[Follow, object], None]
    _read: Callable[[str, str | None], Record | None]
    _find: Callable[[str, Mapping[str, Any], int], list[Record]]
    settings: Any = None
    coming: Coming | None = None

    def then(self, act: Follow, key: object = None) -> None:
        """Have something done once the record is written, in the same transaction: to write others, to enqueue a job.

        If the write fails after all, or is a dry run, it is taken back, or never called. A part of many records that
        has to be taken back is written again, and then it is called again.

        Args:
            act: given a ``HookContext``, with which it writes, and the id of the record. What it raises refuses the
                write.
            key: of the plugin, hashable: of records that are written together, what has the same key is done once, at
                the end, with the id of the last of them; ``ids`` of the context has all. For what is reckoned of many,
                such as a sum, or written for each of them in one statement.
        """
        self._follow(act, key)

    def read(self, entity: str, id_: str | None) -> Record | None:
        """A record as it is stored now, whoever may see it; None: there is none. Computed fields are not in it."""
        return self._read(entity, id_)

    def find(self, entity: str, where: Mapping[str, Any], limit: int = 100) -> list[Record]:
        """Records for which a filter holds, in the words of entity files, whoever may see them; the oldest first."""
        return self._find(entity, where, limit)


hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


# ---------------------------------------------------------------------------------------------------------------------
# Start: once per process, before the schema files are read
# ---------------------------------------------------------------------------------------------------------------------


@hookspec
def register_needs() -> Needs:
    """Say which versions of the platform the plugin works with, and which other plugins it needs.

    Called once per start, after all plugins were imported. A plugin without it needs nothing.

    Returns:
        ``Needs``. The plugin is called after those that it needs, in every hook; its entity files may refer to theirs.

    What is not there, or there in another version, or switched off, or needs this one in turn, stops the start with
    ``PLUGIN_LOAD_FAILED``, which names both. So do an exception and another kind of value.

    Example::

        @hookimpl
        def register_needs():
            return Needs(core=">=0.1,<0.2", plugins={"sales": ">=1.0"})
    """
    raise NotImplementedError  # specifications are never called


@hookspec
def register_settings() -> type:
    """Name the settings of the plugin.

    Called once per start of a server and of each command that loads plugins, after ``register_needs``.

    Returns:
        A dataclass. Each field is read from a variable of the environment: ``api_key`` of the plugin ``fleet`` from
        ``XRM_FLEET_API_KEY``. One without a default must be set. Fields are ``str``, ``Secret``, ``int``, ``float``,
        ``Decimal``, ``bool``, ``date``, ``Path``, an ``Enum``, a ``Literal`` of texts, a ``tuple[…, ...]`` of one of
        these (parted by commas), or one of these ``| None``. What ``__post_init__`` finds wrong is a ``ValueError``.

    What is read is ``settings`` of every context that the plugin's functions are given, and of :class:`Write`. Values
    that cannot be used stop the start with ``SETTINGS_INVALID``, which names all of all plugins; those of secrets are
    never shown. An exception, another kind of value or a variable that is taken stops it with ``PLUGIN_LOAD_FAILED``.

    Example::

        @dataclass(frozen=True)
        class Settings:
            api_key: Secret
            inspection_months: int = 24


        @hookimpl
        def register_settings():
            return Settings
    """
    raise NotImplementedError


@hookspec
def register_schemas() -> list[Path]:
    """Name the folders with the plugin's entity files.

    Called once per start of a server and of each command that reads schema files; not for a disabled plugin. No
    database is open yet.

    Returns:
        Existing folders. Every ``*.json`` file at the top of each is an entity file; the entities belong to the
        layer that has the plugin's name. An entity that another layer has too is an error naming both.

    An exception, another kind of value or a folder that does not exist stops the start with ``PLUGIN_LOAD_FAILED``,
    which names the plugin.

    Example::

        @hookimpl
        def register_schemas():
            return [Path(__file__).parent / "schemas"]
    """
    raise NotImplementedError


@hookspec
def register_keywords(settings: Any) -> "list[Keyword]":
    """Name the words that the plugin brings to entity files: ``x-dsgvo`` of the plugin ``dsgvo``.

    Called whenever entity files are read. No database is open yet.

    Args:
        settings: of the plugin; None if it has none.

    Returns:
        A list of ``Keyword``. The name of each is ``x-`` and the plugin's, perhaps with more after another ``-``.

    What files say by them stands in the model: ``annotations`` of an ``Entity`` or a ``Field``, by word. A value that
    does not have the form of the ``schema``, and whatever the ``check`` of the whole model answers, refuse the files as
    any mistake in them does.

    An exception, also in a check, another kind of value, a name of somebody else and a schema that is none stop the
    start with ``PLUGIN_LOAD_FAILED``, which names the plugin, and the other one if two have the same word.

    Example::

        @hookimpl
        def register_keywords():
            return [Keyword("x-fleet", {"enum": ["public", "internal"]}, places=("field",))]
    """
    raise NotImplementedError


@hookspec
def register_text_formats() -> "list[TextFormat]":
    """Name the formats of texts that the plugin knows: ``"format": "fleet-plate"`` in entity files.

    Called whenever entity files are read, and whenever the write door of a model is made.

    Returns:
        A list of ``TextFormat``. The name of each is the plugin's, perhaps with more after a ``-``.

    A field with one is a text. Whatever is written there is brought into its one form (``normal``) before anything else
    looks at it, also where a record is looked for by it as a key; what ``check`` has against it is a problem of the
    record as any other (``VALIDATION_FAILED``, rule ``format``), in the words of the plugin's catalogues.

    An exception in one of them refuses the write. An exception here, another kind of value, a name of somebody else or
    of the platform stop the start with ``PLUGIN_LOAD_FAILED``; of two plugins with one name both are named.

    Example::

        def check(plate):
            return None if "-" in plate else "has no hyphen after the district"


        @hookimpl
        def register_text_formats():
            return [TextFormat("fleet-plate", check, normal=str.upper, max_length=12)]
    """
    raise NotImplementedError


@hookspec
def register_field_types() -> "list[CustomFieldType]":
    """Name the types of fields that the plugin brings: ``"x-type": "fleet-rating"`` in entity files.

    Called whenever entity files are read, whenever the write door of a model is made, and for the API's schema.

    Returns:
        A list of ``CustomFieldType``. The name of each is the plugin's, perhaps with more after a ``-``.

    A field with one is stored as the type says, in one of the platform's own types with its limits; so indexes, keys,
    sorting, masks and changes of the model are as for that. In the API it is a scalar of its own. Whatever is written
    there, and whatever a filter of the API compares with, is brought into its one form (``normal``) before anything
    else looks at it; what ``check`` has against it is a problem of the record (``VALIDATION_FAILED``, rule ``type``).

    An exception in one of the functions refuses the write. An exception here, another kind of value, a name of somebody
    else or of the platform, and a way to store values that is none stop the start with ``PLUGIN_LOAD_FAILED``; of two
    plugins with one name both are named.

    Example::

        @hookimpl
        def register_field_types():
            return [CustomFieldType("fleet-rating", {"type": "integer", "minimum": 1, "maximum": 5})]
    """
    raise NotImplementedError


@hookspec
def register_translations() -> "list[Texts]":
    """Say where the texts of the plugin are in other languages than English.

    Called once per start, after all plugins were imported.

    Returns:
        A list of one ``Texts``.

    The texts of ``Refuse`` are looked up there, and told in the language of whoever is refused. Those of other plugins
    and of the platform do not matter. What else the plugin tells, it says by ``texts.say``.

    An exception, another kind of value, a folder that does not exist or has no catalogue stop the start with
    ``PLUGIN_LOAD_FAILED``. A catalogue that cannot be read is noted in the log, and its language is told in English.

    Example::

        TEXTS = Texts(Path(__file__).parent / "locale")


        @hookimpl
        def register_translations():
            return [TEXTS]
    """
    raise NotImplementedError


@hookspec
def register_roles() -> list[Path]:
    """Name the folders with the roles and policies that the plugin brings.

    Called by ``xrm permissions roles``, and by ``xrm permissions plan`` and ``apply`` with ``--roles-of``.

    Returns:
        Existing folders, each with ``roles.json``, ``policies.csv`` or both, in the form of those of packs.

    Nobody has anything by them until an administrator puts them upon the policies that are in force, in each tenant
    that shall have them. They add; a role that is in force already changes only if that is accepted by its name.

    An exception, another kind of value, a folder that does not exist, a file that cannot be read, and a role or rule
    that another plugin means otherwise are ``PLUGIN_LOAD_FAILED``; the last names both.

    Example::

        @hookimpl
        def register_roles():
            return [Path(__file__).parent / "permissions"]
    """
    raise NotImplementedError


@hookspec
def register_demo() -> "list[DemoData]":
    """Name what the plugin has to show in a demo.

    Called by ``xrm serve --demo`` when it fills an empty database, after the records of the pack.

    Returns:
        A list of ``DemoData``: functions that yield an entity and records for it, and which roles of the plugin the
        users of the demo have.

    They are written by the door for writes, in the transaction of all the demo: the hooks of plugins are asked, the
    rules of entity files hold. Records may have ``id``, ``created_at`` and the like. An exception, another kind of
    value and a record that is refused end the start with ``PLUGIN_LOAD_FAILED``, and nothing of the demo is there.

    Example::

        def vehicles(demo):
            for number, customer in enumerate(demo.ids("customer")[:20]):
                yield "vehicle", [{"licence_plate": f"DM-{number}", "customer": customer}]


        @hookimpl
        def register_demo():
            return [DemoData(vehicles, entities=("vehicle", "customer"))]
    """
    raise NotImplementedError


@hookspec
def register_actions() -> "list[Action]":
    """Name what can be done by the plugin, beyond creating, changing and deleting records.

    Called whenever the write door of a model is made: at the start, for each tenant, and when the model changes. No
    database is open yet.

    Returns:
        A list of ``Action``. The name of each begins with the plugin's and a dot; policies give it to roles by ``run``.
        Each becomes a mutation: ``winOpportunity(id, input, version, dryRun)`` for the action ``sales.win`` on the
        entity ``opportunity``, ``salesRecount(input, dryRun)`` for one about no record. Those about an entity that
        the model does not have are left out.

    The function is called in the transaction of the mutation, after the right to the action and the right on the record
    (``needs``) were checked; the record is held until its end. It raises ``Refuse`` to refuse. Any other exception
    refuses, too; the caller is told only that the plugin failed. An exception here, another kind of value, a name that
    is taken or an input that is no dataclass stops the start with ``PLUGIN_LOAD_FAILED``.

    Example::

        @dataclass
        class RetireInput:
            reason: str


        def retire(context, vehicle, given):
            changes = {"retired": True, "reason": given.reason}
            context.records.update(context.connection, context.caller, "vehicle", vehicle["id"], changes)


        @hookimpl
        def register_actions():
            return [Action("fleet.retire", retire, entity="vehicle", input=RetireInput)]
    """
    raise NotImplementedError


@hookspec
def register_workflows() -> list[Path]:
    """Name the folders with the plugin's workflow files.

    Called whenever entity files are read, and at the start of workers; not for a disabled plugin.

    Returns:
        Existing folders. Every ``*.json`` file at the top of each is a workflow.

    A workflow names entities, fields, actions, kinds of messages and roles; one that is not there is a mistake in the
    file (``SCHEMA_FILES_INVALID``). An exception, another kind of value or a folder that does not exist stops the start
    with ``PLUGIN_LOAD_FAILED``, which names the plugin.

    Example::

        @hookimpl
        def register_workflows():
            return [Path(__file__).parent / "workflows"]
    """
    raise NotImplementedError


@hookspec
def register_query_fields() -> "list[QueryField]":
    """Name what can be asked of the plugin, beyond records and figures about them.

    Called whenever the schemas of a model's roles are to be made: at the start, for each tenant, and when the model
    changes. No database is open yet.

    Returns:
        A list of ``QueryField``. The name of each begins with the plugin's and a dot; policies give it to roles by
        ``run``. Each becomes a root field of queries: ``salesForecast(year)`` for ``sales.forecast``, whose arguments
        are the fields of its ``input``.

    The function is called in a thread, with a ``QueryContext``, after the right to the field was checked. What it asks
    by ``context.query`` is answered with the rights of the caller, out of the snapshot of the rest of the document. It
    raises ``Refuse`` to refuse. Any other exception is told as a failure of the plugin. After its
    ``seconds`` it is not waited for. An exception here, another kind of value, a name that is taken or a type that is
    not possible stops the start with ``PLUGIN_LOAD_FAILED``.

    Example::

        @dataclass
        class Fleet:
            vehicles: int


        def overview(context):
            found = context.query("{ vehicles { totalCount } }")
            return Fleet(found["vehicles"]["totalCount"])


        @hookimpl
        def register_query_fields():
            return [QueryField("fleet.overview", overview, answers=Fleet)]
    """
    raise NotImplementedError


@hookspec
def register_record_hooks() -> "list[On]":
    """Name functions that are called before or after writes of one entity, or of some of its fields.

    Called whenever the write door of a model is made, and at the start of a process that reads the change log. No
    database is open yet.

    Returns:
        A list of ``On``. Of one plugin, its hook for all records is called first, then these, in their order; plugins
        follow each other as everywhere. A write of another entity does not pay for them.

    ``before`` is asked as :func:`before_record_update` and its like are, and may do what they may; ``after`` is told as
    :func:`after_record_update` and its like are, and what does not concern it can neither fail nor wait on its account.

    An exception here, another kind of value, a hook without a function, or on a field that the entity does not have,
    stops the start with ``PLUGIN_LOAD_FAILED``. One on an entity that the model does not have is left out.

    Example::

        def follow_stage(change):
            step = {"opportunity": change.before["id"], "stage": change.changes["stage"]}
            change.then(lambda context, id: context.records.create(context.connection, context.system, "step", step))


        @hookimpl
        def register_record_hooks():
            return [On("opportunity", "update", fields=("stage",), before=follow_stage)]
    """
    raise NotImplementedError


@hookspec
def register_routes() -> "list[Route]":
    """Name the HTTP addresses that the plugin answers, below ``/plugins/<plugin>``.

    Called once per start of a server.

    Returns:
        A list of ``Route``. One that is not ``public`` is for who is signed in, in the same way as for GraphQL; a
        public one is for anybody, with the rights of its ``role``, and so many requests a minute from each address.

    The function is called in a thread, with a ``RouteContext`` that has the request, whole. By GET it reads from one
    snapshot; by other methods what it does is one transaction, which is taken back if it raises, or answers with a
    status from 400 on. It returns a response of Starlette, or what is sent as JSON. ``Refuse`` is answered as in
    :func:`before_record_create`, any other exception as a failure of the plugin. An exception here, another kind of
    value or an address that is taken stops the start with ``PLUGIN_LOAD_FAILED``.

    Example::

        def report_stolen(context):
            context.run_action("fleet.report", given=context.request.form())
            return HTMLResponse("<!doctype html><title>Thank you</title>")


        @hookimpl
        def register_routes():
            return [Route("/stolen", report_stolen, ("POST",), public=True, role="web_form")]
    """
    raise NotImplementedError


@hookspec
def register_health() -> "list[HealthCheck]":
    """Name looks at what the plugin needs: a service outside, a record that must be there.

    Called once per start of a server, and by ``xrm doctor``.

    Returns:
        A list of ``HealthCheck``. The name of each begins with the plugin's and a dot.

    The function is called in a thread, with a ``HealthContext``, when somebody asks whether the server is ready; what
    it says holds for five seconds. It returns None if all is well, else a sentence for whoever runs the platform. An
    exception, and no answer within its ``seconds``, count as such. If it is ``critical``, the server is not ready then;
    else it is, and says that it is degraded. Nobody outside is told more than the names. An exception here, another
    kind of value or a name that is taken stops the start with ``PLUGIN_LOAD_FAILED``.

    Example::

        def police(context):
            return None if ping(context.settings.police_url) else "The police do not answer."


        @hookimpl
        def register_health():
            return [HealthCheck("fleet.police", police)]
    """
    raise NotImplementedError


@hookspec
def register_commands() -> "list[Command]":
    """Name commands of ``xrm``, below the plugin's name.

    Called at the start of a server, by ``xrm plugins list``, and when somebody runs ``xrm <plugin> …``.

    Returns:
        A list of ``Command``: ``xrm fleet seize`` for one that is called ``seize``.

    The function is called with a ``CommandContext``; its further parameters are those of the command, as typer has it.
    Each command takes ``--schemas``, ``--database`` and ``--tenant``, too. One that is ``files_only`` takes
    ``--schemas`` alone, opens no database and is given a ``FilesContext``. ``Refuse`` ends it with
    ``REFUSED_BY_PLUGIN``, any other exception as one of the platform's commands. An exception here, another kind of
    value, or the name of a command of the platform stops the start with ``PLUGIN_LOAD_FAILED``.

    Example::

        def seize(context, plate: str):
            with context.transaction() as connection:
                context.records.upsert(connection, context.caller, "vehicle", {"licence_plate": plate})


        @hookimpl
        def register_commands():
            return [Command("seize", seize, "Note that a vehicle was seized.")]
    """
    raise NotImplementedError


@hookspec
def register_jobs() -> "list[JobHandler]":
    """Name the kinds of jobs that the plugin can do, and the function that does each.

    Called once per start of a process that does jobs, and of ``xrm jobs run``; not for a disabled plugin. No work is
    done yet.

    Returns:
        A list of ``JobHandler``. The name of each begins with the plugin's and a dot.

    The functions run in workers, several at a time, long after and far from what has enqueued the job. An exception
    there is an attempt that failed: the job is tried again later, and is dead after the last attempt. An exception,
    another kind of value or a name that is taken here stops the start with ``PLUGIN_LOAD_FAILED``.

    Example::

        def inspect(job, payload):
            with job.transaction() as connection:
                job.records.update(connection, job.caller, "vehicle", payload["vehicle"], {"inspected": True})
            return {"inspected": 1}


        @hookimpl
        def register_jobs():
            return [JobHandler("fleet.inspect", inspect, attempts=3)]
    """
    raise NotImplementedError


@hookspec
def register_schedules() -> "list[Schedule]":
    """Name the jobs of the plugin that are done by the clock, in each tenant.

    Called when ``register_jobs`` was, and after it.

    Returns:
        A list of ``Schedule``. The name of each begins with the plugin's and a dot; the job is one that some plugin
        registers.

    An exception, another kind of value, an unknown job or a time that never comes stops the start with
    ``PLUGIN_LOAD_FAILED``.

    Example::

        @hookimpl
        def register_schedules():
            return [Schedule("fleet.nightly", "fleet.inspect", "30 2 * * *", zone="Europe/Berlin")]
    """
    raise NotImplementedError


@hookspec
def register_replays() -> "list[Replay]":
    """Name what is done again if the restore of a backup takes it back, and the function that does each.

    Called at the start of a server or a worker, and when one opens a tenant. An entry is kept by
    ``keep_beyond_restore`` in the transaction that does something, and comes into the journal, which lies in the key
    store and in no backup, after its commit.

    Returns:
        A list of ``Replay``. The name of each begins with the plugin's and a dot.

    The functions run before anything is served of a database, each entry in a transaction of its own with the note
    that it is done, in the order in which they were kept. They find data as the backup has them. An exception there
    keeps the database from being served (``REPLAY_PENDING``), and it is tried again. An exception, another kind of
    value or a name that is taken here stops the start with ``PLUGIN_LOAD_FAILED``.

    Example::

        def forget(context, content):
            erase_values(context, "vehicle", content["vehicle"], ["customer"])


        @hookimpl
        def register_replays():
            return [Replay("fleet.forget", forget)]
    """
    raise NotImplementedError


@hookspec
def register_data_stores() -> "list[DataStore]":
    """Name the stores in which the plugin keeps data outside of the platform's tables: an index of its own, a service
    for mails, files, a cache, another system.

    Called once per start of a server or a worker. A plugin that has none says so by an empty list.

    Returns:
        A list of ``DataStore``. The name of each begins with the plugin's and a dot.

    Whoever has to know what there is of somebody (the plugin for data protection is one) asks them by ``ask_stores``:
    ``discover``, ``export``, ``restrict``, ``lift``, ``erase``, ``verify``. All of them are needed, and each may be
    asked again: it answers as if for the first time, and does nothing twice. The functions run in threads of their own,
    without a transaction. An exception, an answer of another kind, or none within ``seconds`` is no answer: it is told
    as such and asked again later; nothing counts as done until the store has said so.

    An exception here, another kind of value, a name that is taken or a store without one of the functions stops the
    start with ``PLUGIN_LOAD_FAILED``.

    Example::

        from xrm_fleet import index


        def discover(context, about):
            return [StoredItem(each) for each in index.of(context.tenant, about.records, about.identifiers)]


        def erase(context, about):
            return index.remove(context.tenant, about.records, about.identifiers, but=about.keep)


        @hookimpl
        def register_data_stores():
            return [DataStore("fleet.index", discover, index.export, index.hide, index.show, erase, index.verify)]
    """
    raise NotImplementedError


@hookspec
def register_message_kinds() -> "list[MessageKind]":
    """Name the kinds of messages that the plugin sends to people outside.

    Called once per start of a server, and of a process that does jobs.

    Returns:
        A list of ``MessageKind``. The name of each begins with the plugin's and a dot.

    ``send_message`` puts a message into the outbox, which keeps names and ids, no text and no address. A worker asks
    ``address`` and the gates, has ``compose`` make what it says, and hands it to its channel: once at most. ``ended``
    is told how it has ended. An exception in ``address`` or ``compose`` is an attempt that failed.

    An exception here, another kind of value or a name that is taken stops the start with ``PLUGIN_LOAD_FAILED``.

    Example::

        def owner(context):
            customer = context.read("customer", context.message.about[1])
            return customer and customer["email"]


        def recall(context):
            return MessageContent("Recall", "Please bring your vehicle to the workshop.")


        @hookimpl
        def register_message_kinds():
            return [MessageKind("fleet.recall", owner, recall, purpose="safety")]
    """
    raise NotImplementedError


@hookspec
def register_channels() -> "list[Channel]":
    """Name ways on which messages leave: beside ``mail``, which the platform has.

    Called after ``register_message_kinds``.

    Returns:
        A list of ``Channel``. The name of each begins with the plugin's and a dot.

    The function is given a ``HandOver``, in a worker, outside of any transaction. When it returns, the message is sent.
    ``NotHandedOver`` says that it is certainly not: it is tried again, unless ``retry=False``. Any other exception
    leaves that open: the message has failed with ``OUTCOME_UNKNOWN``, and is not tried again.

    An exception here, another kind of value or a name that is taken stops the start with ``PLUGIN_LOAD_FAILED``.

    Example::

        def send(given):
            answer = gateway.post(given.settings.sms_url, to=given.address, text=given.content.text)
            if answer.status == 503:
                raise NotHandedOver("GATEWAY_BUSY")


        @hookimpl
        def register_channels():
            return [Channel("fleet.sms", send)]
    """
    raise NotImplementedError


# ---------------------------------------------------------------------------------------------------------------------
# Writes: inside the transaction, after permission and validation, before the SQL
# ---------------------------------------------------------------------------------------------------------------------


@hookspec
def before_record_create(entity: str, record: Record, write: Write) -> Mapping[str, Any] | None:
    """Change or refuse a new record.

    Called for every record about to be created, by whatever way (GraphQL, import, demo data), after the record was
    found valid and allowed. Once per record; an import asks again when it looks for the one row of a batch that
    cannot be written. A dry run asks, too, and its transaction is taken back: do nothing outside of it. Not called for
    records that failed validation or permission.

    Args:
        entity: name of the entity, e.g. ``"customer"``.
        record: the values given by the caller, defaults filled in, changes of earlier plugins merged in. A copy:
            changing it changes nothing.
        write: who writes it, whence it comes, :meth:`Write.then`, which has something done in the same transaction,
            and :meth:`Write.read` and :meth:`Write.find`, which look at other records.

    Returns:
        Values to merge into the record (a value of None empties the field), or None to leave it as it is. The
        merged record is validated again before it is stored.

    Raise ``Refuse("why", field="licence_plate")`` to refuse: the transaction is rolled back and the caller gets
    ``REFUSED_BY_PLUGIN`` with that text and the plugin's name. Any other exception refuses too, but the caller is
    told only that the plugin failed; the exception goes to the log.

    Example::

        @hookimpl
        def before_record_create(entity, record):
            if entity == "vehicle":
                return {"licence_plate": record["licence_plate"].upper()}
    """
    raise NotImplementedError


@hookspec
def before_record_update(
    entity: str, before: Mapping[str, Any], changes: Record, write: Write
) -> Mapping[str, Any] | None:
    """Change or refuse a change of a record.

    Called for every record about to be changed, once per record, after the changes were found valid and allowed. Not
    called for a record that does not exist, that the caller may not change, or whose version has moved on.

    Args:
        entity: name of the entity.
        before: the record as it is stored now, system fields included; read-only.
        changes: only the fields that the caller gave, changes of earlier plugins merged in. A copy: changing it
            changes nothing.
        write: as of :func:`before_record_create`; what changes nothing is not written, then nothing follows.

    Returns:
        Values to merge into the changes, or None. They are validated again before they are stored.

    ``Refuse`` and other exceptions do what they do in :func:`before_record_create`.

    Example::

        @hookimpl
        def before_record_update(entity, before, changes):
            if entity == "vehicle" and before["retired"] and changes.get("retired") is not False:
                raise Refuse("A retired vehicle cannot be changed.")
    """
    raise NotImplementedError


@hookspec
def before_record_delete(entity: str, before: Mapping[str, Any], write: Write) -> None:
    """Refuse the deletion of a record.

    Called for every record that a caller asks to delete, once per record, after it was found to be allowed. Not
    called for records that the database deletes along with it (``"on_delete": "cascade"``).

    Args:
        entity: name of the entity.
        before: the record as it is stored now, system fields included; read-only.
        write: as of :func:`before_record_create`.

    Returns:
        Nothing; there is nothing to change.

    ``Refuse`` and other exceptions do what they do in :func:`before_record_create`.

    Example::

        @hookimpl
        def before_record_delete(entity, before):
            if entity == "vehicle" and not before["retired"]:
                raise Refuse("Retire the vehicle before you delete it.")
    """
    raise NotImplementedError


@hookspec
def before_record_restore(entity: str, record: Mapping[str, Any], write: Write) -> None:
    """Refuse that a record comes back out of the trash.

    Called for every record that is restored, also for those that were deleted along with the one that is asked for;
    :func:`before_record_create` is not called for them.

    Args:
        entity: name of the entity.
        record: the record as it would be stored, system fields included; read-only.
        write: as of :func:`before_record_create`.

    Returns:
        Nothing; there is nothing to change.

    ``Refuse`` and other exceptions do what they do in :func:`before_record_create`.

    Example::

        @hookimpl
        def before_record_restore(entity, record):
            if entity == "vehicle" and record["retired"]:
                raise Refuse("A retired vehicle does not come back.")
    """
    raise NotImplementedError


# ---------------------------------------------------------------------------------------------------------------------
# Files: when their content is there, before anybody can read it
# ---------------------------------------------------------------------------------------------------------------------


@hookspec
def scan_file(file: Mapping[str, Any], content: BinaryIO) -> FileScan | None:
    """Look at the content of a file for what must not be stored, such as malware.

    Called once for every file that somebody sends, by whatever way, when all of it is there and before it is stored;
    outside of any transaction. Called again each minute for a file of which some plugin has said that it is pending,
    by each server of the database. Not called for files of an imported bundle.

    Args:
        file: ``name``, ``media_type``, ``size`` (bytes) and ``sha256`` (hex digits); read-only.
        content: all of it, at its start. A stream of its own for each plugin; it is closed afterwards.

    Returns:
        ``FileScan.PENDING``: it is not known yet. The file is stored, but nobody can read it until a later call
        returns something else. ``FileScan.QUARANTINE``: the file is stored, but nobody can read it or attach it until
        somebody releases it by hand. ``FileScan.CLEAN`` or None: nothing was found. The worst answer of all plugins
        counts.

    Raise ``Refuse("why")`` to refuse: nothing is stored, and the sender gets ``REFUSED_BY_PLUGIN`` with that text and
    the plugin's name; a file that was pending goes into quarantine. Any other exception means that it is not known
    yet, as ``FileScan.PENDING``; the exception goes to the log.

    Example::

        @hookimpl
        def scan_file(file, content):
            if b"EICAR" in content.read():
                raise Refuse("The file has malware.")
    """
    raise NotImplementedError


# ---------------------------------------------------------------------------------------------------------------------
# Messages: before they go into the outbox, and before they leave
# ---------------------------------------------------------------------------------------------------------------------


@hookspec
def before_message_send(
    message: "OutgoingMessage", context: "MessageContext"
) -> "MessageRefusal | MessageAllowed | None":
    """Let a message to somebody outside go, or refuse it: the gate of every message of every plugin and channel.

    Called when a plugin sends a message (``message.moment`` is ``queued``), in its transaction; again whenever it is
    about to be handed over (``handed_over``), in the transaction that notes so; and when a plugin only wants to know
    (``asked``). Not called for what the platform itself tells users of their accounts.

    Args:
        message: kind, purpose, channel, address, the record it is about and that of the person, as far as there is one.
        context: the transaction, to read and write in; with ``context.hold`` whoever wants to change what it goes by
            waits for its end.

    Returns:
        None or a ``MessageAllowed`` to let it go, which may say where who gets it unsubscribes, and that they may be
        watched; or a ``MessageRefusal`` with a code, for good or ``until`` a moment at which gates are asked again. Who
        sends gets ``MESSAGE_REFUSED`` with the code where it is for good; a
        message that waits already ends as ``refused``. The first refusal counts, and no further gate is asked.

    An exception lets nothing go: who sends gets ``REFUSED_BY_PLUGIN``; a message that waits is tried again later.
    A note of what was let go belongs to ``handed_over``: it is written if, and only if, the message is handed to its
    channel, in each attempt. Whether somebody has taken it, ``after_message_end`` hears.

    Example::

        @hookimpl
        def before_message_send(message, context):
            if message.person and message.purpose == "advertising":
                entity, id_ = message.person
                context.hold(entity, id_)
                if context.read(entity, id_)["no_advertising"]:
                    return MessageRefusal("OBJECTION", "They have objected to advertising.")
    """
    raise NotImplementedError


@hookspec
def after_message_end(message: "OutgoingMessage", outcome: "MessageOutcome", context: "MessageContext") -> None:
    """Hear how a message to somebody outside has ended: that of any plugin. Its kind has ``ended`` for its own.

    Called once for each message, in the transaction in which its end is noted: it was ``sent``, which is that its
    channel has taken it; it has ``failed``, for good, or nobody knows; it was ``refused`` by a gate, or cancelled.

    Args:
        message: as gates have seen it; ``address`` is None: who needs it keeps at ``handed_over`` what it is about.
        outcome: ``state``, ``reason`` and ``at``.
        context: the transaction, to read and write in.

    An exception takes back what the plugin has written there, and goes to the log. The message has ended all the same.

    Example::

        @hookimpl
        def after_message_end(message, outcome, context):
            if outcome.state == "failed" and message.person:
                values = {"text": f"Not reached: {outcome.reason}"}
                context.records.create(context.connection, context.system, "fleet_note", values)
    """
    raise NotImplementedError


@hookspec
def before_data_leaves(connector: "Connector", context: "LeavingContext") -> "ConnectorRefusal | None":
    """Let data leave by a connector, or hold them back: the gate of whatever sends data out beside the outbox.

    Called before each event is sent to a webhook (``webhook`` and its host), before the test of one, and when a plugin
    asks for a connector of its own by ``may_leave`` (its name, and what it calls it). Messages of the outbox have
    ``before_message_send``.

    Args:
        connector: ``kind`` and ``name``.
        context: a transaction. ``context.parcels`` are what leaves: entity, record and names of fields. What is written
            in it is kept before they leave; if there are none, such as at a test, it may be one that only reads.

    Returns:
        None to let them leave, or a ``ConnectorRefusal`` with a code. The first refusal counts; then nothing of what
        gates have written stays.

    What is held back is not lost: a webhook waits with its events, and tries again later. An exception holds back, too.

    Example::

        @hookimpl
        def before_data_leaves(connector, context):
            if not context.find("agreement", {"host": {"eq": connector.name}}, 1):
                return ConnectorRefusal("NO_AGREEMENT", "Nothing was agreed with whoever receives it.")
    """
    raise NotImplementedError


# ---------------------------------------------------------------------------------------------------------------------
# Afterwards: in a worker, from the change log
# ---------------------------------------------------------------------------------------------------------------------


@hookspec
def after_record_create(entity: str, record: Record, event: "RecordEvent") -> None:
    """Hear of a record that was created, or restored from the trash: ``event.operation`` says which.

    Called in a worker, a second or so after the commit, for every record created since a worker first met the plugin,
    by whatever way. Hooks of a plugin are called for the changes of one record in their order; those of different
    records may change places. At least once: again if the worker was killed, or if the hook has failed.

    Args:
        entity: name of the entity.
        record: id and values that were not empty at the creation, as the change log keeps them: the record may have
            changed since. Values that were erased from the log are missing. A hook that leaves it out has nothing
            opened that is closed in the log, but what it asks ``event.changes`` for.
        event: what else is known of the change; with ``connection``, ``records`` and ``caller`` for writes of its own.

    Each call has a transaction, ``event.connection``, in which it is noted, too, that the plugin has heard of the
    event. So what the hook writes there is there once, whatever happens. What leaves the database may happen twice.

    An exception is an attempt that failed: the transaction is rolled back, and the hook is called again later, eight
    times at most; then the event is dead, which ``xrm log dead`` shows. Until then, later events of the same record
    wait; those of others do not.

    Example::

        @hookimpl
        def after_record_create(entity, record, event):
            if entity == "vehicle":
                note = {"text": f"New vehicle {record['licence_plate']}"}
                event.records.create(event.connection, event.caller, "fleet_note", note)
    """
    raise NotImplementedError


@hookspec
def after_record_update(entity: str, changes: Mapping[str, Any], event: "RecordEvent") -> None:
    """Hear of a record that was changed.

    Called like :func:`after_record_create`, for each change; also where a deletion has emptied a relation.

    Args:
        entity: name of the entity.
        changes: field → old and new value, of each field that differs; empty if none does.
        event: as of :func:`after_record_create`.

    A hook that changes what it hears of is told of that, too: it has to see itself when nothing is left to do. After
    eight hooks that have led to each other, the event is dead at once, with ``HOOKS_IN_A_CIRCLE``.

    Example::

        @hookimpl
        def after_record_update(entity, changes, event):
            if entity == "vehicle" and "retired" in changes:
                note = {"text": f"Vehicle {event.record_id} was retired or taken back"}
                event.records.create(event.connection, event.caller, "fleet_note", note)
    """
    raise NotImplementedError


@hookspec
def after_record_delete(entity: str, before: Mapping[str, Any], event: "RecordEvent") -> None:
    """Hear of a record that was deleted.

    Called like :func:`after_record_create`, also for records that were deleted along with another one.

    Args:
        entity: name of the entity.
        before: id and all values that the record had, less those that were erased from the log.
        event: as of :func:`after_record_create`.

    Example::

        @hookimpl
        def after_record_delete(entity, before, event):
            if entity == "vehicle":
                note = {"text": f"Vehicle {before['licence_plate']} is gone"}
                event.records.create(event.connection, event.caller, "fleet_note", note)
    """
    raise NotImplementedError
