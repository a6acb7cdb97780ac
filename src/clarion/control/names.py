"""Names that people give to sites, keys and segments."""

from typing import Final

from clarion.control.errors import Invalid

NAME_LIMIT: Final = 100

PLACEHOLDER_SUBJECT: Final = "mailto:operator@example.com"
"""VAPID subject of a site that was made without one: well-formed, so that push services take it, and nobody's."""


def read_name(name: str) -> str:
    """`name` without surrounding blanks. Raises Invalid if that is empty, longer than 100 characters, or not printable."""
    stripped = name.strip()
    if not stripped:
        raise Invalid("name", "name is empty — give one")
    if len(stripped) > NAME_LIMIT:
        raise Invalid("name", f"name has {len(stripped)} characters — use at most {NAME_LIMIT}")
    if not stripped.isprintable():
        raise Invalid("name", "name holds a character that cannot be printed — use plain text")
    return stripped
