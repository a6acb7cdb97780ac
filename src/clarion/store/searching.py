"""Finding things by what their ids say."""


def received_by_id(id: str) -> int | None:
    """When an event was received, from the time in its id (`clarion.fresh_ids`), to the millisecond; None for an id that holds none."""
    if len(id) != 32 or id[12] != "7":
        return None
    try:
        return int(id[:12], 16) * 1_000
    except ValueError:
        return None
