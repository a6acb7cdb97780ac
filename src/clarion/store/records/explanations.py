"""Why something happened, as it is kept."""

import msgspec


class Explanation(msgspec.Struct, frozen=True):
    """What one input did and did not do, for one profile."""

    site: int
    profile: str
    """Empty for an unknown subscriber."""
    event: str
    """Id of the event, or of the run for a timer."""
    at: int
    body: msgspec.Raw
    sequence: int = 0
    """Its place among those of one time, as `explanations_about` gives it; 0 elsewhere."""
