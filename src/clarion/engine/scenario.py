"""Scenarios: a world, timed inputs and what has to come of them, as YAML or JSON beside a workflow."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from clarion.clock import DAY
from clarion.domain.calendar import LATEST
from clarion.domain.dates import instant
from clarion.domain.durations import parse_duration
from clarion.domain.problems import Path, did_you_mean, quoted
from clarion.domain.records import Scalar
from clarion.engine.expectations import Expectations, Expected, Worth
from clarion.engine.scenario_shapes import CONTENT, REACTIONS, SCENARIO
from clarion.engine.simulate import LONGEST
from clarion.engine.world import SITE, Answer, Given, Happened, Known, Reacted, Subscribed, World
from clarion.store.records.states import SiteState
from clarion.workflow.document import Document
from clarion.workflow.nesting import walk
from clarion.workflow.shapes import INVALID, Reading
from clarion.workflow.source import LONGEST as LONGEST_TEXT
from clarion.workflow.source import DocumentInvalid, Located, located
from clarion.workflow.text import Places, TextRefused, read_text

_INPUTS: Final[dict[str, tuple[str, ...]]] = {
    "event": ("data", "profile_id", "timestamp"),
    "subscribe": ("attributes",),
    "view": (),
    "click": ("action",),
    "close": (),
}
"""The kinds of inputs, each with what may stand beside it."""
_KEYS: Final = {reaction: key for key, reaction in REACTIONS.items()}


class Scenario(msgspec.Struct, frozen=True):
    """A world, what happens in it, and what has to come of it."""

    name: str
    """Empty where it has none."""
    world: World
    given: tuple[Given, ...]
    until: int | None
    expected: Expectations
    places: Places
    """Where its text says what; empty where it came as a value."""


def read_scenario(text: str) -> Scenario:
    """The scenario in a text. Raises DocumentInvalid with every problem, each with its line."""
    if len(text.encode("utf-8", "replace")) > LONGEST_TEXT:
        raise DocumentInvalid([Located((), f"the scenario is larger than {LONGEST_TEXT // 1024} KiB")])
    try:
        value, places = read_text(text)
    except TextRefused as refused:
        raise DocumentInvalid([Located((), str(refused), refused.line, refused.column)]) from None
    return _read(value, places)


def read_scenario_value(value: object) -> Scenario:
    """The scenario in a JSON value. Raises DocumentInvalid with every problem; they have no lines."""
    return _read(value, {})


def unknown_names(scenario: Scenario, documents: Sequence[Document]) -> list[Located]:
    """What the scenario says of steps and workflows that the documents do not have, at most `Reading.LIMIT` problems."""
    kinds: dict[str, set[str]] = {}
    for document in documents:
        for step in walk(document.steps):
            for name in (step.id, f"{document.workflow}/{step.id}"):
                kinds.setdefault(name, set()).add(step.kind)
    reading = Reading()
    for path, name, wanted in _named_steps(scenario):
        if not kinds.get(name, set()) & set(wanted):
            sound = [known for known, of in kinds.items() if of & set(wanted)]
            reading.note(path, f"there is no {' or '.join(wanted)} step {quoted(name)}{did_you_mean(name, sound)}")
    workflows = {document.workflow for document in documents}
    for part, named in (("ends", scenario.expected.ends), ("goals", scenario.expected.goals)):
        for name in named:
            if name not in workflows:
                reading.note((part, name), f"there is no workflow {quoted(name)}{did_you_mean(name, workflows)}")
    return _located(reading, scenario.places)


def _named_steps(scenario: Scenario) -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    """The steps that a scenario names, each with its path and the kinds that it may be of."""
    for name, answer in scenario.world.answers.items():
        yield ("answers", name), name, ("push",) if answer.outcome == "gone" else ("http", "push")
    for index, one in enumerate(scenario.given):
        if isinstance(one, Reacted):
            yield ("events", index, _KEYS[one.receipt]), one.step, ("push",)
    for index, expected in enumerate(scenario.expected.messages or ()):
        if expected.kind != "event":
            yield ("expect", index, expected.kind), expected.step, (expected.kind,)


def _located(reading: Reading, places: Places) -> list[Located]:
    """What was found, with lines where they are known."""
    return located(reading.found, places) if places else [Located(one.path, one.message) for one in reading.found]


def _read(value: object, places: Places) -> Scenario:
    reading = Reading()
    read = SCENARIO.read(value, (), reading)
    scenario = None if read is INVALID else _Building(read, reading, places).scenario()
    if scenario is None or reading.found:
        raise DocumentInvalid(_located(reading, places))
    return scenario


class _Building:
    """Puts a scenario together from what its shape read."""

    def __init__(self, read: dict[str, Any], reading: Reading, places: Places) -> None:
        self._read, self._reading, self._places = read, reading, places
        site = read.get("site", {})
        self._site = SiteState(SITE, site.get("timezone", "UTC"), site.get("frequency_cap"))
        self._starts = self._date(read["starts"])
        if not 0 <= self._starts <= LATEST - 2 * LONGEST:
            reading.note(("starts",), "must lie between the years 1970 and 9989")
            self._starts = 0

    def scenario(self) -> Scenario:
        """The scenario; notes what the shapes alone cannot see."""
        read = self._read
        given = [self._given(one, ("events", index)) for index, one in enumerate(read["events"])]
        until = None if "until" not in read else self._time(read["until"], ("until",))
        happens = tuple(one for one in given if one is not None)
        return Scenario(read.get("name", ""), self._world(), happens, until, self._expectations(), self._places)

    def _world(self) -> World:
        profile = self._read.get("profile", {})
        return World(
            starts=self._starts,
            site=self._site,
            profile_id=profile.get("id", "customer"),
            attributes=profile.get("attributes", {}),
            segments=profile.get("segments", ()),
            subscribers=tuple(map(self._known, self._read.get("subscribers", ({},)))),
            answers={step: _answer(answer) for step, answer in self._read.get("answers", {}).items()},
        )

    def _known(self, read: dict[str, Any]) -> Known:
        facts: dict[str, Scalar] = {
            name: self._date(value) if name.startswith("last_") else value for name, value in read.items() if name != "created"
        }
        return Known(facts, None if "created" not in read else self._date(read["created"]))

    def _given(self, read: dict[str, Any], path: Path) -> Given | None:
        kind = self._kind(read, path, tuple(_INPUTS))
        if kind is None:
            return None
        for name in read:
            if name not in ("at", kind, *_INPUTS[kind]):
                self._reading.note((*path, name), f"does not go with {kind}")
        at = self._time(read["at"], (*path, "at"))
        if kind == "event":
            timestamp = None if "timestamp" not in read else self._date(read["timestamp"])
            return Happened(at, read["event"], read.get("data", {}), read.get("profile_id"), timestamp)
        if kind == "subscribe":
            return Subscribed(at, read["subscribe"], read.get("attributes", {}))
        return Reacted(at, REACTIONS[kind], read[kind], read.get("action"))

    def _expectations(self) -> Expectations:
        read = self._read
        messages = None
        if "expect" in read:
            found = [self._expected(one, ("expect", index)) for index, one in enumerate(read["expect"])]
            messages = tuple(one for one in found if one is not None)
        becomes = read.get("becomes", {})
        return Expectations(
            messages,
            read.get("ends", {}),
            becomes.get("attributes"),
            becomes.get("segments"),
            {workflow: Worth(**worth) for workflow, worth in read.get("goals", {}).items()},
        )

    def _expected(self, read: dict[str, Any], path: Path) -> Expected | None:
        kind = self._kind(read, path, tuple(CONTENT))
        if kind is None:
            return None
        content = {name: value for name, value in read.items() if name not in ("at", kind)}
        for name in content:
            if name not in CONTENT[kind]:
                self._reading.note((*path, name), f"does not go with {kind}")
        return Expected(self._time(read["at"], (*path, "at")), kind, read[kind], content)

    def _kind(self, read: dict[str, Any], path: Path, kinds: tuple[str, ...]) -> str | None:
        named = [name for name in kinds if name in read]
        if len(named) == 1:
            return named[0]
        self._reading.note(path, f"must have exactly one of {', '.join(kinds)}")
        return None

    def _time(self, text: str, path: Path) -> int:
        try:
            at = self._starts + parse_duration(text)
        except ValueError:
            at = self._date(text)
        if at < self._starts:
            self._reading.note(path, "is before the scenario starts")
        elif at > self._starts + LONGEST:
            self._reading.note(path, f"is more than {LONGEST // DAY} days after the start")
        return at

    def _date(self, text: str) -> int:
        found = instant(text, self._site.timezone)
        assert found is not None  # noqa: S101  # its shape has seen to that
        return found


def _answer(read: dict[str, Any]) -> Answer:
    status = read.get("status")
    outcome = read.get("outcome", "sent" if status is None or 200 <= status < 300 else "failed")
    return Answer(outcome, status, read.get("response", {}), read.get("after", 0))
