"""`POST /api/v1/goals` and `POST /api/v1/triggers/events`: events that are told in other words."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import Endpoint, answer, context, taker
from clarion.contract.content_type import is_json
from clarion.contract.errors import event_id_conflict, wrong_content_type
from clarion.contract.track_event import TrackEvent
from clarion.intake import entry_from
from clarion.store.records.entries import Appended


def telling(read: Callable[..., TrackEvent]) -> Endpoint:
    """The endpoint that takes what `read` makes an event of."""

    async def tell(request: Request) -> Response:
        site = taker(request)
        if not is_json(request.headers.get("content-type", "").encode("latin-1")):
            raise wrong_content_type()
        shared = context(request)
        now = shared.clock()
        event = read(await request.body(), now=now, idempotency_key=request.headers.get("idempotency-key"))
        entry = entry_from(event, site.id, now, shared.new_id(), shared.store.partitions)
        [became] = await shared.store.append([entry])
        if became is Appended.CONFLICT:
            raise event_id_conflict()
        return answer({})

    return tell
