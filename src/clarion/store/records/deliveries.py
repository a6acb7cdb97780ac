"""Effects on their way out, and how that went."""

import msgspec


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One try to send a delivery."""

    at: int
    took: int
    """Microseconds."""
    status: int | None = None
    error: str | None = None


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """One effect on its way out."""

    id: str
    site: int
    effect: str
    run: str
    workflow: str
    step: str
    profile: str
    kind: str
    """push or http."""
    job: msgspec.Raw
    """JSON of `clarion.delivery.jobs.PushJob` or `HttpJob`."""
    created: int
    due: int
    expires: int
    """After this time no further attempt is made."""
    subscriber: str | None = None
    hops: int = 0
    attempts: tuple[Attempt, ...] = ()
    version: int = 0
    """Of the workflow."""
    partition: int = 0
    """Of its run when it was made; it stays there. Given by the store."""


class DeliveryRow(msgspec.Struct, frozen=True):
    """A delivery with its attempts, ended or still under way."""

    delivery: Delivery
    status: str
    """pending, held, sent, failed, gone, expired, stale."""
    finished: int | None = None


class Report(msgspec.Struct, frozen=True):
    """What delivery has to say of one claimed delivery after an attempt."""

    delivery: Delivery
    """As claimed, with the new attempt at the end of `attempts`."""
    outcome: str | None
    """None: try again at `retry_at`. Else sent, failed, gone or expired: it has ended."""
    at: int
    retry_at: int | None = None
    status: int | None = None
    reason: str | None = None
    response: dict[str, str | int | float | bool] | None = None
    """Scalars of the JSON object that answered an awaited HTTP request; None of one that no run waits for."""
