"""Keys and settings of the site over HTTP: nothing secret comes out, and subscribers are not lost by a rotation."""

import hashlib
import hmac

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.api.people.world import World

P8 = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ACCOUNT = {
    "type": "service_account",
    "project_id": "shop-1",
    "client_email": "push@shop-1.iam.gserviceaccount.com",
    "private_key_id": "abc123",
    "private_key": rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
}
APPLE = {"key": P8, "key_id": "ABCDE12345", "team_id": "TEAM123456", "topic": "com.example.shop", "sandbox": True}


async def test_rotation_keeps_subscribers_and_their_key(world: World) -> None:
    first = world.site.vapid_public_key
    old = await world.register("a")
    rotated = await world.post("/site/vapid/rotate", {})
    assert (rotated.data["vapid"], rotated.data["vapid_public_key"] == first) == (1, False)
    await world.directory.refresh()
    new = await world.register("b")
    kept = await world.register("c", vapid_public_key=first)
    numbers = [(await world.store.subscriber(world.site.id, one)).vapid for one in (old, new, kept)]
    assert numbers == [0, 1, 0]
    assert world.directory.vapid(world.site.id, 0).public == first
    assert world.directory.vapid(world.site.id).public == rotated.data["vapid_public_key"]
    [listed] = (await world.get("/site/keys")).data["keys"]
    assert (listed["kind"], listed["number"], listed["public"]) == ("vapid", 0, first)


async def test_a_contact_is_required_to_rotate(world: World) -> None:
    await world.ask("PATCH", "/site", {"vapid_subject": "mailto:operator@example.com"})
    assert (await world.post("/site/vapid/rotate", {})).status == 400
    assert (await world.post("/site/vapid/rotate", {"vapid_subject": "nobody"})).status == 400
    rotated = await world.post("/site/vapid/rotate", {"vapid_subject": "mailto:ops@shop.example"})
    assert (rotated.status, rotated.data["vapid_subject"], rotated.data["vapid"]) == (200, "mailto:ops@shop.example", 1)


async def test_the_identity_secret_is_shown_once_and_signs(world: World) -> None:
    assert not world.directory.is_signed(world.site.id, "ann", "0" * 64)
    secret = (await world.post("/site/identity/rotate", {})).data["identity_secret"]
    await world.directory.refresh()
    signature = hmac.new(secret.encode(), b"ann", hashlib.sha256).hexdigest()
    assert world.directory.is_signed(world.site.id, "ann", signature)
    for wrong in (signature.upper(), signature[:-1], signature + "0", "", "\udc80"):
        assert not world.directory.is_signed(world.site.id, "ann", wrong)
    assert not world.directory.is_signed(world.site.id, "bob", signature)
    for path in ("/site", "/site/keys"):
        assert secret[:8] not in (await world.get(path)).body.decode()
    again = (await world.post("/site/identity/rotate", {})).data["identity_secret"]
    await world.directory.refresh()
    assert again != secret
    assert not world.directory.is_signed(world.site.id, "ann", signature)


async def test_credentials_for_mobile_apps_go_in_and_do_not_come_out(world: World) -> None:
    assert (await world.ask("PUT", "/site/fcm", {"service_account": ACCOUNT})).status == 200
    assert (await world.ask("PUT", "/site/apns", APPLE)).status == 200
    await world.directory.refresh()
    google, apple = world.directory.fcm(world.site.id), world.directory.apns(world.site.id)
    assert google is not None
    assert apple is not None
    assert (google.project, apple.team, apple.topic) == ("shop-1", "TEAM123456", "com.example.shop")
    listed = await world.get("/site/keys")
    assert [one["kind"] for one in listed.data["keys"]] == ["fcm", "apns"]
    assert "PRIVATE" not in listed.body.decode()
    sealed = msgspec.json.encode((await world.store.configuration()).site_keys)
    assert P8.splitlines()[1].encode() not in sealed
    assert (await world.ask("DELETE", "/site/keys/fcm")).status == 200
    assert (await world.ask("DELETE", "/site/keys/fcm")).status == 404
    assert (await world.ask("DELETE", "/site/keys/vapid")).status == 400
    await world.directory.refresh()
    assert world.directory.fcm(world.site.id) is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("fcm", {}),
        ("fcm", {"service_account": "x"}),
        ("fcm", {"service_account": {**ACCOUNT, "private_key": P8}}),
        ("fcm", {"service_account": {**ACCOUNT, "token_uri": "https://evil.example/"}}),
        ("apns", {**APPLE, "key": "x"}),
        ("apns", {**APPLE, "key_id": "short"}),
        ("apns", {**APPLE, "sandbox": "yes"}),
    ],
)
async def test_credentials_that_cannot_be(world: World, path: str, body: object) -> None:
    refused = await world.ask("PUT", f"/site/{path}", body)
    assert refused.status == 400
    assert "PRIVATE" not in refused.body.decode()


async def test_origins_and_the_dangerous_switch(world: World) -> None:
    body = {"origins": ["https://Shop.example/", "https://shop.example:443", "http://localhost:8080"], "dangerous_unsigned_profiles": True}
    changed = (await world.ask("PATCH", "/site", body)).data
    assert (changed["origins"], changed["dangerous_unsigned_profiles"]) == (["https://shop.example", "http://localhost:8080"], True)
    assert (await world.ask("PATCH", "/site", {"origins": [f"https://s{n}.example" for n in range(100)]})).status == 200


@pytest.mark.parametrize(
    "origins",
    [
        "https://a.example",
        ["a.example"],
        ["https://a.example/path"],
        ["ftp://a.example"],
        ["https://*.example"],
        ["https://a.example:0"],
        ["https://a.example:65536"],
        [1],
        ["null"],
        [f"https://s{number}.example" for number in range(101)],
        ["https://" + "a" * 300],
    ],
)
async def test_origins_that_cannot_be(world: World, origins: object) -> None:
    assert (await world.ask("PATCH", "/site", {"origins": origins})).status == 400


async def test_only_admins_may(world: World) -> None:
    await world.register("a")
    for method, path in (("POST", "/site/vapid/rotate"), ("POST", "/site/identity/rotate"), ("GET", "/site/keys"), ("PUT", "/site/fcm")):
        assert (await world.ask(method, path, None if method == "GET" else {}, scope="write")).status == 403
