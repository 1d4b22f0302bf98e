"""Records that are created and linked at once, over many-to-many relations and relations to several entities."""

from tests.graphql import kit
from tests.graphql.kit import World, uid
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

MODEL = {
    "person": {"name": kit.TEXT},
    "firm": {
        "name": kit.TEXT,
        "owner": kit.relation("person", "firms"),
        "advisors": kit.many("person", "advises", share={"type": "integer"}, record={"type": "integer"}),
    },
    "visit": {"subject": kit.TEXT, "regarding": kit.relation(["firm", "person"], "visits")},
}
LINKED = """mutation ($id: ID!, $new: [CreateFirmAdvisorsRecordInput!]) {
    createFirm(dryRun: true, input: {name: "F", advisors: {add: [{id: $id, share: 1}], create: $new}}) {
        advisors(orderBy: [{name: ASC}]) { edges { share record node { name firms { nodes { name } } } } } } }"""
VISIT = """mutation ($input: CreateVisitInput!) { createVisit(dryRun: true, input: $input) {
    regarding { ... on Firm { name advisors { nodes { name } } } ... on Person { name } } } }"""


def test_records_are_created_for_links_and_for_one_of_several(database_url: str) -> None:
    model = kit.load_model(MODEL)
    database = Database(database_url)
    apply(database, model)
    database.close()
    rows = {"person": [{"id": uid(1), "name": "Ada"}], "firm": [], "visit": []}
    rights = kit.policies(
        model, ["admin,*,*,*,,allow", "rep,firm,*,*,,allow", "rep,person,read,*,,allow", "rep,visit,*,*,,allow"], {}
    )
    world = World(model, rights, database_url, rows)
    try:
        new = [{"record": {"name": "Bob", "firms": {"create": [{"name": "G"}]}}, "share": 5}]
        [ada, bob] = world.ask("admin", LINKED, {"id": uid(1), "new": new})["createFirm"]["advisors"]["edges"]
        assert ada == {"share": 1, "record": None, "node": {"name": "Ada", "firms": {"nodes": []}}}
        assert bob == {"share": 5, "record": None, "node": {"name": "Bob", "firms": {"nodes": [{"name": "G"}]}}}
        firm = {"name": "F", "advisors": {"create": [{"record": {"name": "Cid"}}]}}
        answer = world.ask("admin", VISIT, {"input": {"subject": "x", "regarding": {"firm": {"create": firm}}}})
        assert answer["createVisit"]["regarding"] == {"name": "F", "advisors": {"nodes": [{"name": "Cid"}]}}
        both = {"firm": {"create": {"name": "F"}}, "personId": uid(1)}
        [error] = world.errors("admin", VISIT, {"input": {"subject": "x", "regarding": both}})
        assert error["extensions"]["details"]["problems"][0]["field"] == "regarding"
        both = {"person": {"create": {"name": "F"}}, "personId": uid(1)}
        assert world.code("admin", VISIT, {"input": {"subject": "x", "regarding": both}}) == "BAD_QUERY"
        # who may not create people is not offered it
        assert world.code("rep", LINKED, {"id": uid(1), "new": []}) == "BAD_QUERY"
        person = {"subject": "x", "regarding": {"person": {"create": {"name": "F"}}}}
        assert world.code("rep", VISIT, {"input": person}) == "BAD_QUERY"
    finally:
        world.close()
