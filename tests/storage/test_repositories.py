"""The contract of storage, over every implementation of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal

import pytest

from bot.core.records import DECLINED, LEFT_OUT, Member, Profile
from bot.ports import Backlog, Repositories
from tests.fakes.memory import StandingClock
from tests.storage.rows import (
    ANA,
    BEN,
    CHI_ELSEWHERE,
    LEASE,
    MINUTE,
    NOW,
    ODD_TEXTS,
    check,
    exchange,
    fill,
    focus,
    installation,
    item,
    nudge,
    profile,
    reflection,
    run,
    said,
    subscription,
)

Ending = Literal["sent", "skipped", "cancelled", "failed", "in_doubt"]

# --- inbox ---


def test_a_delivery_is_recorded_once(repositories: Repositories) -> None:
    assert repositories.inbox.record(item())
    assert not repositories.inbox.record(item(kind="command"))
    assert repositories.inbox.unfinished() == [item()]


def test_beginning_counts_attempts_and_gives_the_item(repositories: Repositories) -> None:
    repositories.inbox.record(item())
    assert repositories.inbox.begin("Ev1") == item(attempts=1)
    assert repositories.inbox.begin("Ev1") == item(attempts=2)
    assert repositories.inbox.begin("Ev2") is None


def test_of_two_that_recover_an_item_one_gets_it(repositories: Repositories) -> None:
    repositories.inbox.record(item())
    (seen,) = repositories.inbox.unfinished()
    assert repositories.inbox.begin(seen.key, attempts=seen.attempts) == item(attempts=1)
    assert repositories.inbox.begin(seen.key, attempts=seen.attempts) is None


def test_an_item_that_is_done_is_not_begun_again(repositories: Repositories) -> None:
    repositories.inbox.record(item())
    repositories.inbox.done("Ev1", "answered")
    repositories.inbox.done("Ev1", "apology")
    assert repositories.inbox.begin("Ev1") is None
    assert repositories.inbox.unfinished() == []
    (row,) = repositories.everything_of(ANA)["inbox"]
    assert row["outcome"] == "answered"


def test_a_delivery_is_still_known_after_it_is_done_but_not_what_it_said(repositories: Repositories) -> None:
    repositories.inbox.record(item())
    repositories.inbox.done("Ev1", "answered")
    assert not repositories.inbox.record(item())
    (row,) = repositories.everything_of(ANA)["inbox"]
    assert row["payload"] == {}


def test_a_begun_send_is_remembered_for_who_recovers(repositories: Repositories) -> None:
    repositories.inbox.record(item())
    repositories.inbox.begin("Ev1")
    repositories.inbox.sending("Ev1")
    repositories.inbox.sending("unknown")
    assert repositories.inbox.unfinished() == [item(attempts=1, sending=True)]


def test_who_was_overtaken_may_not_send(repositories: Repositories) -> None:
    inbox = repositories.inbox
    inbox.record(item())
    first = inbox.begin("Ev1")
    assert first is not None
    assert inbox.sending("Ev1", attempts=first.attempts)
    second = inbox.begin("Ev1", attempts=first.attempts)
    assert second is not None
    assert not inbox.sending("Ev1", attempts=first.attempts)
    assert inbox.sending("Ev1", attempts=second.attempts)
    inbox.done("Ev1", "answered")
    assert not inbox.sending("Ev1", attempts=second.attempts)
    assert inbox.sending("deleted by its own request", attempts=1)


def test_what_is_still_worked_on_is_not_taken_for_left_behind(repositories: Repositories, clock: StandingClock) -> None:
    for key in ("kept", "overtaken", "left", "sent"):
        repositories.inbox.record(item(key, received_at=clock.now()))
        repositories.inbox.begin(key)
    now = clock.move(MINUTE)
    repositories.inbox.keep({})
    repositories.inbox.keep({"kept": 1, "overtaken": 7, "unknown": 1})
    repositories.inbox.sending("sent", attempts=1)
    left = {item.key for item in repositories.inbox.unfinished(received_before=now)}
    assert left == {"overtaken", "left"}


def test_unfinished_items_come_oldest_first(repositories: Repositories) -> None:
    for number, minutes in enumerate((3, 1, 2)):
        repositories.inbox.record(item(f"Ev{number}", received_at=NOW + minutes * MINUTE))
    assert [left.key for left in repositories.inbox.unfinished()] == ["Ev1", "Ev2", "Ev0"]


def test_what_was_begun_a_moment_ago_is_not_taken_for_left_behind(
    repositories: Repositories, clock: StandingClock
) -> None:
    repositories.inbox.record(item("old", received_at=clock.now()))
    repositories.inbox.record(item("begun", received_at=clock.now()))
    now = clock.move(10 * MINUTE)
    repositories.inbox.record(item("new", received_at=now))
    repositories.inbox.begin("begun")
    assert [left.key for left in repositories.inbox.unfinished(received_before=now)] == ["old"]
    assert len(repositories.inbox.unfinished()) == 3


def test_sweeping_the_inbox_drops_what_was_closed_long_ago(repositories: Repositories, clock: StandingClock) -> None:
    for key in ("early", "late", "open"):
        repositories.inbox.record(item(key))
    repositories.inbox.done("early", "answered")
    later = clock.move(timedelta(hours=1))
    repositories.inbox.done("late", "answered")
    assert repositories.inbox.sweep(done_before=later) == 1
    assert repositories.inbox.record(item("early"))
    assert not repositories.inbox.record(item("late"))
    assert not repositories.inbox.record(item("open"))


# --- conversations ---


def test_a_conversation_is_recalled_oldest_first_and_no_longer_than_asked(repositories: Repositories) -> None:
    for number in range(12):
        repositories.conversations.remember(said(str(number), at=NOW + number * MINUTE))
    recalled = repositories.conversations.recall("D0ANA", ANA, since=NOW, limit=3)
    assert [message.text for message in recalled] == ["9", "10", "11"]
    assert recalled[0] == said("9", at=NOW + 9 * MINUTE)


def test_messages_of_one_instant_keep_their_order(repositories: Repositories) -> None:
    for role in ("user", "assistant", "user", "assistant"):
        repositories.conversations.remember(said(role, role=role))
    recalled = repositories.conversations.recall("D0ANA", ANA, since=NOW)
    assert [message.role for message in recalled] == ["user", "assistant", "user", "assistant"]


def test_a_conversation_is_recalled_for_its_member_and_place_and_time_only(repositories: Repositories) -> None:
    repositories.conversations.remember(said("mine"))
    repositories.conversations.remember(said("earlier", at=NOW - MINUTE))
    repositories.conversations.remember(said("Ben's", member=BEN))
    repositories.conversations.remember(said("namesake's", member=CHI_ELSEWHERE))
    repositories.conversations.remember(said("in a thread", conversation="C1:1.2"))
    assert [message.text for message in repositories.conversations.recall("D0ANA", ANA, since=NOW)] == ["mine"]


def test_old_messages_are_forgotten(repositories: Repositories) -> None:
    repositories.conversations.remember(said("old", at=NOW - MINUTE))
    repositories.conversations.remember(said("new"))
    assert repositories.conversations.sweep(before=NOW) == 1
    assert [m.text for m in repositories.conversations.recall("D0ANA", ANA, since=NOW - LEASE)] == ["new"]


# --- exchanges ---


def test_an_exchange_comes_back_as_it_was_saved(repositories: Repositories) -> None:
    repositories.exchanges.save(exchange())
    assert repositories.exchanges.get("x1", ANA) == exchange()
    repositories.exchanges.save(exchange(asked="Once more."))
    assert repositories.exchanges.get("x1", ANA) == exchange(asked="Once more.")


def test_feedback_and_corrections_are_noted(repositories: Repositories) -> None:
    repositories.exchanges.save(exchange())
    assert repositories.exchanges.rate("x1", ANA, helpful=False)
    assert repositories.exchanges.correct("x1", ANA, correction="none", may_share=True)
    noted = exchange(helpful=False, correction="none", may_share=True)
    assert repositories.exchanges.get("x1", ANA) == noted
    assert not repositories.exchanges.rate("unknown", ANA, helpful=True)


def test_only_corrections_that_may_be_shared_are_listed(repositories: Repositories) -> None:
    for number, (member, share) in enumerate([(ANA, True), (BEN, False), (BEN, True), (CHI_ELSEWHERE, True)]):
        exchange_id = f"x{number}"
        repositories.exchanges.save(exchange(exchange_id, member=member, created_at=NOW - number * MINUTE))
        repositories.exchanges.correct(exchange_id, member, correction="C5", may_share=share)
    repositories.exchanges.save(exchange("uncorrected", may_share=True))
    assert [row.id for row in repositories.exchanges.corrections()] == ["x3", "x2", "x0"]
    assert [row.id for row in repositories.exchanges.corrections(team_id=ANA.team_id)] == ["x2", "x0"]


def test_the_latest_exchanges_of_a_person_come_newest_first(repositories: Repositories) -> None:
    for number in range(4):
        repositories.exchanges.save(exchange(f"x{number}", created_at=NOW + number * MINUTE))
    repositories.exchanges.save(exchange("of Ben", member=BEN, created_at=NOW + MINUTE))
    found = repositories.exchanges.recent(ANA, since=NOW + MINUTE, limit=2)
    assert found == [exchange(f"x{n}", created_at=NOW + n * MINUTE) for n in (3, 2)]
    assert [e.id for e in repositories.exchanges.recent(ANA, since=NOW + MINUTE)] == ["x3", "x2", "x1"]
    assert repositories.exchanges.recent(ANA, since=NOW + 9 * MINUTE) == []


def test_old_exchanges_go_but_shared_corrections_stay(repositories: Repositories) -> None:
    old = NOW - MINUTE
    repositories.exchanges.save(exchange("old", created_at=old))
    repositories.exchanges.save(exchange("kept private", created_at=old, correction="C5"))
    repositories.exchanges.save(exchange("shared", created_at=old, correction="C5", may_share=True))
    repositories.exchanges.save(exchange("new"))
    assert repositories.exchanges.sweep(before=NOW) == 2
    left = [name for name in ("old", "kept private", "shared", "new") if repositories.exchanges.get(name, ANA)]
    assert left == ["shared", "new"]


# --- self-checks ---


def test_the_newest_check_of_each_unit_is_found(repositories: Repositories) -> None:
    repositories.checks.add(check("c1"))
    repositories.checks.add(check("c2", created_at=NOW + MINUTE, level=None, ratings=(None, None, None)))
    repositories.checks.add(check("c3", unit="FB", created_at=NOW - MINUTE))
    repositories.checks.add(check("c4", unit="FB", created_at=NOW - MINUTE, example="of the same instant, later"))
    latest = repositories.checks.latest(ANA)
    assert {unit: row.id for unit, row in latest.items()} == {"C4": "c2", "FB": "c4"}
    assert latest["C4"] == check("c2", created_at=NOW + MINUTE, level=None, ratings=(None, None, None))


def test_checks_are_appended_and_never_changed(repositories: Repositories) -> None:
    repositories.checks.add(check())
    repositories.checks.add(check(example="changed"))
    assert repositories.checks.history(ANA) == [check()]


def test_the_history_of_checks_is_newest_first(repositories: Repositories) -> None:
    for number in range(5):
        unit = "C4" if number % 2 else "FB"
        repositories.checks.add(check(f"c{number}", unit=unit, created_at=NOW + number * MINUTE))
    assert [row.id for row in repositories.checks.history(ANA, limit=3)] == ["c4", "c3", "c2"]
    assert [row.id for row in repositories.checks.history(ANA, "C4")] == ["c3", "c1"]
    assert repositories.checks.history(BEN) == []


# --- subscriptions ---


def test_a_subscription_comes_back_as_it_was_written(repositories: Repositories) -> None:
    assert repositories.nudges.subscription(ANA) is None
    repositories.nudges.subscribe(subscription())
    assert repositories.nudges.subscription(ANA) == subscription()
    bare = replace(subscription(), paused_until=None, units=(), created_at=None, state="stopped")
    repositories.nudges.subscribe(bare)
    assert repositories.nudges.subscription(ANA) == bare


def test_subscribing_anew_cancels_due_rows_but_leaves_claimed_and_ended_ones(repositories: Repositories) -> None:
    nudges = repositories.nudges
    nudges.plan(nudge("sent", period="2026-W46", due_at=NOW - 2 * MINUTE))
    nudges.plan(nudge("claimed", period="2026-W47", due_at=NOW - MINUTE))
    (first,) = nudges.claim("w", now=NOW, lease=LEASE, limit=2)
    nudges.settle(first, "sent", ts="1.1")
    assert len(nudges.claim("w", now=NOW + MINUTE, lease=LEASE, limit=2)) == 1
    nudges.plan(nudge("due"))
    nudges.plan(nudge("Ben's", member=BEN))
    nudges.subscribe(subscription())
    states = {name: found.state for name in ("sent", "claimed", "due") if (found := nudges.get(name, ANA))}
    assert states == {"sent": "sent", "claimed": "claimed", "due": "cancelled"}
    ben = nudges.get("Ben's", BEN)
    assert ben is not None
    assert ben.state == "due"


def test_active_subscriptions_come_page_by_page(repositories: Repositories) -> None:
    everybody = [Member(team, f"U{number}") for team in ("T1", "T2") for number in range(5)]
    for member in everybody[::-1]:
        repositories.nudges.subscribe(subscription(member=member))
    repositories.nudges.subscribe(subscription(member=Member("T1", "U2"), state="stopped"))
    seen: list[Member] = []
    after = None
    while page := repositories.nudges.active_subscriptions(after=after, limit=4):
        assert len(page) <= 4
        seen += [row.member for row in page]
        after = page[-1].member
    assert seen == [member for member in everybody if member != Member("T1", "U2")]


def test_a_pause_that_is_over_is_listed_where_asked_for(repositories: Repositories) -> None:
    repositories.nudges.subscribe(subscription(state="paused", paused_until=date(2026, 12, 1)))
    repositories.nudges.subscribe(subscription(member=BEN, state="paused", paused_until=None))
    assert repositories.nudges.active_subscriptions() == []
    assert repositories.nudges.active_subscriptions(resuming=date(2026, 11, 30)) == []
    (resumed,) = repositories.nudges.active_subscriptions(resuming=date(2026, 12, 1))
    assert resumed.member == ANA


# --- due rows ---


def test_a_period_holds_one_nudge_of_a_person(repositories: Repositories) -> None:
    assert repositories.nudges.plan(nudge())
    assert not repositories.nudges.plan(nudge())
    assert not repositories.nudges.plan(nudge("n2"))
    assert repositories.nudges.plan(nudge("n3", member=BEN))
    assert repositories.nudges.get("n1", ANA) == nudge()


def test_who_moves_the_day_keeps_this_weeks_nudge(repositories: Repositories) -> None:
    repositories.nudges.plan(nudge())
    repositories.nudges.subscribe(subscription())
    assert repositories.nudges.upcoming(ANA) is None
    moved = nudge("n2", due_at=NOW + timedelta(days=2))
    assert repositories.nudges.plan(moved)
    assert repositories.nudges.upcoming(ANA) == moved
    assert repositories.nudges.get("n1", ANA) is None


def test_a_period_whose_nudge_may_be_out_is_not_planned_again(repositories: Repositories) -> None:
    repositories.nudges.plan(nudge())
    (claimed,) = repositories.nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    repositories.nudges.settle(claimed, "cancelled", reason="left the channel")
    assert not repositories.nudges.plan(nudge("n2"))


def somebody(number: int) -> Member:
    return Member("T1", f"U{number}")


def test_due_rows_are_claimed_oldest_first(repositories: Repositories) -> None:
    for number, minutes in enumerate((-1, -3, 0, 1)):
        repositories.nudges.plan(nudge(f"n{number}", member=somebody(number), due_at=NOW + minutes * MINUTE))
    claimed = repositories.nudges.claim("w", now=NOW, lease=LEASE, limit=2)
    assert [row.id for row in claimed] == ["n1", "n0"]
    first = claimed[0]
    assert (first.state, first.owner, first.attempt, first.lease_until) == ("claimed", "w", 1, NOW + LEASE)
    assert [row.id for row in repositories.nudges.claim("v", now=NOW, lease=LEASE, limit=9)] == ["n2"]
    assert repositories.nudges.claim("v", now=NOW, lease=LEASE, limit=9) == []


def test_a_lapsed_lease_is_free_for_others_and_lost_for_its_holder(repositories: Repositories) -> None:
    repositories.nudges.plan(nudge())
    (first,) = repositories.nudges.claim("frozen", now=NOW, lease=LEASE, limit=1)
    assert repositories.nudges.claim("other", now=NOW + LEASE - MINUTE, lease=LEASE, limit=1) == []
    (second,) = repositories.nudges.claim("other", now=NOW + LEASE, lease=LEASE, limit=1)
    assert (second.owner, second.attempt) == ("other", 2)
    assert not repositories.nudges.renew(first, now=NOW + LEASE, lease=LEASE)
    assert not repositories.nudges.choose(first, kind="reflection", prompt_id="p", unit=None)
    assert not repositories.nudges.settle(first, "sent", ts="1.1")
    assert repositories.nudges.settle(second, "sent", ts="2.2")


def test_the_same_worker_loses_its_earlier_claim_too(repositories: Repositories) -> None:
    repositories.nudges.plan(nudge())
    (first,) = repositories.nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    (second,) = repositories.nudges.claim("w", now=NOW + LEASE, lease=LEASE, limit=1)
    assert not repositories.nudges.renew(first, now=NOW + LEASE, lease=LEASE)
    assert repositories.nudges.renew(second, now=NOW + LEASE, lease=LEASE)


def test_a_renewed_lease_holds_longer(repositories: Repositories) -> None:
    repositories.nudges.plan(nudge())
    (held,) = repositories.nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    assert repositories.nudges.renew(held, now=NOW + MINUTE, lease=LEASE)
    assert repositories.nudges.claim("v", now=NOW + LEASE, lease=LEASE, limit=1) == []
    assert len(repositories.nudges.claim("v", now=NOW + MINUTE + LEASE, lease=LEASE, limit=1)) == 1


@pytest.mark.parametrize("end", ["sent", "skipped", "cancelled", "failed", "in_doubt"])
def test_an_ended_row_stays_ended(repositories: Repositories, end: Ending) -> None:
    repositories.nudges.plan(nudge())
    (held,) = repositories.nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    assert repositories.nudges.settle(held, end, ts="1.1" if end == "sent" else None, reason="why")
    assert repositories.nudges.claim("v", now=NOW + timedelta(days=9), lease=LEASE, limit=1) == []
    assert not repositories.nudges.renew(held, now=NOW, lease=LEASE)
    assert not repositories.nudges.settle(held, "skipped")
    assert repositories.nudges.cancel_open(ANA, "stopped") == 0
    repositories.nudges.subscribe(subscription())
    found = repositories.nudges.get("n1", ANA)
    assert found is not None
    assert (found.state, found.reason) == (end, "why")


def test_a_claimed_row_notes_its_prompt(repositories: Repositories) -> None:
    repositories.nudges.plan(nudge())
    assert not repositories.nudges.choose(nudge(), kind="reflection", prompt_id="early", unit=None)
    (held,) = repositories.nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    assert repositories.nudges.choose(held, kind="reflection", prompt_id="C4-barriers", unit="C4")
    found = repositories.nudges.get("n1", ANA)
    assert found is not None
    assert (found.prompt_id, found.unit, found.state) == ("C4-barriers", "C4", "claimed")


def test_a_begun_send_is_noted_until_slack_is_known_to_have_refused_it(repositories: Repositories) -> None:
    repositories.nudges.plan(nudge(kind="selfcheck"))
    (held,) = repositories.nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    assert not held.sending
    assert repositories.nudges.choose(held, kind="reflection", prompt_id="p", unit="C4")
    (again,) = repositories.nudges.claim("v", now=NOW + LEASE, lease=LEASE, limit=1)
    assert (again.sending, again.kind) == (True, "reflection")
    assert not repositories.nudges.unsent(held)
    assert repositories.nudges.unsent(again)
    (last,) = repositories.nudges.claim("w", now=NOW + 2 * LEASE, lease=LEASE, limit=1)
    assert not last.sending


def test_a_row_that_was_left_out_comes_back_while_its_time_is_ahead(repositories: Repositories) -> None:
    nudges = repositories.nudges
    nudges.plan(nudge(state="skipped", reason=LEFT_OUT, due_at=NOW + MINUTE))
    nudges.plan(nudge("late", period="2026-W49", state="skipped", reason="too late", due_at=NOW + MINUTE))
    assert not nudges.restore("n1", BEN, now=NOW)
    assert not nudges.restore("late", ANA, now=NOW)
    assert not nudges.restore("n1", ANA, now=NOW + MINUTE)
    assert nudges.restore("n1", ANA, now=NOW)
    assert not nudges.restore("n1", ANA, now=NOW)
    assert nudges.upcoming(ANA) == nudge(due_at=NOW + MINUTE)


def test_what_came_is_found_by_its_message_and_can_be_declined(repositories: Repositories) -> None:
    nudges = repositories.nudges
    nudges.plan(nudge())
    assert not nudges.decline("n1", ANA)
    (held,) = nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    nudges.settle(held, "sent", ts="17.5")
    assert not nudges.decline("n1", BEN)
    assert nudges.decline("n1", ANA)
    assert nudges.by_ts(BEN, "17.5") is None
    found = nudges.by_ts(ANA, "17.5")
    assert found is not None
    assert (found.id, found.reason, found.state) == ("n1", DECLINED, "sent")


def test_ended_rows_come_newest_first_by_kind_and_without_the_cancelled(repositories: Repositories) -> None:
    nudges, ends = repositories.nudges, ("sent", "skipped", "failed", "in_doubt", "cancelled")
    for number, end in enumerate(ends):
        kind = "selfcheck" if number % 2 else "reflection"
        nudges.plan(nudge(end, period=f"W{number}", due_at=NOW + number * MINUTE, kind=kind))
        (held,) = nudges.claim("w", now=NOW + (number + 1) * MINUTE, lease=LEASE, limit=1)
        nudges.settle(held, end)
    nudges.plan(nudge("due", period="W9"))
    assert [row.id for row in nudges.ended(ANA)] == ["in_doubt", "failed", "skipped", "sent"]
    assert [row.id for row in nudges.ended(ANA, kind="selfcheck", limit=1)] == ["in_doubt"]
    assert nudges.ended(BEN) == []


def test_an_opt_out_stops_a_claimed_row_at_its_next_step(repositories: Repositories) -> None:
    repositories.nudges.plan(nudge())
    repositories.nudges.plan(nudge("n2", period="2026-W49", due_at=NOW + MINUTE))
    (held,) = repositories.nudges.claim("w", now=NOW, lease=LEASE, limit=9)
    assert repositories.nudges.cancel_open(ANA, "stopped") == 2
    assert not repositories.nudges.renew(held, now=NOW, lease=LEASE)
    assert not repositories.nudges.settle(held, "in_doubt")
    assert repositories.nudges.claim("v", now=NOW + LEASE, lease=LEASE, limit=9) == []


def test_a_send_that_crossed_with_an_opt_out_is_noted_as_sent(repositories: Repositories) -> None:
    repositories.nudges.plan(nudge())
    (held,) = repositories.nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    repositories.nudges.cancel_open(ANA, "stopped")
    assert repositories.nudges.settle(held, "sent", ts="1.1")
    (sent,) = repositories.nudges.sent(ANA)
    assert (sent.id, sent.ts) == ("n1", "1.1")


def test_what_was_sent_is_listed_newest_first(repositories: Repositories) -> None:
    for number in range(4):
        repositories.nudges.plan(nudge(f"n{number}", period=f"W{number}", due_at=NOW + number * MINUTE))
    for number in range(3):
        (held,) = repositories.nudges.claim("w", now=NOW + LEASE + number * MINUTE, lease=LEASE, limit=3)
        repositories.nudges.settle(held, "sent", ts=f"{held.id}.1")
    assert [row.id for row in repositories.nudges.sent(ANA)] == ["n2", "n1", "n0"]
    assert [row.id for row in repositories.nudges.sent(ANA, limit=1)] == ["n2"]
    assert repositories.nudges.sent(BEN) == []


def test_the_next_nudge_is_known(repositories: Repositories) -> None:
    assert repositories.nudges.next_due() is None
    repositories.nudges.plan(nudge("later", period="W2", due_at=NOW + MINUTE))
    repositories.nudges.plan(nudge("sooner"))
    assert repositories.nudges.next_due() == NOW
    upcoming = repositories.nudges.upcoming(ANA)
    assert upcoming is not None
    assert upcoming.id == "sooner"
    repositories.nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    assert repositories.nudges.next_due() == NOW + MINUTE
    assert repositories.nudges.upcoming(BEN) is None


# --- the rate ---


def test_slots_of_a_workspace_are_spaced_and_those_of_others_are_their_own(repositories: Repositories) -> None:
    slots = [repositories.nudges.take_slot("T1", now=NOW, per_second=5) for _ in range(4)]
    assert slots == [NOW + number * timedelta(milliseconds=200) for number in range(4)]
    assert repositories.nudges.take_slot("T2", now=NOW, per_second=5) == NOW
    assert repositories.nudges.take_slot("T1", now=NOW + MINUTE, per_second=5) == NOW + MINUTE


def test_a_clock_that_was_set_back_a_day_does_not_stop_sending(repositories: Repositories) -> None:
    repositories.nudges.take_slot("T1", now=NOW, per_second=5)
    yesterday = NOW - timedelta(days=1)
    assert repositories.nudges.take_slot("T1", now=yesterday, per_second=5) == yesterday
    assert repositories.nudges.take_slot("T1", now=yesterday, per_second=5) == yesterday + timedelta(milliseconds=200)


def test_a_hold_moves_the_next_slot_and_never_back(repositories: Repositories) -> None:
    repositories.nudges.hold("T1", until=NOW + MINUTE)
    repositories.nudges.hold("T1", until=NOW)
    assert repositories.nudges.take_slot("T1", now=NOW, per_second=1) == NOW + MINUTE
    assert repositories.nudges.take_slot("T1", now=NOW, per_second=1) == NOW + MINUTE + timedelta(seconds=1)


def test_a_slot_beyond_reach_is_not_reserved(repositories: Repositories) -> None:
    nudges, second = repositories.nudges, timedelta(seconds=1)
    assert nudges.take_slot("T1", now=NOW, per_second=1, within=second) == NOW
    assert nudges.take_slot("T1", now=NOW, per_second=1, within=second) == NOW + second
    assert nudges.take_slot("T1", now=NOW, per_second=1, within=second) is None
    assert nudges.take_slot("T1", now=NOW, per_second=1) == NOW + 2 * second


def test_a_workspace_that_is_booked_out_keeps_no_other_waiting(repositories: Repositories) -> None:
    nudges = repositories.nudges
    nudges.plan(nudge("long", member=Member("T1", "U1")))
    nudges.plan(nudge("other", member=Member("T2", "U1")))
    nudges.hold("T1", until=NOW + MINUTE)
    claimed = nudges.claim("w", now=NOW, lease=LEASE, limit=9, ahead=timedelta(seconds=15))
    assert [row.id for row in claimed] == ["other"]
    later = NOW + timedelta(seconds=50)
    assert [row.id for row in nudges.claim("w", now=later, lease=LEASE, limit=9, ahead=timedelta(seconds=15))] == [
        "long"
    ]


def test_a_member_gets_one_at_a_time_and_a_second_of_rest(repositories: Repositories) -> None:
    nudges = repositories.nudges
    nudges.plan(nudge("first"))
    nudges.plan(nudge("second", period="2026-W48+1"))
    nudges.plan(nudge("bens", member=BEN))
    held = nudges.claim("w", now=NOW, lease=LEASE, limit=9)
    assert [row.id for row in held] == ["bens", "first"]
    assert nudges.claim("v", now=NOW, lease=LEASE, limit=9) == []
    assert nudges.settle(held[1], "sent", ts="1.1")
    assert nudges.claim("v", now=NOW, lease=LEASE, limit=9) == []
    assert [row.id for row in nudges.claim("v", now=NOW + timedelta(seconds=1), lease=LEASE, limit=9)] == ["second"]


def test_a_row_given_back_is_no_attempt_and_waits(repositories: Repositories) -> None:
    nudges = repositories.nudges
    nudges.plan(nudge())
    (held,) = nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    assert nudges.choose(held, kind="reflection", prompt_id="p", unit=None)
    assert nudges.release(held, until=NOW + MINUTE, counted=False)
    assert not nudges.release(held, until=NOW, counted=False)
    assert not nudges.renew(held, now=NOW, lease=LEASE)
    assert nudges.claim("v", now=NOW, lease=LEASE, limit=1) == []
    (again,) = nudges.claim("w", now=NOW + MINUTE, lease=LEASE, limit=1)
    assert (again.attempt, again.sending) == (1, False)
    assert nudges.release(again, until=NOW + 2 * MINUTE, counted=True)
    (third,) = nudges.claim("w", now=NOW + 2 * MINUTE, lease=LEASE, limit=1)
    assert third.attempt == 2


def test_changed_settings_cancel_a_row_given_back_but_not_one_that_may_be_out(repositories: Repositories) -> None:
    nudges = repositories.nudges
    nudges.plan(nudge())
    (held,) = nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    nudges.release(held, until=NOW + MINUTE, counted=False)
    nudges.subscribe(subscription())
    assert nudges.upcoming(ANA) is None
    nudges.plan(nudge("n2"))
    (held,) = nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    nudges.release(held, until=NOW + MINUTE, counted=True)
    nudges.subscribe(subscription())
    assert nudges.upcoming(ANA) is not None


def test_a_workspace_is_stopped_whole(repositories: Repositories) -> None:
    nudges = repositories.nudges
    for number, team in enumerate(("T1", "T1", "T2")):
        nudges.plan(nudge(f"n{number}", member=Member(team, f"U{number}")))
    (held,) = nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    assert nudges.cancel_team("T1", "disconnected") == 2
    assert not nudges.renew(held, now=NOW, lease=LEASE)
    assert [row.id for row in nudges.claim("w", now=NOW, lease=LEASE, limit=9)] == ["n2"]


def test_a_workspace_goes_on_with_what_was_stopped_for_that_reason_and_is_not_too_old(
    repositories: Repositories,
) -> None:
    nudges = repositories.nudges
    due = {"old": NOW - 60 * MINUTE, "claimed": NOW - 3 * MINUTE, "refused": NOW - 2 * MINUTE, "other": NOW - MINUTE}
    for number, (name, at) in enumerate({**due, "coming": NOW + 60 * MINUTE}.items()):
        nudges.plan(nudge(name, member=Member("T1", f"U{number}"), due_at=at))
    nudges.plan(nudge("else", member=Member("T2", "U1"), due_at=NOW))
    held = {row.id: row for row in nudges.claim("w", now=NOW, lease=LEASE, limit=4)}
    for row in held.values():
        nudges.choose(row, kind="reflection", prompt_id="p", unit=None)
    nudges.settle(held["refused"], "failed", reason="dead")
    nudges.settle(held["other"], "failed", reason="something else")
    assert nudges.cancel_team("T1", "stopped") == 3
    nudges.cancel_team("T2", "stopped")

    assert nudges.reopen_team("T1", {"stopped", "dead"}, due_after=NOW - 30 * MINUTE) == 3
    assert not nudges.renew(held["claimed"], now=NOW, lease=LEASE)  # whoever had it finds it lost
    assert not nudges.settle(held["claimed"], "sent", ts="1.1")
    (again,) = nudges.claim("v", now=NOW, lease=LEASE, limit=9)
    assert (again.id, again.attempt, again.sending) == ("refused", 2, False)
    (later,) = nudges.claim("v", now=NOW + LEASE, lease=LEASE, limit=1)
    assert (later.id, later.attempt, later.sending) == ("claimed", 2, True)
    assert nudges.get("old", Member("T1", "U0")).reason == "stopped"
    assert nudges.get("other", Member("T1", "U3")).state == "failed"
    assert nudges.get("coming", Member("T1", "U4")).state == "due"
    assert nudges.get("else", Member("T2", "U1")).state == "cancelled"


def test_the_backlog_is_what_is_due_and_not_out(repositories: Repositories) -> None:
    nudges = repositories.nudges
    assert nudges.backlog(now=NOW) == Backlog(0, None)
    for number in range(4):
        nudges.plan(nudge(f"n{number}", member=somebody(number), due_at=NOW + (number - 2) * MINUTE))
    (held,) = nudges.claim("w", now=NOW, lease=LEASE, limit=1)
    assert nudges.backlog(now=NOW) == Backlog(3, NOW - 2 * MINUTE)
    nudges.settle(held, "sent", ts="1.1")
    assert nudges.backlog(now=NOW) == Backlog(2, NOW - MINUTE)


def test_only_who_has_no_open_row_is_to_be_planned(repositories: Repositories) -> None:
    nudges = repositories.nudges
    for member in (ANA, BEN):
        nudges.subscribe(subscription(member=member))
    nudges.plan(nudge())
    assert [s.member for s in nudges.active_subscriptions(unplanned=True)] == [BEN]
    nudges.cancel_open(ANA, "left out")
    assert [s.member for s in nudges.active_subscriptions(unplanned=True)] == [ANA, BEN]


# --- journal ---


def test_an_entry_comes_back_as_it_was_written(repositories: Repositories) -> None:
    repositories.journal.add(reflection())
    repositories.journal.add(reflection(text="a repeated delivery"))
    assert repositories.journal.entries(ANA) == [reflection()]
    assert repositories.journal.get("r1", ANA) == reflection()
    bare = reflection("r2", unit=None, commitment="", commitment_due=None, nudge_id=None, commitment_state=None)
    repositories.journal.add(bare)
    assert repositories.journal.get("r2", ANA) == bare


def test_entries_can_be_changed_and_removed_by_their_member(repositories: Repositories) -> None:
    repositories.journal.add(reflection())
    changed = reflection(text="changed", commitment_state="done")
    assert repositories.journal.update(changed)
    assert repositories.journal.get("r1", ANA) == changed
    assert repositories.journal.delete("r1", ANA)
    assert not repositories.journal.delete("r1", ANA)
    assert not repositories.journal.update(changed)


def test_entries_are_listed_newest_first(repositories: Repositories) -> None:
    for number in range(4):
        repositories.journal.add(reflection(f"r{number}", created_at=NOW + (number % 2) * MINUTE))
    assert [row.id for row in repositories.journal.entries(ANA, limit=3)] == ["r3", "r1", "r2"]


def test_the_latest_open_commitment_of_an_earlier_day_is_found(repositories: Repositories) -> None:
    today = NOW.date()
    assert repositories.journal.open_commitment(ANA, before=today) is None
    for number, state in enumerate(["open", "open", "done", None]):
        earlier = NOW - timedelta(days=10 - number)
        repositories.journal.add(reflection(f"r{number}", created_at=earlier, commitment_state=state))
    repositories.journal.add(reflection("today", created_at=NOW))
    repositories.journal.add(reflection("Ben's", member=BEN, created_at=NOW - timedelta(days=1)))
    found = repositories.journal.open_commitment(ANA, before=today)
    assert found is not None
    assert found.id == "r1"


# --- profiles ---


def test_a_profile_is_empty_until_it_is_told_and_then_replaced(repositories: Repositories) -> None:
    assert repositories.profiles.get(ANA) == Profile(ANA)
    repositories.profiles.put(profile())
    assert repositories.profiles.get(ANA) == profile()
    repositories.profiles.put(profile(stage=None, extra={}))
    assert repositories.profiles.get(ANA) == profile(stage=None, extra={})
    assert repositories.profiles.get(BEN) == Profile(BEN)


def test_a_profile_is_changed_as_it_stands(repositories: Repositories) -> None:
    assert repositories.profiles.change(ANA, lambda p: replace(p, stage="doing")) == Profile(ANA, stage="doing")
    repositories.profiles.change(ANA, lambda p: replace(p, role_units=("C1",), extra={**p.extra, "a": 1}))
    assert repositories.profiles.get(ANA) == Profile(ANA, stage="doing", extra={"a": 1}, role_units=("C1",))
    assert repositories.profiles.get(BEN) == Profile(BEN)


# --- the profile in steps, the development plan ---


def test_one_profile_is_under_way_and_a_new_one_takes_its_place(repositories: Repositories) -> None:
    assert repositories.runs.get(ANA) is None
    repositories.runs.put(run())
    repositories.runs.put(run(started_at=NOW + MINUTE))  # the same one, delivered again
    assert repositories.runs.get(ANA) == run()
    repositories.runs.put(run("p2", units=("FA",)))
    assert repositories.runs.get(ANA) == run("p2", units=("FA",))
    assert not repositories.runs.end(ANA, "p1")
    assert not repositories.runs.end(BEN, "p2")
    assert repositories.runs.end(ANA, "p2")
    assert repositories.runs.get(ANA) is None


def test_one_focus_is_open_and_a_new_one_replaces_it(repositories: Repositories) -> None:
    repositories.focuses.begin(focus())
    repositories.focuses.begin(focus("f2", unit="FA", created_at=NOW + MINUTE))
    repositories.focuses.begin(focus())  # the first one, delivered again
    assert repositories.focuses.current(ANA) == focus("f2", unit="FA", created_at=NOW + MINUTE)
    assert repositories.focuses.get("f1", ANA) == focus(state="replaced", closed_at=NOW + MINUTE)
    assert repositories.focuses.current(BEN) is repositories.focuses.get("f2", BEN) is None


def test_a_focus_is_moved_and_closed_by_its_member(repositories: Repositories) -> None:
    repositories.focuses.begin(focus())
    moved = focus(due=date(2027, 1, 4), action="Ask twice.")
    assert repositories.focuses.update(moved)
    assert repositories.focuses.current(ANA) == moved
    assert not repositories.focuses.update(replace(moved, member=BEN))
    assert repositories.focuses.update(replace(moved, state="done", closed_at=NOW + MINUTE))
    assert repositories.focuses.current(ANA) is None


# --- for all ---


def test_somebody_elses_id_gives_nothing_and_changes_nothing(repositories: Repositories) -> None:
    fill(repositories, ANA)
    nudge_id = f"n-{ANA.team_id}-{ANA.user_id}"
    before = repositories.everything_of(ANA)
    for other in (BEN, CHI_ELSEWHERE):
        assert repositories.exchanges.get("x1", other) is None
        assert not repositories.exchanges.rate("x1", other, helpful=True)
        assert not repositories.exchanges.correct("x1", other, correction="C1", may_share=True)
        assert repositories.checks.latest(other) == {}
        assert repositories.nudges.get(nudge_id, other) is None
        assert repositories.nudges.subscription(other) is None
        assert repositories.nudges.cancel_open(other, "stopped") == 0
        assert repositories.journal.get("r1", other) is None
        assert not repositories.journal.update(reflection(member=other, text="not mine"))
        assert not repositories.journal.delete("r1", other)
        assert repositories.conversations.recall("D0ANA", other, since=NOW) == []
    assert repositories.everything_of(ANA) == before


def test_two_people_may_hold_rows_of_the_same_id(repositories: Repositories) -> None:
    for member in (ANA, BEN, CHI_ELSEWHERE):
        fill(repositories, member, text=f"of {member}")
    for member in (ANA, BEN, CHI_ELSEWHERE):
        found = repositories.exchanges.get("x1", member)
        assert found is not None
        assert found.asked == f"of {member}"


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_whatever_a_person_writes_comes_back_unchanged(repositories: Repositories, text: str) -> None:
    fill(repositories, ANA, text)
    (entry,) = repositories.journal.entries(ANA)
    assert (entry.prompt, entry.text, entry.commitment) == (text, text, text)
    assert repositories.checks.history(ANA)[0].example == text
    assert repositories.conversations.recall("D0ANA", ANA, since=NOW)[0].text == text
    assert repositories.inbox.unfinished()[0].payload == {"text": text}
    assert repositories.profiles.get(ANA).extra == {"note": text}
    found = repositories.exchanges.get("x1", ANA)
    assert found is not None
    assert (found.asked, found.result) == (text, {"answer": text})


def test_instants_keep_their_microseconds_and_come_back_in_utc(repositories: Repositories) -> None:
    elsewhere = datetime(2026, 11, 1, 1, 30, 0, 999999, timezone(timedelta(hours=-4)))
    repositories.exchanges.save(exchange(created_at=elsewhere))
    found = repositories.exchanges.get("x1", ANA)
    assert found is not None
    assert found.created_at == elsewhere
    assert found.created_at.tzinfo is UTC


def test_all_that_is_kept_of_a_person_can_be_taken_along(repositories: Repositories) -> None:
    fill(repositories, ANA, "mine alone")
    fill(repositories, BEN, "of somebody else")
    everything = repositories.everything_of(ANA)
    assert all(len(rows) == 1 for rows in everything.values()), everything
    written = json.dumps(everything)
    assert written.count("mine alone") == 10
    assert "somebody else" not in written
    assert everything["journal"][0]["commitment_due"] == "2026-11-30"
    assert everything["journal"][0]["created_at"] == NOW.isoformat()


def test_erasing_a_person_leaves_nothing_of_them_and_all_of_others(repositories: Repositories) -> None:
    for member in (ANA, BEN, CHI_ELSEWHERE):
        fill(repositories, member)
    others = [repositories.everything_of(member) for member in (BEN, CHI_ELSEWHERE)]
    counts = repositories.erase(ANA)
    assert set(counts.values()) == {1}
    assert not any(repositories.everything_of(ANA).values())
    assert [repositories.everything_of(member) for member in (BEN, CHI_ELSEWHERE)] == others
    assert set(repositories.erase(ANA).values()) == {0}


def test_erasing_takes_shared_corrections_along(repositories: Repositories) -> None:
    repositories.exchanges.save(exchange(correction="C5", may_share=True))
    repositories.erase(ANA)
    assert repositories.exchanges.corrections() == []


def test_purging_a_workspace_leaves_nothing_of_it_and_all_of_others(repositories: Repositories) -> None:
    for member in (ANA, BEN, CHI_ELSEWHERE):
        fill(repositories, member)
    for team in (ANA.team_id, CHI_ELSEWHERE.team_id):
        repositories.installations.save(installation(team_id=team))
    elsewhere = repositories.everything_of(CHI_ELSEWHERE)
    counts = repositories.purge_team(ANA.team_id)
    assert counts.pop("send_slots") == 1
    assert counts.pop("installations") == 1
    assert counts.pop("workspaces") == 0  # nothing was noted of it
    assert repositories.installations.get(ANA.team_id) is None
    assert repositories.installations.get(CHI_ELSEWHERE.team_id) is not None
    assert set(counts.values()) == {2}
    assert not any(repositories.everything_of(ANA).values())
    assert not any(repositories.everything_of(BEN).values())
    assert repositories.everything_of(CHI_ELSEWHERE) == elsewhere
    assert set(repositories.purge_team(ANA.team_id).values()) == {0}


def test_naive_instants_are_refused(repositories: Repositories) -> None:
    with pytest.raises(ValueError, match="time zone"):
        repositories.exchanges.save(exchange(created_at=NOW.replace(tzinfo=None)))


def test_a_usable_database_answers_a_ping(repositories: Repositories) -> None:
    repositories.ping()
    repositories.ping()


def test_an_installation_is_kept_by_workspace_and_replaced_by_the_next(repositories: Repositories) -> None:
    first, other = installation(), installation(team_id="T0OTHER", bot_token="xoxb-other")
    repositories.installations.save(first)
    repositories.installations.save(other)
    assert repositories.installations.get(first.team_id) == first
    again = installation(bot_token="xoxb-newer", scopes=("chat:write",))
    repositories.installations.save(again)
    assert repositories.installations.get(first.team_id) == again
    assert repositories.installations.count() == 2
    assert repositories.installations.remove(first.team_id)
    assert not repositories.installations.remove(first.team_id)
    assert repositories.installations.get(first.team_id) is None
    assert repositories.installations.get("T0OTHER") == other


def test_a_state_is_good_once_and_for_its_time_only(repositories: Repositories, clock: StandingClock) -> None:
    states = repositories.installations
    states.issue_state("one", expires_at=clock.now() + MINUTE)
    assert states.consume_state("one")
    assert not states.consume_state("one")
    assert not states.consume_state("never issued")
    states.issue_state("late", expires_at=clock.now() + MINUTE)
    clock.move(MINUTE)
    assert not states.consume_state("late")


def test_the_words_for_an_installation_never_show_its_token() -> None:
    assert "xoxb" not in repr(installation())


def test_questions_are_read_for_counting_and_shared_by_their_askers_only(repositories: Repositories) -> None:
    rows = repositories.exchanges
    rows.save(exchange("old", kind="ask", created_at=NOW - timedelta(days=40)))
    rows.save(exchange("new", kind="ask"))
    rows.save(exchange("elsewhere", kind="ask", member=CHI_ELSEWHERE))
    rows.save(exchange("triage"))
    assert [e.id for e in rows.asked(since=NOW - timedelta(days=30))] == ["elsewhere", "new"]
    assert [e.id for e in rows.asked(since=NOW - timedelta(days=30), team_id=ANA.team_id)] == ["new"]
    assert not rows.share("new", BEN)
    assert rows.share("new", ANA)
    assert [e.may_share for e in rows.asked(since=NOW, team_id=ANA.team_id)] == [True]
