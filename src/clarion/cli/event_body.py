"""The request body of an event that was given on the command line."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from clarion.cli.failures import WrongUsage

# Numbers as JSON writes them (RFC 8259 §6): 01234 and 1_000 stay text.
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


def event_body(
    *, name: str, profile: str | None, device: str | None, values: Sequence[str], event_id: str | None, timestamp: str | None
) -> bytes:
    """JSON of a Track Event request; whether it is acceptable is judged where every event is.

    Raises WrongUsage if `values` cannot be read.
    """
    body: dict[str, object] = {"event_name": name}
    named = {"device_token_hash": device, "profile_id": profile, "event_id": event_id, "timestamp": timestamp}
    body |= {field: value for field, value in named.items() if value is not None}
    if values:
        body["data"] = msgspec.Raw(_data(values))
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        raise WrongUsage("an argument is not UTF-8 — check the terminal's encoding") from None


def _data(values: Sequence[str]) -> bytes:
    if len(values) == 1 and values[0].lstrip().startswith("{"):
        # Passed on as it stands, so that every digit and every mistake reaches the one place that judges them.
        return _utf8(values[0])
    members = []
    for value in values:
        key, equals, text = value.partition("=")
        if not equals:
            raise WrongUsage(f"{value[:80]} is no key=value pair — write it as {value[:80]}=…, or give one JSON object")
        plain = text in ("true", "false") or _NUMBER.fullmatch(text)
        members.append(msgspec.json.encode(key) + b":" + (_utf8(text) if plain else msgspec.json.encode(text)))
    return b"{" + b",".join(members) + b"}"


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise WrongUsage("an argument is not UTF-8 — check the terminal's encoding") from None
