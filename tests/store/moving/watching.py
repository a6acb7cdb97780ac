"""Looking at a move from outside, breaking it off, and looking into what it made."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it carries no types

from clarion.store.moving.move import Moved

PARTITIONS = 4


class Watcher:
    """Remembers what it is told; may be made to break the move off."""

    def __init__(self, breaks: Callable[[], None] = lambda: None) -> None:
        self.resumed: bool | None = None
        self.moved_rows: Counter[str] = Counter()
        self.compared_rows: Counter[str] = Counter()
        self.totals: dict[str, int] = {}
        self.before: dict[str, int] = {}
        self._breaks = breaks

    def begun(self, totals: dict[str, int], moved: dict[str, int], *, resumed: bool) -> None:
        self.totals, self.before, self.resumed = totals, moved, resumed
        self._breaks()

    def moved(self, table: str, rows: int) -> None:
        self.moved_rows[table] += rows
        self._breaks()

    def compared(self, table: str, rows: int) -> None:
        self.compared_rows[table] += rows


class Broken(Exception):
    pass


class Fuse:
    """Breaks at the n-th time."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Broken


async def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


def by_table(moved: Moved) -> dict[str, tuple[int, int]]:
    return {one.table: (one.read, one.rows) for one in moved.tables}
