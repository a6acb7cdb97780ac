"""Subscribers, profiles, segments, broadcasts and jobs in a local data directory."""

from typing import TYPE_CHECKING, Any

import msgspec

from clarion.cli.output import View
from clarion.cli.whom import Whom
from clarion.clock import wall_clock
from clarion.contract.person import read_attributes, read_facts_change, read_segments_change
from clarion.control import broadcasts, erasing, explain, jobs, person_export, profiles, segments, subscribers
from clarion.control.audience import read_audience
from clarion.control.broadcast_documents import BroadcastRequest
from clarion.control.counters import TOTAL, read_counters
from clarion.control.people_lists import ProfilesPage, ProfilesWanted, SubscribersWanted, list_profiles, list_subscribers
from clarion.control.people_views import broadcast_view, job_view, listed_profile_view, segment_view, subscriber_view
from clarion.control.workflow_views import counters_view
from clarion.fresh_ids import fresh_id
from clarion.store.records.sites import Site

if TYPE_CHECKING:
    from clarion.cli.local import LocalStore


class LocalPeople:
    """The part of an instance that is about people (`clarion.cli.instance`)."""

    _local: "LocalStore"
    _site: Site

    def subscribers(self, wanted: View, cursor: str | None, limit: int) -> View:
        page = self._local.run(list_subscribers(self._local.store, self._site, SubscribersWanted(**wanted), cursor, limit))
        return {"subscribers": [subscriber_view(one) for one in page.subscribers], "cursor": page.cursor}

    def change_subscriber(self, device_token_hash: str, change: str, given: View) -> View:
        facts = read_facts_change(given) if change == "update" else None
        work = subscribers.change_subscriber(
            self._local.store,
            self._site,
            device_token_hash,
            change,
            wall_clock(),
            fresh_id,
            profile_id=given.get("profile_id"),
            facts=facts,
        )
        return {"device_token_hash": self._local.run(work).device_token_hash, "change": change, "accepted": True}

    def profiles(self, wanted: View, cursor: str | None, limit: int) -> View:
        given = dict(wanted)
        if "condition" in given:
            given["condition"] = read_audience(given["condition"])
        return _page(self._local.run(list_profiles(self._local.store, self._site, ProfilesWanted(**given), cursor, limit, wall_clock())))

    def add_attributes(self, profile_id: str, attributes: View) -> View:
        change = profiles.with_attributes(profiles.named(profile_id, None), read_attributes(attributes), replace=False)
        return self._changed(profile_id, profiles.change_profile(self._local.store, self._site, change, wall_clock(), fresh_id))

    def remove_attributes(self, profile_id: str, names: list[str]) -> View:
        change = msgspec.structs.replace(profiles.named(profile_id, None), remove=tuple(names))
        return self._changed(profile_id, profiles.change_profile(self._local.store, self._site, change, wall_clock(), fresh_id))

    def change_segments(self, profile_id: str, add: list[str], remove: list[str]) -> View:
        wanted = read_segments_change({"add": add, "remove": remove})
        change = msgspec.structs.replace(profiles.named(profile_id, None), enter=wanted.add, leave=wanted.remove)
        return self._changed(profile_id, profiles.change_profile(self._local.store, self._site, change, wall_clock(), fresh_id))

    def export_person(self, whom: Whom) -> View:
        return self._local.run(person_export.export_person(self._local.store, self._site, explain.Whom(*whom)))

    def erase_person(self, profile_id: str) -> View:
        whom = explain.Whom(profile_id)
        return job_view(self._local.run(erasing.erase_person(self._local.store, self._site, whom, wall_clock(), fresh_id)))

    def segments(self) -> View:
        store = self._local.store
        rows = self._local.run(segments.list_segments(store, self._site))
        count = self._local.run(segments.count_members(store, self._site))
        known = {row.segment for row in rows}
        others = [{"segment": name, "members": count.members[name]} for name in sorted(count.members.keys() - known)[: segments.MOST]]
        counted = {"profiles": count.profiles, "complete": count.complete}
        return {"segments": [segment_view(row, count) for row in rows], "undefined": others, "counted": counted}

    def create_segment(self, segment: str, given: View) -> View:
        work = segments.create_segment(
            self._local.store,
            self._site,
            segment,
            given.get("name"),
            given.get("condition"),
            wall_clock(),
            fresh_id,
            offers=given.get("backfill_events", False),
        )
        return segment_view(self._local.run(work))

    def change_segment(self, segment: str, given: View) -> View:
        condition: Any = given.get("condition", msgspec.UNSET)
        work = segments.change_segment(
            self._local.store,
            self._site,
            segment,
            wall_clock(),
            fresh_id,
            name=given.get("name"),
            condition=condition,
            offers=given.get("backfill_events", False),
        )
        return segment_view(self._local.run(work))

    def delete_segment(self, segment: str) -> View:
        row = self._local.run(segments.delete_segment(self._local.store, self._site, segment, wall_clock(), fresh_id))
        return {"segment": row.segment, "accepted": True}

    def send_broadcast(self, given: View) -> View:
        fields = dict(given)
        key = fields.pop("broadcast_id", None)
        wanted = BroadcastRequest(fields.pop("push", None), fields.pop("to", None), **fields)
        begun = self._local.run(broadcasts.send_broadcast(self._local.store, self._site, wanted, key, wall_clock(), fresh_id))
        return {"broadcast_id": begun.id, "created": begun.created, "accepted": True}

    def broadcasts(self, cursor: str | None, limit: int) -> View:
        found, after = self._local.run(broadcasts.list_broadcasts(self._local.store, self._site, cursor, limit))
        return {"broadcasts": [broadcast_view(one) for one in found], "cursor": after}

    def broadcast(self, id: str) -> View:
        store = self._local.store
        found = self._local.run(broadcasts.find_broadcast(store, self._site, id))
        counters = self._local.run(read_counters(store, self._site, found.row.workflow, TOTAL, None, None, wall_clock()))
        return broadcast_view(found) | {"counters": counters_view(counters)["counters"]}

    def change_broadcast(self, id: str, change: str) -> View:
        return broadcast_view(
            self._local.run(broadcasts.change_broadcast(self._local.store, self._site, id, change, wall_clock(), fresh_id))
        )

    def jobs(self, kind: str | None, status: str | None, limit: int) -> list[View]:
        views = [job_view(one) for one in self._local.run(jobs.list_jobs(self._local.store, self._site, kind, status, limit))]
        for view in views:
            view["detail"].pop("report", None)
        return views

    def job(self, id: str) -> View:
        return job_view(self._local.run(jobs.find_job(self._local.store, self._site, id)))

    def _changed(self, profile_id: str, work: Any) -> View:
        self._local.run(work)
        return {"profile_id": profile_id, "accepted": True}


def _page(page: ProfilesPage) -> View:
    return {"profiles": [listed_profile_view(one) for one in page.profiles], "cursor": page.cursor}
