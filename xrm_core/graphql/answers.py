"""Answers in the form of the GraphQL specification; every error has a code in its extensions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from graphql import GraphQLError, GraphQLSyntaxError

from xrm_core.errors import BadQuery, BadRequest, InternalError, XrmError
from xrm_core.telemetry.request import note_code, note_error, request_id
from xrm_core.translation import say

_log = structlog.get_logger(__name__)


PARTIAL_SUCCESS = 294
"""GraphQL over HTTP's own status: executed, with errors."""


@dataclass(slots=True)
class Answer:
    """The body of an answer.

    ``executed`` is False if the request was refused before execution (no ``data``); ``status`` is the HTTP status that
    fits with the media type of GraphQL. ``at_hand``: it was there without waiting for anything.
    """

    body: bytes
    executed: bool = True
    status: int = 200
    at_hand: bool = False


def refused(*errors: XrmError, extensions: Mapping[str, Any] | None = None) -> Answer:
    """The answer to a request that was not executed."""
    body: dict[str, Any] = {"errors": [shape(error) for error in errors]}
    if extensions is not None:
        body["extensions"] = extensions
    return Answer(orjson.dumps(body), executed=False, status=max(error.http_status for error in errors))


def invalid(errors: Iterable[GraphQLError]) -> Answer:
    """The answer to a document or variables that graphql-core found wrong."""
    found = list(errors)
    shaped = [_located(error, _wrong(error)) for error in found]
    unreadable = any(isinstance(error, GraphQLSyntaxError) for error in found)
    status = BadRequest.http_status if unreadable else BadQuery.http_status
    return Answer(orjson.dumps({"errors": shaped}), executed=False, status=status)


Understood = Callable[[BaseException], XrmError | None]


def result(
    data: Any,
    errors: Iterable[GraphQLError] | None,
    understood: Understood,
    extensions: Mapping[str, Any] | None = None,
) -> Answer:
    """The answer out of graphql-core's result; ``understood`` puts errors of the database into words of ours."""
    body: dict[str, Any] = {}
    if errors:
        body["errors"] = [_of_graphql(error, understood) for error in errors]
    body["data"] = data
    if extensions is not None:
        body["extensions"] = extensions
    return Answer(orjson.dumps(body), status=PARTIAL_SUCCESS if errors else 200)


def shape(error: XrmError) -> dict[str, Any]:
    """An error of ours as a GraphQL error."""
    note_error(error)
    extensions = error.public()
    return {"message": str(extensions.pop("message")), "extensions": extensions}


def unexpected(error: BaseException) -> InternalError:
    """The error that a caller sees when something broke that they cannot mend; the log has the cause."""
    number = request_id()
    cause = getattr(error, "orig", error)
    diagnosis = getattr(cause, "diag", None)
    if diagnosis is not None:
        # The text of a database's error may quote whole rows; its state and first line do not.
        _log.error("database_error", request_id=number, state=diagnosis.sqlstate, text=diagnosis.message_primary)
    else:
        _log.error("unexpected_error", request_id=number, exc_info=error)
    return InternalError(
        say("Something went wrong on the server."),
        hint=say("Report it with the request id."),
        details={"requestId": number},
    )


def cause(error: GraphQLError) -> BaseException:
    """What a resolver raised; the error itself if it is graphql-core's own."""
    found: BaseException = error
    while isinstance(found, GraphQLError) and found.original_error is not None:
        found = found.original_error
    return found


def _of_graphql(error: GraphQLError, understood: Understood) -> dict[str, Any]:
    original = cause(error)
    if isinstance(original, GraphQLError):
        return _located(error, _wrong(error))
    ours = original if isinstance(original, XrmError) else understood(original)
    return _located(error, shape(ours or unexpected(original)))


def _wrong(error: GraphQLError) -> dict[str, Any]:
    """Validation and coercion: the words are graphql-core's and the scalars', about the caller's own document."""
    note_code(BadQuery.code)
    return {"message": error.message, "extensions": {"code": BadQuery.code}}


def _located(error: GraphQLError, shaped: dict[str, Any]) -> dict[str, Any]:
    if error.locations:
        shaped["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
    if error.path:
        shaped["path"] = list(error.path)
    return shaped
