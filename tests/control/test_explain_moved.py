"""Runs that were retried, moved or published over: what is told stands in its order, with the version of its time."""

from collections.abc import Iterator

import msgspec
import pytest
from tests.control.shop import HOUR, NOON, SECOND, Shop, new_id

from clarion.control.explain import Whom, explain_absence, explain_event, explain_person, explain_run
from clarion.control.explain.answers import TimelineAnswer
from clarion.control.explain.place import read_place
from clarion.control.runs import change_run
from clarion.control.workflows import publish_document
from clarion.domain.ids import run_id
from clarion.store.port import Store
from clarion.store.records.deliveries import Attempt, Report
from clarion.workflow.source import read_document

WAITS = "workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: hour, wait: {for: %s}}, {id: day, wait: {for: 1d}}]\n"
FAILS = 'workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: date, wait: {until: "{{ event.when }}"}}]\n'
ASKS = """
workflow: w
start: {on: [{event: go}]}
steps:
  - {id: crm, http: {url: "https://crm.example/", await: true}}
  - {id: remind, push: {title: Hi, message: You, url: "https://shop.example/"}}
"""


@pytest.fixture
async def shop(store: Store) -> Shop:
    return await Shop.make(store)


async def start(shop: Shop) -> str:
    """Start a run of ann's; returns its id."""
    return run_id(shop.site.id, "w", await shop.send("go", "ann"), None)


async def change(shop: Shop, run: str, change: str, step: str | None = None) -> None:
    await change_run(shop.store, shop.site, run, change, shop.now, new_id, step=step)
    await shop.apply()


async def move_all(shop: Shop, text: str) -> None:
    """Publish a document in which the runs in flight go on."""
    await publish_document(shop.store, shop.site, read_document(text), text, shop.now, new_id, runs="move")
    await shop.apply()


def versions(found: TimelineAnswer) -> Iterator[tuple[int | None, str]]:
    """Of every line of a run: its version, and how it begins."""
    for one in found.items:
        for run in one.runs:
            for reason in run.reasons:
                yield run.version, reason.sentence[:14]


async def lines(shop: Shop, run: str) -> list[str]:
    """What is told of a run, which its history and the timeline tell alike."""
    history = [f"{line.step}: {line.sentence}" for line in (await explain_run(shop.store, shop.site, run)).history]
    items = (await explain_person(shop.store, shop.site, Whom("ann"))).items
    assert history == [f"{line.step}: {line.sentence}" for one in items for told in one.runs for line in told.reasons]
    return history


async def test_a_retry_comes_before_what_it_led_to(shop: Shop) -> None:
    await shop.publish(FAILS)
    run = await start(shop)
    await change(shop, run, "retry")
    failed = "date: failed: until: there is no date (missing: event.when)"
    assert await lines(shop, run) == [failed, "date: is tried again here, in version 1", failed]
    found = (await explain_absence(shop.store, shop.site, Whom("ann"), "w")).conclusion
    why = "step date: until: there is no date (missing: event.when)"
    assert found.sentence == f"run {run}, started at 2026-05-01T12:00:00.000Z, failed at 2026-05-01T12:00:00.000Z: {why}"


async def test_a_move_comes_before_what_it_led_to(shop: Shop) -> None:
    await shop.publish(WAITS % "1h")
    run = await start(shop)
    await change(shop, run, "move", "day")
    waits = "waits until 2026-05-02T12:00:00.000Z"
    assert await lines(shop, run) == [
        "hour: waits until 2026-05-01T13:00:00.000Z",
        "day: was moved to this step, to go on in version 1",
        f"day: {waits}",
    ]
    stands = f"has stood at step day since 2026-05-01T12:00:00.000Z: {waits}"
    assert (await explain_run(shop.store, shop.site, run)).sentence == stands


async def test_what_happened_in_one_instant_is_shown_as_it_happened(shop: Shop) -> None:
    await shop.publish(FAILS)
    ids = [await shop.accept(name, "ann") for name in ("noise", "go", "noise")]
    await shop.apply()
    run = run_id(shop.site.id, "w", ids[1], None)
    await change(shop, run, "retry")
    ids.append(await shop.send("noise", "ann"))
    shop.now += SECOND
    ids.append(await shop.send("noise", "ann"))
    found = await explain_person(shop.store, shop.site, Whom("ann"))
    assert [one.id for one in found.items if one.kind == "event"] == ids
    kinds = [one.kind for one in found.items]
    assert kinds.index("operator") < kinds.index("timer")


async def test_a_published_version_says_until_when_a_run_waits_in_it(shop: Shop) -> None:
    await shop.publish(WAITS % "1h")
    run = await start(shop)
    shop.now += SECOND
    await move_all(shop, WAITS % "2h")
    await shop.send("go", "ann")  # before a run's next input it has heard of what was published
    said = (
        "has stood at step hour since 2026-05-01T12:00:00.000Z: was moved from version 1, to go on in version 2; "
        "waits until 2026-05-01T14:00:00.000Z"
    )
    assert (await explain_run(shop.store, shop.site, run)).sentence == said
    assert (await explain_absence(shop.store, shop.site, Whom("ann"), "w")).conclusion.sentence.endswith(said)


async def test_a_line_has_the_version_of_its_time(shop: Shop) -> None:
    await shop.publish(WAITS % "1h")
    run = await start(shop)
    assert list(versions(await explain_person(shop.store, shop.site, Whom("ann")))) == [(1, "waits until 20")]
    shop.now += SECOND
    await move_all(shop, WAITS % "2h")
    shop.now = NOON + 2 * HOUR
    await shop.apply()
    found = await explain_person(shop.store, shop.site, Whom("ann"))
    assert list(versions(found)) == [(1, "waits until 20"), (2, "was moved from"), (2, "waits until 20")]
    [explained] = (await explain_event(shop.store, shop.site, found.items[0].id)).inputs
    assert [told.version for told in explained.runs] == [1]
    last = await explain_person(shop.store, shop.site, Whom("ann"), limit=1)
    assert list(versions(last)) == [(None, "waits until 20")]  # the move is on the page before
    assert last.before is not None
    earlier = await explain_person(shop.store, shop.site, Whom("ann"), before=read_place(last.before))
    assert list(versions(earlier)) == [(1, "waits until 20"), (2, "was moved from")]
    await change(shop, run, "move", "hour")
    assert list(versions(await explain_person(shop.store, shop.site, Whom("ann"))))[-2:] == [(2, "was moved to t"), (2, "waits until 20")]


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (None, "secret CRM_KEY is not set", "failed (secret CRM_KEY is not set)"),
        (500, None, "failed with status 500"),
        (500, "no luck", "failed with status 500 (no luck)"),
    ],
)
async def test_why_a_request_failed_is_told_with_its_outcome(shop: Shop, status: int | None, error: str | None, said: str) -> None:
    await shop.publish(ASKS)
    await start(shop)
    [asked], _ = await shop.store.claim(100, shop.now)
    tried = msgspec.structs.replace(asked, attempts=(Attempt(shop.now, 1, status, error),))
    await shop.store.report([Report(tried, "failed", shop.now, status=status, reason=error, response={})])
    await shop.apply()
    found = (await explain_absence(shop.store, shop.site, Whom("ann"), "w")).conclusion
    assert found.answer == "ended"
    assert found.because[0] == f"2026-05-01T12:00:00.000Z, step crm: the request's outcome came: {said}"
