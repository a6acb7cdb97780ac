"""Sites: what is made with one, and what is kept of its secrets."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from clarion.control.api_keys import create_key, find_key, hash_api_key, list_keys, revoke_key
from clarion.control.errors import Invalid
from clarion.control.sites import create_site, find_site, vapid_private_key, webhook_secret
from clarion.store.port import NotFound, Store
from clarion.store.records.sites import Site
from clarion.vault import Vault, VaultError

NOW = 1_790_000_000_000_000
SUBJECT = "mailto:ops@shop.example"


@pytest.fixture
def vault() -> Vault:
    return Vault(bytes(32))


@pytest.fixture
async def site(store: Store, vault: Vault) -> Site:
    return await create_site(store, vault, " Shop ", SUBJECT, NOW, timezone="Europe/Berlin")


async def test_a_site_is_kept_as_it_was_made(store: Store, site: Site) -> None:
    assert (site.name, site.vapid_subject, site.timezone, site.created) == ("Shop", SUBJECT, "Europe/Berlin", NOW)
    assert len(site.app_id) == 32
    assert (await store.configuration()).sites == [site]


async def test_its_key_pair_fits_together(vault: Vault, site: Site) -> None:
    private = ec.derive_private_key(int.from_bytes(vapid_private_key(vault, site), "big"), ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert len(point) == 65
    assert base64.urlsafe_b64decode(site.vapid_public_key + "=") == point
    assert "=" not in site.vapid_public_key


async def test_its_webhook_secret_is_32_random_bytes(store: Store, vault: Vault, site: Site) -> None:
    secret = webhook_secret(vault, site)
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    other = await create_site(store, vault, "Other", SUBJECT, NOW)
    assert webhook_secret(vault, other) != secret
    assert (other.app_id, other.vapid_public_key) != (site.app_id, site.vapid_public_key)


async def test_no_secret_is_kept_readable(vault: Vault, site: Site) -> None:
    assert vapid_private_key(vault, site) not in site.vapid_private_sealed
    assert webhook_secret(vault, site).encode() not in site.webhook_secret_sealed
    with pytest.raises(VaultError):
        webhook_secret(Vault(bytes(31) + b"\x01"), site)


@pytest.mark.parametrize("subject", ["mailto:a@b.example", "https://shop.example", "https://shop.example/contact"])
async def test_a_subject_that_reaches_someone_is_taken(store: Store, vault: Vault, subject: str) -> None:
    assert (await create_site(store, vault, "Shop", subject, NOW)).vapid_subject == subject


@pytest.mark.parametrize(
    "subject",
    [
        *("", "ops@shop.example", "mailto:", "mailto:ops", "mailto:@", "http://shop.example", "https://", "https://["),
        *("mailto:ops@shop.example\n", "mailto:é@x.example", "mailto:a b@x.example", "mailto:" + "a" * 250 + "@x.example"),
    ],
)
async def test_a_subject_that_reaches_nobody_is_refused(store: Store, vault: Vault, subject: str) -> None:
    with pytest.raises(Invalid, match="vapid_subject cannot be used — give a mailto: address"):
        await create_site(store, vault, "Shop", subject, NOW)
    assert (await store.configuration()).sites == []


@pytest.mark.parametrize("timezone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Europe/Berlin\0"])
async def test_an_unknown_timezone_is_refused(store: Store, vault: Vault, timezone: str) -> None:
    with pytest.raises(Invalid, match="is unknown — give an IANA name"):
        await create_site(store, vault, "Shop", SUBJECT, NOW, timezone=timezone)


@pytest.mark.parametrize(
    ("name", "taken"), [("x", True), ("x" * 100, True), ("x" * 101, False), ("", False), ("  ", False), ("a\x1b[31m", False)]
)
async def test_names_have_limits(store: Store, vault: Vault, name: str, taken: bool) -> None:
    if taken:
        assert (await create_site(store, vault, name, SUBJECT, NOW)).name == name
    else:
        with pytest.raises(Invalid, match="name "):
            await create_site(store, vault, name, SUBJECT, NOW)


async def test_the_only_site_needs_no_name(store: Store, vault: Vault) -> None:
    with pytest.raises(NotFound, match="no site yet — run: clarion init"):
        await find_site(store, None)
    one = await create_site(store, vault, "One", SUBJECT, NOW)
    assert await find_site(store, None) == one
    two = await create_site(store, vault, "Two", SUBJECT, NOW)
    with pytest.raises(
        Invalid,
        match=rf"2 sites fit — name one by its id, with --site ID \(sites show ID, sites set ID\): {one.id} \(One\), {two.id} \(Two\)",
    ):
        await find_site(store, None)
    for named in (str(two.id), two.app_id, "Two"):
        assert await find_site(store, named) == two
    with pytest.raises(NotFound, match="no site Three — see: clarion sites list"):
        await find_site(store, "Three")


async def test_a_key_is_kept_as_a_hash_only(store: Store, site: Site) -> None:
    secret, key = await create_key(store, site, "backend", ("events", "read"), NOW)
    assert (key.site, key.name, key.scopes, key.created, key.revoked) == (site.id, "backend", ("events", "read"), NOW, None)
    assert key.hash == hash_api_key(secret)
    assert await list_keys(store, site) == [key]
    assert secret not in repr(key)


async def test_a_key_with_an_unknown_scope_is_not_made(store: Store, site: Site) -> None:
    with pytest.raises(Invalid, match="unknown scope root"):
        await create_key(store, site, "backend", ("root",), NOW)
    assert await list_keys(store, site) == []


async def test_revoking_again_changes_nothing(store: Store, site: Site) -> None:
    _, key = await create_key(store, site, "backend", ("events",), NOW)
    assert (await revoke_key(store, site, key.id, NOW + 1)).revoked == NOW + 1
    assert (await revoke_key(store, site, key.id, NOW + 2)).revoked == NOW + 1


async def test_another_sites_key_cannot_be_revoked(store: Store, vault: Vault, site: Site) -> None:
    _, key = await create_key(store, site, "backend", ("events",), NOW)
    other = await create_site(store, vault, "Other", SUBJECT, NOW)
    with pytest.raises(NotFound):
        await revoke_key(store, other, key.id, NOW)
    with pytest.raises(NotFound):
        await find_key(store, other, str(key.id))
    assert await list_keys(store, other) == []


async def test_a_key_is_found_by_id_beginning_and_whole(store: Store, site: Site) -> None:
    secret, key = await create_key(store, site, "backend", ("events",), NOW)
    for named in (str(key.id), key.prefix, secret):
        assert await find_key(store, site, named) == key
    for named in ("", "clk_", "nothing", secret[:8]):
        with pytest.raises(NotFound, match="see: clarion keys list"):
            await find_key(store, site, named)
