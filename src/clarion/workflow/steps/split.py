"""`split`: send each profile, or each run, down one of several paths, at random but for ever the same."""

from bisect import bisect
from collections.abc import Iterator
from decimal import Decimal
from itertools import accumulate
from typing import Any, ClassVar, Final

import msgspec

from clarion.domain.ids import digest
from clarion.domain.problems import Path
from clarion.workflow.nesting import Steps
from clarion.workflow.shapes import INVALID, Choice, Invalid, ListOf, Object, Reading, Shape, Text, tried
from clarion.workflow.step import Into, Leaf, Move, Step, Visit

MOST_PATHS: Final = 20
WHOLE: Final = 10_000
"""Hundredths of a percent."""
NAME: Final = Text(most=64, pattern=r"[^/\s][^/]*", says="must not hold '/'")
"""Of a path."""


class Percent:
    """A share in percent with at most two decimals; read as hundredths of a percent."""

    def read(self, value: object, path: Path, reading: Reading) -> int | Invalid:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0.01 <= value <= 100:
            share = Decimal(str(value)) * 100
            if share == share.to_integral_value():
                return int(share)
        return reading.note(path, "must be a number from 0.01 to 100 with at most two decimals")

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": 0.01, "maximum": 100}


class SplitPath(msgspec.Struct, frozen=True):
    """One way out of a split."""

    percent: int
    """Hundredths of a percent."""
    steps: tuple[Step, ...]
    name: str | None = None


def _contradictions(value: dict[Any, Any], _: Reading) -> Iterator[tuple[Path, str]]:
    given = value.get("paths")
    paths = [one if isinstance(one, dict) else {} for one in given] if isinstance(given, list) else []
    shares = [tried(Percent(), one.get("percent")) for one in paths]
    if 0 < len(paths) <= MOST_PATHS and INVALID not in shares and sum(shares) != WHOLE:
        yield ("paths",), f"the percentages total {Decimal(sum(shares)) / 100}, not 100"
    labels: set[str] = set()
    for index, one in enumerate(paths[:MOST_PATHS]):
        label = tried(NAME, one["name"]) if "name" in one else str(index + 1)
        if label in labels:
            yield ("paths", index), f'another path is called "{label}" already'
        if label is not INVALID:
            labels.add(label)


class Split(Leaf, msgspec.Struct, frozen=True):
    """Hashes who the run is about; the shares are slices of the hash's range."""

    kind: ClassVar[str] = "split"
    shape: ClassVar[Shape] = Object(
        {
            "paths": ListOf(
                Object({"percent": Percent(), "steps": Steps()}, {"name": NAME}),
                least=1,
                most=MOST_PATHS,
            )
        },
        {"by": Choice("profile", "run")},
        check=_contradictions,
    )

    id: str
    paths: tuple[SplitPath, ...]
    by: str = "profile"

    @classmethod
    def build(cls, id: str, value: Any) -> "Split":
        paths = tuple(SplitPath(**one) for one in value["paths"])
        return cls(id=id, **(value | {"paths": paths}))

    @classmethod
    def nested(cls, value: object) -> Iterator[tuple[Path, object]]:
        paths = value.get("paths") if isinstance(value, dict) else None
        if isinstance(paths, list):
            for index, one in enumerate(paths):
                yield ("paths", index, "steps"), one.get("steps") if isinstance(one, dict) else None

    def branches(self) -> tuple[tuple[Step, ...], ...]:
        return tuple(one.steps for one in self.paths)

    def labels(self) -> tuple[str, ...]:
        return tuple(one.name or str(index + 1) for index, one in enumerate(self.paths))

    def enter(self, visit: Visit) -> Move:
        run = visit.run
        who = run.id if self.by == "run" else run.entrant or run.profile
        spot = int(digest("split", str(run.site), run.workflow, self.id, who)[:16], 16) % WHOLE
        chosen = bisect(list(accumulate(one.percent for one in self.paths)), spot)
        visit.path = self.labels()[chosen]
        visit.note("split", {"path": visit.path})
        return Into(chosen)
