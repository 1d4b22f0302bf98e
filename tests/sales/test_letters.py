"""A quote as a letter, and the page on which a customer decides."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from xrm_sales.quotes.letter import QUERY, content
from xrm_sales.settings import Settings

from tests.sales.conftest import Sales
from tests.sales.test_quotes import SEND, Quotes, act, quotes  # noqa: F401 - a fixture


@pytest.fixture
def sent(quotes: Quotes) -> tuple[Quotes, str, str]:  # noqa: F811
    """A quote that is out: its id, and the path of the customer's page."""
    opportunity = quotes.sales.opportunity()
    id_ = quotes.quote(
        opportunity=opportunity,
        language="de",
        discount_percent=10,
        introduction="Guten Tag!\n\nGerne.",
        terms="30 Tage & mehr",
    )
    quotes.line(id_, quotes.press, quantity="2", description="Mit *Sternen* und #Rauten, <b>spitz</b> und ümlaut")
    quotes.line(id_, quotes.feet, 2, quantity="0.5", optional=True)
    act(quotes.sales.admin, "submitQuote", id_)
    return quotes, id_, quotes.sales.admin.query(SEND, id=id_)["sendQuote"]["link"]


def test_the_letter_is_a_pdf_for_whoever_sees_the_quote(sent: tuple[Quotes, str, str]):
    quotes_, id_, _ = sent
    path = f"/plugins/sales/quotes/{id_}/letter.pdf"

    answer = quotes_.sales.admin.request("GET", path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-1.")
    assert b"pdfaid" in answer.content  # PDF/A says so of itself
    assert quotes_.sales.xrm.http.get(path).status_code == 401
    assert quotes_.sales.xrm.as_role("guest").request("GET", path).status_code in (403, 404)


@pytest.mark.parametrize(
    ("language", "currency", "total", "tax"),
    [
        ("de", "EUR", "2.570,40\xa0€", "zzgl. 19 % USt. auf 2.160,00\xa0€"),
        ("en", "EUR", "€2,570.40", "plus 19 % VAT on €2,160.00"),
    ],
)
def test_it_says_all_in_its_language(quotes: Quotes, language: str, currency: str, total: str, tax: str):  # noqa: F811
    id_ = quotes.quote(language=language, currency=currency, discount_percent=10, terms="30 Tage\n\nFrei Haus")
    quotes.line(id_, quotes.press, quantity="2")
    quote = quotes.sales.admin.query(QUERY, id=id_)["quote"]

    found = content(quote, Settings(sender_name="Muster AG", sender_address=("Weg 1", "89073 Ulm")))

    assert found["total"][1] == total
    assert [tax, found["totals"][3][1]] in found["totals"]
    assert found["sender"]["line"] == "Muster AG, Weg 1, 89073 Ulm"
    assert found["notes"] == ["30 Tage", "Frei Haus"]
    assert found["lines"][0][:3] == ["1", "Press", "2"]


@pytest.mark.parametrize(
    ("language", "returning", "price"),
    [
        (
            "de",
            [["davon einmalig", "2.160,00\xa0€"], ["davon je Monat", "85,48\xa0€"], ["davon je Jahr", "90,00\xa0€"]],
            "49,99\xa0€ je Monat",
        ),
        (
            "en",
            [["of which once", "€2,160.00"], ["of which per month", "€85.48"], ["of which per year", "€90.00"]],
            "€49.99 per month",
        ),
    ],
)
def test_what_comes_again_says_so_in_the_letter_and_on_the_page(
    quotes: Quotes,  # noqa: F811
    language: str,
    returning: list[list[str]],
    price: str,
):
    create = quotes.sales.xrm.create
    care = create("product", sku="C-1", name="Care", price="49.99", recurs="month")
    check = create("product", sku="C-2", name="Check", price="100", recurs="year")
    id_ = quotes.quote(language=language, discount_percent=10)
    quotes.line(id_, quotes.press, quantity="2")
    quotes.line(id_, care, 2, quantity="2", discountPercent="5")
    quotes.line(id_, check, 3)
    quotes.line(id_, check, 4, optional=True)

    found = content(quotes.sales.admin.query(QUERY, id=id_)["quote"], Settings())

    net = next(place for place, row in enumerate(found["totals"]) if row[0] in ("Nettobetrag", "Net amount"))
    assert found["totals"][net + 1 : net + 4] == returning
    assert found["lines"][1][3] == price
    assert found["lines"][0][3].count(" ") == 0
    act(quotes.sales.admin, "submitQuote", id_)
    page = quotes.sales.xrm.http.get(quotes.sales.admin.query(SEND, id=id_)["sendQuote"]["link"]).text
    assert price in page
    assert returning[1][0] in page


def test_where_all_comes_again_nothing_is_once_and_the_contract_is_worth_as_much(quotes: Quotes):  # noqa: F811
    create = quotes.sales.xrm.create
    care = create("product", sku="C-1", name="Care", price="49.99", recurs="month")
    book = create("product", sku="C-2", name="Book", price="0.05", recurs="month", tax_category="reduced")
    id_ = quotes.quote(discount_percent=10, language="en")
    quotes.line(id_, care, quantity="1")
    quotes.line(id_, book, 2)  # with a discount rounded once per tax rate

    quote = quotes.sales.admin.query(QUERY, id=id_)["quote"]

    assert quote["netTotal"] == "45.03"
    assert content(quote, Settings())["totals"][3] == ["of which per month", "€45.03"]
    for name in ("submitQuote", "sendQuote", "acceptQuote"):
        act(quotes.sales.admin, name, id_)
    document = "query ($id: ID!) { quote(id: $id) { contracts { nodes { period valuePerPeriod } } } }"
    [made] = quotes.sales.admin.query(document, id=id_)["quote"]["contracts"]["nodes"]
    assert made == {"period": "month", "valuePerPeriod": "45.03"}


def test_the_customer_accepts_by_the_link_once(sent: tuple[Quotes, str, str]):
    quotes_, id_, link = sent
    http = quotes_.sales.xrm.http

    page = http.get(link)
    assert page.status_code == 200
    for part in (
        "<p>Our company</p>",
        "<dt>Gültig bis</dt>",
        "<p>Guten Tag!</p><p>Gerne.</p>",
        "<p>30 Tage &amp; mehr</p>",
    ):
        assert part in page.text
    assert "&lt;b&gt;spitz&lt;/b&gt;" in page.text
    assert "<b>spitz" not in page.text
    assert http.get(f"{link}/letter.pdf").content.startswith(b"%PDF")
    assert http.get(f"{link}x").status_code == 404
    assert http.post(link, data={"decision": "maybe"}).status_code == 422
    assert quotes_.read(id_)["status"] == "sent"

    assert http.post(link, data={"decision": "accept", "note": "Bitte bald"}).status_code == 200
    assert http.post(link, data={"decision": "decline"}).status_code == 409

    found = quotes_.read(id_)
    assert (found["status"], found["opportunity"]["status"]) == ("accepted", "won")
    assert "angenommen" in http.get(link).text


def test_without_the_extra_it_is_said_what_to_install(sent: tuple[Quotes, str, str], monkeypatch: pytest.MonkeyPatch):
    quotes_, id_, _ = sent
    monkeypatch.setitem(sys.modules, "typst", None)

    answer = quotes_.sales.admin.request("GET", f"/plugins/sales/quotes/{id_}/letter.pdf")

    assert answer.status_code == 422
    assert "xrm-platform[sales]" in answer.json()["errors"][0]["message"]


def test_of_two_decisions_at_a_time_one_counts(sent: tuple[Quotes, str, str]):
    quotes_, id_, link = sent
    http = quotes_.sales.xrm.http
    http.get(link)

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda each: http.post(link, data={"decision": each}), ["accept", "decline"]))

    assert sorted(answer.status_code for answer in answers)[0] == 200
    assert sum(answer.status_code == 200 for answer in answers) == 1
    assert quotes_.read(id_)["status"] in ("accepted", "rejected")


def test_the_link_is_told_once_and_kept_as_a_hash(sent: tuple[Quotes, str, str], sales: Sales):
    quotes_, id_, link = sent

    document = "query ($id: ID!) { quote(id: $id) { links { nodes { linkHash } } } }"
    [kept] = quotes_.sales.admin.query(document, id=id_)["quote"]["links"]["nodes"]

    assert len(kept["linkHash"]) == 64
    assert link.rpartition("/")[2] not in str((kept, quotes_.sales.xrm.get("quote", id_)))
