"""Options whose value is JSON."""

from typing import Any

from clarion.cli.failures import WrongUsage


def read_object(option: str, text: str) -> dict[str, Any]:
    """The JSON object that an option holds, or the file behind `@`. Raises WrongUsage."""
    import msgspec

    if text.startswith("@"):
        text = read_file(option, text[1:]).decode("utf-8", "replace")
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise WrongUsage(f'{option} needs a JSON object such as {{"plan": "gold"}}, or @FILE')
    return value


def read_file(option: str, path: str) -> bytes:
    """What is in a file, or on standard input for `-`. Raises WrongUsage."""
    import sys
    from pathlib import Path

    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise WrongUsage(f"{option}: {path} cannot be read: {error.strerror}") from None
