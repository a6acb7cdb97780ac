"""The OpenAPI 3.1 document, from the schemas that also say what validation does."""

from collections.abc import Mapping
from typing import Any

from clarion import __version__
from clarion.api.openapi_explain import explain_paths, explain_schemas
from clarion.api.openapi_moving import job_schema, moving_paths
from clarion.api.openapi_operations import run_paths, site_paths
from clarion.api.openapi_parts import OBJECT, Json, data, list_of, open_operation, operation, parameter, text_operation
from clarion.api.openapi_people import people_paths, people_schemas
from clarion.api.openapi_sending import sending_paths
from clarion.api.openapi_simulate import simulate_paths, simulate_schemas
from clarion.api.openapi_workflows import workflow_paths
from clarion.contract import schemas
from clarion.control.secrets import LONGEST_VALUE
from clarion.domain.secret_marks import SECRET_NAME
from clarion.workflow.source import json_schema


def openapi() -> Json:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Clarion", "version": __version__, "description": "Events become workflows, workflows become pushes."},
        "security": [{"ApiKey": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"ApiKey": {"type": "apiKey", "in": "header", "name": "Api-Key"}},
            "schemas": {
                "Failure": schemas.FAILURE,
                **_workflow_schemas(),
                **explain_schemas(),
                **simulate_schemas(),
                **people_schemas(),
                "Job": job_schema(),
            },
        },
    }


def _paths() -> Json:
    secret = parameter("name", "path", {"type": "string", "pattern": f"^{SECRET_NAME.pattern}$"}, "The secret's name.")
    return {
        "/api/v1/events": {
            "post": operation(
                "trackEvent",
                "Track an event",
                schemas.ACCEPTED_EVENT,
                (400, 409, 413),
                body={"application/json": {"schema": schemas.TRACK_EVENT}},
                parameters=[
                    parameter("Idempotency-Key", "header", {"type": "string", "maxLength": 128}, "Like `event_id`, which beats it.")
                ],
            )
        },
        "/api/v1/events/batch": {
            "post": operation(
                "trackEvents",
                "Track up to 1,000 events, each judged alone",
                schemas.BATCH_RESULT,
                (400, 413),
                body={"application/json": {"schema": schemas.BATCH}, "application/x-ndjson": {"schema": {"type": "string"}}},
            )
        },
        "/api/v1/log": {
            "get": operation(
                "listEvents",
                "Events of the log, in order",
                data(_events_page()),
                (400,),
                parameters=[
                    parameter(
                        "after",
                        "query",
                        {"type": "string"},
                        "Go on after this `cursor` of an earlier answer; `0`: from the beginning; without it: the newest.",
                    ),
                    parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 1000}, "At most so many."),
                ],
            )
        },
        **people_paths(),
        **explain_paths(),
        **sending_paths(),
        **moving_paths(),
        **workflow_paths(),
        **run_paths(),
        **site_paths(),
        "/api/v1/secrets": {
            "get": operation("listSecrets", "Names of the secrets that `http` steps may use", data(list_of("secrets")), ())
        },
        "/api/v1/secrets/{name}": {
            "put": operation(
                "setSecret",
                "Set a secret; its value is never shown again",
                data(OBJECT),
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
            "delete": operation("removeSecret", "Forget a secret", data(OBJECT), (404, 413), parameters=[secret]),
        },
        **simulate_paths(),
        "/healthz": {"get": open_operation("healthz", "The process is up", ())},
        "/readyz": {"get": open_operation("readyz", "It can reach its store", (503,))},
        "/metrics": {
            "get": text_operation(
                "metrics", "What the process counts, for Prometheus; a key of scope admin where it is not public", (401, 403, 429)
            )
        },
        "/api/v1/openapi.json": {
            "get": {
                "operationId": "openapi",
                "summary": "This document",
                "security": [],
                "responses": {"200": {"description": "The document.", "content": {"application/json": {"schema": OBJECT}}}},
            }
        },
    }


def _events_page() -> Json:
    page = list_of("events")
    cursor = {"type": "string", "minLength": 1, "description": "What to go on after; nothing else is to be read from it."}
    return page | {"required": [*page["required"], "cursor"], "properties": page["properties"] | {"cursor": cursor}}


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
