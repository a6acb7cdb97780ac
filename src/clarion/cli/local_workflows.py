"""Workflows, their drafts and counters in a local data directory."""

from typing import TYPE_CHECKING

from clarion.cli.output import View
from clarion.clock import wall_clock
from clarion.control import drafts, duplicate, plan, workflows
from clarion.control.counters import read_counters
from clarion.control.views import workflow_view
from clarion.control.workflow_views import counters_view, draft_view, plan_view, published_view
from clarion.fresh_ids import fresh_id
from clarion.store.records.sites import Site
from clarion.workflow.source import read_document

if TYPE_CHECKING:
    from clarion.cli.local import LocalStore


class LocalWorkflows:
    """The part of an instance that is about workflows (`clarion.cli.instance`)."""

    _local: "LocalStore"
    _site: Site

    def workflows(self) -> list[View]:
        rows = self._local.run(workflows.list_workflows(self._local.store, self._site))
        return [workflow_view(row) | {"draft": row.draft} for row in rows]

    def workflow(self, slug: str) -> View:
        store = self._local.store
        row = self._local.run(workflows.find_workflow(store, self._site, slug))
        version = self._local.run(store.workflow_version(self._site.id, slug, row.version)) if row.version else None
        return workflow_view(row, version) | {"draft": row.draft}

    def plan(self, text: str) -> View:
        return plan_view(self._local.run(plan.plan_document(self._local.store, self._site, read_document(text))))

    def publish(self, text: str, runs: str) -> View:
        document = read_document(text)
        return published_view(
            self._local.run(
                workflows.publish_document(self._local.store, self._site, document, text, wall_clock(), fresh_id, workflows.read_runs(runs))
            )
        )

    def change_workflow(self, slug: str, change: str, skip_older_than: str | None) -> View:
        skip = workflows.SKIP_OLDER_THAN if skip_older_than is None else workflows.read_skip_older_than(skip_older_than)
        return workflow_view(
            self._local.run(workflows.change_status(self._local.store, self._site, slug, change, wall_clock(), fresh_id, skip))
        )

    def draft(self, slug: str) -> View:
        return draft_view(self._local.run(drafts.show_draft(self._local.store, self._site, slug, drafts.read_here)))

    def save_draft(self, slug: str, text: str) -> View:
        return draft_view(self._local.run(drafts.save_draft(self._local.store, self._site, slug, text, wall_clock(), drafts.read_here)))

    def discard_draft(self, slug: str) -> None:
        self._local.run(drafts.discard_draft(self._local.store, self._site, slug))

    def publish_draft(self, slug: str, runs: str) -> View:
        return published_view(
            self._local.run(
                drafts.publish_draft(
                    self._local.store, self._site, slug, wall_clock(), fresh_id, drafts.read_here, workflows.read_runs(runs)
                )
            )
        )

    def duplicate(self, slug: str, new: str) -> View:
        return draft_view(
            self._local.run(
                duplicate.duplicate_workflow(self._local.store, self._site, slug, new, wall_clock(), drafts.read_here),
            )
        )

    def counters(self, slug: str, period: str, since: str | None, until: str | None) -> View:
        return counters_view(
            self._local.run(read_counters(self._local.store, self._site, slug, period, since, until, wall_clock())),
        )
