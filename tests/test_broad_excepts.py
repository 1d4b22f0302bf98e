"""Who catches everything says why here: else a mistake is caught where nobody awaits it, and nobody sees it."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "xrm_core"
ROOMS = ("records", "events", "jobs", "server")

ANSWERS = "the outermost place of a request: it is answered as INTERNAL_ERROR, and logged with its stack"
LATER = (
    "work beside the requests of one tenant: it is logged, done again at the next round, and stops no other tenant's"
)
UNDOES = "takes back what was begun, and raises it again"
NOTES = "the outcome of a function of somebody else: it is noted, tried again and told, or ends the run"

JUDGED = {
    "records/clamd.py:Clamd._connected": UNDOES,
    "events/lanes.py:_one_after_the_other": NOTES,
    "events/readers.py:Readers.visit": LATER,
    "events/readers.py:Readers._beat": LATER,
    "events/readers.py:Readers._give_back": "the lease runs out by itself; logged",
    "events/run.py:Run.work": NOTES,
    "events/run.py:Run._deliver": NOTES,
    "events/run.py:Run._wait": "the lease runs out by itself; logged",
    "events/run_together.py:RunTogether._prepared": "each is then looked at by itself, where the error comes up again",
    "jobs/dying.py:tell": "a job that is dead is noted as such, whatever its kind makes of it; logged",
    "jobs/heart.py:Heart._beat": "the next beat tries again; how long that may go on, Heart.lost says, which is logged",
    "jobs/replaying.py:_again": "whatever it is, nothing is served then; logged, and tried again",
    "jobs/running.py:run": "noting is tried until the lease is over, each time logged, and then the job is another's",
    "jobs/running.py:_outcome": NOTES,
    "jobs/worker.py:Worker.run": LATER,
    "jobs/worker.py:Worker.round": LATER,
    "jobs/worker.py:Worker._give_back": "the lease runs out by itself; logged",
    "server/auth_http.py:AuthEndpoints.clean": LATER,
    "server/auth_http.py:answered.answer": ANSWERS,
    "server/change_sealing.py:ChangeSealing._told": LATER,
    "server/doctor/findings.py:looked": "a check that breaks is a finding itself, and hides no other",
    "server/event_streams.py:EventStreams._tell": ANSWERS,
    "server/file_intake.py:FileIntake.discard": "a clean-up removes them later; logged",
    "server/file_versions_http.py:FileVersionsEndpoint.__call__": ANSWERS,
    "server/files_http.py:FilesEndpoint.__call__": ANSWERS,
    "server/files_http.py:FilesEndpoint.clean": LATER,
    "server/files_http.py:FilesEndpoint.look_again": LATER,
    "server/files_http.py:FilesEndpoint._send": "the answer has begun: it is cut short, and nobody takes it as whole",
    "server/forgotten_http.py:ForgottenEndpoint._send": "that there is such an account must not show; logged",
    "server/graphql_http.py:GraphQLEndpoint._answer": ANSWERS,
    "server/graphql_http.py:GraphQLEndpoint._offer.again": "a short cut: the ordinary way meets it, too, and says so",
    "server/health.py:routes.ready": ANSWERS,
    "server/idempotency.py:remove_expired_answers": LATER,
    "server/live.py:Pulse._run": LATER,
    "server/log_retention.py:LogRetention.clean": LATER,
    "server/oidc_logout_http.py:OidcLogoutEndpoints._by_provider": ANSWERS,
    "server/plugin_check/check.py:_findings": "what a plugin raises when it is imported is a finding",
    "server/plugin_check/check.py:_needed": "it comes up again when the plugins are loaded, as a finding",
    "server/plugin_check/check.py:_texts": "it comes up again when the plugins are loaded, as a finding",
    "server/plugin_routes.py:PluginRoutes._endpoint.answer": ANSWERS,
    "server/reader_lag.py:ReaderLag.look": "figures that cannot be had are left out",
    "server/scim_http.py:ScimEndpoint.__call__": ANSWERS,
    "server/security_notices.py:SecurityNotices.send": LATER,
    "server/site.py:Site._watch": LATER,
    "server/sites.py:Sites.__call__": ANSWERS,
    "server/sites.py:Sites._socket": ANSWERS,
    "server/tenant_moves.py:_made": UNDOES,
    "server/tenants.py:Tenants._watch": LATER,
    "server/tenants.py:Tenants._opened": UNDOES,
    "server/tenants.py:Tenants._site": UNDOES,
    "server/uploads_http.py:UploadsEndpoint.__call__": ANSWERS,
    "server/websockets.py:_Socket._tell": ANSWERS,
    "server/worker_figures.py:Watching._look": LATER,
    "server/worker_port.py:_Handler._check": "a probe hears that the database does not answer, and not why",
}


def broad(node: ast.AST, file: str, names: tuple[str, ...] = ()) -> Iterator[tuple[str, bool]]:
    """Each handler of everything: where it is, and whether it raises it again."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        names = (*names, node.name)
    if isinstance(node, ast.ExceptHandler):
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        if any(each is None or getattr(each, "id", "") in ("Exception", "BaseException") for each in caught):
            yield f"{file}:{'.'.join(names)}", isinstance(node.body[-1], ast.Raise)
    for each in ast.iter_child_nodes(node):
        yield from broad(each, file, names)


def test_whoever_catches_everything_has_a_reason() -> None:
    found = [
        each
        for room in ROOMS
        for file in sorted((PACKAGE / room).rglob("*.py"))
        for each in broad(ast.parse(file.read_text("utf-8")), file.relative_to(PACKAGE).as_posix())
    ]
    counts = Counter(place for place, _ in found)
    assert sorted(counts) == sorted(JUDGED)
    assert {place for place, count in counts.items() if count > 1} == set()
    undone = {place for place, raises in found if raises}
    assert undone >= {place for place, why in JUDGED.items() if why is UNDOES}
