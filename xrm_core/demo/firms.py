"""What firms are called: legal forms by country and size, trade words by industry, and names of institutions."""

from dataclasses import dataclass

LEGAL_FORMS: dict[str, tuple[tuple[str, int, int], ...]] = {
    "DE": (
        ("e. K.", 1, 15),
        ("UG (haftungsbeschränkt)", 1, 12),
        ("GmbH", 5, 900),
        ("GmbH", 5, 900),
        ("GmbH", 5, 900),
        ("GmbH & Co. KG", 30, 3000),
        ("GmbH & Co. KG", 30, 3000),
        ("KG", 10, 400),
        ("OHG", 2, 60),
        ("AG", 250, 500_000),
        ("SE", 1500, 500_000),
    ),
    "AT": (
        ("GmbH", 3, 3000),
        ("GmbH", 3, 3000),
        ("AG", 200, 500_000),
        ("KG", 3, 300),
        ("GmbH & Co KG", 30, 1500),
        ("OG", 1, 30),
    ),
    "CH": (("AG", 10, 500_000), ("AG", 10, 500_000), ("GmbH", 1, 120), ("SA", 20, 5000), ("Sàrl", 1, 80)),
    "FR": (("S.A.R.L.", 1, 100), ("SAS", 10, 5000), ("SAS", 10, 5000), ("S.A.", 200, 500_000)),
    "IT": (("S.r.l.", 1, 400), ("S.r.l.", 1, 400), ("S.p.A.", 100, 500_000), ("S.n.c.", 1, 20)),
    "ES": (("S.L.", 1, 400), ("S.L.", 1, 400), ("S.A.", 100, 500_000)),
    "NL": (("B.V.", 1, 2500), ("B.V.", 1, 2500), ("N.V.", 300, 500_000)),
    "PL": (("Sp. z o.o.", 1, 900), ("Sp. z o.o.", 1, 900), ("S.A.", 200, 500_000), ("Sp. j.", 1, 40)),
    "SE": (("AB", 1, 500_000), ("AB", 1, 500_000), ("HB", 1, 20)),
    "GB": (("Ltd", 1, 900), ("Ltd", 1, 900), ("PLC", 400, 500_000), ("LLP", 5, 200)),
    "US": (("Inc.", 5, 500_000), ("Inc.", 5, 500_000), ("LLC", 1, 300), ("Corp.", 150, 500_000)),
}
"""Country → (form, fewest and most employees that it is usual for); a form listed twice is twice as frequent."""


@dataclass(frozen=True, slots=True)
class Industry:
    """An industry.

    ``weight`` is its share of all customers, ``revenue`` the usual revenue per employee and year in euro, ``size`` the
    median number of employees, ``words`` the trade words in firm names by language.
    """

    name: str
    weight: int
    revenue: int
    size: int
    words: dict[str, tuple[str, ...]]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


def _industry(name: str, weight: int, revenue: int, size: int, **words: str) -> Industry:
    return Industry(name, weight, revenue, size, {code: _words(text) for code, text in words.items()})


INDUSTRIES: tuple[Industry, ...] = (
    _industry(
        "Mechanical engineering",
        18,
        210_000,
        120,
        de="Maschinenbau, Werkzeugbau, Antriebstechnik, Anlagenbau, Präzisionstechnik, Fördertechnik",
        en="Engineering, Machine Works, Tooling",
        fr="Mécanique, Machines-Outils",
        it="Meccanica, Macchine Utensili",
        es="Maquinaria, Mecanizados",
        nl="Machinebouw, Techniek",
        pl="Maszyny, Obrabiarki",
        sv="Maskin, Verkstad",
    ),
    _industry(
        "Automotive supply",
        9,
        240_000,
        260,
        de="Fahrzeugtechnik, Automotive, Karosseriebau, Getriebetechnik",
        en="Automotive, Motor Components",
        fr="Équipements Automobiles",
        it="Componenti Auto",
        es="Automoción",
        nl="Voertuigtechniek",
        pl="Części Samochodowe",
        sv="Fordonsteknik",
    ),
    _industry(
        "Electrical engineering",
        9,
        200_000,
        90,
        de="Elektrotechnik, Schaltanlagen, Messtechnik, Sensorik",
        en="Electrics, Controls, Instruments",
        fr="Électrotechnique, Automatismes",
        it="Elettrotecnica, Automazione",
        es="Electricidad, Automatización",
        nl="Elektrotechniek",
        pl="Elektrotechnika, Automatyka",
        sv="Elteknik, Automation",
    ),
    _industry(
        "Metal processing",
        8,
        180_000,
        70,
        de="Metallbau, Stahlbau, Gießerei, Blechtechnik, Oberflächentechnik",
        en="Metals, Steel, Foundry",
        fr="Métallurgie, Fonderie",
        it="Metalli, Fonderie",
        es="Metales, Fundición",
        nl="Metaal, Staalbouw",
        pl="Metal, Odlewnia",
        sv="Metall, Stål",
    ),
    _industry(
        "Plastics and rubber",
        6,
        190_000,
        80,
        de="Kunststofftechnik, Spritzguss, Folien",
        en="Plastics, Polymers",
        fr="Plastiques, Plasturgie",
        it="Materie Plastiche",
        es="Plásticos",
        nl="Kunststoffen",
        pl="Tworzywa",
        sv="Plast",
    ),
    _industry(
        "Chemicals and pharma",
        5,
        420_000,
        180,
        de="Chemie, Pharma, Lacke",
        en="Chemicals, Pharmaceuticals",
        fr="Chimie, Laboratoires",
        it="Chimica, Farmaceutici",
        es="Químicas, Laboratorios",
        nl="Chemie, Farma",
        pl="Chemia, Farmacja",
        sv="Kemi, Läkemedel",
    ),
    _industry(
        "Food and beverages",
        8,
        260_000,
        60,
        de="Brauerei, Feinkost, Backwaren, Molkerei, Lebensmittel",
        en="Foods, Brewery, Bakeries",
        fr="Alimentation, Brasserie",
        it="Alimentari, Caffè",
        es="Alimentos, Conservas",
        nl="Voeding, Brouwerij",
        pl="Żywność, Browar",
        sv="Livsmedel, Bryggeri",
    ),
    _industry(
        "Construction",
        7,
        150_000,
        45,
        de="Bau, Hochbau, Tiefbau, Holzbau, Gebäudetechnik",
        en="Construction, Builders",
        fr="Construction, Bâtiment",
        it="Costruzioni, Edilizia",
        es="Construcciones, Obras",
        nl="Bouw, Bouwbedrijf",
        pl="Budownictwo",
        sv="Bygg",
    ),
    _industry(
        "Logistics",
        6,
        140_000,
        75,
        de="Logistik, Spedition, Transporte, Lagertechnik",
        en="Logistics, Freight, Haulage",
        fr="Logistique, Transports",
        it="Logistica, Trasporti",
        es="Logística, Transportes",
        nl="Logistiek, Transport",
        pl="Logistyka, Transport",
        sv="Logistik, Åkeri",
    ),
    _industry(
        "Software and IT",
        7,
        130_000,
        35,
        de="Software, Systemhaus, Datentechnik, Informatik",
        en="Software, Systems, Digital",
        fr="Logiciels, Informatique",
        it="Informatica, Sistemi",
        es="Sistemas, Informática",
        nl="Software, Automatisering",
        pl="Informatyka, Systemy",
        sv="Data, Programvara",
    ),
    _industry(
        "Energy and environment",
        5,
        380_000,
        85,
        de="Energie, Umwelttechnik, Solartechnik, Windkraft",
        en="Energy, Renewables, Power",
        fr="Énergie, Environnement",
        it="Energia, Ambiente",
        es="Energía, Renovables",
        nl="Energie, Milieutechniek",
        pl="Energia, Ekologia",
        sv="Energi, Miljö",
    ),
    _industry(
        "Medical technology",
        5,
        190_000,
        65,
        de="Medizintechnik, Orthopädie, Dentaltechnik",
        en="Medical, Surgical Devices",
        fr="Médical, Biotechnologie",
        it="Medicale, Biomedica",
        es="Médica, Ortopedia",
        nl="Medisch, Zorgtechniek",
        pl="Medyczne, Aparatura",
        sv="Medicinteknik",
    ),
    _industry(
        "Wholesale and retail",
        6,
        340_000,
        40,
        de="Handel, Großhandel, Baustoffe, Fachmarkt",
        en="Trading, Supplies, Wholesale",
        fr="Distribution, Négoce",
        it="Commercio, Forniture",
        es="Distribuciones, Comercial",
        nl="Handel, Groothandel",
        pl="Handel, Hurtownia",
        sv="Handel, Grossist",
    ),
    _industry(
        "Printing and packaging",
        4,
        160_000,
        50,
        de="Druckerei, Verpackungen, Kartonagen",
        en="Packaging, Print",
        fr="Emballages, Imprimerie",
        it="Imballaggi, Grafica",
        es="Envases, Gráficas",
        nl="Verpakkingen, Drukkerij",
        pl="Opakowania, Drukarnia",
        sv="Förpackningar, Tryckeri",
    ),
    _industry(
        "Public services",
        4,
        120_000,
        130,
        de="Stadtwerke, Verkehrsbetriebe, Klinikum, Entsorgungsbetriebe",
        en="Utilities, Transport Authority",
        fr="Services Publics",
        it="Servizi Pubblici",
        es="Servicios Públicos",
        nl="Nutsbedrijf",
        pl="Zakłady Komunalne",
        sv="Kommunalteknik",
    ),
)
PUBLIC = "Public services"
"""The industry whose firms are named after their city."""

STEMS = _words(
    "Nordwind, Alpina, Rheingold, Hansa, Veltro, Solvis, Quantix, Ferrum, Lumina, Axion, Terranova, Kronos, "
    "Meridian, Polaris, Vectra, Novalis, Sigma, Orbis, Helios, Titan, Aquila, Arcus, Borealis, Ceres, Delta, "
    "Fortis, Granit, Ikarus, Kobalt, Linde, Magnus, Neptun, Optima, Phönix, Regio, Saphir, Triton, Ultra, "
    "Vesta, Zenit, Amber, Castor, Elvo, Juno, Kestrel, Lotus, Mistral, Nexus, Onyx, Pegasus, Rubin, Sirius, "
    "Tamaris, Vulcan, Wega, Argo, Bison, Condor, Dynamo, Eos"
)
"""Coined first halves of firm names, usable in every language."""

PARTNER_TRADES: dict[str, tuple[str, ...]] = {
    "reseller": ("Vertrieb", "Trading", "Sales Solutions"),
    "distributor": ("Distribution", "Handel", "Supply"),
    "integrator": ("Systemtechnik", "Integration", "Automation Systems"),
    "consultant": ("Consulting", "Beratung", "Advisory"),
    "technology": ("Technologies", "Technologie", "Labs"),
    "supplier": ("Komponenten", "Components", "Zulieferung"),
}
COMPETITOR_TRADES = (
    "Robotics",
    "Automation",
    "Antriebe",
    "Motion Control",
    "Fördertechnik",
    "Industrial Systems",
    "Steuerungen",
)

INSTITUTIONS: dict[str, tuple[tuple[str, str, int], ...]] = {
    "DE": (
        ("Stadtverwaltung {city}", "authority", 4),
        ("Industrie- und Handelskammer {city}", "chamber", 5),
        ("Handwerkskammer {city}", "chamber", 3),
        ("Technische Hochschule {city}", "university", 4),
        ("Universität {city}", "university", 4),
        ("Verein der Ingenieure, Bezirk {city}", "association", 3),
        ("Institut für Produktionstechnik {city}", "research_institute", 3),
        ("Stadtsparkasse {city}", "bank", 4),
        ("{city}er Wirtschaftsblatt", "media", 2),
        ("Wirtschaftsförderung {city}", "authority", 3),
        ("Bürgerstiftung {city}", "foundation", 2),
        ("Gewerbeaufsichtsamt {city}", "authority", 2),
    ),
    "AT": (
        ("Wirtschaftskammer {city}", "chamber", 3),
        ("Magistrat {city}", "authority", 2),
        ("Technische Universität {city}", "university", 2),
        ("Sparkasse {city}", "bank", 2),
        ("Industriellenvereinigung {city}", "association", 2),
        ("Arbeitsinspektorat {city}", "authority", 1),
    ),
    "CH": (
        ("Handelskammer {city}", "chamber", 3),
        ("Stadt {city}", "authority", 2),
        ("Fachhochschule {city}", "university", 2),
        ("Kantonalbank {city}", "bank", 2),
        ("Gewerbeverband {city}", "association", 2),
    ),
    "FR": (
        ("Chambre de commerce de {city}", "chamber", 2),
        ("Université de {city}", "university", 1),
        ("Mairie de {city}", "authority", 1),
    ),
    "IT": (
        ("Camera di Commercio di {city}", "chamber", 2),
        ("Politecnico di {city}", "university", 1),
        ("Comune di {city}", "authority", 1),
    ),
    "ES": (
        ("Cámara de Comercio de {city}", "chamber", 2),
        ("Universidad de {city}", "university", 1),
        ("Ayuntamiento de {city}", "authority", 1),
    ),
    "NL": (
        ("Kamer van Koophandel {city}", "chamber", 2),
        ("Universiteit {city}", "university", 1),
        ("Gemeente {city}", "authority", 1),
    ),
    "PL": (
        ("Izba Gospodarcza {city}", "chamber", 2),
        ("Politechnika {city}", "university", 1),
        ("Urząd Miasta {city}", "authority", 1),
    ),
    "SE": (
        ("Handelskammaren {city}", "chamber", 2),
        ("Tekniska högskolan {city}", "university", 1),
        ("{city} kommun", "authority", 1),
    ),
    "GB": (
        ("{city} Chamber of Commerce", "chamber", 2),
        ("University of {city}", "university", 1),
        ("{city} City Council", "authority", 1),
    ),
    "US": (
        ("{city} Chamber of Commerce", "chamber", 2),
        ("{city} Institute of Technology", "university", 1),
        ("City of {city}", "authority", 1),
    ),
}
"""Country → (name, kind, weight); ``{city}`` is filled in."""
