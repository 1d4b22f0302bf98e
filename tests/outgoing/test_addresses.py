"""Which addresses are of the internet, in whatever form they are written."""

from ipaddress import ip_network

import pytest

from xrm_core.outgoing.addresses import is_public, is_within


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::808:808",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fd00::1",
        "fd00:ec2::254",
        "ff02::1",
        "ff0e::1",
        "2001:db8::1",
    ],
)
def test_these_are_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_these_are(address: str) -> None:
    assert is_public(address)


def test_networks_of_ones_own_are_named() -> None:
    own = [ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")]
    assert is_within("10.1.2.3", own)
    assert is_within("::ffff:10.1.2.3", own)
    assert is_within("fd00:1::9", own)
    assert not is_within("10.2.0.1", own)
    assert not is_within("fd00:2::9", own)
