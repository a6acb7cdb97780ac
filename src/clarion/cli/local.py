"""A local data directory, also while a server is running on it."""

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar

from clarion.cli.failures import Failure
from clarion.cli.local_explain import LocalExplanations
from clarion.cli.local_moving import LocalMoving
from clarion.cli.local_operations import LocalOperations
from clarion.cli.local_people import LocalPeople
from clarion.cli.local_workflows import LocalWorkflows
from clarion.cli.output import View
from clarion.clock import wall_clock
from clarion.config import Settings, data_directory, load_settings
from clarion.contract.errors import event_id_conflict, too_large
from clarion.contract.limits import MAX_EVENT_BODY
from clarion.contract.track_event import read_event
from clarion.control import secrets, sites, views
from clarion.control.explain.people import Whom, find_profile
from clarion.fresh_ids import fresh_id
from clarion.intake import entry_from
from clarion.store.port import Store
from clarion.store.records.entries import Appended
from clarion.store.records.sites import Site
from clarion.stores import is_made, open_store
from clarion.vault import Vault, open_vault

Result = TypeVar("Result")


class LocalStore:
    """An open store with the event loop that it lives in. `with LocalStore(settings) as local: local.run(local.store.runs(…))`"""

    def __init__(self, settings: Settings) -> None:
        """Raises Failure if nothing was ever initialised there, and StoreError, which says what to do, where PostgreSQL lets nobody in."""
        if not is_made(settings):
            raise nothing_made(settings)
        self.settings = settings
        self.store: Store = open_store(settings)
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        try:
            self.run(self.store.open())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.run(self.store.close())
        finally:
            self._runner.close()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do one thing in the loop of the store and wait for it."""
        return self._runner.run(work)

    def vault(self) -> Vault:
        """The vault of this data directory."""
        return open_vault(self.settings.data, os.environ)

    def site(self, named: str | None) -> Site:
        """The site that is named, or the only one."""
        return self.run(sites.find_site(self.store, named))


def nothing_made(settings: Settings, advice: str = "run: clarion init") -> Failure:
    """What to say where there is no database, or an empty one."""
    if settings.is_shared:
        return Failure(f"the database {settings.database_shown} has no tables yet — {advice}")
    return Failure(f"there is no database at {settings.database_shown} — {advice}")


def local_store(data: Path | None) -> LocalStore:
    """The store of the data directory that `--data` or the environment names."""
    return LocalStore(load_settings(data_directory(data, os.environ)))


class LocalInstance(LocalWorkflows, LocalOperations, LocalExplanations, LocalPeople, LocalMoving):
    """One site of a local data directory."""

    def __init__(self, data: Path | None, site: str | None) -> None:
        self._local = local_store(data)
        self._named = site
        self._site: Site

    def __enter__(self) -> Self:
        self._local.__enter__()
        try:
            self._site = self._local.site(self._named)
        except BaseException:
            self._local.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._local.__exit__()

    def send_event(self, body: bytes) -> View:
        now = wall_clock()
        if len(body) > MAX_EVENT_BODY:
            raise too_large(MAX_EVENT_BODY)
        event = read_event(body, now=now, idempotency_key=None)
        store = self._local.store
        entry = entry_from(event, self._site.id, now, fresh_id(), store.partitions)
        [appended] = self._local.run(store.append([entry]))
        if appended is Appended.CONFLICT:
            raise event_id_conflict()
        return {"event_id": entry.id} if appended is Appended.STORED else {}

    def events(self, after: str, limit: int) -> tuple[list[View], str]:
        page = self._local.run(self._local.store.events(self._site.id, after, limit))
        return [views.event_view(row) for row in page.rows], page.cursor

    def secrets(self) -> list[View]:
        return [views.secret_view(secret) for secret in self._local.run(secrets.list_secrets(self._local.store, self._site))]

    def set_secret(self, name: str, value: str) -> View:
        seal = self._local.vault().seal
        return views.secret_view(self._local.run(secrets.set_secret(self._local.store, seal, self._site, name, value, wall_clock())))

    def remove_secret(self, name: str) -> None:
        self._local.run(secrets.remove_secret(self._local.store, self._site, name))

    def profile(self, profile_id: str) -> View:
        return self._profile(Whom(profile_id=profile_id))

    def subscriber(self, device_token_hash: str) -> View:
        return self._profile(Whom(device_token_hash=device_token_hash))

    def _profile(self, whom: Whom) -> View:
        return views.profile_view(self._local.run(find_profile(self._local.store, self._site, whom)))
