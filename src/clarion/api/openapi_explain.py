"""OpenAPI of the routes that explain; the schemas of their answers come from the answers' own types."""

from typing import Any, Final

import msgspec

from clarion.api.openapi_parts import Json, data, operation, parameter
from clarion.control.explain.answers import AbsenceAnswer, EventAnswer, RunAnswer, TimelineAnswer
from clarion.control.explain.timeline import LIMIT, MOST

_ANSWERS: Final = (EventAnswer, RunAnswer, TimelineAnswer, AbsenceAnswer)
_PLACE: Final = "#/components/schemas/{name}"
_ID: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 64}
_NAMED: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 255}


def explain_schemas() -> Json:
    """The answers' types as components."""
    # As JSON has them: a default may be a tuple.
    components: Json = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema_components(_ANSWERS, ref_template=_PLACE)[1]))
    return components


def explain_paths() -> Json:
    """Paths by address."""
    event = parameter("event", "path", _ID, "The event's id in the log.")
    run = parameter("run", "path", _ID, "The run's id.")
    workflow = parameter("workflow", "path", _ID, "The workflow's slug.")
    people = {
        "profiles/{profile_id}": ("Profile", "a profile", parameter("profile_id", "path", _NAMED, "Your id of the person.")),
        "subscribers/{device_token_hash}": (
            "Subscriber",
            "the profile that a subscriber belongs to",
            parameter("device_token_hash", "path", _NAMED, "The subscriber."),
        ),
    }
    paths: Json = {
        "/api/v1/events/{event}/explanation": {
            "get": operation("explainEvent", "What an event did and did not do, and why", _answer(EventAnswer), (404,), parameters=[event])
        },
        "/api/v1/runs/{run}/history": {
            "get": operation("explainRun", "Every step of a run, with time and reason", _answer(RunAnswer), (404,), parameters=[run])
        },
    }
    for address, (name, who, person) in people.items():
        paths[f"/api/v1/{address}/timeline"] = {
            "get": operation(
                f"show{name}Timeline",
                f"What happened to {who}, newest last",
                _answer(TimelineAnswer),
                (400, 404),
                parameters=[person, *_paging()],
            )
        }
        paths[f"/api/v1/{address}/workflows/{{workflow}}/explanation"] = {
            "get": operation(
                f"explain{name}Workflow",
                f"Why {who} did not get a workflow's message, or that it did",
                _answer(AbsenceAnswer),
                (404,),
                parameters=[person, workflow],
            )
        }
    return paths


def _paging() -> list[Json]:
    return [
        parameter("workflow", "query", {"type": "string"}, "Only what concerns this workflow."),
        parameter(
            "limit",
            "query",
            {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT},
            "So many of the newest; fewer when they are large.",
        ),
        parameter("before", "query", {"type": "string"}, "Only what happened earlier: `before` of the page before this one, as it is."),
    ]


def _answer(kind: Any) -> Json:
    return data({"$ref": _PLACE.format(name=kind.__name__)})
