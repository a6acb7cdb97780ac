"""A delivery as the request that goes out."""

from typing import Final, NamedTuple

from clarion import __version__
from clarion.clock import SECOND
from clarion.delivery.errors import BadRequest
from clarion.delivery.jobs import HttpJob, PushJob
from clarion.delivery.keys import SiteKeys
from clarion.delivery.receipt import add_token
from clarion.delivery.revealing import Revealed
from clarion.delivery.signing import signature_headers
from clarion.delivery.target import parse_target
from clarion.delivery.vapid import VapidTokens
from clarion.delivery.webpush import encrypt_fresh
from clarion.store.records.deliveries import Delivery

USER_AGENT: Final = f"Clarion/{__version__}".encode()

_OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect"}
)
"""Headers of a step that are dropped: they belong to the connection. `webhook-…` go the same way: they belong to the signature."""
_URGENCIES: Final = {name: name.encode() for name in ("very-low", "low", "normal", "high")}


class Outgoing(NamedTuple):
    """A request, ready to be sent; it holds secrets in the clear, so nothing of it is logged or kept."""

    method: str
    url: str
    headers: list[tuple[bytes, bytes]]
    body: bytes | None
    secrets: tuple[str, ...] = ()
    """Values of the secrets in it."""


def http_request(delivery: Delivery, job: HttpJob, keys: SiteKeys, now: int) -> Outgoing:
    """The signed request of an HTTP step, with its secrets. Its `webhook-id` is the effect's id on every attempt.

    Raises BadRequest, KeyError for an unknown site, and VaultError for a secret that does not open.
    """
    revealed = Revealed(job, lambda name: keys.secret(delivery.site, name))
    body = None if job.body is None else revealed.body(job.body).encode()
    headers = signature_headers(keys.webhook_secret(delivery.site), delivery.effect, now // SECOND, body or b"")
    given = set()
    try:
        for name, held in job.headers.items():
            lower = name.lower()
            if lower in _OURS or lower.startswith("webhook-"):
                continue
            given.add(lower)
            headers.append((name.encode("ascii"), revealed.header(held).encode()))
    except UnicodeEncodeError:
        raise BadRequest("a header is not valid text") from None
    if "user-agent" not in given:
        headers.append((b"user-agent", USER_AGENT))
    if body is not None and "content-type" not in given:
        headers.append((b"content-type", b"application/json"))
    return Outgoing(job.method.upper(), revealed.url(job.url), headers, body, revealed.values)


def push_request(delivery: Delivery, job: PushJob, keys: SiteKeys, tokens: VapidTokens, now: int) -> Outgoing:
    """The encrypted push message (RFC 8030 §5, RFC 8291, RFC 8292). Raises BadRequest, and KeyError for an unknown site."""
    token = keys.receipt_token(delivery.site, delivery.id, delivery.partition)
    body = encrypt_fresh(add_token(bytes(job.payload), token), job.p256dh, job.auth)
    key = keys.vapid(delivery.site, job.vapid)
    headers = [
        (b"authorization", tokens.authorization(key, parse_target(job.endpoint).origin, now)),
        (b"content-encoding", b"aes128gcm"),
        (b"content-type", b"application/octet-stream"),
        (b"ttl", b"%d" % max(job.ttl, 0)),
        (b"urgency", _URGENCIES.get(job.urgency, b"normal")),
        (b"user-agent", USER_AGENT),
    ]
    if job.topic is not None:
        headers.append((b"topic", job.topic.encode()))
    return Outgoing("POST", job.endpoint, headers, body)
