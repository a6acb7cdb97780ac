"""What happened and why, in a local data directory."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import msgspec

from clarion.cli.output import View
from clarion.cli.whom import Whom
from clarion.control import explain
from clarion.control.explain.place import read_place
from clarion.store.records.sites import Site

if TYPE_CHECKING:
    from clarion.cli.local import LocalStore


class LocalExplanations:
    """The part of an instance that explains (`clarion.cli.instance`)."""

    _local: "LocalStore"
    _site: Site

    def explain_event(self, event: str) -> View:
        return self._view(explain.explain_event(self._local.store, self._site, event))

    def explain_run(self, run: str) -> View:
        return self._view(explain.explain_run(self._local.store, self._site, run))

    def timeline(self, whom: Whom, workflow: str | None, limit: int, before: str | None) -> View:
        place = None if before is None else read_place(before)
        return self._view(explain.explain_person(self._local.store, self._site, explain.Whom(*whom), workflow, limit, place))

    def absence(self, whom: Whom, workflow: str) -> View:
        return self._view(explain.explain_absence(self._local.store, self._site, explain.Whom(*whom), workflow))

    def _view(self, work: Coroutine[Any, Any, object]) -> View:
        view: View = msgspec.to_builtins(self._local.run(work))
        return view
