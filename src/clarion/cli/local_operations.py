"""Runs, inputs that were set aside and a site's settings in a local data directory."""

from typing import TYPE_CHECKING, Any

from clarion.cli.output import View
from clarion.clock import wall_clock
from clarion.control import poisoned, runs
from clarion.control.run_views import listed_run_view, poisoned_view, whole_run_view
from clarion.control.site_settings import SiteSettings, change_site
from clarion.control.views import site_view
from clarion.fresh_ids import fresh_id
from clarion.store.records.sites import Site

if TYPE_CHECKING:
    from clarion.cli.local import LocalStore

MOST_DELIVERIES = 100


class LocalOperations:
    """The part of an instance that is about what goes on in it (`clarion.cli.instance`)."""

    _local: "LocalStore"
    _site: Site

    def runs(self, workflow: str | None, status: str | None, limit: int) -> list[View]:
        rows = self._local.run(runs.list_runs(self._local.store, self._site, workflow, status, limit))
        return [listed_run_view(row) for row in rows]

    def run(self, run: str) -> View:
        row = self._local.run(runs.find_run(self._local.store, self._site, run))
        return whole_run_view(row, self._local.run(self._local.store.deliveries(self._site.id, row.id, MOST_DELIVERIES)))

    def change_run(self, run: str, change: str, step: str | None, reason: str | None) -> View:
        work = runs.change_run(self._local.store, self._site, run, change, wall_clock(), fresh_id, step=step, reason=reason)
        return listed_run_view(self._local.run(work)) | {"change": change}

    def poisoned(self, limit: int) -> list[View]:
        return [poisoned_view(one) for one in self._local.run(poisoned.list_poisoned(self._local.store, self._site, limit))]

    def retry_poisoned(self, id: str) -> View:
        return poisoned_view(self._local.run(poisoned.retry_poisoned(self._local.store, self._site, id, wall_clock(), fresh_id)))

    def discard_poisoned(self, id: str) -> View:
        return poisoned_view(self._local.run(poisoned.discard_poisoned(self._local.store, self._site, id)))

    def change_site(self, settings: dict[str, Any]) -> View:
        return site_view(self._local.run(change_site(self._local.store, self._site, SiteSettings(**settings), wall_clock(), fresh_id)))
