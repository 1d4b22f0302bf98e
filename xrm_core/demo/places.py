"""Countries and their cities: real postal codes and area codes, street names, phone and VAT number patterns.

In a pattern ``#`` stands for any digit, ``N`` for a digit from 2 to 8, ``@`` for a capital letter. Where telephone
numbers are set aside for films (big cities of Germany, France, Sweden, United Kingdom, United States) only those are
used.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class City:
    """A city: its state, some of its postal codes, the pattern of its fixed-line numbers, its share of business."""

    name: str
    state: str
    postal_codes: tuple[str, ...]
    phone: str
    weight: int


@dataclass(frozen=True, slots=True)
class Country:
    """What addresses and numbers of a country look like. ``street`` has the places ``{street}`` and ``{number}``."""

    code: str
    language: str
    currency: str
    share: int
    vat_id: str
    mobile: str
    street: str
    streets: tuple[str, ...]
    cities: tuple[City, ...]


def _cities(table: str) -> tuple[City, ...]:
    cities = []
    for line in table.strip().splitlines():
        name, state, codes, phone, weight = (part.strip() for part in line.split("|"))
        cities.append(City(name, state, tuple(code.strip() for code in codes.split(",")), phone, int(weight)))
    return tuple(cities)


def _country(
    code: str,
    language: str,
    currency: str,
    share: int,
    vat_id: str,
    mobile: str,
    street: str,
    streets: str,
    cities: str,
) -> Country:
    names = tuple(name.strip() for name in streets.split(","))
    return Country(code, language, currency, share, vat_id, mobile, street, names, _cities(cities))


_GERMANY = """
Berlin             | Berlin                 | 10115, 10178, 10785, 10999, 12099, 13353, 14059 | +493023125###  | 9
Hamburg            | Hamburg                | 20095, 20354, 20457, 22083, 22303, 22761        | +494066969###  | 8
München            | Bayern                 | 80331, 80469, 80687, 80802, 81541, 81829        | +498999998###  | 9
Köln               | Nordrhein-Westfalen    | 50667, 50733, 50825, 50968, 51063               | +492214710###  | 6
Frankfurt am Main  | Hessen                 | 60311, 60325, 60486, 60549, 65929               | +496990009###  | 6
Stuttgart          | Baden-Württemberg      | 70173, 70376, 70469, 70565                      | +49711N######  | 6
Düsseldorf         | Nordrhein-Westfalen    | 40210, 40221, 40472, 40549                      | +49211N######  | 5
Dortmund           | Nordrhein-Westfalen    | 44135, 44147, 44263                             | +49231N######  | 4
Essen              | Nordrhein-Westfalen    | 45127, 45141, 45329                             | +49201N######  | 4
Leipzig            | Sachsen                | 04103, 04109, 04229, 04347                      | +49341N######  | 4
Bremen             | Bremen                 | 28195, 28217, 28307                             | +49421N######  | 4
Dresden            | Sachsen                | 01067, 01099, 01159, 01309                      | +49351N######  | 4
Hannover           | Niedersachsen          | 30159, 30175, 30419, 30659                      | +49511N######  | 4
Nürnberg           | Bayern                 | 90402, 90411, 90443, 90471                      | +49911N######  | 5
Bielefeld          | Nordrhein-Westfalen    | 33602, 33609, 33719                             | +49521N######  | 4
Münster            | Nordrhein-Westfalen    | 48143, 48155, 48163                             | +49251N######  | 3
Karlsruhe          | Baden-Württemberg      | 76131, 76133, 76185                             | +49721N######  | 4
Mannheim           | Baden-Württemberg      | 68159, 68165, 68219                             | +49621N######  | 4
Augsburg           | Bayern                 | 86150, 86156, 86167                             | +49821N######  | 4
Wuppertal          | Nordrhein-Westfalen    | 42103, 42117, 42275                             | +49202N######  | 3
Ulm                | Baden-Württemberg      | 89073, 89077, 89079                             | +49731N######  | 3
Heilbronn          | Baden-Württemberg      | 74072, 74076, 74080                             | +497131N#####  | 3
Regensburg         | Bayern                 | 93047, 93053, 93059                             | +49941N#####   | 3
Würzburg           | Bayern                 | 97070, 97076, 97080                             | +49931N#####   | 2
Freiburg           | Baden-Württemberg      | 79098, 79108, 79111                             | +49761N#####   | 3
Konstanz           | Baden-Württemberg      | 78462, 78464, 78467                             | +497531N#####  | 1
Lüdenscheid        | Nordrhein-Westfalen    | 58507, 58511, 58515                             | +492351N#####  | 2
Gütersloh          | Nordrhein-Westfalen    | 33330, 33332, 33335                             | +495241N#####  | 2
Osnabrück          | Niedersachsen          | 49074, 49076, 49084                             | +49541N#####   | 3
Göttingen          | Niedersachsen          | 37073, 37079, 37085                             | +49551N#####   | 2
Lübeck             | Schleswig-Holstein     | 23552, 23556, 23560                             | +49451N#####   | 2
Kiel               | Schleswig-Holstein     | 24103, 24114, 24143                             | +49431N######  | 2
Rostock            | Mecklenburg-Vorpommern | 18055, 18057, 18069                             | +49381N######  | 2
Chemnitz           | Sachsen                | 09111, 09116, 09131                             | +49371N######  | 3
Erfurt             | Thüringen              | 99084, 99086, 99096                             | +49361N######  | 2
Jena               | Thüringen              | 07743, 07745, 07747                             | +493641N#####  | 2
Magdeburg          | Sachsen-Anhalt         | 39104, 39106, 39120                             | +49391N######  | 2
Saarbrücken        | Saarland               | 66111, 66113, 66117                             | +49681N######  | 2
"""
_AUSTRIA = """
Wien       | Wien             | 1010, 1030, 1070, 1100, 1210, 1220 | +431N######   | 9
Graz       | Steiermark       | 8010, 8020, 8041, 8055             | +43316N#####  | 5
Linz       | Oberösterreich   | 4020, 4030, 4040                   | +43732N#####  | 6
Salzburg   | Salzburg         | 5020, 5023                         | +43662N#####  | 4
Innsbruck  | Tirol            | 6020                               | +43512N#####  | 3
Klagenfurt | Kärnten          | 9020                               | +43463N#####  | 2
Dornbirn   | Vorarlberg       | 6850                               | +435572N####  | 2
St. Pölten | Niederösterreich | 3100, 3105                         | +432742N##### | 2
"""
_SWITZERLAND = """
Zürich     | ZH | 8001, 8005, 8008, 8050 | +4144N###### | 9
Genève     | GE | 1201, 1204, 1227       | +4122N###### | 4
Basel      | BS | 4051, 4056, 4058       | +4161N###### | 5
Bern       | BE | 3007, 3011, 3014       | +4131N###### | 4
Lausanne   | VD | 1003, 1006, 1018       | +4121N###### | 3
Winterthur | ZH | 8400, 8404, 8406       | +4152N###### | 3
Luzern     | LU | 6003, 6005, 6014       | +4141N###### | 3
St. Gallen | SG | 9000, 9008, 9014       | +4171N###### | 3
Zug        | ZG | 6300                   | +4141N###### | 2
Lugano     | TI | 6900                   | +4191N###### | 2
"""
_FRANCE = """
Paris      | Île-de-France              | 75002, 75008, 75011, 75015 | +3319900####  | 9
Lyon       | Auvergne-Rhône-Alpes       | 69002, 69003, 69007        | +3346571####  | 5
Grenoble   | Auvergne-Rhône-Alpes       | 38000, 38100               | +3346571####  | 2
Marseille  | Provence-Alpes-Côte d'Azur | 13001, 13008, 13013        | +3346571####  | 3
Strasbourg | Grand Est                  | 67000, 67100, 67200        | +3335301####  | 4
Mulhouse   | Grand Est                  | 68100, 68200               | +3335301####  | 2
Lille      | Hauts-de-France            | 59000, 59800               | +3335301####  | 3
Toulouse   | Occitanie                  | 31000, 31100, 31300        | +3353649####  | 3
Bordeaux   | Nouvelle-Aquitaine         | 33000, 33300               | +3353649####  | 3
Nantes     | Pays de la Loire           | 44000, 44200, 44300        | +3326191####  | 3
"""
_ITALY = """
Milano  | Lombardia      | 20121, 20124, 20143, 20154 | +3902N####### | 8
Torino  | Piemonte       | 10121, 10126, 10152        | +39011N###### | 4
Bologna | Emilia-Romagna | 40121, 40128, 40138        | +39051N###### | 4
Roma    | Lazio          | 00144, 00185, 00187        | +3906N####### | 4
Verona  | Veneto         | 37121, 37135, 37139        | +39045N###### | 3
Padova  | Veneto         | 35121, 35129, 35131        | +39049N###### | 3
Brescia | Lombardia      | 25121, 25124, 25136        | +39030N###### | 3
Firenze | Toscana        | 50121, 50127, 50144        | +39055N###### | 2
Genova  | Liguria        | 16121, 16128, 16149        | +39010N###### | 2
"""
_SPAIN = """
Madrid    | Comunidad de Madrid  | 28001, 28013, 28027, 28046 | +3491N######  | 7
Barcelona | Cataluña             | 08001, 08018, 08029, 08038 | +3493N######  | 7
Valencia  | Comunidad Valenciana | 46001, 46015, 46023        | +3496N######  | 3
Bilbao    | País Vasco           | 48001, 48009, 48014        | +34944N#####  | 3
Zaragoza  | Aragón               | 50001, 50012, 50018        | +34976N#####  | 2
Sevilla   | Andalucía            | 41001, 41013, 41020        | +34954N#####  | 2
Málaga    | Andalucía            | 29001, 29004, 29010        | +34952N#####  | 1
Vigo      | Galicia              | 36201, 36208               | +34986N#####  | 1
"""
_NETHERLANDS = """
Amsterdam | Noord-Holland | 1012 @@, 1043 @@, 1082 @@ | +3120N###### | 6
Rotterdam | Zuid-Holland  | 3011 @@, 3045 @@, 3089 @@ | +3110N###### | 6
Den Haag  | Zuid-Holland  | 2511 @@, 2595 @@          | +3170N###### | 3
Utrecht   | Utrecht       | 3511 @@, 3542 @@          | +3130N###### | 4
Eindhoven | Noord-Brabant | 5611 @@, 5617 @@, 5651 @@ | +3140N###### | 5
Groningen | Groningen     | 9711 @@, 9723 @@          | +3150N###### | 2
Enschede  | Overijssel    | 7511 @@, 7547 @@          | +3153N###### | 2
Breda     | Noord-Brabant | 4811 @@, 4825 @@          | +3176N###### | 2
"""
_POLAND = """
Warszawa | mazowieckie   | 00-001, 00-124, 02-672, 03-046 | +4822N###### | 6
Kraków   | małopolskie   | 30-001, 31-019, 31-864         | +4812N###### | 4
Wrocław  | dolnośląskie  | 50-069, 51-162, 53-611         | +4871N###### | 4
Poznań   | wielkopolskie | 60-101, 61-701, 61-894         | +4861N###### | 4
Gdańsk   | pomorskie     | 80-001, 80-244, 80-871         | +4858N###### | 3
Katowice | śląskie       | 40-001, 40-082, 40-265         | +4832N###### | 3
Łódź     | łódzkie       | 90-001, 90-437, 93-121         | +4842N###### | 3
Szczecin | zachodniopomorskie | 70-001, 70-419, 71-602         | +4891N###### | 2
"""
_SWEDEN = """
Stockholm | Stockholms län      | 111 20, 114 32, 118 46 | +468465004##  | 6
Göteborg  | Västra Götaland     | 411 03, 413 27, 417 55 | +463139006##  | 5
Malmö     | Skåne               | 211 18, 212 11, 215 32 | +464062804##  | 4
Uppsala   | Uppsala län         | 753 20, 754 50         | +4618N#####   | 2
Västerås  | Västmanland         | 721 30, 722 12         | +4621N#####   | 2
Linköping | Östergötland        | 582 22, 583 30         | +4613N#####   | 2
Jönköping | Jönköpings län      | 553 16, 554 54         | +4636N#####   | 2
"""
_BRITAIN = """
London     | England          | EC2A #@@, SW1P #@@, E14 #@@, W1T #@@ | +442079460###  | 7
Birmingham | England          | B1 #@@, B3 #@@, B24 #@@              | +441214960###  | 4
Manchester | England          | M1 #@@, M3 #@@, M17 #@@              | +441614960###  | 5
Leeds      | England          | LS1 #@@, LS10 #@@                    | +441134960###  | 3
Sheffield  | England          | S1 #@@, S9 #@@                       | +441144960###  | 3
Bristol    | England          | BS1 #@@, BS3 #@@                     | +441174960###  | 3
Edinburgh  | Scotland         | EH1 #@@, EH12 #@@                    | +441314960###  | 2
Glasgow    | Scotland         | G1 #@@, G51 #@@                      | +441414960###  | 2
Cardiff    | Wales            | CF10 #@@, CF24 #@@                   | +442920180###  | 2
Belfast    | Northern Ireland | BT1 #@@, BT9 #@@                     | +442896496###  | 1
"""
_AMERICA = """
New York      | NY | 10001, 10016, 10038        | +121255501## | 5
Chicago       | IL | 60601, 60607, 60654        | +131255501## | 5
Boston        | MA | 02108, 02110, 02210        | +161755501## | 4
San Francisco | CA | 94103, 94105, 94111        | +141555501## | 4
Los Angeles   | CA | 90012, 90017, 90045        | +121355501## | 3
Seattle       | WA | 98101, 98104, 98109        | +120655501## | 3
Austin        | TX | 78701, 78704, 78758        | +151255501## | 3
Houston       | TX | 77002, 77019, 77056        | +171355501## | 3
Detroit       | MI | 48201, 48226               | +131355501## | 3
Cleveland     | OH | 44113, 44114               | +121655501## | 2
Milwaukee     | WI | 53202, 53204               | +141455501## | 2
Atlanta       | GA | 30303, 30308, 30339        | +140455501## | 3
"""

COUNTRIES: dict[str, Country] = {
    country.code: country
    for country in (
        _country(
            "DE",
            "de",
            "EUR",
            52,
            "DE#########",
            "+49151N#######",
            "{street} {number}",
            "Hauptstraße, Bahnhofstraße, Industriestraße, Gewerbering, Lindenallee, Am Hafen, Schillerstraße, "
            "Goethestraße, Mühlenweg, Gartenstraße, Königstraße, Siemensstraße, Robert-Bosch-Straße, "
            "Daimlerstraße, Max-Planck-Ring, Kirchgasse, Schlossallee, Am Technologiepark, "
            "Werner-von-Siemens-Straße, Brückenstraße, Rosenweg, Alte Gießerei",
            _GERMANY,
        ),
        _country(
            "AT",
            "de",
            "EUR",
            9,
            "ATU########",
            "+43664N######",
            "{street} {number}",
            "Hauptstraße, Wiener Straße, Bahnhofstraße, Industriezeile, Mozartstraße, Landstraße, Lastenstraße, "
            "Ringstraße, Salzburger Straße, Gewerbepark, Schubertgasse, Grazer Straße",
            _AUSTRIA,
        ),
        _country(
            "CH",
            "de",
            "CHF",
            8,
            "CHE-###.###.###",
            "+4178N######",
            "{street} {number}",
            "Bahnhofstrasse, Industriestrasse, Seestrasse, Technoparkstrasse, Zürcherstrasse, Dorfstrasse, "
            "Gewerbestrasse, Badenerstrasse, Bundesplatz, Steinengraben, Hardturmstrasse, Lagerstrasse",
            _SWITZERLAND,
        ),
        _country(
            "FR",
            "fr",
            "EUR",
            6,
            "FR###########",
            "+33612N#####",
            "{number} {street}",
            "rue de la République, avenue Jean Jaurès, rue Victor Hugo, boulevard Voltaire, rue Pasteur, avenue "
            "de l'Europe, rue du Faubourg, quai de la Gare, rue des Érables, allée des Platanes",
            _FRANCE,
        ),
        _country(
            "IT",
            "it",
            "EUR",
            4,
            "IT###########",
            "+39347N######",
            "{street} {number}",
            "Via Roma, Via Garibaldi, Corso Italia, Via dell'Industria, Viale Europa, Via Mazzini, Via Dante, "
            "Piazza Cavour, Via Verdi, Via Marconi",
            _ITALY,
        ),
        _country(
            "ES",
            "es",
            "EUR",
            4,
            "ESB########",
            "+3461N######",
            "{street}, {number}",
            "Calle Mayor, Calle de Alcalá, Avenida de la Constitución, Gran Vía, Calle Real, Carrer de Mallorca, "
            "Paseo del Prado, Polígono Industrial Norte, Calle del Sol, Avenida Diagonal",
            _SPAIN,
        ),
        _country(
            "NL",
            "nl",
            "EUR",
            4,
            "NL#########B##",
            "+3162N######",
            "{street} {number}",
            "Stationsweg, Industrieweg, Kerkstraat, Hoofdstraat, Havenstraat, Molenweg, Prinsengracht, "
            "Energieweg, Handelskade, Nijverheidsweg",
            _NETHERLANDS,
        ),
        _country(
            "PL",
            "pl",
            "PLN",
            4,
            "PL##########",
            "+48601######",
            "ul. {street} {number}",
            "Przemysłowa, Długa, Słoneczna, Mickiewicza, Piłsudskiego, Fabryczna, Jana Pawła II, Kościuszki, Lipowa, "
            "Świętojańska",
            _POLAND,
        ),
        _country(
            "SE",
            "sv",
            "SEK",
            3,
            "SE##########01",
            "+467017406##",
            "{street} {number}",
            "Storgatan, Kungsgatan, Drottninggatan, Industrigatan, Hamngatan, Östra Förstadsgatan, Skolgatan, "
            "Ängsvägen, Järnvägsgatan, Verkstadsgatan",
            _SWEDEN,
        ),
        _country(
            "GB",
            "en",
            "GBP",
            4,
            "GB#########",
            "+447400N#####",
            "{number} {street}",
            "High Street, Station Road, Church Lane, Victoria Road, Queen Street, Park Avenue, Mill Lane, King's "
            "Road, Albion Way, Kingsway Business Park",
            _BRITAIN,
        ),
        _country(
            "US",
            "en",
            "USD",
            5,
            "",
            "",
            "{number} {street}",
            "Main Street, Oak Avenue, Market Street, Industrial Parkway, Washington Boulevard, Lake Shore Drive, "
            "Elm Street, Commerce Drive, Broadway, Innovation Way",
            _AMERICA,
        ),
    )
}
"""By ISO code. ``share`` is the country's part of all business; an empty ``mobile`` means: as the fixed line."""
