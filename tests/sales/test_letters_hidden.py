"""The letter of a quote whose customer the caller does not see."""

from tests.sales.conftest import Sales


def test_there_is_no_letter_to_a_customer_that_the_caller_does_not_see(sales: Sales):
    quote = sales.xrm.create("quote", subject="Press", customer=sales.customer)
    path = f"/plugins/sales/quotes/{quote}/letter.pdf"

    assert sales.xrm.as_role("narrow_reader").request("GET", path).status_code == 404
    assert sales.admin.request("GET", path).status_code == 200
