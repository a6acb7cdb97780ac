"""Signatures of HTTP deliveries, verified by the specification's own library."""

import json
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from clarion.control.sites import new_webhook_secret
from clarion.delivery.signing import PREFIX, parse_secret, signature_headers


def signed(secret: str, body: bytes, message: str = "e0f1", at: int | None = None) -> dict[str, str]:
    timestamp = int(datetime.now(UTC).timestamp()) if at is None else at
    return {name.decode(): value.decode() for name, value in signature_headers(parse_secret(secret), message, timestamp, body)}


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8), max_size=4))
@settings(max_examples=25, deadline=None)
def test_standardwebhooks_verifies_what_we_sign(content: dict[str, object]) -> None:
    secret, body = new_webhook_secret(), json.dumps(content).encode()
    assert Webhook(secret).verify(body, signed(secret, body)) == content


def test_an_empty_body_is_signed_as_the_empty_text() -> None:
    secret = new_webhook_secret()
    headers = signed(secret, b"", at=1_700_000_000)
    expected = Webhook(secret).sign("e0f1", datetime.fromtimestamp(1_700_000_000, UTC), "")
    assert headers["webhook-signature"] == expected


@pytest.mark.parametrize("changed", [{"webhook-id": "other"}, {"webhook-signature": "v1,AAAA"}])
def test_a_changed_header_does_not_verify(changed: dict[str, str]) -> None:
    secret = new_webhook_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(b"{}", signed(secret, b"{}") | changed)


def test_a_changed_body_does_not_verify() -> None:
    secret = new_webhook_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(b'{"a":2}', signed(secret, b'{"a":1}'))


def test_secrets_are_new_each_time_and_parse_with_or_without_prefix() -> None:
    secrets = {new_webhook_secret() for _ in range(10)}
    assert len(secrets) == 10
    for secret in secrets:
        assert secret.startswith(PREFIX)
        assert parse_secret(secret) == parse_secret(secret.removeprefix(PREFIX))
        assert len(parse_secret(secret)) == 32


@pytest.mark.parametrize(("size", "fits"), [(23, False), (24, True), (64, True), (65, False)])
def test_a_secret_has_24_to_64_bytes(size: int, fits: bool) -> None:
    text = PREFIX + b64encode(b"k" * size).decode()
    if fits:
        assert parse_secret(text) == b"k" * size
    else:
        with pytest.raises(ValueError, match="24 to 64"):
            parse_secret(text)


@pytest.mark.parametrize("text", ["whsec_!!!", "whsec_é", "whsec_abc"])
def test_what_is_not_base64_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and base64") as raised:
        parse_secret(text)
    assert text not in str(raised.value)
