"""`notification/…`: what became of a push at its receiver."""

from typing import Final

import msgspec

from clarion.contract.errors import Detail, invalid
from clarion.contract.problems import Problems
from clarion.contract.sdk.limits import TOKEN_OF_RECEIPT_CHARACTERS
from clarion.contract.sdk.reading import Members, SiteName, read_site
from clarion.contract.text import read_text

EVENTS: Final = {"view": "viewed", "click": "clicked", "close": "closed"}
"""What happened, by the last word of the address."""


class ReceiptRequest(msgspec.Struct, frozen=True):
    """A token of a delivery and, of a click, which button it was."""

    site: SiteName
    token: str
    action: int | None


def read_receipt(given: Members, event: str) -> ReceiptRequest:
    """A receipt in the members of a body or of a query, where the mobile SDKs call the token `tag`. Raises Refusal (400).

    A button that is no number is the notification's own, and only a click has one.
    """
    problems = Problems()
    site = read_site(problems, given)
    token = read_text(problems, given.get("token", given.get("tag")), TOKEN_OF_RECEIPT_CHARACTERS, "token")
    problems.refuse()
    if token is None:
        raise invalid(Detail("token is required", ("token",)))
    action = given.get("action")
    if isinstance(action, str) and action in ("0", "1"):
        action = int(action)
    is_button = event == "clicked" and isinstance(action, int) and not isinstance(action, bool) and action in (0, 1)
    return ReceiptRequest(site, token, action if is_button else None)
