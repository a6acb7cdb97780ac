"""Everything that is kept of one person, as one JSON document: what they have a right to get (semantics §1)."""

from typing import Any, Final

import msgspec

from clarion.control.erasing import keys_of
from clarion.control.explain.people import Whom
from clarion.control.people_views import listed_profile_view, subscriber_view
from clarion.control.run_views import delivery_view, whole_run_view
from clarion.control.views import event_view
from clarion.domain.ids import partition_of_profile
from clarion.store.port import NotFound, Store
from clarion.store.records.profiles import ProfileView
from clarion.store.records.sites import Site

MOST: Final = 2_000
"""Of each kind of thing, for each profile that the person was."""

View = dict[str, Any]


async def export_person(store: Store, site: Site, whom: Whom) -> View:
    """Profile, subscribers, runs with those in flight, what waits in the outbox or was sent, events, and explanations. Raises NotFound.

    `complete` is false where there is more of something than MOST.
    """
    key = await whom.key(store, site)
    partition = partition_of_profile(site.id, key, store.partitions)
    subscribers = await store.subscribers_of(partition, site.id, [key])
    try:
        views = [await store.profile(site.id, key, MOST)]
    except NotFound:
        raise NotFound("there is no such profile: nothing has ever come for it — see: clarion events tail") from None
    keys = await keys_of(store, site, key, subscribers)
    for other in keys[1:]:
        try:
            views.append(await store.profile(site.id, other, MOST))
        except NotFound:
            continue
    events = await store.events_about(site.id, keys, MOST)
    lists = [one for view in views for one in (view.runs, view.deliveries, view.explanations)]
    return {
        "profile": listed_profile_view(views[0].profile),
        "earlier_profiles": [listed_profile_view(view.profile) for view in views[1:]],
        "subscribers": [subscriber_view(one) | {"endpoint": one.endpoint} for one in subscribers],
        "runs": [whole_run_view(run, []) for view in views for run in view.runs],
        "deliveries": [one for view in views for one in _deliveries(view)],
        "events": [event_view(row) for row in events],
        "explanations": [
            {"event_id": one.event, "at": one.at, "explanation": msgspec.json.decode(one.body)}
            for view in views
            for one in view.explanations
        ],
        "complete": len(events) < MOST and all(len(one) < MOST for one in lists),
    }


def _deliveries(view: ProfileView) -> list[View]:
    """Deliveries with what they say; not with the keys of the subscription that they go to."""
    found = []
    for row in view.deliveries:
        job = msgspec.json.decode(row.delivery.job)
        content = job.get("payload") if row.delivery.kind == "push" else {name: job.get(name) for name in ("method", "url", "body")}
        found.append(delivery_view(row) | {"device_token_hash": row.delivery.subscriber, "content": content})
    return found
