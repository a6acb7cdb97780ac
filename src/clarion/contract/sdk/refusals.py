"""Refusals that only `/p/v1` knows."""

from clarion.contract.errors import Detail, Refusal


def unknown_subscriber() -> Refusal:
    """No subscriber of the site has this hash: the SDKs register again on it (semantics §1)."""
    return Refusal(404, 1004, "Not found.", (Detail("There is no such subscriber.", ("device_token_hash",)),))


def unknown_site() -> Refusal:
    """No site has this number or app id."""
    return Refusal(404, 1004, "Not found.", (Detail("There is no such site.", ("site_id",)),))


def unknown_receipt() -> Refusal:
    """The token is of no delivery of the site."""
    return Refusal(404, 1004, "Not found.", (Detail("There is no such delivery.", ("token",)),))


def origin_refused() -> Refusal:
    """The page's origin (RFC 6454 §7) is none of the site's."""
    return Refusal(403, 403001, "This origin is not allowed.")


def signature_refused() -> Refusal:
    """The `profile_id` comes without a signature, or with a wrong one."""
    return Refusal(403, 403002, "This needs a signature of profile_id.", (Detail("signature is missing or wrong", ("signature",)),))


def foreign_profile() -> Refusal:
    """The `profile_id` is not the subscriber's own."""
    detail = Detail("profile_id must be the subscriber's own", ("profile_id",))
    return Refusal(403, 403003, "profile_id is not the subscriber's.", (detail,))
