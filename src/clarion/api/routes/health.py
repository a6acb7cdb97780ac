"""`/healthz`: the process is up. `/readyz`: it takes events."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import answer, context


async def healthz(_: Request) -> Response:
    """Up."""
    return answer({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Up, and the store answers; else 503."""
    await context(request).store.configuration()
    return answer({"status": "ready"})
