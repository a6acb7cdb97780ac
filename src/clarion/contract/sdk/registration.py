"""`subscriber/add`: a browser's push subscription, or a device's token, with what is known of the person and the device."""

import re
from typing import Final

import msgspec

from clarion.contract.flat import read_flat
from clarion.contract.limits import IDENTITY_CHARACTERS
from clarion.contract.problems import Problems
from clarion.contract.sdk.limits import TOKEN_CHARACTERS
from clarion.contract.sdk.reading import Members, SiteName, read_facts, read_object, read_profile_id, read_site, read_switch
from clarion.contract.subscription import read_subscription
from clarion.contract.text import read_text
from clarion.domain.records import APNS, FCM, WEBPUSH, Scalar

_PROVIDERS: Final = {"android": FCM, "ios": APNS}
"""By `device_type`; all else is a browser."""
_FORMS: Final = {FCM: re.compile(r"[A-Za-z0-9_:.\-]+").fullmatch, APNS: re.compile(r"[0-9A-Fa-f]+").fullmatch}
"""What tokens are made of: APNs' goes into the path of a request."""
_VAPID_CHARACTERS: Final = 128


class Address(msgspec.Struct, frozen=True):
    """Where pushes to a subscriber go."""

    provider: str
    endpoint: str
    """URL of a push resource (RFC 8030 §2), or a device's token."""
    p256dh: str = ""
    auth: str = ""

    @property
    def unique(self) -> str:
        """What its hash is made of: tokens of two services are never the same."""
        return self.endpoint if self.provider == WEBPUSH else f"{self.provider}:{self.endpoint}"


class Registration(msgspec.Struct, frozen=True):
    """A body of `subscriber/add`."""

    site: SiteName
    address: Address
    profile_id: str | None
    signature: str | None
    attributes: dict[str, Scalar]
    facts: dict[str, str]
    vapid_public_key: str | None
    """What the subscription was made with, base64url without padding."""
    previous: str | None
    """Hash of the subscriber whose place it takes."""
    muted: bool
    """The device shows no notifications for now."""


def read_registration(body: bytes) -> Registration:
    """The registration in a body. Null counts as absent, other fields are ignored. Raises Refusal (400) with every problem."""
    given = read_object(body)
    problems = Problems()
    site = read_site(problems, given)
    address = read_address(problems, given)
    profile_id, signature = read_profile_id(problems, given)
    read_flat(problems, given.get("attributes"), "attributes", "attribute")
    facts = read_facts(problems, given)
    vapid = read_text(problems, given.get("vapid_public_key"), _VAPID_CHARACTERS, "vapid_public_key")
    previous = read_text(problems, given.get("previous"), IDENTITY_CHARACTERS, "previous")
    muted = read_switch(problems, given, "notification_disabled")
    problems.refuse()
    return Registration(
        site,
        address,
        profile_id,
        signature,
        given.get("attributes") or {},
        facts,
        None if vapid is None else vapid.rstrip("="),
        previous,
        bool(muted),
    )


def read_address(problems: Problems, given: Members) -> Address:
    """The `subscription` of a body: of a browser, or with `device_type` android or ios the token of an app.

    What is wrong goes to `problems`, and then the result means nothing.
    """
    value, device = given.get("subscription"), given.get("device_type")
    provider = _PROVIDERS.get(device, WEBPUSH) if isinstance(device, str) else WEBPUSH
    if provider == WEBPUSH:
        subscription = read_subscription(problems, value)
        return Address(WEBPUSH, subscription.endpoint, subscription.p256dh, subscription.auth)
    if not isinstance(value, dict):
        problems.add("subscription is required" if value is None else "subscription must be an object", "subscription")
        return Address(provider, "")
    return Address(provider, read_token(problems, provider, value.get("endpoint"), "subscription", "endpoint"))


def read_token(problems: Problems, provider: str, value: object, *path: str) -> str:
    """A device's token, FCM's or APNs'; APNs' in lower case, so that it is the same however it is spelt."""
    if value is None:
        problems.add(f"{path[-1]} is required", *path)
        return ""
    token = read_text(problems, value, TOKEN_CHARACTERS, *path) or ""
    if token and not _FORMS[provider](token):
        problems.add(f"{path[-1]} is no device token", *path)
    return token.lower() if provider == APNS else token
