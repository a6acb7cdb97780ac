"""One database, one master key: nodes that work on the same sites have to have the same."""

import asyncio
import os

from clarion.cli.failures import Failure
from clarion.config import Settings
from clarion.control.sites import vapid_private_key, webhook_secret
from clarion.store.records.sites import Site
from clarion.stores import opened_store
from clarion.vault import MASTER_KEY_FILE, MASTER_KEY_VARIABLE, Vault, VaultError, open_vault


def require_master_key(settings: Settings) -> None:
    """Raise Failure unless this node's master key opens what the sites of the database have sealed; VaultError where it has none.

    With another one it would give the same browser another device_token_hash than its fellows do, and fail the deliveries that it takes.
    """
    vault = open_vault(settings.data, os.environ)
    for site in asyncio.run(_sites(settings)):
        if not opens(vault, site):
            raise Failure(
                f"the master key of {settings.data} is another than that of {settings.database_shown}: it does not open the secrets of site"
                f" {site.id} ({site.name}) — {take_the_right_one(settings)}"
            )


def opens(vault: Vault, site: Site) -> bool:
    """Whether a site's secrets open."""
    try:
        vapid_private_key(vault, site)
        webhook_secret(vault, site)
    except VaultError:
        return False
    return True


def take_the_right_one(settings: Settings) -> str:
    """What to do where a node has not the key of its database."""
    if settings.is_shared:
        return f"copy {MASTER_KEY_FILE} of a node that works to {settings.data}, mode 0600, or set {MASTER_KEY_VARIABLE} to what is in it"
    return f"restore {settings.data / MASTER_KEY_FILE} or set {MASTER_KEY_VARIABLE}"


async def _sites(settings: Settings) -> list[Site]:
    async with opened_store(settings) as store:
        return (await store.configuration()).sites
