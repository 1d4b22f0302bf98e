"""Routes and query fields of plugins at tenants, and while models and rights change."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.server.live_kit import TEXT
from tests.server.test_tenants import Estate, estate, server
from xrm_core.api import (
    DataStore,
    HookContext,
    QueryContext,
    QueryField,
    Route,
    RouteContext,
    StoreContext,
    StoreSubject,
    ask_stores,
    hookimpl,
)
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.server import assembly

__all__ = ["estate", "server"]

NAMES = "{ products(orderBy: {name: ASC}) { nodes { name } } }"


def told(context: QueryContext | RouteContext) -> list[str]:
    names = [str(each["name"]) for each in context.query(NAMES)["products"]["nodes"]]
    return [context.tenant, *names]


def asked(context: RouteContext) -> list[str]:
    """In which tenant stores are asked, by what a context knows of its tenant, and by its transaction alone."""
    within = HookContext(context.records, context.connection, context.caller, ("hook", "shop"))
    for each in (context, within):
        ask_stores(each, "erase", StoreSubject())
    found = [*ASKED]
    ASKED.clear()
    return found


ASKED: list[str] = []


def note(context: StoreContext, _about: StoreSubject) -> int:
    ASKED.append(context.tenant)
    return 0


@hookimpl
def register_data_stores() -> list[DataStore]:
    return [DataStore("shop.index", note, note, note, note, note, note)]


def add(context: RouteContext) -> list[str]:
    values = {"name": context.request.form()["name"]}
    context.records.create(context.connection, context.caller, "product", values)
    return told(context)


@hookimpl
def register_query_fields() -> list[QueryField]:
    return [QueryField("shop.told", told, list[str])]


@hookimpl
def register_routes() -> list[Route]:
    return [Route("/told", told), Route("/products", add, ("POST",)), Route("/asked", asked)]


@pytest.fixture(autouse=True)
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = SimpleNamespace(
        register_query_fields=register_query_fields,
        register_routes=register_routes,
        register_data_stores=register_data_stores,
    )

    def found(*_given: Any, **_more: Any) -> Plugins:
        return Plugins([InstalledPlugin("shop", hooks)])

    monkeypatch.setattr(assembly, "find_plugins", found)


async def test_each_tenant_has_them_for_itself(estate: Estate, server: Any) -> None:
    for name, path in {"main": "", "acme": "/t/acme", "blue": "/t/blue"}.items():
        tenant = "" if name == "main" else name
        token = {"Authorization": f"Bearer {estate.tokens[name]}"}
        made = await server.http.post(f"{path}/plugins/shop/products", data={"name": f"of {name}"}, headers=token)
        asked = await server.http.get(f"{path}/plugins/shop/told", headers=token)
        assert made.json() == asked.json() == [tenant, f"of {name}"]
        assert await server.ask("{ shopTold }", estate.tokens[name], f"{path}/graphql") == {
            "shopTold": [tenant, f"of {name}"]
        }
        assert (await server.http.get(f"{path}/plugins/shop/asked", headers=token)).json() == [tenant, tenant]
        others = [estate.tokens[each] for each in ("main", "acme", "blue") if each != name]
        for other in others:
            refused = await server.http.get(f"{path}/plugins/shop/told", headers={"Authorization": f"Bearer {other}"})
            assert refused.status_code == 401


async def test_they_follow_models_and_rights_that_change(estate: Estate, server: Any, tmp_path: Path) -> None:
    token = {"Authorization": f"Bearer {estate.main.token}"}

    async def both() -> tuple[Any, Any]:
        answer = await server.http.post("/plugins/shop/products", data={"name": "x"}, headers=token)
        return answer.status_code, await server.answer("{ shopTold }")

    assert (await both())[0] == 200
    for number in range(2):
        estate.main.pack.entities["product"][f"extra_{number}"] = TEXT
        estate.main.apply()
        status, asked = await both()  # the server has not looked yet: both meet another model
        assert (status, len(asked["data"]["shopTold"])) == (200, number + 3)
    estate.main.change_policies("role,entity,action,fields,rule,effect\nadmin,user,*,*,,allow\n")
    status, asked = await both()
    assert status == 403
    assert "data" not in asked or asked["data"] is None
