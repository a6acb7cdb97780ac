"""Reads workflow documents beside the event loop, one at a time: a large one takes a while, and events must not wait for it."""

import asyncio
from typing import Final

from clarion.contract.errors import unavailable
from clarion.workflow.source import Document, read_document

MOST_WAITING: Final = 8


class DocumentReader:
    """Reads the documents that requests bring."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def read(self, text: str) -> Document:
        """The document in a text. Raises DocumentInvalid, and Refusal (503) when too many wait already."""
        if self._waiting >= MOST_WAITING:
            raise unavailable(1)
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(read_document, text)
        finally:
            self._waiting -= 1
