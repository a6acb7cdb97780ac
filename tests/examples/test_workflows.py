"""`examples/workflows`: every document is one that Clarion takes."""

import asyncio
from pathlib import Path

import pytest
from tests.e2e.server import Api, Server, command
from tests.examples.conftest import EXAMPLES

FILES = sorted((EXAMPLES / "workflows").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
async def test_it_is_valid(file: Path) -> None:
    [judged] = await asyncio.to_thread(command, "workflows", "validate", file)
    assert (judged["valid"], judged["workflow"], judged["problems"]) == (True, file.stem, [])


async def test_a_cart_that_is_bought_is_not_reminded_of(server: Server, api: Api) -> None:
    await server.run("workflows", "apply", EXAMPLES / "workflows" / "abandoned-cart.yaml")
    await api.accept("add_to_cart", profile_id="cheap", data={"cart_id": "c1", "price": 19.99})
    await api.accept("add_to_cart", profile_id="buyer", data={"cart_id": "c2", "price": 20})
    await api.accept("purchase", profile_id="buyer", data={"cart_id": "another"})
    assert (await api.verdict("cheap", "abandoned-cart", "add_to_cart"))["verdict"] == "where"
    await api.place("buyer")
    assert [run["status"] for run in (await api.profile("buyer"))["runs"] if run["workflow"] == "abandoned-cart"] == ["waiting"]
    await api.accept("purchase", profile_id="buyer", data={"cart_id": "c2"})
    assert (await api.verdict("buyer", "abandoned-cart", "purchase"))["verdict"] == "exited"
