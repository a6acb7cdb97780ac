"""`/healthz`: the process is up. `/readyz`: it can reach its store."""

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import answer, context
from clarion.clock import SECOND
from clarion.contract.errors import unavailable

BELIEVED: Final = SECOND
"""How long a successful look at the store stands: anybody may ask, and each look is a commit."""
PATIENCE: Final = 2.0
"""Seconds for that look: whoever asks wants an answer, also while the database gives none."""


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
        try:
            async with asyncio.timeout(PATIENCE):
                await shared.store.probe()
        except TimeoutError:
            raise unavailable(1) from None
        request.app.state.ready_at = now
    return answer({"status": "ready"})
