"""Jobs over HTTP: listed and shown."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import answer, caller, context, whole
from clarion.control import jobs
from clarion.control.people_views import job_view


async def list_jobs(request: Request) -> Response:
    """The newest jobs, of one kind or status where that is asked for."""
    site = caller(request, "read")
    asked = request.query_params
    limit = whole(request, "limit", 100, 1, jobs.MOST)
    found = await jobs.list_jobs(context(request).store, site, asked.get("kind"), asked.get("status"), limit)
    # what was refused of an import is told by the job alone
    views = [job_view(one) for one in found]
    for view in views:
        view["detail"].pop("report", None)
    return answer({"jobs": views})


async def show_job(request: Request) -> Response:
    """A job: how far it has come, and what was refused."""
    site = caller(request, "read")
    return answer(job_view(await jobs.find_job(context(request).store, site, request.path_params["job"])))
