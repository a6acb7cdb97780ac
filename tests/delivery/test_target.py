"""Which URLs are plain enough to send to, and which endpoints a push may go to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.delivery.errors import Blocked
from clarion.delivery.guard import PushAllowList
from clarion.delivery.target import MAX_URL, parse_target


@pytest.mark.parametrize(
    ("url", "origin", "line"),
    [
        ("https://shop.example", "https://shop.example", b"/ HTTP/1.1\r\nhost: shop.example\r\n"),
        ("HTTPS://Shop.Example:443/A?b=C#d", "https://shop.example", b"/A?b=C HTTP/1.1\r\nhost: shop.example\r\n"),
        ("http://shop.example:80/", "http://shop.example", b"/ HTTP/1.1\r\nhost: shop.example\r\n"),
        ("http://shop.example:8080?x", "http://shop.example:8080", b"/?x HTTP/1.1\r\nhost: shop.example:8080\r\n"),
        ("https://shop.example./x", "https://shop.example", b"/x HTTP/1.1\r\nhost: shop.example\r\n"),
        ("https://8.8.8.8:65535/", "https://8.8.8.8:65535", b"/ HTTP/1.1\r\nhost: 8.8.8.8:65535\r\n"),
        ("https://[2606:4700:0::1]:1/", "https://[2606:4700::1]:1", b"/ HTTP/1.1\r\nhost: [2606:4700::1]:1\r\n"),
        (
            "https://bücher.example/ä?ö=%20",
            "https://xn--bcher-kva.example",
            b"/%C3%A4?%C3%B6=%20 HTTP/1.1\r\nhost: xn--bcher-kva.example\r\n",
        ),
        ("https://a.example//b/../c", "https://a.example", b"//b/../c HTTP/1.1\r\nhost: a.example\r\n"),
    ],
)
def test_a_plain_url_becomes_a_target(url: str, origin: str, line: bytes) -> None:
    target = parse_target(url)
    assert target.origin == origin
    assert target.line == line


@pytest.mark.parametrize("host", ["8.8.8.8", "[::1]", "127.0.0.1"])
def test_a_literal_host_has_its_address(host: str) -> None:
    target = parse_target(f"http://{host}/")
    assert target.address is not None
    assert str(target.address) == target.host == host.strip("[]")


def test_full_width_digits_are_read_as_the_address_that_resolvers_see() -> None:
    address = parse_target("http://\uff11\uff12\uff17.0.0.1/").address
    assert str(address) == "127.0.0.1"


@pytest.mark.parametrize(
    "url",
    [
        "", "shop.example", "//shop.example/", "ftp://shop.example/", "file:///etc/passwd", "javascript:alert(1)", "http:/shop.example", "http://",
        "http:///x", "https://:443/", "https://user@shop.example/", "https://user:pass@shop.example/", "https://shop.example@evil.example/",
        "https://shop.example:0/", "https://shop.example:65536/", "https://shop.example:/", "https://shop.example:-1/", "https://shop.example:x/",
        "https://shop..example/", "https://.example/", "https://-a.example/", "https://a-.example/", "https://a,b.example/", "https://a%2eb/",
        "https://shop.example/a b", "https://shop.example/\r\nx: y", "https://shop.example/\t", "https://shop.example\\@evil.example/",
        "https://shop.example/\x00", "https://shop.example/\ud800", "https://\ud800.example/", f"https://{'a' * 64}.example/",
        "https://[::1", "https://::1/", "https://[::1]x/", "https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/", "https://[v1.x]/", "https://[]/",
        "https://[127.0.0.1]/", "http://0x7f.1/", "http://0x7f000001/", "http://2130706433/", "http://127.1/", "http://0177.0.0.1/",
        "http://127.0.0.1.0x1/", "http://1.2.3.4.5/", "http://1.2.3.256/", "http://a.0x/", "http://example.1/",
    ],
)  # fmt: skip
def test_anything_else_is_blocked(url: str) -> None:
    with pytest.raises(Blocked):
        parse_target(url)


def test_both_sides_of_the_lengths() -> None:
    name = ".".join(["a" * 63] * 3 + ["a" * 61])
    assert len(name) == 253
    assert parse_target(f"https://{name}/").host == name
    with pytest.raises(Blocked, match="too long"):
        parse_target(f"https://{name}a/")
    start = "https://a.example/"
    parse_target(start + "x" * (MAX_URL - len(start)))
    with pytest.raises(Blocked, match="longer than"):
        parse_target(start + "x" * (MAX_URL - len(start) + 1))


@given(st.text(max_size=60))
@settings(max_examples=300)
def test_no_text_gives_a_head_of_more_than_two_lines(rest: str) -> None:
    try:
        target = parse_target("http://" + rest)
    except Blocked:
        return
    assert target.line.count(b"\n") == target.line.count(b"\r") == 2
    assert target.line.split(b"\r\n")[0].count(b" ") == 1


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/x", "https://android.googleapis.com/gcm/send/x", "https://updates.push.services.mozilla.com/wpush/v2/x",
        "https://db5.notify.windows.com/w/?token=x", "https://wns2-par02p.notify.windows.com/w/", "https://web.push.apple.com/x",
        "https://FCM.GoogleAPIs.com/x",
    ],
)  # fmt: skip
def test_the_known_push_services_are_allowed(endpoint: str) -> None:
    assert PushAllowList().refuses(endpoint) is None


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x", "https://evil.example/fcm.googleapis.com", "https://fcm.googleapis.com.evil.example/",
        "https://evilfcm.googleapis.com/", "https://x.fcm.googleapis.com/", "https://googleapis.com/", "https://push.apple.com/",
        "https://evilpush.apple.com/", "https://127.0.0.1/", "https://localhost/", "https://8.8.8.8/",
        "https://fcm.googleapis.com@evil.example/", "x",
    ],
)  # fmt: skip
def test_any_other_endpoint_is_refused(endpoint: str) -> None:
    assert PushAllowList().refuses(endpoint) is not None


def test_the_operator_can_add_hosts_and_domains() -> None:
    allow = PushAllowList(["push.shop.example", "*.Push.Example"])
    assert allow.refuses("https://push.shop.example:8443/x") is None
    assert allow.refuses("https://a.b.push.example/x") is None
    assert allow.refuses("https://push.example/x") is not None
    assert allow.refuses("https://x.push.shop.example/x") is not None


@pytest.mark.parametrize("pattern", ["", "*", "*.", "a.*.b", "https://a.example", "a.example/", "a b", "*a.example"])
def test_a_pattern_that_is_no_host_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="no host"):
        PushAllowList([pattern])


def test_the_dangerous_switch_allows_endpoints_on_this_machine_only() -> None:
    allow = PushAllowList(dangerous_allow_private_targets=True)
    for endpoint in ("http://127.0.0.1:9/x", "http://localhost:9/x", "https://[::1]/x"):
        assert allow.refuses(endpoint) is None
        assert PushAllowList().refuses(endpoint) is not None
    assert allow.refuses("http://10.0.0.1/x") is not None
    assert allow.refuses("https://evil.example/") is not None
