"""Pages of rows of which some do not count, on every engine."""

from collections.abc import Awaitable, Callable

from clarion.domain.records import Profile


async def unmerged(read: Callable[[str], Awaitable[list[Profile]]], after: str, limit: int) -> list[Profile]:
    """Profiles behind a key that have not become part of another: those of the first page that has any; none at the end.

    `read` gives the `limit` rows behind a key: others get their turn between two of its pages, however many rows in a row do not count.
    """
    while page := await read(after):
        found = [one for one in page if one.merged is None]
        if found or len(page) < limit:
            return found
        after = page[-1].key
    return []
