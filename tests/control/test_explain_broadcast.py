"""Why somebody did not get a broadcast: from what is recorded, and no more than that."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.engine.real import HOUR, Bench, opened
from tests.engine.test_broadcasts import SLUG, document
from tests.engine.test_sweeping import ENDED, SET, begin, sweeping

from clarion.control.explain.absence import explain_absence
from clarion.control.explain.people import Whom


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Three profiles, of whom one has nothing that the audience asks for; an owner that takes one at a time."""
    async for made in opened(tmp_path, SET):
        made.timers = 1
        made.owner = made.new_owner()
        await made.owner.start()
        for name, event in (("p0", "go"), ("p1", "other"), ("p5", "go"), ("p6", "go"), ("p7", "go"), ("p8", "go")):
            await made.send(f"e{name}", profile=name, name=event)
        await made.applied("p8")
        made.passes(HOUR)
        yield made


async def why(bench: Bench, profile_id: str) -> tuple[str, str]:
    conclusion = (await explain_absence(bench.store, bench.site, Whom(profile_id), SLUG)).conclusion
    return conclusion.answer, conclusion.sentence


AUDIENCE = document(audience="{field: profile.total, op: exists}")


async def test_who_got_it_who_did_not_and_who_came_later(bench: Bench) -> None:
    await begin(bench, AUDIENCE)
    await bench.until(ENDED)
    bench.passes(HOUR)
    await bench.send("late", profile="late")
    await bench.applied("late")
    answer, said = await why(bench, "p0")
    assert answer == "ended"
    assert "came to its end" in said
    answer, said = await why(bench, "p1")
    assert answer == "no_run"
    assert said.startswith("no run of it is kept: the profile was not in its audience when the broadcast came to it, or")
    answer, said = await why(bench, "late")
    assert answer == "came_later"
    assert "the broadcast is for those who were there at 1970-02-11" in said


async def test_who_has_not_had_its_turn_yet(bench: Bench) -> None:
    gate = bench.gate(sweeping)
    await begin(bench, AUDIENCE)
    await gate.reached.wait()
    assert (await why(bench, "p8"))[0] == "not_yet"
    gate.open.set()
    await bench.until(ENDED)
    assert (await why(bench, "p8"))[0] == "ended"
