"""How the resource routes read bodies: JSON objects with known members, and documents."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request

from clarion.contract.content_type import is_json
from clarion.contract.errors import Detail, invalid, not_json, wrong_content_type
from clarion.contract.reading import NotJson, read_json

YAML_TYPES: Final = ("application/yaml", "application/x-yaml", "text/yaml")


async def document_text(request: Request) -> str:
    """A document, YAML or JSON. Raises Refusal (400)."""
    content_type = request.headers.get("content-type", "")
    if not is_json(content_type.encode("latin-1")) and content_type.partition(";")[0].strip().lower() not in YAML_TYPES:
        raise invalid(Detail("Content-Type must be application/json or application/yaml"))
    try:
        return (await request.body()).decode()
    except UnicodeDecodeError:
        raise invalid(Detail("Request body must be UTF-8")) from None


async def members(request: Request, *known: str) -> Mapping[str, Any]:
    """The members of a JSON object, which may have the known ones only; none for an empty body. Raises Refusal (400)."""
    body = await request.body()
    if not body.strip():
        return {}
    if not is_json(request.headers.get("content-type", "").encode("latin-1")):
        raise wrong_content_type()
    try:
        given = read_json(body)
    except NotJson:
        raise not_json() from None
    if not isinstance(given, dict):
        raise invalid(Detail("Request body must be a JSON object"))
    unknown = [name for name in given if name not in known]
    if unknown:
        raise invalid(Detail(f"{unknown[0][:64]} is unknown: there is {', '.join(known) or 'nothing to say'}", (unknown[0][:64],)))
    return given


def text_member(given: Mapping[str, Any], name: str) -> str | None:
    """A member that is text, or not there. Raises Refusal (400)."""
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(Detail(f"{name} must be a string", (name,)))
    return value


def switch_member(given: Mapping[str, Any], name: str) -> bool:
    """A member that is true or false; false where it is not there. Raises Refusal (400)."""
    value = given.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(Detail(f"{name} must be true or false", (name,)))
    return bool(value)


async def json_value(request: Request) -> object:
    """Any JSON value. Raises Refusal (400)."""
    if not is_json(request.headers.get("content-type", "").encode("latin-1")):
        raise wrong_content_type()
    try:
        return read_json(await request.body())
    except NotJson:
        raise not_json() from None
