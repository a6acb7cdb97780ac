"""OpenAPI of imports, exports, jobs, and the keys of a site."""

from typing import Final

from clarion.api.openapi_parts import OBJECT, Json, data, list_of, object_body, operation, parameter
from clarion.api.openapi_people import CURSOR, limit_of
from clarion.control.exports import FORMATS
from clarion.control.jobs import KINDS, MOST, STATUSES
from clarion.control.people_lists import MOST as MOST_ROWS
from clarion.control.person_rows import WHAT
from clarion.control.site_keys import REMOVABLE

_JOB_REF: Final[Json] = {"$ref": "#/components/schemas/Job"}
_TEXT: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 20_000}
_ID: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 64}
_IMPORT: Final = parameter("import", "path", _ID, "The import's job.")


def moving_paths() -> Json:
    """Paths by address."""
    return {**_import_paths(), **_key_paths()}


def job_schema() -> Json:
    """`Job`."""
    job = {
        "job_id": {"type": "string"},
        "kind": {"enum": list(KINDS)},
        "status": {"enum": list(STATUSES)},
        "created": {"type": "integer", "description": "UTC microseconds."},
        "changed": {"type": "integer"},
        "detail": {"type": "object", "description": "Of an import: rows, accepted, refused, and the report of refused rows."},
    }
    return {"type": "object", "required": list(job), "properties": job}


def _import_paths() -> Json:
    rows = {
        "text/csv": {"schema": {"type": "string"}},
        "application/x-ndjson": {"schema": {"type": "string"}},
        "application/json": {"schema": {"type": "array", "items": OBJECT}},
    }
    offset = parameter(
        "offset", "query", {"type": "integer", "minimum": 0, "maximum": 1_000_000_000}, "How many rows of the file stand before these."
    )
    exported = operation(
        "exportPeople",
        "People in the form that an import takes; the header Clarion-Cursor says what to go on with",
        OBJECT,
        (400,),
        parameters=[
            parameter("what", "path", {"type": "string", "examples": list(WHAT)}, "profiles or subscribers."),
            parameter("format", "query", {"enum": list(FORMATS)}, "ndjson unless given."),
            parameter(
                "addresses", "query", {"enum": ["true", "false"]}, "With what is needed to send to subscribers; needs the scope admin."
            ),
            CURSOR,
            limit_of(MOST_ROWS, MOST_ROWS),
        ],
    )
    exported["responses"]["200"] = {
        "description": "A page.",
        "headers": {"Clarion-Cursor": {"schema": {"type": "string"}, "description": "Not there on the last page."}},
        "content": {"application/x-ndjson": {"schema": {"type": "string"}}, "text/csv": {"schema": {"type": "string"}}},
    }
    ended = {"finish": "Say that an import is complete", "stop": "Break an import off; what was accepted stays"}
    return {
        "/api/v1/imports": {
            "post": operation(
                "startImport",
                "Begin an import",
                data(_JOB_REF),
                (400, 409, 413),
                body=object_body({"what": {"enum": list(WHAT)}, "name": {"type": "string", "minLength": 1, "maxLength": 100}}, "what"),
            )
        },
        "/api/v1/imports/{import}/rows": {
            "post": operation(
                "importRows",
                "Take a chunk of rows; those that were taken before are left out",
                data(_JOB_REF),
                (400, 404, 409, 413),
                body=rows,
                parameters=[_IMPORT, offset],
            )
        },
        **{
            f"/api/v1/imports/{{import}}/{end}": {
                "post": operation(
                    f"{end}Import",
                    summary,
                    data(_JOB_REF),
                    (400, 404, 409, 413),
                    body=object_body({}),
                    parameters=[_IMPORT],
                    body_required=False,
                )
            }
            for end, summary in ended.items()
        },
        "/api/v1/exports/{what}": {"get": exported},
        "/api/v1/jobs": {
            "get": operation(
                "listJobs",
                "Jobs, newest first",
                data({"type": "object", "required": ["jobs"], "properties": {"jobs": {"type": "array", "items": _JOB_REF}}}),
                (400,),
                parameters=[
                    parameter("kind", "query", {"enum": list(KINDS)}, "Those of one kind."),
                    parameter("status", "query", {"enum": list(STATUSES)}, "Those with one status."),
                    limit_of(MOST, 100),
                ],
            )
        },
        "/api/v1/jobs/{job}": {
            "get": operation(
                "showJob",
                "How far a job is, and what was refused",
                data(_JOB_REF),
                (404,),
                parameters=[parameter("job", "path", _ID, "The job's id.")],
            )
        },
    }


def _key_paths() -> Json:
    subject = {"vapid_subject": {"type": "string", "description": "mailto: or https: URI where push services can reach you (RFC 8292)."}}
    secret = {"type": "object", "required": ["identity_secret"], "properties": {"identity_secret": {"type": "string"}}}
    apple: Json = {
        "key": {**_TEXT, "writeOnly": True, "description": "Content of the .p8 file."},
        "key_id": _ID,
        "team_id": _ID,
        "topic": {"type": "string", "description": "The app's bundle id."},
        "sandbox": {"type": "boolean"},
    }
    google: Json = {"service_account": {"type": "object", "writeOnly": True, "description": "The service account's JSON key file."}}
    return {
        "/api/v1/site/keys": {"get": operation("listSiteKeys", "Keys of the site, without what is secret", data(list_of("keys")), ())},
        "/api/v1/site/keys/{kind}": {
            "delete": operation(
                "removeSiteKey",
                "Forget a key of the site",
                data(OBJECT),
                (400, 404, 413),
                parameters=[parameter("kind", "path", {"type": "string", "examples": list(REMOVABLE)}, "Which key.")],
            )
        },
        "/api/v1/site/vapid/rotate": {
            "post": operation(
                "rotateVapid",
                "Give the site a new VAPID key",
                data(OBJECT),
                (400, 409, 413),
                body=object_body(subject),
                body_required=False,
            )
        },
        "/api/v1/site/identity/rotate": {
            "post": operation(
                "rotateIdentity",
                "Give the site a new secret that signs profile_ids; it is shown this once",
                data(secret),
                (400, 413),
                body=object_body({}),
                body_required=False,
            )
        },
        "/api/v1/site/fcm": {
            "put": operation(
                "setFcm", "Set the service account for Android apps", data(OBJECT), (400, 413), body=object_body(google, *google)
            )
        },
        "/api/v1/site/apns": {
            "put": operation(
                "setApns",
                "Set the key for iOS apps",
                data(OBJECT),
                (400, 413),
                body=object_body(apple, "key", "key_id", "team_id", "topic"),
            )
        },
    }
