"""What those who append are told, and how: the same on every engine of the store."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from clarion.store.port import StoreError
from clarion.store.records.entries import Appended, NewEntry

Done = Callable[[list[Appended] | StoreError], None]
"""Called in the event loop with what became of each entry, in order, once that is durable; or with why none was stored."""

Call = tuple[Sequence[NewEntry], Done, int]
"""What to store, whom to tell, and how many bytes that keeps in memory."""


def split(became: list[Appended], calls: Sequence[Call]) -> Iterator[list[Appended]]:
    """What became of the entries of each call, from what became of all of them, in order."""
    start = 0
    for entries, _, _ in calls:
        end = start + len(entries)
        yield became[start:end]
        start = end


def tell(done: Done, result: list[Appended] | StoreError) -> None:
    """Call one back; that it fails is not passed on, for others wait as well."""
    try:
        done(result)
    except Exception as error:  # noqa: BLE001 - it is reported, and is the caller's own
        asyncio.get_running_loop().call_exception_handler({"message": "A callback of append_nowait failed.", "exception": error})


async def awaited(append: Callable[[Sequence[NewEntry], Done], None], entries: Sequence[NewEntry]) -> list[Appended]:
    """What `append` calls back with, for one who waits for it. Raises that StoreError, and what `append` raises."""
    future: asyncio.Future[list[Appended]] = asyncio.get_running_loop().create_future()

    def done(result: list[Appended] | StoreError) -> None:
        if future.done():  # whoever waited was cancelled
            return
        if isinstance(result, StoreError):
            future.set_exception(result)
        else:
            future.set_result(result)

    append(entries, done)
    return await future
