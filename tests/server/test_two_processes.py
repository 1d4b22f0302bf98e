"""Two server processes on one database: what is taken away at one is gone at both, and no answer mixes old and new."""

import datetime as dt
import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.cli.conftest import Server
from tests.postgres import PostgresServer
from tests.server.two_servers import COLOURS, Load, Two, answer_of, seen_of, two_servers
from xrm_core.auth import tokens
from xrm_core.auth.authenticator import REMEMBER_SECONDS

SIGHTS = {"red": "buyer,product,read,name price,red,allow", "blue": "buyer,product,read,name rank,blue,allow"}
"""What of the only product that buyers may see, by its name."""

UNHURRIED = 0.02
"""Seconds between two looks where it is waited for the end of what a server remembers."""

COUNTS = """{ products { totalCount nodes { name } } red: products(where: {name: {eq: "red"}}) { totalCount }
    blue: products(where: {name: {eq: "blue"}}) { totalCount } }"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def two(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("two")
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'shop.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        yield stack.enter_context(two_servers(url, folder))


def show(two: Two, name: str) -> None:
    """Let buyers see one of the products, at both servers."""
    two.put_in_force(SIGHTS[name])
    two.until(lambda server: seen_of(server, two.shop.buyer) == (name,))


def test_no_answer_mixes_two_policy_sets_and_each_change_is_seen_by_both(two: Two) -> None:
    # Given buyers who see red products with their price, or blue ones with their rank, as policies say in turns
    wrong: list[Any] = []
    codes: set[str] = set()
    rows: dict[str, set[str]] = {"price": set(), "rank": set()}

    def read(server: Server) -> None:
        for field, names in rows.items():
            answer = answer_of(server, two.shop.buyer, f"{{ products {{ nodes {{ name {field} }} }} }}")
            if isinstance(answer, str):
                codes.add(answer)
            else:
                names.update(each["name"] for each in answer["products"]["nodes"])
        data = answer_of(server, two.shop.buyer, COUNTS)
        shown = [each["name"] for each in data["products"]["nodes"]]
        if len(shown) != 1 or data["products"]["totalCount"] != 1 or data[shown[0]]["totalCount"] != 1:
            wrong.append(data)
        if data["red"]["totalCount"] + data["blue"]["totalCount"] != 1:
            wrong.append(data)

    show(two, "blue")
    # When the policies change under their eyes
    with Load(two, read, threads=2):
        for name in COLOURS * 2:
            show(two, name)
    # Then each answer was of one set, and whoever may not is told so
    assert wrong == []
    assert codes == {"BAD_QUERY"}
    assert rows == {"price": {"red"}, "rank": {"blue"}}


def test_no_write_of_either_comes_under_former_policies_once_others_are_in_force(two: Two) -> None:
    # Given a buyer who writes at both servers without end, the red product and the blue one
    _, token = two.buyer()
    numbers = itertools.count(1)

    def write(server: Server) -> tuple[str, str]:
        number = next(numbers)
        name = COLOURS[number % 2]
        query = f'mutation {{ updateProduct(id: "{two.products[name]}", input: {{rank: {number}}}) {{ rank }} }}'
        answer = answer_of(server, token, query)
        return name, answer if isinstance(answer, str) else "done"

    def let_write(name: str) -> None:
        two.put_in_force("buyer,product,read,*,,allow", f"buyer,product,update,rank,{name},allow")

    def rank(name: str) -> int:
        return int(two.admin(f'{{ product(id: "{two.products[name]}") {{ rank }} }}')["product"]["rank"])

    let_write("red")
    two.until(lambda server: write(server)[1] != "BAD_QUERY")
    with Load(two, write, threads=2) as load:
        load.await_more(4)
        for allowed, former in [("blue", "red"), ("red", "blue")] * 2:
            # When policies change which of them the buyer may write
            let_write(allowed)
            changed = time.monotonic()
            before = rank(former)
            # Then the former one is as it is, also for who was let in just before
            while load.asked_since(changed).count((allowed, "done")) < 4:
                load.await_more(4)
            assert rank(former) == before
            assert (former, "done") not in load.asked_since(changed)
    # And each was told what it was: done or not
    assert {answer for _, answer in load.asked_since(0)} == {"done", "FORBIDDEN"}


def ends(two: Two, token: str, load: Load, since: float, refused: Any) -> None:
    """Whoever asks is refused at both in the time that a server remembers, and nobody had another answer than that."""
    two.until(lambda server: seen_of(server, token) == refused)
    load.await_more()
    assert ("red",) in load.asked_before(since)
    assert ("red",) not in load.asked_since(since + REMEMBER_SECONDS)
    assert {*load.asked_since(0)} == {("red",), refused}


def test_a_token_that_is_revoked_under_load_ends_at_both(two: Two) -> None:
    show(two, "red")
    _, token = two.buyer()
    token_id = two.token_id(token)
    with Load(two, lambda server: seen_of(server, token), pause=UNHURRIED) as load:
        load.await_more()
        with two.database() as database, database.begin() as connection:
            tokens.revoke_token(connection, token_id)
        ends(two, token, load, time.monotonic(), "UNAUTHENTICATED")


def test_a_user_who_is_deactivated_under_load_is_out_at_both(two: Two) -> None:
    show(two, "red")
    user, token = two.buyer()
    with Load(two, lambda server: seen_of(server, token), pause=UNHURRIED) as load:
        load.await_more()
        two.admin(f'mutation {{ updateUser(id: "{user}", input: {{active: false}}) {{ id }} }}')
        ends(two, token, load, time.monotonic(), "UNAUTHENTICATED")


def test_roles_that_are_taken_under_load_end_at_both(two: Two) -> None:
    show(two, "red")
    user, token = two.buyer()
    with Load(two, lambda server: seen_of(server, token), pause=UNHURRIED) as load:
        load.await_more()
        with two.database() as database, database.begin() as connection:
            tokens.set_roles(connection, user, [])
        ends(two, token, load, time.monotonic(), "BAD_QUERY")


@pytest.mark.parametrize("how", ["unshared", "over"])
def test_a_share_that_ends_under_load_has_ended_at_both(two: Two, how: str) -> None:
    # Given a buyer who sees one product only because it is shared
    two.put_in_force("buyer,product,read,name,shared,allow")
    user, token = two.buyer()
    two.until(lambda server: seen_of(server, token) == ())
    with_whom = f'id: "{two.products["blue"]}", with: {{user: "{user}"}}'

    def share(more: str = "") -> None:
        two.admin(f"mutation {{ shareProduct({with_whom}, level: READ{more}) {{ id }} }}")

    share()
    with Load(two, lambda server: seen_of(server, token), pause=UNHURRIED) as load:
        load.await_more()
        # When that ends by who takes it back at one of the servers, or by its time: nobody remembers it
        if how == "unshared":
            two.admin(f"mutation {{ unshareProduct({with_whom}) {{ id }} }}")
        else:
            until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
            share(f', until: "{until.isoformat()}"')
            time.sleep(max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds() + 0.05))
        ended = time.monotonic()
        load.await_more()
    # Then it is not seen any more from this moment on, and was until then
    assert ("blue",) in load.asked_before(ended)
    assert {*load.asked_since(ended)} == {()}
    assert {*load.asked_since(0)} == {("blue",), ()}
