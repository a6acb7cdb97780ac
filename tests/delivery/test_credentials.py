"""Key files of Google and Apple are read, or refused without showing anything of them."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from clarion.delivery.credentials import APNS_SANDBOX_URL, APNS_URL, MAX_FILE, ApnsKey, FcmKey, read_apns_key, read_fcm_key

from .apple import p8
from .google import pem, private_key

P256 = ec.generate_private_key(ec.SECP256R1())
APPLE = {"key_id": "ABCDE12345", "team": "TEAM123456", "topic": "com.shop.app"}


def account(**changes: object) -> bytes:
    file = {
        "type": "service_account",
        "project_id": "shop-1",
        "private_key_id": "abc123",
        "private_key": pem(private_key()),
        "client_email": "push@shop-1.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps({name: value for name, value in (file | changes).items() if value is not None}).encode()


def test_a_service_account_file() -> None:
    key = read_fcm_key(account())
    assert key == FcmKey("shop-1", "push@shop-1.iam.gserviceaccount.com", "abc123", pem(private_key()))
    assert (key.token_url, key.base_url) == ("https://oauth2.googleapis.com/token", "https://fcm.googleapis.com")
    assert "PRIVATE" not in repr(key)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"type": "authorized_user"}, "type"),
        ({"project_id": None}, "not the JSON key file"),
        ({"project_id": "a/../b"}, "project_id"),
        ({"client_email": "nobody"}, "client_email"),
        ({"private_key_id": "a b"}, "private_key_id"),
        ({"token_uri": "https://evil.example/token"}, "token_uri"),
        ({"private_key": "-----BEGIN"}, "PEM"),
        ({"private_key": pem(rsa.generate_private_key(65537, 1024))}, "2048"),
        ({"private_key": p8(P256)}, "RSA"),
        ({"padding": "x" * MAX_FILE}, "smaller"),
    ],
)
def test_a_service_account_file_that_is_none(changes: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why) as raised:
        read_fcm_key(account(**changes))
    assert "PRIVATE KEY" not in str(raised.value)


@pytest.mark.parametrize("file", [b"", b"[]", b"\xff", b"[" * 10_000, b"null"])
def test_what_is_no_json_object(file: bytes) -> None:
    with pytest.raises(ValueError, match="not the JSON key file"):
        read_fcm_key(file)


@pytest.mark.parametrize(("sandbox", "url"), [(False, APNS_URL), (True, APNS_SANDBOX_URL)])
def test_an_apple_key(sandbox: bool, url: str) -> None:
    key = read_apns_key(p8(P256), **APPLE, sandbox=sandbox)
    assert key == ApnsKey("ABCDE12345", "TEAM123456", "com.shop.app", p8(P256), url)
    assert "PRIVATE" not in repr(key)


def locked() -> str:
    return P256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()


@pytest.mark.parametrize(
    ("file", "changes", "why"),
    [
        (p8(P256), {"key_id": "abcde12345"}, "ten capital"),
        (p8(P256), {"team": "TEAM12345"}, "ten capital"),
        (p8(P256), {"topic": "a b"}, "bundle id"),
        (p8(P256), {"topic": "a\r\nx"}, "bundle id"),
        (p8(ec.generate_private_key(ec.SECP384R1())), {}, "P-256"),
        (pem(private_key()), {}, "P-256"),
        (locked(), {}, "passphrase"),
        ("x" * (MAX_FILE + 1), {}, "smaller"),
    ],
)
def test_an_apple_key_that_is_none(file: str, changes: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why) as raised:
        read_apns_key(file, **(APPLE | changes))  # type: ignore[arg-type]  # all of them are text
    assert "PRIVATE KEY" not in str(raised.value)
