"""Example queries for the demo's page, each for the role that it shows most with. All of them run as they are."""

from xrm_core.demo.accounts import DEMO_USERS
from xrm_core.demo.example import Example

__all__ = ["EXAMPLES", "Example"]

_FIRST, _RELATIONS, _FIGURES = "First steps", "Relations", "Figures"
_CHANGES, _ROLES = "Changes", "What a role sees"

# Records of the demo that the sales representative owns. The demo is the same each time, so their ids are, too.
_CUSTOMER = {"id": "018561ed-3eab-771d-9b93-22f9506c716d"}
_PROJECT = {"id": "019d2061-b808-7464-852b-87e224923258"}
_TASK = {"id": "019eff46-661f-79e2-a0df-b84d2945b4e5"}

EXAMPLES: tuple[Example, ...] = (
    Example(
        _FIRST,
        "Customers of a town",
        "admin",
        """
# Filter, sort and page. Ctrl-Enter runs it, Ctrl-Space completes names.
query CustomersOfATown {
  customers(
    where: {city: {eq: "München"}, status: {eq: active}}
    orderBy: [{annualRevenue: DESC}, {name: ASC}]
    first: 5
  ) {
    totalCount
    nodes { name industry employees annualRevenue currency }
  }
}
""",
    ),
    Example(
        _FIRST,
        "One record by its id",
        "admin",
        """
query OneCustomer($id: ID!) {
  customer(id: $id) {
    customerNumber
    name
    status
    rating
    street
    postalCode
    city
    country
    createdAt
    updatedAt
    version
  }
}
""",
        _CUSTOMER,
    ),
    Example(
        _FIRST,
        "Page by page",
        "admin",
        """
# For the next page, put pageInfo.endCursor into the variable «after».
query ContactsByName($first: Int!, $after: String) {
  contacts(orderBy: [{lastName: ASC}, {firstName: ASC}], first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    edges { cursor node { lastName firstName jobTitle city } }
  }
}
""",
        {"first": 10, "after": None},
    ),
    Example(
        _FIRST,
        "Find anything",
        "sales_rep",
        """
# Words, parts of them, phone numbers; with typos, too. Only what you may see.
query FindAnything($text: String!) {
  search(text: $text, first: 10) {
    score
    title
    fields
    node {
      __typename
      ... on Customer { city phone }
      ... on Contact { email phone }
    }
  }
}
""",
        {"text": "shäfer"},
    ),
    Example(
        _FIRST,
        "Filters put together",
        "admin",
        """
query WorthAVisit {
  customers(
    where: {
      or: [
        {rating: {in: [A, B]}, employees: {gte: 500}}
        {name: {contains: "Logistik"}, not: {country: {in: ["DE", "AT", "CH"]}}}
      ]
      website: {isNull: false}
    }
    orderBy: [{employees: DESC}]
    first: 10
  ) {
    totalCount
    nodes { name rating employees country website }
  }
}
""",
    ),
    Example(
        _RELATIONS,
        "A customer with all that belongs to it",
        "sales_rep",
        """
# However deep it goes: one statement in the database.
query CustomerFile($id: ID!) {
  customer(id: $id) {
    name
    owner { firstName lastName team { name } }
    parent { name }
    contacts(orderBy: [{lastName: ASC}], first: 5) {
      totalCount
      nodes { firstName lastName jobTitle email reportsTo { lastName } }
    }
    projects(orderBy: [{startsOn: DESC}], first: 5) {
      nodes { name phase health budget currency partner { name } }
    }
    activities(orderBy: [{createdAt: DESC}], first: 5) {
      totalCount
      nodes { kind subject status dueAt }
    }
  }
}
""",
        _CUSTOMER,
    ),
    Example(
        _RELATIONS,
        "Teams from top to bottom",
        "admin",
        """
query Teams {
  teams(where: {parent: {isNull: true}}) {
    nodes {
      name
      lead { firstName lastName }
      subteams(orderBy: [{name: ASC}]) {
        nodes {
          name
          lead { firstName lastName }
          members(first: 3, orderBy: [{lastName: ASC}]) { totalCount nodes { lastName jobTitle } }
        }
      }
    }
  }
}
""",
    ),
    Example(
        _RELATIONS,
        "Filter through relations",
        "admin",
        """
# Active customers with a running project in trouble and nobody to call.
query InTrouble {
  customers(
    where: {
      status: {eq: active}
      projects: {some: {phase: {eq: execution}, health: {in: [yellow, red]}}}
      contacts: {none: {buyingRole: {eq: decision_maker}}}
    }
    first: 10
  ) {
    totalCount
    nodes {
      name
      owner { lastName }
      projects(where: {health: {in: [yellow, red]}}) { nodes { name health progressPercent } }
    }
  }
}
""",
    ),
    Example(
        _RELATIONS,
        "What an activity is about",
        "admin",
        """
# «regarding» is one record of several kinds.
query LatestMeetings {
  activities(where: {kind: {eq: meeting}, status: {eq: completed}}, orderBy: [{completedAt: DESC}], first: 20) {
    nodes {
      subject
      completedAt
      outcome
      regarding {
        __typename
        ... on Customer { name industry }
        ... on Contact { firstName lastName }
        ... on Project { name phase }
        ... on Partner { name kind }
      }
    }
  }
}
""",
    ),
    Example(
        _FIGURES,
        "Project budgets by phase",
        "admin",
        """
query BudgetByPhase {
  projectsAggregate(groupBy: [{phase: VALUE}]) {
    key { phase }
    count
    sum { budget actualCost }
    avg { progressPercent }
  }
}
""",
    ),
    Example(
        _FIGURES,
        "Active customers by industry",
        "admin",
        """
query ByIndustry {
  customersAggregate(where: {status: {eq: active}}, groupBy: [{industry: VALUE}]) {
    key { industry }
    count
    sum { annualRevenue }
    avg { employees }
    max { employees }
    countDistinct { city }
  }
}
""",
    ),
    Example(
        _FIGURES,
        "Two questions at once",
        "sales_rep",
        """
# Both answers come from the same moment. A representative's figures count the own records only.
query MyDay {
  open: activities(where: {status: {in: [planned, in_progress]}}, orderBy: [{dueAt: ASC}], first: 5) {
    totalCount
    nodes { kind subject dueAt }
  }
  byKind: activitiesAggregate(groupBy: [{kind: VALUE}, {status: VALUE}]) {
    key { kind status }
    count
    sum { durationMinutes }
  }
}
""",
    ),
    Example(
        _CHANGES,
        "Create an activity",
        "sales_rep",
        """
mutation PlanCall($input: CreateActivityInput!) {
  createActivity(input: $input) {
    id
    version
    subject
    owner { lastName }
    regarding { ... on Customer { name } }
  }
}
""",
        {
            "input": {
                "kind": "call",
                "subject": "Rückruf zum Angebot",
                "priority": "high",
                "dueAt": "2026-07-06T09:00:00+02:00",
                "ownerId": DEMO_USERS["sales_rep"],
                "regarding": {"customerId": _CUSTOMER["id"]},
            }
        },
    ),
    Example(
        _CHANGES,
        "Update a project",
        "sales_rep",
        """
# With the argument «version», as you read it, nobody else's change is overwritten.
mutation ReportProgress($id: ID!, $input: UpdateProjectInput!) {
  updateProject(id: $id, input: $input) { name progressPercent health updatedAt version }
}
""",
        {**_PROJECT, "input": {"progressPercent": 55, "health": "green"}},
    ),
    Example(
        _CHANGES,
        "Delete a task",
        "sales_rep",
        """
# Works once; then there is no such record any more.
mutation DeleteTask($id: ID!) {
  deleteActivity(id: $id) { subject status }
}
""",
        _TASK,
    ),
    Example(
        _ROLES,
        "All that a guest sees of customers",
        "guest",
        """
# Ask for contacts, or for a customer's revenue: for a guest there is no such thing, not even in the documentation.
query Reference {
  customers(where: {country: {eq: "AT"}}, orderBy: [{name: ASC}], first: 10) {
    totalCount
    nodes { name industry city country }
  }
}
""",
    ),
    Example(
        _ROLES,
        "The schema that a guest has",
        "guest",
        """
query MySchema {
  __schema {
    mutationType { name }
    queryType { fields { name description } }
  }
}
""",
    ),
    Example(
        _ROLES,
        "Everybody's figures, and one's own",
        "sales_rep",
        """
# The same query as an administrator counts all records.
query Mine {
  customers { totalCount }
  contacts { totalCount }
  projects { totalCount }
  activities { totalCount }
  products { totalCount }
}
""",
    ),
)
"""In the order of the menu."""
