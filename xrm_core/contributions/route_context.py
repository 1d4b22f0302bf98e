"""What the function of a route is given: the request, who asks, and the transaction."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sqlalchemy import Connection

from xrm_core.errors import BadRequest, Timeout
from xrm_core.permissions.caller import Caller, User
from xrm_core.query.reads import Read
from xrm_core.records.actions import perform
from xrm_core.records.asking import asks_of
from xrm_core.records.context import Context
from xrm_core.records.showing import Showing
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records

ROUTE = "route"
"""Kind of the cause in the change log: everything that a route does has it, with the plugin and the path."""

_MOST_FIELDS = 1000


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """An HTTP request, whole.

    ``path`` has the values of the parameters of the path, ``query`` the parameters behind the question mark, each as it
    came last; ``headers`` have names in small letters. ``base`` stands before paths of this server in links, as
    ``/t/acme`` for who has come to a tenant by its path. ``address`` is the client's.
    """

    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    address: str | None = None
    base: str = ""

    def json(self) -> Any:
        """The body as JSON. Raises BadRequest: it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise BadRequest("The body is no JSON.") from None

    def form(self) -> dict[str, str]:
        """The fields of a form as browsers send it (``application/x-www-form-urlencoded``), each as it came last.

        Raises:
            BadRequest: it is something else.
        """
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise BadRequest("The body is no form.", hint="Send it as application/x-www-form-urlencoded.")
        try:
            text = self.body.decode()
            return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS))
        except ValueError:
            raise BadRequest("The form cannot be read.", hint="Send it in UTF-8.") from None


class RouteContext(Context, Showing):
    """One request to a route of a plugin, as its function sees it.

    By GET it reads, from one snapshot. By other methods all that it does is one transaction: it is committed if the
    function returns an answer below 400, else nothing of it stays. It may be called again if another transaction got in
    the way, so what leaves the database is for a job.

    Args:
        records: the door for records: ``create``, ``update``, ``delete`` …, each with a connection and a caller.
        connection: with the transaction.
        caller: who asks, with their rights; of a public route a caller without a user, with the rights of its role.
        request: what is asked.
        name: of the route.
        tenant: its name; empty for the main database.
        settings: of the plugin.
        seconds: that it may take.
        link: makes links to files.
    """

    def __init__(
        self,
        records: "Records",
        connection: Connection,
        caller: User,
        request: RouteRequest,
        name: str,
        tenant: str,
        settings: Any,
        seconds: float,
        link: Callable[[str, str], tuple[str, str]],
    ) -> None:
        super().__init__(records, connection, caller, (ROUTE, name))
        self.request = request
        self.name = name
        self.tenant = tenant
        self.settings = settings
        self.reads: list[tuple[Read, Any]] = []
        """What was shown to the caller of entities whose reads are logged."""
        self._link = link
        self._until = time.monotonic() + seconds

    def query(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a GraphQL query for records answers to the caller: its ``data``.

        Raises:
            Forbidden: the caller may not see something that it asks for.
            BadQuery, QueryTooLarge: it asks for too much.
            Timeout: the time of the route is over.
        """
        self.check()
        asked = asks_of(self.records).ask(self.connection, self.caller, document, variables)
        self.reads.extend(asked.reads)
        return asked.data

    def link_to_file(self, id_: str) -> tuple[str, str]:
        """The path of a link to a file, for a short time, and when it ends (RFC 3339): whoever has it reads the file,
        whatever rights they have. So the function has to know that they may.

        Raises:
            SecretKeyNeeded: the installation has no key to sign it by.
        """
        query, until = self._link(self.tenant, id_)
        return f"{self.request.base}/files/{id_}?{query}", until

    def run_action(
        self, name: str, id_: str | None = None, given: Any = None, version: int | None = None
    ) -> dict[str, Any]:
        """Run an action of a plugin as the caller, who needs the right to it.

        Args:
            name: ``plugin.action``.
            id_: of its record, if it is about one.
            given: its input, as JSON has it.
            version: that the record must have now.

        Returns:
            What it answers beside its record.

        Raises:
            NotFound, Forbidden, VersionConflict, ValueInvalid: it was not run.
            RefusedByPlugin: its plugin refused or failed.
        """
        return self._perform(self.caller, name, id_, given, version)

    def run_action_as_system(
        self, name: str, id_: str | None = None, given: Any = None, version: int | None = None
    ) -> dict[str, Any]:
        """The same with all rights: the function has to know that the caller may have it done."""
        return self._perform(self.system, name, id_, given, version)

    def check(self) -> None:
        """Between two steps of long work: raises Timeout if the time of the route is over."""
        if time.monotonic() > self._until:
            raise Timeout(say("It took too long; nothing was done."), hint=say("Ask for less at a time."))

    def _perform(self, caller: Caller, name: str, id_: str | None, given: Any, version: int | None) -> dict[str, Any]:
        self.check()
        return perform(
            self.records, self.connection, caller, name, id_=id_, given=given, version=version, reads=self.reads
        )
