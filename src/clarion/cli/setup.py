"""What `init` and `serve --init` do to a fresh data directory; each part only if it is not done yet, so a crash on the way heals."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from clarion.cli.failures import Failure
from clarion.cli.master_key import opens, take_the_right_one
from clarion.cli.output import View
from clarion.clock import wall_clock
from clarion.config import FILE, Settings, default_file
from clarion.control.api_keys import create_key, list_keys
from clarion.control.scopes import SCOPES
from clarion.control.sites import create_site
from clarion.control.views import site_view
from clarion.control.workflows import publish_workflow
from clarion.fresh_ids import fresh_id
from clarion.store.records.sites import Site
from clarion.stores import is_made, migrate_store, one_at_a_time, opened_store
from clarion.vault import MASTER_KEY_FILE, MASTER_KEY_VARIABLE, Vault, create_master_key, open_vault

EXAMPLE: Final = Path(__file__).parent / "welcome.yaml"


class Prepared(msgspec.Struct, frozen=True):
    """What a data directory has now."""

    site: View
    key: str | None
    """The new API key; None if the directory was ready before."""
    workflow: str | None
    """Slug of the example workflow, if it was published now."""


def prepare(settings: Settings, name: str, vapid_subject: str, timezone: str = "UTC") -> Prepared:
    """Make the data directory ready, and the database that it names; one that another machine has made ready is found so.

    Raises Failure, and whatever the vault, the store and `clarion.control` raise.
    """
    _make_directory(settings.data)
    with one_at_a_time(settings):
        made = is_made(settings)
        if settings.database is not None:
            _require_key(settings, needed=made)  # before the file is there: a crash in between leaves a key without a database
        if not made:
            migrate_store(settings)
        return asyncio.run(_fill(settings, name, vapid_subject, timezone))


def _make_directory(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            suppress(FileExistsError),
            open(data / FILE, "x", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file,
        ):
            file.write(default_file())
    except OSError as error:
        raise Failure(f"{data} cannot be made a data directory: {error.strerror} — choose another with --data") from None


def _require_key(settings: Settings, *, needed: bool) -> Vault:
    """The vault; with a new master key where there is none, unless one is `needed` that opens what is sealed already."""
    present = (settings.data / MASTER_KEY_FILE).exists() or MASTER_KEY_VARIABLE in os.environ
    if not present and needed:
        raise Failure(f"{settings.database_shown} is there but its master key is not — {take_the_right_one(settings)}")
    if not present:
        create_master_key(settings.data)
    return open_vault(settings.data, os.environ)


async def _fill(settings: Settings, name: str, vapid_subject: str, timezone: str) -> Prepared:
    async with opened_store(settings) as store:
        known = (await store.configuration()).sites
        vault = _require_key(settings, needed=bool(known))
        if settings.is_shared and not all(opens(vault, site) for site in known):
            raise Failure(f"the master key of {settings.data} is not that of {settings.database_shown} — {take_the_right_one(settings)}")
        now = wall_clock()
        site: Site = known[0] if known else await create_site(store, vault, name, vapid_subject, now, timezone=timezone)
        if len(known) > 1 or await list_keys(store, site):
            return Prepared(site_view(site), None, None)
        row, _ = await publish_workflow(store, site, EXAMPLE.read_text(encoding="utf-8"), now, fresh_id)
        # The key comes last: it is what says that all the rest is there, and it is shown once.
        secret, _ = await create_key(store, site, "first key", SCOPES, now)
        return Prepared(site_view(site), secret, row.workflow)
