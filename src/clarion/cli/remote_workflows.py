"""Workflows, their drafts and counters over HTTP."""

import msgspec

from clarion.cli.output import View
from clarion.cli.remote_site import RemoteSite, list_in, part

YAML = "application/yaml"


class RemoteWorkflows(RemoteSite):
    """The part of an instance that is about workflows (`clarion.cli.instance`)."""

    def workflows(self) -> list[View]:
        return list_in(self._ask("GET", "workflows"), "workflows")

    def workflow(self, slug: str) -> View:
        return self._ask("GET", f"workflows/{part(slug)}")

    def plan(self, text: str) -> View:
        return self._ask("POST", "workflows/plan", text.encode(), YAML)

    def publish(self, text: str, runs: str) -> View:
        from clarion.workflow.source import read_document

        slug = read_document(text).workflow
        return self._ask("PUT", f"workflows/{part(slug)}{'' if runs == 'keep' else f'?runs={part(runs)}'}", text.encode(), YAML)

    def change_workflow(self, slug: str, change: str, skip_older_than: str | None) -> View:
        given = {} if skip_older_than is None else {"skip_older_than": skip_older_than}
        return self._ask("POST", f"workflows/{part(slug)}/{change}", msgspec.json.encode(given))

    def draft(self, slug: str) -> View:
        return self._ask("GET", f"workflows/{part(slug)}/draft")

    def save_draft(self, slug: str, text: str) -> View:
        return self._ask("PUT", f"workflows/{part(slug)}/draft", text.encode(), YAML)

    def discard_draft(self, slug: str) -> None:
        self._ask("DELETE", f"workflows/{part(slug)}/draft")

    def publish_draft(self, slug: str, runs: str) -> View:
        return self._ask("POST", f"workflows/{part(slug)}/publish", msgspec.json.encode({"runs": runs}))

    def duplicate(self, slug: str, new: str) -> View:
        return self._ask("POST", f"workflows/{part(slug)}/duplicate", msgspec.json.encode({"workflow": new}))

    def counters(self, slug: str, period: str, since: str | None, until: str | None) -> View:
        asked = [f"{name}={part(value)}" for name, value in (("period", period), ("since", since), ("until", until)) if value is not None]
        return self._ask("GET", f"workflows/{part(slug)}/counters?{'&'.join(asked)}")
