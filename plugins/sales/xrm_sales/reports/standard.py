"""The reports with which an installation begins."""

STANDARD: tuple[tuple[str, str, str, str], ...] = (
    (
        "won_by_month",
        "Won opportunities by month, quarter or year",
        "Gewonnene Verkaufschancen nach Monat, Quartal oder Jahr",
        """query ($period: DateGroupBy! = MONTH) {
  opportunitiesAggregate(
    where: {status: {eq: won}}, groupBy: [{closedOn: $period}, {currency: VALUE}], orderBy: [{key: {closedOn: ASC}}]
  ) { key { closedOn currency } count sum { amount } avg { cycleDays } }
}""",
    ),
    (
        "revenue_by_employee",
        "Revenue by employee",
        "Umsatz nach Mitarbeiter",
        """{
  opportunitiesAggregate(
    where: {status: {eq: won}}
    groupBy: [{owner: {lastName: VALUE}}, {owner: {firstName: VALUE}}, {owner: {id: VALUE}}, {currency: VALUE}]
    orderBy: [{sum: {amount: DESC}}]
  ) { key { owner { lastName firstName id } currency } count sum { amount } }
}""",
    ),
    (
        "conversion_by_stage",
        "Opportunities that have come to each stage, and per cent that went on from it",
        "Verkaufschancen, die jede Phase erreicht haben, und wie viel Prozent von dort weiterkamen",
        """{
  stagePeriodsAggregate(
    where: {firstTime: {eq: true}}
    groupBy: [{stage: {pipeline: {name: VALUE}}}, {stage: {position: VALUE}}, {stage: {name: VALUE}}]
    orderBy: [{key: {stage: {pipeline: {name: ASC}}}}, {key: {stage: {position: ASC}}}]
  ) { key { stage { pipeline { name } position name } } count avg { days advancedPercent } }
}""",
    ),
    (
        "sales_cycle",
        "Length of the sales cycle by product",
        "Dauer des Verkaufs nach Produkt",
        """{
  opportunitiesAggregate(where: {status: {eq: won}}, groupBy: [{product: {name: VALUE}}]) {
    key { product { name } } count avg { cycleDays } max { cycleDays }
  }
}""",
    ),
    (
        "activities_by_employee",
        "Completed activities by employee and kind",
        "Erledigte Aktivitäten nach Mitarbeiter und Art",
        """{
  activitiesAggregate(
    where: {status: {eq: completed}}, groupBy: [{owner: {lastName: VALUE}}, {kind: VALUE}], totals: ROLLUP
  ) { key { owner { lastName } kind } totalOver count }
}""",
    ),
    (
        "commissions_by_employee",
        "Commissions by employee and month, quarter or year",
        "Provisionen nach Mitarbeiter und Monat, Quartal oder Jahr",
        """query ($period: DateGroupBy! = MONTH) {
  commissionsAggregate(
    where: {status: {ne: cancelled}}
    groupBy: [{user: {lastName: VALUE}}, {earnedOn: $period}, {status: VALUE}, {currency: VALUE}]
    orderBy: [{key: {earnedOn: ASC}}]
  ) { key { user { lastName } earnedOn status currency } count sum { basis amount } max { attainment } }
}""",
    ),
    (
        "against_competitors",
        "Won and lost against competitors",
        "Gewonnen und verloren gegen Wettbewerber",
        """{
  opportunityCompetitorsAggregate(
    where: {opportunity: {status: {ne: open}}}
    groupBy: [{competitor: {name: VALUE}}, {opportunity: {status: VALUE}}]
  ) { key { competitor { name } opportunity { status } } count }
}""",
    ),
    (
        "win_rate_by_competitor",
        "Win rate against each competitor, in per cent",
        "Gewinnquote gegen jeden Wettbewerber, in Prozent",
        """{
  competitors(
    where: {opportunities: {some: {status: {in: [won, lost]}}}}, orderBy: [{name: ASC}, {id: ASC}], first: 1000
  ) {
    nodes {
      name
      opportunitiesAggregate(where: {status: {in: [won, lost]}}) { count avg { wonPercent } }
    }
  }
}""",
    ),
    (
        "win_rate_by_employee",
        "Win rate of each employee, in per cent",
        "Gewinnquote jedes Mitarbeiters, in Prozent",
        """{
  opportunitiesAggregate(
    where: {status: {in: [won, lost]}}
    groupBy: [{owner: {lastName: VALUE}}, {owner: {firstName: VALUE}}, {owner: {id: VALUE}}]
  ) { key { owner { lastName firstName id } } count avg { wonPercent } }
}""",
    ),
    (
        "lost_by_reason",
        "Lost orders by reason and competitor",
        "Verlorene Aufträge nach Grund und Wettbewerber",
        """{
  opportunitiesAggregate(
    where: {status: {eq: lost}}, groupBy: [{lossReason: {name: VALUE}}, {lostTo: {name: VALUE}}, {currency: VALUE}]
    orderBy: [{count: DESC}]
  ) { key { lossReason { name } lostTo { name } currency } count sum { amount } }
}""",
    ),
    (
        "pipeline_cube",
        "Pipeline by region, product and month, quarter or year",
        "Pipeline nach Region, Produkt und Monat, Quartal oder Jahr",
        """query ($period: DateGroupBy! = MONTH) {
  opportunitiesAggregate(
    where: {status: {eq: open}}, groupBy: [{region: VALUE}, {product: {name: VALUE}}, {closeOn: $period}], totals: CUBE
  ) { key { region product { name } closeOn } totalOver count sum { amount expectedRevenue } }
}""",
    ),
)
"""Name, title in English and German, and the query; ``$period`` is what a report by time goes by."""
