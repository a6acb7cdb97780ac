"""Secrets: what can be one, and that nobody sees a value again."""

import msgspec
import pytest

from clarion.control.errors import Invalid
from clarion.control.secrets import LONGEST_VALUE, MOST_SECRETS, list_secrets, remove_secret, secret_purpose, set_secret
from clarion.control.sites import create_site
from clarion.control.views import secret_view
from clarion.domain.secret_marks import OPENING
from clarion.store.port import NotFound, Store
from clarion.store.records.sites import Secret, Site
from clarion.vault import Vault

NOW = 1_790_000_000_000_000
VAULT = Vault(bytes(32))


@pytest.fixture
async def site(store: Store) -> Site:
    return await create_site(store, VAULT, "Shop", "mailto:ops@shop.example", NOW)


async def put(store: Store, site: Site, name: str, value: str = "hidden-value", now: int = NOW) -> Secret:
    return await set_secret(store, VAULT.seal, site, name, value, now)


def opened(secret: Secret) -> str:
    return VAULT.open(secret.sealed, secret_purpose(secret.site, secret.name)).decode()


async def test_a_secret_is_kept_sealed_and_replaced(store: Store, site: Site) -> None:
    other = await create_site(store, VAULT, "Other", "mailto:ops@shop.example", NOW)
    await put(store, site, "b", "one")
    await put(store, site, "a", "two")
    await put(store, other, "a", "three")
    kept = await put(store, site, "b", "four", NOW + 1)
    assert [(secret.name, opened(secret), secret.changed) for secret in await list_secrets(store, site)] == [
        ("a", "two", NOW),
        ("b", "four", NOW + 1),
    ]
    assert [opened(secret) for secret in await list_secrets(store, other)] == ["three"]
    assert b"four" not in kept.sealed
    assert secret_view(kept) == {"name": "b", "changed": NOW + 1}


async def test_a_secret_is_removed(store: Store, site: Site) -> None:
    await put(store, site, "a")
    await remove_secret(store, site, "a")
    assert await list_secrets(store, site) == []
    with pytest.raises(NotFound, match="there is no secret a — see: clarion secrets list"):
        await remove_secret(store, site, "a")


@pytest.mark.parametrize("name", ["a", "API_KEY_2", "x" * 64])
async def test_names(store: Store, site: Site, name: str) -> None:
    assert (await put(store, site, name)).name == name


@pytest.mark.parametrize("name", ["", "1a", "_a", "a-b", "a.b", "a b", "é", "a\n", "x" * 65])
async def test_names_that_are_none(store: Store, site: Site, name: str) -> None:
    with pytest.raises(Invalid, match="a secret's name is letters, digits and underscores"):
        await put(store, site, name)


@pytest.mark.parametrize("value", ["x", "x" * LONGEST_VALUE, "é" * (LONGEST_VALUE // 2), "-----BEGIN KEY-----\nab\n", " "])
async def test_values(store: Store, site: Site, value: str) -> None:
    assert opened(await put(store, site, "a", value)) == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "the value is empty"),
        ("x" * (LONGEST_VALUE + 1), "the value has 8193 bytes — use at most 8192"),
        ("é" * (LONGEST_VALUE // 2) + "x", "the value has 8193 bytes"),
        ("hidden\0", "the value holds a NUL character"),
        ("hidden\ud800", "half of a character"),
        (f"hidden{OPENING}", "U\\+FDD0"),
    ],
)
async def test_values_that_are_none(store: Store, site: Site, value: str, message: str) -> None:
    with pytest.raises(Invalid, match=message) as refused:
        await put(store, site, "a", value)
    assert refused.value.path == "value"
    assert "hidden" not in refused.value.message
    assert await list_secrets(store, site) == []


async def test_a_site_has_at_most_200(store: Store, site: Site) -> None:
    first = await put(store, site, "s0")
    for number in range(1, MOST_SECRETS):
        await store.put_secret(msgspec.structs.replace(first, name=f"s{number}"))
    with pytest.raises(Invalid, match="has 200 secrets already"):
        await put(store, site, "more")
    await put(store, site, "s7", "changed")
    await remove_secret(store, site, "s8")
    await put(store, site, "more")
