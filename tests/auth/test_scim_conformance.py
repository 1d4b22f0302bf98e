"""Every check of scim2-tester, against the application. It is imported late: that takes as long as all its checks."""

import uuid
from collections import Counter
from typing import Any

import pytest

from tests.auth.kit import House
from tests.auth.scim_kit import service_token


def test_a_provider_of_identities_finds_what_the_rfcs_promise(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_tester import Status, check_server, filling
    from scim2_tester.checkers import patch_add, patch_replace

    # given a tester whose user names are addresses, as ours are
    usual = filling.generate_random_value

    def generated(context: Any, path: Any, *more: Any, **named: Any) -> Any:
        value = usual(context, path, *more, **named)
        if str(path).endswith("active"):  # who is not active does not become so by the removal of that word
            return None if value is None else True
        return f"{uuid.uuid4()}@example.com" if value is not None and str(path).endswith("userName") else value

    for module in (filling, patch_add, patch_replace):
        monkeypatch.setattr(module, "generate_random_value", generated)
    http = house.http
    http.headers["Authorization"] = f"Bearer {service_token(house)}"
    base, http.base_url = http.base_url, f"{http.base_url}/scim/v2/"
    try:
        # when it checks everything
        results = check_server(SyncSCIMClient(http))
    finally:
        http.base_url = base
        del http.headers["Authorization"]
    # then all is well
    good = (Status.SUCCESS, Status.SKIPPED)
    wrong = [f"{each.title}: {each.reason}" for each in results if each.status not in good]
    assert "\n".join(wrong) == ""
    assert Counter(each.status for each in results)[Status.SUCCESS] > 60
