"""The dialog before the browser's own: by keyboard, under a strict policy, and with texts that stay texts."""

from typing import Literal

import pytest
from playwright.async_api import BrowserContext, Locator, expect
from tests.sdk.conftest import Begin
from tests.sdk.fake import Fake
from tests.sdk.shop import Shop, Visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARKUP = '<img src=x onerror="window.hurt = 1"><b>&amp;</b>\'"${1}'


async def show(visit: Visit, texts: str = "{}") -> Locator:
    """Open the dialog and leave it open."""
    await visit.page.evaluate(f"() => {{ window.answer = PushEngage.showPrompt({texts}); window.answer.catch(() => 0); }}")
    dialog = visit.page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    return dialog


async def test_it_is_a_labelled_dialog(visit: Visit) -> None:
    dialog = await show(visit)
    await expect(dialog).to_have_accessible_name("Stay up to date?")
    await expect(dialog).to_have_accessible_description(
        "Get a notification when there is something new for you. You can turn this off at any time."
    )
    await expect(dialog.get_by_role("heading")).to_have_text("Stay up to date?")
    await expect(dialog.get_by_role("button")).to_have_text(["Not now", "Yes, notify me"])


async def test_allowing_subscribes(fake: Fake, visit: Visit) -> None:
    dialog = await show(visit)
    await dialog.get_by_role("button", name="Yes, notify me").click()
    assert await visit.page.evaluate("answer") == "hash-1"
    await expect(dialog).to_have_count(0)
    await fake.asked("subscriber/add")
    # who is subscribed is not asked
    assert await visit.call("showPrompt") == "hash-1"


async def test_asked_for_before_the_page_has_a_body_it_waits_for_it(visit: Visit) -> None:
    await visit.page.evaluate("() => { window.body = document.body; body.remove(); window.answer = PushEngage.showPrompt(); }")
    # what was asked later is answered: it has come as far as it can
    assert await visit.call("getSubscriberId") is None
    await visit.page.evaluate("() => { document.documentElement.append(body); document.dispatchEvent(new Event('DOMContentLoaded')); }")
    await visit.page.get_by_role("button", name="Not now").click()
    assert await visit.page.evaluate("answer") is None


async def test_by_keyboard(fake: Fake, shop: Shop, begin: Begin) -> None:
    shop.page("/", shop.snippet(), body="<button id=opener>Ask me</button><a href=/>Away</a>")
    visit = await begin()
    await visit.page.locator("#opener").focus()
    dialog = await show(visit)
    allow, later = dialog.get_by_role("button", name="Yes, notify me"), dialog.get_by_role("button", name="Not now")
    await expect(allow).to_be_focused()
    for key, next_one in [("Tab", later), ("Tab", allow), ("Shift+Tab", later), ("Shift+Tab", allow)]:
        await visit.page.keyboard.press(key)
        await expect(next_one).to_be_focused()
    await visit.page.keyboard.press("Escape")
    assert await visit.page.evaluate("answer") is None
    await expect(dialog).to_have_count(0)
    await expect(visit.page.locator("#opener")).to_be_focused()
    await show(visit)
    await visit.page.keyboard.press("Tab")
    await visit.page.keyboard.press("Enter")
    assert await visit.page.evaluate("answer") is None
    assert fake.at("subscriber/add") == []
    await show(visit)
    await visit.page.keyboard.press("Enter")
    assert await visit.page.evaluate("answer") == "hash-1"


async def test_there_is_one_at_a_time(visit: Visit) -> None:
    dialog = await show(visit)
    await show(visit)
    await expect(dialog).to_have_count(1)


async def test_where_notifications_are_denied_nobody_is_asked(context: BrowserContext, begin: Begin) -> None:
    # headless Chromium denies only when it is asked
    await context.add_init_script("Object.defineProperty(Notification, 'permission', {value: 'denied'})")
    visit = await begin()
    assert await visit.call("showPrompt") is None
    await expect(visit.page.get_by_role("dialog")).to_have_count(0)


async def test_texts_are_the_sites_and_show_as_they_are(shop: Shop, begin: Begin) -> None:
    shop.page("/", shop.snippet(f", prompt: {{title: {MARKUP!r}, later: 'Never'}}"))
    visit = await begin()
    dialog = await show(visit, f"{{message: {MARKUP!r}, allow: {MARKUP!r}}}")
    await expect(dialog.get_by_role("heading")).to_have_text(MARKUP)
    await expect(dialog.get_by_role("paragraph")).to_have_text(MARKUP)
    await expect(dialog.get_by_role("button")).to_have_text(["Never", MARKUP])
    assert await visit.page.evaluate(
        "[window.hurt, document.querySelector('clarion-prompt').shadowRoot.querySelectorAll('img, b').length]"
    ) == [None, 0]


COLOURS = """
(element) => {
    const {color, backgroundColor, borderTopColor} = getComputedStyle(element);
    return [color, backgroundColor, borderTopColor].map((text) => text.match(/[0-9.]+/g).map(Number));
}
"""


def contrast(one: list[float], other: list[float]) -> float:
    """Of two colours (WCAG 2.2, contrast ratio)."""

    def luminance(colour: list[float]) -> float:
        parts = [value / 255 for value in colour[:3]]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_can_be_read_in_light_and_in_dark(visit: Visit, scheme: Literal["light", "dark"]) -> None:
    await visit.page.emulate_media(color_scheme=scheme)
    dialog = await show(visit)
    around, surface, _ = await dialog.evaluate(COLOURS)
    assert (sum(surface[:3]) > 3 * 128) == (scheme == "light")
    # 4.5 is asked of text (success criterion 1.4.3), 3 of what shows that something is a button (1.4.11)
    assert contrast(around, surface) >= 4.5
    assert contrast((await dialog.get_by_role("paragraph").evaluate(COLOURS))[0], surface) >= 4.5
    for button in await dialog.get_by_role("button").all():
        for hovered in (False, True):
            await (button if hovered else dialog.get_by_role("heading")).hover()
            text, background, border = await button.evaluate(COLOURS)
            assert contrast(text, background) >= 4.5
            assert contrast(border, surface) >= 3
        box = await button.bounding_box()
        assert box is not None
        # large enough for a finger (2.5.5)
        assert box["height"] >= 44


@pytest.mark.parametrize(("wish", "moving"), [("no-preference", "arrive"), ("reduce", "none")])
async def test_it_moves_only_where_that_is_welcome(visit: Visit, wish: Literal["no-preference", "reduce"], moving: str) -> None:
    await visit.page.emulate_media(reduced_motion=wish)
    dialog = await show(visit)
    assert await dialog.evaluate("(dialog) => getComputedStyle(dialog).animationName") == moving


async def test_it_fits_a_small_screen(visit: Visit) -> None:
    await visit.page.set_viewport_size({"width": 320, "height": 256})  # a zoom of 400 % (1.4.10)
    dialog = await show(visit, "{title: 'x'.repeat(200)}")
    assert await dialog.evaluate("(dialog) => dialog.scrollWidth <= dialog.clientWidth")
    box = await dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 320
    assert box["y"] + box["height"] <= 256
    await dialog.get_by_role("button", name="Not now").click()
    assert await visit.page.evaluate("answer") is None


@pytest.mark.parametrize("types", ["", "; require-trusted-types-for 'script'; trusted-types clarion"], ids=["plain", "trusted-types"])
async def test_everything_works_under_a_strict_policy(fake: Fake, shop: Shop, begin: Begin, types: str) -> None:
    policy = f"default-src 'none'; script-src {shop.api} 'self'; connect-src {shop.api}; worker-src 'self'" + types
    head = f'<script src="/page.js"></script><script async src="{shop.api}/sdk/clarion.js"></script>'
    shop.script(
        "/page.js",
        "window.broken = []; document.addEventListener('securitypolicyviolation', (event) => broken.push(event.violatedDirective));"
        "window.PushEngage = [['init', {appId: 'app-1'}]];",
    )
    shop.page("/strict", head, Content_Security_Policy=policy)
    visit = await begin("/strict")
    dialog = await show(visit)
    assert await dialog.evaluate("(dialog) => getComputedStyle(dialog).borderTopLeftRadius") == "12px"
    await dialog.get_by_role("button", name="Yes, notify me").click()
    assert await visit.page.evaluate("answer") == "hash-1"
    await visit.call("trackEvent", "x")
    await fake.asked("events/track")
    assert await visit.page.evaluate("broken") == []


async def test_a_page_that_allows_no_policy_of_types_gets_an_error_and_no_more(shop: Shop, begin: Begin) -> None:
    shop.page("/typed", shop.snippet(), Content_Security_Policy="require-trusted-types-for 'script'; trusted-types 'none'")
    visit = await begin("/typed")
    answer = await visit.call("subscribe")
    assert "TrustedScriptURL" in answer["rejected"]["message"]
    assert answer["rejected"]["details"] == []
