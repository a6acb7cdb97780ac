"""From effects to deliveries: one for each receiver."""

import msgspec

from clarion.clock import DAY, MINUTE, SECOND
from clarion.delivery.jobs import HttpJob, PushJob
from clarion.domain.ids import delivery_id
from clarion.domain.records import Subscriber
from clarion.domain.secret_marks import marked
from clarion.store.records.deliveries import Delivery
from clarion.workflow.effects import Effect, HttpEffect, PushEffect
from clarion.workflow.run import Run

LONGEST_RETRIES = DAY
"""How long a delivery is tried (design §5)."""
SHORTEST_RETRIES = MINUTE
"""How long a push is tried even if its time to live is shorter."""

_encode = msgspec.json.Encoder().encode


def deliveries(effect: Effect, run: Run, subscribers: list[Subscriber], now: int) -> list[Delivery]:
    """What has to go out for an effect: a request, or a push for each of the profile's active subscribers; none if it has none."""
    if isinstance(effect, HttpEffect):
        texts = (effect.url, *effect.headers.values(), effect.body or "")
        secrets = tuple(dict.fromkeys(name for text in texts for name in marked(text)))
        job = HttpJob(effect.method, effect.url, effect.headers, effect.body, effect.awaits, secrets)
        return [_delivery(effect, run, "http", _encode(job), now, now + LONGEST_RETRIES, None)]
    if isinstance(effect, PushEffect):
        payload = msgspec.Raw(_encode(_payload(effect)))
        return [
            _delivery(
                effect,
                run,
                "push",
                _encode(_job(effect, subscriber, payload)),
                now,
                now + min(max(effect.ttl * SECOND, SHORTEST_RETRIES), LONGEST_RETRIES),
                subscriber.device_token_hash,
            )
            for subscriber in subscribers
        ]
    raise TypeError(f"{type(effect).__name__} does not leave the building")


def _job(effect: PushEffect, subscriber: Subscriber, payload: msgspec.Raw) -> PushJob:
    return PushJob(
        subscriber.endpoint,
        subscriber.p256dh,
        subscriber.auth,
        payload,
        effect.ttl,
        effect.urgency,
        effect.id,
        subscriber.provider,
        subscriber.vapid,
    )


def _delivery(effect: Effect, run: Run, kind: str, job: bytes, now: int, expires: int, subscriber: str | None) -> Delivery:
    return Delivery(
        id=delivery_id(effect.id, subscriber),
        site=run.site,
        effect=effect.id,
        run=run.id,
        workflow=run.workflow,
        step=effect.step,
        profile=run.profile,
        kind=kind,
        job=msgspec.Raw(job),
        created=now,
        due=now,
        expires=expires,
        subscriber=subscriber,
        hops=run.hops + 1,
        version=run.version,
    )


def _payload(effect: PushEffect) -> dict[str, object]:
    """What the service worker gets. The tag defaults to the effect's id, so that a repeat replaces (design §3.5)."""
    payload: dict[str, object] = {
        "id": effect.id,
        "title": effect.title,
        "message": effect.message,
        "url": effect.url,
        "tag": effect.tag or effect.id,
    }
    for name in ("icon", "image", "badge"):
        value = getattr(effect, name)
        if value is not None:
            payload[name] = value
    if effect.actions:
        payload["actions"] = [{"title": title, "url": url} for title, url in effect.actions]
    if effect.require_interaction:
        payload["require_interaction"] = True
    return payload
