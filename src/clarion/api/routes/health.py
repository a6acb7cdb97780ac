"""`/healthz`: the process is up. `/readyz`: it can reach its store."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import answer, context
from clarion.clock import SECOND
from clarion.contract.errors import unavailable

BELIEVED: Final = SECOND
"""How long a successful look at the store stands: anybody may ask, and each look is a commit."""


async def healthz(_: Request) -> Response:
    """Up."""
    return answer({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Up, known to the other nodes as far as there are any, and the store can read and write; else 503."""
    shared = context(request)
    if not shared.is_ready():
        raise unavailable(1)
    now = shared.clock()
    if not 0 <= now - getattr(request.app.state, "ready_at", -BELIEVED) < BELIEVED:
        await shared.store.probe()
        request.app.state.ready_at = now
    return answer({"status": "ready"})
