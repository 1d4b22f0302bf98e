"""Who sees, cancels and retries which jobs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.auth.kit import opened
from tests.docs.pages import DOCS, examples
from tests.docs.test_tokens_page import shape
from tests.jobs.kit import Queue
from tests.jobs.worlds import JobWorld
from xrm_core.auth import tokens
from xrm_core.errors import BadQuery, PermissionsChanged, Unauthenticated
from xrm_core.jobs import queue
from xrm_core.jobs.administration import JobAdministration
from xrm_core.jobs.job import Failure, JobConflict, State
from xrm_core.permissions.access import Access
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import JOBS, Action

NOBODY = "0198c0de-0000-7000-8000-000000000001"


def access(*actions: Action, personal: bool = True) -> Access:
    """Rights to jobs and nothing else."""
    from xrm_core.metadata.predicate import EVERYTHING
    from xrm_core.permissions.access import Permission

    return Access("test", {(JOBS, action): Permission(EVERYTHING) for action in actions}, personal=personal)


def administration(jobs: JobWorld) -> JobAdministration:
    world = jobs.world
    return JobAdministration(jobs.database, world.model, world.authority.policies.version, lambda *_: None)


def seen(admin: JobAdministration, caller: User, **where: Any) -> list[str]:
    return [each["id"] for each in admin.background_jobs(caller, None, where)["nodes"]]


@pytest.fixture
def people(jobs: JobWorld) -> dict[str, User]:
    """Callers by what they may."""
    anna, ben = jobs.world.users["anna"], jobs.world.users["ben"]
    return {
        "anna": User(anna, access()),
        "ben": User(ben, access()),
        "reader": User(ben, access(Action.READ)),
        "operator": User(ben, access(Action.READ, Action.UPDATE)),
        "changer": User(ben, access(Action.UPDATE)),
        "held token": User(anna, access(personal=False), token=NOBODY),
        "service": User(None, access(personal=False), token=NOBODY),
    }


def test_who_sees_and_changes_which_jobs(jobs: JobWorld, people: dict[str, User]) -> None:
    admin = administration(jobs)
    annas, nobodys = jobs.add(owner=people["anna"].id), jobs.add()
    services = jobs.add(owner=NOBODY)
    every = {annas, nobodys, services}
    sees = {name: {annas} if name == "anna" else set() for name in people}
    sees |= {"reader": every, "operator": every}
    changes = sees | {"reader": set()}
    for name, caller in people.items():
        assert set(seen(admin, caller)) == sees[name], name
        for id_ in every:
            assert (admin.background_job(caller, None, id_) is not None) is (id_ in sees[name]), name
    for name, caller in people.items():
        for id_ in every - changes[name]:
            assert admin.cancel_background_job(caller, None, id_) is None, name
            assert admin.retry_background_job(caller, None, id_) is None, name
    assert {jobs.job(id_).state for id_ in every} == {State.PENDING}
    for name in ("anna", "operator"):
        for id_ in changes[name]:
            assert admin.cancel_background_job(people[name], None, id_)["state"] == "CANCELLED"  # type: ignore[index]
            assert admin.retry_background_job(people[name], None, id_)["state"] == "PENDING"  # type: ignore[index]


def test_a_page_of_jobs(jobs: JobWorld, people: dict[str, User]) -> None:
    admin, operator, anna = administration(jobs), people["operator"], people["anna"]
    ids = [jobs.add("other" if n == 1 else "work", owner=anna.id if n < 2 else None) for n in range(4)][::-1]
    run = jobs.claim("other")
    assert run is not None
    jobs.write(queue.fail, run, Failure("FAILED", "No."), None)
    assert seen(admin, operator) == ids
    assert seen(admin, operator, state="DEAD") == seen(admin, operator, name="other") == [ids[2]]
    assert seen(admin, operator, owner=anna.id) == ids[2:]
    assert seen(admin, operator, mine=True) == []
    assert seen(admin, replace(operator, id=anna.id), mine=True) == ids[2:]
    assert seen(admin, anna, owner=operator.id) == []
    first = admin.background_jobs(operator, None, first=3)
    assert [each["id"] for each in first["nodes"]] == ids[:3]
    assert first["pageInfo"]["hasNextPage"]
    rest = admin.background_jobs(operator, None, first=3, after=first["pageInfo"]["endCursor"])
    assert [each["id"] for each in rest["nodes"]] == ids[3:]
    assert not rest["pageInfo"]["hasNextPage"]
    for wrong in ({"first": 0}, {"first": 201}, {"after": "x"}, {"where": {"owner": "x"}}):
        with pytest.raises(BadQuery):
            admin.background_jobs(operator, None, **wrong)


def test_what_is_shown_of_a_job(jobs: JobWorld, people: dict[str, User]) -> None:
    admin, operator = administration(jobs), people["operator"]
    id_ = jobs.add(payload={"iban": "DE02"}, key="IBAN DE02")
    run = jobs.taken()
    jobs.write(queue.beat, run, (40, "2 of 5"))
    shown = admin.cancel_background_job(operator, None, id_)
    assert shown is not None
    assert (shown["state"], shown["cancelling"], shown["progress"], shown["message"]) == ("RUNNING", True, 40, "2 of 5")
    assert "DE02" not in str(shown)
    jobs.write(queue.fail, run, Failure("FAILED", "No."), None)
    jobs.add(key="IBAN DE02")
    with pytest.raises(JobConflict):
        admin.retry_background_job(operator, None, id_)
    assert admin.background_job(operator, None, id_)["error"] == {"code": "FAILED", "message": "No."}  # type: ignore[index]


def test_who_has_lost_the_right_changes_nothing(jobs: JobWorld, people: dict[str, User]) -> None:
    id_ = jobs.add()

    def lost(*_: object) -> None:
        raise Unauthenticated("The token has ended.")

    for admin, error in (
        (replace(administration(jobs), held=lost), Unauthenticated),
        (replace(administration(jobs), policies="others"), PermissionsChanged),
    ):
        with pytest.raises(error):
            admin.cancel_background_job(people["operator"], None, id_)
    assert jobs.job(id_).state is State.PENDING


def test_through_graphql_as_the_page_shows(tmp_path: Path) -> None:
    [example] = examples(DOCS / "jobs.md", "account")
    with opened(f"sqlite:///{tmp_path / 'house.db'}", tmp_path) as house:
        eva = house.person()
        found = Queue(house.database)
        id_ = found.add("fleet.retire", owner=eva.id)
        run = found.claim("fleet.retire")
        assert run is not None
        found.write(queue.beat, run, (40, "2 of 5"))
        found.write(queue.fail, run, Failure("FAILED", "There is nothing to retire."), None)
        session = house.signed_in(eva)

        def ask(document: str) -> Any:
            return house.post("/graphql", {"query": document, "variables": {"id": id_}}, **session).json()

        assert shape(ask(example.query)) == example.answer
        change = "mutation ($id: ID!) { %sBackgroundJob(id: $id) { id state } }"
        assert ask(change % "retry")["data"]["retryBackgroundJob"] == {"id": id_, "state": "PENDING"}
        assert ask(change % "retry")["errors"][0]["extensions"]["code"] == "JOB_CONFLICT"
        assert ask(change % "cancel")["data"]["cancelBackgroundJob"] == {"id": id_, "state": "CANCELLED"}
        # a token that may do less than eva does not even know of them
        with house.database.begin() as connection:
            limits = tokens.TokenLimits(roles=[], grants={})
            token = tokens.create_token(connection, eva.id, "held", limits=limits)
        answer = house.post(
            "/graphql", {"query": "{ backgroundJobs { nodes { id } } }"}, Authorization=f"Bearer {token}"
        ).json()
        assert answer["errors"][0]["extensions"]["code"] == "BAD_QUERY"
