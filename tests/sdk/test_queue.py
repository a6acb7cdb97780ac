"""The queue that pages fill before the script is there, and init."""

import pytest
from tests.sdk.conftest import Begin
from tests.sdk.fake import Fake
from tests.sdk.shop import Shop, Visit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_commands_from_before_the_script_run_in_order(shop: Shop, begin: Begin, fake: Fake) -> None:
    after = """
        window.ran = [];
        PushEngage.push(() => ran.push('first', PushEngage === Clarion));
        PushEngage.push(['subscribe']);
        PushEngage.push(['trackEvent', 'seen', {page: 1}], () => ran.push('last'));
    """
    shop.page("/queue", shop.snippet(after=after))
    visit = await begin("/queue")
    assert (await fake.asked("events/track")).body["data"] == {"page": 1}
    await visit.page.wait_for_function("ran.length === 3")
    assert await visit.page.evaluate("ran") == ["first", True, "last"]


async def test_commands_before_init_wait_for_it(shop: Shop, begin: Begin, fake: Fake) -> None:
    shop.page("/late", shop.snippet(before="PushEngage.push(['addSegment', 'news'], ['trackEvent', 'early'])"))
    visit = await begin()
    await visit.call("subscribe")
    await visit.go("/late")
    assert (await fake.asked("subscriber/segments/add")).body["segment"] == ["news"]
    assert (await fake.asked("events/track")).body["event_name"] == "early"


async def test_the_queue_has_the_other_name_too(shop: Shop, begin: Begin, fake: Fake) -> None:
    script = "<script>window.Clarion = [['init', {appId: 'app-1'}]]; Clarion.push(['subscribe'])</script>"
    shop.page("/clarion", f'{script}<script async src="{shop.api}/sdk/clarion.js"></script>')
    await begin("/clarion")
    await fake.asked("subscriber/add")


async def test_commands_after_the_script_run_at_once(visit: Visit, fake: Fake) -> None:
    await visit.page.evaluate("PushEngage.push(['subscribe'])")
    await fake.asked("subscriber/add")
    assert await visit.page.evaluate("new Promise((resolve) => PushEngage.push(() => resolve('called')))") == "called"


async def test_a_command_that_fails_stops_none_behind_it(shop: Shop, begin: Begin) -> None:
    wrong = "PushEngage.push(['constructor'], ['session'], ['push', ['subscribe']], () => { throw new Error('mine') }, ['identify', ''])"
    shop.page("/wrong", shop.snippet(before=wrong, after="PushEngage.push(() => window.reached = true)"))
    visit = await begin("/wrong")
    await visit.page.wait_for_function("window.reached")
    await visit.call("getSubscriberId")
    told = [warning for warning in visit.warnings if warning.startswith("Clarion: a command of the page failed.")]
    assert [name for name in ("constructor", "session", "push") if any(f'no method "{name}"' in warning for warning in told)] == [
        "constructor",
        "session",
        "push",
    ]
    assert any("mine" in warning for warning in told)
    assert len(told) == 5


async def test_the_script_may_be_loaded_twice(shop: Shop, begin: Begin, fake: Fake) -> None:
    shop.page("/twice", shop.snippet() + f'<script async src="{shop.api}/sdk/clarion.js"></script>')
    visit = await begin("/twice")
    await visit.page.wait_for_load_state()
    await visit.call("subscribe")
    assert len(fake.at("sites/app-1/sync/web")) == 1


async def test_init_said_again_is_the_same_and_for_another_app_an_error(visit: Visit, fake: Fake) -> None:
    assert await visit.call("init", {"appId": "app-1"}) is None
    assert len(fake.at("sites/app-1/sync/web")) == 1
    answer = await visit.call("init", {"appId": "app-2"})
    assert answer["rejected"]["message"] == "init was called before, for another app"


async def test_init_says_what_it_misses(shop: Shop, begin: Begin) -> None:
    shop.page("/bare", f'<script async src="{shop.api}/sdk/clarion.js"></script>')
    visit = await begin("/bare")
    for options, message, field in [
        ({}, "appId must be a string", "appId"),
        ({"appId": " "}, "appId must not be empty", "appId"),
        ({"appId": "app-1", "apiHost": "javascript:1"}, "apiHost must be the http or https address of the server", "apiHost"),
    ]:
        rejected = {"message": "Invalid data", "details": [{"message": message, "path": [field]}]}
        assert await visit.call("init", options) == {"rejected": rejected}
    assert await visit.call("init", {"appId": "app-1", "apiHost": shop.api + "/"}) is None


async def test_init_for_a_site_that_is_not_there_rejects(shop: Shop, begin: Begin, fake: Fake) -> None:
    fake.tell("sites/app-1/sync/web", 404)
    shop.page("/bare", f'<script async src="{shop.api}/sdk/clarion.js"></script>')
    visit = await begin("/bare")
    answer = await visit.call("init", {"appId": "app-1"})
    assert answer["rejected"]["message"] == "told 404"


async def test_what_the_site_was_stands_while_the_server_is_away(visit: Visit, fake: Fake) -> None:
    await visit.call("init", {"appId": "app-1"})
    fake.tell("sites/app-1/sync/web", 503)
    await visit.go()
    assert await visit.call("init", {"appId": "app-1"}) is None
    assert await visit.call("subscribe") == "hash-1"
