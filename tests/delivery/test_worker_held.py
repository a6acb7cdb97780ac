"""What a paused workflow keeps back is offered again, whatever else happens meanwhile."""

from clarion.clock import DAY, SECOND

from .conftest import Post
from .outbox import PAUSED, change, http
from .receiver import receiving


async def test_held_deliveries_go_back_although_another_came_due_before(live: Post) -> None:
    """Nobody wakes the worker after the other one: it has to remember by itself."""
    async with receiving() as receiver:
        held = change(http(1, receiver.url), workflow=PAUSED, due=live.now() - SECOND, expires=live.now() + DAY)
        soon = change(http(2, receiver.url), due=live.now() + SECOND // 50, expires=live.now() + DAY)
        live.outbox.put(held, soon)
        await live.start()
        await live.outbox.until_reported()
        assert live.outbox.claimed == {held.id}
        del live.outbox.waiting[held.id]  # the engine's hold reaches the store
        await live.outbox.until(lambda: not live.outbox.claimed)
    assert len(receiver.requests) == 1
