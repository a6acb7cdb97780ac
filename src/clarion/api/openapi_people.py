"""OpenAPI of the routes of subscribers and profiles."""

from typing import Final

from clarion.api.openapi_parts import OBJECT, Json, data, object_body, operation, parameter
from clarion.contract import schemas
from clarion.contract.limits import ATTRIBUTES_AT_ONCE, FACT_CHARACTERS, FACTS, IDENTITY_CHARACTERS, SEGMENT_CHARACTERS, SEGMENTS_AT_ONCE
from clarion.control.people_lists import MOST
from clarion.domain.records import PROVIDERS

CONDITION: Final[Json] = {"$ref": "#/components/schemas/WorkflowCondition"}
CURSOR: Final = parameter("cursor", "query", {"type": "string"}, "Go on with this `cursor` of an earlier answer of the same list.")
SEGMENT: Final[Json] = {"type": "string", "minLength": 1, "maxLength": SEGMENT_CHARACTERS}
_NAMED: Final[Json] = {"type": "string", "minLength": 1, "maxLength": IDENTITY_CHARACTERS}
_DEVICE: Final = parameter("device_token_hash", "path", _NAMED, "The subscriber.")
_PROFILE: Final = parameter("profile_id", "path", _NAMED, "Your id of the person.")
_FLAG: Final[Json] = {"enum": ["true", "false"]}
_FACTS: Final[Json] = {fact: {"type": "string", "minLength": 1, "maxLength": FACT_CHARACTERS} for fact in FACTS}
_SEGMENTS: Final[Json] = {"type": "array", "items": SEGMENT, "maxItems": SEGMENTS_AT_ONCE}
ACCEPTED: Final[Json] = {
    "type": "object",
    "required": ["accepted"],
    "properties": {"accepted": {"const": True, "description": "It is on disk, and is applied in its order."}},
}
_CHANGES: Final = {
    "unsubscribe": "Send a subscriber no more pushes",
    "subscribe": "Send a subscriber pushes again",
    "logout": "Give a subscriber a new anonymous profile",
}


def limit_of(most: int, usual: int) -> Json:
    """The parameter that says how many there may be on a page."""
    return parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": most, "default": usual}, "At most so many.")


def page_of(name: str, one: Json | None = None) -> Json:
    """A page of a list; `cursor` is null at the end."""
    cursor = {"type": ["string", "null"], "description": "What to go on with; null: there are no more."}
    items = {"type": "array", "items": one or OBJECT}
    return {"type": "object", "required": [name, "cursor"], "properties": {name: items, "cursor": cursor}}


def people_paths() -> Json:
    """Paths by address."""
    return {**_subscriber_paths(), **_profile_paths()}


def people_schemas() -> Json:
    """What those refer to."""
    text, time = {"type": "string"}, {"type": "integer", "description": "UTC microseconds."}
    subscriber = {
        "device_token_hash": text,
        "profile_id": {"type": ["string", "null"]},
        "provider": {"enum": list(PROVIDERS)},
        "active": {"type": "boolean"},
        "created": time,
        "last_active": time,
        "facts": OBJECT,
        "vapid": {"type": "integer", "description": "Number of the VAPID key that the subscription was made with."},
    }
    profile = {
        "profile_id": {"type": ["string", "null"], "description": "Null of an anonymous profile."},
        "device_token_hash": {"type": ["string", "null"], "description": "The subscriber that an anonymous profile was made for."},
        "attributes": OBJECT,
        "segments": {"type": "array", "items": text},
        "created": time,
    }
    return {
        "Subscriber": {"type": "object", "required": list(subscriber), "properties": subscriber},
        "Profile": {"type": "object", "required": list(profile), "properties": profile},
    }


def _subscriber_paths() -> Json:
    one = "/api/v1/subscribers/{device_token_hash}"
    return {
        "/api/v1/subscribers": {
            "get": operation(
                "listSubscribers",
                "Subscribers that fit, a page at a time",
                data(page_of("subscribers", {"$ref": "#/components/schemas/Subscriber"})),
                (400,),
                parameters=[
                    parameter("active", "query", _FLAG, "Those that get pushes, or those that do not."),
                    parameter("provider", "query", {"enum": list(PROVIDERS)}, "Those of one provider."),
                    parameter("profile_id", "query", {"type": "string"}, "Those of one profile."),
                    parameter("segment", "query", {"type": "string"}, "Those whose profile is in a segment."),
                    *(parameter(fact, "query", {"type": "string"}, f"Those with this {fact}.") for fact in FACTS),
                    CURSOR,
                    limit_of(MOST, 100),
                ],
            ),
            "post": operation(
                "addSubscriber",
                "Register a push subscription, or the token of a mobile device",
                data({"type": "object", "required": ["device_token_hash"], "properties": {"device_token_hash": {"type": "string"}}}),
                (400, 413),
                body={"application/json": {"schema": schemas.SUBSCRIBER}},
            ),
        },
        one: {
            "get": operation("showSubscriber", "The profile that a subscriber belongs to", data(OBJECT), (404,), parameters=[_DEVICE]),
            "patch": operation(
                "updateSubscriber",
                "Change what is known of the device",
                data(ACCEPTED),
                (400, 404, 413),
                body=object_body(_FACTS),
                parameters=[_DEVICE],
            ),
            "delete": operation("forgetSubscriber", "Know a subscriber no more", data(ACCEPTED), (404, 413), parameters=[_DEVICE]),
        },
        f"{one}/identify": {
            "post": operation(
                "identifySubscriber",
                "Have a subscriber join a profile",
                data(ACCEPTED),
                (400, 404, 413),
                body=object_body({"profile_id": _NAMED}, "profile_id"),
                parameters=[_DEVICE],
            )
        },
        **{
            f"{one}/{change}": {
                "post": operation(
                    f"{change}Subscriber",
                    summary,
                    data(ACCEPTED),
                    (400, 404, 413),
                    body=object_body({}),
                    parameters=[_DEVICE],
                    body_required=False,
                )
            }
            for change, summary in _CHANGES.items()
        },
        f"{one}/export": {
            "get": operation(
                "exportSubscriber", "Everything that is kept of a subscriber's person", data(OBJECT), (404,), parameters=[_DEVICE]
            )
        },
    }


def _profile_paths() -> Json:
    one = "/api/v1/profiles/{profile_id}"
    page = data(page_of("profiles", {"$ref": "#/components/schemas/Profile"}))
    attributes = {"application/json": {"schema": schemas.ATTRIBUTES}}
    names = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": ATTRIBUTES_AT_ONCE}
    return {
        "/api/v1/profiles": {
            "get": operation(
                "listProfiles",
                "Profiles that fit, a page at a time",
                page,
                (400,),
                parameters=[
                    parameter("segment", "query", {"type": "string"}, "Those in a segment."),
                    parameter("prefix", "query", {"type": "string"}, "Those whose `profile_id` begins so."),
                    parameter("anonymous", "query", _FLAG, "Those without, or with, a `profile_id`."),
                    CURSOR,
                    limit_of(MOST, 100),
                ],
            )
        },
        "/api/v1/profiles/search": {
            "get": operation("showProfileSearch", "The profile of the person whose id is `search`", data(OBJECT), (404,)),
            "delete": operation(
                "eraseProfileSearch",
                "Erase the person whose id is `search`",
                data({"$ref": "#/components/schemas/Job"}),
                (404, 413),
                status=202,
            ),
            "post": operation(
                "searchProfiles",
                "Profiles that a condition holds for; a page may be empty and not the last",
                page,
                (400, 413),
                body=object_body(
                    {
                        "condition": CONDITION,
                        "cursor": {"type": ["string", "null"]},
                        "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 100},
                    },
                    "condition",
                ),
            ),
        },
        one: {
            "get": operation("showProfile", "A profile and what happened to it", data(OBJECT), (404,), parameters=[_PROFILE]),
            "delete": operation(
                "eraseProfile",
                "Erase a person: the answer names the job that tells when nothing is left",
                data({"$ref": "#/components/schemas/Job"}),
                (404, 413),
                parameters=[_PROFILE],
                status=202,
            ),
        },
        f"{one}/attributes": {
            "put": operation("setAttributes", "Replace all attributes", data(ACCEPTED), (400, 413), body=attributes, parameters=[_PROFILE]),
            "patch": operation("addAttributes", "Add attributes", data(ACCEPTED), (400, 413), body=attributes, parameters=[_PROFILE]),
            "delete": operation(
                "removeAttributes",
                "Remove attributes by name",
                data(ACCEPTED),
                (400, 413),
                body={"application/json": {"schema": names}},
                parameters=[_PROFILE],
            ),
        },
        f"{one}/segments": {
            "post": operation(
                "changeSegments",
                "Put a profile into segments and take it out of others",
                data(ACCEPTED),
                (400, 409, 413),
                body=object_body({"add": _SEGMENTS, "remove": _SEGMENTS}),
                parameters=[_PROFILE],
            )
        },
        f"{one}/merge": {
            "post": operation(
                "mergeSubscriber",
                "Have a subscriber join the profile",
                data(ACCEPTED),
                (400, 404, 413),
                body=object_body({"device_token_hash": _NAMED}, "device_token_hash"),
                parameters=[_PROFILE],
            )
        },
        f"{one}/export": {
            "get": operation("exportProfile", "Everything that is kept of a person", data(OBJECT), (404,), parameters=[_PROFILE])
        },
    }
