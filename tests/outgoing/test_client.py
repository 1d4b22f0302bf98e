"""The client goes nowhere that it must not, and waits for nobody longer than it may."""

import socket
import time
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from tests.outgoing.receiver import Handler, Receiver, drip, receiving
from xrm_core.outgoing import NotAnswered, Outgoing

_REFUSED = ("ADDRESS_REFUSED", "NAME_UNKNOWN", "URL_REFUSED")
LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(autouse=True)
def _emptied(receiver: Receiver) -> None:
    receiver.got.clear()


def code(client: Outgoing, url: str) -> str:
    with pytest.raises(NotAnswered) as told:
        client.post(url, b"{}", {})
    client.close()
    return told.value.code


def test_an_allowed_receiver_is_asked(receiver: Receiver) -> None:
    client = Outgoing(LOOPBACK)
    answer = client.post(receiver.url, b'{"a":1}', {"X-Other": "y"})
    client.close()
    assert answer.status == 204
    [(path, headers, body)] = receiver.got
    assert (path, headers["X-Other"], body) == ("/hook", "y", b'{"a":1}')
    assert headers["Host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "0.0.0.0",
        "[::]",
        "[::1]",
        "[::ffff:7f00:1]",
        "[::ffff:127.0.0.1]",
        "0177.0.0.1",
        "0x7f000001",
        "2130706433",
        "127.1",
        "localhost",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_form_of_loopback_reaches_it(receiver: Receiver, host: str, scheme: str) -> None:
    assert code(Outgoing(), f"{scheme}://{host}:{receiver.port}/") in _REFUSED
    assert receiver.got == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "ftp://127.0.0.1/",
        "http://user:pass@example.com/",
        "https:///path",
        "https://example.com/#part",
        "https://example.com/\r\nX: y",
        "no url",
        "",
    ],
)
def test_what_is_no_address_of_a_receiver_is_refused(url: str) -> None:
    assert code(Outgoing(LOOPBACK), url) == "URL_REFUSED"


def test_a_name_is_looked_up_once_and_all_its_addresses_are_judged(receiver: Receiver) -> None:
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["203.0.113.9"] if len(asked) == 1 else ["127.0.0.1"]

    assert code(Outgoing(resolve=rebinding), "https://evil.example/") == "ADDRESS_REFUSED"
    assert asked == ["evil.example"]
    mixed = Outgoing(resolve=lambda _host, _port: ["8.8.8.8", "127.0.0.1"])
    assert code(mixed, f"https://evil.example:{receiver.port}/") == "ADDRESS_REFUSED"
    assert code(Outgoing(resolve=lambda _host, _port: []), "https://evil.example/") == "NAME_UNKNOWN"
    assert receiver.got == []


def test_it_connects_to_the_address_that_was_judged(receiver: Receiver) -> None:
    client = Outgoing(LOOPBACK, resolve=lambda _host, _port: ["127.0.0.1"])
    assert client.post(f"http://crm.example:{receiver.port}/x", b"", {}).status == 204
    client.close()
    assert receiver.got[0][1]["Host"] == f"crm.example:{receiver.port}"


def test_the_internet_is_asked_by_tls_alone_and_on_no_port_of_other_services() -> None:
    public = {"resolve": lambda _host, _port: ["8.8.8.8"], "seconds": 0.01}
    assert code(Outgoing(**public), "http://example.com/") == "ADDRESS_REFUSED"
    assert code(Outgoing(**public), "https://example.com:25/") == "ADDRESS_REFUSED"


def test_no_redirect_is_followed(receiver: Receiver) -> None:
    client = Outgoing(LOOPBACK)
    receiver.behave(lambda handler: handler.answer(307, Location=receiver.url))
    assert client.post(receiver.url, b"", {}).status == 307
    client.close()
    assert len(receiver.got) == 1


def test_proxies_of_the_environment_are_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", receiver.url)
    monkeypatch.setenv("ALL_PROXY", receiver.url)
    assert code(Outgoing(resolve=lambda _host, _port: ["10.0.0.1"]), "http://example.com/") == "ADDRESS_REFUSED"
    assert receiver.got == []


@pytest.mark.parametrize("how", [drip, lambda handler: time.sleep(2)])
def test_a_receiver_that_is_slow_has_so_long_and_no_longer(how: object) -> None:
    with receiving(how) as receiver:  # type: ignore[arg-type]
        began = time.monotonic()
        assert code(Outgoing(LOOPBACK, seconds=0.3), receiver.url) == "TIMED_OUT"
        assert time.monotonic() - began < 1.5


def test_of_a_large_answer_little_is_read() -> None:
    sent: list[int] = []

    def large(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(500_000_000))
        handler.end_headers()
        for _ in range(500):
            handler.wfile.write(b"x" * 1_000_000)
            sent.append(1)

    with receiving(large) as receiver:
        client = Outgoing(LOOPBACK)
        assert client.post(receiver.url, b"", {}).status == 200
        client.close()
        time.sleep(0.1)
    assert len(sent) < 100


def test_what_is_no_tls_and_who_does_not_answer(receiver: Receiver) -> None:
    assert code(Outgoing(LOOPBACK), receiver.url.replace("http:", "https:")) == "TLS_FAILED"
    with receiving() as gone:
        url = gone.url
    assert code(Outgoing(LOOPBACK), url) == "NOT_REACHED"
    with receiving(lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)) as rude:
        assert code(Outgoing(LOOPBACK), rude.url) == "NO_ANSWER"
