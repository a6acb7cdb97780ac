"""Provider tokens: one for each key of Apple's, however many apps it sends to."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from clarion.delivery.apns_tokens import RENEW_AFTER, SHORTEST, ApnsTokens
from clarion.delivery.credentials import APNS_URL, ApnsKey

NOW = 1_777_636_800_000_000


def pem() -> str:
    private = ec.generate_private_key(ec.SECP256R1())
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_apps_of_one_key_share_its_token_for_apple_counts_how_often_that_changes() -> None:
    tokens, private = ApnsTokens(), pem()
    shop = ApnsKey("key", "team", "com.example.shop", private)
    news = ApnsKey("key", "team", "com.example.news", private, APNS_URL.replace("api.", "api.sandbox."))
    first = tokens.token(shop, NOW)
    assert tokens.token(news, NOW + SHORTEST - 1) == first
    assert not tokens.renew(news, first, NOW + SHORTEST - 1)
    assert tokens.renew(news, first, NOW + SHORTEST)
    second = tokens.token(news, NOW + SHORTEST)
    assert second != first
    assert tokens.token(shop, NOW + SHORTEST + RENEW_AFTER - 1) == second


def test_another_team_key_or_private_key_has_a_token_of_its_own() -> None:
    tokens, private = ApnsTokens(), pem()
    keys = [
        ApnsKey(key, team, "app", own)
        for key, team, own in (("k", "t", private), ("l", "t", private), ("k", "u", private), ("k", "t", pem()))
    ]
    assert len({tokens.token(key, NOW) for key in keys}) == 4
