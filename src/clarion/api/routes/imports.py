"""Imports of people over HTTP: begun, given rows a chunk at a time, ended."""

from collections.abc import Callable, Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.bodies import members, text_member
from clarion.api.context import Endpoint, answer, changer, context, whole
from clarion.contract.content_type import is_csv, is_json, is_ndjson
from clarion.contract.errors import Detail, invalid, wrong_content_type
from clarion.control import imports
from clarion.control.people_views import job_view
from clarion.control.person_rows import Row, rows_from_array, rows_from_csv, rows_from_lines
from clarion.push_addresses import address_problems

MOST_ROWS = 1_000_000_000


async def start_import(request: Request) -> Response:
    """Begin an import of profiles or subscribers."""
    site = changer(request)
    given = await members(request, "what", "name")
    what = text_member(given, "what")
    if what is None:
        raise invalid(Detail("what is required: profiles or subscribers", ("what",)))
    shared = context(request)
    return answer(job_view(await imports.start_import(shared.store, site, what, text_member(given, "name"), shared.clock(), shared.new_id)))


async def add_rows(request: Request) -> Response:
    """Take a chunk of rows; `offset` is how many rows of the file stand before it. Those that were taken before are left out."""
    site = changer(request)
    offset = whole(request, "offset", 0, 0, MOST_ROWS)
    read = _reader(request, await request.body())
    shared = context(request)
    job = await imports.add_rows(
        shared.store,
        shared.directory,
        site,
        request.path_params["import"],
        offset,
        read,
        partial(address_problems, allowed=shared.push_hosts),
        shared.clock(),
        partial(shared.views.do, site.id),
    )
    return answer(job_view(job))


def ending(status: str) -> Endpoint:
    """The endpoint that ends an import."""

    async def end_import(request: Request) -> Response:
        site = changer(request)
        await members(request)
        shared = context(request)
        return answer(job_view(await imports.end_import(shared.store, site, request.path_params["import"], status, shared.clock())))

    return end_import


def _reader(request: Request, body: bytes) -> Callable[[str], Sequence[Row]]:
    """What reads the rows of a body, as its Content-Type says. Raises Refusal (400)."""
    kind = request.headers.get("content-type", "").encode("latin-1")
    if is_csv(kind):
        return partial(rows_from_csv, body)
    if is_ndjson(kind):
        return lambda _: rows_from_lines(body)
    if is_json(kind):
        return lambda _: rows_from_array(body)
    raise wrong_content_type("text/csv", "application/x-ndjson", "application/json")
