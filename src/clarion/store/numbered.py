"""Numbered migrations as files, `NNNN_name.sql`: the same on every engine of the store."""

import re
from importlib import resources

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


def load_numbered(package: str) -> dict[int, str]:
    """SQL of every migration in a package by its version, in order."""
    found: dict[int, str] = {}
    for file in sorted(resources.files(package).iterdir(), key=lambda entry: entry.name):
        if match := _NAME.fullmatch(file.name):
            found[int(match[1])] = file.read_text(encoding="utf-8")
    return found


def too_new(version: int, latest: int) -> str:
    """What to tell the operator of a database of a later version than this program's latest."""
    return f"The database has schema {version}, this Clarion knows up to {latest}; run the newer Clarion that wrote it."
