"""OpenAPI of the routes for runs, inputs that were set aside, receipts and the site."""

from clarion.api.openapi_parts import OBJECT, Json, data, list_of, object_body, operation, parameter
from clarion.control.receipts import ACTIONS
from clarion.control.receipts import EVENTS as RECEIPTS
from clarion.control.runs import LONGEST_REASON, STATUSES
from clarion.control.site_settings import LONGEST_ORIGIN, MOST_ORIGINS
from clarion.workflow.settings import FrequencyCapShape

_ID: Json = {"type": "string", "minLength": 1, "maxLength": 64}
_REASON: Json = {"type": "string", "minLength": 1, "maxLength": LONGEST_REASON}
_STEP: Json = {"type": "string", "description": "Step of the current version to go on at; the one it stands at, unless given."}
_LIMIT = parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 1000}, "At most so many.")


def run_paths() -> Json:
    """Paths by address: runs, and what could not be applied."""
    run = parameter("run", "path", _ID, "The run's id.")
    one = parameter("input", "path", _ID, "Id of what was set aside.")
    return {
        "/api/v1/runs": {
            "get": operation(
                "listRuns",
                "Runs, newest first",
                data(list_of("runs")),
                (400, 404),
                parameters=[
                    parameter("workflow", "query", {"type": "string"}, "Those of one workflow."),
                    parameter("status", "query", {"enum": list(STATUSES)}, "Those with one status."),
                    _LIMIT,
                ],
            )
        },
        "/api/v1/runs/{run}": {
            "get": operation("showRun", "A run with what started it and its deliveries", data(OBJECT), (404,), parameters=[run])
        },
        "/api/v1/runs/{run}/stop": {"post": _changing("stopRun", "End a run in flight", {"reason": _REASON}, run)},
        "/api/v1/runs/{run}/retry": {"post": _changing("retryRun", "Try a failed run's step again", {"reason": _REASON}, run)},
        "/api/v1/runs/{run}/move": {
            "post": _changing(
                "moveRun", "Let a run go on in the current version, or at another step of it", {"step": _STEP, "reason": _REASON}, run
            )
        },
        "/api/v1/poisoned": {
            "get": operation(
                "listPoisoned", "Inputs that could not be applied, newest first", data(list_of("poisoned")), (400,), parameters=[_LIMIT]
            )
        },
        "/api/v1/poisoned/{input}": {
            "delete": operation("discardPoisoned", "Give an input up", data(OBJECT), (404, 413), parameters=[one])
        },
        "/api/v1/poisoned/{input}/retry": {
            "post": operation("retryPoisoned", "Have an input applied again", data(OBJECT), (400, 404, 413), parameters=[one])
        },
    }


def site_paths() -> Json:
    """Paths by address: receipts of deliveries, and the site."""
    cap = {"anyOf": [FrequencyCapShape().schema(), {"type": "null"}], "description": "Of all workflows together; null for none."}
    return {
        "/api/v1/deliveries/{delivery}/receipts": {
            "post": operation(
                "addReceipt",
                "A push was viewed, clicked or closed; the same again counts once",
                data({"type": "object", "required": ["counted"], "properties": {"counted": {"type": "boolean"}}}),
                (400, 404, 413),
                body=object_body(
                    {
                        "event": {"enum": list(RECEIPTS)},
                        "action": {"enum": list(ACTIONS), "description": "Which button was clicked; without one, the notification itself."},
                    },
                    "event",
                ),
                parameters=[parameter("delivery", "path", _ID, "The delivery's id.")],
            )
        },
        "/api/v1/site": {
            "get": operation("showSite", "The site of the API key", data(OBJECT), ()),
            "patch": operation(
                "changeSite",
                "Change settings of the site; what is not named stays",
                data(OBJECT),
                (400, 413),
                body=object_body(
                    {
                        "name": {"type": "string"},
                        "timezone": {"type": "string"},
                        "frequency_cap": cap,
                        "vapid_subject": {
                            "type": "string",
                            "description": "mailto: or https: URI where push services can reach you (RFC 8292).",
                        },
                        "origins": {
                            "type": "array",
                            "items": {"type": "string", "maxLength": LONGEST_ORIGIN},
                            "maxItems": MOST_ORIGINS,
                            "description": "Origins whose pages may use /p/v1; none: any.",
                        },
                        "dangerous_unsigned_profiles": {
                            "type": "boolean",
                            "description": "Whether /p/v1 takes a profile_id without a signature.",
                        },
                    }
                ),
            ),
        },
    }


def _changing(id: str, summary: str, properties: Json, run: Json) -> Json:
    return operation(id, summary, data(OBJECT), (400, 404, 409, 413), body=object_body(properties), parameters=[run], body_required=False)
