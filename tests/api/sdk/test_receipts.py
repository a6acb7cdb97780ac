"""`notification/…`: receipts of pushes, which a token proves."""

import pytest
from tests.api.sdk.world import HASH, OTHER, SHOP, World

DELIVERY = "d" * 32


@pytest.fixture
def token(world: World) -> str:
    """Of a push that went to the shop's subscriber."""
    world.store.send(1, DELIVERY, HASH)
    return world.directory.receipt_token(1, DELIVERY, 0)


@pytest.mark.parametrize(("word", "event"), [("view", "viewed"), ("click", "clicked"), ("close", "closed")])
async def test_a_receipt_is_noted_once(world: World, token: str, word: str, event: str) -> None:
    assert await world.data("POST", f"notification/{word}", {"token": token}) == {"counted": True}
    assert await world.data("POST", f"notification/{word}", {"token": token}) == {"counted": False}
    [(kind, receipt)] = world.bodies
    assert (kind, receipt["event"], receipt["delivery"], receipt["subscriber"]) == ("receipt", event, DELIVERY, HASH)


@pytest.mark.parametrize(("action", "noted"), [(0, 0), (1, 1), ("1", 1), (2, None), (None, None), (True, None), ("buy", None), ([], None)])
async def test_of_a_click_the_button_is_noted(world: World, token: str, action: object, noted: int | None) -> None:
    assert await world.data("POST", "notification/click", {"token": token, "action": action}) == {"counted": True}
    [(_, receipt)] = world.bodies
    assert receipt.get("action") == noted


async def test_only_a_click_has_a_button(world: World, token: str) -> None:
    assert await world.data("POST", "notification/view", {"token": token, "action": 0}) == {"counted": True}
    assert "action" not in world.bodies[0][1]


@pytest.mark.parametrize("change", ["", "x", "delivery", "mac", "partition"])
async def test_a_forged_token_is_404(world: World, token: str, change: str) -> None:
    partition, delivery, mac = token.split(".")
    forged = {
        "": "0" * 255,
        "x": token + "x",
        "delivery": f"{partition}.{'e' * 32}.{mac}",
        "mac": f"{partition}.{delivery}.{'A' * len(mac)}",
        "partition": f"1.{delivery}.{mac}",
    }[change]
    assert await world.status("POST", "notification/click", {"token": forged}) == 404
    assert not world.store.entries


async def test_a_token_of_another_site_is_404(world: World, token: str) -> None:
    for how in ({"site_id": 2}, {"app_id": OTHER}):
        assert await world.status("POST", "notification/view", {"token": token, **how}) == 404
    assert await world.status("POST", f"notification/view?app_id={OTHER}", {"token": token}) == 404
    theirs = world.directory.receipt_token(2, DELIVERY, 0)
    assert await world.status("POST", "notification/view", {"token": theirs, "app_id": SHOP}) == 404
    assert not world.store.entries
    assert await world.data("POST", f"notification/view?app_id={SHOP}", {"token": token, "site_id": 1}) == {"counted": True}


async def test_of_what_is_kept_no_more_there_is_nothing_to_note(world: World) -> None:
    forgotten = world.directory.receipt_token(1, "f" * 32, 0)
    assert await world.data("POST", "notification/view", {"token": forgotten}) == {"counted": False}


@pytest.mark.parametrize("body", [{}, {"token": None}, {"token": 1}, {"token": ""}, {"token": "x" * 256}, []])
async def test_without_a_token_it_is_400(world: World, body: object) -> None:
    assert await world.status("POST", "notification/view", body) == 400


async def test_the_mobile_sdks_say_it_in_the_query(world: World, token: str) -> None:
    query = f"device_token_hash={HASH}&tag={token}&action=1&device_type=14&device=mobile&swv=1.0.0&timezone=%2B02%3A00"
    assert await world.data("GET", f"notification/click?{query}", None, f"X-Pe-App-Id: {SHOP}") == {"counted": True}
    assert world.bodies[0][1]["action"] == 1
    assert await world.status("GET", "notification/view?tag=4711") == 404
    assert await world.status("PUT", f"notification/view?tag={token}") == 405
