"""Addresses of subscribers, profiles, segments, broadcasts, imports, exports and jobs, and the endpoints behind them."""

from collections.abc import Mapping
from typing import Final

from clarion.api.behind import Methods, behind, called
from clarion.api.context import Endpoint
from clarion.api.routes import broadcasts, explain, exports, imports, jobs, profiles, segments, site_keys, subscribers
from clarion.api.routes.told_events import telling
from clarion.contract.told_events import read_goal, read_trigger
from clarion.control.broadcasts import CHANGES as BROADCAST_CHANGES

_DEVICE: Final = "device_token_hash"
_PROFILE: Final = "profile_id"
_SUBSCRIBERS: Final = f"/api/v1/subscribers/{{{_DEVICE}:rest}}"
_PROFILES: Final = f"/api/v1/profiles/{{{_PROFILE}:rest}}"

_SUBSCRIBER: Final[Methods] = {"GET": profiles.show_subscriber, "PATCH": subscribers.update, "DELETE": subscribers.forget}
_ONE_PROFILE: Final[Methods] = {"GET": profiles.show_profile, "DELETE": profiles.erase}


def _of_subscriber(tail: str, **methods: Endpoint) -> dict[str, dict[str, Endpoint]]:
    return {f"{_SUBSCRIBERS}/{tail}": behind(f"/{tail}", _DEVICE, methods, _SUBSCRIBER)}


def _of_profile(tail: str, **methods: Endpoint) -> dict[str, dict[str, Endpoint]]:
    return {f"{_PROFILES}/{tail}": behind(f"/{tail}", _PROFILE, methods, _ONE_PROFILE)}


PEOPLE: Final[Mapping[str, Methods]] = {
    "/api/v1/subscribers": {"GET": subscribers.show_subscribers, "POST": subscribers.add_subscriber},
    **_of_subscriber("timeline", GET=explain.subscriber_timeline),
    f"{_SUBSCRIBERS}/workflows/{{workflow}}/explanation": {"GET": explain.subscriber_absence},
    **_of_subscriber("identify", POST=subscribers.identify),
    **{
        path: methods
        for change in subscribers.CHANGES
        for path, methods in _of_subscriber(change, POST=subscribers.changing(change)).items()
    },
    **_of_subscriber("export", GET=subscribers.export),
    _SUBSCRIBERS: _SUBSCRIBER,
    "/api/v1/profiles": {"GET": profiles.show_profiles},
    "/api/v1/profiles/search": called("search", _PROFILE, _ONE_PROFILE, {"POST": profiles.search}),
    **_of_profile("timeline", GET=explain.profile_timeline),
    f"{_PROFILES}/workflows/{{workflow}}/explanation": {"GET": explain.profile_absence},
    **_of_profile("attributes", PUT=profiles.set_attributes, PATCH=profiles.add_attributes, DELETE=profiles.remove_attributes),
    **_of_profile("segments", POST=profiles.change_segments),
    **_of_profile("merge", POST=profiles.merge),
    **_of_profile("export", GET=profiles.export),
    _PROFILES: _ONE_PROFILE,
    "/api/v1/segments": {"GET": segments.list_segments, "POST": segments.create_segment},
    "/api/v1/segments/{segment:rest}/members": behind(
        "/members",
        "segment",
        {"GET": segments.list_members},
        {"GET": segments.show_segment, "PATCH": segments.change_segment, "DELETE": segments.delete_segment},
    ),
    "/api/v1/segments/{segment:rest}": {
        "GET": segments.show_segment,
        "PATCH": segments.change_segment,
        "DELETE": segments.delete_segment,
    },
    "/api/v1/broadcasts": {"GET": broadcasts.list_broadcasts, "POST": broadcasts.send_broadcast},
    "/api/v1/broadcasts/{broadcast}": {"GET": broadcasts.show_broadcast},
    **{f"/api/v1/broadcasts/{{broadcast}}/{change}": {"POST": broadcasts.changing(change)} for change in BROADCAST_CHANGES},
    "/api/v1/goals": {"POST": telling(read_goal)},
    "/api/v1/triggers/events": {"POST": telling(read_trigger)},
    "/api/v1/imports": {"POST": imports.start_import},
    "/api/v1/imports/{import}/rows": {"POST": imports.add_rows},
    "/api/v1/imports/{import}/finish": {"POST": imports.ending("done")},
    "/api/v1/imports/{import}/stop": {"POST": imports.ending("stopped")},
    "/api/v1/exports/{what}": {"GET": exports.export},
    "/api/v1/jobs": {"GET": jobs.list_jobs},
    "/api/v1/jobs/{job}": {"GET": jobs.show_job},
    "/api/v1/site/keys": {"GET": site_keys.list_keys},
    "/api/v1/site/keys/{kind}": {"DELETE": site_keys.remove_key},
    "/api/v1/site/vapid/rotate": {"POST": site_keys.rotate_vapid},
    "/api/v1/site/identity/rotate": {"POST": site_keys.rotate_identity},
    "/api/v1/site/fcm": {"PUT": site_keys.set_fcm},
    "/api/v1/site/apns": {"PUT": site_keys.set_apns},
}
