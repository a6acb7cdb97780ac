"""Marks that stand for secrets from rendering until sending (semantics §4): nothing before delivery knows a secret's value.

A mark is the secret's name between two noncharacters, code points that no text uses in interchange (Unicode, section 23.7). Only a
document can make one: whatever data brings along loses both characters where it is put out (`clarion.domain.templates.escapes`), and a
document that holds them literally is refused.
"""

import re
from collections.abc import Callable
from typing import Final

SECRET_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
NAME_RULE: Final = "letters, digits and underscores, starting with a letter, at most 64"

OPENING: Final = "\ufdd0"
CLOSING: Final = "\ufdd1"

_MARK: Final = re.compile(f"{OPENING}({SECRET_NAME.pattern}){CLOSING}")


def mark(name: str) -> str:
    """What stands for a secret."""
    return f"{OPENING}{name}{CLOSING}"


def marked(text: str) -> list[str]:
    """The names of the secrets whose marks stand in a text, in order."""
    return _MARK.findall(text) if OPENING in text else []


def replace_marks(text: str, put: Callable[[str], str]) -> str:
    """The text with `put(name)` in the place of each mark; what is put in is not looked through again."""
    return _MARK.sub(lambda found: put(found[1]), text) if OPENING in text else text
