"""What became of deliveries: counted and noted where the report comes in, told where the profile, and the run that sent it, live."""

from typing import Any

import msgspec

from clarion.domain.records import Event, Subscriber
from clarion.engine import identity
from clarion.engine.homes import Homes
from clarion.engine.ledger import Ledger, Person
from clarion.engine.mergers import Mergers
from clarion.engine.messages import Messages
from clarion.engine.notices import about_push
from clarion.engine.offering import Offering
from clarion.engine.runs import Runs
from clarion.engine.subscribers import Subscribers
from clarion.store.outcomes import GONE, STALE
from clarion.store.records.bodies import DeliveryOutcome, Forwarded, Receipt
from clarion.store.records.entries import EntryKind
from clarion.workflow import advance as core
from clarion.workflow.history import OUTCOME, RECEIPT
from clarion.workflow.run import WAITING

_NOTED = {"viewed": ("view_count", "last_view"), "clicked": ("click_count", "last_click")}
"""By receipt: where a subscriber keeps how often, and when last."""


class Reports:
    """Applies outcomes and receipts to a ledger. Of pushes they come to the subscriber's home, of requests to where those were made."""

    def __init__(
        self,
        ledger: Ledger,
        runs: Runs,
        offering: Offering,
        subscribers: Subscribers,
        homes: Homes,
        messages: Messages,
        mergers: Mergers,
    ) -> None:
        self._ledger, self._runs, self._offering, self._subscribers = ledger, runs, offering, subscribers
        self._homes, self._messages, self._mergers = homes, messages, mergers

    def outcome(self, site: int, outcome: DeliveryOutcome, entry: str, received: int, now: int) -> str:
        """A delivery ended. Returns the key of the profile that it was for."""
        name = outcome.outcome if outcome.outcome in ("sent", STALE) else "failed"
        self._runs.count(site, outcome.workflow, outcome.version, outcome.step, name, now)
        if outcome.kind != "push":
            return self._result(site, outcome, entry, received, now)
        if outcome.subscriber is None or outcome.outcome == STALE:
            return outcome.profile
        return self._push(site, outcome, outcome.subscriber, entry, received, now)

    def receipt(self, site: int, receipt: Receipt, entry: str, received: int, now: int) -> str:
        """A notification was viewed, clicked or closed. Returns the key of the profile that it was for."""
        self._runs.count(site, receipt.workflow, receipt.version, receipt.step, receipt.event, now)
        return self._push(site, receipt, receipt.subscriber, entry, received, now)

    def passed(self, site: int, head: Forwarded, report: DeliveryOutcome | Receipt, now: int) -> str:
        """A report that has been counted elsewhere, for a profile or a run of this partition. Returns the profile's key."""
        if isinstance(report, DeliveryOutcome) and report.kind != "push":
            return self._result(site, report, head.entry, head.received, now)
        device = report.subscriber or ""
        event = about_push(report, device, head.entry, head.received)
        if head.to_sender:
            if head.subscriber is not None:
                self._subscribers.put_copy(site, head.subscriber)
            self._tell_sender(site, report.run, event, now)
            return head.profile
        person = (site, head.profile)
        if self._ledger.profiles.get(person) is None:  # who has been erased is not made anew by what became of a push
            return ""
        if head.subscriber is not None:
            known = self._ledger.subscribers.get((site, device))  # one that is gone is first told, then gone
            active = head.subscriber.active if known is None else known.active
            self._subscribers.put_copy(site, msgspec.structs.replace(head.subscriber, active=active))
        self._offering.offer(person, event, now)
        self._tell_removed(person, report, device, head.entry, head.received, now)
        self._offering.close(person, head.entry, _name(report), now)
        return head.profile

    # -- pushes ------------------------------------------------------------------------------------------------------

    def _push(self, site: int, report: DeliveryOutcome | Receipt, device: str, entry: str, received: int, now: int) -> str:
        """At the subscriber's home: note it there, and tell whom it concerns."""
        subscriber = self._ledger.subscribers.get((site, device))
        if subscriber is None:
            return report.profile
        event = about_push(report, device, entry, received)
        self._note(site, subscriber, report, now)
        person = (site, self._mergers.follow(site, subscriber.profile))
        if person[1] != subscriber.profile:
            self._mergers.send_after(site, subscriber, person[1], entry, received)
        if not self._homes.has_profile(*person):
            self._remove(site, report, device, entry, received)
            self._pass_on(person, report, entry, received)
            self._to_sender(person, report, entry, received, event, now)
            return person[1]
        self._offering.offer(person, event, now)
        self._to_sender(person, report, entry, received, event, now)
        self._tell_removed(person, report, device, entry, received, now)
        self._offering.close(person, entry, _name(report), now)
        return person[1]

    def _note(self, site: int, subscriber: Subscriber, report: DeliveryOutcome | Receipt, now: int) -> None:
        """Keep on a subscriber how often, and when last, something happened to its notifications."""
        if isinstance(report, Receipt):
            if report.event not in _NOTED:
                return
            counter, last = _NOTED[report.event]
            subscriber = msgspec.structs.replace(subscriber, last_active=max(subscriber.last_active, now))
        elif report.outcome == "sent":
            counter, last = "sent_count", "last_sent"
        else:
            return
        known = subscriber.facts.get(counter)
        count = known + 1 if isinstance(known, int) else 1
        after = msgspec.structs.replace(subscriber, facts={**subscriber.facts, counter: count, last: now})
        self._ledger.put_subscriber(site, after)
        self._runs.changed((site, after.profile))

    def _tell_removed(self, person: Person, report: DeliveryOutcome | Receipt, device: str, entry: str, received: int, now: int) -> None:
        """A push service may have said that the subscription is gone."""
        removed = self._remove(person[0], report, device, entry, received)
        if removed is not None:
            self._runs.changed(person)
            self._offering.offer(person, removed, now)

    def _remove(self, site: int, report: DeliveryOutcome | Receipt, device: str, entry: str, received: int) -> Event | None:
        if not isinstance(report, DeliveryOutcome) or report.outcome != GONE:
            return None
        return identity.remove(self._ledger, site, device, report.endpoint, entry, received, report.hops)

    def _to_sender(self, person: Person, report: DeliveryOutcome | Receipt, entry: str, received: int, event: Event, now: int) -> None:
        """Tell the run that sent the push, if its subscriber has come to another profile since."""
        site, profile = person[0], report.profile
        left = self._ledger.profiles.get((site, profile))
        if left is not None and left.merged is not None:
            profile = left.merged
        if profile == person[1]:
            return
        if not self._homes.has_profile(site, profile):
            self._pass_on((site, profile), report, entry, received, to_sender=True)
        elif (kept := self._ledger.runs.get(report.run)) is not None and kept.run.profile != person[1]:
            self._tell_sender(site, report.run, event, now)

    def _tell_sender(self, site: int, run: str, event: Event, now: int) -> None:
        kept = self._ledger.runs.get(run)
        if kept is not None and kept.run.site == site:
            self._offering.offer_to_sender(kept, event, now)

    def _pass_on(self, person: Person, report: DeliveryOutcome | Receipt, entry: str, received: int, *, to_sender: bool = False) -> None:
        subscriber = self._ledger.subscribers.get((person[0], report.subscriber or ""))
        if subscriber is not None and self._mergers.follow(person[0], subscriber.profile) != subscriber.profile:
            subscriber = None  # its home does not know yet whose it is
        kind = EntryKind.RECEIPT if isinstance(report, Receipt) else EntryKind.OUTCOME
        self._messages.forward(person[0], kind, entry, report, received, person[1], subscriber, to_sender=to_sender)

    # -- requests ----------------------------------------------------------------------------------------------------

    def _result(self, site: int, outcome: DeliveryOutcome, entry: str, received: int, now: int) -> str:
        """A request ended; a run may wait for it, here or where it has gone with its profile."""
        if outcome.response is None:
            return outcome.profile
        kept = self._ledger.runs.get(outcome.run)
        if kept is None:
            profile = self._ledger.profiles.get((site, outcome.profile))
            if profile is None or profile.merged is None or self._homes.has_profile(site, profile.merged):
                return outcome.profile
            self._messages.forward(site, EntryKind.OUTCOME, entry, outcome, received, profile.merged)
            return profile.merged
        if kept.run.status == WAITING and kept.run.step == outcome.step:
            output: dict[str, Any] = {"outcome": outcome.outcome, "response": outcome.response or {}}
            if outcome.status is not None:
                output["status"] = outcome.status
            self._runs.advance(kept, core.Resulted(outcome.effect, output), now)
            self._offering.close((site, kept.run.profile), entry, OUTCOME, now)
        return kept.run.profile


def _name(report: DeliveryOutcome | Receipt) -> str:
    return RECEIPT if isinstance(report, Receipt) else OUTCOME
