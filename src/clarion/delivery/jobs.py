"""What the outbox says about a delivery: enough to send it with nothing else read but the site's keys."""

import msgspec


class PushJob(msgspec.Struct, frozen=True, omit_defaults=True):
    """A push to one subscriber, by whichever service reaches it."""

    endpoint: str
    """URL of the subscription; of `fcm` and `apns` the device's token."""
    p256dh: str
    """The subscription's keys; empty where there are none."""
    auth: str
    payload: msgspec.Raw
    """JSON object that the service worker gets; `id` is the effect's id, `tag` defaults to it. The delivery's token is added on sending."""
    ttl: int = 2_419_200
    """Seconds that the push service keeps the message for an absent browser (RFC 8030 §5.2)."""
    urgency: str = "normal"
    """very-low, low, normal, high (RFC 8030 §5.3)."""
    topic: str | None = None
    """Replaces an undelivered message of the same topic (RFC 8030 §5.4)."""
    provider: str = "webpush"
    """webpush, fcm, apns."""
    vapid: int = 0
    """Number of the site's VAPID key pair that the subscription was made with; 0 is its first."""


class HttpJob(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request to a URL of the site's choosing, signed after Standard Webhooks."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: str | None = None
    """JSON text."""
    capture: bool = False
    """Whether the run wants what is answered."""
    secrets: tuple[str, ...] = ()
    """Names of the secrets whose marks stand in the URL, the headers and the body (`clarion.domain.secret_marks`). A text that only looks
    like the mark of another secret is sent as it is."""
