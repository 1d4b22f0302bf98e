"""Example queries of the machine builder pack's demo."""

from xrm_core.demo.example import Example

_BASE, _SERVICE, _SALES, _ROLES = "Installed base", "Service", "Sales", "What a role sees"

EXAMPLES: tuple[Example, ...] = (
    Example(
        _BASE,
        "The installed base of a customer",
        "service_lead",
        """
query InstalledBase {
  customers(where: {machines: {some: {status: {eq: down}}}}, orderBy: [{name: ASC}], first: 3) {
    nodes {
      name
      sites {
        nodes {
          name
          city
          machines(orderBy: [{serialNumber: ASC}]) {
            nodes { serialNumber status commissionedOn operatingHours machineType { code name } }
          }
        }
      }
    }
  }
}
""",
    ),
    Example(
        _BASE,
        "Machines by type",
        "service_lead",
        """
query MachinesByType {
  machinesAggregate(groupBy: [{machineType: {code: VALUE}}, {status: VALUE}]) {
    key { machineType { code } status }
    count
    avg { operatingHours }
  }
}
""",
    ),
    Example(
        _BASE,
        "Warranty ends soon",
        "sales_rep",
        """
# A representative sees the machines of the own customers only.
query WarrantyEnds {
  machines(where: {warrantyUntil: {gte: "2026-07-01", lt: "2027-01-01"}}, orderBy: [{warrantyUntil: ASC}], first: 10) {
    totalCount
    nodes { serialNumber warrantyUntil customer { name } machineType { name } }
  }
}
""",
    ),
    Example(
        _SERVICE,
        "Parts below the reorder level",
        "service_lead",
        """
query Reorder {
  spareParts(where: {stock: {eq: 0}, reorderLevel: {gt: 0}}, orderBy: [{leadTimeDays: DESC}], first: 10) {
    totalCount
    nodes {
      partNumber
      name
      stock
      reorderLevel
      leadTimeDays
      supplier { name }
      machineTypes { edges { quantity node { code } } }
    }
  }
}
""",
    ),
    Example(
        _SERVICE,
        "Visits without contract",
        "service_lead",
        """
query WithoutContract {
  serviceVisits(where: {kind: {eq: repair}, contract: {isNull: true}}, orderBy: [{plannedOn: DESC}], first: 10) {
    totalCount
    nodes {
      number
      plannedOn
      status
      hours
      machine { serialNumber customer { name } }
      usedParts { nodes { quantity sparePart { name } } }
    }
  }
}
""",
    ),
    Example(
        _SERVICE,
        "My next visits",
        "technician",
        """
query MyVisits {
  serviceVisits(where: {status: {in: [planned, confirmed]}}, orderBy: [{plannedOn: ASC}], first: 10) {
    totalCount
    nodes {
      number
      kind
      plannedOn
      machine { serialNumber site { name street city accessNotes contact { lastName mobile } } }
    }
  }
}
""",
    ),
    Example(
        _SALES,
        "Who decides",
        "sales_rep",
        """
query WhoDecides {
  projects(
    where: {buyingCentreLinks: {some: {role: {eq: decision_maker}, attitude: {in: [sceptic, opponent]}}}}
    first: 5
  ) {
    totalCount
    nodes {
      name
      phase
      buyingCentre(orderBy: [{lastName: ASC}]) { edges { role attitude influence node { firstName lastName } } }
    }
  }
}
""",
    ),
    Example(
        _SALES,
        "The dearest quotes",
        "sales_rep",
        """
# The amount is the sum of the items, worked out when it is read.
query DearestQuotes {
  quotes(orderBy: [{amount: DESC}], first: 5) {
    nodes { number title amount items { nodes { quantity text unitPrice { amount currency } discountPercent total } } }
  }
}
""",
    ),
    Example(
        _SERVICE,
        "Who may repair this type",
        "service_lead",
        """
query CertifiedPartners {
  machineTypes(where: {certifiedPartners: {some: {level: {eq: repair}}}}, orderBy: [{code: ASC}], first: 3) {
    nodes {
      code
      machineCount
      relationships(types: [certified_for]) {
        nodes { label(language: "de") validTo other { ... on Partner { name } } }
      }
    }
  }
}
""",
    ),
    Example(
        _SALES,
        "Quotes by status",
        "admin",
        """
query QuotesByStatus {
  quotesAggregate(groupBy: [{status: VALUE}]) { key { status } count sum { amount } }
}
""",
    ),
    Example(
        _SALES,
        "Write a quote",
        "sales_rep",
        """
mutation WriteQuote($customer: ID!) {
  createQuote(input: {title: "Ersatz der Rollenbahn", customerId: $customer}) {
    number
    status
    owner { lastName }
  }
}
""",
        {"customer": "0163a684-d616-7d1e-beab-e71cc6d0d0a1"},
    ),
    Example(
        _ROLES,
        "What a guest sees",
        "guest",
        """
query ForGuests {
  machineTypes(orderBy: [{code: ASC}]) { nodes { code name family } }
}
""",
    ),
)
"""In the order of the menu."""
