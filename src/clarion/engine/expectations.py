"""What a scenario says has to come of it, and what came otherwise."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from clarion.domain.records import Scalar
from clarion.engine.history import History
from clarion.engine.simulate import Sent, Simulated
from clarion.engine.world import Reacted
from clarion.workflow.explain.words import instant
from clarion.workflow.explain.words import value as spell_value
from clarion.workflow.run import WAITING, Run

NEVER: Final = "never started"
_MILLIONTHS: Final = 1_000_000

_encode: Final = msgspec.json.Encoder().encode
_decode_history = msgspec.json.Decoder(History).decode


class Expected(msgspec.Struct, frozen=True):
    """A message that has to go out at a time; of its content, what is named here."""

    at: int
    kind: str
    """push, http, event."""
    step: str
    """`step`, or `workflow/step`; of an event its name."""
    content: dict[str, Any]


class Worth(msgspec.Struct, frozen=True):
    """How often a workflow's goal has to be met, and what that has to be worth; None: nothing is said."""

    count: int | None = None
    value: float | None = None


class Expectations(msgspec.Struct, frozen=True):
    """All of it."""

    messages: tuple[Expected, ...] | None = None
    """Every push and request, in any order; None: nothing is said. Events that runs send count only where one is named."""
    ends: dict[str, str | tuple[str, ...]] = {}
    """By workflow: how its last run ends, or how each does, as `completed` or with the reason, as `exited: event purchase`."""
    attributes: dict[str, Scalar] | None = None
    segments: tuple[str, ...] | None = None
    """Those of the profile at the end; None: nothing is said."""
    goals: dict[str, Worth] = {}
    """By workflow."""


def differences(expected: Expectations, simulated: Simulated) -> list[str]:
    """What came otherwise than expected; nothing if all came as it should."""
    found = [
        f"nobody can have {one.receipt} {one.step} at {instant(one.at)}: it was not sent by then"
        for one in simulated.unmet
        if isinstance(one, Reacted)
    ]
    found.extend(_messages(expected, simulated))
    for workflow, how in expected.ends.items():
        found.extend(_end(workflow, how, simulated))
    if expected.attributes is not None and not same(expected.attributes, simulated.profile.attributes):
        found.append(f"the profile's attributes are {_json(simulated.profile.attributes)}, not {_json(expected.attributes)}")
    if expected.segments is not None and tuple(sorted(set(expected.segments))) != simulated.profile.segments:
        found.append(f"the profile's segments are {_json(simulated.profile.segments)}, not {_json(sorted(set(expected.segments)))}")
    for workflow, worth in expected.goals.items():
        found.extend(_goals(workflow, worth, simulated))
    return found


def _messages(expected: Expectations, simulated: Simulated) -> Iterator[str]:
    """The order of messages at one instant does not matter: each expected one is met by the one that is most like it."""
    if expected.messages is None:
        return
    kinds = {"push", "http"} | {one.kind for one in expected.messages}
    rest = [one for one in simulated.sent if one.kind in kinds]
    missed = []
    for one in expected.messages:
        met = _nearest(one, rest)
        if met is None:
            missed.append(one)
            continue
        rest.remove(met)
        yield from (f"{_spell(met)}: {difference}" for difference in _contents(one, met))
    for one in missed:
        late = next((sent for sent in rest if one.kind == sent.kind and one.step in _names(sent)), None)
        if late is None:
            yield f"{_spell(one)} did not come"
            continue
        rest.remove(late)
        yield f"{_spell(one)} came at {instant(late.at)}"
    yield from (f"{_spell(more)} was not expected" for more in rest)


def _nearest(expected: Expected, rest: list[Sent]) -> Sent | None:
    there = [sent for sent in rest if expected.at == sent.at and expected.kind == sent.kind and expected.step in _names(sent)]
    return min(there, key=lambda sent: len(_contents(expected, sent)), default=None)


def _contents(expected: Expected, sent: Sent) -> list[str]:
    """What of the content is not as expected."""
    return [
        f"{part} is {_json(sent.content.get(part))}, not {_json(value)}"
        for part, value in expected.content.items()
        if not same(sent.content.get(part), value)
    ]


def _names(sent: Sent) -> tuple[str, ...]:
    """What a scenario may call a message."""
    return (sent.content["name"],) if sent.kind == "event" else (sent.step, f"{sent.workflow}/{sent.step}")


def _spell(one: Expected | Sent) -> str:
    name = one.step if isinstance(one, Expected) else _names(one)[-1]
    return f"{one.kind} {name} at {instant(one.at)}"


def _json(value: object) -> str:
    return _encode(value).decode()


def same(one: object, other: object) -> bool:
    """Whether two values are the same as JSON: 1 and true differ, 1 and 1.0 do not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


# -- runs --------------------------------------------------------------------------------------------------------------


def spell_end(run: Run) -> str:
    """How a run ended, or where it still waits: `completed`, `exited: event purchase`, `waiting: hour`."""
    why = run.step if run.status == WAITING else run.reason
    return run.status if why is None else f"{run.status}: {why}"


def _end(workflow: str, how: str | tuple[str, ...], simulated: Simulated) -> Iterator[str]:
    runs = [spell_end(run) for run in simulated.runs if run.workflow == workflow]
    if isinstance(how, tuple):
        if len(how) != len(runs) or not all(map(_is_called, runs, how)):
            yield f"the runs of {workflow} should end {_json(how)}, but: {_json(runs)}"
        return
    came = runs[-1] if runs else _refusal(workflow, simulated)
    if not _is_called(came, how):
        yield f"{workflow} should end {how}, but: {came}"


def _is_called(came: str, how: str) -> bool:
    """Whether that is what came, with its reason or without."""
    return how in (came, came.partition(":")[0])


def _refusal(workflow: str, simulated: Simulated) -> str:
    """Why the workflow was not started, from the last event that it listens for."""
    for one in reversed(simulated.explanations):
        for verdict in reversed(_decode_history(one.body).verdicts):
            if verdict.workflow == workflow:
                return f"{NEVER}: {verdict.verdict}"
    return NEVER


def _goals(workflow: str, worth: Worth, simulated: Simulated) -> Iterator[str]:
    count = _sum(simulated, workflow, "goals")
    if worth.count is not None and count != worth.count:
        yield f"the goal of {workflow} should be met {worth.count} times, but: {count}"
    value = _sum(simulated, workflow, "value") / _MILLIONTHS
    if worth.value is not None and value != worth.value:
        yield f"the goals of {workflow} should be worth {spell_value(worth.value)}, but: {spell_value(value)}"


def _sum(simulated: Simulated, workflow: str, name: str) -> int:
    counts: Iterable[int] = (one.count for one in simulated.counts if (one.workflow, one.step, one.name) == (workflow, "", name))
    return sum(counts)
