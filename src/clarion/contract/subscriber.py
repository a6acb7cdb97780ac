"""Reading the registration of a subscriber."""

import msgspec

from clarion.contract.errors import Detail, invalid, not_json
from clarion.contract.flat import read_flat
from clarion.contract.limits import FACT_CHARACTERS, FACTS, IDENTITY_CHARACTERS
from clarion.contract.problems import Problems
from clarion.contract.reading import NotJson, read_json
from clarion.contract.subscription import read_subscription
from clarion.contract.text import read_text
from clarion.domain.dates import zone
from clarion.domain.records import Scalar


class SubscriberRequest(msgspec.Struct, frozen=True):
    """A subscription with what is known of the person and the device."""

    endpoint: str
    p256dh: str
    """Public key of the subscription, base64url without padding (RFC 8291 §2.1)."""
    auth: str
    """Authentication secret, base64url without padding (RFC 8291 §2.2)."""
    profile_id: str | None
    attributes: dict[str, Scalar]
    """Of the profile."""
    facts: dict[str, str]
    """Of the subscriber: those of `limits.FACTS` that were sent."""


def read_subscriber(body: bytes) -> SubscriberRequest:
    """The registration that a request's body holds.

    Fields: `subscription`, required; `profile_id`, as in an event; `attributes`, with the rules of an event's `data`; and each of
    `limits.FACTS`, a text, of which `timezone` has to be an IANA name. Null counts as absent, other fields are ignored. Raises Refusal
    (400) with every problem, in that order.
    """
    try:
        value = read_json(body)
    except NotJson:
        raise not_json() from None
    if not isinstance(value, dict):
        raise invalid(Detail("Request body must be a JSON object"))
    problems = Problems()
    subscription = read_subscription(problems, value.get("subscription"))
    profile_id = read_text(problems, value.get("profile_id"), IDENTITY_CHARACTERS, "profile_id")
    read_flat(problems, value.get("attributes"), "attributes", "attribute")
    facts = {fact: _read_fact(problems, fact, value.get(fact)) for fact in FACTS}
    problems.refuse()
    return SubscriberRequest(
        subscription.endpoint,
        subscription.p256dh,
        subscription.auth,
        profile_id,
        value.get("attributes") or {},
        {fact: said for fact, said in facts.items() if said is not None},
    )


def _read_fact(problems: Problems, fact: str, value: object) -> str | None:
    text = read_text(problems, value, FACT_CHARACTERS, fact)
    if fact == "timezone" and text is not None:
        try:
            zone(text)
        except ValueError:
            problems.add("timezone must be an IANA time zone", fact)
    return text
