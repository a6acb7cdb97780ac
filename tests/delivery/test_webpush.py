"""Encryption of pushes against the vectors of RFC 8291 and RFC 8188 and against two other implementations."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import http_ece  # type: ignore[import-untyped]  # ships no types
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from pywebpush import WebPusher  # type: ignore[import-untyped]  # ships no types

from clarion.delivery.errors import SendError
from clarion.delivery.webpush import (
    MAX_PLAINTEXT,
    BadSubscription,
    PayloadTooLarge,
    check_subscription,
    encrypt,
    encrypt_fresh,
    seal,
)

from .browser import Browser, open_records

RFC8291_AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
RFC8291_P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
RFC8291_RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
RFC8291_SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RFC8291_SALT = "DGv6ra1nlYgDCS1FRnbzlw"
RFC8291_BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
TEXT = b"When I grow up, I want to be a watermelon"


def unpack(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unpack(text), "big"), ec.SECP256R1())


def test_the_example_of_rfc_8291_section_5_byte_for_byte() -> None:
    body = encrypt(TEXT, RFC8291_P256DH, RFC8291_AUTH, salt=unpack(RFC8291_SALT), private_key=private(RFC8291_SENDER))
    assert body == unpack(RFC8291_BODY)
    assert len(body) == 144


def test_the_browser_of_these_tests_reads_the_example() -> None:
    assert Browser(private(RFC8291_RECEIVER), unpack(RFC8291_AUTH)).read(unpack(RFC8291_BODY)) == TEXT


def test_the_first_example_of_rfc_8188_byte_for_byte() -> None:
    body = unpack("I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg")
    key, salt = unpack("yqdlZ-tYemfogSmv7Ws5PQ"), unpack("I1BsxtFttlv3u_Oo94xnmw")
    assert seal(b"I am the walrus", key, salt=salt, key_id=b"") == body
    assert open_records(body, lambda _: key) == b"I am the walrus"


def test_the_second_example_of_rfc_8188_reads_as_two_records() -> None:
    body = unpack("uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLWIqS_uA")
    assert open_records(body, {b"a1": unpack("BO3ZVPxUlnLORbVGMpbT1Q")}.__getitem__) == b"I am the walrus"


@given(st.binary(max_size=MAX_PLAINTEXT))
@settings(max_examples=25, deadline=None)
def test_http_ece_and_the_browser_read_what_we_write(text: bytes) -> None:
    browser = Browser.new()
    body = encrypt_fresh(text, browser.p256dh, browser.auth)
    assert browser.read(body) == text
    assert http_ece.decrypt(body, private_key=browser.key, auth_secret=browser.secret, version="aes128gcm") == text


def test_same_salt_and_key_give_the_bytes_that_http_ece_gives() -> None:
    browser, sender, salt = Browser.new(), ec.generate_private_key(ec.SECP256R1()), b"s" * 16
    theirs = http_ece.encrypt(TEXT, salt=salt, private_key=sender, dh=browser.point, auth_secret=browser.secret, version="aes128gcm")
    assert encrypt(TEXT, browser.p256dh, browser.auth, salt=salt, private_key=sender) == theirs


def test_the_browser_reads_what_pywebpush_writes_as_it_reads_ours() -> None:
    browser = Browser.new()
    keys = {"p256dh": browser.p256dh, "auth": browser.auth}
    theirs = WebPusher({"endpoint": "https://push.example/1", "keys": keys}).encode(b'{"a": 1}')
    assert theirs is not None
    assert browser.read(bytes(theirs["body"])) == b'{"a": 1}'


def test_no_two_messages_share_salt_or_key() -> None:
    browser = Browser.new()
    bodies = [encrypt_fresh(b"same", browser.p256dh, browser.auth) for _ in range(20)]
    assert len({body[:16] for body in bodies}) == 20
    assert len({body[21:86] for body in bodies}) == 20


def test_the_limit_is_4096_bytes_on_the_wire() -> None:
    browser = Browser.new()
    assert len(encrypt_fresh(b"x" * MAX_PLAINTEXT, browser.p256dh, browser.auth)) == 4096
    with pytest.raises(PayloadTooLarge, match="3994 bytes is over 3993"):
        encrypt_fresh(b"x" * (MAX_PLAINTEXT + 1), browser.p256dh, browser.auth)


def test_padding_of_base64_is_allowed() -> None:
    browser = Browser.new()
    body = encrypt_fresh(b"hi", urlsafe_b64encode(browser.point).decode(), urlsafe_b64encode(browser.secret).decode())
    assert browser.read(body) == b"hi"


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        ("", RFC8291_AUTH),
        (RFC8291_P256DH[:-4], RFC8291_AUTH),
        (RFC8291_P256DH + "AAAA", RFC8291_AUTH),
        ("!" + RFC8291_P256DH[1:], RFC8291_AUTH),
        ("é" + RFC8291_P256DH[1:], RFC8291_AUTH),
        ("BA" + "A" * 85, RFC8291_AUTH),  # a point, but not on the curve
        (RFC8291_P256DH, ""),
        (RFC8291_P256DH, RFC8291_AUTH[:-3]),
        (RFC8291_P256DH, RFC8291_AUTH + "AAAA"),
        (RFC8291_P256DH, "*" * 22),
    ],
)
def test_keys_that_are_no_keys_fail_for_good(p256dh: str, auth: str) -> None:
    with pytest.raises(BadSubscription) as raised:
        encrypt_fresh(b"hi", p256dh, auth)
    assert isinstance(raised.value, SendError)
    assert raised.value.permanent
    with pytest.raises(BadSubscription):
        check_subscription(p256dh, auth)


def test_good_keys_pass_the_check() -> None:
    check_subscription(RFC8291_P256DH, RFC8291_AUTH)


@given(st.text(max_size=100), st.text(max_size=40))
@settings(max_examples=50, deadline=None)
def test_no_text_breaks_the_check(p256dh: str, auth: str) -> None:
    with pytest.raises(BadSubscription):
        check_subscription(p256dh, auth)
