"""A short history on SQLite, made by the real engine: something in every table, and everything that can be half done is."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
import pytest
from tests.control.explaining import break_engine
from tests.control.shop import HOUR, NOON, Shop, new_id

from clarion.contract.track_event import read_event
from clarion.control.api_keys import create_key
from clarion.control.drafts import read_here, save_draft
from clarion.control.receipts import record_receipt
from clarion.control.runs import change_run
from clarion.control.secrets import set_secret
from clarion.control.workflows import change_status
from clarion.domain.records import APNS, Profile, Subscriber
from clarion.engine.owner import Owner
from clarion.fresh_ids import fresh_id
from clarion.intake import entry_from
from clarion.store.port import Store
from clarion.store.records.bodies import SegmentChange
from clarion.store.records.commits import Outcome
from clarion.store.records.deliveries import Attempt, Delivery, Report
from clarion.store.records.entries import Appended
from clarion.store.records.jobs import Job
from clarion.store.records.segments import SegmentRow
from clarion.store.records.sites import Site, SiteKey
from clarion.store.records.states import SegmentState, Sweep
from clarion.vault import Vault

CART: Final = """
workflow: cart
start: {on: [{event: add_to_cart}], key: event.cart_id, again: never}
settings: {goal: {event: purchase, within: 7d}, frequency_cap: {pushes: 5, per: 1d}}
steps:
  - {id: hour, wait: {for: 1h}}
  - {id: remind, push: {title: Hi, message: Still there, url: "https://shop.example/"}}
  - {id: day, wait: {for: 1d}}
"""
ASKS: Final = """
workflow: asks
start: {on: [{event: ask}]}
steps:
  - {id: call, http: {method: POST, url: "https://crm.example/", await: true}}
  - {id: hour, wait: {for: 1h}}
"""
FAILS: Final = """
workflow: fails
start: {on: [{event: fail}]}
steps: [{id: date, wait: {until: "{{ event.when }}"}}]
"""
SOON: Final = """
workflow: soon
start: {on: [{event: soon}]}
steps:
  - {id: call, http: {method: POST, url: "https://soon.example/"}}
  - {id: minute, wait: {for: 1m}}
  - {id: last, http: {method: POST, url: "https://soon.example/last"}}
"""
RICH: Final = {"field": "profile.total", "op": "gte", "value": 1.5}
PROFILES: Final = ("ann", "bob", "eve", "kim", "zoe", "ida", "max")


class History(msgspec.Struct):
    """What was left."""

    shop: Shop
    key: str
    """An API key."""
    events: list[str]
    """Ids of all that were applied, or set aside."""
    waiting: list[str]
    """Ids of those that were only accepted."""
    claimed: list[str]
    """Deliveries that a sender had claimed when everything stopped."""
    clicked: str
    """Delivery of which a click was recorded."""


async def live(store: Store, patched: pytest.MonkeyPatch) -> History:
    """Let it happen."""
    shop = await Shop.make(store)
    site, vault = shop.site, Vault(bytes(32))
    key, _ = await create_key(store, site, "shop", ("events",), NOON)
    await set_secret(store, vault.seal, site, "CRM_KEY", "s3cret", NOON)
    for text in (CART, ASKS, FAILS, SOON):
        await shop.publish(text)
    await save_draft(store, site, "later", "workflow: later\n# not yet", NOON, read_here)
    await shop.publish(SOON + "# again\n")
    await shop.publish(SOON.replace("1m", "2m"))

    await shop.register("phone")
    await shop.register("tablet")
    await shop.register("laptop", "kim")
    await shop.register("watch", "kim")
    events = [await shop.send("add_to_cart", profile, cart_id=f"{profile}'s", price=1.50) for profile in PROFILES]
    events += [await shop.send("add_to_cart", device="phone", cart_id="phone's"), await shop.send("ask", device="tablet")]
    # The run goes along, its request still names the profile that it was made for.
    await shop.register("tablet", "bob")
    await shop.register("phone", "zoe")
    events += [
        await shop.send("fail", "ann", when="never"),
        await shop.send("seen", device="ghost"),
        await shop.send("add_to_cart", device="ghost"),
    ]
    events += [await shop.send("ask", "eve"), await shop.send("soon", "max"), await shop.send("purchase", "ann", value=3)]

    # An hour later pushes go out; one of them is clicked.
    shop.now += HOUR
    await shop.apply()
    sent, _ = await store.claim(100, shop.now)
    pushes = [one for one in sent if one.kind == "push"]
    await store.report([report(pushes[0], shop.now), report(pushes[1], shop.now, again=shop.now + HOUR)])
    await shop.apply()
    assert await record_receipt(store, site, pushes[0].id, "clicked", None, shop.now, new_id)
    await shop.apply()

    # One workflow is paused with a run that is due and a request that is not sent.
    events.append(await shop.send("soon", "ida"))
    await shop.change("soon", "pause")
    shop.now += HOUR
    await shop.apply()
    events.append(await shop.send("soon", "ida"))
    with patched.context() as broken:
        break_engine(broken)
        events += [await shop.send("add_to_cart", "eve", cart_id="set aside"), await shop.send("soon", device="laptop")]

    # What nobody has taken from the inbox yet, of every kind that there is.
    waiting = [await shop.accept("add_to_cart", profile, cart_id="late") for profile in PROFILES]
    assert await track(store, shop, "order-1", "ann") is Appended.STORED
    assert await record_receipt(store, site, pushes[0].id, "viewed", None, shop.now, new_id)
    await store.report([report(pushes[2], shop.now)])
    [failed] = await store.runs(site.id, "fails", "failed", 10)
    await change_run(store, site, failed.id, "retry", shop.now, new_id)
    await change_status(store, site, "cart", "drain", shop.now, new_id)
    await know_people(store, site, shop.now)
    ended = {pushes[0].id, pushes[2].id}
    return History(shop, key, events, waiting, [one.id for one in sent if one.id not in ended], pushes[0].id)


async def know_people(store: Store, site: Site, now: int) -> None:
    """A segment that half of the profiles have been tested for, a subscriber that has logged out, and what else there may be of a site."""
    await store.put_site_key(SiteKey(site.id, "vapid", 0, "public", b"sealed", now))
    for segment, condition in (("rich", RICH), ("vip", None)):
        await store.put_segment(SegmentRow(site.id, segment, segment.title(), condition, now, now), [])
    await store.put_job(Job(site.id, "rows", "import", "done", msgspec.Raw(b'{"rows":1}'), now, now))
    said = msgspec.Raw(msgspec.json.encode(SegmentChange("rich", "define", RICH)))
    await store.commit(
        Outcome(
            await store.own(0),
            segments=[SegmentState(site.id, "rich", RICH, now)],
            sweeps=[Sweep(site.id, "segment:rich", now, new_id(), said, "n:eve", 3)],
            hold=[(site.id, "fails")],
            release=[(site.id, "fails", 0)],
            profiles=[(site.id, Profile("a:radio", created=1)), (site.id, Profile("a1:radio", {"total": 1.50}, created=2, offered=("e",)))],
            subscribers=[(site.id, Subscriber("radio", "a1:radio", "token", "", "", provider=APNS, logouts=1))],
        )
    )


def report(delivery: Delivery, at: int, again: int | None = None) -> Report:
    """One attempt: sent, or to be made again."""
    tried = msgspec.structs.replace(delivery, attempts=(*delivery.attempts, Attempt(at, 9, 201 if again is None else 503)))
    answered: dict[str, str | int | float | bool] | None = {"ok": True} if delivery.kind == "http" else None
    return Report(tried, "sent" if again is None else None, at, retry_at=again, status=201 if again is None else 503, response=answered)


async def track(store: Store, shop: Shop, event_id: str, profile: str, **data: object) -> Appended:
    """Post an event with an id of the client's."""
    body = {"event_name": "order", "event_id": event_id, "profile_id": profile, "data": data}
    event = read_event(msgspec.json.encode(body), now=shop.now, idempotency_key=None)
    [became] = await store.append([entry_from(event, shop.site.id, shop.now, new_id(), store.partitions)])
    return became


class Told(msgspec.Struct):
    """What a store says in the end, wherever it stands there."""

    runs: dict[str, tuple[str, str | None, str | None]]
    """Status, step and reason."""
    deliveries: dict[str, str]
    """Status."""
    counters: dict[str, list[tuple[int, str, str, str, int]]]
    profiles: dict[str, tuple[object, object]]
    """Attributes and subscribers."""


class Everywhere:
    """All partitions of a store, and a sender. `now` is the time of everything."""

    def __init__(self, store: Store, now: int) -> None:
        self.store, self.now = store, now
        self.delivered: list[str] = []
        self._owners: list[Owner] = []
        store.on_change(self._wake)

    def _wake(self, _: str, __: object) -> None:
        for owner in self._owners:
            owner.wake()

    async def apply(self) -> None:
        """What running engines do, until there is nothing left to do."""
        commits, changed, commit = 0, asyncio.Event(), self.store.commit

        async def commit_and_say_so(outcome: Outcome) -> None:
            nonlocal commits
            await commit(outcome)
            commits += 1
            changed.set()

        self.store.commit = commit_and_say_so  # type: ignore[method-assign]  # to hear of commits
        places = range(self.store.partitions)
        self._owners = [Owner(self.store, place, lambda: self.now, fresh_id, steady=lambda: 0, pace=0) for place in places]
        try:
            for owner in self._owners:
                await owner.start()
            while True:
                seen = commits
                changed.clear()
                taken = [await self.store.take(place, 1, self.now, 1) for place in places]
                if any(one.entries or one.due for one in taken):
                    async with asyncio.timeout(10):
                        await changed.wait()
                elif commits == seen:  # nothing was on its way from one to another
                    break
        finally:
            for owner in self._owners:
                await owner.stop()
            self._owners = []
            self.store.commit = commit  # type: ignore[method-assign]

    async def deliver(self) -> None:
        """Send all that is due, until nothing is, and apply that."""
        while True:
            claimed, _ = await self.store.claim(100, self.now)
            if not claimed:
                break
            self.delivered += [one.id for one in claimed]
            await self.store.report([report(one, self.now) for one in claimed])
        await self.apply()

    async def change(self, site: Site, workflow: str, change: str) -> None:
        """Pause, resume, …"""
        await change_status(self.store, site, workflow, change, self.now, fresh_id)
        await self.apply()

    async def tell(self, site: int, workflows: Sequence[str], profiles: Sequence[str]) -> Told:
        """What became of everything."""
        runs = [run for workflow in workflows for run in await self.store.runs(site, workflow, None, 1_000)]
        counters = {}
        for workflow in workflows:
            rows = await self.store.counters(site, workflow, "total", 0, 2**62, 10_000)
            counters[workflow] = [(row.version, row.step, row.name, row.branch, row.count) for row in rows]
        views = {profile: await self.store.profile(site, f"n:{profile}") for profile in profiles}
        return Told(
            {run.id: (run.status, run.step, run.reason) for run in runs},
            {row.delivery.id: row.status for row in await self.store.deliveries(site, None, 1_000)},
            counters,
            {profile: (view.profile.attributes, sorted(view.subscribers, key=str)) for profile, view in views.items()},
        )
