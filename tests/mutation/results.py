"""The outcome of a run, as it is kept."""

import math
from collections import Counter
from collections.abc import Sequence

import msgspec
from tests.mutation.judge import KILLED, TIMEOUT, Verdict


class Module(msgspec.Struct, frozen=True):
    """One module's share."""

    name: str
    mutants: int
    killed: int

    @property
    def score(self) -> float:
        """Percent killed."""
        return percent(self.killed, self.mutants)


class Results(msgspec.Struct, frozen=True):
    """A whole run. A mutant that runs into its timeout counts as killed."""

    date: str
    mutants: int
    """That there are."""
    judged: int
    """Fewer where a sample was taken."""
    outcomes: dict[str, int]
    score: float
    """Percent killed of those judged."""
    error: float
    """Of the score, in points, with 95 % confidence; 0 if all were judged."""
    seconds: float
    modules: list[Module]
    alive: list[Verdict]

    def packages(self) -> list[Module]:
        """The shares of `domain` and of `workflow`."""
        found: dict[str, Module] = {}
        for one in self.modules:
            name = ".".join(one.name.split(".")[:2])
            before = found.get(name, Module(name, 0, 0))
            found[name] = Module(name, before.mutants + one.mutants, before.killed + one.killed)
        return [found[name] for name in sorted(found)]


def together(one: Results, other: Results) -> Results:
    """Two whole runs on the same tree, of different modules, as one. Raises ValueError if they are not that."""
    if (
        one.judged < one.mutants
        or other.judged < other.mutants
        or {each.name for each in one.modules} & {each.name for each in other.modules}
    ):
        raise ValueError("only whole runs of different modules make one")
    judged = one.judged + other.judged
    alive = [*one.alive, *other.alive]
    return Results(
        date=max(one.date, other.date),
        mutants=judged,
        judged=judged,
        outcomes=dict(sorted((Counter(one.outcomes) + Counter(other.outcomes)).items())),
        score=percent(judged - len(alive), judged),
        error=0.0,
        seconds=one.seconds + other.seconds,
        modules=sorted([*one.modules, *other.modules], key=lambda each: each.name),
        alive=sorted(alive, key=lambda verdict: (verdict.module, verdict.line, verdict.change)),
    )


def conclude(verdicts: Sequence[Verdict], mutants: int, date: str, seconds: float) -> Results:
    """Add the verdicts up."""
    outcomes = Counter(verdict.outcome for verdict in verdicts)
    judged = Counter(verdict.module for verdict in verdicts)
    killed = Counter(verdict.module for verdict in verdicts if is_killed(verdict))
    share = killed.total() / max(1, len(verdicts))
    left_out = 1 - len(verdicts) / max(1, mutants)
    alive = [verdict for verdict in verdicts if not is_killed(verdict)]
    return Results(
        date=date,
        mutants=mutants,
        judged=len(verdicts),
        outcomes=dict(sorted(outcomes.items())),
        score=percent(killed.total(), len(verdicts)),
        error=round(196 * math.sqrt(share * (1 - share) / max(1, len(verdicts)) * left_out), 1),
        seconds=round(seconds, 1),
        modules=[Module(name, count, killed[name]) for name, count in sorted(judged.items())],
        alive=sorted(alive, key=lambda verdict: (verdict.module, verdict.line, verdict.change)),
    )


def is_killed(verdict: Verdict) -> bool:
    """Whether a test noticed."""
    return verdict.outcome in (KILLED, TIMEOUT)


def percent(part: int, whole: int) -> float:
    """With one decimal, rounded down, so that 100 means all."""
    return math.floor(1000 * part / max(1, whole)) / 10
