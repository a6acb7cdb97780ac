"""OpenAPI of the workflows' routes."""

from clarion.api.openapi_parts import OBJECT, Json, data, document_body, list_of, object_body, operation, parameter
from clarion.control.counters import PERIODS, TOTAL
from clarion.control.workflows import RUNS, TRANSITIONS

_SLUG = parameter("workflow", "path", {"type": "string", "minLength": 1, "maxLength": 64}, "The workflow's slug.")
_RUNS: Json = {"enum": list(RUNS)}
_WHAT_RUNS = "What becomes of runs in flight: they finish on their version (keep), go on in the new one (move), or end."
_SUMMARIES = {
    "pause": "Hold a workflow",
    "resume": "Let a paused workflow go on",
    "drain": "Start nothing more; runs in flight finish",
    "activate": "Let a draining workflow start again",
    "archive": "End a workflow with its runs in flight",
}
_SKIP: Json = {"skip_older_than": {"type": "string", "examples": ["24h"]}}


def workflow_paths() -> Json:
    """Paths by address."""
    return {
        "/api/v1/workflows": {"get": operation("listWorkflows", "All workflows", data(list_of("workflows")), ())},
        "/api/v1/workflows/validate": {
            "post": operation("validateWorkflow", "Check a document", data(OBJECT), (400, 413), body=document_body()),
        },
        "/api/v1/workflows/plan": {
            "post": operation("planWorkflow", "What publishing a document would do", data(OBJECT), (400, 413), body=document_body()),
        },
        "/api/v1/workflows/{workflow}": {
            "get": operation("showWorkflow", "A workflow with its document", data(OBJECT), (404,), parameters=[_SLUG]),
            "put": operation(
                "publishWorkflow",
                "Publish a document",
                data(OBJECT),
                (400, 404, 413),
                body=document_body(),
                parameters=[_SLUG, parameter("runs", "query", _RUNS, _WHAT_RUNS)],
            ),
        },
        **{f"/api/v1/workflows/{{workflow}}/{change}": {"post": _changing(change)} for change in TRANSITIONS},
        "/api/v1/workflows/{workflow}/draft": _draft(),
        "/api/v1/workflows/{workflow}/publish": {
            "post": operation(
                "publishDraft",
                "Publish the draft, or the text of a document",
                data(OBJECT),
                (400, 404, 409, 413),
                body=object_body({"runs": {**_RUNS, "description": _WHAT_RUNS}, "document": {"type": "string"}}),
                parameters=[_SLUG],
                body_required=False,
            )
        },
        "/api/v1/workflows/{workflow}/duplicate": {
            "post": operation(
                "duplicateWorkflow",
                "Keep a workflow's document as the draft of a new one",
                data(OBJECT),
                (400, 404, 409, 413),
                body=object_body({"workflow": {"type": "string", "description": "Slug of the new one."}}, "workflow"),
                parameters=[_SLUG],
            )
        },
        "/api/v1/workflows/{workflow}/counters": {
            "get": operation(
                "showCounters",
                "What happened at the versions and steps of a workflow",
                data(list_of("counters")),
                (400, 404, 503),
                parameters=[
                    _SLUG,
                    parameter("period", "query", {"enum": [TOTAL, *PERIODS]}, f"By hour, by day, or altogether ({TOTAL}, the default)."),
                    _date("since", "Start of the range, ISO 8601; a day back for hours, thirty for days."),
                    _date("until", "End of the range, ISO 8601; now."),
                ],
            )
        },
    }


def _changing(change: str) -> Json:
    ends_pause = change in ("resume", "drain")
    return operation(
        f"{change}Workflow",
        _SUMMARIES[change],
        data(OBJECT),
        (400, 404, 409, 413),
        body=object_body(_SKIP) if ends_pause else None,
        parameters=[_SLUG],
        body_required=False,
    )


def _draft() -> Json:
    return {
        "get": operation("showDraft", "A workflow's draft and what is wrong with it", data(OBJECT), (404,), parameters=[_SLUG]),
        "put": operation(
            "saveDraft",
            "Keep a draft, valid or not",
            data(OBJECT),
            (400, 404, 413),
            body={"application/json": {"schema": {}}, "application/yaml": {"schema": {"type": "string"}}},
            parameters=[_SLUG],
        ),
        "delete": operation("discardDraft", "Forget a draft", data(OBJECT), (404, 413), parameters=[_SLUG]),
    }


def _date(name: str, description: str) -> Json:
    return parameter(name, "query", {"type": "string", "examples": ["2026-03-01", "2026-03-01T12:00:00Z"]}, description)
