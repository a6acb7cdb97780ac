"""Which client a request comes from."""

import pytest

from clarion.api.sdk.addresses import Proxies

PROXIES = Proxies(["127.0.0.1", "10.0.0.0/8", "2001:db8:ffff::/48"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.1", [], "198.51.100.1"),
        ("198.51.100.1", ["203.0.113.1"], "198.51.100.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("::ffff:127.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("127.0.0.1", ["203.0.113.7, 203.0.113.1", "10.1.2.3"], "203.0.113.1"),
        ("127.0.0.1", ["10.1.1.1, 10.1.2.3"], "10.1.1.1"),
        ("127.0.0.1", ["203.0.113.1, nonsense"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.1:8080"], "127.0.0.1"),
        ("2001:db8:ffff::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", [], "2001:db8:1:2::/64"),
        ("127.0.0.1", ["203.0.113.1," + "10.0.0.1," * 40], "127.0.0.1"),
        (None, ["203.0.113.1"], "unknown"),
        ("unix", [], "unknown"),
    ],
)
def test_the_client_is_the_last_that_no_trusted_proxy_stands_for(peer: str | None, forwarded: list[str], client: str) -> None:
    assert PROXIES.client(peer, forwarded) == client


def test_a_chain_that_never_ends_is_read_from_its_end() -> None:
    chain = ", ".join(["203.0.113.1", *["10.0.0.1"] * 40])
    assert PROXIES.client("127.0.0.1", [chain]) == "10.0.0.1"


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        Proxies(["localhost"])
