import pytest

from xrm_core.auth.device_names import device_name

MOZILLA = "Mozilla/5.0"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (f"{MOZILLA} (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
        (
            f"{MOZILLA} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142 Safari/537.36",
            "Chrome on Windows",
        ),
        (f"{MOZILLA} (Windows NT 10.0) Chrome/142.0 Safari/537.36 Edg/142.0", "Edge on Windows"),
        (f"{MOZILLA} (iPhone; CPU iPhone OS 26_1 like Mac OS X) Version/26.1 Mobile Safari/604.1", "Safari on iPhone"),
        (f"{MOZILLA} (Linux; Android 16) Chrome/142.0 Mobile Safari/537.36", "Chrome on Android"),
        ("python-httpx2/2.16.2", "python-httpx2"),
        ("curl/8.15.0", "curl"),
        ("A" * 10_000, "A" * 60),
        ("\x1b[31m", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_device_has_a_short_name(user_agent: str | None, name: str) -> None:
    assert device_name(user_agent) == name
