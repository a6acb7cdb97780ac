"""Reads workflow documents beside the event loop: a large one takes a while."""

from clarion.api.aside import Aside
from clarion.workflow.source import Document, read_document


class DocumentReader:
    """Reads the documents that requests bring."""

    def __init__(self) -> None:
        self._aside = Aside()

    async def read(self, text: str) -> Document:
        """The document in a text. Raises DocumentInvalid, and Refusal (503) when too many wait already."""
        return await self._aside.do(lambda: read_document(text))
