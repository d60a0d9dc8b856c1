"""The page when things go wrong: the server gone and back, refusals, late answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from bot.sandbox import Sandbox
from tests.browser.conftest import ScriptedBot

pytestmark = pytest.mark.browser


def box(page: Page):
    return page.locator("#composer textarea")


def test_a_message_that_could_not_be_sent_stays_in_the_box(page: Page):
    page.route("**/ui/message", lambda route: route.abort())
    box(page).fill("Do not lose me")
    box(page).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("can't be reached")
    expect(box(page)).to_have_value("Do not lose me")
    page.unroute("**/ui/message")
    box(page).press("Enter")
    expect(page.locator(".message", has_text="Do not lose me")).to_be_visible()
    expect(box(page)).to_have_value("")


def test_the_page_finds_a_restarted_sandbox_and_reads_its_state_again(open_page: Callable[..., Page], sandbox: Sandbox):
    page = open_page("C0GENERAL")
    port = sandbox.port
    sandbox.stop()
    expect(page.get_by_text("The connection to the sandbox is lost.")).to_be_visible()
    with Sandbox(port=port) as fresh:
        fresh.set_bot_status("ready")
        fresh.say("U0BEN", "C0GENERAL", "Said while you were away.")
        expect(page.locator(".message", has_text="Said while you were away.")).to_be_visible(timeout=15_000)
        expect(page.locator("#banner")).to_be_hidden()
        fresh.say("U0BEN", "C0GENERAL", "And live again.")
        expect(page.locator(".message", has_text="And live again.")).to_be_visible()


def test_a_command_that_times_out_shows_slacks_words(page: Page):
    box(page).fill("/coach help")
    box(page).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("failed with the error", timeout=15_000)


def test_a_draft_waits_while_one_looks_elsewhere(page: Page):
    box(page).fill("Half a question")
    page.locator("#sidebar").get_by_role("button", name="general").click()
    expect(box(page)).to_have_value("")
    page.locator("#sidebar").get_by_role("button", name="ISP Coach").click()
    expect(box(page)).to_have_value("Half a question")


def test_going_back_in_the_browser_goes_back_on_the_page(page: Page):
    page.locator("#sidebar").get_by_role("button", name="general").click()
    expect(page.get_by_role("heading", name="general", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("tab", name="Messages")).to_be_visible()


def test_a_changed_message_keeps_the_focus_on_its_button(page: Page, bot: ScriptedBot):
    def blocks(words):
        button = {"type": "button", "action_id": "again", "text": {"type": "plain_text", "text": words}}
        return [{"type": "actions", "block_id": "row", "elements": [button]}]

    ts = bot.say("D0ANA", "Press", blocks=blocks("First"))
    page.get_by_role("button", name="First").focus()
    bot.web.chat_update(channel="D0ANA", ts=ts, text="Press", blocks=blocks("Second"))
    expect(page.get_by_role("button", name="Second")).to_be_focused()


def test_a_slash_command_in_a_thread_is_explained_and_kept(open_page: Callable[..., Page]):
    page = open_page("C0ROLLOUT")
    page.locator("#main .message").first.hover()
    page.locator("#main .message").first.get_by_role("button", name="Reply in thread").click()
    reply = page.locator("#thread textarea")
    reply.fill("/coach help")
    reply.press("Enter")
    expect(page.locator(".toast")).to_contain_text("/coach doesn't work in threads")
    expect(reply).to_have_value("/coach help")
