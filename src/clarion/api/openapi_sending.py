"""OpenAPI of the routes of segments, broadcasts, goals and triggers."""

from typing import Final

from clarion.api.openapi_parts import OBJECT, Json, data, list_of, object_body, operation, parameter
from clarion.api.openapi_people import ACCEPTED, CONDITION, CURSOR, SEGMENT, limit_of, page_of
from clarion.api.routes.broadcasts import USUAL
from clarion.contract import schemas
from clarion.contract.limits import IDENTITY_CHARACTERS
from clarion.control.broadcast_documents import LONGEST_NAME
from clarion.control.broadcasts import CHANGES, LONGEST_KEY, MOST
from clarion.control.people_lists import MOST as MOST_PROFILES
from clarion.workflow.steps.push import Push

_SEGMENT: Final = parameter("segment", "path", SEGMENT, "The text that names the segment.")
_BROADCAST: Final = parameter("broadcast", "path", {"type": "string", "minLength": 1, "maxLength": 64}, "The broadcast's id.")
_NAME: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 100}
_BACKFILL: Final[Json] = {"type": "boolean", "description": "Those who come in or go out because of this have events of it."}
_CONDITION: Final[Json] = {"anyOf": [CONDITION, {"type": "null"}], "description": "Who is in it; without one, whoever is put into it."}
_IDENTITY: Final[Json] = {"type": "string", "minLength": 1, "maxLength": IDENTITY_CHARACTERS}
_SUMMARIES: Final = {"pause": "Hold what was not sent", "resume": "Let a paused broadcast go on", "stop": "End a broadcast for good"}
_KEY: Final = parameter("Idempotency-Key", "header", {"type": "string", "maxLength": LONGEST_KEY}, "Like the body's id, which beats it.")


def sending_paths() -> Json:
    """Paths by address."""
    return {**_segment_paths(), **_broadcast_paths(), **_told_paths()}


def _segment_paths() -> Json:
    offers = parameter("backfill_events", "query", {"enum": ["true", "false"]}, "Those who go out have events of it.")
    return {
        "/api/v1/segments": {
            "get": operation(
                "listSegments",
                "Segments that are defined",
                data(list_of("segments")),
                (400,),
                parameters=[
                    parameter("counts", "query", {"enum": ["true", "false"]}, "Count members, and name segments that nobody defined.")
                ],
            ),
            "post": operation(
                "createSegment",
                "Define a segment",
                data(OBJECT),
                (400, 409, 413),
                body=object_body({"segment": SEGMENT, "name": _NAME, "condition": _CONDITION, "backfill_events": _BACKFILL}, "segment"),
            ),
        },
        "/api/v1/segments/{segment}": {
            "get": operation("showSegment", "A segment, and how many are in it", data(OBJECT), (404,), parameters=[_SEGMENT]),
            "patch": operation(
                "changeSegment",
                "Give a segment another name or condition",
                data(OBJECT),
                (400, 404, 409, 413),
                body=object_body({"name": _NAME, "condition": _CONDITION, "backfill_events": _BACKFILL}),
                parameters=[_SEGMENT],
            ),
            "delete": operation("deleteSegment", "Give a segment up", data(ACCEPTED), (400, 404, 413), parameters=[_SEGMENT, offers]),
        },
        "/api/v1/segments/{segment}/members": {
            "get": operation(
                "listMembers",
                "Profiles in a segment, a page at a time",
                data(page_of("profiles", {"$ref": "#/components/schemas/Profile"})),
                (400, 404),
                parameters=[_SEGMENT, CURSOR, limit_of(MOST_PROFILES, 100)],
            )
        },
    }


def _broadcast_paths() -> Json:
    one = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False}
    to = {
        "oneOf": [
            {"const": "everybody"},
            one | {"properties": {"profile_id": _IDENTITY, "device_token_hash": _IDENTITY, "segment": SEGMENT, "audience": CONDITION}},
        ]
    }
    body = {
        "push": Push.shape.schema(),
        "to": to,
        "at": {"type": ["string", "null"], "examples": ["2026-12-24T18:00", "2026-12-24T18:00+01:00"]},
        "timezone": {"type": "string", "description": "Of `at` without an offset: subscriber, site (unless given), or an IANA name."},
        "transactional": {"type": "boolean", "description": "Passes quiet hours and frequency caps."},
        "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
        "broadcast_id": {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_KEY,
            "description": "Your id: again, it is the same broadcast.",
        },
    }
    begun = {
        "type": "object",
        "required": ["broadcast_id", "created", "accepted"],
        "properties": {"broadcast_id": {"type": "string"}, "created": {"type": "boolean"}, "accepted": {"const": True}},
    }
    return {
        "/api/v1/broadcasts": {
            "get": operation(
                "listBroadcasts",
                "Broadcasts, a page at a time",
                data(page_of("broadcasts")),
                (400,),
                parameters=[CURSOR, limit_of(MOST, USUAL)],
            ),
            "post": operation(
                "sendBroadcast",
                "Send a push to a person, a segment, an audience or everybody",
                data(begun),
                (400, 404, 409, 413),
                body=object_body(body, "push", "to"),
                parameters=[_KEY],
            ),
        },
        "/api/v1/broadcasts/{broadcast}": {
            "get": operation("showBroadcast", "A broadcast, and how far it is", data(OBJECT), (404,), parameters=[_BROADCAST])
        },
        **{
            f"/api/v1/broadcasts/{{broadcast}}/{change}": {
                "post": operation(
                    f"{change}Broadcast",
                    _SUMMARIES[change],
                    data(OBJECT),
                    (400, 404, 409, 413),
                    body=object_body({}),
                    parameters=[_BROADCAST],
                    body_required=False,
                )
            }
            for change in CHANGES
        },
    }


def _told_paths() -> Json:
    return {
        "/api/v1/goals": {
            "post": operation(
                "sendGoal",
                "Tell of a goal: an event of its name",
                schemas.ACCEPTED_EVENT,
                (400, 409, 413),
                body={"application/json": {"schema": schemas.GOAL}},
                parameters=[_KEY],
            )
        },
        "/api/v1/triggers/events": {
            "post": operation(
                "sendTrigger",
                "Tell of a campaign's event: workflows can filter on `event.campaign_name`",
                schemas.ACCEPTED_EVENT,
                (400, 409, 413),
                body={"application/json": {"schema": schemas.TRIGGER}},
                parameters=[_KEY],
            )
        },
    }
