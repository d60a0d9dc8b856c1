"""Everybody's page: keyboard alone, narrow screens, dark and light, contrast, calm motion."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ScriptedBot
from tests.browser.views import mrkdwn, plain, profile_chart, score_table, self_check

pytestmark = pytest.mark.browser

# Text with less than 4.5:1 against what is painted behind it (3:1 for large text). Disabled controls are exempt.
LOW_CONTRAST = """() => {
  const parse = (colour) => (colour.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const over = ([r, g, b, a = 1], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const behind = (node) => {
    const layers = [];
    for (let one = node; one; one = one.parentElement) layers.push(parse(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((base, layer) => over(layer, base), [255, 255, 255]);
  };
  const light = (rgb) => rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || node.closest(".sr-only,.emoji,:disabled,[inert]")) continue;
    const style = getComputedStyle(node);
    const isSvg = node instanceof SVGElement;
    const ground = behind(isSvg ? node.closest("figure") : node);
    const [a, b] = [light(over(parse(isSvg ? style.fill : style.color), ground)), light(ground)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5) - 0.01) found.push(`${ratio.toFixed(2)} ${node.className.baseVal ?? node.className}: ${walker.currentNode.data.trim().slice(0, 30)}`);
  }
  return found;
}"""

SIDEWAYS = "() => document.documentElement.scrollWidth > innerWidth || document.querySelector('.scroller')?.scrollWidth > document.querySelector('.scroller')?.clientWidth + 1"


def fill_dm(bot: ScriptedBot) -> None:
    """A message of everything that has colours or width of its own."""
    buttons = [
        {
            "type": "button",
            "action_id": style or "plain",
            "text": plain(f"A {style or 'plain'} button"),
            **({"style": style} if style else {}),
        }
        for style in ("", "primary", "danger")
    ]
    long = "Implementationsunterstützungsfachkraft" * 8
    bot.say("D0ANA", f"Hello <@U0ANA> and <@U0BEN> <!here>, `code`, <https://example.org|a link> {long}\n&gt; quoted")
    bot.say(
        "D0ANA",
        "Blocks",
        blocks=[
            {"type": "header", "text": plain("A header")},
            {"type": "section", "text": mrkdwn("*Bold*"), "fields": [mrkdwn("One"), mrkdwn("Two")]},
            {"type": "actions", "elements": buttons},
            {"type": "context", "elements": [mrkdwn("Small words")]},
        ],
    )
    bot.say("D0ANA", "Chart", blocks=[profile_chart("line")])
    bot.say("D0ANA", "Table", blocks=[score_table()])
    bot.web.chat_postEphemeral(channel="D0ANA", user="U0ANA", text="A whisper")
    bot.web.views_publish(
        user_id="U0ANA",
        view={
            "type": "home",
            "blocks": [
                {"type": "header", "text": plain("Your profile")},
                profile_chart(),
                {"type": "actions", "elements": buttons},
            ],
        },
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(open_page: Callable[..., Page], bot: ScriptedBot, scheme: str):
    page = open_page(color_scheme=scheme)
    fill_dm(bot)
    expect(page.locator(".message.ephemeral")).to_be_visible()
    assert page.evaluate(LOW_CONTRAST) == []
    page.get_by_role("tab", name="Home").click()
    expect(page.get_by_role("heading", name="Your profile")).to_be_visible()
    assert page.evaluate(LOW_CONTRAST) == []
    bot.on(
        "slash_commands",
        lambda payload: bot.web.views_open(trigger_id=payload["trigger_id"], view=self_check()) and None,
    )
    page.get_by_role("tab", name="Messages").click()
    page.locator("#composer textarea").fill("/coach")
    expect(page.get_by_role("option").first).to_be_visible()
    assert page.evaluate(LOW_CONTRAST) == []
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Please complete this required field.").first).to_be_visible()
    assert page.evaluate(LOW_CONTRAST) == []


def test_the_theme_follows_the_system_until_one_chooses_and_the_choice_is_remembered(page: Page):
    theme = page.locator("html")
    expect(theme).to_have_attribute("data-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(theme).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Switch to the light theme").click()
    expect(theme).to_have_attribute("data-theme", "light")
    page.reload()
    expect(theme).to_have_attribute("data-theme", "light")
    page.get_by_role("button", name="Switch to the dark theme").click()
    page.emulate_media(color_scheme="light")
    expect(theme).to_have_attribute("data-theme", "light")


def test_the_whole_way_works_with_the_keyboard_alone(page: Page, bot: ScriptedBot):
    def answer(payload):
        event = payload["event"]
        if event["type"] == "message" and not event.get("bot_id"):
            button = {"type": "button", "action_id": "check", "text": plain("Check myself")}
            bot.say(
                event["channel"],
                "Here is one way.",
                blocks=[
                    {"type": "section", "text": mrkdwn("Here is one way.")},
                    {"type": "actions", "elements": [button]},
                ],
            )

    def interactive(payload):
        if payload["type"] == "block_actions":
            bot.web.views_open(trigger_id=payload["trigger_id"], view=self_check())
        elif payload["type"] == "view_submission":
            bot.say("D0ANA", "Saved: " + payload["view"]["state"]["values"]["example"]["words"]["value"])

    bot.on("events_api", answer)
    bot.on("interactive", interactive)
    keys = page.keyboard
    expect(page.locator("#composer textarea")).to_be_visible()
    press_until(page, "F6", "#composer textarea")
    keys.type("Where do I start?")
    keys.press("Enter")
    expect(page.locator(".message", has_text="Here is one way.")).to_be_visible()
    keys.press("Shift+F6")
    keys.press("End")
    expect(page.locator(".message", has_text="Here is one way.")).to_be_focused()
    keys.press("Tab")
    expect(page.get_by_role("button", name="Check myself")).to_be_focused()
    keys.press("Enter")
    dialog = page.get_by_role("dialog", name="Self-check")
    expect(dialog.get_by_role("combobox", name="Competency")).to_be_focused()
    keys.press("Enter")
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(dialog.get_by_role("combobox", name="Competency")).to_contain_text("Assess barriers")
    keys.press("Tab")
    keys.press("Space")
    keys.press("Tab")
    keys.type("I asked before choosing.")
    press_until(page, "Tab", ".dialog button[type=submit]")
    keys.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator(".message", has_text="Saved: I asked before choosing.")).to_be_visible()
    expect(page.get_by_role("button", name="Check myself")).to_be_focused()


def press_until(page: Page, key: str, selector: str) -> None:
    for _ in range(15):
        if page.locator(selector).evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} never reaches {selector}")


def test_f6_goes_round_the_parts_of_the_page_and_focus_is_seen(page: Page):
    places = []
    for _ in range(5):
        page.keyboard.press("F6")
        places.append(
            page.evaluate(
                "document.activeElement.closest('#topbar,#sidebar,.head-slot,#composer,.scroller')?.className || document.activeElement.closest('[id]').id"
            )
        )
        seen = page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle !== 'none' || document.activeElement.matches('.composer-text')"
        )
        assert seen, places
    assert len(set(places)) == 5


def test_messages_are_walked_with_the_arrow_keys_and_their_menu_opens(open_page: Callable[..., Page]):
    page = open_page("C0ROLLOUT")
    page.locator("#composer textarea").focus()
    page.keyboard.press("Shift+F6")
    expect(page.locator("#main .message").last).to_be_focused()
    page.keyboard.press("Home")
    expect(page.locator("#main .message").first).to_be_focused()
    page.keyboard.press("m")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#main .message").first.get_by_role("button", name="More actions")).to_be_focused()


@pytest.mark.parametrize("place", ["D0ANA", "D0ANA/home", "C0ROLLOUT"])
def test_nothing_scrolls_sideways_at_400_pixels(open_page: Callable[..., Page], bot: ScriptedBot, place: str):
    fill_dm(bot)
    page = open_page(place, viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True)
    expect(page.locator(".block, .message").first).to_be_visible()
    assert page.evaluate("innerWidth") == 400
    assert not page.evaluate(SIDEWAYS)


def test_at_400_pixels_the_sidebar_is_a_drawer_and_a_thread_fills_the_page(open_page: Callable[..., Page]):
    page = open_page(viewport={"width": 400, "height": 800})
    sidebar = page.get_by_role("navigation")
    expect(page.locator("#sidebar")).to_be_hidden()
    page.get_by_role("button", name="Channels and direct messages").click()
    expect(sidebar.get_by_text("Nothing leaves this machine.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#sidebar")).to_be_hidden()
    page.get_by_role("button", name="Channels and direct messages").click()
    sidebar.get_by_role("button", name="falls-prevention").click()
    expect(page.locator("#sidebar")).to_be_hidden()
    first = page.locator("#main .message").first
    first.hover()
    first.get_by_role("button", name="Reply in thread").click()
    thread = page.get_by_role("complementary", name="Thread")
    assert thread.bounding_box()["width"] == 400
    assert not page.evaluate(SIDEWAYS)
    thread.get_by_role("button", name="Close thread").click()
    expect(first).to_be_visible()


def test_motion_stops_where_people_ask_for_less(open_page: Callable[..., Page], bot: ScriptedBot):
    page = open_page(reduced_motion="reduce")
    root = bot.say("D0ANA", "Ask me")
    bot.web.chat_startStream(
        channel="D0ANA", thread_ts=root, recipient_user_id="U0ANA", recipient_team_id="T0SANDBOX", markdown_text="Words"
    )
    page.get_by_role("button", name="1 reply").click()
    dots = page.get_by_role("img", name="still writing").locator("i").first
    assert dots.evaluate("node => parseFloat(getComputedStyle(node).animationDuration) < 0.001")


def test_right_to_left_text_runs_right_to_left(page: Page, bot: ScriptedBot):
    bot.say("D0ANA", "مرحبا بكم في التدريب\nSecond line")
    paragraph = page.locator(".message .para", has_text="مرحبا")
    expect(paragraph).to_be_visible()
    assert paragraph.evaluate("node => getComputedStyle(node).direction") == "rtl"


def test_every_control_has_a_name(page: Page, bot: ScriptedBot):
    fill_dm(bot)
    expect(page.locator(".message.ephemeral")).to_be_visible()
    nameless = page.evaluate("""() => [...document.querySelectorAll("button,a[href],input,textarea,[role=img]")]
        .filter((node) => !node.ariaLabel && !node.textContent.trim() && !node.getAttribute("aria-labelledby") && !node.labels?.length)
        .map((node) => node.outerHTML.slice(0, 120))""")
    assert nameless == []
    expect(page).to_have_title(re.compile("ISP Coach"))
