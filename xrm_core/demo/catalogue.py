"""The demo company's products: an imaginary maker of conveyors, drives and their software."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A product line: names are built from ``models`` and ``variants``; prices in euro from ``price`` at the median."""

    name: str
    category: str
    prefix: str
    unit: str
    price: int
    margin: float
    weight_kg: float
    description: str
    models: tuple[str, ...]
    variants: tuple[str, ...]


def _line(
    name: str,
    category: str,
    prefix: str,
    unit: str,
    price: int,
    margin: float,
    weight_kg: float,
    description: str,
    models: str,
    variants: str,
) -> Line:
    split = [tuple(part.strip() for part in text.split(",")) for text in (models, variants)]
    return Line(name, category, prefix, unit, price, margin, weight_kg, description, *split)


LINES: tuple[Line, ...] = (
    _line(
        "TransLine",
        "machine",
        "TL",
        "piece",
        48_000,
        0.34,
        850,
        "Modularer Förderer für Stückgut bis 60 kg.",
        "Bandförderer, Rollenförderer, Gurtförderer, Kettenförderer, Spiralförderer",
        "300, 450, 600, 800, 600 Hygiene",
    ),
    _line(
        "PackRobot",
        "machine",
        "PR",
        "piece",
        92_000,
        0.31,
        1200,
        "Roboterzelle zum Verpacken und Palettieren.",
        "Palettierer, Depalettierer, Kartonierer, Pick-and-Place-Zelle",
        "S, M, L, XL",
    ),
    _line(
        "SortIQ",
        "machine",
        "SQ",
        "piece",
        135_000,
        0.33,
        2400,
        "Sortieranlage mit Kameraerkennung.",
        "Kippschalensorter, Quergurtsorter, Taschensorter",
        "4000, 8000, 12000",
    ),
    _line(
        "DriveX",
        "component",
        "DX",
        "piece",
        1_450,
        0.42,
        18,
        "Getriebemotor mit integriertem Umrichter.",
        "Getriebemotor, Servomotor, Trommelmotor",
        "0.37 kW, 0.75 kW, 1.5 kW, 3 kW, 5.5 kW",
    ),
    _line(
        "SenseOne",
        "component",
        "SE",
        "piece",
        320,
        0.55,
        0.4,
        "Sensor mit IO-Link.",
        "Lichtschranke, Lasertaster, Ultraschallsensor, Vision-Sensor, Drehgeber",
        "Standard, Pro, IP69K",
    ),
    _line(
        "ControlBox",
        "component",
        "CB",
        "piece",
        2_900,
        0.48,
        6,
        "Steuerung für bis zu 64 Antriebe.",
        "Zonensteuerung, Liniensteuerung, Sicherheitssteuerung",
        "8, 16, 32, 64",
    ),
    _line(
        "TransLine",
        "spare_part",
        "ET",
        "piece",
        140,
        0.60,
        2.5,
        "Original-Ersatzteil.",
        "Fördergurt, Tragrolle, Umlenkrolle, Kettensatz, Lagersatz, Abstreifer, Schmierset, Dichtungssatz",
        "300, 450, 600, 800",
    ),
    _line(
        "DriveX",
        "spare_part",
        "ED",
        "piece",
        210,
        0.58,
        3,
        "Original-Ersatzteil.",
        "Lüfter, Bremse, Geberkabel, Getrieberad, Klemmenkasten",
        "klein, mittel, groß",
    ),
    _line(
        "FlowSuite",
        "software",
        "FS",
        "licence",
        6_800,
        0.82,
        0,
        "Software zur Steuerung und Auswertung des Materialflusses.",
        "Leitstand, Materialflussrechner, Anlagenmonitor, Schnittstelle ERP, Energiemonitor",
        "Basis, Professional, Enterprise",
    ),
    _line(
        "FlowSuite Cloud",
        "software",
        "FC",
        "month",
        390,
        0.78,
        0,
        "Gehosteter Dienst, monatlich kündbar.",
        "Zustandsüberwachung, Flottenübersicht, Berichtsportal",
        "bis 10 Anlagen, bis 50 Anlagen, unbegrenzt",
    ),
    _line(
        "CarePlus",
        "service",
        "CP",
        "month",
        760,
        0.46,
        0,
        "Wartungsvertrag mit zugesagter Reaktionszeit.",
        "Wartungsvertrag, Hotline, Ersatzteilpaket",
        "Bronze, Silber, Gold",
    ),
    _line(
        "ProService",
        "service",
        "PS",
        "day",
        1_280,
        0.38,
        0,
        "Einsatz vor Ort nach Aufwand.",
        "Inbetriebnahme, Anlagenplanung, Umzug und Umbau, Sicherheitsprüfung, Energieberatung",
        "Techniker, Ingenieur, Projektleitung",
    ),
    _line(
        "Academy",
        "training",
        "AC",
        "day",
        890,
        0.52,
        0,
        "Schulung mit Zertifikat, im Werk oder online.",
        "Grundkurs Bedienung, Aufbaukurs Instandhaltung, Programmierung ControlBox, Administration FlowSuite, "
        "Arbeitssicherheit",
        "Präsenz, online, Inhouse",
    ),
)
