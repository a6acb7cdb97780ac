"""A browser, the site that it visits, and the server that the SDK talks to."""

from collections.abc import AsyncIterator, Awaitable, Callable
from inspect import signature
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext
from tests.browsers.chromium import chromium
from tests.installed import installed
from tests.sdk.built import built_sdk
from tests.sdk.fake import Fake
from tests.sdk.shop import Shop, Visit, hosting, person


@pytest.fixture(scope="session")
def built() -> Path:
    """Where the SDK's files are."""
    return built_sdk()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(built: Path) -> AsyncIterator[Browser]:
    """Debian's Chromium, one for all tests of a process."""
    async with chromium(installed("chromium", "the browser SDK in Chromium")) as browser:
        yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def everybody(browser: Browser) -> AsyncIterator[BrowserContext]:
    """What tests share that have nothing to keep for themselves but the site's origin."""
    async with person(browser) as context:
        await context.new_page()  # keeps the process of the tabs there between two tests
        yield context


@pytest_asyncio.fixture(loop_scope="session")
async def served() -> AsyncIterator[tuple[Fake, str]]:
    """Clarion's server and its origin."""
    fake = Fake()
    async with hosting(fake.app) as origin:
        yield fake, origin


@pytest.fixture
def fake(served: tuple[Fake, str]) -> Fake:
    """What Clarion's server says and was asked."""
    return served[0]


@pytest_asyncio.fixture(loop_scope="session")
async def shop(served: tuple[Fake, str]) -> AsyncIterator[Shop]:
    """The site, at an origin of its own."""
    shop = Shop(served[1])
    async with hosting(shop.app) as shop.origin:
        yield shop


@pytest_asyncio.fixture(loop_scope="session")
async def context(request: pytest.FixtureRequest, browser: Browser, everybody: BrowserContext, shop: Shop) -> AsyncIterator[BrowserContext]:
    """A person's browser, where the site may show notifications.

    A test that names it does something to it, and has one of its own. Others share one; nothing of the site is left in it.
    """
    if "context" in signature(request.function).parameters:
        async with person(browser) as own:
            await own.grant_permissions(["notifications"], origin=shop.origin)
            yield own
        return
    await everybody.grant_permissions(["notifications"], origin=shop.origin)
    yield everybody
    keeper, *tabs = everybody.pages
    for tab in tabs:
        await tab.close()
    # another test's server may get this one's port
    session = await everybody.new_cdp_session(keeper)
    await session.send("Storage.clearDataForOrigin", {"origin": shop.origin, "storageTypes": "all"})
    await session.detach()


Begin = Callable[..., Awaitable[Visit]]


@pytest_asyncio.fixture(loop_scope="session")
async def begin(context: BrowserContext, shop: Shop) -> AsyncIterator[Begin]:
    """Open a tab: `begin("/path")`. No script of a page may have failed at the end."""
    visits: list[Visit] = []

    async def start(path: str = "/") -> Visit:
        visit = await Visit.begin(context, shop, path)
        visits.append(visit)
        return visit

    yield start
    assert [error for visit in visits for error in visit.errors] == []


@pytest_asyncio.fixture(loop_scope="session")
async def visit(begin: Begin) -> Visit:
    """A tab on the site's first page."""
    return await begin()


@pytest_asyncio.fixture(loop_scope="session")
async def subscribed(visit: Visit) -> Visit:
    """That tab, subscribed."""
    assert await visit.call("subscribe") == "hash-1"
    return visit
