"""Job titles, project names, descriptions and notes; German and English."""

JOBS: tuple[tuple[str, str, str, str, str, int], ...] = (
    ("Geschäftsführung", "Managing Director", "Geschäftsleitung", "Management", "decision_maker", 10),
    ("Leitung Einkauf", "Head of Purchasing", "Einkauf", "Purchasing", "buyer", 9),
    ("Einkäufer/in", "Purchaser", "Einkauf", "Purchasing", "buyer", 12),
    ("Produktionsleitung", "Production Manager", "Produktion", "Production", "decision_maker", 10),
    ("Leitung Instandhaltung", "Head of Maintenance", "Instandhaltung", "Maintenance", "influencer", 9),
    ("Instandhalter/in", "Maintenance Technician", "Instandhaltung", "Maintenance", "user", 9),
    ("IT-Leitung", "Head of IT", "IT", "IT", "influencer", 8),
    ("Logistikleitung", "Logistics Manager", "Logistik", "Logistics", "initiator", 8),
    ("Assistenz der Geschäftsführung", "Executive Assistant", "Geschäftsleitung", "Management", "gatekeeper", 6),
    ("Projektingenieur/in", "Project Engineer", "Technik", "Engineering", "initiator", 9),
    ("Leitung Finanzen", "Head of Finance", "Finanzen", "Finance", "decision_maker", 5),
    ("Qualitätsbeauftragte/r", "Quality Officer", "Qualität", "Quality", "influencer", 5),
)
"""German and English job title, German and English department, role in the buying centre, weight."""

PROJECTS: dict[str, tuple[tuple[str, str], ...]] = {
    "implementation": (
        ("Neue Förderlinie {city}", "New conveyor line {city}"),
        ("Palettierung Halle {n}", "Palletising hall {n}"),
        ("Sortieranlage Werk {city}", "Sorting plant {city}"),
    ),
    "migration": (
        ("Umstellung auf FlowSuite", "Migration to FlowSuite"),
        ("Ablösung Altsteuerung Linie {n}", "Control retrofit line {n}"),
    ),
    "consulting": (
        ("Materialflussanalyse {city}", "Material flow study {city}"),
        ("Energieberatung Werk {n}", "Energy review plant {n}"),
    ),
    "maintenance": (
        ("Generalüberholung Linie {n}", "Overhaul of line {n}"),
        ("Wartungspaket {city}", "Maintenance package {city}"),
    ),
    "training": (
        ("Schulungsreihe Bedienung", "Operator training series"),
        ("Qualifizierung Instandhaltung", "Maintenance training"),
    ),
}
"""Kind of project → (German, English) names; ``{n}`` is a small number."""

INTERNAL_NOTES = (
    "Zahlt zuverlässig, fragt aber immer nach 3 % Skonto.",
    "Mahnstufe 2 im Vorjahr; vor größeren Aufträgen Bonität prüfen.",
    "Nachfolge in der Geschäftsführung ungeklärt.",
    "Price-sensitive; last deal closed at 11 % discount.",
    "Wettbewerber hat ein Angebot laufen, Entscheidung bis Quartalsende.",
    "Wünscht keine Anrufe vor 10 Uhr.",
    "Credit insurance covers half of the limit only.",
    "Streit über Restpunkte aus dem letzten Projekt beigelegt.",
)
CONTACT_NOTES = (
    "Bevorzugt kurze Mails mit klaren Terminen.",
    "Kennt unsere Anlagen aus früherer Stelle.",
    "Speaks German and English.",
    "Freitags nicht im Haus.",
    "Met at the spring trade fair.",
    "Zuständig auch für das Schwesterwerk.",
)
STRENGTHS = (
    "Dichtes Servicenetz in Süddeutschland.",
    "Sehr kurze Lieferzeiten bei Standardlinien.",
    "Strong brand in food industry.",
    "Eigene Steuerungstechnik.",
    "Low prices through production in Eastern Europe.",
)
WEAKNESSES = (
    "Kaum Erfahrung mit Sonderanlagen.",
    "Software wirkt veraltet.",
    "Few references outside of logistics.",
    "Lange Reaktionszeiten im Service.",
    "Abhängig von einem Großkunden.",
)

CUSTOMER_DESCRIPTIONS = (
    ("Familienunternehmen mit {n} Beschäftigten.", "Family business with {n} employees."),
    ("Beliefert vor allem Abnehmer im Umkreis von {city}.", "Mainly supplies buyers around {city}."),
    ("Betreibt in {city} zwei Werke im Schichtbetrieb.", "Runs two plants in {city} in shifts."),
    ("Wächst seit Jahren, plant eine weitere Halle.", "Has been growing for years, plans another hall."),
    ("Erneuert in den nächsten Jahren seine Fördertechnik.", "Will renew its conveyors over the next years."),
)
PROJECT_DESCRIPTIONS = (
    (
        "Umbau bei laufender Produktion, Stillstand höchstens zwei Tage.",
        "Work during production, two days of downtime at most.",
    ),
    ("Anbindung an das ERP-System ist Teil des Auftrags.", "Connection to the ERP system is part of the order."),
    ("Abnahme nach vierwöchigem Probebetrieb.", "Acceptance after four weeks of trial operation."),
    ("Folgeauftrag zu einem früheren Vorhaben.", "Follow-up of an earlier project."),
)
