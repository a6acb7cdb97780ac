"""`events/track`: an event of a browser or an app, with the rules of the Track Event contract."""

from typing import Annotated

import msgspec
from msgspec import Meta

from clarion.contract.errors import Detail, invalid
from clarion.contract.limits import IDENTITY_CHARACTERS
from clarion.contract.problems import Problems
from clarion.contract.reading import UNREADABLE
from clarion.contract.sdk.reading import LARGEST_ID, SiteName, read_object, read_site
from clarion.contract.track_event import NUL, TrackEvent, Wire, judge, read_event_value


class Tracked(msgspec.Struct, frozen=True, gc=False):
    """An event as it was accepted, and how its site was named. It always names its subscriber."""

    event: TrackEvent
    site: SiteName
    device_token_hash: str


class _Wire(Wire):
    """What SDKs send; `provider` and `event_type` say nothing that the event's name does not."""

    site_id: Annotated[int, Meta(ge=-LARGEST_ID, le=LARGEST_ID)] | None = None
    app_id: Annotated[str, Meta(min_length=1, max_length=IDENTITY_CHARACTERS)] | None = None
    provider: str | None = None
    event_type: str | None = None


_decode = msgspec.json.Decoder(_Wire).decode


def read_track(body: bytes, *, now: int, idempotency_key: str | None = None) -> Tracked:
    """The event that a body holds; `now` in UTC microseconds. Raises Refusal (400) with every problem.

    The fast path takes what is beyond doubt right; the slow one is the rule.
    """
    return _accept(body, now, idempotency_key) or _read(body, now, idempotency_key)


def _accept(body: bytes, now: int, idempotency_key: str | None) -> Tracked | None:
    if NUL in body:
        return None
    try:
        wire = _decode(body)
    except UNREADABLE:
        return None
    token = wire.device_token_hash
    event = judge(wire, now, idempotency_key)
    if event is None or token is None or (wire.app_id is not None and wire.app_id.isspace()):
        return None
    return Tracked(event, SiteName(wire.site_id, wire.app_id), token)


def _read(body: bytes, now: int, idempotency_key: str | None) -> Tracked:
    given = read_object(body)
    event = read_event_value(given, now=now, idempotency_key=idempotency_key)
    if event.device_token_hash is None:
        raise invalid(Detail("device_token_hash is required", ("device_token_hash",)))
    problems = Problems()
    site = read_site(problems, given)
    problems.refuse()
    return Tracked(event, site, event.device_token_hash)
