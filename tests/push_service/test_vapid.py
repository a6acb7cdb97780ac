"""Who may send to a subscription (RFC 8292)."""

import base64

import pytest
from tests.e2e.shop import check_vapid
from tests.push_service.firefox_like import connected
from tests.push_service.sender_like import Answer, Sender, base64url
from tests.push_service.service import PushService

from clarion.clock import DAY, SECOND
from clarion.delivery.vapid import VapidKey, VapidTokens


async def restricted(service: PushService, key: str | None) -> str:
    """The endpoint of a subscription that was made with this key."""
    async with connected(service) as (browser, _):
        return (await browser.register(key))[1]


async def push(service: PushService, sender: Sender, authorization: str | None) -> Answer:
    """Post to a new subscription that is this sender's."""
    return await sender.push(await restricted(service, sender.public), Authorization=authorization)


async def test_clarions_own_header_is_taken(service: PushService, sender: Sender) -> None:
    private = sender.key.private_numbers().private_value.to_bytes(32, "big")
    key = VapidKey(private, sender.public, "mailto:push@shop.example")
    header = VapidTokens().authorization(key, service.origin, sender.now).decode()
    assert (await push(service, sender, header)).status == 201
    assert check_vapid(header).key == sender.public


async def test_a_restricted_subscription_wants_to_know_who_sends(service: PushService, sender: Sender) -> None:
    answer = await push(service, sender, None)
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "vapid")


async def test_a_restricted_subscription_is_one_senders_only(service: PushService, sender: Sender) -> None:
    endpoint = await restricted(service, sender.public)
    assert (await sender.push(endpoint)).status == 201
    assert (await Sender(sender.now).push(endpoint)).status == 403


async def test_a_subscription_without_key_takes_any_sender_that_does_not_lie(service: PushService, sender: Sender) -> None:
    endpoint = await restricted(service, None)
    assert (await sender.push(endpoint, Authorization=None)).status == 201
    assert (await sender.push(endpoint)).status == 201
    assert (await sender.push(endpoint, Authorization=sender.authorization("http://127.0.0.1:1"))).status == 403


async def test_the_key_beside_the_token_is_the_one_that_signed_it(service: PushService, sender: Sender) -> None:
    other = Sender(sender.now)
    token = other.token(other.claims(service.origin))
    assert (await push(service, sender, f"vapid t={token}, k={sender.public}")).status == 403


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("vapid t={t}, k={k}", 201),
        ("vapid k={k},t={t}", 201),
        ('VAPID t="{t}" , k="{k}"', 201),
        ("vapid t={t}, k={k}, x=1", 201),
        ("Bearer {t}", 403),
        ("WebPush {t}", 403),
        ("vapid t={t}", 403),
        ("vapid k={k}", 403),
        ("vapid t={t}, t={t}, k={k}", 403),
        ("vapid t={t}; k={k}", 403),
        ("vapid t={t}, k=AAAA", 403),
        ("vapid t={t}, k={k}=", 403),
        ("vapid t=x{t}, k={k}", 403),
        ("vapid t={t}x, k={k}", 403),
        ("vapid t=, k={k}", 403),
        ("vapid t=.., k={k}", 403),
        ("vapid t={t}, k={k}, x={long}", 403),
        ("vapid", 403),
        ("", 403),
    ],
)
async def test_the_header_has_its_form(service: PushService, sender: Sender, form: str, status: int) -> None:
    token = sender.token(sender.claims(service.origin))
    header = form.format(t=token, k=sender.public, long="x" * 4096)
    assert (await push(service, sender, header)).status == status


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"aud": None}, 403),
        ({"aud": "https://push.example"}, 403),
        ({"aud": ["https://push.example"]}, 403),
        ({"aud": {}}, 403),
        ({"exp": None}, 403),
        ({"exp": "soon"}, 403),
        ({"exp": True}, 403),
        ({"exp": float("nan")}, 403),
        ({"exp": float("inf")}, 403),
        ({"sub": None}, 403),
        ({"sub": ""}, 403),
        ({"sub": "push@shop.example"}, 403),
        ({"sub": "http://shop.example"}, 403),
        ({"sub": "mailto:"}, 403),
        ({"sub": "https://shop.example/contact"}, 201),
        ({"more": [1, {"of": "it"}]}, 201),
    ],
)
async def test_the_claims_hold(service: PushService, sender: Sender, change: dict[str, object], status: int) -> None:
    assert (await push(service, sender, sender.authorization(service.origin, **change))).status == status


async def test_an_audience_may_be_one_of_several(service: PushService, sender: Sender) -> None:
    assert (await push(service, sender, sender.authorization(service.origin, aud=["https://a.example", service.origin]))).status == 201
    assert (await push(service, sender, sender.authorization(service.origin, aud=f"{service.origin}/"))).status == 403


@pytest.mark.parametrize(("seconds", "status"), [(-1, 403), (0, 201), (DAY // SECOND, 201), (DAY // SECOND + 1, 403)])
async def test_a_token_is_good_for_a_day_at_most(service: PushService, sender: Sender, seconds: int, status: int) -> None:
    header = sender.authorization(service.origin, exp=sender.now // SECOND + seconds)
    assert (await push(service, sender, header)).status == status


@pytest.mark.parametrize("alg", ["none", "HS256", "ES384", ""])
async def test_only_es256_is_signed_with(service: PushService, sender: Sender, alg: str) -> None:
    token = sender.token(sender.claims(service.origin), alg=alg)
    assert (await push(service, sender, f"vapid t={token}, k={sender.public}")).status == 403


@pytest.mark.parametrize("claims", [b"[]", b'"x"', b"7", b"{", b"", b"[" * 1_000, b"\xff"])
async def test_claims_are_an_object(service: PushService, sender: Sender, claims: bytes) -> None:
    assert (await push(service, sender, f"vapid t={sender.sign(claims)}, k={sender.public}")).status == 403


async def test_a_signature_in_der_is_none(service: PushService, sender: Sender) -> None:
    # as OpenSSL writes it, which JWS does not take (RFC 7518 §3.4)
    head, claims, raw = sender.token(sender.claims(service.origin)).split(".")
    signature = base64.urlsafe_b64decode(raw + "==")
    der = b"\x30\x44\x02\x20" + signature[:32] + b"\x02\x20" + signature[32:]
    assert (await push(service, sender, f"vapid t={head}.{claims}.{base64url(der)}, k={sender.public}")).status == 403
