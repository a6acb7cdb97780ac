"""The table of addresses that are not the public Internet's."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.delivery.addresses import check_address
from clarion.delivery.guard import Guard
from clarion.domain.hosts import parse_address

REFUSED = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "this network",
    "10.0.0.0": "private",
    "10.255.255.255": "private",
    "100.64.0.0": "shared (CGNAT)",
    "100.100.100.200": "shared (CGNAT)",
    "100.127.255.255": "shared (CGNAT)",
    "127.0.0.1": "loopback",
    "127.255.255.255": "loopback",
    "168.63.129.16": "cloud metadata",
    "169.254.169.254": "link-local",
    "172.16.0.0": "private",
    "172.31.255.255": "private",
    "192.0.0.192": "protocol assignments",
    "192.0.2.1": "documentation",
    "192.31.196.1": "AS112",
    "192.52.193.1": "AMT",
    "192.88.99.1": "6to4 relay",
    "192.168.0.1": "private",
    "192.175.48.1": "AS112",
    "198.18.0.0": "benchmarking",
    "198.19.255.255": "benchmarking",
    "198.51.100.7": "documentation",
    "203.0.113.7": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.254": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "::127.0.0.1": "loopback",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:10.1.2.3": "private",
    "::ffff:a9fe:a9fe": "link-local",
    "::ffff:0:192.168.1.1": "private",
    "64:ff9b::8.8.8.8": "NAT64",
    "64:ff9b:1::8.8.8.8": "NAT64",
    "64:ff9b:2::1": "reserved",
    "100::1": "discard",
    "100:0:0:1::1": "dummy",
    "2001::1": "Teredo",
    "2001:2::1": "benchmarking",
    "2001:10::1": "ORCHID",
    "2001:20::1": "ORCHID",
    "2001:1ff::1": "protocol assignments",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "6to4",
    "2002:808:808::": "6to4",
    "2620:4f:8000::1": "AS112",
    "3fff::1": "documentation",
    "3fff:fff::1": "documentation",
    "4000::1": "reserved",
    "5f00::1": "segment routing",
    "fc00::1": "unique local",
    "fd00:ec2::254": "unique local",
    "fe80::1": "link-local",
    "febf::1": "link-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "2606:4700::5efe:10.0.0.1": "ISATAP",
    "2606:4700::200:5efe:10.0.0.1": "ISATAP",
}
ALLOWED = [
    "1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "168.63.129.15", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255",
    "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2000::1", "2001:200::1", "2001:4860:4860::8888",
    "2003::1", "2606:4700::1111", "3ffe:ffff::1", "::ffff:8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize(("address", "reason"), REFUSED.items())
def test_an_address_that_is_nobodys_web_server_is_refused(address: str, reason: str) -> None:
    assert check_address(address) == reason
    parsed = parse_address(address)
    assert parsed is not None
    assert check_address(parsed) == reason


@pytest.mark.parametrize("address", ALLOWED)
def test_an_address_next_to_those_is_allowed(address: str) -> None:
    assert check_address(address) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "0x7f.1",
        "2130706433",
        "127.1",
        "0177.0.0.1",
        "127.0.0.1%lo",
        "fe80::1%eth0",
        "2606:4700::1%1",
        "[::1]",
        " 8.8.8.8",
        "8.8.8.8\n",
    ],
)
def test_text_in_any_other_form_is_no_address(text: str) -> None:
    assert check_address(text) == "not an address"


def test_a_zone_id_is_refused_in_a_parsed_address_too() -> None:
    assert check_address(IPv6Address("2606:4700::1%eth0")) == "not an address"


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=200)
def test_a_mapped_address_is_judged_as_the_one_inside(number: int) -> None:
    inside = check_address(IPv4Address(number))
    assert check_address(IPv6Address(0xFFFF << 32 | number)) == inside


@given(st.ip_addresses())
@settings(max_examples=300)
def test_nothing_passes_that_python_knows_as_private_or_multicast(address: IPv4Address | IPv6Address) -> None:
    if check_address(address) is None:
        assert not address.is_multicast
        assert address.is_global or getattr(address, "ipv4_mapped", None) is not None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "::ffff:127.0.0.1"])
def test_the_dangerous_switch_lets_private_addresses_pass(address: str) -> None:
    assert Guard().refuses(address) is not None
    assert Guard(dangerous_allow_private_targets=True).refuses(address) is None


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "64:ff9b::7f00:1", "ff02::1", "junk"])
def test_the_dangerous_switch_lets_nothing_else_pass(address: str) -> None:
    assert Guard(dangerous_allow_private_targets=True).refuses(address) is not None
