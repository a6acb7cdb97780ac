"""The Authorization header of pushes (RFC 8292), read by a verifier written from RFC 7515 and by py_vapid."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from py_vapid import Vapid02  # type: ignore[import-untyped]  # ships no types

from clarion.clock import HOUR, SECOND
from clarion.control.sites import new_vapid_key
from clarion.delivery.vapid import LIFETIME, RENEW_BEFORE, VapidKey, VapidTokens

NOW = 1_760_000_000 * SECOND
ORIGIN = "https://fcm.googleapis.com"


def unpack(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture
def key() -> VapidKey:
    private, public = new_vapid_key()
    return VapidKey(private, public, "mailto:operator@shop.example")


def verify(header: bytes) -> dict[str, object]:
    """Check the signature with the key in the header itself; give the claims."""
    scheme, _, rest = header.decode().partition(" ")
    parts = dict(part.split("=", 1) for part in rest.split(", "))
    assert scheme == "vapid"
    head, claims, signature = parts["t"].split(".")
    raw = unpack(signature)
    assert len(raw) == 64
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unpack(parts["k"]))
    public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    assert json.loads(unpack(head)) == {"typ": "JWT", "alg": "ES256"}
    read = json.loads(unpack(claims))
    assert isinstance(read, dict)
    return read


def test_the_token_names_the_push_service_the_operator_and_its_end(key: VapidKey) -> None:
    claims = verify(VapidTokens().authorization(key, ORIGIN, NOW))
    assert claims == {"aud": ORIGIN, "exp": (NOW + LIFETIME) // SECOND, "sub": "mailto:operator@shop.example"}
    assert LIFETIME <= 24 * HOUR


def test_the_key_in_the_header_is_the_one_that_browsers_get(key: VapidKey) -> None:
    assert VapidTokens().authorization(key, ORIGIN, NOW).endswith(b", k=" + key.public.encode())
    assert len(unpack(key.public)) == 65


def test_py_vapid_accepts_our_token_and_we_read_its(key: VapidKey) -> None:
    # RFC 9110 §5.6.1 allows the space after the comma; py_vapid does not know that
    ours = VapidTokens().authorization(key, ORIGIN, NOW).decode().replace(", ", ",")
    assert Vapid02.verify(ours)
    claims = {"aud": ORIGIN, "exp": NOW // SECOND, "sub": key.subject}
    theirs = Vapid02.from_raw(urlsafe_b64encode(key.private)).sign(claims)["Authorization"]
    assert verify(theirs.replace(",", ", ").encode()) == claims
    assert theirs.endswith(f"k={key.public}")


def test_a_token_by_another_key_does_not_verify(key: VapidKey) -> None:
    other = VapidKey(new_vapid_key()[0], key.public, key.subject)
    with pytest.raises(InvalidSignature):
        verify(VapidTokens().authorization(other, ORIGIN, NOW))


def test_a_token_is_kept_until_shortly_before_it_ends(key: VapidKey) -> None:
    tokens = VapidTokens()
    first = tokens.authorization(key, ORIGIN, NOW)
    assert tokens.authorization(key, ORIGIN, NOW + LIFETIME - RENEW_BEFORE - 1) == first
    renewed = tokens.authorization(key, ORIGIN, NOW + LIFETIME - RENEW_BEFORE)
    assert verify(renewed)["exp"] == (NOW + 2 * LIFETIME - RENEW_BEFORE) // SECOND


def test_a_clock_set_back_never_makes_a_token_of_over_its_lifetime(key: VapidKey) -> None:
    tokens = VapidTokens()
    tokens.authorization(key, ORIGIN, NOW)
    earlier = NOW - 20 * HOUR
    assert verify(tokens.authorization(key, ORIGIN, earlier))["exp"] == (earlier + LIFETIME) // SECOND


def test_each_site_and_each_push_service_has_its_own(key: VapidKey) -> None:
    tokens = VapidTokens()
    private, public = new_vapid_key()
    other = VapidKey(private, public, key.subject)
    headers = {tokens.authorization(each, origin, NOW) for each in (key, other) for origin in (ORIGIN, "https://web.push.apple.com")}
    assert len(headers) == 4


def test_the_least_recently_used_token_makes_room(key: VapidKey) -> None:
    tokens = VapidTokens(capacity=2)
    first = tokens.authorization(key, "https://a.example", NOW)
    second = tokens.authorization(key, "https://b.example", NOW)
    assert tokens.authorization(key, "https://a.example", NOW) == first
    tokens.authorization(key, "https://c.example", NOW)
    assert tokens.authorization(key, "https://a.example", NOW) == first
    # signatures are randomised: a new token has new bytes
    assert tokens.authorization(key, "https://b.example", NOW) != second


def test_a_key_does_not_show_its_private_part(key: VapidKey) -> None:
    assert key.public in repr(key)
    assert repr(key.private) not in repr(key)
    assert "private" not in repr(key)
