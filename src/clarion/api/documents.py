"""Reads workflow documents beside the event loop: a large one takes a while."""

from clarion.api.aside import Aside
from clarion.control.drafts import Read
from clarion.workflow.source import Document, read_document


class DocumentReader:
    """Reads the documents that requests bring."""

    def __init__(self) -> None:
        self._aside = Aside()

    def of(self, site: int) -> Read:
        """Reads the document in a text of a site. Raises DocumentInvalid, and Refusal (503) when too many wait already."""

        async def read(text: str) -> Document:
            return await self._aside.do(site, lambda: read_document(text))

        return read
