"""`clarion simulate`: documents under a virtual clock."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.cli.conftest import Cli

from clarion.api.openapi_simulate import simulate_schemas

CART = """workflow: cart
start: {on: [{event: add, where: {field: event.price, op: gte, value: 20}}], key: event.cart}
steps:
  - {id: hour, wait: {for: 1h}}
  - {id: remind, push: {title: "{{ cart }}", message: "\\u001b[31mm", url: "https://shop.example/"}}
  - {id: tell, http: {url: "https://shop.example/told"}}
  - {id: say, send_event: {event: said, data: {n: 1}}}
"""
SCENARIO = """name: One cart
starts: "2026-03-28T23:30"
site: {timezone: Europe/Berlin}
events:
  - {at: 0s, event: add, data: {cart: c1, price: 20}}
  - {at: 1m, event: other}
expect:
  - {at: 1h, push: remind}
  - {at: 1h, http: tell}
"""


@pytest.fixture
def cart(tmp_path: Path) -> Path:
    path = tmp_path / "cart.yaml"
    path.write_text(CART, encoding="utf-8")
    return path


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "one.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def replaced(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_it_says_what_happens_when_and_why(cli: Cli, cart: Path, scenario: Path) -> None:
    said = cli("simulate", cart, "--scenario", scenario)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "2026-03-28T22:30:00.000Z  add"
    assert lines[1].startswith("    cart: started run ")
    assert lines[1].endswith("event.price gte 20 — saw 20)")
    assert lines[2] == "    cart hour: waits until 2026-03-28T23:30:00.000Z"
    assert lines[3:5] == ["2026-03-28T22:31:00.000Z  other", "    nothing listens for it"]
    assert lines[5:7] == ["2026-03-28T23:30:00.000Z  timer", "    cart remind: sends a push"]
    assert lines[-8:] == [
        "",
        "messages",
        '  2026-03-28T23:30:00.000Z  event  cart: said {"n":1}',
        "  2026-03-28T23:30:00.000Z  push  cart remind: c1 | \N{REPLACEMENT CHARACTER}[31mm | https://shop.example/",
        "  2026-03-28T23:30:00.000Z  http  cart tell: POST https://shop.example/told",
        "",
        "runs",
        "  cart c1: completed at 2026-03-28T23:30:00.000Z",
    ]


def test_what_comes_otherwise_is_an_error(cli: Cli, cart: Path, scenario: Path) -> None:
    replaced(scenario, "{at: 1h, http: tell}", "{at: 2h, http: tell}")
    said = cli("simulate", cart, "--scenario", scenario)
    assert (said.code, said.err) == (1, "error: http tell at 2026-03-29T00:30:00.000Z came at 2026-03-28T23:30:00.000Z\n")
    assert "runs" in said.out


def test_it_says_where_it_stopped(cli: Cli, cart: Path, scenario: Path) -> None:
    replaced(scenario, "expect:\n  - {at: 1h, push: remind}\n  - {at: 1h, http: tell}", "until: 30m")
    said = cli("simulate", cart, "--scenario", scenario)
    assert said.code == 0
    assert said.out.endswith("  cart c1: waiting: hour\n\nstopped at 2026-03-28T23:00:00.000Z, with more to do\n")


def test_as_json(cli: Cli, cart: Path, scenario: Path) -> None:
    said = cli("simulate", cart, "--scenario", scenario, "--json")
    assert said.code == 0
    view: dict[str, Any] = said.json
    jsonschema.validate(view, simulate_schemas()["Simulation"])
    starts = 1_774_737_000_000_000
    assert (view["scenario"], view["differences"], view["complete"], view["ended"]) == ("One cart", [], True, starts + 3_600_000_000)
    assert [(one["kind"], one["step"]) for one in view["messages"]] == [("event", None), ("push", "remind"), ("http", "tell")]
    assert view["messages"][0]["content"] == {"name": "said", "data": {"n": 1}}
    assert [(line["at"] - starts, line["came"], line["what"]) for line in view["timeline"][:3]] == [
        (0, "add", "started"),
        (0, "add", "waiting"),
        (60_000_000, "other", "nothing"),
    ]
    [run] = view["runs"]
    assert (run["workflow"], run["key"], run["status"], run["profile_id"], run["paths"]) == ("cart", "c1", "completed", "customer", {})
    assert view["profile"] == {"profile_id": "customer", "attributes": {}, "segments": []}
    assert {"workflow": "cart", "step": None, "name": "completed", "branch": None, "count": 1} in view["counters"]
    replaced(scenario, "push: remind", "push: cart/remind")
    replaced(scenario, "{at: 1h, http: tell}", "{at: 1h, http: tell, method: GET}")
    said = cli("simulate", cart, "--scenario", scenario, "--json")
    assert (said.code, said.err) == (1, "")
    assert said.json["differences"] == ['http cart/tell at 2026-03-28T23:30:00.000Z: method is "POST", not "GET"']


def test_one_event_for_a_quick_try(cli: Cli, cart: Path) -> None:
    data = '{"cart": "c1", "price": 19.5}'
    said = cli("simulate", cart, "--event", "add", "--data", data, "--at", "2026-03-29T01:30", "--timezone", "Europe/Berlin")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("2026-03-29T00:30:00.000Z  add\n    cart: not started: start.on[0].where: event.price gte 20 — saw 19.5\n")
    assert said.out.endswith("\n\nnothing is sent\n\nno run starts\n")
    view = cli("simulate", cart, "--event", "add", "--data", data.replace("19.5", "20"), "--json").json
    assert [one["kind"] for one in view["messages"]] == ["event", "push", "http"]


def test_several_documents_hear_each_other(cli: Cli, cart: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("workflow: other\nstart: {on: [{event: said}]}\nsteps: []", encoding="utf-8")
    view = cli("simulate", cart, other, "--event", "add", "--data", '{"cart": "c1", "price": 20}', "--json").json
    assert [run["workflow"] for run in view["runs"]] == ["cart", "other"]


def test_what_is_wrong_with_the_files_is_told_with_their_lines(cli: Cli, cart: Path, scenario: Path) -> None:
    replaced(scenario, "at: 1m", "at: soon")
    failed = cli("simulate", cart, "--scenario", scenario)
    assert failed.code == 1
    assert failed.err.startswith(f"error: {scenario}: line 6, column 10: events[1].at: must be a duration")
    replaced(cart, "wait:", "wiat:")
    failed = cli("simulate", cart, "--scenario", scenario)
    assert (failed.code, failed.out) == (1, "")
    assert failed.err.startswith(f"error: {cart}: line 4, column ")


def test_a_scenario_of_other_steps_is_refused(cli: Cli, cart: Path, scenario: Path) -> None:
    replaced(scenario, "push: remind", "push: remnid")
    failed = cli("simulate", cart, "--scenario", scenario)
    assert (failed.code, failed.err) == (
        1,
        f"error: {scenario}: line 8, column 20: expect[0].push: there is no push step 'remnid' (did you mean 'remind'?)\n",
    )


def test_one_workflow_twice_is_refused(cli: Cli, cart: Path) -> None:
    failed = cli("simulate", cart, cart, "--event", "add")
    assert (failed.code, failed.err) == (1, f"error: {cart} and {cart} are both of workflow cart — give one of them\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "give either --scenario or --event"),
        (["--event", "add", "--scenario", "x.yaml"], "give either --scenario or --event"),
        (["--event", "add", "--data", "{"], "--data is no JSON — give one object, such as '{\"price\": 20}'"),
        (["--event", "add", "--data", "7"], "--data: must be an object"),
        (["--event", "add", "--data", '{"a": [1]}'], "--data: must be a string, a number, true or false"),
        (["--event", "add", "--at", "soon"], '--at: must be an ISO 8601 date such as "2026-03-02T10:00"'),
        (["--event", "add", "--timezone", "Berlin"], "--timezone: must be an IANA time zone such as Europe/Berlin"),
        (["--event", "x" * 65], "--event: must be at most 64 characters"),
    ],
)
def test_wrong_usage(cli: Cli, cart: Path, options: list[str], said: str) -> None:
    failed = cli("simulate", cart, *options)
    assert (failed.code, failed.out, failed.err) == (2, "", f"error: {said}\n")


def test_it_needs_no_data_directory(cli: Cli, cart: Path, scenario: Path, tmp_path: Path) -> None:
    assert cli("simulate", cart, "--scenario", scenario).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cart.yaml", "one.yaml"]
