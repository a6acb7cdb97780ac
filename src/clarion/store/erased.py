"""What was known of people who were erased, by the names under which it is kept; the same on every engine."""

from collections.abc import Sequence

from clarion.domain.ids import public_profile_id


def targets(profiles: Sequence[str], devices: Sequence[str]) -> list[str]:
    """Targets of idempotency claims (`IdempotencyClaim.target`) of profiles, by their keys, and of subscribers."""
    public = (public_profile_id(profile) for profile in profiles)
    return [*(f"p:{profile_id}" for profile_id in public if profile_id is not None), *(f"d:{device}" for device in devices)]
