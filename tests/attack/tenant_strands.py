"""What people of a tenant do, each strand for itself: all strands of both tenants run at once.

A strand may be run again. Together they ask for every root field and every address of a server.
"""

import asyncio
import base64
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pyotp
from graphql import build_client_schema, get_introspection_query
from uuid_utils import uuid7

from tests.attack.crawler import documents
from tests.attack.tenant_pair import (
    ACCOUNT,
    CONTACT,
    EMAIL,
    FILE,
    NOTE,
    PASSWORD,
    POLICIES,
    REP,
    REP_EMAIL,
    ROLES,
    TEXT,
    Tenant,
)
from tests.auth.authenticator import Authenticator

Strand = Callable[[Tenant], Awaitable[None]]


async def reads(tenant: Tenant) -> None:
    """Everything that introspection offers to the admin, without arguments and with each, and to the rep."""
    for token in (tenant.token, tenant.rep, tenant.service):
        introspection = (await tenant.ask(get_introspection_query(), token))["data"]
        schema = build_client_schema(introspection)
        found = [each for each in documents(schema, 1, 0) if each.startswith("query")]
        chosen = [each for each in found if "(" not in each] + random.sample(found, min(4, len(found)))
        for each in chosen:
            await tenant.ask(each, token)
    one = """query ($account: ID!, $contact: ID!, $note: ID!, $user: ID!, $ids: [ID!]!, $word: String!) {
        account(id: $account) { name paper { name } shares { user } }
        contact(id: $contact) { name friendsOf { totalCount } }
        note(id: $note) { text about { __typename ... on Account { name } } } user(id: $user) { name }
        node(id: $account) { id ... on Account { name } } nodes(ids: $ids) { ... on Contact { name } }
        search(text: $word) { title node { ... on Account { name } ... on Contact { name } } } }"""
    ids: dict[str, Any] = {"account": ACCOUNT, "contact": CONTACT, "note": NOTE, "user": REP, "ids": [CONTACT]}
    await tenant.data(one, **ids, word=tenant.word)
    link = (await tenant.data("{ accountFriends { nodes { id } } }"))["accountFriends"]["nodes"][0]["id"]
    await tenant.data("query ($id: ID!) { accountFriend(id: $id) { account { name } } }", id=link)
    # masked: a hash has another key in each tenant
    await tenant.data("{ accounts { nodes { name code } } }", tenant.service)
    for path in ("/", "/graphiql/config.json", "/health/live", "/health/ready", "/metrics", "/graphiql/assets/none.js"):
        await tenant.send("GET", path)


async def records(tenant: Tenant) -> None:
    """Records made, changed and deleted, and pages of them."""
    for name, first, then in (
        ("Contact", {"name": f"{tenant.word} Lou"}, {"name": f"{tenant.word} Lea"}),
        ("Note", {"text": f"{tenant.word} text", "about": {"accountId": ACCOUNT}}, {"about": {"contactId": CONTACT}}),
        ("User", {"name": f"{tenant.word} Zoe"}, {"active": False}),
        ("Account", {"name": f"{tenant.word} Inc", "code": f"{tenant.word} 2"}, {"friends": {"set": [CONTACT]}}),
    ):
        document = f"mutation ($input: Create{name}Input!) {{ create{name}(input: $input) {{ id createdBy }} }}"
        id_ = (await tenant.data(document, input=first))[f"create{name}"]["id"]
        shown = "text" if name == "Note" else "name"
        document = (
            f"mutation ($id: ID!, $input: Update{name}Input!) {{ update{name}(id: $id, input: $input) {{ {shown} }} }}"
        )
        await tenant.data(document, id=id_, input=then)
        if name == "Account":
            await friends(tenant, id_)
            await pages(tenant)
        for verb in ("delete", "restore", "delete"):
            await tenant.data(f"mutation ($id: ID!) {{ {verb}{name}(id: $id) {{ id }} }}", id=id_)
        await tenant.data(f"{{ {name.lower()}sTrash {{ nodes {{ id {shown} }} }} }}")


async def many(tenant: Tenant) -> None:
    """Many records made, changed and deleted in one field each."""
    for name, field in (("Contact", "name"), ("Note", "text"), ("User", "name"), ("Account", "name")):
        create = f"mutation ($input: [Create{name}Input!]!) {{ create{name}s(input: $input) {{ count ids }} }}"
        rows = [{field: f"{tenant.word} {number}"} for number in range(2)]
        ids = (await tenant.data(create, input=rows))[f"create{name}s"]["ids"]
        change = f"mutation ($ids: [ID!], $set: Update{name}Input!) {{ update{name}s(ids: $ids, set: $set) {{ ids }} }}"
        await tenant.data(change, ids=ids, set={field: f"{tenant.word} both"})
        where = {"id": {"in": ids}}
        delete = f"mutation ($where: {name}Filter) {{ delete{name}s(where: $where) {{ count errors {{ code }} }} }}"
        await tenant.data(delete, where=where)
        for verb in ("restore", "delete", "purge"):
            which = f"mutation ($ids: [ID!]) {{ {verb}{name}s(ids: $ids) {{ count errors {{ code }} }} }}"
            assert (await tenant.data(which, ids=ids[:1]))[f"{verb}{name}s"]["count"] == 1
        await tenant.data(f"mutation ($id: ID!) {{ purge{name}(id: $id) }}", id=ids[1])
        if name != "User":
            ids = (await tenant.data(create, input=rows))[f"create{name}s"]["ids"]
            merge = f"merge{name}s(into: $into, from: $from) {{ record {{ id }} }}"
            merge = f"mutation ($into: ID!, $from: [ID!]!) {{ {merge} }}"
            await tenant.data(merge, **{"into": ids[0], "from": ids[1:]})
            into = f"{name.lower()}MergedInto"
            led = (await tenant.data(f"query ($id: ID!) {{ {into}(id: $id) {{ id }} }}", id=ids[1]))[into]
            assert led == {"id": ids[0]}
            await tenant.data(f"mutation ($ids: [ID!]) {{ delete{name}s(ids: $ids) {{ count }} }}", ids=ids[:1])
    await by_key(tenant)
    make = "mutation ($input: [CreateContactInput!]!) { createContacts(input: $input) { ids } }"
    [contact] = (await tenant.data(make, input=[{"name": f"{tenant.word} friend"}]))["createContacts"]["ids"]
    join = "mutation ($input: [CreateAccountFriendInput!]!) { createAccountFriends(input: $input) { ids } }"
    joined = {"accountId": ACCOUNT, "contactId": contact}
    links = (await tenant.data(join, input=[joined]))["createAccountFriends"]["ids"]
    await tenant.data("mutation ($ids: [ID!]) { updateAccountFriends(ids: $ids, set: {}) { count } }", ids=links)
    await tenant.data("mutation ($ids: [ID!]) { deleteAccountFriends(ids: $ids) { count } }", ids=links)
    await tenant.data("mutation ($ids: [ID!]) { deleteContacts(ids: $ids) { count } }", ids=[contact])


async def by_key(tenant: Tenant) -> None:
    """Records written by id, created and then changed, one and many; links by both of their ends."""
    for name, field in (("Contact", "name"), ("Note", "text"), ("User", "name"), ("Account", "name")):
        one = f"""mutation ($input: Upsert{name}Input!) {{
            upsert{name}(by: id, input: $input) {{ created record {{ id {field} }} }} }}"""
        several = f"""mutation ($input: [Upsert{name}Input!]!) {{
            upsert{name}s(by: id, input: $input) {{ count created createdCount ids errors {{ code }} }} }}"""
        id_ = str(uuid7())
        for word in ("first", "then"):
            await tenant.data(one, input={"id": id_, field: f"{tenant.word} {word}"})
        await tenant.data(several, input=[{"id": id_, field: f"{tenant.word} last"}])
        await tenant.data(f"mutation ($id: ID!) {{ delete{name}(id: $id) {{ id }} }}", id=id_)
    make = f'mutation {{ createContact(input: {{name: "{tenant.word} key"}}) {{ id }} }}'
    contact = (await tenant.data(make))["createContact"]["id"]
    joined = {"accountId": ACCOUNT, "contactId": contact}
    one = """mutation ($input: UpsertAccountFriendInput!) {
        upsertAccountFriend(by: accountId_contactId, input: $input) { created record { contact { name } } } }"""
    several = """mutation ($input: [UpsertAccountFriendInput!]!) {
        upsertAccountFriends(by: accountId_contactId, input: $input) { count } }"""
    await tenant.data(one, input=joined)
    await tenant.data(several, input=[joined])
    await tenant.data("mutation ($id: ID!) { deleteContact(id: $id) { id } }", id=contact)


async def friends(tenant: Tenant, account: str) -> None:
    """Links as records of their own."""
    document = "mutation ($id: ID!) { deleteAccountFriend(id: $id) { id } }"
    of = "query ($id: ID!) { accountFriends(where: {account: {id: {eq: $id}}}) { nodes { id } } }"
    [link] = (await tenant.data(of, id=account))["accountFriends"]["nodes"]
    await tenant.data(
        "mutation ($id: ID!) { updateAccountFriend(id: $id, input: {}) { contact { name } } }", id=link["id"]
    )
    await tenant.data(document, id=link["id"])
    joined = {"accountId": account, "contactId": CONTACT}
    document = (
        "mutation ($input: CreateAccountFriendInput!) { createAccountFriend(input: $input) { contact { name } } }"
    )
    await tenant.data(document, input=joined)


async def pages(tenant: Tenant) -> None:
    """Two pages by a cursor."""
    page = """query ($after: String) { accounts(first: 1, after: $after, orderBy: [{name: ASC}]) {
        pageInfo { endCursor } nodes { name } } }"""
    after = (await tenant.data(page))["accounts"]["pageInfo"]["endCursor"]
    assert (await tenant.data(page, after=after))["accounts"]["nodes"]


async def feed(tenant: Tenant) -> None:
    """What has changed, and with the cursor of one tenant nothing at the other."""
    start = (await tenant.data("{ changes { cursor } }"))["changes"]["cursor"]
    make = "mutation ($name: String!) { createContact(input: {name: $name}) { id } }"
    id_ = (await tenant.data(make, name=f"{tenant.word} fed"))["createContact"]["id"]
    page = """query ($after: String) { changes(after: $after) {
        reload changes { id node { ... on Contact { name } ... on Account { name } ... on Note { text } } } } }"""
    await tenant.data(page, after=start)
    taken = await tenant.other.ask(page, tenant.other.token, after=start)
    assert taken["errors"][0]["extensions"]["code"] == "BAD_CURSOR"
    await tenant.data("mutation ($id: ID!) { deleteContact(id: $id) { id } }", id=id_)


async def shares(tenant: Tenant) -> None:
    """A record shared with the rep, and no longer."""
    share = """mutation ($id: ID!, $user: ID!, $reason: String) {
        shareAccount(id: $id, with: {user: $user}, level: READ, reason: $reason) { name shares { reason } } }"""
    given = {"id": ACCOUNT, "user": REP}
    await tenant.data(share, **given, reason=f"{tenant.word} reason")
    await tenant.data(
        "mutation ($id: ID!, $user: ID!) { unshareAccount(id: $id, with: {user: $user}) { name } }", **given
    )


async def files(tenant: Tenant) -> None:
    """A file sent and fetched, and one that was there."""
    content = f"{tenant.word} sent".encode()
    headers = {"Content-Type": "text/plain"}
    sent = await tenant.send(
        "POST", "/files", tenant.token, content=content, headers=headers, params={"name": f"{tenant.word}.txt"}
    )
    made = sent.json()["id"]
    make = """mutation ($name: String!, $file: ID) {
        createAccount(input: {name: $name, paperId: $file}) { id paper { name } } }"""
    id_ = (await tenant.data(make, name=f"{tenant.word} filed", file=made))["createAccount"]["id"]
    assert (await tenant.send("GET", f"/files/{made}", tenant.token)).content == content
    tus = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Length": "9"}
    begun = await tenant.send("POST", "/files/uploads", tenant.token, content=b"sent ", headers=tus)
    place = begun.headers["location"].removeprefix("/t/acme")
    await tenant.send("PATCH", place, tenant.token, content=b"more", headers={**tus, "Upload-Offset": "5"})
    signed = (await tenant.send("POST", f"/files/{made}/links", tenant.token)).json()
    of = {"name": f"{tenant.word}.txt", "versionOf": made}
    await tenant.send("POST", "/files", tenant.token, content=content + b"!", headers=headers, params=of)
    found = (await tenant.send("GET", f"/files/{made}/versions", tenant.token)).json()["versions"]
    assert [each["id"] for each in found] == [made]
    assert (await tenant.send("GET", signed["url"].removeprefix("/t/acme"))).content == content
    resumed = place.rpartition("/")[2]
    assert (await tenant.send("GET", f"/files/{resumed}", tenant.token)).content == b"sent more"
    await tenant.data("mutation ($id: ID!) { deleteAccount(id: $id) { id } }", id=id_)
    assert (await tenant.send("GET", f"/files/{FILE}", tenant.rep)).content == f"{tenant.word} on paper".encode()


async def account(tenant: Tenant) -> None:
    """The rep signs in, has a second factor for a while, changes the password there and back, and signs out."""
    token = await sign_in(tenant, REP_EMAIL, PASSWORD)
    key = await tenant.data("mutation ($p: String!) { enrolTotp(password: $p) { key } }", token, p=PASSWORD)
    now = pyotp.TOTP(key["enrolTotp"]["key"].replace(" ", "")).now()
    await tenant.data("mutation ($c: String!) { confirmTotp(code: $c) }", token, c=now)
    await tenant.data("mutation ($p: String!) { renewRecoveryCodes(password: $p) }", token, p=PASSWORD)
    await tenant.data("mutation ($p: String!) { disableTotp(password: $p) }", token, p=PASSWORD)
    await tenant.data("{ me { email roles sessions { device } } }", token)
    for current, new in ((PASSWORD, "another good password"), ("another good password", PASSWORD)):
        change = "mutation ($current: String!, $new: String!) { changePassword(current: $current, new: $new) }"
        await tenant.data(change, token, current=current, new=new)
        assert (await tenant.send("POST", "/graphql", token, json={"query": "{ me { id } }"})).status_code == 401
        token = await sign_in(tenant, REP_EMAIL, new)
    other = await sign_in(tenant, REP_EMAIL, PASSWORD)
    [here] = [
        each["id"]
        for each in (await tenant.data("{ me { sessions { id current } } }", token))["me"]["sessions"]
        if each["current"]
    ]
    await tenant.data("mutation ($id: ID!) { endSession(id: $id) }", other, id=here)
    assert (await tenant.send("POST", "/auth/logout", other)).status_code == 200
    other = await sign_in(tenant, REP_EMAIL, PASSWORD)
    assert (await tenant.send("POST", "/auth/logout-everywhere", other)).status_code == 200


async def passkeys(tenant: Tenant) -> None:
    """The admin has a passkey for a while; what it signs at one tenant signs nobody in at the other."""
    device, session = Authenticator(), await sign_in(tenant, EMAIL, PASSWORD)
    enrol = "mutation ($p: String!) { enrolPasskey(password: $p) }"
    asked = (await tenant.data(enrol, session, p=PASSWORD))["enrolPasskey"]
    confirm = "mutation ($n: String!, $c: JSON!) { confirmPasskey(name: $n, credential: $c) { id name } }"
    made = await tenant.data(confirm, session, n=f"{tenant.word} key", c=device.make(asked))
    options = await tenant.send("POST", "/auth/passkey/options", json={})
    signed = {"credential": device.sign(options.json()["publicKey"]), "as": "token"}
    assert (await tenant.other.send("POST", "/auth/passkey", json=signed)).status_code == 401
    assert (await tenant.send("POST", "/auth/passkey", json=signed)).status_code == 200
    id_ = made["confirmPasskey"]["id"]
    rename = "mutation ($id: ID!, $n: String!) { renamePasskey(id: $id, name: $n) }"
    await tenant.data(rename, session, id=id_, n=f"{tenant.word} old key")
    remove = "mutation ($id: ID!, $p: String!) { removePasskey(id: $id, password: $p) }"
    assert (await tenant.data(remove, session, id=id_, p=PASSWORD))["removePasskey"] is True


async def users(tenant: Tenant) -> None:
    """The admin invites somebody, whose link is nobody's at the other, and does to them all that can be done."""
    session = await sign_in(tenant, EMAIL, PASSWORD)
    invite = """mutation ($e: String!) {
        inviteUser(input: {email: $e}, roles: ["rep"]) { user { id email } mailed token } }"""
    made = (await tenant.data(invite, session, e=f"{tenant.word}@example.com"))["inviteUser"]
    id_ = made["user"]["id"]
    body = {"token": made["token"], "password": "another good password"}
    assert (await tenant.other.send("POST", "/auth/password", json=body)).status_code == 404
    shown = "{ id email roles }"
    for change in (
        "withdrawInvitation(id: $id)",
        "renewInvitation(id: $id) { user { email } }",
        f'updateUserAccount(id: $id, input: {{email: "{tenant.word}.2@example.com"}}) {shown}',
        f'setUserRoles(id: $id, roles: ["admin", "rep"]) {shown}',
        "resetUserPassword(id: $id) { user { email } }",
        "endUserSessions(id: $id)",
        f"removeUserSecondFactors(id: $id) {shown}",
        "revokeUserTokens(id: $id)",
        'unlinkUserIdentity(id: $id, issuer: "https://login.example.com", subject: "7")',
        f"deactivateUser(id: $id) {shown}",
        f"reactivateUser(id: $id) {shown}",
    ):
        await tenant.data(f"mutation ($id: ID!) {{ {change} }}", session, id=id_)
    find = "query ($w: String!) { userAccounts(where: {search: $w}) { nodes { email } } }"
    assert len((await tenant.data(find, session, w=tenant.word))["userAccounts"]["nodes"]) == 1
    assert (await tenant.data(find, session, w=tenant.strange))["userAccounts"]["nodes"] == []
    await tenant.data("query ($id: ID!) { userAccount(id: $id) { email } }", session, id=id_)
    await tenant.data("mutation ($id: ID!) { deleteUser(id: $id) { id } }", id=id_)


async def directory(tenant: Tenant) -> None:
    """A directory lists the users; the directory of one tenant is nobody at the other."""
    listed = await tenant.send("GET", "/scim/v2/Users", tenant.directory)
    assert listed.status_code == 200, listed.text
    assert REP_EMAIL in listed.text
    assert (await tenant.other.send("GET", "/scim/v2/Users", tenant.directory)).status_code == 401


async def tokens(tenant: Tenant) -> None:
    """The admin makes a token, uses and revokes it, and looks at who did what."""
    session = await sign_in(tenant, EMAIL, PASSWORD)
    make = """mutation ($label: String!) {
        createToken(label: $label, only: ["account:read"]) { token details { id label } } }"""
    made = (await tenant.data(make, session, label=f"{tenant.word} own"))["createToken"]
    await tenant.data("{ accounts { nodes { name } } }", made["token"])
    await tenant.data("mutation ($id: ID!) { revokeToken(id: $id) }", session, id=made["details"]["id"])
    await tenant.data("{ authEvents(first: 50) { event details } }")
    as_rep = {"X-View-As": REP}
    seen = await tenant.send(
        "POST", "/graphql", tenant.token, json={"query": "{ users { nodes { name } } }"}, headers=as_rep
    )
    assert seen.status_code == 200
    trusted = await tenant.send("POST", "/graphql", tenant.rep, json={"documentId": "names"})
    assert tenant.word in trusted.text


async def jobs(tenant: Tenant) -> None:
    """The admin looks at the tenant's job, lets it be tried again, and cancels it."""
    listed = await tenant.data('{ backgroundJobs(where: {name: "fleet.retire"}) { nodes { id message } } }')
    [job] = listed["backgroundJobs"]["nodes"]
    assert tenant.word in job["message"]
    await tenant.data("query ($id: ID!) { backgroundJob(id: $id) { message } }", id=job["id"])
    await tenant.data("mutation ($id: ID!) { retryBackgroundJob(id: $id) { state } }", id=job["id"])
    await tenant.data("mutation ($id: ID!) { cancelBackgroundJob(id: $id) { state } }", id=job["id"])
    await asyncio.to_thread(tenant.stop_job)  # for the next round


async def followed(tenant: Tenant) -> None:
    """The admin looks at the outbox and at workflows, of which there are none here."""
    nobody = "0198c0de-0000-7000-8000-000000000001"
    assert (await tenant.data("{ outboxMessages { nodes { id } } }"))["outboxMessages"]["nodes"] == []
    assert (await tenant.data("{ workflowRuns { nodes { id } } }"))["workflowRuns"]["nodes"] == []
    await tenant.data("{ workflowDefinitions { name } }")
    for field in ("outboxMessage", "workflowRun"):
        await tenant.data(f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}", id=nobody)
    for field in ("cancelOutboxMessage", "retryOutboxMessage", "cancelWorkflowRun", "retryWorkflowRun"):
        await tenant.data(f"mutation ($id: ID!) {{ {field}(id: $id) {{ id }} }}", id=nobody)


async def webhooks(tenant: Tenant) -> None:
    """The admin makes a webhook that has the word, does with it all there is to do, and deletes it."""
    wanted: dict[str, Any] = {"name": tenant.word, "url": "https://erp.example.com/", "role": "admin"}
    wanted["subjects"] = [{"entity": "account"}]
    create = "mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { secret webhook { id name } } }"
    made = await tenant.data(create, input=wanted)
    id_ = made["createWebhook"]["webhook"]["id"]
    for field in ("webhook(id: $id) { name }", "webhookDeliveries(id: $id) { event }"):
        await tenant.data(f"query ($id: ID!) {{ {field} }}", id=id_)
    for field in ("pauseWebhook(id: $id) { name }", "resumeWebhook(id: $id) { name }", "testWebhook(id: $id)"):
        await tenant.data(f"mutation ($id: ID!) {{ {field} }}", id=id_)
    update = 'mutation ($id: ID!) { updateWebhook(id: $id, input: {url: "https://x.example/"}) { name } }'
    await tenant.data(update, id=id_)
    await tenant.data("mutation ($id: ID!) { rotateWebhookSecret(id: $id) { webhook { name } } }", id=id_)
    await tenant.data('mutation ($id: ID!) { replayWebhook(id: $id, since: "2100-01-01T00:00:00Z") }', id=id_)
    listed = await tenant.data("{ webhooks { id name } }")
    assert [each["name"] for each in listed["webhooks"]] == [tenant.word]
    await tenant.data("mutation ($id: ID!) { deleteWebhook(id: $id) }", id=id_)


async def policies(tenant: Tenant) -> None:
    """Other policies, whose note has the word, and the former again."""
    for more in ("rep,note,read,text,,allow\n", ""):
        given = [
            {"name": "roles.json", "text": json.dumps(ROLES)},
            {"name": "policies.csv", "text": POLICIES + more},
        ]
        plan = "query ($files: [PermissionFileInput!]!) { planPermissions(files: $files) { version } }"
        version = (await tenant.data(plan, files=given))["planPermissions"]["version"]
        apply = """mutation ($files: [PermissionFileInput!]!, $version: Int!, $note: String) {
            applyPermissions(files: $files, version: $version, note: $note) { version } }"""
        await tenant.data(apply, files=given, version=version, note=f"{tenant.word} policies")
        notes = await tenant.ask("{ notes { nodes { text } } }", tenant.rep)
        assert ("errors" not in notes) is bool(more)
        await tenant.data("{ permissions { version note } }")


async def schema(tenant: Tenant) -> None:
    """An entity that only this tenant has, and its records; then it is gone again."""
    name = f"{tenant.word}_thing"
    body = {"x-entity": name, "x-plural": f"{name}s", "type": "object", "properties": {"text": TEXT}}
    given: dict[str, Any] = {"files": [{"name": f"{name}.json", "text": json.dumps(body)}]}
    for change in (given, {"remove": [f"{name}.json"]}):
        plan = """query ($files: [SchemaFileInput!], $remove: [String!]) {
            planSchemaChange(files: $files, remove: $remove) { key operations { key } } }"""
        seen = (await tenant.data(plan, **change))["planSchemaChange"]
        apply = """mutation ($files: [SchemaFileInput!], $remove: [String!], $accept: [String!], $key: String!) {
            applySchemaChange(files: $files, remove: $remove, accept: $accept, key: $key) { key } }"""
        accepted = [each["key"] for each in seen["operations"]]
        await tenant.data(apply, **change, accept=accepted, key=seen["key"])
        await tenant.data("{ schemaFiles { name text } }")
        types = await tenant.data("{ __schema { queryType { fields { name } } } }")
        assert (f"{tenant.word}Things" in json.dumps(types)) is ("files" in change)


async def providers(tenant: Tenant) -> None:
    """The tenant's own provider is there, if out of reach, and the other's is not."""
    other = tenant.strange.removeprefix("zq")
    listed = await tenant.send("GET", "/auth/providers")
    assert tenant.name in listed.text
    assert other not in listed.text
    assert (await tenant.send("GET", f"/auth/oidc/{tenant.name}")).status_code != 404
    assert (await tenant.send("GET", f"/auth/oidc/{other}")).status_code == 404
    assert (await tenant.send("GET", f"/auth/oidc/{other}/callback?state=x&code=x")).status_code == 404
    assert (await tenant.send("GET", f"/auth/oidc/{tenant.name}/signed-out")).status_code == 303
    assert (await tenant.send("GET", f"/auth/oidc/{other}/signed-out")).status_code == 404
    assert (await tenant.send("POST", "/auth/oidc/logout")).status_code == 303  # who is nobody goes on
    token = {"logout_token": "x.y.z"}
    assert (await tenant.send("POST", f"/auth/oidc/{tenant.name}/backchannel-logout", data=token)).status_code == 400
    assert (await tenant.send("POST", f"/auth/oidc/{other}/backchannel-logout", data=token)).status_code == 404


async def links(tenant: Tenant) -> None:
    """A link that nobody has, and one that somebody asks for."""
    await tenant.send("POST", "/auth/forgot", json={"email": REP_EMAIL})
    body = {"token": "xrmo_" + base64.urlsafe_b64encode(bytes(32)).decode(), "password": "another good password"}
    assert (await tenant.send("POST", "/auth/password", json=body)).status_code == 404


async def sign_in(tenant: Tenant, email: str, password: str) -> str:
    """The token of a new session."""
    body = {"email": email, "password": password, "as": "token"}
    answer = await tenant.send("POST", "/auth/login", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


STRANDS: tuple[Strand, ...] = (
    reads,
    records,
    many,
    feed,
    shares,
    files,
    account,
    passkeys,
    users,
    directory,
    tokens,
    jobs,
    followed,
    webhooks,
    policies,
    schema,
    providers,
    links,
)
