"""Deliveries in sentences."""

from collections.abc import Iterable

from clarion.control.explain.answers import ToldAttempt, ToldDelivery
from clarion.store.records.deliveries import Attempt, DeliveryRow
from clarion.workflow.explain import words
from clarion.workflow.explain.runs import UNDER_WAY, Sending


def tell_delivery(row: DeliveryRow) -> ToldDelivery:
    """A delivery with its attempts."""
    delivery = row.delivery
    return ToldDelivery(
        delivery.id,
        delivery.run,
        delivery.workflow,
        delivery.version,
        delivery.step,
        delivery.kind,
        delivery.subscriber,
        row.status,
        delivery.created,
        delivery.due,
        row.finished,
        tuple(map(_tell_attempt, delivery.attempts)),
        _sentence(row),
    )


def sendings(rows: Iterable[DeliveryRow]) -> tuple[Sending, ...]:
    """What a conclusion needs of deliveries, newest first."""
    return tuple(
        Sending(one.delivery.kind, one.delivery.step, one.status, one.finished or one.delivery.created, _problem(one.delivery.attempts))
        for one in rows
    )


def _sentence(row: DeliveryRow) -> str:
    delivery = row.delivery
    thing = f"push to {words.name(delivery.subscriber or '?')}" if delivery.kind == "push" else "request"
    tried = f", {len(delivery.attempts)} attempts" if len(delivery.attempts) > 1 else ""
    if row.status not in UNDER_WAY:
        problem = _problem(delivery.attempts) if row.status != "sent" else None
        why = "" if problem is None else f" ({words.name(problem)})"
        return f"{thing}: {words.name(row.status)} at {words.instant(row.finished)}{tried}{why}"
    if row.status == "held":
        return f"{thing}: held since {words.instant(delivery.created)}, for the workflow is paused"
    problem = _problem(delivery.attempts)
    why = "" if problem is None else f" ({words.name(problem)})"
    return f"{thing}: on its way since {words.instant(delivery.created)}{tried}{why}"


def _problem(attempts: tuple[Attempt, ...]) -> str | None:
    if not attempts:
        return None
    last = attempts[-1]
    if last.error is not None:
        return last.error
    return None if last.status is None or 200 <= last.status < 300 else f"status {last.status}"


def _tell_attempt(attempt: Attempt) -> ToldAttempt:
    result = f"status {attempt.status}" if attempt.status is not None else "no answer"
    error = "" if attempt.error is None else f": {words.name(attempt.error)}"
    took = words.span(attempt.took)
    return ToldAttempt(
        attempt.at, attempt.took, attempt.status, attempt.error, f"attempt at {words.instant(attempt.at)}: {result}{error}, after {took}"
    )
