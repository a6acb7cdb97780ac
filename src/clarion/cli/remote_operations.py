"""Runs, inputs that were set aside and a site's settings over HTTP."""

from typing import Any

import msgspec

from clarion.cli.output import View
from clarion.cli.remote_site import RemoteSite, list_in, part


class RemoteOperations(RemoteSite):
    """The part of an instance that is about what goes on in it (`clarion.cli.instance`)."""

    def runs(self, workflow: str | None, status: str | None, limit: int) -> list[View]:
        asked = {"workflow": workflow, "status": status, "limit": str(limit)}
        query = "&".join(f"{name}={part(value)}" for name, value in asked.items() if value is not None)
        return list_in(self._ask("GET", f"runs?{query}"), "runs")

    def run(self, run: str) -> View:
        return self._ask("GET", f"runs/{part(run)}")

    def change_run(self, run: str, change: str, step: str | None, reason: str | None) -> View:
        given = {name: value for name, value in (("step", step), ("reason", reason)) if value is not None}
        return self._ask("POST", f"runs/{part(run)}/{change}", msgspec.json.encode(given))

    def poisoned(self, limit: int) -> list[View]:
        return list_in(self._ask("GET", f"poisoned?limit={limit}"), "poisoned")

    def retry_poisoned(self, id: str) -> View:
        return self._ask("POST", f"poisoned/{part(id)}/retry", b"{}")

    def discard_poisoned(self, id: str) -> View:
        return self._ask("DELETE", f"poisoned/{part(id)}")

    def change_site(self, settings: dict[str, Any]) -> View:
        return self._ask("PATCH", "site", msgspec.json.encode(settings))
