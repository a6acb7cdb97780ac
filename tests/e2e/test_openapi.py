"""`/api/v1/openapi.json`: a valid OpenAPI 3.1 document that says what the server does, checked by asking it."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from tests.e2e.engines import database
from tests.e2e.server import Server, serving
from tests.server.client import request

from clarion.api.openapi import openapi

PATH = "/api/v1/openapi.json"
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.allow_header_conformance,
    checks.ignored_auth,
    checks.missing_required_header,
]


@pytest.fixture(scope="module")
def explored(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this module's own: what is posted here becomes workflows, subscribers and events."""
    with database(engine) as where, serving(tmp_path_factory.mktemp("explored") / "data", **where) as server:
        yield server


@pytest.fixture(scope="module")
def session(explored: Server) -> Iterator[requests.Session]:
    """One connection, whatever proxy the environment names."""
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


async def test_the_document_is_valid(server: Server) -> None:
    async with server.connect() as client:
        document = (await client.ask(request("GET", PATH))).json
    assert document == openapi()
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


# for a workflow's document the combinations of everything with everything are thousands; those are left to chance
WITH_DOCUMENT = ("publishWorkflow", "validateWorkflow", "planWorkflow", "saveDraft", "simulate")
FEWER = [{"include-operation-id": name, "phases": {"coverage": {"enabled": False}}} for name in WITH_DOCUMENT]


@schemathesis.serializer("application/x-ndjson")
def write_lines(_: schemathesis.SerializationContext, value: object) -> bytes:
    """The document calls the lines a text."""
    return str(value).encode(errors="replace")


@schemathesis.openapi.from_dict(openapi(), config=schemathesis.Config.from_dict({"operations": FEWER})).parametrize()
@settings(
    max_examples=15,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
def test_the_server_does_what_the_document_says(case: Any, explored: Server, session: requests.Session) -> None:
    case.call_and_validate(base_url=explored.url, session=session, headers={"Api-Key": explored.key}, checks=CHECKS)
