"""A workflow's life over HTTP: drafts, versions with runs in flight, draining, archiving, duplicates."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.server import Api, Server, command, unique

YAML = "application/yaml"


def document(slug: str, event: str, *steps: str, name: str = "x") -> str:
    """A workflow that waits at each of its steps."""
    lines = "".join(f"  - {{id: {step}, wait: {{for: 1d}}}} # stays\n" for step in steps)
    return f"workflow: {slug}\nname: {name}\nstart: {{on: [{{event: {event}}}]}}\nsteps:\n{lines}"


async def ok(api: Api, method: str, path: str, body: object = None, content_type: str = "application/json") -> Any:
    answer = await api.ask(method, path, body.encode() if isinstance(body, str) else body, content_type=content_type)
    assert answer.status == 200, answer
    return answer.json["data"]


async def refused(api: Api, method: str, path: str, body: object = None) -> tuple[int, str]:
    answer = await api.ask(method, path, body)
    assert answer.status >= 400, answer
    return answer.status, answer.json["error"].get("details", [{"message": ""}])[0]["message"]


async def start_run(api: Api, event: str, person: str) -> Any:
    await api.accept(event, profile_id=person)
    profile = await api.profile_when(person, lambda seen: seen["runs"])
    return profile["runs"][0]


async def run_when(api: Api, person: str, **fields: object) -> Any:
    """The person's only run as soon as it is as wanted."""
    seen = await api.profile_when(person, lambda seen: all(seen["runs"][0][name] == value for name, value in fields.items()))
    return seen["runs"][0]


async def test_a_draft_is_kept_as_it_stands_until_it_is_published(api: Api) -> None:
    slug = unique("draft")
    broken = await ok(api, "PUT", f"/workflows/{slug}/draft", "workflow: [", YAML)
    assert (broken["valid"], broken["source"], broken["document"]) == (False, "workflow: [", None)
    assert broken["problems"][0]["message"].startswith("not valid YAML")
    status, _ = await refused(api, "POST", f"/workflows/{slug}/publish")
    assert status == 400
    text = document(slug, "never-sent", "hour")
    assert (await ok(api, "PUT", f"/workflows/{slug}/draft", text, YAML))["valid"]
    shown = await api.get(f"/workflows/{slug}")
    assert (shown["status"], shown["version"], "source" in shown) == ("draft", 0, False)
    assert shown["draft"] is not None
    assert (await api.get(f"/workflows/{slug}/draft"))["source"] == text

    published = await ok(api, "POST", f"/workflows/{slug}/publish")
    assert (published["version"], published["status"], published["created"]) == (1, "active", True)
    assert await api.get(f"/workflows/{slug}/draft") is None
    assert await refused(api, "POST", f"/workflows/{slug}/publish", {}) == (
        409,
        f"{slug} has no draft to publish — save one: clarion workflows draft FILE",
    )

    await ok(api, "PUT", f"/workflows/{slug}/draft", document(slug, "never-sent", "day"), YAML)
    [row] = [row for row in (await api.get("/workflows"))["workflows"] if row["workflow"] == slug]
    assert (row["status"], row["version"], row["draft"] is None) == ("active", 1, False)
    await ok(api, "DELETE", f"/workflows/{slug}/draft")
    assert (await refused(api, "DELETE", f"/workflows/{slug}/draft"))[0] == 404


async def test_a_document_can_be_published_in_the_drafts_place(api: Api) -> None:
    slug = unique("text")
    text = document(slug, "never-sent", "hour", name="ä" * 200)
    made = await ok(api, "POST", f"/workflows/{slug}/publish", {"document": text, "runs": "end"})
    assert (made["version"], made["created"], made["reactivated"]) == (1, True, False)
    assert (await api.get(f"/workflows/{slug}"))["source"] == text
    assert (await refused(api, "POST", f"/workflows/{slug}/publish", {"document": document("other", "e")}))[0] == 400
    status, message = await refused(api, "POST", f"/workflows/{slug}/publish", {"runs": "restart"})
    assert (status, message) == (400, "runs must be one of keep, move, end")
    for body in ({"document": 5}, {"documents": text}, [1]):
        assert (await refused(api, "POST", f"/workflows/{slug}/publish", body))[0] == 400


async def test_a_long_document_fits_into_json(api: Api) -> None:
    slug = unique("long")
    comments = "# \N{GRINNING FACE}\n" * 40_000
    text = document(slug, "never-sent", "hour")
    text += comments[: (256 * 1024 - len(text.encode())) // 7 * 4]
    assert 255 * 1024 < len(text.encode()) <= 256 * 1024
    assert (await ok(api, "POST", f"/workflows/{slug}/publish", {"document": text}))["version"] == 1
    longer = {"document": text + "# more\n" * 200}
    assert (await refused(api, "POST", f"/workflows/{slug}/publish", longer))[0] == 400


@pytest.mark.parametrize(
    ("runs", "stays", "goes"),
    [
        ("keep", {"version": 1, "status": "waiting"}, {"version": 1, "status": "waiting"}),
        ("move", {"version": 2, "status": "waiting"}, {"status": "exited", "reason": "step_removed"}),
        ("end", {"status": "exited", "reason": "ended"}, {"status": "exited", "reason": "ended"}),
    ],
)
async def test_a_plan_says_what_publishing_does_to_runs(api: Api, runs: str, stays: dict[str, object], goes: dict[str, object]) -> None:
    slug, event, one, other = unique("plan"), unique("go"), unique("ann"), unique("bob")
    await ok(api, "PUT", f"/workflows/{slug}", document(slug, event, "hour", "day"), YAML)
    await start_run(api, event, one)
    moved = await start_run(api, event, other)
    await ok(api, "POST", f"/runs/{moved['run_id']}/move", {"step": "day"})
    await run_when(api, other, step="day")

    text = document(slug, event, "hour", "week")
    plan = await ok(api, "POST", "/workflows/plan", text, YAML)
    assert (plan["version"], plan["in_flight"], plan["steps"]["added"], plan["steps"]["removed"]) == (2, 2, ["week"], ["day"])
    assert plan["runs"] == {
        "keep": {"finish": 2},
        "move": {"go_on": 1, "exit": 1, "exit_by_step": {"day": 1}},
        "end": {"exit": 2},
    }
    assert (await ok(api, "PUT", f"/workflows/{slug}?runs={runs}", text, YAML))["version"] == 2
    await api.place(one, other)
    await run_when(api, one, **stays)
    await run_when(api, other, **goes)


async def test_draining_starts_nothing_and_archiving_ends_runs(api: Api) -> None:
    slug, event, person, late = unique("drain"), unique("go"), unique("ann"), unique("late")
    text = document(slug, event, "hour")
    await ok(api, "PUT", f"/workflows/{slug}", text, YAML)
    await start_run(api, event, person)
    assert (await ok(api, "POST", f"/workflows/{slug}/drain"))["status"] == "draining"
    await api.accept(event, profile_id=late)
    assert (await api.verdict(late, slug, event))["verdict"] == "draining"
    assert (await run_when(api, person, status="waiting"))["step"] == "hour"

    assert (await ok(api, "POST", f"/workflows/{slug}/activate"))["status"] == "active"
    await start_run(api, event, late)
    assert (await ok(api, "POST", f"/workflows/{slug}/archive", {}))["status"] == "archived"
    for whom in (person, late):
        await run_when(api, whom, status="exited", reason="archived")
    status, message = await refused(api, "POST", f"/workflows/{slug}/pause")
    assert (status, message.partition(" — ")[0]) == (409, f"{slug} is archived and cannot be paused")

    again = await ok(api, "POST", f"/workflows/{slug}/publish")
    assert (again["status"], again["version"], again["created"], again["reactivated"]) == ("active", 1, False, True)
    newest = unique("newest")
    run = await start_run(api, event, newest)
    assert (run["status"], run["version"]) == ("waiting", 1)


async def test_a_duplicate_starts_as_a_draft_with_the_comments(api: Api) -> None:
    slug, new = unique("one"), unique("two")
    text = document(slug, "never-sent", "hour")
    await ok(api, "PUT", f"/workflows/{slug}", text, YAML)
    made = await ok(api, "POST", f"/workflows/{slug}/duplicate", {"workflow": new})
    assert (made["workflow"], made["valid"], made["source"]) == (new, True, text.replace(slug, new))
    assert (await refused(api, "POST", f"/workflows/{slug}/duplicate", {"workflow": new}))[0] == 409
    for body in ({}, {"workflow": 5}, {"workflow": "No Slug"}, {"workflow": new, "name": "x"}):
        assert (await refused(api, "POST", f"/workflows/{slug}/duplicate", body))[0] == 400


async def test_the_commands_do_the_same_over_http(server: Server, tmp_path: Path) -> None:
    slug = unique("command")
    file = tmp_path / "w.yaml"
    file.write_text(document(slug, "never-sent", "hour"))

    def run(*arguments: object) -> Any:
        return command("workflows", *arguments, "--server", server.url, "--key", server.key)

    assert (await asyncio.to_thread(run, "draft", file))["valid"]
    assert (await asyncio.to_thread(run, "publish", slug, "--runs", "move"))["version"] == 1
    assert (await asyncio.to_thread(run, "plan", file))["unchanged"]
    assert (await asyncio.to_thread(run, "drain", slug))["status"] == "draining"
    assert (await asyncio.to_thread(run, "counters", slug, "--period", "day"))["counters"] == []
