"""Every error that leaves the platform: a stable code, a message, a hint how to mend it.

One root, :class:`XrmError`, which is never raised itself. One JSON shape, :meth:`XrmError.to_json`, used by
GraphQL (``errors[].extensions``), HTTP answers and the command line. Each code has a page in ``docs/errors/``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from xrm_core.translation import is_english, say


class XrmError(Exception):
    """Root of all errors with a code. Raise a subclass.

    Args:
        message: what is wrong and where, in one sentence; never SQL, never a secret.
        hint: how to mend it; empty if there is nothing to say beyond the message.
        details: further values for machines (JSON types only), e.g. ``{"currentVersion": 3}``.
    """

    code: ClassVar[str] = "XRM_ERROR"
    http_status: ClassVar[int] = 400
    retry_after: ClassVar[int | None] = None
    """Seconds after which it may be tried again, for reasons that pass: the header ``Retry-After``."""
    overtaken = False
    """True: somebody else was a moment earlier, so another try finds it done, and may not fail."""

    def __init__(self, message: str, *, hint: str = "", details: Mapping[str, Any] | None = None) -> None:
        if type(self) is XrmError:
            raise TypeError("XrmError is the root of all errors; raise one of its subclasses")
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: dict[str, Any] = dict(details or {})

    def to_json(self) -> dict[str, Any]:
        """The one JSON shape: ``{"code", "message", "hint"?, "details"?}``."""
        shape: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.hint:
            shape["hint"] = self.hint
        if self.details:
            shape["details"] = self.details
        return shape

    def public(self) -> dict[str, Any]:
        """What callers over the network are told: :meth:`to_json`, unless that says too much about this place."""
        return self.to_json()

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class SettingsError(XrmError):
    """A setting, path or command-line value cannot be used."""

    code = "SETTINGS_INVALID"


class DatabaseUnavailable(XrmError):
    """The database cannot be reached or opened. The message names it, which is for operators only."""

    code = "DATABASE_UNAVAILABLE"
    http_status = 503
    retry_after = 2

    def public(self) -> dict[str, Any]:
        """Neither file nor host nor user."""
        return {
            "code": self.code,
            "message": say("The database does not answer."),
            "hint": say("Try again in a moment."),
        }


class PortInUse(XrmError):
    """The address to listen on is taken."""

    code = "PORT_IN_USE"


class SchemaFilesInvalid(XrmError):
    """One or more entity files are wrong; ``problems`` has them all."""

    code = "SCHEMA_FILES_INVALID"

    def __init__(self, problems: Sequence["Problem"]) -> None:
        count = len(problems)
        noun = "problem" if count == 1 else "problems"
        super().__init__(
            f"{count} {noun} in the schema files:\n" + "\n".join(str(problem) for problem in problems),
            details={"problems": [problem.to_json() for problem in problems]},
        )
        self.problems = tuple(problems)


class Problem:
    """One mistake in a schema file.

    Args:
        file: path as given by the user.
        line: 1-based line in that file.
        pointer: JSON pointer (RFC 6901) to the value that is wrong; ``""`` is the whole file.
        reason: what is wrong.
        remedy: how to mend it.
    """

    __slots__ = ("file", "line", "pointer", "reason", "remedy")

    def __init__(self, file: str, line: int, pointer: str, reason: str, remedy: str) -> None:
        self.file = file
        self.line = line
        self.pointer = pointer
        self.reason = reason
        self.remedy = remedy

    def to_json(self) -> dict[str, Any]:
        """All five values by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __str__(self) -> str:
        text = f"{self.file}:{self.line} {self.pointer or '/'}: {self.reason} {self.remedy}"
        # One problem, one line: names in files may hold line breaks, or signs that turn a terminal around.
        if text.isprintable():
            return text
        return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


class ModelOutOfDate(XrmError):
    """The database does not have the model of the schema files."""

    code = "MODEL_OUT_OF_DATE"
    http_status = 503
    retry_after = 1


class PermissionsChanged(ModelOutOfDate):
    """The policies were changed between authorisation and write; nothing was done.

    A running server takes the new ones and asks again; only if they cannot be taken does a caller see this.
    """

    code = "PERMISSIONS_CHANGED"


class SchemaChangeRefused(XrmError):
    """A schema change cannot be applied as asked."""

    code = "SCHEMA_CHANGE_REFUSED"


class PluginLoadError(XrmError):
    """A plugin cannot be loaded; names distribution and version."""

    code = "PLUGIN_LOAD_FAILED"


class PolicyInvalid(XrmError):
    """A policy file or row rule is wrong; the whole set is refused."""

    code = "POLICY_INVALID"


class PermissionTestsInvalid(XrmError):
    """A file of permission tests is wrong; ``problems`` has every mistake."""

    code = "PERMISSION_TESTS_INVALID"

    def __init__(self, problems: Sequence["Problem"]) -> None:
        super().__init__(
            f"{len(problems)} problem(s) in the permission tests:\n" + "\n".join(map(str, problems)),
            details={"problems": [problem.to_json() for problem in problems]},
        )


class PermissionTestsFailed(XrmError):
    """Permissions are not as their tests say."""

    code = "PERMISSION_TESTS_FAILED"


class PermissionsRefused(XrmError):
    """Permissions cannot be changed as asked."""

    code = "PERMISSIONS_REFUSED"
    http_status = 403


class PermissionsUnavailable(XrmError):
    """Who may do what cannot be found out, so nobody may do anything."""

    code = "PERMISSIONS_UNAVAILABLE"
    http_status = 503
    retry_after = 5


class Unauthenticated(XrmError):
    """No valid credentials."""

    code = "UNAUTHENTICATED"
    http_status = 401


class Forbidden(XrmError):
    """The caller is known but may not do this."""

    code = "FORBIDDEN"
    http_status = 403


class NotFound(XrmError):
    """No such record, or none that the caller may see: the two are not told apart."""

    code = "NOT_FOUND"
    http_status = 404


class VersionConflict(XrmError):
    """The record was changed since it was read; ``details.currentVersion`` has its version now."""

    code = "VERSION_CONFLICT"
    http_status = 409


class ValidationFailed(XrmError):
    """A record breaks rules of its entity; ``details.problems`` lists field, label, rule and message of each.

    ``entity`` is its name as people call it.
    """

    code = "VALIDATION_FAILED"
    http_status = 422

    def __init__(self, problems: Sequence[Mapping[str, str]], *, entity: str) -> None:
        # In English a field is called as in its file, which is where those look who read these texts in logs.
        called = "field" if is_english() else "label"
        text = "; ".join(
            f"{problem.get(called) or problem['field'] or entity}: {problem['message']}" for problem in problems
        )
        super().__init__(
            say("The {entity} is not valid. {problems}", entity=entity, problems=text),
            details={"problems": [dict(p) for p in problems]},
        )
        self.problems = tuple(problems)
        self.entity = entity


class Refuse(Exception):
    """Raised by a before-hook of a plugin to refuse a write; the caller gets it as :class:`RefusedByPlugin`.

    Args:
        message: why, for the person who wants to write: shown as it is. Or texts by language, ``{"en": …, "de": …}``:
            the one in the person's language is shown, else the English one, else the first.
        field: the field that is to blame, if it is one.
        problems: of several fields, field → what is wrong with it, as ``message``. A field of a record that stands in
            another is named by its path: ``lines.0.price``.
        values: for the ``{names}`` in these texts. A text that stands in a catalogue of the plugin
            (:class:`~xrm_core.translation.Texts`) is shown in the person's language.
    """

    def __init__(
        self,
        message: str | Mapping[str, str],
        *,
        field: str | None = None,
        problems: Mapping[str, str | Mapping[str, str]] | None = None,
        values: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.problems = dict(problems or {})
        self.values = dict(values or {})


class VaultRefused(XrmError):
    """Something cannot be moved into the vault, or not come out of it now."""

    code = "VAULT_REFUSED"
    http_status = 409


class RecordInUse(XrmError):
    """The record cannot be deleted, since other records refer to it."""

    code = "RECORD_IN_USE"
    http_status = 409


class DeletionTooLarge(XrmError):
    """More records than one deletion may change would go along with the record, or lose their relation to it."""

    code = "DELETION_TOO_LARGE"
    http_status = 422


class RefusedByPlugin(XrmError):
    """A before-hook of a plugin refused the write, or failed; ``details.plugin`` names it."""

    code = "REFUSED_BY_PLUGIN"
    http_status = 422


class BadRequest(XrmError):
    """The HTTP request is not a well-formed GraphQL request."""

    code = "BAD_REQUEST"


class FileTooLarge(XrmError):
    """A file has more bytes than the server takes."""

    code = "FILE_TOO_LARGE"
    http_status = 413


class FileRefused(XrmError):
    """A file is empty, or something else than its sender says."""

    code = "FILE_REFUSED"
    http_status = 422


class TooManyFiles(XrmError):
    """A user has stored many files that no record refers to yet."""

    code = "TOO_MANY_FILES"
    http_status = 429


class BadQuery(XrmError):
    """The GraphQL document, its variables or arguments are wrong."""

    code = "BAD_QUERY"
    http_status = 422


class BadCursor(XrmError):
    """A paging cursor is damaged or belongs to another order."""

    code = "BAD_CURSOR"
    http_status = 422


class QueryTooLarge(XrmError):
    """A document exceeds a limit (bytes, tokens, depth, aliases, page size)."""

    code = "QUERY_TOO_LARGE"
    http_status = 422


class FieldSealed(BadQuery):
    """A filter, an order or a rule would have to look at sealed values."""

    code = "FIELD_SEALED"


class Busy(XrmError):
    """Other writers held what this write needs, or changed it meanwhile; trying again helps."""

    code = "BUSY"
    http_status = 503
    retry_after = 1


class DatabaseOverloaded(XrmError):
    """The database has no memory left for a statement or its locks; nothing of it was done."""

    code = "DATABASE_OVERLOADED"
    http_status = 503
    retry_after = 2


class Overloaded(XrmError):
    """More is asked for than can be done or kept waiting; nothing of this request was done."""

    code = "OVERLOADED"
    http_status = 503
    retry_after = 1


class ShuttingDown(XrmError):
    """The server is about to end and takes no more requests; nothing of this one was done."""

    code = "SHUTTING_DOWN"
    http_status = 503
    retry_after = 1


class Timeout(XrmError):
    """The database needed longer than the statement timeout."""

    code = "TIMEOUT"
    http_status = 503


class ImportFailed(XrmError):
    """An import cannot start or was refused as a whole."""

    code = "IMPORT_FAILED"


class InternalError(XrmError):
    """Something failed that the caller cannot mend; ``details.requestId`` finds it in the log."""

    code = "INTERNAL_ERROR"
    http_status = 500


class TablesChanged(InternalError):
    """A statement does not fit the tables: somebody gave the database another model, or changed tables by hand.

    A running server looks for a new model and asks again; only if there is none does a caller see this.
    """
