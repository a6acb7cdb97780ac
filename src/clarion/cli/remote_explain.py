"""What happened and why, behind a URL."""

from urllib.parse import urlencode

from clarion.cli.output import View
from clarion.cli.remote_site import RemoteSite, part
from clarion.cli.whom import Whom


class RemoteExplanations(RemoteSite):
    """The part of an instance that explains (`clarion.cli.instance`)."""

    def explain_event(self, event: str) -> View:
        return self._ask("GET", f"events/{part(event)}/explanation")

    def explain_run(self, run: str) -> View:
        return self._ask("GET", f"runs/{part(run)}/history")

    def timeline(self, whom: Whom, workflow: str | None, limit: int, before: str | None) -> View:
        asked = {"workflow": workflow, "limit": limit, "before": before}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return self._ask("GET", f"{_place(whom)}/timeline?{query}")

    def absence(self, whom: Whom, workflow: str) -> View:
        return self._ask("GET", f"{_place(whom)}/workflows/{part(workflow)}/explanation")


def _place(whom: Whom) -> str:
    """Address of a person."""
    if whom.profile_id is not None:
        return f"profiles/{part(whom.profile_id)}"
    return f"subscribers/{part(whom.device_token_hash or '')}"
