"""`split`: the same path for ever, in the shares that the document says."""

from collections import Counter

import msgspec
import pytest
from tests.workflow.builders import ProgramOf
from tests.workflow.journey import Journey, somebody
from tests.workflow.problems import problems, step_problems

from clarion.domain.records import Profile
from clarion.workflow.document import read_value
from clarion.workflow.program import Program
from clarion.workflow.run import COMPLETED


def split(shares: list[float], more: str = "", id: str = "test") -> str:
    """A split whose paths each send an event."""
    paths = ", ".join(
        f"{{percent: {share}, steps: [{{id: {id}-{number}, send_event: {{event: e}}}}]}}" for number, share in enumerate(shares)
    )
    return f"{{id: {id}, split: {{paths: [{paths}]{more}}}}}"


def path_of(program: Program, profile: str = "n:p", run: str = "r1", entrant: str = "") -> str:
    """The path that a run of a profile takes."""
    person = somebody()
    journey = Journey(program, msgspec.structs.replace(person, profile=Profile(profile)))
    journey.run = msgspec.structs.replace(journey.run, id=run, profile=profile, entrant=entrant)
    return journey.begin().run.paths["test"]


# Frozen: with another hash, profiles would change sides in the middle of a test.
FROZEN = ["2", "1", "1", "1", "2", "1", "1", "1"]


def test_a_profile_takes_the_same_path_for_ever(program: ProgramOf) -> None:
    steps = program(f"steps: [{split([50, 50])}]")
    found = [path_of(steps, f"n:p{number}") for number in range(len(FROZEN))]
    assert found == FROZEN
    assert [path_of(steps, f"n:p{number}", run=f"r{number}") for number in range(len(FROZEN))] == FROZEN
    other_version = msgspec.structs.replace(program(f"steps: [{{id: new, wait: {{for: 0s}}}}, {split([50, 50])}]"), version=2)
    assert [path_of(other_version, f"n:p{number}") for number in range(len(FROZEN))] == FROZEN


# Frozen as well: profiles whose hash is the lowest, the last below the middle, the middle, the highest.
@pytest.mark.parametrize(
    ("shares", "paths"),
    [
        ([50, 50], ["1", "1", "2", "2"]),
        ([49.99, 50.01], ["1", "2", "2", "2"]),
        ([50.01, 49.99], ["1", "1", "1", "2"]),
        ([0.01, 99.99], ["1", "2", "2", "2"]),
        ([99.99, 0.01], ["1", "1", "1", "2"]),
        ([0.01, 49.99, 49.99, 0.01], ["1", "2", "3", "4"]),
        ([100], ["1", "1", "1", "1"]),
    ],
)
def test_where_one_share_ends_the_next_begins(program: ProgramOf, shares: list[float], paths: list[str]) -> None:
    steps = program(f"steps: [{split(shares)}]")
    assert [path_of(steps, f"n:p{number}") for number in (7509, 1671, 7728, 25441)] == paths


def test_another_step_deals_anew(program: ProgramOf) -> None:
    steps = program(f"steps: [{split([50, 50])}, {split([50, 50], id='other')}]")
    pairs: Counter[tuple[str, str]] = Counter()
    for number in range(400):
        journey = Journey(steps, msgspec.structs.replace(somebody(), profile=Profile(f"n:{number}")))
        journey.run = msgspec.structs.replace(journey.run, profile=f"n:{number}")
        paths = journey.begin().run.paths
        pairs[paths["test"], paths["other"]] += 1
    assert len(pairs) == 4
    assert min(pairs.values()) > 60


@pytest.mark.parametrize("shares", [[50, 50], [10, 90], [100], [0.01, 99.99], [33.33, 33.33, 33.34], [5] * 20, [12.5, 37.5, 50]], ids=str)
def test_the_shares_are_as_written(program: ProgramOf, shares: list[float]) -> None:
    steps, count = program(f"steps: [{split(shares)}]"), 2000
    found = Counter(path_of(steps, f"n:{number}") for number in range(count))
    for number, share in enumerate(shares):
        expected = share / 100 * count
        deviation = (count * share / 100 * (1 - share / 100)) ** 0.5
        assert abs(found[str(number + 1)] - expected) <= 4 * deviation + 1


def test_shares_are_slices_so_that_a_larger_one_keeps_its_people(program: ProgramOf) -> None:
    small, large = (program(f"steps: [{split([share, 100 - share])}]") for share in (10, 20))
    for number in range(300):
        if path_of(small, f"n:{number}") == "1":
            assert path_of(large, f"n:{number}") == "1"


def test_by_run_each_run_is_dealt_anew(program: ProgramOf) -> None:
    steps = program(f"steps: [{split([50, 50], ', by: run')}]")
    found = Counter(path_of(steps, run=f"r{number}") for number in range(400))
    assert 140 < found["1"] < 260
    assert len({path_of(steps, profile=f"n:{number}") for number in range(50)}) == 1


def test_who_entered_counts_after_a_merge(program: ProgramOf) -> None:
    steps = program(f"steps: [{split([50, 50])}]")
    for number in range(20):
        assert path_of(steps, "n:named", entrant=f"a:{number}") == path_of(steps, f"a:{number}")


def test_an_empty_path_is_a_holdout(program: ProgramOf) -> None:
    steps = program("steps: [{id: test, split: {paths: [{percent: 100, steps: [], name: holdout}]}}, {id: behind, send_event: {event: e}}]")
    journey = Journey(steps).begin()
    assert (journey.run.status, journey.run.paths) == (COMPLETED, {"test": "holdout"})
    assert [effect.step for effect in journey.effects] == ["behind"]
    assert (journey.details["split"], journey.counted("left", "test", "holdout")) == ({"path": "holdout"}, 1)


def test_names_are_what_counters_say(program: ProgramOf) -> None:
    paths = "{percent: 50, name: A, steps: []}, {percent: 50, steps: []}"
    steps = program(f"steps: [{{id: test, split: {{paths: [{paths}]}}}}]")
    assert {path_of(steps, f"n:{number}") for number in range(40)} == {"A", "2"}


@pytest.mark.parametrize(
    ("paths", "path", "message"),
    [
        ("[]", "split.paths", "must have at least 1 member"),
        ("[{percent: 50, steps: []}]", "split.paths", "the percentages total 50, not 100"),
        ("[{percent: 50, steps: []}, {percent: 50.01, steps: []}]", "split.paths", "the percentages total 100.01, not 100"),
        ("[{percent: 33.33, steps: []}, {percent: 66.66, steps: []}]", "split.paths", "the percentages total 99.99, not 100"),
        ("[{percent: 0, steps: []}]", "split.paths[0].percent", "must be a number from 0.01 to 100 with at most two decimals"),
        ("[{percent: 100.01, steps: []}]", "split.paths[0].percent", "must be a number from 0.01 to 100 with at most two decimals"),
        ("[{percent: 33.333, steps: []}]", "split.paths[0].percent", "must be a number from 0.01 to 100 with at most two decimals"),
        ("[{percent: -1, steps: []}]", "split.paths[0].percent", "must be a number from 0.01 to 100 with at most two decimals"),
        ("[{percent: '50', steps: []}]", "split.paths[0].percent", "must be a number from 0.01 to 100 with at most two decimals"),
        ("[{percent: true, steps: []}]", "split.paths[0].percent", "must be a number from 0.01 to 100 with at most two decimals"),
        (
            f"[{{percent: 1{'0' * 390}, steps: []}}]",
            "split.paths[0].percent",
            "must be a number from 0.01 to 100 with at most two decimals",
        ),
        (
            "[{percent: 50, name: A, steps: []}, {percent: 50, name: A, steps: []}]",
            "split.paths[1]",
            'another path is called "A" already',
        ),
        (
            "[{percent: 50, name: '2', steps: []}, {percent: 50, steps: []}]",
            "split.paths[1]",
            'another path is called "2" already',
        ),
        ("[{percent: 100, name: a/b, steps: []}]", "split.paths[0].name", "must not hold '/'"),
    ],
)
def test_what_cannot_be_said(paths: str, path: str, message: str) -> None:
    assert step_problems(f"{{id: s, split: {{paths: {paths}}}}}") == [(path, message)]


@pytest.mark.parametrize(("count", "fits"), [(20, True), (21, False)])
def test_at_most_20_paths(program: ProgramOf, count: int, fits: bool) -> None:
    shares = [1.0] * (count - 1) + [100.0 - count + 1]
    if fits:
        program(f"steps: [{split(shares)}]")
    else:
        assert step_problems(split(shares)) == [("split.paths", "must have at most 20 members")]


@pytest.mark.parametrize(("count", "total", "found"), [(20, 99.99, ["the percentages total 99.99, not 100"]), (20, 100, [])])
def test_the_percentages_of_as_many_paths_as_there_may_be_are_totalled(count: int, total: float, found: list[str]) -> None:
    shares = [1.0] * (count - 1) + [round(total - count + 1, 2)]
    document = {"workflow": "w", "start": {"on": [{"event": "e"}]}, "steps": [{"id": "s", "split": {"paths": members(shares)}}]}
    assert [one.message for one in read_value(document)[1].found] == found


def members(shares: list[float]) -> list[dict[str, object]]:
    """Paths without steps."""
    return [{"percent": share, "steps": []} for share in shares]


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        ("5", ["split.paths"]),
        ("{percent: 100}", ["split.paths"]),
        ("[5]", ["split.paths[0]"]),
        ("[{percent: x, steps: []}, {percent: 10, steps: []}]", ["split.paths[0].percent"]),
        ("[{percent: 50, name: a/b, steps: []}, {percent: 50, name: a/b, steps: []}]", ["split.paths[0].name", "split.paths[1].name"]),
        ("[{percent: 100, name: a, steps: 5}]", ["split.paths[0].steps"]),
    ],
)
def test_what_is_wrong_with_one_path_is_said_once(paths: str, found: list[str]) -> None:
    assert [path for path, _ in step_problems(f"{{id: s, split: {{paths: {paths}}}}}")] == found


@pytest.mark.parametrize("count", [21, 40])
def test_of_too_many_paths_only_that_is_said(count: int) -> None:
    assert step_problems(split([1.0] * count)) == [("split.paths", "must have at most 20 members")]


@pytest.mark.parametrize("name", ["a", "a b", "ä", "1.a", "x" * 64])
def test_names_that_a_path_may_have(program: ProgramOf, name: str) -> None:
    steps = program(f"steps: [{{id: test, split: {{paths: [{{percent: 100, steps: [], name: {name}}}]}}}}]")
    assert path_of(steps) == name


@pytest.mark.parametrize("name", ["/", "a/", "/a", "' a'", "' '"])
def test_names_that_it_may_not_have(name: str) -> None:
    [(path, _)] = step_problems(f"{{id: s, split: {{paths: [{{percent: 100, steps: [], name: {name}}}]}}}}")
    assert path == "split.paths[0].name"


def test_a_step_behind_paths_that_all_end_is_never_reached() -> None:
    ends = "[{{id: end{0}, exit: {{}}}}]"
    both = f"{{percent: 50, steps: {ends.format(1)}}}, {{percent: 50, steps: {ends.format(2)}}}"
    found = problems(f"steps: [{{id: s, split: {{paths: [{both}]}}}}, {{id: behind, exit: {{}}}}]")
    assert found == [("steps[1]", 'is never reached: step "s" before it ends the run')]
    for paths in ("5", "[]", "[5]", f"[{{percent: 100, steps: {ends.format(1)}}}, 5]"):
        found = problems(f"steps: [{{id: s, split: {{paths: {paths}}}}}, {{id: behind, exit: {{}}}}]")
        assert not [path for path, _ in found if path == "steps[1]"]


def test_a_step_inside_a_path_has_its_place() -> None:
    """A mistake that is found before the paths are read is told where it stands."""
    paths = "{percent: 50, steps: []}, {percent: 50, steps: [{id: s, exit: {}}]}"
    assert problems(f"steps: [{{id: s, split: {{paths: [{paths}]}}}}]") == [
        ("steps[0].split.paths[1].steps[0].id", 'another step has the id "s" already')
    ]
