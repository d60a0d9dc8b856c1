"""Nudges, journal and a channel's question on the page, with the real bot behind it and a clock that is moved.

`--shots FOLDER` keeps a picture of each stage, on a desk and at 400 pixels, light and dark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import inspect, text

from bot.core.records import Member
from bot.sandbox import Sandbox
from tests.browser.test_access import LOW_CONTRAST, SIDEWAYS
from tests.browser.test_stories import choose, said, write
from tests.realbot import Running, running_bot

pytestmark = pytest.mark.browser

TEAM = "T0SANDBOX"
Look = Callable[[Page, str], None]
Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_bot(tmp_path_factory.mktemp("data")) as ready:
        yield ready


@pytest.fixture
def sandbox(running: Running) -> Sandbox:
    """The running bot's."""
    return running.sandbox


@pytest.fixture
def look(request: pytest.FixtureRequest) -> Look:
    """Nothing runs off the page and all can be read, light and dark; a picture of each where they are wanted."""
    folder = request.config.getoption("--shots")

    def shoot(page: Page, name: str) -> None:
        assert not page.evaluate(SIDEWAYS)
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(LOW_CONTRAST) == []
            if folder:
                Path(folder).mkdir(parents=True, exist_ok=True)
                page.screenshot(path=Path(folder) / f"{name}-{page.viewport_size['width']}-{scheme}.png")

    return shoot


@pytest.fixture
def person(running: Running) -> str:
    return running.newcomer()


@pytest.fixture
def dm(open_page: Opener, person: str) -> Page:
    page = open_page(user=person)
    expect(said(page, "Welcome!")).to_be_visible()
    return page


def narrow(open_page: Opener, user: str, place: str = "") -> Page:
    """The same on a telephone."""
    return open_page(place, user=user, viewport={"width": 400, "height": 860}, has_touch=True, is_mobile=True)


def opening(page: Page, words: str) -> None:
    """Write a command that opens a form: what stands behind that can't be looked at."""
    box = page.get_by_role("group", name="Write a message").locator("textarea")
    box.fill(words)
    box.press("Enter")


def next_nudge(page: Page, running: Running, words: str, count: int = 1) -> Locator:
    """Move the clock to what is due next, and see it arrive."""
    page.get_by_role("button", name=re.compile("Move the clock")).click()
    page.get_by_role("menuitem", name="To the next nudge").click()
    expect(said(page, words)).to_have_count(count)
    running.sandbox.wait_idle()
    return said(page, words).last


def subscribe(page: Page, *, weeks: str = "None") -> None:
    """From Home, at the hour that the form suggests."""
    page.get_by_role("tab", name="Home").click()
    page.get_by_role("button", name="Set up weekly prompts").click()
    dialog = page.get_by_role("dialog", name="Weekly prompts")
    expect(dialog).to_contain_text("Toronto time (America/Toronto)")
    if weeks != "None":
        choose(page, dialog.get_by_role("combobox", name=re.compile("^Reminders to check yourself")), weeks)
        if weeks == "Every 4 weeks":
            expect(dialog).to_contain_text("Your next three")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("tab", name="Messages").click()
    expect(said(page, "Done: one prompt a week")).to_be_visible()


def test_a_prompt_is_received_answered_and_its_commitment_asked_about_then_paused_and_stopped(
    dm: Page, running: Running, person: str, open_page: Opener, look: Look
):
    dm.get_by_role("tab", name="Home").click()
    dm.get_by_role("button", name="Set up weekly prompts").click()
    dialog = dm.get_by_role("dialog", name="Weekly prompts")
    expect(dialog).to_contain_text("Toronto time (America/Toronto)")
    choose(dm, dialog.get_by_role("combobox", name="Topics"), "Only those that I choose")
    units = dialog.get_by_role("combobox", name="Which ones")
    expect(units).to_be_visible()
    look(dm, "settings")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Please complete this required field.")).to_be_visible()
    choose(dm, dialog.get_by_role("combobox", name="Topics"), "What matters to me now")
    expect(units).to_have_count(0)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    dm.get_by_role("tab", name="Messages").click()
    expect(said(dm, "Done: one prompt a week")).to_contain_text("topics comes at least once in 47 prompts")

    nudge = next_nudge(dm, running, "A minute to think, on")
    expect(nudge).to_contain_text("Only you can see this and what you answer.")
    nudge.scroll_into_view_if_needed()
    look(dm, "nudge")
    look(narrow(open_page, person), "nudge")
    nudge.get_by_role("button", name="Write your reflection down").click()
    reflect = dm.get_by_role("dialog", name="Reflect")
    reflect.get_by_role("textbox", name="What comes to mind").fill("I spoke before the night shift did.")
    choose(dm, reflect.get_by_role("combobox", name="How are things going with this?"), "Mixed")
    reflect.get_by_role("textbox", name="One thing you want to do").fill("Ask the night shift first")
    look(dm, "reflect")
    reflect.get_by_role("button", name="Save").click()
    expect(said(dm, "You want to “Ask the night shift first” by")).to_contain_text("I'll ask you about it.")
    look(dm, "reflected")

    second = next_nudge(dm, running, "A minute to think, on", 2)
    expect(second).to_contain_text("Last time you meant to do this")
    expect(second).to_contain_text("“Ask the night shift first”")
    look(dm, "next-week")
    look(narrow(open_page, person), "next-week")
    second.get_by_role("button", name="I did what I meant to do").click()
    expect(said(dm, "Done: “Ask the night shift first”").get_by_role("button", name="It is still open")).to_be_visible()


def test_prompts_are_paused_taken_up_again_and_stopped_for_good(dm: Page, running: Running, person: str, look: Look):
    subscribe(dm)
    nudge = next_nudge(dm, running, "A minute to think, on")
    nudge.get_by_role("button", name="Ask me again tomorrow at my hour").click()
    put_off = said(dm, "I'll ask again")
    expect(put_off).to_contain_text("9:30")
    put_off.get_by_role("button", name="Don't bring this one back").click()
    expect(said(dm, "Fine, not this week.")).to_be_visible()
    write(dm, "/reflect skip")
    skipped = said(dm, "is left out")
    skipped.get_by_role("button", name="Let it come after all").click()
    expect(said(dm, "It comes after all:")).to_be_visible()
    look(dm, "put-off")
    write(dm, "/reflect pause 3 weeks")
    paused = said(dm, "Paused until")
    expect(paused.get_by_role("button", name="Resume")).to_be_visible()
    rows = running.bot.repositories.nudges
    assert rows.upcoming(Member(TEAM, person)) is None
    paused.get_by_role("button", name="Resume").click()
    expect(said(dm, "Good, we go on.")).to_be_visible()
    nudge.get_by_role("button", name="Stop all nudges").click()
    stopped = said(dm, "Stopped. No more weekly prompts")
    expect(stopped.get_by_role("button", name="Start again")).to_be_visible()
    look(dm, "stopped")
    running.sandbox.clock.advance(timedelta(weeks=5))
    running.sandbox.wait_idle()
    expect(said(dm, "A minute to think, on")).to_have_count(1)


def test_a_self_check_nudge_comes_its_check_is_done_and_the_next_is_dated_anew(
    dm: Page, running: Running, person: str, open_page: Opener, look: Look
):
    subscribe(dm, weeks="Every 4 weeks")
    expect(said(dm, "Every 4 weeks a self-check takes the prompt's place")).to_be_visible()
    for count in (1, 2, 3):
        next_nudge(dm, running, "A minute to think, on", count)
    while said(dm, "Time to see where you stand").count() == 0:
        dm.get_by_role("button", name=re.compile("Move the clock")).click()
        dm.get_by_role("menuitem", name="To the next nudge").click()
        running.sandbox.wait_idle()
    nudge = said(dm, "Time to see where you stand")
    expect(nudge).to_contain_text("two minutes at most")
    expect(nudge).to_contain_text("Because you haven't checked this one yet.")
    nudge.scroll_into_view_if_needed()
    look(dm, "selfcheck-nudge")
    look(narrow(open_page, person), "selfcheck-nudge")
    nudge.get_by_role("button", name=re.compile("^Self-check: ")).click()
    dialog = dm.get_by_role("dialog", name="Self-check")
    statements = dialog.get_by_role("combobox")
    expect(statements).to_have_count(8)
    for number in range(8):
        choose(dm, statements.nth(number), "On my own, in familiar work")
    dialog.get_by_role("button", name="See my result").click()
    dm.keyboard.press("Escape")
    expect(said(dm, "Two next steps")).to_be_visible()

    member = Member(TEAM, person)
    nudges = running.bot.nudges
    done = running.sandbox.clock.now().date()
    subscription = nudges.subscription(member)
    assert subscription is not None
    dates = nudges.next_dates(subscription, 5)
    (again,) = [due.local.date() for due, kind in dates if kind == "selfcheck"]
    assert done + timedelta(weeks=4) <= again < done + timedelta(weeks=5)
    running.sandbox.clock.advance(timedelta(days=9))  # one done of one's own accord moves it again
    running.sandbox.wait_idle()
    running.bot.selfchecks.finish(member, "C4", [3] * 8, "", check_id="early")
    later = [due.local.date() for due, kind in nudges.next_dates(subscription, 6) if kind == "selfcheck"]
    assert later[0] > again
    write(dm, "/reflect")
    expect(said(dm, "A self-check comes every 4 weeks, the next on your first day from")).to_be_visible()
    look(dm, "selfcheck-status")


def test_a_journal_is_written_searched_edited_deleted_and_nobody_else_sees_it(
    dm: Page, running: Running, person: str, open_page: Opener, look: Look
):
    for number, words in enumerate(
        ("The night shift was never asked.", "A café talk changed the plan.", "Ward 3 is stuck.")
    ):
        opening(dm, "/reflect now")
        dialog = dm.get_by_role("dialog", name="Reflect")
        dialog.get_by_role("textbox", name="What comes to mind").fill(words)
        dialog.get_by_role("button", name="Save").click()
        expect(said(dm, "Saved in your journal")).to_have_count(number + 1)
    said(dm, "Saved in your journal").last.get_by_role("button", name="My journal").click()
    journal = dm.get_by_role("dialog", name="My journal")
    expect(journal).to_contain_text("3 in all; you wrote in 1 of the last 8 weeks. Only you can see this.")
    look(dm, "journal")
    search = journal.get_by_role("textbox", name="Search in what you wrote")
    search.fill("CAFE plan")
    journal.get_by_role("button", name="Search").click()
    expect(journal.get_by_text("Ward 3 is stuck.")).to_have_count(0)
    expect(journal.get_by_text("A café talk changed the plan.")).to_be_visible()
    look(dm, "journal-search")
    journal.get_by_role("button", name="Change this entry").click()
    edit = dm.get_by_role("dialog", name="Edit this entry")
    edit.get_by_role("textbox", name="What comes to mind").fill("A café talk changed my plan for the better.")
    edit.get_by_role("textbox", name="One thing you want to do").fill("Have coffee on ward 5")
    edit.get_by_role("button", name="Save").click()
    expect(journal.get_by_text("A café talk changed my plan for the better.")).to_be_visible()
    expect(journal).to_contain_text("To do by")
    look(dm, "journal-edited")
    journal.get_by_role("button", name="Look back at a month of my journal").click()
    month = dm.get_by_role("dialog", name="My month")
    expect(month).to_contain_text("3 reflections, in one week")
    expect(month).to_contain_text("Have coffee on ward 5")
    look(dm, "month")
    dm.keyboard.press("Escape")
    journal.get_by_role("button", name="Delete this entry").click()
    dm.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(journal.get_by_text("A café talk changed my plan for the better.")).to_have_count(0)
    look(dm, "journal-deleted")
    dm.keyboard.press("Escape")
    assert len(running.bot.nudges.journal.entries(Member(TEAM, person))) == 2
    small = narrow(open_page, person)
    said(small, "Saved in your journal").last.get_by_role("button", name="My journal").tap()
    expect(small.get_by_role("dialog", name="My journal")).to_contain_text("Ward 3 is stuck.")
    look(small, "journal")

    other = open_page(user=running.newcomer())
    write(other, "/reflect journal ward")
    expect(said(other, "No entry fits.")).to_be_visible()
    said(other, "No entry fits.").get_by_role("button", name="Open my journal").click()
    empty = other.get_by_role("dialog", name="My journal")
    expect(empty).to_contain_text("Your journal is empty so far.")
    expect(other.get_by_text("Ward 3 is stuck.")).to_have_count(0)


def test_a_channels_question_is_answered_in_its_thread_and_nothing_of_that_is_kept(
    running: Running, open_page: Opener, look: Look
):
    ana = open_page("C0ROLLOUT", user="U0ANA")
    opening(ana, "/reflect team")
    dialog = ana.get_by_role("dialog", name="A channel's question")
    expect(dialog).to_contain_text("Toronto time (America/Toronto)")
    look(ana, "team-settings")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(said(ana, "ana set up a question for this channel")).to_be_visible()
    look(ana, "team-set")
    question = next_nudge(ana, running, "A question for this team, on")
    expect(question).to_contain_text("I neither read nor keep it.")
    look(ana, "team-question")
    look(narrow(open_page, "U0BEN", "C0ROLLOUT"), "team-question")

    secret = "Honestly the porters were never asked"
    ts = next(m["ts"] for m in running.sandbox.messages("C0ROLLOUT") if "A question for this team" in m["text"])
    running.sandbox.say("U0BEN", "C0ROLLOUT", secret, ts)
    running.sandbox.wait_idle()
    assert everything_stored(running).count("porters") == 0
    assert running.bot.nudges.journal.entries(Member(TEAM, "U0BEN")) == []

    ben = open_page("C0ROLLOUT", user="U0BEN")
    said(ben, "A question for this team, on").get_by_role("button", name="Stop this channel's question").click()
    stopped = said(ben, "ben stopped this channel's question.")
    expect(stopped).to_be_visible()
    look(ben, "team-stopped")
    stopped.get_by_role("button", name="Start again").click()
    expect(said(ben, "ben resumed this channel's question.")).to_be_visible()
    running.bot.nudges.stop(Member(TEAM, "C0ROLLOUT"))


def everything_stored(running: Running) -> str:
    """Every cell of the bot's database, as the bot itself reads it, and the raw file."""
    engine = running.bot.repositories.engine
    rows = []
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            rows += [str(tuple(row)) for row in connection.execute(text(f'SELECT * FROM "{table}"'))]
    files = [p.read_bytes().decode("utf-8", "ignore") for p in running.data.glob("*.db*")]
    assert rows
    assert files
    return "\n".join([*rows, *files])
