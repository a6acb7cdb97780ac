"""Scheme and authority of a URL: which hosts there are, on both sides of each limit."""

from ipaddress import IPv4Address, IPv6Address

import pytest

from clarion.domain.hosts import MAX_HOST, Host, parse_address, parse_authority


@pytest.mark.parametrize(
    ("scheme", "text", "host"),
    [
        ("https", "shop.example", Host("shop.example", 443, "shop.example", None)),
        ("http", "shop.example", Host("shop.example", 80, "shop.example", None)),
        ("https", "Shop.Example.:443", Host("shop.example", 443, "shop.example", None)),
        ("https", "shop.example:80", Host("shop.example", 80, "shop.example:80", None)),
        ("http", "shop.example:443", Host("shop.example", 443, "shop.example:443", None)),
        ("http", "a:1", Host("a", 1, "a:1", None)),
        ("http", "a:65535", Host("a", 65535, "a:65535", None)),
        ("http", "a:00080", Host("a", 80, "a", None)),
        ("http", "a_b-c.1x", Host("a_b-c.1x", 80, "a_b-c.1x", None)),
        ("http", "_a", Host("_a", 80, "_a", None)),
        ("http", "0xg", Host("0xg", 80, "0xg", None)),
        ("http", "BÜCHER.example", Host("xn--bcher-kva.example", 80, "xn--bcher-kva.example", None)),
        ("http", "8.8.8.8", Host("8.8.8.8", 80, "8.8.8.8", IPv4Address("8.8.8.8"))),
        ("http", "\uff11.2.3.4:81", Host("1.2.3.4", 81, "1.2.3.4:81", IPv4Address("1.2.3.4"))),
        ("http", "[2606:4700:0::1]", Host("2606:4700::1", 80, "[2606:4700::1]", IPv6Address("2606:4700::1"))),
        ("https", "[::1]:80", Host("::1", 80, "[::1]:80", IPv6Address("::1"))),
        ("https", "[::ffff:127.0.0.1]", Host("::ffff:7f00:1", 443, "[::ffff:7f00:1]", IPv6Address("::ffff:127.0.0.1"))),
    ],
)
def test_a_host(scheme: str, text: str, host: Host) -> None:
    assert parse_authority(scheme, text) == host


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        *((text, "user information") for text in ("a@b", "a:b@c", "@")),
        *((text, "malformed") for text in ("a:", "a:x", "a:123456", "a:-1", "a:1:2", "::1", "[::1", "[::1]x", "x[::1]", "[[::1]]", "a]")),
        *((text, "out of range") for text in ("a:0", "a:65536", "a:99999")),
        *((text, "empty or too long") for text in ("", ":80", "a" * (MAX_HOST + 1))),
        *((text, "not a name") for text in ("a..b", ".a", ".", "-a", "a-", "a b", "a,b", "a%2eb", "a/b", "\u00fc..b", "\ud800.b", "a.-.b")),
        *((text, "not an address") for text in ("1", "127.1", "0x7f.1", "1.2.3.256", "1.2.3.04", "1.2.3.4.5", "a.0x", "a.0xff", "a.1")),
        *((text, "not an address") for text in ("[]", "[127.0.0.1]", "[fe80::1%eth0]", "[fe80::1%25eth0]", "[v1.x]", "[::g]")),
    ],
)
def test_no_host(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        parse_authority("https", text)


def test_both_sides_of_the_lengths() -> None:
    assert MAX_HOST == 253
    longest = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert parse_authority("http", longest).name == longest
    for text in (f"{'a' * 64}.b", f"{longest}c", f"\u00fc.{longest[4:]}"):
        with pytest.raises(ValueError, match=r"not a name|too long"):
            parse_authority("http", text)


@pytest.mark.parametrize("text", ["", "a", "1.2.3", "01.2.3.4", "1.2.3.4.", "::g", ":"])
def test_no_address(text: str) -> None:
    assert parse_address(text) is None


def test_an_address_of_either_kind() -> None:
    assert parse_address("1.2.3.4") == IPv4Address("1.2.3.4")
    assert parse_address("::1.2.3.4") == IPv6Address("::102:304")
