"""Talking to the bot on the page: messages, commands, mentions, threads, shortcuts, people."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from bot.sandbox import Sandbox
from bot.sandbox.seed import default_manifest
from tests.browser.conftest import ScriptedBot

pytestmark = pytest.mark.browser


def box(page: Page):
    return page.get_by_role("group", name="Write a message").locator("textarea")


def message(page: Page, words: str):
    return page.locator("#main .message", has_text=words)


def test_a_message_in_the_dm_reaches_the_bot_and_its_answer_appears(page: Page, bot: ScriptedBot):
    def answer(payload):
        event = payload["event"]
        if event["type"] == "message" and not event.get("bot_id"):
            bot.say(event["channel"], f"*Heard:* {event['text']}")

    bot.on("events_api", answer)
    box(page).fill("How do I assess barriers?")
    box(page).press("Enter")
    expect(message(page, "How do I assess barriers?").first).to_be_visible()
    expect(message(page, "Heard:").locator("strong")).to_have_text("Heard:")
    expect(message(page, "Heard:").locator(".badge")).to_have_text("APP")
    expect(box(page)).to_have_value("")
    expect(page.locator("#announcer")).to_contain_text("ISP Coach: Heard: How do I assess barriers?")


def test_shift_enter_starts_a_new_line_and_does_not_send(page: Page):
    box(page).press_sequentially("first")
    box(page).press("Shift+Enter")
    box(page).press_sequentially("second")
    expect(box(page)).to_have_value("first\nsecond")
    expect(page.locator("#main .message")).to_have_count(0)


def test_markup_in_a_message_is_text_and_never_html(page: Page, bot: ScriptedBot):
    words = "<img src=x onerror=\"document.title='owned'\"> & <b>bold</b>"
    box(page).fill(words)
    box(page).press("Enter")
    bot.say("D0ANA", "&lt;script&gt;document.title='owned'&lt;/script&gt; <javascript:alert(1)|press me>")
    expect(message(page, words)).to_be_visible()
    expect(message(page, "press me").locator("a")).to_have_count(0)
    expect(page.locator("#main .content img, #main .content b, #main .content script")).to_have_count(0)
    expect(page).to_have_title(re.compile("ISP Coach sandbox"))


def test_commands_complete_while_one_types_and_enter_sends_them(page: Page, bot: ScriptedBot):
    seen = []

    def command(payload):
        seen.append((payload["command"], payload["text"]))
        return {"text": "This is between us."}

    bot.on("slash_commands", command)
    box(page).press_sequentially("/se")
    options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    expect(options).to_have_count(1)
    expect(options.first).to_contain_text("/selfcheck")
    box(page).press("Enter")
    expect(box(page)).to_have_value("/selfcheck ")
    expect(page.locator("#composer .usage")).to_contain_text("[competency]")
    box(page).press_sequentially("C4")
    box(page).press("Enter")
    whisper = page.locator("#main .message.ephemeral")
    expect(whisper).to_contain_text("Only visible to you")
    expect(whisper).to_contain_text("This is between us.")
    assert seen == [("/selfcheck", "C4")]


def test_an_unknown_command_is_refused_in_words_and_stays_in_the_box(page: Page):
    box(page).fill("/nothing at all")
    box(page).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("/nothing is not a valid command")
    expect(box(page)).to_have_value("/nothing at all")


def test_a_mention_is_completed_and_reaches_the_bot_as_an_app_mention(open_page: Callable[..., Page], bot: ScriptedBot):
    def answer(payload):
        event = payload["event"]
        if event["type"] == "app_mention":
            bot.say(event["channel"], f"You wrote `{event['text'].count('<@U0COACH>')}` mention", thread_ts=event["ts"])

    bot.on("events_api", answer)
    page = open_page("C0ROLLOUT")
    box(page).press_sequentially("Hey @isp")
    expect(page.get_by_role("option", name="ISP Coach")).to_be_visible()
    box(page).press("Tab")
    expect(box(page)).to_have_value("Hey @ISP Coach ")
    box(page).press_sequentially("which one is this?")
    box(page).press("Enter")
    asked = message(page, "which one is this?")
    expect(asked.locator(".mention")).to_have_text("@ISP Coach")
    asked.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    expect(thread.locator(".message", has_text="You wrote 1 mention")).to_be_visible()
    expect(thread.locator("textarea")).to_be_focused()


def test_a_reply_in_a_thread_stays_in_the_thread(open_page: Callable[..., Page]):
    page = open_page("C0ROLLOUT")
    first = page.locator("#main .message").first
    first.hover()
    first.get_by_role("button", name="Reply in thread").click()
    reply = page.get_by_role("complementary", name="Thread").locator("textarea")
    reply.fill("Let us ask the night team.")
    reply.press("Enter")
    expect(page.locator("#thread .message", has_text="night team.")).to_be_visible()
    expect(first.get_by_role("button", name="1 reply")).to_be_visible()
    expect(message(page, "Let us ask the night team.")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#thread")).to_be_hidden()


def test_a_message_shortcut_answers_the_asker_only(open_page: Callable[..., Page], bot: ScriptedBot):
    def interactive(payload):
        if payload["type"] == "message_action":
            bot.web.chat_postEphemeral(
                channel=payload["channel"]["id"],
                user=payload["user"]["id"],
                text=f"C4 fits: {payload['message']['text'][:12]}",
            )

    bot.on("interactive", interactive)
    ana, ben = open_page("C0ROLLOUT"), open_page("C0ROLLOUT", user="U0BEN")
    about = message(ana, "Ward 3 is still not")
    about.hover()
    about.get_by_role("button", name="More actions").click()
    ana.get_by_role("menuitem", name="Which competency?").click()
    expect(message(ana, "C4 fits: Ward 3 is st")).to_contain_text("Only visible to you")
    expect(message(ben, "Ward 3 is still not")).to_be_visible()
    expect(message(ben, "C4 fits")).to_have_count(0)


def test_switching_person_hides_what_was_for_another_person(open_page: Callable[..., Page], bot: ScriptedBot):
    page = open_page("C0GENERAL")
    bot.web.chat_postEphemeral(channel="C0GENERAL", user="U0ANA", text="Only Ana reads this.")
    bot.say("D0ANA", "And this is Ana's DM.")
    expect(message(page, "Only Ana reads this.")).to_be_visible()
    page.get_by_role("button", name="You are Ana Ruiz").click()
    page.get_by_role("menuitemradio", name="Ben Okafor").click()
    expect(page.get_by_role("button", name="You are Ben Okafor")).to_be_visible()
    expect(message(page, "The simulation room is booked out")).to_be_visible()
    expect(message(page, "Only Ana reads this.")).to_have_count(0)
    page.locator("#sidebar").get_by_role("button", name="ISP Coach").click()
    expect(page.get_by_role("tab", name="Messages")).to_be_visible()
    expect(message(page, "Ana's DM")).to_have_count(0)
    assert "user=U0BEN" in page.url


def test_one_can_edit_and_delete_ones_own_message(page: Page, sandbox: Sandbox):
    box(page).fill("Teh plan")
    box(page).press("Enter")
    expect(message(page, "Teh plan")).to_be_visible()
    expect(box(page)).to_have_value("")
    box(page).press("ArrowUp")
    editor = page.get_by_role("textbox", name="Edit your message")
    expect(editor).to_be_focused()
    editor.fill("The plan")
    editor.press("Enter")
    expect(message(page, "The plan")).to_contain_text("(edited)")
    message(page, "The plan").hover()
    message(page, "The plan").get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Delete message").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(message(page, "The plan")).to_have_count(0)


def test_other_peoples_messages_offer_no_edit(open_page: Callable[..., Page]):
    page = open_page("C0ROLLOUT", user="U0CHI")
    about = message(page, "Ward 3 is still not")
    about.hover()
    about.get_by_role("button", name="More actions").click()
    expect(page.get_by_role("menuitem", name="Which competency?")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Edit message")).to_have_count(0)


def test_a_stream_grows_in_place_and_shows_that_it_is_being_written(page: Page, bot: ScriptedBot):
    root = bot.say("D0ANA", "Ask me")
    ts = bot.web.chat_startStream(
        channel="D0ANA",
        thread_ts=root,
        recipient_user_id="U0ANA",
        recipient_team_id="T0SANDBOX",
        markdown_text="Let me **think",
    )["ts"]
    message(page, "Ask me").get_by_role("button", name="1 reply").click()
    stream = page.locator("#thread .message", has_text="Let me")
    expect(stream.get_by_role("img", name="still writing")).to_be_visible()
    bot.web.chat_appendStream(channel="D0ANA", ts=ts, markdown_text=" first** then")
    expect(stream.locator("strong")).to_have_text("think first")
    bot.web.chat_stopStream(channel="D0ANA", ts=ts, markdown_text=" answer.")
    expect(stream).to_contain_text("Let me think first then answer.")
    expect(stream.get_by_role("img", name="still writing")).to_have_count(0)


def test_an_empty_dm_offers_the_suggested_prompts_and_a_press_sends_one(page: Page, sandbox: Sandbox):
    manifest = default_manifest()
    prompt = {"title": "Name the competency", "message": "Ward 3 does not follow the bundle. Which competency is this?"}
    manifest["features"]["agent_view"] = {"agent_description": "Coaches.", "suggested_prompts": [prompt]}
    sandbox.install(manifest)
    page.get_by_role("button", name="Name the competency").click()
    expect(message(page, "Ward 3 does not follow the bundle.")).to_be_visible()
    expect(page.get_by_role("button", name="Name the competency")).to_have_count(0)


def test_unread_messages_are_counted_until_the_channel_is_opened(page: Page, bot: ScriptedBot):
    bot.say("C0GENERAL", "News for all")
    row = page.locator("#sidebar").get_by_role("button", name="general")
    expect(row.locator(".unread-count")).to_contain_text("1")
    row.click()
    expect(message(page, "News for all")).to_be_visible()
    expect(row.locator(".unread-count")).to_have_count(0)
    with page.expect_response("**/ui/read"):
        bot.say("C0GENERAL", "Read as it came")
    page.locator("#sidebar").get_by_role("button", name="ISP Coach").click()
    page.reload()
    expect(row).to_be_visible()
    expect(row.locator(".unread-count")).to_have_count(0)


def test_the_clock_moves_forward_and_back(page: Page, sandbox: Sandbox):
    sandbox.say("U0ANA", "D0ANA", "Written today")
    expect(page.locator(".day")).to_have_text("Today")
    clock = page.get_by_role("button", name="Move the clock")
    clock.click()
    page.get_by_role("menuitem", name="1 day forward").click()
    expect(clock).to_have_accessible_name(re.compile("Clock moved: .*1 day ahead"))
    assert sandbox.clock.offset.total_seconds() == pytest.approx(86_400, abs=5)
    expect(page.locator(".day")).to_have_text("Yesterday")
    clock.click()
    page.get_by_role("menuitem", name="Back to the real time").click()
    expect(clock).to_have_accessible_name(re.compile("^Clock: "))


def test_moving_to_the_next_nudge_without_one_says_what_to_do(page: Page):
    page.get_by_role("button", name="Move the clock").click()
    page.get_by_role("menuitem", name="To the next nudge").click()
    expect(page.locator(".toast")).to_contain_text("No nudge is planned")


def test_a_banner_says_that_the_coach_is_getting_ready_until_it_is(page: Page, sandbox: Sandbox):
    sandbox.set_bot_status("starting", "Reading the paper.")
    expect(page.get_by_text("The coach is getting ready… Reading the paper.")).to_be_visible()
    sandbox.set_bot_status("failed", "The model file is missing.")
    expect(page.get_by_role("alert")).to_contain_text("could not start. The model file is missing.")
    sandbox.set_bot_status("ready")
    expect(page.locator("#banner")).to_be_hidden()


def test_two_hundred_messages_and_a_very_long_word_load_quickly(open_page: Callable[..., Page], sandbox: Sandbox):
    for number in range(200):
        sandbox.say("U0BEN", "C0GENERAL", f"Message {number} " + ("w" * 3000 if number == 199 else ""))
    begun = time.monotonic()
    page = open_page("C0GENERAL")
    expect(message(page, "Message 199")).to_be_visible()
    assert time.monotonic() - begun < 5
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(message(page, "Message 199")).to_be_in_viewport(ratio=0.1)
