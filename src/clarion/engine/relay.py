"""Commits one after the other, each while what comes next is computed."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from clarion.store.records.commits import Outcome


class Relay:
    """Hands outcomes to the store in their order. Leaving it waits for the last; an error of a commit is raised where it is waited for.

    Who is cancelled does not wait: nobody will know whether the last is in the store.

    An outcome builds on those before it: behind one that failed none is committed.
    """

    def __init__(self, commit: Callable[[Outcome], Awaitable[None]]) -> None:
        self._commit = commit
        self._under_way: asyncio.Task[None] | None = None
        self._inputs = 0
        self.committed = 0
        """Inputs whose outcome is in the store."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, asyncio.CancelledError) and self._under_way is not None:
            self._under_way.cancel()
        await self._settled()

    async def put(self, outcome: Outcome, inputs: int) -> None:
        """Begin to commit what so many inputs have come to, once the commit before is done. Raises what that one raised."""
        await self._settled()
        self._inputs += inputs
        self._under_way = asyncio.create_task(self._run(outcome))
        await asyncio.sleep(0)  # it begins, and everybody else has a turn

    async def put_last(self, outcome: Outcome) -> None:
        """Commit, once the commit before is done. Raises what either raised."""
        await self._settled()
        await self._commit(outcome)

    async def _run(self, outcome: Outcome) -> None:
        await self._commit(outcome)
        self.committed = self._inputs

    async def _settled(self) -> None:
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            await under_way
