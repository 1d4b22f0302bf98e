"""Sessions of one tenant open nothing at another."""

import time
from collections.abc import Sequence
from contextlib import closing

from tests.auth.kit import PASSWORD, House, code
from tests.auth.scim_kit import GRANTS, Directory, refused, service_token
from xrm_core.auth import stored_passwords, tokens
from xrm_core.auth.passwords import Passwords
from xrm_core.permissions.caller import system
from xrm_core.plugins import Plugins
from xrm_core.server.tenant_moves import create_tenant, tenant_url
from xrm_core.storage.engines import Database

ACME = "/t/acme"


def settle(house: House, email: str, name: str = "acme", hosts: Sequence[str] = ()) -> None:
    """Make the tenant, with a user who has the same address and password as one of the main database."""
    settings, platform = house.platform.settings, house.platform
    create_tenant(settings, Plugins(), name, hosts)
    with closing(Database(tenant_url(settings, name))) as database, database.begin() as connection:
        caller = system(platform.model, "test")
        id_ = platform.records.create(connection, caller, "user", {"email": email, "active": True})
        tokens.set_roles(connection, id_, ["clerk"])
        stored_passwords.set_password(connection, id_, Passwords(8, 1).hash(PASSWORD))
    deadline = time.monotonic() + 10
    while house.http.get(f"/t/{name}/health/ready").status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.05)


def test_sessions_of_one_tenant_open_nothing_at_another(house: House) -> None:
    person = house.person()
    settle(house, person.email)
    query = {"query": "{ notes { totalCount } }"}
    body = {"email": person.email, "password": PASSWORD}

    def ask(path: str, **headers: str) -> int:
        return int(house.post(f"{path}/graphql", query, **headers).status_code)

    # bearer tokens
    main, acme = (house.post(f"{path}/auth/login", {**body, "as": "token"}).json() for path in ("", ACME))
    for path, expected in (("", [200, 401]), (ACME, [401, 200])):
        assert [ask(path, Authorization=f"Bearer {each['token']}") for each in (main, acme)] == expected
    # cookies, which a browser sends to both: they do not replace each other
    house.post("/auth/login", body)
    assert (ask("", X_XRM_CSRF="1"), ask(ACME, X_XRM_CSRF="1")) == (200, 401)
    house.post(f"{ACME}/auth/login", body)
    assert (ask("", X_XRM_CSRF="1"), ask(ACME, X_XRM_CSRF="1")) == (200, 200)
    house.post(f"{ACME}/auth/logout", X_XRM_CSRF="1")
    assert (ask("", X_XRM_CSRF="1"), ask(ACME, X_XRM_CSRF="1")) == (200, 401)
    # a device that is known to one is not known to the other, and failures are not counted together
    while code(house.login(person.email, "guess guess")) != "TOO_MANY_ATTEMPTS":
        pass
    assert house.post(f"{ACME}/auth/login", body).status_code == 200


def test_a_directory_of_one_tenant_sees_nothing_of_another(house: House) -> None:
    # given a directory of the main database, and one of a tenant
    person = house.person()
    settle(house, person.email, "branch")
    limits = tokens.TokenLimits(roles=["clerk"], grants=GRANTS)
    with closing(Database(tenant_url(house.platform.settings, "branch"))) as database, database.begin() as connection:
        token = tokens.create_token(connection, None, "directory", limits=limits)
    main, branch = Directory(house, service_token(house)), Directory(house, token, base="/t/branch/scim/v2")
    # then neither token opens the other
    refused(Directory(house, main.token, base=branch.base).ask("GET", "/Users"), 401)
    refused(Directory(house, branch.token).ask("GET", "/Users"), 401)
    # and an id of one is nobody's at the other
    refused(branch.ask("GET", f"/Users/{person.id}"), 404)
    refused(branch.ask("DELETE", f"/Users/{person.id}"), 404)
    made = branch.user("new@example.com")
    assert made["meta"]["location"].endswith(f"/t/branch/scim/v2/Users/{made['id']}")
    refused(main.ask("GET", f"/Users/{made['id']}"), 404)
    assert house.login(person.email).status_code == 200
