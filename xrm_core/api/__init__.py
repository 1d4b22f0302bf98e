"""Everything a plugin may import, and nothing else of core.

``hookimpl`` marks the functions that implement hooks (:mod:`xrm_core.hookspecs` has their contracts), ``Needs`` is
what a plugin says that it needs. ``Refuse`` is raised to refuse, ``Write`` is a write as before-hooks are told of it,
``On`` names functions for one entity and its fields, ``RecordChange`` is what they are asked about, ``HookContext``
what is given to what follows a write, ``Record`` is the type of records that hooks are given, ``FileScan`` what a scan
of a file may answer. ``Action`` is what plugins register as something to be done, ``ActionContext`` what its function
is given; ``QueryField`` is what they register as something to be asked, ``QueryContext`` what its function is given,
``RecordOf`` marks a record in what it answers. ``JobHandler`` and ``Schedule`` are what plugins register to have work
done beside the requests, ``JobContext`` is what a job's function is given, ``JobFailed`` what it may raise,
``JobDied`` what is told of one that is dead; ``enqueue`` keeps a job. ``RecordEvent`` tells after-hooks of a change.
``Route`` is an HTTP address that a plugin answers, ``RouteContext`` what its function is given. ``Secret`` is the type
of settings that are never shown, ``BadQuery`` what a filter raises that does not fit, ``DocumentInvalid`` what a query
does. ``Keyword`` is a word that they bring to entity files, ``KeywordMistake`` what is wrong with one, ``InLog`` how
the change log keeps values; ``Model``, ``Entity`` and ``Field`` are what the files say. ``HealthCheck`` is a look at
what a plugin needs, ``HealthContext`` what its function is given. ``TextFormat`` is a format of texts that it knows,
``CustomFieldType`` a type of fields.
``Texts`` are those of a plugin in other languages than English. ``DemoData`` is what it has to show, ``DemoContext``
what its function is given. ``Command`` is one of ``xrm``, ``CommandContext`` what its function is given,
``FilesContext`` if it works on the files alone. ``send_message`` puts a ``Message`` into the outbox, ``may_send`` says
whether that could be sent; ``MessageRefused`` is raised if not. ``MessageKind`` is what plugins register as a kind of
messages, ``MessageContext`` what its functions and gates are given, with the ``OutgoingMessage``; ``MessageContent``
and ``Attachment`` are what such a function makes, ``MessageOutcome`` with its ``MessageState`` what it is told.
``MessageRefusal`` and ``MessageAllowed`` are answers of a gate, ``Moment`` says why it is asked. ``Channel`` is a way
on which messages leave, ``HandOver`` what it is given, ``NotHandedOver`` what it may raise; ``recheck_messages`` has
the gates asked again about those that wait. ``Connector`` is another way on which data leave, ``LeavingContext`` what
its gates are given, ``Parcel`` what leaves of a record, ``ConnectorRefusal`` what they answer; ``may_leave`` asks
them. ``erase_values`` erases former values of a record from the change log and the trash, ``Erased`` is how much,
``former_values`` are those in the log, ``gone_records`` records that only the log has, each a ``GoneRecord``;
``end_account`` ends the account of a user, ``forget_answers`` erases answers that are kept for repeats.
``find_in_system`` says where the platform's own tables have a text, an ``InSystem`` each, ``forget_in_system`` erases
it there, ``Forgotten`` is what came of that. ``changes_of``
are the entries of the log of a record, each a ``LoggedChange``, ``changes_of_many`` those of some records, ``reads_of``
those of the log of reads, each a ``LoggedRead``; ``messages_of`` and ``messages_of_many`` the messages of the outbox
about a record or to it, or some, each a ``ListedMessage``.
``verify_changes`` says whether the change log is what was written, ``VerifiedChanges`` is what it has found.
``move_to_vault`` moves records and values out of their tables for a time,
``bring_back`` brings them back, ``in_vault`` looks at them and ``erase_in_vault`` ends them; a ``Deposit`` is what was
moved together, ``Vaulted`` a record there. ``destroy_keys`` and ``destroy_many_keys`` destroy keys of sealed values,
``Opened`` is what one of these is in clear, ``Sealing`` how a field is sealed; ``SealingUnavailable`` is raised where
nothing can be. ``value_fits`` says whether a field may have a value. ``read_file`` opens a file with its content, a
``ReadableFile``; ``FilesUnavailable`` is raised where that lies with somebody who does not answer.
``keep_beyond_restore`` keeps what is to be done again after a restore, by a ``Replay``. ``DataStore`` is what they
register that keeps data elsewhere, ``StoreContext`` what its functions are given, with a ``StoreSubject``, some
``StorePart`` of it where not all is meant; they answer with a ``StoredItem`` each. ``data_stores`` are all of them,
``ask_stores`` asks them and has a ``StoreAnswer`` of each, ``plugins_without_stores`` are those that have said nothing
of stores. What is not here may change in any release.
"""

from xrm_core.changes.reading import LoggedChange
from xrm_core.changes.verifying import Verified as VerifiedChanges
from xrm_core.contributions.asking_stores import StoreAnswer, ask_stores, data_stores, plugins_without_stores
from xrm_core.contributions.command import Command, CommandContext
from xrm_core.contributions.data_store import DataStore, StoreContext, StoredItem, StorePart, StoreSubject
from xrm_core.contributions.demo import DemoContext, DemoData
from xrm_core.contributions.files_context import FilesContext
from xrm_core.contributions.forgetting import Forgotten, forget_in_system
from xrm_core.contributions.health import HealthCheck, HealthContext
from xrm_core.contributions.in_system import InSystem, find_in_system
from xrm_core.contributions.route import Route
from xrm_core.contributions.route_context import RouteContext
from xrm_core.errors import BadQuery, Refuse
from xrm_core.events.listeners import RecordEvent
from xrm_core.graphql.query_fields import QueryContext, QueryField, RecordOf
from xrm_core.hookspecs import Coming, FileScan, Needs, Record, Write, hookimpl
from xrm_core.jobs.context import JobContext, JobFailed
from xrm_core.jobs.dying import JobDied
from xrm_core.jobs.enqueue import enqueue
from xrm_core.jobs.journal import keep_beyond_restore
from xrm_core.jobs.registry import JobHandler, Schedule
from xrm_core.jobs.replaying import Replay
from xrm_core.jobs.sealed_keys import destroy_keys, destroy_many_keys
from xrm_core.messages import (
    Attachment,
    Channel,
    Connector,
    ConnectorRefusal,
    HandOver,
    LeavingContext,
    Message,
    MessageAllowed,
    MessageContent,
    MessageContext,
    MessageKind,
    MessageOutcome,
    MessageRefusal,
    MessageRefused,
    MessageState,
    Moment,
    NotHandedOver,
    OutgoingMessage,
    Parcel,
    may_leave,
    may_send,
    recheck_messages,
    send_message,
)
from xrm_core.messages.by_hand import Listed as ListedMessage
from xrm_core.messages.by_hand import messages_of, messages_of_many
from xrm_core.metadata.custom_types import CustomFieldType
from xrm_core.metadata.fields import value_fits
from xrm_core.metadata.in_log import InLog
from xrm_core.metadata.keywords import Keyword, KeywordMistake
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.sealing import Sealing
from xrm_core.metadata.text_formats import TextFormat
from xrm_core.plugins import Secret
from xrm_core.records.accounts import end_account
from xrm_core.records.actions import Action, ActionContext
from xrm_core.records.asking import DocumentInvalid
from xrm_core.records.erasing import Erased, erase_values, former_values
from xrm_core.records.gone import GoneRecord, gone_records
from xrm_core.records.history import changes_of, changes_of_many, reads_of
from xrm_core.records.hooks import HookContext, On, RecordChange
from xrm_core.records.idempotency import forget_answers
from xrm_core.records.proving import verify_changes
from xrm_core.records.read_log import LoggedRead
from xrm_core.records.readable_files import ReadableFile, read_file
from xrm_core.records.sealed_texts import open_text, seal_text
from xrm_core.records.vault.deposits import Deposit
from xrm_core.records.vault.ending import erase_in_vault
from xrm_core.records.vault.former import VaultedFile, file_in_vault
from xrm_core.records.vault.looking import Vaulted, in_vault
from xrm_core.records.vault.moving import move_to_vault
from xrm_core.records.vault.returning import bring_back
from xrm_core.sealed.box import Opened
from xrm_core.sealed.errors import SealingUnavailable
from xrm_core.storage.contents import FilesUnavailable
from xrm_core.translation import Texts

__all__ = [
    "Action",
    "ActionContext",
    "Attachment",
    "BadQuery",
    "Channel",
    "Coming",
    "Command",
    "CommandContext",
    "Connector",
    "ConnectorRefusal",
    "CustomFieldType",
    "DataStore",
    "DemoContext",
    "DemoData",
    "Deposit",
    "DocumentInvalid",
    "Entity",
    "Erased",
    "Field",
    "FileScan",
    "FilesContext",
    "FilesUnavailable",
    "Forgotten",
    "GoneRecord",
    "HandOver",
    "HealthCheck",
    "HealthContext",
    "HookContext",
    "InLog",
    "InSystem",
    "JobContext",
    "JobDied",
    "JobFailed",
    "JobHandler",
    "Keyword",
    "KeywordMistake",
    "LeavingContext",
    "ListedMessage",
    "LoggedChange",
    "LoggedRead",
    "Message",
    "MessageAllowed",
    "MessageContent",
    "MessageContext",
    "MessageKind",
    "MessageOutcome",
    "MessageRefusal",
    "MessageRefused",
    "MessageState",
    "Model",
    "Moment",
    "Needs",
    "NotHandedOver",
    "On",
    "Opened",
    "OutgoingMessage",
    "Parcel",
    "QueryContext",
    "QueryField",
    "ReadableFile",
    "Record",
    "RecordChange",
    "RecordEvent",
    "RecordOf",
    "Refuse",
    "Replay",
    "Route",
    "RouteContext",
    "Schedule",
    "Sealing",
    "SealingUnavailable",
    "Secret",
    "StoreAnswer",
    "StoreContext",
    "StorePart",
    "StoreSubject",
    "StoredItem",
    "TextFormat",
    "Texts",
    "Vaulted",
    "VaultedFile",
    "VerifiedChanges",
    "Write",
    "ask_stores",
    "bring_back",
    "changes_of",
    "changes_of_many",
    "data_stores",
    "destroy_keys",
    "destroy_many_keys",
    "end_account",
    "enqueue",
    "erase_in_vault",
    "erase_values",
    "file_in_vault",
    "find_in_system",
    "forget_answers",
    "forget_in_system",
    "former_values",
    "gone_records",
    "hookimpl",
    "in_vault",
    "keep_beyond_restore",
    "may_leave",
    "may_send",
    "messages_of",
    "messages_of_many",
    "move_to_vault",
    "open_text",
    "plugins_without_stores",
    "read_file",
    "reads_of",
    "recheck_messages",
    "seal_text",
    "send_message",
    "value_fits",
    "verify_changes",
]
