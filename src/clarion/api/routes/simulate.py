"""Simulation over HTTP: documents and a scenario in, what would be sent and why out."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import JSON, caller, context
from clarion.contract.content_type import is_json
from clarion.contract.errors import Detail, invalid, not_json, success, unavailable, wrong_content_type
from clarion.contract.reading import NotJson, read_json
from clarion.domain.problems import Path
from clarion.engine.scenario import Scenario, read_scenario, read_scenario_value, unknown_names
from clarion.engine.simulate import simulate
from clarion.engine.simulation_view import simulation_view
from clarion.workflow.document import Document
from clarion.workflow.source import DocumentInvalid, Located, read_document, read_document_value

MOST_DOCUMENTS: Final = 20
LARGEST_BODY: Final = 512 * 1024
"""Bytes."""
LONGEST: Final = 5.0
"""Seconds that one simulation may take; what is not done by then is left."""

T = TypeVar("T")


async def simulate_workflows(request: Request) -> Response:
    """Run documents of the request in the world of its scenario; changes nothing and sends nothing."""
    site = caller(request, "read")
    if not is_json(request.headers.get("content-type", "").encode("latin-1")):
        raise wrong_content_type()
    body = await request.body()
    return Response(await context(request).simulations.do(site.id, lambda: _simulated(body)), media_type=JSON)


def _simulated(body: bytes) -> bytes:
    """The answer to a request. Raises Refusal and DocumentInvalid."""
    late = time.monotonic() + LONGEST

    def stop() -> bool:
        return time.monotonic() > late

    try:
        given = read_json(body)
    except NotJson:
        raise not_json() from None
    if not isinstance(given, dict):
        raise invalid(Detail("Request body must be a JSON object"))
    documents = _documents(given.get("documents"), stop)
    scenario = _scenario(given.get("scenario"))
    unknown = unknown_names(scenario, documents)
    if unknown:
        raise _placed(unknown, ("scenario",))
    return success(simulation_view(scenario, simulate(documents, scenario.world, scenario.given, scenario.until, stop=stop)))


def _documents(given: object, stop: Callable[[], bool]) -> list[Document]:
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_DOCUMENTS:
        raise invalid(Detail(f"documents must be a list of 1 to {MOST_DOCUMENTS} documents", ("documents",)))
    documents: list[Document] = []
    problems: list[Located] = []
    for index, source in enumerate(given):
        if stop():
            raise unavailable(1)
        path = ("documents", index)
        try:
            document = _read(source, path, read_document, read_document_value)
        except DocumentInvalid as refused:
            problems.extend(refused.problems)
            continue
        if any(document.workflow == other.workflow for other in documents):
            problems.append(Located(path, f"another document is of workflow {document.workflow} already"))
        documents.append(document)
    if problems:
        raise DocumentInvalid(problems)
    return documents


def _scenario(given: object) -> Scenario:
    return _read(given, ("scenario",), read_scenario, read_scenario_value)


def _read(source: object, path: Path, from_text: Callable[[str], T], from_value: Callable[[object], T]) -> T:
    """What a text or an object says. Raises DocumentInvalid with the problems' paths in the request."""
    try:
        return from_text(source) if isinstance(source, str) else from_value(source)
    except DocumentInvalid as refused:
        raise _placed(refused.problems, path) from None


def _placed(problems: list[Located], path: Path) -> DocumentInvalid:
    """The problems of what stands at a path of the request."""
    return DocumentInvalid([Located((*path, *one.path), one.message, one.line, one.column) for one in problems])
