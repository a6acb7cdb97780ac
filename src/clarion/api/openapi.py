"""The OpenAPI 3.1 document, from the schemas that also say what validation does."""

from collections.abc import Mapping
from typing import Any, Final

from clarion import __version__
from clarion.contract import schemas
from clarion.control.secrets import LONGEST_VALUE
from clarion.domain.secret_marks import SECRET_NAME
from clarion.workflow.source import json_schema

Json = dict[str, Any]

_PROBLEMS: Final = {
    400: "The request does not say what it has to; `details` names every problem.",
    401: "No API key, or one that is nobody's.",
    403: "The key lacks the scope.",
    404: "Not found.",
    409: "`event_id` was already used with different content.",
    413: "The body is too large.",
    429: "Too many requests; see `Retry-After`.",
    500: "Something went wrong inside.",
    503: "Not taken now and nothing kept; see `Retry-After`.",
}
_ALWAYS: Final = (401, 403, 429, 500, 503)
_OBJECT: Final[Json] = {"type": "object"}


def openapi() -> Json:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Clarion", "version": __version__, "description": "Events become workflows, workflows become pushes."},
        "security": [{"ApiKey": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"ApiKey": {"type": "apiKey", "in": "header", "name": "Api-Key"}},
            "schemas": {"Failure": schemas.FAILURE, **_workflow_schemas()},
        },
    }


def _paths() -> Json:
    slug = _parameter("workflow", "path", {"type": "string", "minLength": 1, "maxLength": 64}, "The workflow's slug.")
    secret = _parameter("name", "path", {"type": "string", "pattern": f"^{SECRET_NAME.pattern}$"}, "The secret's name.")
    named = {"type": "string", "minLength": 1, "maxLength": 255}
    return {
        "/api/v1/events": {
            "post": _operation(
                "trackEvent",
                "Track an event",
                schemas.ACCEPTED_EVENT,
                (400, 409, 413),
                body={"application/json": {"schema": schemas.TRACK_EVENT}},
                parameters=[
                    _parameter("Idempotency-Key", "header", {"type": "string", "maxLength": 128}, "Like `event_id`, which beats it.")
                ],
            )
        },
        "/api/v1/events/batch": {
            "post": _operation(
                "trackEvents",
                "Track up to 1,000 events, each judged alone",
                schemas.BATCH_RESULT,
                (400, 413),
                body={"application/json": {"schema": schemas.BATCH}, "application/x-ndjson": {"schema": {"type": "string"}}},
            )
        },
        "/api/v1/log": {
            "get": _operation(
                "listEvents",
                "Events of the log, in order",
                _data(_list("events")),
                (400,),
                parameters=[
                    _parameter(
                        "after", "query", {"type": "integer", "minimum": -1, "maximum": 2**62}, "Sequence to go on after; -1: the newest."
                    ),
                    _parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 1000}, "At most so many."),
                ],
            )
        },
        "/api/v1/subscribers": {
            "post": _operation(
                "addSubscriber",
                "Register a push subscription",
                _data({"type": "object", "required": ["device_token_hash"], "properties": {"device_token_hash": {"type": "string"}}}),
                (400, 413),
                body={"application/json": {"schema": schemas.SUBSCRIBER}},
            )
        },
        "/api/v1/subscribers/{device_token_hash}": {
            "get": _operation(
                "showSubscriber",
                "The profile that a subscriber belongs to",
                _data(_OBJECT),
                (404,),
                parameters=[_parameter("device_token_hash", "path", named, "The subscriber.")],
            )
        },
        "/api/v1/profiles/{profile_id}": {
            "get": _operation(
                "showProfile",
                "A profile and what happened to it",
                _data(_OBJECT),
                (404,),
                parameters=[_parameter("profile_id", "path", named, "Your id of the person.")],
            )
        },
        "/api/v1/workflows": {"get": _operation("listWorkflows", "All workflows", _data(_list("workflows")), ())},
        "/api/v1/workflows/validate": {
            "post": _operation("validateWorkflow", "Check a document", _data(_OBJECT), (400, 413), body=_document()),
        },
        "/api/v1/workflows/{workflow}": {
            "get": _operation("showWorkflow", "A workflow with its document", _data(_OBJECT), (404,), parameters=[slug]),
            "put": _operation(
                "publishWorkflow", "Publish a document", _data(_OBJECT), (400, 404, 413), body=_document(), parameters=[slug]
            ),
        },
        "/api/v1/workflows/{workflow}/pause": {
            "post": _operation("pauseWorkflow", "Hold a workflow", _data(_OBJECT), (404, 413), parameters=[slug]),
        },
        "/api/v1/workflows/{workflow}/resume": {
            "post": _operation(
                "resumeWorkflow",
                "Let a paused workflow go on",
                _data(_OBJECT),
                (400, 404, 413),
                body={
                    "application/json": {
                        "schema": {"type": "object", "properties": {"skip_older_than": {"type": "string", "examples": ["24h"]}}},
                    }
                },
                parameters=[slug],
                body_required=False,
            )
        },
        "/api/v1/secrets": {
            "get": _operation("listSecrets", "Names of the secrets that `http` steps may use", _data(_list("secrets")), ())
        },
        "/api/v1/secrets/{name}": {
            "put": _operation(
                "setSecret",
                "Set a secret; its value is never shown again",
                _data(_OBJECT),
                (400, 404, 413),
                body={
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["value"],
                            "properties": {"value": {"type": "string", "minLength": 1, "maxLength": LONGEST_VALUE, "writeOnly": True}},
                        }
                    }
                },
                parameters=[secret],
            ),
            "delete": _operation("removeSecret", "Forget a secret", _data(_OBJECT), (404, 413), parameters=[secret]),
        },
        "/healthz": {"get": _open("healthz", "The process is up", ())},
        "/readyz": {"get": _open("readyz", "It takes events", (503,))},
        "/api/v1/openapi.json": {
            "get": {
                "operationId": "openapi",
                "summary": "This document",
                "security": [],
                "responses": {"200": {"description": "The document.", "content": {"application/json": {"schema": _OBJECT}}}},
            }
        },
    }


def _workflow_schemas() -> Json:
    """The document's JSON Schema as components: its `$defs` become components of their own."""
    document = json_schema()
    parts = document.pop("$defs")
    del document["$schema"]  # OpenAPI 3.1 says the same by default
    places = {f"#/$defs/{name}": f"#/components/schemas/Workflow{name.capitalize()}" for name in parts}
    named = {"Workflow": document} | {f"Workflow{name.capitalize()}": part for name, part in parts.items()}
    return {name: _moved(part, places) for name, part in named.items()}


def _moved(schema: Any, places: Mapping[str, str]) -> Any:
    """A schema whose references point to where things are now."""
    if isinstance(schema, dict):
        return {
            key: places.get(value, value) if key == "$ref" and isinstance(value, str) else _moved(value, places)
            for key, value in schema.items()
        }
    return [_moved(item, places) for item in schema] if isinstance(schema, list) else schema


def _document() -> Json:
    return {"application/json": {"schema": {"$ref": "#/components/schemas/Workflow"}}, "application/yaml": {"schema": {"type": "string"}}}


def _data(data: Json) -> Json:
    return schemas.success_schema(data)


def _list(name: str) -> Json:
    return {"type": "object", "required": [name], "properties": {name: {"type": "array", "items": _OBJECT}}}


def _parameter(name: str, place: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": place, "required": place == "path", "schema": schema, "description": description}


def _operation(
    id: str,
    summary: str,
    answer: Json,
    problems: tuple[int, ...],
    *,
    body: Json | None = None,
    parameters: list[Json] | None = None,
    body_required: bool = True,
) -> Json:
    operation: Json = {"operationId": id, "summary": summary, "responses": _responses(answer, (*problems, *_ALWAYS))}
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = {"required": body_required, "content": body}
    return operation


def _open(id: str, summary: str, problems: tuple[int, ...]) -> Json:
    return {"operationId": id, "summary": summary, "security": [], "responses": _responses(_data(_OBJECT), (*problems, 500))}


def _responses(answer: Json, problems: tuple[int, ...]) -> Json:
    failure = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
    return {
        "200": {"description": "Done.", "content": {"application/json": {"schema": answer}}},
        **{str(status): {"description": _PROBLEMS[status], "content": failure} for status in sorted(set(problems))},
    }
