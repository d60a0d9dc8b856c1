"""Weekly prompts as a person lives with them: subscribe, receive, reflect, be asked again, pause, stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.core.framework import Knowledge
from bot.core.records import Member, Nudge, Reflection
from bot.core.wording import Wording
from bot.sandbox.driver import words
from bot.sandbox.limits import check_message, check_view
from bot.sandbox.server import Sandbox
from bot.services.nudges import Entry, Letter, Nudges, Wishes
from bot.slack import journal, nudge_settings, reflect, team
from bot.slack.bolt import SlackApp
from bot.slack.nudge_settings import Wish
from tests.fakes.memory import MemoryRepositories

pytestmark = pytest.mark.usefixtures("bot", "worker")
ANA, BEN = Member("T0SANDBOX", "U0ANA"), Member("T0SANDBOX", "U0BEN")
TUESDAY = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)  # 9:30 in Toronto
WEEK = timedelta(weeks=1)
MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # where the sandbox's clock stands
NUDGE = "A minute to think"


def _subscribe(sandbox: Sandbox, words: str = "on Tuesday 9:30", user: str = "U0ANA") -> dict[str, Any]:
    after = max((m["ts"] for m in sandbox.messages(sandbox.dm(user), user)), default="0")
    sandbox.command(user, sandbox.dm(user), "/reflect", words)
    return sandbox.wait_for_message(sandbox.dm(user), "Done: one prompt a week", user=user, after=after)


def _nudges(sandbox: Sandbox, user: str = "U0ANA") -> list[dict[str, Any]]:
    return [m for m in sandbox.messages(sandbox.dm(user)) if NUDGE in words(m)]


def _receive(sandbox: Sandbox, at: datetime, *, count: int = 1) -> dict[str, Any]:
    sandbox.clock.move_to(at)
    sandbox.wait_for(lambda: len(_nudges(sandbox)) >= count, what="the nudge")
    sandbox.wait_idle()
    assert len(_nudges(sandbox)) == count
    return _nudges(sandbox)[-1]


def _reflect(sandbox: Sandbox, message: dict[str, Any], **values: str) -> dict[str, Any]:
    after = message["ts"]
    sandbox.click("U0ANA", message["ts"], "reflect.open")
    sandbox.wait_for_modal("U0ANA", "What comes to mind")
    assert sandbox.submit("U0ANA", {"text": "I spoke too soon.", **values}) == {}
    return sandbox.wait_for_message("D0ANA", "Saved in your journal", after=after)


def test_from_subscribing_to_stopping_a_whole_story(
    sandbox: Sandbox, repositories: MemoryRepositories, nudges: Nudges
) -> None:
    agreed = _subscribe(sandbox)
    assert (
        "Tuesdays at 9:30, Toronto time (America/Toronto). The next ones come Tuesday 24 November, 9:30; "
        "Tuesday 1 December, 9:30; Tuesday 8 December, 9:30."
    ) in agreed["text"]
    assert repositories.nudges.next_due() == TUESDAY

    sandbox.clock.move_to(TUESDAY - timedelta(minutes=1))
    sandbox.wait_idle()
    assert _nudges(sandbox) == []
    first = _receive(sandbox, TUESDAY)
    assert "Only you can see this" in first["text"]
    _reflect(sandbox, first, commitment="Ask the night shift", due="2026-11-27", went="2")
    entry = repositories.journal.entries(ANA)[0]
    assert (entry.text, entry.commitment, entry.commitment_due) == (
        "I spoke too soon.",
        "Ask the night shift",
        date(2026, 11, 27),
    )
    assert (entry.went, entry.commitment_state, entry.unit) == (2, "open", repositories.nudges.sent(ANA)[0].unit)
    assert entry.prompt == nudges.prompts[repositories.nudges.sent(ANA)[0].prompt_id].text

    second = _receive(sandbox, TUESDAY + WEEK, count=2)
    assert "Last time you meant to do this, by Friday 27 November: “Ask the night shift”" in second["text"]
    prompts = [n.prompt_id for n in repositories.nudges.sent(ANA)]
    assert len(set(prompts)) == 2
    sandbox.click("U0ANA", second["ts"], "commitment.done")
    sandbox.wait_for_message("D0ANA", "Done: “Ask the night shift”")
    assert repositories.journal.entries(ANA)[0].commitment_state == "done"

    third = _receive(sandbox, TUESDAY + 2 * WEEK, count=3)
    assert "Last time you meant" not in third["text"]
    sandbox.click("U0ANA", third["ts"], "nudge.stop")
    sandbox.wait_for_message("D0ANA", "Stopped. No more weekly prompts")
    sandbox.clock.move_to(TUESDAY + 5 * WEEK)
    sandbox.wait_idle()
    assert len(_nudges(sandbox)) == 3
    assert repositories.nudges.next_due() is None


def test_the_modal_subscribes_with_slacks_zone_in_words_and_the_next_three_dates(
    sandbox: Sandbox, repositories: MemoryRepositories
) -> None:
    sandbox.command("U0BEN", "C0GENERAL", "/reflect")
    view = sandbox.wait_for_modal("U0BEN", "London time (Europe/London)")
    assert "Tuesday 24 November, 9:30; Tuesday 1 December, 9:30; Tuesday 8 December, 9:30" in words(view.content)
    sandbox.click("U0BEN", view.id, "nudge.day", "3")
    sandbox.wait_for_modal("U0BEN", "Thursday 26 November, 9:30")
    assert sandbox.submit("U0BEN", {"nudge.day": "3", "nudge.time": "16:45"}) == {}
    message = sandbox.wait_for_message("D0BEN", "Thursdays at 16:45, London time")
    assert "Thursday 26 November, 16:45" in message["text"]
    subscription = repositories.nudges.subscription(BEN)
    assert subscription is not None
    assert (subscription.weekday, subscription.minute, subscription.zone) == (3, 16 * 60 + 45, "Europe/London")
    assert not subscription.zone_is_own


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"nudge.time": "07:59"}, "time"),
        ({"nudge.time": "20:00"}, "time"),
        ({"zone": "Atlantis"}, "zone"),
        ({"zone": "America/Indiana"}, "zone"),
    ],
)
def test_what_cannot_be_is_said_under_its_field(
    sandbox: Sandbox, repositories: MemoryRepositories, values: dict[str, str], wrong: str
) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/reflect")
    sandbox.wait_for_modal("U0ANA", "Toronto time")
    assert set(sandbox.submit("U0ANA", {"nudge.day": "1", "nudge.time": "09:30", **values})) == {wrong}
    assert repositories.nudges.subscription(ANA) is None


def test_an_own_zone_is_kept_when_the_day_moves(sandbox: Sandbox, repositories: MemoryRepositories) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/reflect")
    sandbox.wait_for_modal("U0ANA", "Toronto time")
    assert sandbox.submit("U0ANA", {"nudge.day": "1", "nudge.time": "09:30", "zone": "berlin"}) == {}
    sandbox.wait_for_message("D0ANA", "Berlin time (Europe/Berlin)")
    _subscribe(sandbox, "on friday 2pm")
    subscription = repositories.nudges.subscription(ANA)
    assert subscription is not None
    assert (subscription.zone, subscription.zone_is_own, subscription.weekday) == ("Europe/Berlin", True, 4)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("on someday at 9:30", "On which day of the week?"),
        ("on Tuesday", "At what time?"),
        ("on Tuesday 7:30", "from 8:00 to 19:59"),
        ("on Tuesday and Thursday 9:30", "one day is enough"),
        ("on Tuesday 25:61", "I can't read that time"),
        ("what is this", "I understand `/reflect on Tuesday 9:30`"),
        ("pause until pigs fly", "Until when?"),
        ("pause", "no weekly prompts to pause"),
        ("skip", "there is none to leave out"),
        ("resume", "You don't get weekly prompts"),
        ("stop", "nothing to stop"),
    ],
)
def test_what_was_typed_oddly_gets_calm_words_and_enrols_nobody(
    sandbox: Sandbox, repositories: MemoryRepositories, typed: str, answer: str
) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/reflect", typed)
    message = sandbox.wait_for_message("C0GENERAL", answer, user="U0ANA")
    assert message["ephemeral"] is True
    assert repositories.nudges.subscription(ANA) is None


def test_an_unreachable_profile_is_told_not_guessed(sandbox: Sandbox, repositories: MemoryRepositories) -> None:
    sandbox.faults.add("users.info", "500", times=50)
    sandbox.command("U0ANA", "D0ANA", "/reflect", "on Tuesday 9:30")
    sandbox.wait_for_message("D0ANA", "I'd rather not guess", user="U0ANA")
    assert repositories.nudges.subscription(ANA) is None


def test_a_snoozed_prompt_comes_again_two_hours_later_the_same_one(
    sandbox: Sandbox, repositories: MemoryRepositories
) -> None:
    _subscribe(sandbox)
    first = _receive(sandbox, TUESDAY)
    sandbox.click("U0ANA", first["ts"], "nudge.snooze")
    sandbox.wait_for_message("D0ANA", "I'll ask again at 11:30.")
    sandbox.click("U0ANA", first["ts"], "nudge.snooze")
    sandbox.wait_idle()
    _receive(sandbox, TUESDAY + timedelta(hours=2), count=2)
    assert len({n.prompt_id for n in repositories.nudges.sent(ANA)}) == 1
    upcoming = repositories.nudges.upcoming(ANA)
    assert upcoming is not None
    assert upcoming.period == "2026-W49"


def test_a_snoozed_prompt_that_was_answered_does_not_come_again(sandbox: Sandbox) -> None:
    _subscribe(sandbox)
    first = _receive(sandbox, TUESDAY)
    sandbox.click("U0ANA", first["ts"], "nudge.snooze")
    sandbox.wait_for_message("D0ANA", "I'll ask again at 11:30.")
    _reflect(sandbox, first)
    sandbox.clock.move_to(TUESDAY + timedelta(hours=3))
    sandbox.wait_idle()
    assert len(_nudges(sandbox)) == 1


def test_a_zone_that_is_not_known_any_more_is_told_and_can_be_chosen_again(
    sandbox: Sandbox, repositories: MemoryRepositories
) -> None:
    _subscribe(sandbox)
    subscription = repositories.nudges.subscription(ANA)
    assert subscription is not None
    repositories.nudges.subscribe(replace(subscription, zone="Mars/Olympus", zone_is_own=True))
    sandbox.open_home("U0ANA")
    sandbox.wait_for_home("U0ANA", "I don't know the time zone “Mars/Olympus” any more")
    sandbox.command("U0ANA", "D0ANA", "/reflect")
    message = sandbox.wait_for_message("D0ANA", "I'd rather not guess", user="U0ANA")
    sandbox.click("U0ANA", message["ts"], "nudge.settings")
    sandbox.wait_for_modal("U0ANA", "Weekly prompts")
    assert sandbox.submit("U0ANA", {"nudge.day": "1", "nudge.time": "09:30", "zone": "Toronto"}) == {}
    sandbox.wait_for_home("U0ANA", "Next: Tuesday 24 November, 9:30")


def test_blank_words_are_no_reflection(sandbox: Sandbox, repositories: MemoryRepositories) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/reflect", "now")
    sandbox.wait_for_modal("U0ANA", "What comes to mind")
    assert "text" in sandbox.submit("U0ANA", {"text": "  \n "})
    assert repositories.journal.entries(ANA) == []


def test_a_snooze_in_the_evening_waits_for_the_morning(sandbox: Sandbox) -> None:
    _subscribe(sandbox, "on Tuesday 19:00")
    first = _receive(sandbox, datetime(2026, 11, 25, 0, 0, tzinfo=UTC))  # 19:00 in Toronto
    sandbox.click("U0ANA", first["ts"], "nudge.snooze")
    sandbox.wait_for_message("D0ANA", "I'll ask again Wednesday 25 November, 8:00.")


def test_skipping_this_week_drops_a_snoozed_prompt_and_names_the_next(sandbox: Sandbox) -> None:
    _subscribe(sandbox)
    first = _receive(sandbox, TUESDAY)
    sandbox.click("U0ANA", first["ts"], "nudge.snooze")
    sandbox.wait_for_message("D0ANA", "I'll ask again")
    sandbox.click("U0ANA", first["ts"], "nudge.skip")
    sandbox.wait_for_message("D0ANA", "The next one comes Tuesday 1 December, 9:30.")
    sandbox.clock.move_to(TUESDAY + timedelta(hours=4))
    sandbox.wait_idle()
    assert len(_nudges(sandbox)) == 1
    _receive(sandbox, TUESDAY + WEEK, count=2)


def test_skip_leaves_out_one_and_the_plan_does_not_bring_it_back(sandbox: Sandbox) -> None:
    _subscribe(sandbox)
    sandbox.command("U0ANA", "D0ANA", "/reflect", "skip")
    message = sandbox.wait_for_message("D0ANA", "is left out", user="U0ANA")
    assert "The prompt of Tuesday 24 November is left out. The next one comes Tuesday 1 December" in message["text"]
    sandbox.clock.move_to(TUESDAY + timedelta(hours=3))
    sandbox.wait_idle()
    assert _nudges(sandbox) == []
    _receive(sandbox, TUESDAY + WEEK)


def test_a_pause_ends_by_itself_on_its_day_without_a_burst(sandbox: Sandbox) -> None:
    _subscribe(sandbox)
    sandbox.command("U0ANA", "D0ANA", "/reflect", "pause 3 weeks")
    sandbox.wait_for_message("D0ANA", "Paused until Monday 14 December", user="U0ANA")
    sandbox.clock.move_to(TUESDAY + 2 * WEEK)
    sandbox.wait_idle()
    assert _nudges(sandbox) == []
    sandbox.clock.move_to(datetime(2026, 12, 14, 15, 0, tzinfo=UTC))
    sandbox.wait_idle()
    assert _nudges(sandbox) == []
    _receive(sandbox, TUESDAY + 3 * WEEK)


def test_a_pause_without_a_date_lasts_until_go_on(sandbox: Sandbox) -> None:
    _subscribe(sandbox)
    sandbox.command("U0ANA", "D0ANA", "/reflect", "pause")
    message = sandbox.wait_for_message("D0ANA", "Nothing comes until you resume", user="U0ANA")
    sandbox.clock.move_to(TUESDAY + WEEK + timedelta(hours=5))
    sandbox.wait_idle()
    assert _nudges(sandbox) == []
    sandbox.click("U0ANA", message["ts"], "nudge.resume")
    sandbox.wait_for_message("D0ANA", "The next prompt comes Tuesday 8 December, 9:30", user="U0ANA")


def test_stop_works_on_a_message_a_year_old_and_so_does_reflect(
    sandbox: Sandbox, repositories: MemoryRepositories
) -> None:
    _subscribe(sandbox)
    first = _receive(sandbox, TUESDAY)
    sandbox.click("U0ANA", first["ts"], "nudge.stop")
    sandbox.wait_for_message("D0ANA", "Stopped.")
    sandbox.clock.advance(timedelta(days=380))
    sandbox.click("U0ANA", first["ts"], "nudge.stop")
    sandbox.wait_for_message("D0ANA", "nothing to stop")
    _reflect(sandbox, first, commitment="Write to Sam")
    saved = [m["text"] for m in sandbox.messages("D0ANA") if "Saved in your journal" in m["text"]]
    assert "weekly prompts would bring it back to you" in saved[0]
    assert len(repositories.journal.entries(ANA)) == 1


def test_stopped_can_be_undone_with_one_click(sandbox: Sandbox) -> None:
    _subscribe(sandbox)
    sandbox.command("U0ANA", "D0ANA", "/reflect", "stop")
    message = sandbox.wait_for_message("D0ANA", "Stopped.", user="U0ANA")
    sandbox.click("U0ANA", message["ts"], "nudge.resume")
    sandbox.wait_for_message("D0ANA", "The next prompt comes Tuesday 24 November, 9:30", user="U0ANA")


def test_a_commitment_can_be_moved_or_let_go(sandbox: Sandbox, repositories: MemoryRepositories) -> None:
    _subscribe(sandbox)
    _reflect(sandbox, _receive(sandbox, TUESDAY), commitment="Map the ward round")
    second = _receive(sandbox, TUESDAY + WEEK, count=2)
    sandbox.click("U0ANA", second["ts"], "commitment.move")
    sandbox.wait_for_modal("U0ANA", "You meant to: Map the ward round")
    assert "due" in sandbox.submit("U0ANA", {"due": "2026-11-02"})
    assert sandbox.submit("U0ANA", {"due": "2026-12-10"}) == {}
    sandbox.wait_for_message("D0ANA", "Moved to Thursday 10 December")
    third = _receive(sandbox, TUESDAY + 2 * WEEK, count=3)
    assert "by Thursday 10 December: “Map the ward round”" in third["text"]
    sandbox.click("U0ANA", third["ts"], "commitment.drop")
    sandbox.wait_for_message("D0ANA", "Let go: “Map the ward round”")
    assert repositories.journal.entries(ANA)[0].commitment_state == "dropped"


def test_the_journal_shows_ones_own_entries_to_oneself(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/reflect", "now")
    sandbox.wait_for_modal("U0ANA", "What comes to mind")
    assert "text" in sandbox.submit("U0ANA", {})
    assert sandbox.submit("U0ANA", {"text": "<!here> the *truth* about ward 3", "commitment": "Call Ben"}) == {}
    sandbox.wait_for_message("D0ANA", "Saved in your journal")
    sandbox.command("U0ANA", "C0GENERAL", "/reflect", "journal")
    message = sandbox.wait_for_message("C0GENERAL", "Your latest reflections", user="U0ANA")
    assert message["ephemeral"] is True
    assert "ward 3" in message["text"]
    assert "To do by" in message["text"]
    assert "<!here>" not in words(message.get("blocks"))
    sandbox.command("U0BEN", "C0GENERAL", "/reflect", "journal")
    empty = sandbox.wait_for_message("C0GENERAL", "Your journal is empty", user="U0BEN")
    assert "ward 3" not in words(empty)


def test_a_late_nudge_is_skipped_not_sent(sandbox: Sandbox, repositories: MemoryRepositories) -> None:
    _subscribe(sandbox)
    sandbox.clock.move_to(TUESDAY + timedelta(days=3))
    sandbox.wait_idle()
    assert _nudges(sandbox) == []
    upcoming = repositories.nudges.upcoming(ANA)
    assert upcoming is not None
    assert upcoming.period == "2026-W49"
    sandbox.command("U0ANA", "D0ANA", "/reflect")
    sandbox.wait_for_message("D0ANA", "The prompt for Tuesday 24 November would have come too late", user="U0ANA")


def test_nothing_comes_at_night_however_late_it_runs(sandbox: Sandbox) -> None:
    _subscribe(sandbox, "on Tuesday 19:30")
    sandbox.clock.move_to(datetime(2026, 11, 25, 1, 5, tzinfo=UTC))  # 20:05 in Toronto
    sandbox.wait_idle()
    assert _nudges(sandbox) == []


def test_an_uncertain_send_is_not_repeated_once_the_history_shows_it(
    sandbox: Sandbox, repositories: MemoryRepositories
) -> None:
    _subscribe(sandbox)
    sandbox.faults.add("chat.postMessage", "reset_after")
    sandbox.clock.move_to(TUESDAY)
    sandbox.wait_for(lambda: _nudges(sandbox), what="the nudge")
    sandbox.wait_idle()
    assert repositories.nudges.sent(ANA) == []
    sandbox.clock.advance(timedelta(minutes=3))  # the lease lapses
    sandbox.wait_for(lambda: repositories.nudges.sent(ANA), what="the second look")
    assert len(_nudges(sandbox)) == 1


def test_two_people_in_two_zones_get_theirs_at_their_own_hour(sandbox: Sandbox) -> None:
    _subscribe(sandbox)
    _subscribe(sandbox, user="U0BEN")
    sandbox.clock.move_to(datetime(2026, 11, 24, 9, 30, tzinfo=UTC))
    sandbox.wait_for(lambda: _nudges(sandbox, "U0BEN"), what="Ben's nudge")
    sandbox.wait_idle()
    assert _nudges(sandbox, "U0ANA") == []
    _receive(sandbox, TUESDAY)


def test_long_words_keep_slacks_limits_everywhere(
    sandbox: Sandbox, nudges: Nudges, bot: SlackApp, knowledge: Knowledge, wording: Wording
) -> None:
    long = ("🙂 وقد قال <!here> & " * 300)[:3000]
    for n in range(12):
        entry = Entry(long, long[:300], "C4", long[:400], date(2026, 12, 1), 3)
        nudges.reflect(ANA, entry, entry_id=f"e{n}")
    text, blocks = journal.journal_blocks(ANA, bot.deps)
    assert check_message({"text": text, "blocks": blocks}) == []
    commitment = nudges.journal.entries(ANA)[0]
    row = Nudge("n1", ANA, "2026-W48", MONDAY, "2026-11-24T09:30", "America/Toronto", "claimed")
    for prompt in nudges.prompts.values():
        letter = Letter(row, "reflection", prompt.unit, "focus", prompt, repeated=True, commitment=commitment)
        message, parts = reflect.nudge_message(letter, knowledge, wording)
        assert check_message({"text": message, "blocks": list(parts)}) == []
        view = reflect.reflection_modal(f"n1|{prompt.id}", prompt, MONDAY.date(), bot.deps)
        assert check_view(view) == []
    zone = "America/Argentina/ComodRivadavia"
    wishes = Wishes(6, 1199, zone, topic="chosen", units=tuple(knowledge.units), check_weeks=4)
    for wish in (Wish(wishes, zone), Wish(wishes, zone, channel="C0GENERAL")):
        assert check_view(nudge_settings.settings_modal(wish, bot.deps)) == []
        assert check_view(team.settings_modal(wish, bot.deps)) == []
    assert check_view(journal.journal_view(ANA, journal.Page("and", "C4", ""), bot.deps)) == []
    month = nudges.journal.month(ANA, date(2026, 11, 1), None)
    text, blocks = journal.month_blocks(month, bot.deps)
    assert check_message({"text": text, "blocks": blocks}) == []
    assert isinstance(commitment, Reflection)
