"""Reading bodies of `/p/v1`: JSON, the site that a body names, and the fields that many bodies have."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from clarion.contract.errors import Detail, invalid, not_json
from clarion.contract.limits import FACT_CHARACTERS, FACTS, IDENTITY_CHARACTERS
from clarion.contract.problems import Problems
from clarion.contract.reading import NotJson, read_json
from clarion.contract.sdk.limits import SIGNATURE_CHARACTERS
from clarion.contract.text import read_text
from clarion.domain.dates import zone

Members = Mapping[str, Any]

LARGEST_ID: Final = 2**63 - 1
"""Of a `site_id`: more no database has room for."""


class SiteName(msgspec.Struct, frozen=True):
    """How a request names its site; by neither, the subscriber's hash has to do."""

    site_id: int | None = None
    """The number that sync gave; what is no site's is kept, to be found out."""
    app_id: str | None = None


def read_object(body: bytes) -> Members:
    """The members of a JSON object. Raises Refusal (400)."""
    value = _read(body)
    if not isinstance(value, dict):
        raise invalid(Detail("Request body must be a JSON object"))
    return value


def read_list(body: bytes) -> list[Any]:
    """The items of a JSON array. Raises Refusal (400)."""
    value = _read(body)
    if not isinstance(value, list):
        raise invalid(Detail("Request body must be a JSON array"))
    return value


def _read(body: bytes) -> object:
    try:
        return read_json(body)
    except NotJson:
        raise not_json() from None


def read_site(problems: Problems, given: Members) -> SiteName:
    """The site that `site_id`, a number or its digits, and `app_id` name; null counts as absent."""
    return SiteName(_read_site_id(problems, given.get("site_id")), read_text(problems, given.get("app_id"), IDENTITY_CHARACTERS, "app_id"))


def _read_site_id(problems: Problems, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(LARGEST_ID)):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST_ID:
        problems.add("site_id must be a number", "site_id")
        return None
    return value


def read_hash(problems: Problems, given: Members) -> str:
    """The subscriber that `device_token_hash` names. The result means something only when nothing was wrong."""
    if given.get("device_token_hash") is None:
        problems.add("device_token_hash is required", "device_token_hash")
    return read_text(problems, given.get("device_token_hash"), IDENTITY_CHARACTERS, "device_token_hash") or ""


def read_profile_id(problems: Problems, given: Members) -> tuple[str | None, str | None]:
    """`profile_id` and the `signature` of it."""
    profile_id = read_text(problems, given.get("profile_id"), IDENTITY_CHARACTERS, "profile_id")
    return profile_id, read_text(problems, given.get("signature"), SIGNATURE_CHARACTERS, "signature")


def read_facts(problems: Problems, given: Members) -> dict[str, str]:
    """What a device says of itself: those of `limits.FACTS` that are there.

    An offset from UTC is no time zone, for it does not tell of daylight saving: the Android SDK sends one, which is passed over.
    """
    facts = {}
    for fact in FACTS:
        text = read_text(problems, given.get(fact), FACT_CHARACTERS, fact)
        if text is None or (fact == "timezone" and text.startswith(("+", "-"))):
            continue
        if fact == "timezone":
            try:
                zone(text)
            except ValueError:
                problems.add("timezone must be an IANA time zone", fact)
        facts[fact] = text
    return facts


def read_switch(problems: Problems, given: Members, name: str) -> bool | None:
    """A field that is 0 or 1 (or false or true); None where it is absent or null."""
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or value not in (0, 1):
        problems.add(f"{name} must be 0 or 1", name)
        return None
    return bool(value)
