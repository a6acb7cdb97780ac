"""What a process knows of sites and keys: current after a refresh, whatever is wrong with one of them."""

from pathlib import Path

import msgspec
import pytest

from clarion.control.api_keys import create_key, revoke_key
from clarion.control.secrets import remove_secret, set_secret
from clarion.control.sites import create_site
from clarion.directory import Directory
from clarion.store.port import StoreUnavailable
from clarion.store.sqlite.migrations import migrate
from clarion.store.sqlite.store import SqliteStore
from clarion.vault import Vault, VaultError

SUBJECT = "mailto:ops@shop.example"


@pytest.fixture
async def store(tmp_path: Path) -> SqliteStore:
    migrate(tmp_path / "clarion.db")
    opened = SqliteStore(tmp_path / "clarion.db")
    await opened.open()
    return opened


async def test_keys_scopes_and_revocation(store: SqliteStore) -> None:
    vault = Vault(bytes(32))
    site = await create_site(store, vault, "Shop", SUBJECT, 0)
    secret, key = await create_key(store, site, "server", ("events",), 0)
    directory = Directory(store, vault)
    assert directory.credential(secret.encode(), 5) is None
    await directory.refresh()
    found = directory.credential(secret.encode(), 5)
    assert found is not None
    assert (found.site, found.allows("events"), found.allows("read"), found.allows("admin")) == (site.id, True, False, False)
    assert directory.credential(secret[:-1].encode(), 5) is None
    await revoke_key(store, site, key.id, 6)
    await directory.refresh()
    assert directory.credential(secret.encode(), 7) is None
    await store.close()


async def test_usage_is_stored_and_kept_when_the_store_is_away(store: SqliteStore) -> None:
    vault = Vault(bytes(32))
    site = await create_site(store, vault, "Shop", SUBJECT, 0)
    secret, _ = await create_key(store, site, "server", ("admin",), 0)
    directory = Directory(store, vault)
    await directory.refresh()
    directory.credential(secret.encode(), 42)
    touch, store.touch_keys = store.touch_keys, _away  # type: ignore[method-assign]  # the store goes away
    with pytest.raises(StoreUnavailable):
        await directory.flush_usage()
    store.touch_keys = touch  # type: ignore[method-assign]
    await directory.flush_usage()
    [kept] = (await store.configuration()).keys
    assert kept.last_used == 42
    await store.close()


async def _away(used: object) -> None:
    raise StoreUnavailable("away")


async def test_a_site_whose_secrets_do_not_open_harms_nobody_else(store: SqliteStore) -> None:
    vault = Vault(bytes(32))
    good = await create_site(store, vault, "Good", SUBJECT, 0)
    secret, key = await create_key(store, good, "server", ("admin",), 0)
    foreign = await create_site(store, Vault(b"\1" * 32), "Foreign", SUBJECT, 0)
    await store.create_site(msgspec.structs.replace(foreign, app_id="torn", vapid_private_sealed=b""))
    directory = Directory(store, vault)
    await directory.refresh()
    assert directory.vapid(good.id).public == good.vapid_public_key
    with pytest.raises(KeyError):
        directory.vapid(foreign.id)
    await revoke_key(store, good, key.id, 1)
    await directory.refresh()
    assert directory.credential(secret.encode(), 2) is None
    await store.close()


async def test_secrets_are_those_of_the_last_refresh(store: SqliteStore) -> None:
    vault = Vault(bytes(32))
    site = await create_site(store, vault, "Shop", SUBJECT, 0)
    other = await create_site(store, vault, "Other", SUBJECT, 0)
    directory = Directory(store, vault)
    await set_secret(store, vault.seal, site, "KEY", "old", 1)
    assert directory.secret(site.id, "KEY") is None
    await directory.refresh()
    assert directory.secret(site.id, "KEY") == "old"
    assert directory.secret(site.id, "key") is None
    assert directory.secret(other.id, "KEY") is None
    await set_secret(store, directory.seal, site, "KEY", "new", 2)
    assert directory.secret(site.id, "KEY") == "old"
    await directory.refresh()
    assert directory.secret(site.id, "KEY") == "new"
    await remove_secret(store, site, "KEY")
    await directory.refresh()
    assert directory.secret(site.id, "KEY") is None
    await store.close()


async def test_a_secret_that_was_moved_to_another_name_or_site_does_not_open(store: SqliteStore) -> None:
    vault = Vault(bytes(32))
    site = await create_site(store, vault, "Shop", SUBJECT, 0)
    other = await create_site(store, vault, "Other", SUBJECT, 0)
    kept = await set_secret(store, vault.seal, site, "KEY", "hidden", 1)
    await store.put_secret(msgspec.structs.replace(kept, name="OTHER"))
    await store.put_secret(msgspec.structs.replace(kept, site=other.id))
    directory = Directory(store, vault)
    await directory.refresh()
    assert directory.secret(site.id, "KEY") == "hidden"
    for owner, name in ((site, "OTHER"), (other, "KEY")):
        with pytest.raises(VaultError) as refused:
            directory.secret(owner.id, name)
        assert "hidden" not in str(refused.value)
    await store.close()
