"""`POST /api/v1/simulate`: what would be sent, and why, without anything happening."""

import asyncio
from typing import Any

import pytest
from tests.cli.test_simulate import CART, SCENARIO
from tests.e2e.server import Api, Server, eventually, unique

from clarion.api.routes.simulate import LARGEST_BODY, MOST_DOCUMENTS
from clarion.workflow.text import read_text

DOCUMENT: Any = read_text(CART)[0]
WORLD: Any = read_text(SCENARIO)[0]


async def simulate(api: Api, documents: Any, scenario: Any) -> Any:
    answer = await api.ask("POST", "/simulate", {"documents": documents, "scenario": scenario})
    assert answer.status == 200, answer.body
    return answer.json["data"]


async def problems(api: Api, body: object, status: int = 400) -> list[tuple[str, list[str]]]:
    answer = await api.ask("POST", "/simulate", body)
    assert answer.status == status
    return [(one["message"], one["path"]) for one in answer.json["error"]["details"]]


async def test_texts_and_objects_give_the_same(api: Api) -> None:
    before = await api.place()
    views = [await simulate(api, [document], scenario) for document in (CART, DOCUMENT) for scenario in (SCENARIO, WORLD)]
    assert all(view == views[0] for view in views)
    assert (views[0]["differences"], views[0]["complete"]) == ([], True)
    assert [(one["kind"], one["step"]) for one in views[0]["messages"]] == [("event", None), ("push", "remind"), ("http", "tell")]
    assert await api.events_since(before) == []


async def test_what_comes_otherwise_is_told(api: Api) -> None:
    view = await simulate(api, [CART], WORLD | {"expect": []})
    assert view["differences"] == [
        "push cart/remind at 2026-03-28T23:30:00.000Z was not expected",
        "http cart/tell at 2026-03-28T23:30:00.000Z was not expected",
    ]


async def test_problems_have_their_places_in_the_request(api: Api) -> None:
    bad = CART.replace("wait:", "wiat:")
    [(message, path)] = await problems(api, {"documents": [CART, bad], "scenario": SCENARIO})
    assert message.startswith("line 4, column ")
    assert path[:4] == ["documents", "1", "steps", "0"]
    assert [path for _, path in await problems(api, {"documents": [DOCUMENT], "scenario": WORLD | {"until": "soon"}})] == [
        ["scenario", "until"]
    ]
    twice = await problems(api, {"documents": [CART, DOCUMENT], "scenario": SCENARIO})
    assert twice == [("documents[1]: another document is of workflow cart already", ["documents", "1"])]
    unknown = await problems(api, {"documents": [CART], "scenario": WORLD | {"ends": {"card": "completed"}}})
    assert unknown == [("scenario.ends.card: there is no workflow 'card' (did you mean 'cart'?)", ["scenario", "ends", "card"])]
    [(message, path)] = await problems(api, {"documents": [CART], "scenario": f"{SCENARIO}\ngoals: {{card: {{}}}}\n"})
    assert (message.partition(", ")[0], path) == (f"line {len(SCENARIO.splitlines()) + 2}", ["scenario", "goals", "card"])
    assert await problems(api, {"documents": [CART]}) == [("scenario: must be an object", ["scenario"])]


@pytest.mark.parametrize("documents", [None, CART, [], [DOCUMENT | {"workflow": f"w{n}"} for n in range(MOST_DOCUMENTS + 1)]])
async def test_one_to_twenty_documents(api: Api, documents: object) -> None:
    [(message, path)] = await problems(api, {"documents": documents, "scenario": SCENARIO})
    assert (message, path) == ("documents must be a list of 1 to 20 documents", ["documents"])


async def test_twenty_documents(api: Api) -> None:
    view = await simulate(api, [DOCUMENT | {"workflow": f"w{n}"} for n in range(MOST_DOCUMENTS)], WORLD | {"expect": []})
    assert len(view["runs"]) == MOST_DOCUMENTS


async def test_a_body_that_is_none(api: Api) -> None:
    assert await problems(api, []) == [("Request body must be a JSON object", [])]
    answer = await api.ask("POST", "/simulate", CART, content_type="application/yaml")
    assert answer.status == 400
    [(message, _)] = await problems(api, {"documents": [CART], "scenario": "#" * LARGEST_BODY}, 413)
    assert message == f"Request body must be at most {LARGEST_BODY} bytes"


async def test_events_are_taken_while_a_loop_is_simulated(api: Api, server: Server) -> None:
    steps = [{"id": f"s{n}", "send_event": {"event": "add"}} for n in range(5)]
    loop = {"workflow": "loop", "start": {"on": [{"event": "add"}], "while_running": "parallel"}, "steps": steps}
    scenario = {"starts": "2026-03-28", "events": [{"at": "0s", "event": "add"}] * 1000}
    async with server.api() as other:
        simulating, taken = asyncio.create_task(simulate(other, [loop], scenario)), 0
        while not simulating.done():
            await api.accept(unique("meanwhile"), profile_id="p")
            taken += 1
        assert (await simulating)["complete"] is False
    assert taken > 1


async def test_it_needs_the_scope_read(server: Server) -> None:
    made = await server.run("keys", "create", "--name", "events only", "--scopes", "events")
    async with server.api(made["key"]) as other:
        answer = await eventually(lambda: other.ask("POST", "/simulate", {}), lambda answer: answer.status != 401)
        assert answer.status == 403
    made = await server.run("keys", "create", "--name", "reader", "--scopes", "read")
    async with server.api(made["key"]) as reader:
        await eventually(lambda: reader.ask("GET", "/log"), lambda answer: answer.status != 401)
        assert (await simulate(reader, [CART], SCENARIO))["complete"] is True
