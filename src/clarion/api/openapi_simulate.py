"""OpenAPI of the simulation."""

from clarion.api.openapi_parts import Json, data, operation
from clarion.api.routes.simulate import MOST_DOCUMENTS
from clarion.engine.scenario_shapes import scenario_schema

_NAME: Json = {"type": ["string", "null"]}
_TEXT: Json = {"type": "string"}
_TIME: Json = {"type": "integer", "description": "UTC microseconds."}


def simulate_paths() -> Json:
    """`/api/v1/simulate`."""
    documents = {"type": "array", "items": _source("Workflow"), "minItems": 1, "maxItems": MOST_DOCUMENTS}
    body = {
        "type": "object",
        "required": ["documents", "scenario"],
        "properties": {"documents": documents, "scenario": _source("Scenario")},
    }
    return {
        "/api/v1/simulate": {
            "post": operation(
                "simulate",
                "Run documents in a scenario's world under a virtual clock; nothing is sent",
                data({"$ref": "#/components/schemas/Simulation"}),
                (400, 413),
                body={"application/json": {"schema": body}},
            )
        }
    }


def simulate_schemas() -> Json:
    """What those refer to."""
    scenario = scenario_schema()
    del scenario["$schema"]  # OpenAPI 3.1 says the same by default
    return {"Scenario": scenario, "Simulation": _simulation()}


def _source(component: str) -> Json:
    """An object, or its text in YAML or JSON."""
    return {"oneOf": [{"$ref": f"#/components/schemas/{component}"}, {"type": "string"}]}


def _simulation() -> Json:
    message = {"at": _TIME, "kind": {"enum": ["push", "http", "event"]}, "workflow": _TEXT, "step": _NAME, "run": _TEXT}
    line = {"at": _TIME, "came": _TEXT, "workflow": _NAME, "run": _NAME, "step": _NAME, "what": _TEXT, "sentence": _TEXT}
    run = {"run": _TEXT, "workflow": _TEXT, "key": _NAME, "status": _TEXT, "reason": _NAME, "step": _NAME, "started": _TIME}
    counter = {"workflow": _TEXT, "step": _NAME, "name": _TEXT, "branch": _NAME, "count": {"type": "integer"}}
    return _object(
        scenario=_TEXT,
        differences={"type": "array", "items": _TEXT, "description": "What came otherwise than the scenario expects."},
        complete={"type": "boolean", "description": "Whether nothing was left to do."},
        ended=_TIME,
        messages=_list(**message, profile_id=_NAME, content={"type": "object"}),
        timeline=_list(**line),
        runs=_list(**run),
        profile=_object(profile_id=_NAME, attributes={"type": "object"}, segments={"type": "array", "items": _TEXT}),
        counters=_list(**counter),
    )


def _object(**properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(**properties: Json) -> Json:
    return {"type": "array", "items": _object(**properties)}
