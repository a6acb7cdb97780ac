"""What every part of an instance behind a URL asks with."""

from abc import ABC, abstractmethod
from urllib.parse import quote

from clarion.cli.output import View


class RemoteSite(ABC):
    """The site that an API key belongs to."""

    @abstractmethod
    def _ask(self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json") -> View:
        """The data of an answer. Raises Failure."""


def part(text: str) -> str:
    """Text as one segment of a path, or as a value in a query."""
    return quote(text, safe="")


def list_in(data: View, name: str) -> list[View]:
    """A list in the data of an answer; an empty one where there is none."""
    found = data.get(name)
    return found if isinstance(found, list) else []
