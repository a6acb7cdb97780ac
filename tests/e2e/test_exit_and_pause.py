"""What keeps a message from being sent: an exit rule, and an operator's pause."""

import asyncio

from tests.delivery.receiver import receiving
from tests.e2e.server import Api, Server, unique


async def test_a_purchase_during_the_wait_prevents_the_message(server: Server, api: Api) -> None:
    slug, cart, purchase, buyer, other = unique("cart"), unique("cart"), unique("purchase"), unique("buyer"), unique("other")
    async with receiving() as shop:
        await server.apply(
            {
                "workflow": slug,
                "start": {"on": [{"event": cart}], "key": "event.cart_id"},
                "exit": [
                    {"event": purchase, "where": {"all": [{"field": "event.cart_id", "op": "eq", "value": {"from": "entry.cart_id"}}]}}
                ],
                "steps": [
                    {"id": "pause", "wait": {"for": "1s"}},
                    {"id": "tell", "http": {"url": shop.url, "body": {"cart": "{{ cart_id }}", "who": "{{ profile.id }}"}}},
                ],
            }
        )
        await api.accept(cart, profile_id=buyer, data={"cart_id": "1"})
        await api.accept(cart, profile_id=buyer, data={"cart_id": "2"})
        await api.accept(purchase, profile_id=buyer, data={"cart_id": "1"})
        # this one began later: once its message is here, the time of the others has passed
        await api.accept(cart, profile_id=other, data={"cart_id": "3"})
        await shop.wait_for(2)
        told = sorted(request.body for request in shop.requests)
        assert told == [f'{{"cart":"{cart_id}","who":"{who}"}}'.encode() for cart_id, who in (("2", buyer), ("3", other))]

        profile = await api.profile(buyer)
        runs = {run["key"]: run for run in profile["runs"]}
        assert (runs["1"]["status"], runs["1"]["reason"]) == ("exited", f"event {purchase}")
        assert (runs["2"]["status"], runs["2"]["reason"]) == ("completed", None)
        verdict = await api.verdict(buyer, slug, purchase)
        assert (verdict["verdict"], verdict["run"]) == ("exited", runs["1"]["run_id"])


async def test_a_paused_workflow_starts_nothing_holds_its_runs_and_goes_on(server: Server, api: Api) -> None:
    paused, running, event, person = unique("paused"), unique("running"), unique("go"), unique("kim")
    async with receiving() as held, receiving() as free:
        for slug, shop in ((paused, held), (running, free)):
            steps = [{"id": "pause", "wait": {"for": "3s"}}, {"id": "tell", "http": {"url": shop.url}}]
            start = {"on": [{"event": event}], "while_running": "parallel"}
            await server.apply({"workflow": slug, "start": start, "steps": steps})
        await api.accept(event, profile_id=person)
        assert (await api.ask("POST", f"/workflows/{paused}/pause")).json["data"]["status"] == "paused"  # sooner than the pause is over

        # in flight: its timer comes due and it stays where it is
        await free.wait_for(1)
        profile = await api.profile_when(person, lambda seen: any(run["held"] for run in seen["runs"]))
        runs = {run["workflow"]: run for run in profile["runs"]}
        assert (runs[paused]["status"], runs[paused]["step"], runs[paused]["held"]) == ("waiting", "pause", True)
        assert runs[running]["status"] == "completed"

        # new: refused, with the reason
        await api.accept(event, profile_id=person)
        verdict = await api.verdict(person, paused, event)
        assert verdict["verdict"] == "paused"
        assert held.requests == []

        assert (await server.run("workflows", "resume", paused))["status"] == "active"
        await held.wait_for(1)
        await api.profile_when(person, lambda seen: all(run["status"] == "completed" for run in seen["runs"] if run["workflow"] == paused))
        await api.accept(event, profile_id=person)
        await asyncio.gather(held.wait_for(2), free.wait_for(3))
        assert (len(held.requests), len(free.requests)) == (2, 3)
