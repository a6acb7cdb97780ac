"""Pieces that the OpenAPI document is put together from."""

from typing import Any, Final

from clarion.contract import schemas

Json = dict[str, Any]

OBJECT: Final[Json] = {"type": "object"}

_PROBLEMS: Final = {
    400: "The request does not say what it has to; `details` names every problem.",
    401: "No API key, or one that is nobody's.",
    403: "The key lacks the scope.",
    404: "Not found; `details` says what.",
    409: "Not possible as things stand: `details` says why; of an event, `event_id` was already used with different content.",
    413: "The body is too large.",
    429: "Too many requests; see `Retry-After`.",
    500: "Something went wrong inside.",
    503: "Not taken now; see `Retry-After`. Nothing was kept, unless `details` say that this is not known.",
}
_DONE: Final = {200: "Done.", 202: "Accepted: it is on disk, and goes on after this answer."}
_ALWAYS: Final = (401, 403, 429, 500, 503)


def document_body() -> Json:
    """A workflow's document as a request's body."""
    return {"application/json": {"schema": {"$ref": "#/components/schemas/Workflow"}}, "application/yaml": {"schema": {"type": "string"}}}


def object_body(properties: Json, *required: str) -> Json:
    """A JSON object with known members as a request's body."""
    schema: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"application/json": {"schema": schema | ({"required": list(required)} if required else {})}}


def data(carried: Json) -> Json:
    """An answer that carries data."""
    return schemas.success_schema(carried)


def list_of(name: str) -> Json:
    """An object with a list of objects."""
    return {"type": "object", "required": [name], "properties": {name: {"type": "array", "items": OBJECT}}}


def parameter(name: str, place: str, schema: Json, description: str) -> Json:
    """A parameter; one in the path has to be there."""
    return {"name": name, "in": place, "required": place == "path", "schema": schema, "description": description}


def operation(
    id: str,
    summary: str,
    answer: Json,
    problems: tuple[int, ...],
    *,
    body: Json | None = None,
    parameters: list[Json] | None = None,
    body_required: bool = True,
    status: int = 200,
) -> Json:
    """An operation that needs a key; `status` is that of a success."""
    operation: Json = {"operationId": id, "summary": summary, "responses": _responses(answer, (*problems, *_ALWAYS), status)}
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = {"required": body_required, "content": body}
    return operation


def open_operation(id: str, summary: str, problems: tuple[int, ...]) -> Json:
    """An operation that everybody may ask for."""
    return {"operationId": id, "summary": summary, "security": [], "responses": _responses(data(OBJECT), (*problems, 500))}


def text_operation(id: str, summary: str, problems: tuple[int, ...]) -> Json:
    """An operation that answers with plain text, and needs a key of some callers only."""
    answers = _responses(OBJECT, (*problems, 500))
    answers["200"] = {"description": "Done.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {"operationId": id, "summary": summary, "security": [{}, {"ApiKey": []}], "responses": answers}


def _responses(answer: Json, problems: tuple[int, ...], status: int = 200) -> Json:
    failure = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
    return {
        str(status): {"description": _DONE[status], "content": {"application/json": {"schema": answer}}},
        **{str(status): {"description": _PROBLEMS[status], "content": failure} for status in sorted(set(problems))},
    }
