"""A client of GraphQL, as a user sees it; what was not expected fails the test and says why."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient


@dataclass(frozen=True)
class Refusal:
    """An error of an answer: its ``code``, ``message`` and ``path``; ``details`` and ``hint`` if there are any."""

    code: str
    message: str
    path: tuple[str | int, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    hint: str = ""

    def __str__(self) -> str:
        where = f" at {'.'.join(map(str, self.path))}" if self.path else ""
        more = f" {json.dumps(self.details, ensure_ascii=False, default=str)}" if self.details else ""
        return f"{self.code}{where}: {self.message}{f' {self.hint}' if self.hint else ''}{more}"


class Client:
    """One user. ``user_id`` is theirs, ``token`` is one of theirs, ``http`` reaches the app.

    Args:
        http: reaches it.
        token: of the user.
        user_id: of the user.
    """

    def __init__(self, http: TestClient, token: str, user_id: str) -> None:
        self.http, self.token, self.user_id = http, token, user_id

    def query(self, document: str, /, **variables: Any) -> Any:
        """The ``data`` of an answer.

        Raises:
            AssertionError: the answer has errors; tells them all.
        """
        answer = self.post(document, **variables).json()
        refusals = _refusals(answer)
        if refusals:
            raise AssertionError(f"The answer has errors:\n{_lines(refusals)}\nThe document was: {document}")
        return answer["data"]

    def refused(self, document: str, code: str | None = None, /, **variables: Any) -> Refusal:
        """The one error of an answer.

        Args:
            document: what is asked.
            code: which it has to be.
            variables: of the document.

        Raises:
            AssertionError: there is none, there are several, or it is another one.
        """
        answer = self.post(document, **variables).json()
        refusals = _refusals(answer)
        told = _lines(refusals) or f"  none, but the answer {json.dumps(answer)[:2000]}"
        wanted = "one error" if code is None else f"the error {code} alone"
        if len(refusals) != 1 or code not in (None, refusals[0].code):
            raise AssertionError(f"The answer should have {wanted}; it has:\n{told}\nThe document was: {document}")
        return refusals[0]

    def post(self, document: str, /, *, headers: Mapping[str, str] | None = None, **variables: Any) -> Response:
        """The answer as it came, for tests of what is around it: status, headers, extensions."""
        return self.request("POST", "/graphql", json={"query": document, "variables": variables}, headers=headers)

    def request(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
        """Ask any address of the app as this user."""
        given = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return self.http.request(method, path, headers=given, **more)


def _refusals(answer: Mapping[str, Any]) -> list[Refusal]:
    found = []
    for error in answer.get("errors", ()):
        more = error.get("extensions", {})
        found.append(
            Refusal(
                more.get("code", "?"),
                error["message"],
                tuple(error.get("path", ())),
                more.get("details", {}),
                more.get("hint", ""),
            )
        )
    return found


def _lines(refusals: Sequence[Refusal]) -> str:
    return "\n".join(f"  {each}" for each in refusals)
