"""Runs over HTTP: list, show, and what an operator does to one."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.bodies import members, text_member
from clarion.api.context import Endpoint, answer, caller, context, whole
from clarion.control import runs
from clarion.control.run_views import listed_run_view, whole_run_view

MOST = 1_000
MOST_DELIVERIES = 100


async def list_runs(request: Request) -> Response:
    """The newest runs, of one workflow or status where that is asked for."""
    site = caller(request, "read")
    asked = request.query_params
    limit = whole(request, "limit", 100, 1, MOST)
    rows = await runs.list_runs(context(request).store, site, asked.get("workflow"), asked.get("status"), limit)
    return answer({"runs": [listed_run_view(row) for row in rows]})


async def show_run(request: Request) -> Response:
    """A run with what started it and its deliveries."""
    site = caller(request, "read")
    store = context(request).store
    row = await runs.find_run(store, site, request.path_params["run"])
    return answer(whole_run_view(row, await store.deliveries(site.id, row.id, MOST_DELIVERIES)))


def changing(change: str) -> Endpoint:
    """The endpoint that tells the engine to stop, retry or move a run; it answers with the run as it stood before."""

    async def change_run(request: Request) -> Response:
        site = caller(request, "write")
        given = await members(request, *(("step", "reason") if change == "move" else ("reason",)))
        shared = context(request)
        row = await runs.change_run(
            shared.store,
            site,
            request.path_params["run"],
            change,
            shared.clock(),
            shared.new_id,
            step=text_member(given, "step"),
            reason=text_member(given, "reason"),
        )
        return answer({**listed_run_view(row), "change": change})

    return change_run
