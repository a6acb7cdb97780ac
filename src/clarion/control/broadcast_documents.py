"""What a broadcast's request says, as the document of the workflow that it is."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from clarion.control.audience import read_audience
from clarion.domain.ids import broadcast_workflow
from clarion.domain.problems import Path, quoted
from clarion.workflow.document import Document
from clarion.workflow.source import DocumentInvalid, Located, read_document_value

EVERYBODY: Final = "everybody"
ADDRESSES: Final = ("profile_id", "device_token_hash", "segment", "audience")
"""Whom a broadcast can be for, beside everybody."""
WHEN: Final = "when"
"""Step that waits for the time of a broadcast that is scheduled."""
PUSH: Final = "push"
LONGEST_NAME: Final = 200


class BroadcastRequest(msgspec.Struct, frozen=True):
    """What is to be sent, to whom, and when."""

    push: object
    """As a push step of a document."""
    to: object
    """`everybody`, or an object with one of ADDRESSES."""
    at: object = None
    """ISO 8601 date-time; without an offset in `timezone`. None: now."""
    timezone: str | None = None
    """subscriber, site, or an IANA name; None: the site's."""
    transactional: bool = False
    name: str | None = None


def broadcast_document(id: str, given: BroadcastRequest) -> Document:
    """The document. Raises DocumentInvalid with every problem, in the words of the request."""
    problems = list(_address_problems(given.to))
    if given.push is None:
        problems.insert(0, Located(("push",), "is required"))
    start: dict[str, Any] = {}
    if not problems and isinstance(given.to, dict):
        if "audience" in given.to:
            try:
                read_audience(given.to["audience"], ("to", "audience"))
            except DocumentInvalid as refused:
                problems.extend(refused.problems)
            start = {"audience": given.to["audience"]}
        elif "segment" in given.to:
            start = {"audience": {"field": "segments", "op": "in", "value": [given.to["segment"].strip()]}}
    if given.at is not None and (not isinstance(given.at, str) or "{" in given.at):
        problems.append(Located(("at",), "must be an ISO 8601 date such as 2026-12-24T18:00+01:00"))
    value = _value(id, given, {} if problems else start)
    try:
        document = read_document_value(value)
    except DocumentInvalid as refused:
        raise DocumentInvalid(
            [*problems, *(one for one in map(_placed, refused.problems) if given.push is not None or one.path[:1] != (PUSH,))]
        ) from None
    if problems:
        raise DocumentInvalid(problems)
    return document


def _value(id: str, given: BroadcastRequest, start: dict[str, Any]) -> dict[str, Any]:
    push = given.push
    if given.transactional and isinstance(push, dict):
        push = {**push, "transactional": True}
    steps: list[dict[str, Any]] = [{"id": PUSH, "push": push}]
    if isinstance(given.at, str) and "{" not in given.at:
        steps.insert(0, {"id": WHEN, "wait": {"until": given.at}})
    value: dict[str, Any] = {"workflow": broadcast_workflow(id), "start": start, "steps": steps}
    name = given.name if given.name is not None else _title(push)
    if name:
        value["name"] = name
    # quiet hours and caps are the site's; the zone is that of a time without an offset
    value["settings"] = {"timezone": "site" if given.timezone is None else given.timezone}
    return value


def _title(push: object) -> str:
    title = push.get("title") if isinstance(push, Mapping) else None
    return title.strip()[:LONGEST_NAME] if isinstance(title, str) else ""


def _address_problems(to: object) -> list[Located]:
    if to == EVERYBODY:
        return []
    said = f'must be "{EVERYBODY}", or an object with one of {", ".join(ADDRESSES)}'
    if not isinstance(to, dict) or len(to) != 1:
        return [Located(("to",), said if to is not None else f"is required: it {said}")]
    [(name, value)] = to.items()
    if name not in ADDRESSES:
        return [Located(("to",), f"{quoted(str(name)[:64])} is unknown: it {said}")]
    limit = 200 if name == "segment" else 255
    if name != "audience" and (not isinstance(value, str) or not value.strip() or len(value) > limit or "\0" in value):
        return [Located(("to", name), f"must be a text of 1 to {limit} characters")]
    return []


def _placed(one: Located) -> Located:
    """A problem of the document where the request says it."""
    path: Path = one.path
    if path[:1] == ("steps",) and len(path) > 2:
        path = ("at",) if path[2] == "wait" else path[2:]
    elif path[:2] == ("start", "audience"):
        path = ("to", *path[1:])
    elif path == ("settings", "timezone"):
        path = ("timezone",)
    return Located(path, one.message)
