"""(m) How many pushes a core encrypts, up to the bytes that go out, beside other implementations and beside what OpenSSL alone takes.

The floor is what RFC 8291 §2 asks of everybody for each message: the subscription's key read, a new key pair, one agreement on a secret,
the new public key written. Nobody who keeps to it is faster with the same library. CPU time of one thread counts; other work on the
machine still shows in it, since cores share caches.
"""

import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Final

import http_ece  # type: ignore[import-untyped]  # ships no types
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pywebpush import WebPusher  # type: ignore[import-untyped]  # ships no types

from bench.percentiles import median
from bench.plan import Plan
from bench.progress import say
from bench.verdict import Verdict
from clarion.clock import DAY, SECOND
from clarion.control.sites import new_vapid_key
from clarion.delivery.credentials import ApnsKey, FcmKey
from clarion.delivery.guard import PushAllowList
from clarion.delivery.http1 import encode_request
from clarion.delivery.jobs import PushJob
from clarion.delivery.outgoing import push_request
from clarion.delivery.target import parse_target
from clarion.delivery.vapid import VapidKey, VapidTokens
from clarion.store.records.deliveries import Delivery

WANTED: Final = 8_000
"""Pushes a second on one core."""

_SIZES: Final = {"full": (5_000, 7), "quick": (300, 2)}
"""By name of the plan: pushes of a round, each to a subscription of its own, and rounds of each way in turn; the median counts."""
_NOW: Final = 1_760_000_000 * SECOND
_CURVE: Final = ec.SECP256R1()
_PAYLOAD: Final = {
    "id": "e" * 32,
    "title": "Still thinking about it?",
    "message": "The blue one is yours for 20 euros, today only. " * 3,
    "url": "https://shop.example/cart/1234567890",
    "tag": "e" * 32,
}
_decode: Final = msgspec.json.Decoder(PushJob).decode


class Encryption(msgspec.Struct, frozen=True):
    """(m) Seconds of CPU time for one push, in each round."""

    pushes: int
    """Of a round."""
    payload: int
    """Bytes before encryption, without the token."""
    clarion: list[float]
    """From the row of the outbox to the bytes of the request."""
    http_ece: list[float]
    """Encryption alone, with a new key pair and the subscription's key read for each."""
    pywebpush: list[float]
    """Encryption alone, as its users call it."""
    floor: list[float]
    """The subscription's key read, a new key pair, one agreement, the new public key written."""


class _Keys:
    """Keys of one site, as quick as a directory's."""

    def __init__(self) -> None:
        self._key = VapidKey(*new_vapid_key(), "mailto:operator@shop.example")

    def vapid(self, site: int, number: int) -> VapidKey:
        return self._key

    def fcm(self, site: int) -> FcmKey | None:
        return None

    def apns(self, site: int) -> ApnsKey | None:
        return None

    def receipt_token(self, site: int, delivery: str, partition: int) -> str:
        return f"{partition}.{delivery}.{'m' * 22}"

    def webhook_secret(self, site: int) -> bytes:
        return b""

    def secret(self, site: int, name: str) -> str | None:
        return None

    def paused(self, site: int, workflow: str) -> bool:
        return False


def run(plan: Plan, directory: Path) -> Encryption:
    """Measure."""
    count, rounds = _SIZES[plan.name]
    deliveries = [_delivery(number) for number in range(count)]
    jobs = [_decode(delivery.job) for delivery in deliveries]
    payload = msgspec.json.encode(_PAYLOAD)
    keys, tokens, allow = _Keys(), VapidTokens(), PushAllowList()
    points = [_unpack(job.p256dh) for job in jobs]

    def ours(number: int) -> None:
        delivery = deliveries[number]
        job = _decode(delivery.job)
        assert allow.refuses(job.endpoint) is None
        outgoing = push_request(delivery, job, keys, tokens, _NOW)
        encode_request(outgoing.method, parse_target(outgoing.url), outgoing.headers, outgoing.body)

    def ece(number: int) -> None:
        job = jobs[number]
        http_ece.encrypt(
            payload,
            salt=os.urandom(16),
            private_key=ec.generate_private_key(_CURVE),
            dh=_unpack(job.p256dh),
            auth_secret=_unpack(job.auth),
            version="aes128gcm",
        )

    def pusher(number: int) -> None:
        job = jobs[number]
        WebPusher({"endpoint": job.endpoint, "keys": {"p256dh": job.p256dh, "auth": job.auth}}).encode(payload)

    def floor(number: int) -> None:
        own = ec.generate_private_key(_CURVE)
        own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, points[number]))
        own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    ways: dict[str, Callable[[int], None]] = {"clarion": ours, "http_ece": ece, "pywebpush": pusher, "floor": floor}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            # each push of a round is to another subscription, and its URL is new to the cache as it is in a broadcast
            parse_target.cache_clear()
            taken[name].append(_time(way, count))
    measured = Encryption(count, len(payload), **taken)
    for name, seconds in taken.items():
        say(f"(m) {name}: {1 / median(seconds):,.0f}/s on one core, {median(seconds) * 1e6:.1f} µs")
    say(f"(m) {_ratio(measured, 'http_ece'):.2f} times http-ece, {_ratio(measured, 'pywebpush'):.2f} times pywebpush")
    return measured


def judge_encryption(measured: Encryption) -> list[Verdict]:
    """What is aimed at beside what was measured."""
    rate = 1 / median(measured.clarion)
    share = median(measured.floor) / median(measured.clarion)
    return [
        Verdict("(m) pushes a second on one core", f"{rate:,.0f}", f"≥ {WANTED:,}", rate >= WANTED),
        Verdict("(m) share of the floor", f"{share:.2f}", "≥ 0.5", share >= 0.5),
    ]


def _ratio(measured: Encryption, other: str) -> float:
    return median(getattr(measured, other)) / median(measured.clarion)


def _time(way: Callable[[int], None], count: int) -> float:
    began = time.process_time()
    for number in range(count):
        way(number)
    return (time.process_time() - began) / count


def _delivery(number: int) -> Delivery:
    point = ec.generate_private_key(_CURVE).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    job = PushJob(
        f"https://fcm.googleapis.com/fcm/send/{number:0150}",
        urlsafe_b64encode(point).rstrip(b"=").decode(),
        urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode(),
        msgspec.Raw(msgspec.json.encode(_PAYLOAD)),
    )
    return Delivery(
        id=f"{number:032}",
        site=1,
        effect="e" * 32,
        run="r" * 32,
        workflow="cart",
        step="remind",
        profile="n:one",
        kind="push",
        job=msgspec.Raw(msgspec.json.encode(job)),
        created=_NOW,
        due=_NOW,
        expires=_NOW + DAY,
    )


def _unpack(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
