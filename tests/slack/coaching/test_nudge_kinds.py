"""Self-check nudges, a channel's question, replies in the thread, the journal and all that can be taken back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.core.records import Member
from bot.sandbox.driver import words
from bot.sandbox.server import Sandbox
from bot.services.nudges import Entry, Nudges, Wishes
from bot.services.selfchecks import SelfChecks
from tests.fakes.memory import MemoryRepositories

pytestmark = pytest.mark.usefixtures("bot", "worker")
ANA, BEN = Member("T0SANDBOX", "U0ANA"), Member("T0SANDBOX", "U0BEN")
ROLLOUT = Member("T0SANDBOX", "C0ROLLOUT")
TUESDAY = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)  # 9:30 in Toronto
WEEK = timedelta(weeks=1)
ZONE = "America/Toronto"


def _begin(nudges: Nudges, **wishes: Any) -> None:
    nudges.subscribe(ANA, Wishes(1, 570, ZONE, **wishes), channel="D0ANA")


def _came(sandbox: Sandbox, at: datetime, contains: str, channel: str = "D0ANA") -> dict[str, Any]:
    before = {m["ts"] for m in sandbox.messages(channel)}
    sandbox.clock.move_to(at)

    def fresh() -> dict[str, Any] | None:
        found = [m for m in sandbox.messages(channel) if m["ts"] not in before and contains in words(m)]
        return found[-1] if found else None

    message = sandbox.wait_for(fresh, what=contains)
    sandbox.wait_idle()
    return message


# --- self-checks ------------------------------------------------------------------------------------------------------


def test_a_self_check_takes_the_weeks_slot_and_says_why_and_how_long(
    sandbox: Sandbox, nudges: Nudges, repositories: MemoryRepositories
) -> None:
    _begin(nudges, check_weeks=4)
    for week in range(4):
        _came(sandbox, TUESDAY + week * WEEK, "A minute to think")
    check = _came(sandbox, TUESDAY + 4 * WEEK, "Time to see where you stand")
    assert "Because you haven't checked this one yet. You asked for one every 4 weeks." in check["text"]
    kinds = [n.kind for n in repositories.nudges.sent(ANA)]
    assert kinds == ["selfcheck", *["reflection"] * 4]
    sandbox.click("U0ANA", check["ts"], "selfcheck.start:C1")
    sandbox.wait_for_modal("U0ANA", "Develop a team")


def test_a_check_done_early_leaves_the_week_to_a_reflection_even_once_it_was_claimed(
    sandbox: Sandbox, nudges: Nudges, selfchecks: SelfChecks, repositories: MemoryRepositories
) -> None:
    _begin(nudges, check_weeks=4)
    for week in range(4):
        _came(sandbox, TUESDAY + week * WEEK, "A minute to think")
    standing = repositories.nudges.upcoming(ANA)
    assert standing is not None
    assert standing.kind == "selfcheck"
    sandbox.clock.move_to(TUESDAY + 3 * WEEK + timedelta(days=2))
    selfchecks.finish(ANA, "C4", [4] * 8, "", check_id="early")
    replanned = repositories.nudges.upcoming(ANA)
    assert replanned is not None
    assert (replanned.kind, replanned.period) == ("reflection", standing.period)
    assert nudges.unwanted(standing) is None  # a worker that holds the old row sends a reflection in its place
    assert nudges.write(standing).kind == "reflection"
    _came(sandbox, TUESDAY + 4 * WEEK, "A minute to think")


def test_not_this_one_leaves_a_unit_alone_for_half_a_year(sandbox: Sandbox, nudges: Nudges) -> None:
    _begin(nudges, check_weeks=4)
    for week in range(4):
        _came(sandbox, TUESDAY + week * WEEK, "A minute to think")
    check = _came(sandbox, TUESDAY + 4 * WEEK, "*Develop a team*")
    sandbox.click("U0ANA", check["ts"], "nudge.decline")
    sandbox.wait_for_message("D0ANA", "I'll leave it alone for half a year. The next message comes Tuesday 29 December")
    assert nudges.letters.suggest(ANA).unit == "C2"
    assert nudges.letters.suggest(ANA, as_of=sandbox.clock.now() + 27 * WEEK).unit == "C1"


def test_stopping_on_a_self_check_can_be_narrowed_to_the_self_checks(
    sandbox: Sandbox, nudges: Nudges, repositories: MemoryRepositories
) -> None:
    _begin(nudges, check_weeks=4)
    for week in range(4):
        _came(sandbox, TUESDAY + week * WEEK, "A minute to think")
    check = _came(sandbox, TUESDAY + 4 * WEEK, "Time to see where you stand")
    sandbox.click("U0ANA", check["ts"], "nudge.stop")
    stopped = sandbox.wait_for_message("D0ANA", "Stopped. No more weekly prompts")
    assert repositories.nudges.next_due() is None
    sandbox.click("U0ANA", stopped["ts"], "nudge.no_checks")
    sandbox.wait_for_message("D0ANA", "No more self-check reminders. Your prompts go on")
    subscription = repositories.nudges.subscription(ANA)
    assert subscription is not None
    assert (subscription.state, subscription.check_weeks) == ("active", None)
    assert {c.kind for c in nudges.preview(ANA, 20)} == {"reflection"}


def test_a_self_check_put_off_comes_again_the_same_one_and_not_once_it_was_done(
    sandbox: Sandbox, nudges: Nudges, selfchecks: SelfChecks, repositories: MemoryRepositories
) -> None:
    _begin(nudges, check_weeks=4)
    for week in range(4):
        _came(sandbox, TUESDAY + week * WEEK, "A minute to think")
    first = _came(sandbox, TUESDAY + 4 * WEEK, "Time to see where you stand")
    sandbox.click("U0ANA", first["ts"], "nudge.snooze:tomorrow")
    sandbox.wait_for_message("D0ANA", "I'll ask again Wednesday 23 December, 9:30.")
    again = _came(sandbox, TUESDAY + 4 * WEEK + timedelta(days=1), "Time to see where you stand")
    assert {n.unit for n in repositories.nudges.sent(ANA) if n.kind == "selfcheck"} == {"C1"}
    sandbox.click("U0ANA", again["ts"], "nudge.snooze")
    sandbox.wait_for_message("D0ANA", "I'll ask again at 11:30.")
    selfchecks.finish(ANA, "C1", [4] * 8, "", check_id="done")
    upcoming = repositories.nudges.upcoming(ANA)
    assert upcoming is not None
    assert upcoming.kind == "reflection"


def test_monthly_prompts_with_four_weekly_checks_leave_room_for_both(nudges: Nudges) -> None:
    _begin(nudges, every_weeks=4, check_weeks=4)
    coming = nudges.preview(ANA, 24)
    kinds = [c.kind for c in coming]
    assert kinds.count("reflection") >= 5
    assert kinds.count("selfcheck") >= 5
    assert len({c.due.period for c in coming}) == len(coming)


# --- settings ---------------------------------------------------------------------------------------------------------


def test_rhythm_topics_tone_and_checks_are_kept_and_the_dates_follow(
    sandbox: Sandbox, repositories: MemoryRepositories
) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/reflect")
    view = sandbox.wait_for_modal("U0ANA", "Toronto time")
    sandbox.click("U0ANA", view.id, "nudge.every", "2")
    sandbox.wait_for_modal("U0ANA", "Tuesday 24 November, 9:30; Tuesday 8 December, 9:30; Tuesday 22 December, 9:30")
    sandbox.click("U0ANA", view.id, "nudge.topic", "chosen")
    sandbox.wait_for_modal("U0ANA", "Which ones")
    chosen = {"nudge.units": ["C4", "FB"], "nudge.tone": "direct", "nudge.checks": "8"}
    assert sandbox.submit("U0ANA", chosen) == {}
    message = sandbox.wait_for_message("D0ANA", "Done: one prompt every two weeks, Tuesdays at 9:30")
    assert "Each of the 2 topics that you chose comes once in 2 prompts." in message["text"]
    kept = repositories.nudges.subscription(ANA)
    assert kept is not None
    assert (kept.every_weeks, kept.topic, kept.units, kept.tone) == (2, "chosen", ("C4", "FB"), "direct")
    assert (kept.check_weeks, kept.check_from) == (8, date(2026, 11, 23))
    nudge = _came(sandbox, TUESDAY, "One minute, one honest answer")
    assert "Because you chose this topic." in nudge["text"]


def test_a_typed_rhythm_changes_only_the_rhythm(sandbox: Sandbox, nudges: Nudges) -> None:
    _begin(nudges, check_weeks=13, tone="direct")
    sandbox.command("U0ANA", "D0ANA", "/reflect", "every other week please")
    sandbox.wait_for_message("D0ANA", "Done: one prompt every two weeks", user="U0ANA")
    kept = nudges.subscription(ANA)
    assert kept is not None
    assert (kept.every_weeks, kept.check_weeks, kept.tone, kept.weekday) == (2, 13, "direct", 1)


def test_a_changed_profile_moves_the_hour_unless_an_own_zone_was_chosen(sandbox: Sandbox, nudges: Nudges) -> None:
    _begin(nudges)
    nudges.subscribe(BEN, Wishes(1, 570, "Europe/London", zone_is_own=True), channel="D0BEN")
    sandbox.set_timezone("U0ANA", "Europe/Berlin")
    sandbox.set_timezone("U0BEN", "Asia/Tokyo")
    sandbox.wait_idle()
    moved, kept = nudges.subscription(ANA), nudges.subscription(BEN)
    assert moved is not None
    assert kept is not None
    assert (moved.zone, kept.zone) == ("Europe/Berlin", "Europe/London")
    _came(sandbox, datetime(2026, 11, 24, 8, 30, tzinfo=UTC), "A minute to think")  # 9:30 in Berlin


# --- taking back ------------------------------------------------------------------------------------------------------


def test_what_was_left_out_comes_after_all(sandbox: Sandbox, nudges: Nudges) -> None:
    _begin(nudges)
    sandbox.command("U0ANA", "D0ANA", "/reflect", "skip")
    skipped = sandbox.wait_for_message("D0ANA", "is left out", user="U0ANA")
    sandbox.click("U0ANA", skipped["ts"], "nudge.unskip")
    sandbox.wait_for_message("D0ANA", "It comes after all: Tuesday 24 November, 9:30", user="U0ANA")
    _came(sandbox, TUESDAY, "A minute to think")
    sandbox.click("U0ANA", skipped["ts"], "nudge.unskip")
    sandbox.wait_for_message("D0ANA", "Its time is over", user="U0ANA")
    _came(sandbox, TUESDAY + WEEK, "A minute to think")


def test_a_commitment_closed_by_mistake_stands_again(
    sandbox: Sandbox, nudges: Nudges, repositories: MemoryRepositories
) -> None:
    nudges.reflect(ANA, Entry("text", "", "C4", "Call Ben", date(2026, 11, 30)), entry_id="e1")
    _begin(nudges)
    nudge = _came(sandbox, TUESDAY, "Last time you meant to do this")
    sandbox.click("U0ANA", nudge["ts"], "commitment.drop")
    closed = sandbox.wait_for_message("D0ANA", "Let go: “Call Ben”")
    sandbox.click("U0ANA", closed["ts"], "commitment.reopen")
    sandbox.wait_for_message("D0ANA", "It's open again: “Call Ben”")
    assert repositories.journal.entries(ANA)[0].commitment_state == "open"


# --- the thread -------------------------------------------------------------------------------------------------------


def test_replies_in_the_thread_make_one_entry_which_a_question_can_leave(
    sandbox: Sandbox, nudges: Nudges, repositories: MemoryRepositories
) -> None:
    _begin(nudges)
    nudge = _came(sandbox, TUESDAY, "A minute to think")
    sandbox.say("U0ANA", "D0ANA", "I spoke too soon.", nudge["ts"])
    saved = sandbox.wait_for_message("D0ANA", "Saved in your journal", thread_ts=nudge["ts"])
    sandbox.say("U0ANA", "D0ANA", "Next time I ask first.", nudge["ts"])
    sandbox.wait_for_message("D0ANA", "Added to the same entry", thread_ts=nudge["ts"])
    (entry,) = repositories.journal.entries(ANA)
    assert entry.text == "I spoke too soon.\nNext time I ask first."
    assert entry.prompt == nudges.prompts[repositories.nudges.sent(ANA)[0].prompt_id or ""].text
    sandbox.say("U0ANA", "D0ANA", "What is C4?", nudge["ts"])
    asked = sandbox.wait_for_message("D0ANA", "Answer from the paper", thread_ts=nudge["ts"])
    assert "talk.instead:ask" in str(asked["blocks"])
    sandbox.click("U0ANA", saved["ts"], "journal.edit")
    sandbox.wait_for_modal("U0ANA", "Edit this entry")
    changed = {"text": "I spoke too soon.", "commitment": "Wait a breath", "due": "2026-12-01"}
    assert sandbox.submit("U0ANA", changed) == {}
    sandbox.wait_for_message("D0ANA", "You want to “Wait a breath” by Tuesday 1 December")
    sandbox.click("U0ANA", saved["ts"], "journal.delete")
    sandbox.wait_for(lambda: not repositories.journal.entries(ANA), what="the deletion")


def test_somebody_in_distress_in_the_thread_is_met_first_and_nothing_is_lost(
    sandbox: Sandbox, nudges: Nudges, repositories: MemoryRepositories
) -> None:
    _begin(nudges)
    nudge = _came(sandbox, TUESDAY, "A minute to think")
    sandbox.say("U0ANA", "D0ANA", "I can't go on like this, I want to end my life.", nudge["ts"])
    message = sandbox.wait_for_message("D0ANA", "is safe and only you can see it", thread_ts=nudge["ts"])
    assert "self-check" not in message["text"]
    assert len(repositories.journal.entries(ANA)) == 1


# --- a channel's question ---------------------------------------------------------------------------------------------


def test_a_channels_question_is_set_by_words_comes_in_the_channels_zone_and_anybody_stops_it(
    sandbox: Sandbox, repositories: MemoryRepositories
) -> None:
    sandbox.command("U0ANA", "C0ROLLOUT", "/reflect", "team on Tuesday 9:30")
    sandbox.wait_for_message(
        "C0ROLLOUT", "ana set up a question for this channel: one question a week, Tuesdays at 9:30"
    )
    sandbox.set_timezone("U0ANA", "Asia/Tokyo")  # the channel's own zone stays
    sandbox.wait_idle()
    question = _came(sandbox, TUESDAY, "A question for this team", "C0ROLLOUT")
    assert "I neither read nor keep it." in question["text"]
    (sent,) = repositories.nudges.sent(ROLLOUT)
    assert (sent.kind, sent.zone) == ("team", ZONE)
    assert repositories.nudges.subscription(ANA) is None
    sandbox.click("U0BEN", question["ts"], "team.pause")
    paused = sandbox.wait_for_message("C0ROLLOUT", "ben paused this channel's question.")
    assert repositories.nudges.upcoming(ROLLOUT) is None
    sandbox.click("U0CHI", paused["ts"], "team.resume")
    sandbox.wait_for_message("C0ROLLOUT", "chi resumed this channel's question. The next one comes Tuesday 1 December")
    sandbox.command("U0BEN", "C0ROLLOUT", "/reflect", "team stop")
    sandbox.wait_for_message("C0ROLLOUT", "ben stopped this channel's question. No more will come.")
    sandbox.clock.move_to(TUESDAY + 3 * WEEK)
    sandbox.wait_idle()
    assert len(repositories.nudges.sent(ROLLOUT)) == 1


def test_an_uncertain_send_in_a_channel_is_not_repeated_and_shown_as_in_doubt(
    sandbox: Sandbox, nudges: Nudges, repositories: MemoryRepositories
) -> None:
    nudges.subscribe(ROLLOUT, Wishes(1, 570, ZONE, topic="rotate"), channel="C0ROLLOUT", kind="team")
    sandbox.faults.add("chat.postMessage", "reset_after")
    _came(sandbox, TUESDAY, "A question for this team", "C0ROLLOUT")
    (ended,) = repositories.nudges.ended(ROLLOUT)
    assert ended.state == "in_doubt"
    sandbox.clock.advance(timedelta(minutes=30))
    sandbox.wait_idle()
    posts = [m for m in sandbox.messages("C0ROLLOUT") if "A question for this team" in words(m)]
    assert len(posts) == 1
    sandbox.command("U0BEN", "C0ROLLOUT", "/reflect", "team")
    shown = sandbox.wait_for_message("C0ROLLOUT", "This channel gets one question a week", user="U0BEN")
    assert "I can't say whether the question for Tuesday 24 November got through" in shown["text"]


def test_where_the_bot_is_not_in_the_channel_it_says_how_to_invite_it(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "C0QUIET", "/reflect", "team on Tuesday 9:30")
    sandbox.wait_for_message("D0ANA", "Invite me there with `/invite @ISP Coach`")


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("team", "Please use `/reflect team` in the channel"),
        ("team on Tuesday 9:30", "Please use `/reflect team` in the channel"),
    ],
)
def test_a_channels_question_is_not_set_in_a_dm(sandbox: Sandbox, typed: str, answer: str) -> None:
    sandbox.command("U0ANA", "D0ANA", "/reflect", typed)
    sandbox.wait_for_message("D0ANA", answer, user="U0ANA")


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("team whenever", "In a channel I understand"),
        ("team on Tuesday 25:61", "I can't read that time"),
        ("team on Tuesday 6:00", "from 8:00 to 19:59"),
        ("team stop", "no weekly question at the moment"),
        ("team pause", "no weekly question at the moment"),
        ("team skip", "no weekly question at the moment"),
        ("team resume", "no weekly question at the moment"),
    ],
)
def test_what_was_typed_oddly_about_a_channel_gets_calm_words(
    sandbox: Sandbox, repositories: MemoryRepositories, typed: str, answer: str
) -> None:
    sandbox.command("U0ANA", "C0ROLLOUT", "/reflect", typed)
    sandbox.wait_for_message("C0ROLLOUT", answer, user="U0ANA")
    assert repositories.nudges.subscription(ROLLOUT) is None


# --- the journal ------------------------------------------------------------------------------------------------------


def test_the_journal_is_narrowed_by_topic_month_and_words_and_turned(sandbox: Sandbox, nudges: Nudges) -> None:
    for n in range(11):
        nudges.reflect(ANA, Entry(f"entry {n:02d}", "", "C4" if n % 2 else "FB"), entry_id=f"e{n}")
    sandbox.clock.advance(timedelta(days=10))
    nudges.reflect(ANA, Entry("a December thought", "", "C4"), entry_id="dec")
    sandbox.command("U0ANA", "D0ANA", "/reflect", "journal")
    message = sandbox.wait_for_message("D0ANA", "Your latest reflections", user="U0ANA")
    sandbox.click("U0ANA", message["ts"], "reflect.journal")
    view = sandbox.wait_for_modal("U0ANA", "12 in all; you wrote in 2 of the last 8 weeks")
    assert "entry 04" in words(view.content)
    assert "entry 03" not in words(view.content)
    sandbox.click("U0ANA", view.id, "journal.page:older")
    sandbox.wait_for_modal("U0ANA", "entry 03")
    sandbox.click("U0ANA", view.id, "journal.unit", "FB")
    sandbox.wait_for(lambda: "December" not in _shown(sandbox), what="FB alone")
    sandbox.click("U0ANA", view.id, "journal.when", "2026-12")
    sandbox.wait_for_modal("U0ANA", "No entry fits.")
    sandbox.click("U0ANA", view.id, "journal.unit", "all")
    sandbox.wait_for_modal("U0ANA", "a December thought")


def _shown(sandbox: Sandbox) -> str:
    view = sandbox.modal("U0ANA")
    return " ".join(words(b) for b in view.content["blocks"] if b["type"] == "section" and "accessory" not in b)


def test_somebody_elses_entry_can_be_neither_edited_nor_deleted(
    sandbox: Sandbox, nudges: Nudges, repositories: MemoryRepositories
) -> None:
    nudges.reflect(ANA, Entry("canary of Ana", "", "C4", "a plan"), entry_id="e1")
    journal = nudges.journal
    assert journal.edit("e1", BEN, text="x", commitment="", due=None, went=None) is None
    assert not journal.delete("e1", BEN)
    assert journal.add_to("e1", BEN, "x") is None
    assert journal.reopen_commitment("e1", BEN) is None
    assert repositories.journal.entries(ANA)[0].text == "canary of Ana"
    sandbox.command("U0BEN", "C0GENERAL", "/reflect", "journal canary")
    sandbox.wait_for_message("C0GENERAL", "No entry fits.", user="U0BEN")
    sandbox.command("U0BEN", "C0GENERAL", "/reflect", "month")
    sandbox.wait_for_message("C0GENERAL", "Nothing written this month.", user="U0BEN")


def test_a_month_counts_and_quotes_ones_own_words(sandbox: Sandbox, nudges: Nudges) -> None:
    for n, state in enumerate(("done", None, "dropped")):
        entry = Entry(f"thought number {n} of this month", "", "C4", f"plan {n}", date(2026, 12, 1), went=2 + n)
        nudges.reflect(ANA, entry, entry_id=f"e{n}")
        if state:
            nudges.journal.settle_commitment(f"e{n}", ANA, state)  # type: ignore[arg-type]  # one of the two
    sandbox.command("U0ANA", "D0ANA", "/reflect", "month")
    message = sandbox.wait_for_message("D0ANA", "Your November 2026", user="U0ANA")
    for said in ("3 reflections, in one week", "Assess barriers and facilitators (3)", "Mixed", "Done: plan 0",
                 "Still open: plan 1", "Let go: 1", "thought number 2 of this month"):  # fmt: skip
        assert said in message["text"]
