"""Modals and the Home tab: opening, errors at the field, updates that keep what was typed, pushing, closing."""

from __future__ import annotations

import re
import threading

import pytest
from playwright.sync_api import Page, expect

from bot.sandbox import Sandbox
from tests.browser.conftest import ScriptedBot
from tests.browser.views import mrkdwn, option, plain, self_check

pytestmark = pytest.mark.browser


@pytest.fixture
def submissions(bot: ScriptedBot) -> list[dict]:
    """A bot that opens the self-check for /selfcheck and wants ten characters of example."""
    seen: list[dict] = []

    def interactive(payload):
        seen.append(payload)
        if payload["type"] != "view_submission":
            return None
        words = payload["view"]["state"]["values"]["example"]["words"]["value"]
        return (
            {"response_action": "errors", "errors": {"example": "A whole sentence, please."}}
            if len(words) < 10
            else None
        )

    bot.on("interactive", interactive)
    bot.on(
        "slash_commands",
        lambda payload: bot.web.views_open(trigger_id=payload["trigger_id"], view=self_check()) and None,
    )
    return seen


def open_modal(page: Page):
    box = page.locator("#composer textarea")
    box.fill("/selfcheck ")
    box.press("Enter")
    dialog = page.get_by_role("dialog", name="Self-check")
    expect(dialog).to_be_visible()
    return dialog


def fill_in(page: Page, dialog, example: str) -> None:
    dialog.get_by_role("combobox", name="Competency").click()
    page.get_by_role("option", name="Assess barriers").click()
    dialog.get_by_role("radio", name="On my own").check()
    dialog.get_by_role("textbox", name="One example").fill(example)


def test_a_modal_shows_the_bots_error_at_the_field_then_succeeds(page: Page, submissions):
    dialog = open_modal(page)
    fill_in(page, dialog, "short")
    dialog.get_by_role("button", name="Save").click()
    example = dialog.get_by_role("textbox", name="One example")
    expect(example).to_have_accessible_description("A whole sentence, please.")
    expect(example).to_be_focused()
    expect(example).to_have_value("short")
    example.fill("I asked the night team what gets in the way.")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    values = submissions[-1]["view"]["state"]["values"]
    assert values["unit"]["unit"]["selected_option"]["value"] == "C4"
    assert values["level"]["level"]["selected_option"]["value"] == "2"
    assert values["example"]["words"]["value"] == "I asked the night team what gets in the way."
    expect(page.locator("#composer textarea")).to_be_focused()


def test_a_missing_answer_is_caught_before_anything_is_sent(page: Page, submissions):
    dialog = open_modal(page)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Please complete this required field.")).to_have_count(3)
    expect(dialog.get_by_role("combobox", name="Competency")).to_be_focused()
    assert submissions == []


def test_escape_closes_a_modal_and_gives_the_focus_back(page: Page, submissions):
    dialog = open_modal(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#composer textarea")).to_be_focused()


def test_tab_stays_inside_an_open_modal(page: Page, submissions):
    dialog = open_modal(page)
    for _ in range(14):
        page.keyboard.press("Tab")
        assert dialog.evaluate("node => node.contains(document.activeElement)")
    page.keyboard.press("Shift+Tab")
    assert dialog.evaluate("node => node.contains(document.activeElement)")


def test_an_update_keeps_what_was_typed_under_the_same_ids(page: Page, bot: ScriptedBot, submissions, sandbox: Sandbox):
    dialog = open_modal(page)
    typed = dialog.get_by_role("textbox", name="One example")
    typed.fill("Half a thought")
    typed.focus()
    view_id = sandbox.modal("U0ANA").id
    bot.web.views_update(view_id=view_id, view=self_check("Now with *news*."))
    expect(dialog.get_by_text("Now with news.")).to_be_visible()
    expect(typed).to_have_value("Half a thought")
    expect(typed).to_be_focused()
    renamed = self_check("Fresh ids.")
    renamed["blocks"][3]["block_id"] = "example-2"
    bot.web.views_update(view_id=view_id, view=renamed)
    expect(dialog.get_by_text("Fresh ids.")).to_be_visible()
    expect(typed).to_have_value("")


def test_a_pushed_view_goes_back_to_the_one_below_with_its_answers(page: Page, bot: ScriptedBot):
    first = self_check()
    first["blocks"].insert(
        1,
        {
            "type": "actions",
            "block_id": "go",
            "elements": [{"type": "button", "action_id": "more", "text": plain("What is C4?")}],
        },
    )
    second = {
        "type": "modal",
        "title": plain("About C4"),
        "blocks": [{"type": "section", "text": mrkdwn("It is about barriers.")}],
    }

    def interactive(payload):
        if payload["type"] == "block_actions":
            bot.web.views_push(trigger_id=payload["trigger_id"], view=second)

    bot.on("interactive", interactive)
    bot.on("slash_commands", lambda payload: bot.web.views_open(trigger_id=payload["trigger_id"], view=first) and None)
    dialog = open_modal(page)
    dialog.get_by_role("textbox", name="One example").fill("Stays here")
    dialog.get_by_role("button", name="What is C4?").click()
    pushed = page.get_by_role("dialog", name="About C4")
    expect(pushed.get_by_text("It is about barriers.")).to_be_visible()
    pushed.get_by_role("button", name="Back").click()
    expect(dialog.get_by_role("textbox", name="One example")).to_have_value("Stays here")


def test_a_slow_submission_shows_that_it_waits_and_is_sent_once(page: Page, bot: ScriptedBot):
    release, seen = threading.Event(), []

    def interactive(payload):
        if payload["type"] == "view_submission":
            seen.append(payload)
            release.wait(2.5)

    bot.on("interactive", interactive)
    bot.on(
        "slash_commands",
        lambda payload: bot.web.views_open(trigger_id=payload["trigger_id"], view=self_check()) and None,
    )
    dialog = open_modal(page)
    fill_in(page, dialog, "A sentence that is long enough.")
    save = dialog.get_by_role("button", name="Save")
    save.click()
    expect(save).to_have_attribute("aria-busy", "true")
    save.click()
    release.set()
    expect(dialog).to_be_hidden()
    assert len(seen) == 1


def test_a_submission_without_an_answer_says_so_and_keeps_the_words(page: Page, bot: ScriptedBot, sandbox: Sandbox):
    bot.on(
        "slash_commands",
        lambda payload: bot.web.views_open(trigger_id=payload["trigger_id"], view=self_check()) and None,
    )
    dialog = open_modal(page)
    fill_in(page, dialog, "Do not lose this sentence.")
    bot.stop()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    expect(dialog.get_by_role("textbox", name="One example")).to_have_value("Do not lose this sentence.")


def test_a_global_shortcut_opens_a_modal_from_the_plus_menu(page: Page, bot: ScriptedBot):
    def interactive(payload):
        if payload["type"] == "shortcut":
            bot.web.views_open(trigger_id=payload["trigger_id"], view=self_check())

    bot.on("interactive", interactive)
    page.get_by_role("button", name="Shortcuts").click()
    page.get_by_role("menuitem", name="Start a self-check").click()
    expect(page.get_by_role("dialog", name="Self-check")).to_be_visible()


def test_home_is_asked_for_shown_and_acts(page: Page, bot: ScriptedBot):
    acted = []
    frequency = {
        "type": "static_select",
        "action_id": "often",
        "placeholder": plain("How often"),
        "options": [option("Every 4 weeks", "4"), option("Never", "0")],
    }
    erase = {
        "type": "button",
        "action_id": "erase",
        "style": "danger",
        "text": plain("Delete my data"),
        "confirm": {
            "title": plain("Delete everything?"),
            "text": plain("It can't be undone."),
            "confirm": plain("Delete"),
            "deny": plain("Keep"),
            "style": "danger",
        },
    }
    home = {
        "type": "home",
        "blocks": [
            {"type": "header", "text": plain("Your profile")},
            {"type": "actions", "block_id": "settings", "elements": [frequency, erase]},
        ],
    }

    def opened(payload):
        if payload["event"].get("tab") == "home":
            bot.web.views_publish(user_id=payload["event"]["user"], view=home)

    bot.on("events_api", opened)
    bot.on("interactive", lambda payload: acted.append(payload["actions"][0]))
    page.get_by_role("tab", name="Home").click()
    expect(page.get_by_role("heading", name="Your profile")).to_be_visible()
    page.get_by_role("combobox", name="How often").click()
    page.get_by_role("option", name="Every 4 weeks").click()
    expect(page.get_by_role("combobox", name="How often")).to_contain_text("Every 4 weeks")
    page.get_by_role("button", name="Delete my data").click()
    page.get_by_role("alertdialog", name="Delete everything?").get_by_role("button", name="Keep").click()
    page.get_by_role("button", name="Delete my data").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alertdialog")).to_have_count(0)
    expect(page.locator("[aria-busy='true']")).to_have_count(0)
    assert [(action["action_id"], action["type"]) for action in acted] == [
        ("often", "static_select"),
        ("erase", "button"),
    ]
    assert acted[0]["selected_option"]["value"] == "4"


def test_the_tabs_of_the_dm_work_with_the_arrow_keys(page: Page):
    page.get_by_role("tab", name="Messages").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Home")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text(re.compile("Nothing here yet"))).to_be_visible()
