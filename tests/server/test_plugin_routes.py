"""Routes of plugins: signed in or public, each request one snapshot or one transaction."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.responses import HTMLResponse, Response, StreamingResponse

from tests.records.kit import CUSTOMERS
from tests.server.http_kit import Client, code, serving
from xrm_core.api import Action, ActionContext, Refuse, Route, RouteContext, hookimpl
from xrm_core.auth import tokens
from xrm_core.contributions.routes import routes_of
from xrm_core.errors import PluginLoadError
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.server.address_limits import AddressLimits, TooManyRequests
from xrm_core.storage.engines import Database

NAMES = "{ customers(orderBy: {name: ASC}) { nodes { name } } }"
PAGE = "<!doctype html><title>Thank you</title>"


def names(context: RouteContext) -> list[str]:
    return [each["name"] for each in context.query(NAMES)["customers"]["nodes"]]


def echo(context: RouteContext) -> dict[str, Any]:
    request = context.request
    return {
        "part": request.path["part"],
        "q": dict(request.query),
        "who": context.caller.id,
        "tenant": context.tenant,
        "agent": request.headers["user-agent"],
        "base": request.base,
        "city": context.settings.city,
    }


@dataclass
class Settings:
    city: str = "Ulm"


@dataclass
class Lead:
    name: str


def add(context: ActionContext, given: Lead) -> None:
    context.records.create(context.connection, context.system, "customer", {"name": given.name})


def lead(context: RouteContext) -> Response:
    form = context.request.form()
    context.run_action("test.add", given={"name": form["name"]})
    if form.get("trap"):
        return HTMLResponse("no", 400)
    if form["name"] == "Refused":
        raise Refuse("Not you.", field="name")
    if form["name"] == "Broken":
        raise ZeroDivisionError("secret detail")
    return HTMLResponse(PAGE, 201)


def change(context: RouteContext) -> None:
    given = context.request.json()
    context.records.update(context.connection, context.caller, "customer", given["id"], {"city": given["city"]})


def write_by_get(context: RouteContext) -> None:
    context.records.create(context.connection, context.system, "note", {"text": "by a scanner of mails"})


def stream(_context: RouteContext) -> Response:
    return StreamingResponse(iter(["x"]))


def slow(context: RouteContext) -> None:
    context.connection.exec_driver_sql(SLOW[context.connection.dialect.name])


SLOW = {
    "postgresql": "SELECT pg_sleep(20)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
}
ROUTES = [
    Route("/names", names),
    Route("/echo/{part}", echo, public=True),
    Route("/leads", lead, ("POST",), public=True, role="form", per_minute=6, max_bytes=100),
    Route("/uninvited", lead, ("POST",), public=True),
    Route("/customers", change, ("POST", "PUT")),
    Route("/scanned", write_by_get, public=True),
    Route("/stream", stream, public=True),
    Route("/slow", slow, public=True, seconds=0.2),
]


def plugin(*routes: Route) -> SimpleNamespace:
    @hookimpl
    def register_routes() -> list[Route]:
        return list(routes)

    @hookimpl
    def register_actions() -> list[Action]:
        return [Action("test.add", add, input=Lead)]

    @hookimpl
    def register_settings() -> type:
        return Settings

    hooks = {"register_routes": register_routes, "register_actions": register_actions}
    return SimpleNamespace(**hooks, register_settings=register_settings)


ROLES = {**CUSTOMERS.roles, "roles": {**CUSTOMERS.roles["roles"], "form": {}}}
PACK = replace(CUSTOMERS, roles=ROLES, policies=f"{CUSTOMERS.policies}form,test.add,run,*,,allow\n")


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[Client]:
    with serving(database, tmp_path, PACK, plugin(*ROUTES)) as found:
        yield found


def as_ben(client: Client) -> dict[str, str]:
    with client.database.begin() as connection:
        tokens.set_roles(connection, client.world.users["ben"], ["rep"])
        return {"Authorization": f"Bearer {tokens.create_token(connection, client.world.users['ben'], 'rep')}"}


def test_a_route_answers_whoever_is_signed_in_with_their_rights(client: Client) -> None:
    for name, owner in (("Ada", "ben"), ("Bob", "anna")):
        client.world.create("admin", "customer", {"name": name, "owner": client.world.users[owner]})
    ben = as_ben(client)
    answer = client.http.get("/plugins/test/names", headers=ben)
    assert (answer.status_code, answer.json()) == (200, ["Ada"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    # without, with a wrong token, to view as somebody, by another method
    assert code(client.http.get("/plugins/test/names")) == "UNAUTHENTICATED"
    assert client.http.get("/plugins/test/names").headers["www-authenticate"].startswith("Bearer")
    assert code(client.http.get("/plugins/test/names", headers={"Authorization": "Bearer xrm_x"})) == "UNAUTHENTICATED"
    assert code(client.http.get("/plugins/test/names", headers={**ben, "X-View-As": "anna"})) == "BAD_REQUEST"
    assert client.http.post("/plugins/test/names", headers=ben).status_code == 405
    assert code(client.http.get("/plugins/test/nothing", headers=ben)) == "NOT_FOUND"
    # a browser's cookie is taken from this origin only
    client.http.cookies.set("xrm_session", "some")
    assert code(client.http.post("/plugins/test/customers", json={})) == "CROSS_SITE_REFUSED"


def test_what_it_writes_is_one_transaction_of_the_caller(client: Client) -> None:
    ben = as_ben(client)
    mine, other = (
        client.world.create("admin", "customer", {"name": name, "owner": client.world.users[name]})
        for name in ("ben", "anna")
    )
    assert client.http.put("/plugins/test/customers", json={"id": mine, "city": "Ulm"}, headers=ben).status_code == 204
    assert client.world.stored("customer", mine)["city"] == "Ulm"  # type: ignore[index]
    history = "query ($id: ID!) { customer(id: $id) { history { actor version causes { kind name } } } }"
    changes = client.ask(history, id=mine)["data"]["customer"]["history"]
    change_ = next(each for each in changes if each["version"] == 2)
    assert change_["actor"] == client.world.users["ben"]
    assert {"kind": "route", "name": "test/customers"} in change_["causes"]
    before = client.world.state()
    refused = client.http.post("/plugins/test/customers", json={"id": other, "city": "Ulm"}, headers=ben)
    assert code(refused) == "NOT_FOUND"
    assert code(client.http.post("/plugins/test/customers", content="{", headers=ben)) == "BAD_REQUEST"
    assert client.world.state() == before


def test_a_public_route_has_the_rights_of_its_role(client: Client) -> None:
    def post(path: str = "leads", **form: str) -> Any:
        return client.http.post(f"/plugins/test/{path}", data=form, headers={"Origin": "https://elsewhere.example"})

    answer = post(name="Ada")
    assert (answer.status_code, answer.text) == (201, PAGE)
    assert answer.headers["content-type"].startswith("text/html")
    assert client.ask(NAMES)["data"]["customers"]["nodes"] == [{"name": "Ada"}]
    before = client.world.state()
    trapped = post(name="Bot", trap="x")  # an answer that refuses takes the transaction back
    assert (trapped.status_code, trapped.text) == (400, "no")
    refused = post(name="Refused").json()["errors"][0]
    assert (refused["message"], refused["extensions"]["details"]["plugin"]) == ("Not you.", "test")
    broken = post(name="Broken")
    assert (broken.status_code, code(broken)) == (422, "REFUSED_BY_PLUGIN")
    assert "secret" not in broken.text
    assert "Traceback" not in broken.text
    assert code(post("uninvited", name="Eve")) == "FORBIDDEN"  # nobody gave it a role
    assert code(post(name="x" * 200)) == "BODY_TOO_LARGE"
    assert code(client.http.post("/plugins/test/leads", json={})) == "BAD_REQUEST"
    flooded = post(name="Ada")  # after six of this address within the minute
    assert (flooded.status_code, code(flooded)) == (429, "TOO_MANY_REQUESTS")
    assert int(flooded.headers["retry-after"]) > 0
    assert client.world.state() == before


def test_what_is_asked_reaches_the_function(client: Client) -> None:
    token = {"Authorization": f"Bearer {client.token}"}
    answer = client.http.get("/plugins/test/echo/a%20b?x=1&x=2&y=ü", headers={**token, "User-Agent": "test"}).json()
    request = {"part": "a b", "q": {"x": "2", "y": "ü"}, "agent": "test", "base": ""}
    assert answer == {**request, "who": None, "tenant": "", "city": "Ulm"}


def test_by_get_nothing_is_changed_and_nobody_waits_for_ever(client: Client) -> None:
    before = client.world.state()
    for _ in range(2):  # the same connection again
        assert code(client.http.get("/plugins/test/scanned")) == "REFUSED_BY_PLUGIN"
    assert code(client.http.get("/plugins/test/stream")) == "REFUSED_BY_PLUGIN"
    assert code(client.http.get("/plugins/test/slow")) == "TIMEOUT"
    assert client.world.state() == before


@pytest.mark.parametrize(
    ("route", "cause"),
    [
        (Route("names", names), "a path that is none"),
        (Route("/a/../b", names), "a path that is none"),
        (Route("/{a}/{a}", names), "two parameters of one name"),
        (Route("/x", None), "no function"),  # type: ignore[arg-type]
        (Route("/x", names, ("LOCK",)), "methods other than"),
        (Route("/x", names, ("GET", "POST")), "both reads and writes"),
        (Route("/x", names, role="form"), "which only public ones have"),
        (Route("/x", names, public=True, per_minute=0), "number per minute"),
        (Route("/x", names, seconds=0), "seconds that are none"),
        (Route("/echo/{other}", names), r"would answer GET where /plugins/test/echo/\{part\} does"),
    ],
)
def test_a_wrong_route_is_found_at_the_start(route: Route, cause: str) -> None:
    plugins = Plugins([InstalledPlugin("test", plugin(ROUTES[1], route), "test-dist", "1.2")])
    with pytest.raises(
        PluginLoadError, match=f"The plugin test of test-dist 1.2 cannot be loaded: the route .*{cause}"
    ):
        routes_of(plugins)


def test_a_limit_comes_back_with_time() -> None:
    now = 0.0
    limits = AddressLimits(lambda: now)
    for _ in range(6):
        limits.take("a", "2001:db8::1", 6)
    limits.take("b", "2001:db8::1", 6)
    with pytest.raises(TooManyRequests) as refused:
        limits.take("a", "2001:db8::2", 6)  # the same network
    assert refused.value.details == {"retryAfter": 11}
    limits.take("a", "192.0.2.1", 6)
    now = 10.0
    limits.take("a", "2001:db8::1", 6)
    with pytest.raises(TooManyRequests):
        limits.take("a", "2001:db8::1", 6)
