"""`POST /api/v1/deliveries/{delivery}/receipts`: what a receiver did with a push."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.bodies import members, text_member
from clarion.api.context import answer, context, taker
from clarion.contract.errors import Detail, invalid
from clarion.control.receipts import record_receipt


async def add_receipt(request: Request) -> Response:
    """A push was viewed, clicked or closed; the same again counts once."""
    site = taker(request)
    given = await members(request, "event", "action")
    event = text_member(given, "event")
    if event is None:
        raise invalid(Detail("event is required", ("event",)))
    shared = context(request)
    counted = await record_receipt(
        shared.store, site, request.path_params["delivery"], event, given.get("action"), shared.clock(), shared.new_id
    )
    return answer({"counted": counted})
