"""Example queries of the association pack's demo."""

from xrm_core.demo.example import Example

_MEMBERS, _MONEY, _EVENTS, _ROLES = "Members", "Money", "Events", "What a role sees"

EXAMPLES: tuple[Example, ...] = (
    Example(
        _MEMBERS,
        "Newest members",
        "membership_office",
        """
query NewestMembers {
  members(where: {status: {in: [applicant, active]}}, orderBy: [{joinedOn: DESC}], first: 10) {
    totalCount
    nodes {
      memberNumber
      status
      joinedOn
      contact { firstName lastName city guardian { firstName lastName } }
      memberships { nodes { number section { name } feeSchedule { name amount { amount currency } } } }
    }
  }
}
""",
    ),
    Example(
        _MEMBERS,
        "Members by section",
        "admin",
        """
query MembersBySection {
  membershipsAggregate(where: {status: {eq: active}}, groupBy: [{section: {name: VALUE}}]) {
    key { section { name } }
    count
    avg { discountPercent }
  }
}
""",
    ),
    Example(
        _MEMBERS,
        "The board",
        "admin",
        """
query Board {
  boardFunctions(where: {committee: {kind: {eq: board}}, endsOn: {isNull: true}}, orderBy: [{function: ASC}]) {
    nodes { function startsOn member { memberNumber contact { firstName lastName phone } } electedAt { title } }
  }
}
""",
    ),
    Example(
        _MONEY,
        "Who has not paid",
        "treasurer",
        """
query Overdue {
  fees(where: {status: {in: [overdue, returned]}}, orderBy: [{amount: {amount: DESC}}], first: 10) {
    totalCount
    nodes {
      number
      amount { amount currency }
      dueOn
      reminders
      membership { number member { memberNumber iban contact { firstName lastName email } } }
    }
  }
}
""",
    ),
    Example(
        _MONEY,
        "Fees by status",
        "treasurer",
        """
query FeesByStatus {
  feesAggregate(where: {periodFrom: {eq: "2026-01-01"}}, groupBy: [{status: VALUE}]) {
    key { status }
    count
    sum { amount }
  }
}
""",
    ),
    Example(
        _MONEY,
        "Donations by campaign",
        "treasurer",
        """
query DonationsByCampaign {
  donationsAggregate(groupBy: [{campaign: {name: VALUE}}]) {
    key { campaign { name } }
    count
    sum { amount }
    max { amount }
  }
}
""",
    ),
    Example(
        _MONEY,
        "How campaigns stand",
        "treasurer",
        """
# Raised and reached are worked out of the donations whenever they are read.
query Campaigns {
  donationCampaigns(where: {status: {eq: running}}, orderBy: [{progress: DESC}]) {
    nodes { name goal { amount currency } raised donationCount progress endsOn }
  }
}
""",
    ),
    Example(
        _MONEY,
        "Who sponsors which section",
        "treasurer",
        """
query Sponsors {
  teams(where: {sponsoredBy: {some: {}}}, orderBy: [{name: ASC}]) {
    nodes {
      name
      relationships(types: [sponsor_of], asOf: "2026-06-30") {
        nodes {
          label(language: "de")
          validFrom
          other { ... on Customer { name } ... on Institution { name } }
          record { ... on SponsorOf { annualAmount { amount currency } benefit } }
        }
      }
    }
  }
}
""",
    ),
    Example(
        _MONEY,
        "Book a donation",
        "treasurer",
        """
mutation BookDonation($donor: CreateDonationDonorInput!) {
  createDonation(
    input: {donor: $donor, kind: money, amount: {amount: "250.00"}, donatedOn: "2026-06-30", purpose: "Trikots"}
  ) {
    receiptNumber
    amount { amount currency }
    donor { ... on Customer { name } }
  }
}
""",
        {"donor": {"customerId": "016ac568-590a-7f63-b607-4d33a856574c"}},
    ),
    Example(
        _EVENTS,
        "What is on",
        "membership_office",
        """
query WhatIsOn {
  events(where: {status: {in: [open, full]}}, orderBy: [{startsAt: ASC}], first: 10) {
    nodes {
      title
      startsAt
      location
      capacity
      freePlaces
      section { name }
    }
  }
}
""",
    ),
    Example(
        _ROLES,
        "The members of one's own section",
        "section_lead",
        """
# The head of a section sees its members, and neither bank details nor the members of others.
query MySection {
  members(orderBy: [{memberNumber: ASC}], first: 10) {
    totalCount
    nodes { memberNumber status joinedOn contact { firstName lastName mobile photoConsent } }
  }
}
""",
    ),
    Example(
        _ROLES,
        "What the public sees",
        "guest",
        """
query ForEverybody {
  events(orderBy: [{startsAt: ASC}], first: 5) { totalCount nodes { title startsAt location price { amount } } }
  donationCampaigns { nodes { name purpose goal { amount currency } } }
}
""",
    ),
)
"""In the order of the menu."""
