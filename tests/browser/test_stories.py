"""Whole stories on the page with the real bot behind it: its coach, index, database and clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from bot.sandbox import Sandbox
from tests.browser.test_access import LOW_CONTRAST, SIDEWAYS, press_until
from tests.realbot import Running, running_bot

pytestmark = pytest.mark.browser

QUESTION = "What is the difference between barriers and change strategies?"
UNANSWERABLE = "Which statistical test suits our readiness survey?"
FADING = "The funding ends in March."


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_bot(tmp_path_factory.mktemp("data")) as ready:
        yield ready


@pytest.fixture
def sandbox(running: Running) -> Sandbox:
    """The running bot's, in place of one with a scripted bot: `open_page` opens its page."""
    return running.sandbox


@pytest.fixture
def dm(open_page: Callable[..., Page], running: Running) -> Page:
    """The DM of somebody new."""
    page = open_page(user=running.newcomer())
    expect(said(page, "Welcome!")).to_be_visible()
    return page


def write(page: Page, words: str) -> None:
    box = page.get_by_role("group", name="Write a message").locator("textarea")
    box.fill(words)
    box.press("Enter")
    expect(box).to_have_value("")


def said(page: Page, words: str | re.Pattern[str]) -> Locator:
    return page.locator("#main .message", has_text=words)


def choose(page: Page, menu: Locator, option: str | re.Pattern[str]) -> None:
    menu.click()
    page.get_by_role("option", name=option).first.click()


def test_a_question_is_answered_with_markers_and_its_source_opens(dm: Page):
    write(dm, QUESTION)
    answer = said(dm, "The difference:")
    expect(answer.locator("strong", has_text="Assess barriers and facilitators")).to_be_visible()
    for marker in ("[1]", "[2]", "[3]"):
        expect(answer.locator(".content")).to_contain_text(marker)
    expect(answer).to_contain_text("A question to take along:")
    answer.get_by_role("button", name="Open source 3").click()
    source = dm.get_by_role("dialog", name="Source [3]")
    expect(source).to_contain_text("C5 Select and build change strategies")
    expect(source).to_contain_text("In our own words, after the white paper.")
    expect(source.get_by_role("link", name="Read the white paper")).to_have_attribute(
        "href", re.compile(r"^https://www\.centerforimplementation\.com/")
    )
    source.locator("footer").get_by_role("button", name="Close").click()
    expect(source).to_be_hidden()


def test_a_message_triaged_by_its_menu_is_answered_to_the_asker_alone(open_page: Callable[..., Page]):
    page = open_page("C0ROLLOUT", user="U0BEN")
    about = said(page, FADING).first
    about.hover()
    about.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Which competency is this").click()
    answer = said(page, "This sounds like C9 Plan for sustainability and sustain.")
    expect(answer).to_contain_text("Only visible to you")
    expect(answer).to_contain_text(f"About this message: {FADING}")
    expect(answer).to_contain_text("A next move:")
    page.get_by_role("button", name="You are Ben Okafor").click()
    page.get_by_role("menuitemradio", name="Ana Ruiz").click()
    expect(page.get_by_role("button", name="You are Ana Ruiz")).to_be_visible()
    expect(said(page, FADING)).to_have_count(1)
    expect(said(page, "This sounds like")).to_have_count(0)


def test_a_close_call_is_settled_by_one_press(dm: Page, running: Running):
    words = running.close_call()
    settling = running.bot.coach.triage(words).settling
    code, label = settling.options[1]
    write(dm, f"/coach which {words}")
    asked = said(dm, "This could be")
    expect(asked).to_contain_text(f"One question settles it: {settling.question}")
    expect(asked.get_by_role("button", name="Neither of these")).to_be_visible()
    asked.get_by_role("button", name=label).click()
    settled = said(dm, f"Then it's {code} ")
    expect(settled).to_contain_text("A next move:")
    settled.get_by_role("button", name="Read: Definition").click()
    expect(dm.get_by_role("dialog", name="Source")).to_contain_text(code)


def test_what_the_paper_does_not_hold_is_refused_with_the_nearest_sections(dm: Page):
    write(dm, UNANSWERABLE)
    refusal = said(dm, "don't answer that")
    expect(refusal).to_contain_text("The nearest that I have:")
    expect(refusal).not_to_contain_text("[1]")
    expect(refusal.get_by_role("button", name="Share to a channel")).to_have_count(0)
    nearest = refusal.locator(".content").get_by_role("button", name=re.compile(r"^(C\d+|F[A-E]|The|What|How) "))
    expect(nearest.first).to_be_visible()
    nearest.first.click()
    expect(dm.get_by_role("dialog", name="Source")).to_contain_text("In our own words")


def test_a_correction_without_a_choice_is_caught_at_the_field_then_saved(dm: Page, running: Running):
    write(dm, "The grant money runs out in June, and I fear that all of this will fade once I leave.")
    said(dm, "This sounds like C9").get_by_role("button", name="Say which competency").click()
    dialog = dm.get_by_role("dialog", name="Not right?")
    dialog.get_by_role("button", name="Save").click()
    menu = dialog.get_by_role("combobox", name="It is about")
    expect(menu).to_have_accessible_description(re.compile("required"))
    expect(menu).to_be_focused()
    choose(dm, menu, re.compile("^C10 "))
    dialog.get_by_role("checkbox", name="Yes, it may be used").check()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("your message may help the coach get better")).to_be_visible()
    kept = running.bot.repositories.exchanges
    running.sandbox.wait_for(lambda: [e.correction for e in kept.corrections()] == ["C10"], what="the correction")


def test_a_first_self_check_from_home_to_its_result(dm: Page):
    dm.get_by_role("tab", name="Home").click()
    expect(dm.get_by_text("None yet. A quick check takes two minutes")).to_be_visible()
    dm.get_by_role("button", name="Self-check: Develop a team").click()
    dialog = dm.get_by_role("dialog", name="Self-check")
    statements = dialog.get_by_role("combobox")
    expect(statements).to_have_count(8)
    choose(dm, statements.first, "With help")
    dialog.get_by_role("button", name="See my result").click()
    expect(dialog.get_by_text("Please complete this required field.")).to_have_count(7)
    for number in range(1, 8):
        answer = "On my own, in familiar work" if number < 4 else "Not yet"
        choose(dm, statements.nth(number), answer)
    dialog.get_by_role("textbox").fill("We asked the porters in, and the plan changed.")
    dialog.get_by_role("button", name="See my result").click()
    expect(dialog.get_by_text("on its way to your direct messages")).to_be_visible()
    dm.keyboard.press("Escape")
    row = dm.get_by_role("row", name="C1 Develop a team")
    expect(row).to_contain_text("today")
    dm.get_by_role("tab", name="Messages").click()
    result = said(dm, "Two next steps")
    expect(result).to_contain_text("Develop a team")
    expect(result).to_contain_text("What is still open")
    expect(result).to_contain_text("Only you can see this.")


def test_weekly_prompts_from_choosing_the_hour_to_a_commitment(dm: Page):
    dm.get_by_role("tab", name="Home").click()
    dm.get_by_role("button", name="Set up weekly prompts").click()
    dialog = dm.get_by_role("dialog", name="Weekly prompts")
    expect(dialog).to_contain_text("Toronto time (America/Toronto)")
    time = dialog.get_by_label("Time, 8:00 to 19:59")
    time.fill("07:00")
    expect(dialog.get_by_text("I don't write to people at night")).to_be_visible()
    dialog.get_by_role("button", name="Save").click()
    expect(time).to_have_accessible_description(
        "Please choose a time from 8:00 to 19:59: I don't write to people at night."
    )
    time.fill("10:15")
    expect(dialog).to_contain_text(", 10:15; ")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(dm.get_by_text("You get one prompt a week, Tuesdays at 10:15, Toronto time")).to_be_visible()

    dm.get_by_role("tab", name="Messages").click()
    expect(said(dm, "Done: one prompt a week, Tuesdays at 10:15")).to_be_visible()
    dm.get_by_role("button", name=re.compile("Move the clock")).click()
    dm.get_by_role("menuitem", name="To the next nudge").click()
    nudge = said(dm, "A minute to think, on")
    expect(nudge).to_contain_text("Only you can see this and what you answer.")
    nudge.get_by_role("button", name="Write your reflection down").click()
    reflect = dm.get_by_role("dialog", name="Reflect")
    reflect.get_by_role("textbox", name="What comes to mind").fill("I spoke before the night shift did.")
    reflect.get_by_role("textbox", name="One thing you want to do").fill("Ask the night shift first")
    reflect.get_by_role("button", name="Save").click()
    expect(said(dm, "You want to “Ask the night shift first” by")).to_contain_text("I'll ask you about it.")
    dm.get_by_role("tab", name="Home").click()
    expect(dm.get_by_text("I spoke before the night shift did.")).to_be_visible()
    expect(dm.get_by_text(re.compile("You want to do this by .*: Ask the night shift first"))).to_be_visible()


def test_asking_reading_a_source_and_thanking_work_by_keyboard_alone(dm: Page):
    keys = dm.keyboard
    press_until(dm, "F6", "#composer textarea")
    keys.type(QUESTION)
    keys.press("Enter")
    answer = said(dm, "The difference:")
    expect(answer).to_be_visible()
    keys.press("Shift+F6")
    keys.press("End")
    expect(answer).to_be_focused()
    keys.press("Tab")
    first = answer.get_by_role("button", name="Open source 1")
    expect(first).to_be_focused()
    keys.press("Enter")
    source = dm.get_by_role("dialog", name="Source [1]")
    expect(source).to_be_visible()
    assert source.evaluate("node => node.contains(document.activeElement)")
    keys.press("Escape")
    expect(source).to_be_hidden()
    expect(first).to_be_focused()
    helpful = answer.get_by_role("button", name="Helpful", exact=True)
    for _ in range(6):
        if helpful.evaluate("node => node === document.activeElement"):
            break
        keys.press("Tab")
    keys.press("Enter")
    expect(said(dm, "Thank you. Glad it helped.")).to_be_visible()


def test_a_story_fits_400_pixels(open_page: Callable[..., Page], running: Running):
    page = open_page(user=running.newcomer(), viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True)
    write(page, "What are the ten competencies?")
    answer = said(page, "The paper names ten core competencies")
    expect(answer).to_be_visible()
    assert not page.evaluate(SIDEWAYS)
    answer.get_by_role("button", name="Open source 11").tap()
    source = page.get_by_role("dialog", name="Source [11]")
    expect(source).to_be_visible()
    assert source.bounding_box()["width"] <= 400
    assert not page.evaluate(SIDEWAYS)
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Home").tap()
    expect(page.get_by_role("heading", name="Your weekly prompt")).to_be_visible()
    assert not page.evaluate(SIDEWAYS)


def test_answer_source_and_home_can_be_read_in_the_dark(open_page: Callable[..., Page], running: Running):
    page = open_page(user=running.newcomer(), color_scheme="dark")
    write(page, QUESTION)
    answer = said(page, "The difference:")
    expect(answer).to_be_visible()
    write(page, f"/coach which {FADING} It will all fade the week after I leave.")
    expect(said(page, "You asked: ")).to_be_visible()
    assert page.evaluate(LOW_CONTRAST) == []
    answer.get_by_role("button", name="Open source 1").click()
    expect(page.get_by_role("dialog", name="Source [1]")).to_be_visible()
    assert page.evaluate(LOW_CONTRAST) == []
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Home").click()
    expect(page.get_by_role("heading", name="Your self-checks")).to_be_visible()
    assert page.evaluate(LOW_CONTRAST) == []
