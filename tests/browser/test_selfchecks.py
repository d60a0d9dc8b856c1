"""Self-checks on the page with the real bot: by mouse, by keyboard, across a restart, on every screen and in the dark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from bot.core.framework import FRAMEWORK_UNITS
from bot.core.records import Member
from bot.sandbox import Sandbox
from bot.slack.selfcheck_page import SCALE
from tests.browser.test_access import LOW_CONTRAST, SIDEWAYS, press_until
from tests.realbot import Running, running_bot

pytestmark = pytest.mark.browser

LABELS = dict(SCALE)
EXAMPLE = "We asked the porters in, and the whole plan changed."
# How long people take, in seconds: reading at 240 words a minute, the rest from the keystroke-level model
# (Card, Moran and Newell 1980): point 1.1, press a button 0.2, strike a key 0.28, make up one's mind 1.35.
WORD, POINT, PRESS, KEY, MIND = 60 / 240, 1.1, 0.2, 0.28, 1.35


@dataclass
class Stopwatch:
    """Adds up what a person would need."""

    seconds: float = 0.0
    screens: int = 0
    choices: int = 0

    def screen(self, shown: Locator) -> None:
        self.screens += 1
        lines = dict.fromkeys(line.strip() for line in shown.inner_text().splitlines())
        self.read(" ".join(lines))  # a line that stands there again is seen, not read

    def read(self, words: str) -> None:
        self.seconds += len(words.split()) * WORD

    def click(self, target: Locator) -> None:
        target.click()
        self.seconds += POINT + PRESS

    def keys(self, page: Page, *keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)
        self.seconds += KEY * len(keys)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_bot(tmp_path_factory.mktemp("data")) as ready:
        yield ready


@pytest.fixture
def sandbox(running: Running) -> Sandbox:
    """The running bot's, in place of one with a scripted bot: `open_page` opens its page."""
    return running.sandbox


@pytest.fixture
def person(running: Running) -> str:
    return running.newcomer()


@pytest.fixture
def dm(open_page: Callable[..., Page], person: str) -> Page:
    page = open_page(user=person)
    expect(said(page, "Welcome!")).to_be_visible()
    return page


def write(page: Page, words: str) -> None:
    box = page.locator("#composer textarea")
    box.fill(words)
    box.press("Enter")


def go_home(page: Page, running: Running) -> None:
    """Open the Home and wait until it is drawn anew: a button pressed just then would be gone."""
    page.get_by_role("tab", name="Home").click()
    expect(page.get_by_role("heading", name="Your self-checks")).to_be_visible()
    running.sandbox.wait_idle()


def said(page: Page, words: str | re.Pattern[str]) -> Locator:
    return page.locator("#main .message", has_text=words)


def dialog_of(page: Page) -> Locator:
    return page.get_by_role("dialog")


def rate(page: Page, values: Sequence[str], *, watch: Stopwatch | None = None) -> None:
    """Choose one answer a statement with the mouse."""
    watch = watch or Stopwatch()
    for number, value in enumerate(values):
        watch.seconds += MIND
        watch.click(dialog_of(page).get_by_role("combobox").nth(number))
        watch.click(page.get_by_role("option", name=LABELS[value], exact=True))
        watch.choices += 1


def rate_by_keys(page: Page, values: Sequence[str], *, watch: Stopwatch | None = None) -> None:
    """Choose one answer a statement by keyboard."""
    watch = watch or Stopwatch()
    first = dialog_of(page).get_by_role("combobox").first
    for _ in range(15):
        if first.evaluate("node => node === document.activeElement"):
            break
        watch.keys(page, "Tab")
    order = [value for value, _ in SCALE]
    for number, value in enumerate(values):
        menu = dialog_of(page).get_by_role("combobox").nth(number)
        if number:
            watch.keys(page, "Tab")
        expect(menu).to_be_focused()
        watch.seconds += MIND
        watch.keys(page, "Enter", *["ArrowDown"] * order.index(value), "Enter")
        expect(menu).to_have_text(LABELS[value])
        watch.choices += 1


def checks_of(running: Running, person: str) -> list:
    return running.bot.repositories.checks.history(Member("T0SANDBOX", person))


# --- two minutes ------------------------------------------------------------------------------------------------------


def test_a_quick_check_by_mouse_takes_three_screens_one_choice_a_statement_and_under_two_minutes(
    dm: Page, running: Running, person: str, figure: Callable[[str], None]
) -> None:
    watch = Stopwatch()
    write(dm, "/selfcheck")
    picker = dm.get_by_role("dialog", name="Self-check")
    expect(picker.get_by_role("button", name="Begin")).to_be_visible()
    watch.screen(picker)
    watch.click(picker.get_by_role("button", name="Begin"))
    expect(picker.get_by_text("How true is each statement")).to_be_visible()
    watch.screen(picker)
    watch.read(" ".join(LABELS.values()))
    rate(dm, "33323211", watch=watch)
    watch.click(picker.get_by_role("button", name="See my result"))
    expect(picker.get_by_text("is on its way to your direct messages")).to_be_visible()
    watch.screen(picker)
    expect(said(dm, "Two next steps")).to_be_visible()
    statements = running.bot.selfchecks.descriptors["C1"].statements
    assert (watch.screens, watch.choices) == (3, len(statements))
    longest = max(running.bot.selfchecks.descriptors.values(), key=_words)
    worst = watch.seconds + (_words(longest) - _words(running.bot.selfchecks.descriptors["C1"])) * WORD
    written = len(EXAMPLE) * KEY + MIND
    figure(
        f"quick check by mouse from the picker: {watch.screens} screens, {watch.choices} choices, "
        f"{watch.seconds:.0f} s at 240 words a minute; longest unit ({longest.unit}) {worst:.0f} s; "
        f"an example of {len(EXAMPLE.split())} words, where one is written, takes another {written:.0f} s"
    )
    assert worst < 120
    assert [c.ratings for c in checks_of(running, person)] == [(3, 3, 3, 2, 3, 2, 1, 1)]


def _words(descriptor) -> int:
    return sum(len(s.text.split()) for s in descriptor.statements)


def test_a_quick_check_by_keyboard_alone_with_an_example(
    dm: Page, running: Running, person: str, figure: Callable[[str], None]
) -> None:
    watch = Stopwatch()
    press_until(dm, "F6", "#composer textarea")
    command = "/selfcheck bariers"
    dm.keyboard.type(command)
    watch.seconds += KEY * len(command)
    watch.keys(dm, "Enter")
    dialog = dm.get_by_role("dialog", name="Self-check")
    expect(dialog.get_by_text("How true is each statement")).to_be_visible()
    watch.screen(dialog)
    watch.read(" ".join(LABELS.values()))
    rate_by_keys(dm, "43433220", watch=watch)
    watch.keys(dm, "Tab")
    expect(dialog.get_by_role("textbox")).to_be_focused()
    dm.keyboard.type(EXAMPLE)
    watch.seconds += KEY * len(EXAMPLE) + MIND
    press_until(dm, "Tab", ".dialog button[type=submit]")
    watch.keys(dm, "Enter")
    expect(dialog.get_by_text("is on its way to your direct messages")).to_be_visible()
    watch.screen(dialog)
    figure(
        f"quick check by keyboard, named by a misspelt word, with an example: {watch.screens} screens, {watch.seconds:.0f} s"
    )
    assert watch.screens == 2
    assert watch.seconds < 150
    dm.keyboard.press("Escape")
    expect(said(dm, "How sure: fair, as ratings of oneself go.")).to_be_visible()
    (check,) = checks_of(running, person)
    assert (check.unit, check.ratings, check.example) == ("C4", (4, 3, 4, 3, 3, 2, 2, None), EXAMPLE)


# --- the whole profile ------------------------------------------------------------------------------------------------

KEPT = ("C1", "C4", "C9", "FA")


def test_a_whole_profile_left_in_the_middle_goes_on_after_restarts_with_nothing_lost(
    dm: Page, running: Running, person: str, figure: Callable[[str], None]
) -> None:
    write(dm, "/selfcheck full")
    dialog = dialog_of(dm)
    for code in FRAMEWORK_UNITS:
        if code not in KEPT:
            dialog.get_by_role("checkbox", name=f"{code} ").uncheck()
    dialog.get_by_role("button", name="Begin").click()
    expect(dialog.get_by_text("Step 1 of 4.")).to_be_visible()
    rate(dm, "44443333")
    dialog.get_by_role("textbox").fill("The first example.")
    dialog.get_by_role("button", name="Save and go on").click()
    expect(dialog.get_by_text("Step 2 of 4.")).to_be_visible()

    # The bot goes away and comes back while somebody is writing.
    rate(dm, "2222")
    dialog.get_by_role("textbox").fill("Half a thought, when the bot went")
    running.stop()
    dialog.get_by_role("textbox").press_sequentially(" away.")
    running.start()
    expect(dialog.get_by_role("textbox")).to_have_value("Half a thought, when the bot went away.")
    for number, value in enumerate("1111", start=4):
        dialog.get_by_role("combobox").nth(number).click()
        dm.get_by_role("option", name=LABELS[value], exact=True).click()
    dialog.get_by_role("button", name="Save and go on").click()
    expect(dialog.get_by_text("Step 3 of 4.")).to_be_visible()

    # Left for days, and another restart in between.
    dialog.get_by_role("button", name="Later").click()
    expect(dialog).to_be_hidden()
    running.stop()
    running.sandbox.clock.advance(timedelta(days=5))
    running.start()
    go_home(dm, running)
    expect(dm.get_by_text("2 of 4 steps done")).to_be_visible()
    dm.get_by_role("button", name="Go on with my whole profile").click()
    expect(dialog.get_by_text("Step 3 of 4.")).to_be_visible()
    expect(dialog.get_by_text("Plan for sustainability and sustain")).to_be_visible()
    rate_by_keys(dm, "33330000")
    press_until(dm, "Tab", ".dialog button[type=submit]")
    dm.keyboard.press("Enter")
    expect(dialog.get_by_text("Step 4 of 4.")).to_be_visible()
    rate_by_keys(dm, "55554444")
    press_until(dm, "Tab", ".dialog button[type=submit]")
    dm.keyboard.press("Enter")
    expect(dialog.get_by_text("That was the last step")).to_be_visible()
    dm.keyboard.press("Escape")
    expect(dm.get_by_text("steps done")).to_have_count(0)
    dm.get_by_role("tab", name="Messages").click()
    profile = said(dm, "Your whole profile")
    expect(profile).to_contain_text("Rated: 4 competencies and functions.")
    expect(profile).to_contain_text("A next step for")

    kept = [(c.unit, c.ratings, c.example) for c in reversed(checks_of(running, person))]
    assert kept == [
        ("C1", (4, 4, 4, 4, 3, 3, 3, 3), "The first example."),
        ("C4", (2, 2, 2, 2, 1, 1, 1, 1), "Half a thought, when the bot went away."),
        ("C9", (3, 3, 3, 3, None, None, None, None), ""),
        ("FA", (5, 5, 5, 5, 4, 4, 4, 4), ""),
    ]
    figure("whole profile over 2 restarts of the bot, one of them while a step was being filled in: 4 of 4 steps kept")


# --- from a result to a closed focus ----------------------------------------------------------------------------------


def test_a_focus_is_made_from_a_result_moved_and_closed_on_home(dm: Page, running: Running) -> None:
    write(dm, "/selfcheck C4 3 3 3 3 2 2 1 1")
    said(dm, "Two next steps").get_by_role("button", name="Make Assess barriers and facilitators my focus").click()
    dialog = dm.get_by_role("dialog", name="My focus")
    dialog.get_by_role("button", name="Save").click()
    action = dialog.get_by_role("textbox", name="What will you do")
    expect(action).to_be_focused()
    action.fill("Ask three people on nights what gets in their way")
    dialog.get_by_role("button", name="Save").click()
    expect(said(dm, "your weekly prompts pick it up")).to_be_visible()
    go_home(dm, running)
    expect(dm.get_by_role("heading", name="Your focus")).to_be_visible()
    dm.get_by_role("button", name="Give it another date").click()
    later = running.sandbox.clock.now().date() + timedelta(days=70)
    dm.get_by_role("dialog", name="Move it").get_by_label("By when?").fill(later.isoformat())
    dm.get_by_role("dialog", name="Move it").get_by_role("button", name="Move").click()
    expect(dm.get_by_text(f"until {later:%A} {later.day} {later:%B}")).to_be_visible()
    running.sandbox.wait_idle()
    dm.get_by_role("button", name="I did what I meant to do").click()
    expect(dm.get_by_role("heading", name="Your focus")).to_have_count(0)
    dm.get_by_role("tab", name="Messages").click()
    expect(said(dm, "Well done: “Ask three people on nights")).to_be_visible()


# --- what is seen -----------------------------------------------------------------------------------------------------

SCREENS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "400 px": {"viewport": {"width": 400, "height": 850}, "has_touch": True, "is_mobile": True},
    "400 px, dark": {
        "viewport": {"width": 400, "height": 850},
        "has_touch": True,
        "is_mobile": True,
        "color_scheme": "dark",
    },
}


def _a_year(running: Running, person: str) -> None:
    checks, member = running.bot.selfchecks, Member("T0SANDBOX", person)
    for turn in range(3):
        for number, code in enumerate(FRAMEWORK_UNITS[:12]):
            ratings = [min(5, 1 + turn + (number + n) % 3) for n in range(len(checks.descriptors[code].statements))]
            checks.finish(member, code, ratings, EXAMPLE, check_id=f"{person}-{code}-{turn}")
        running.sandbox.clock.advance(timedelta(weeks=6))


@pytest.mark.parametrize("screen", SCREENS)
def test_every_step_can_be_read_and_fits(
    open_page: Callable[..., Page], running: Running, person: str, screen: str
) -> None:
    _a_year(running, person)
    page = open_page(user=person, **SCREENS[screen])

    def looks_right(what: str) -> None:
        page.wait_for_timeout(100)  # a fade ends before colours are measured
        assert page.evaluate(LOW_CONTRAST) == [], what
        assert not page.evaluate(SIDEWAYS), what

    write(page, "/selfcheck")
    expect(dialog_of(page).get_by_role("button", name="Begin")).to_be_visible()
    looks_right("the picker")
    dialog_of(page).get_by_role("button", name="Begin").click()
    expect(dialog_of(page).get_by_text("How true is each statement")).to_be_visible()
    looks_right("the statements")
    dialog_of(page).get_by_role("combobox").first.click()
    looks_right("the scale")
    page.get_by_role("option", name="With help").click()
    dialog_of(page).get_by_role("button", name="See my result").click()
    expect(dialog_of(page).get_by_text("Please complete this required field.")).to_have_count(7)
    looks_right("what is missing")
    dialog_of(page).get_by_role("button", name="Not now").click()
    write(page, "/selfcheck C4 4 4 4 4 3 3 2 1")
    expect(said(page, "Two next steps")).to_be_visible()
    looks_right("the result")
    write(page, "/selfcheck trend")
    expect(said(page, "How you have moved")).to_be_visible()
    looks_right("what moved")
    write(page, "/selfcheck how")
    expect(page.get_by_role("dialog", name="How this works")).to_be_visible()
    looks_right("the rule")
    dialog_of(page).locator("footer").get_by_role("button", name="Close").click()
    expect(dialog_of(page)).to_have_count(0)
    go_home(page, running)
    expect(page.get_by_role("row", name="C4 Assess barriers")).to_contain_text("today")
    looks_right("Home")
    page.get_by_role("button", name="Send me a picture of my profile").click()
    page.get_by_role("tab", name="Messages").click()
    picture = page.get_by_role("img", name=re.compile("^Radar of ten competencies, bars of five functions"))
    expect(picture).to_be_visible(timeout=60_000)  # the first picture loads the drawing library
    page.wait_for_function("node => node.complete && node.naturalWidth === 1200", arg=picture.element_handle())
    looks_right("the picture")
