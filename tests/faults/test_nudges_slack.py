"""Rows D4 to D8, D13 and D14: whatever Slack answers, or the clock does, each nudge comes once or is told as not sent."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from bot.core import schedule
from bot.core.records import Member
from bot.services.delivery import Pace
from bot.services.figures import LATE
from tests.faults.nudgebench import Bench
from tests.faults.nudgekit import DUE, ZONE
from tests.faults.recorder import HISTORY, POST, Call, Fault

LEASE = Pace().lease


@pytest.mark.fault("D4")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not taken"])
def test_d4_an_uncertain_answer_is_looked_up_and_never_repeated_blindly(
    due: Bench, taken: bool, full: bool, figure
) -> None:
    count, kinds = (1000 if full else 40), ("500", "timeout", "reset", "cut")
    due.seed(count)

    def decide(call: Call) -> Fault | None:
        number = int((call.key or "key-99").removeprefix("key-")) % 20
        return Fault(kinds[number], taken=taken) if call.number == 1 and call.key and number < len(kinds) else None

    due.recorder.decide = decide
    due.drain(due.worker())
    lost, twice = due.lost_and_twice()
    uncertain = count * len(kinds) // 20
    looks, posts = len(due.recorder.of(HISTORY)), len(due.recorder.of(POST))
    figure(
        f"{due.repositories.engine.dialect.name}: {uncertain} of {count} sends uncertain, Slack had "
        f"{'taken' if taken else 'not taken'} them: {lost} lost, {twice} twice, {posts} posts, {looks} looks"
    )
    assert (lost, twice) == (0, 0)
    assert looks == uncertain
    assert posts == count + (0 if taken else uncertain)
    assert due.states() == Counter(sent=count)


@pytest.mark.fault("D5")
@pytest.mark.timeout(300)
def test_d5_nothing_repeats_a_post_behind_our_back(due: Bench, full: bool, figure) -> None:
    count = 100 if full else 20
    due.seed(count)
    due.recorder.decide = lambda call: Fault("reset") if call.method == POST and call.number < 3 else None
    due.drain(due.worker())
    attempts = {row.id: row.attempt for row in due.table()}
    posts = Counter(call.key for call in due.recorder.of(POST))
    figure(
        f"{due.repositories.engine.dialect.name}: {sum(posts.values())} posts for {sum(attempts.values())} attempts of "
        f"{count} nudges, each reset twice after Slack had read it"
    )
    assert posts == attempts
    assert set(attempts.values()) == {3}
    assert due.lost_and_twice() == (0, 0)


@pytest.mark.fault("D6")
@pytest.mark.timeout(600)
def test_d6_a_pause_that_slack_asks_for_is_kept(due: Bench, full: bool, figure) -> None:
    count, chance = (500 if full else 40), random.Random(6)
    due.seed(count, teams=("T1", "T2"))

    def decide(call: Call) -> Fault | None:
        turned_away = call.method == POST and chance.random() < 0.2
        return Fault("429", retry_after=chance.randint(1, 60)) if turned_away else None

    due.recorder.decide = decide
    due.drain(due.worker(), step=1.0)
    lost, twice = due.lost_and_twice()
    posts = len(due.recorder.of(POST))
    figure(
        f"{due.repositories.engine.dialect.name}: {posts - count} of {posts} posts answered 429: {due.recorder.early} "
        f"calls before the time given, {lost} lost, {twice} twice, {len(due.recorder.of(HISTORY))} looks needed"
    )
    assert (due.recorder.early, lost, twice) == (0, 0, 0)
    assert posts - count >= count // 10
    assert due.recorder.of(HISTORY) == []


# What each answer means: "sent" in the end, "failed" at once, "tried" five times, or "gone": the person is closed.
CODES = {
    "429": "sent",
    "ratelimited": "sent",
    "rate_limited": "sent",
    "message_limit_exceeded": "tried",
    "team_added_to_org": "tried",
    "org_login_required": "tried",
    "accesslimited": "tried",
    "request_timeout": "tried",
    "internal_error": "tried",
    "fatal_error": "tried",
    "service_unavailable": "tried",
    "html": "tried",
    "500": "tried",
    "503": "tried",
    "channel_not_found": "gone",
    "user_disabled": "gone",
    "user_not_found": "gone",
    "not_in_channel": "gone",
    "is_archived": "gone",
    "cannot_dm_bot": "gone",
    "messages_tab_disabled": "failed",
    "restricted_action": "failed",
    "invalid_blocks": "failed",
    "msg_too_long": "failed",
    "no_text": "failed",
    "missing_scope": "failed",
    "ekm_access_denied": "failed",
    "a_code_that_slack_adds_next_year": "failed",
    "token_revoked": "revoked",
    "token_expired": "revoked",
    "invalid_auth": "revoked",
    "account_inactive": "revoked",
    "not_authed": "revoked",
}


@pytest.mark.fault("D7")
@pytest.mark.timeout(300)
def test_d7_each_code_ends_as_listed(due: Bench, figure) -> None:
    teams = tuple(f"T-{code}" for code in CODES)
    due.seed(3 * len(teams), teams=teams)
    tokens = {f"xoxb-{team}": code for team, code in zip(teams, CODES, strict=True)}

    def decide(call: Call) -> Fault | None:
        code = tokens[call.token]
        passes = CODES[code] == "sent" and call.number > 2
        return None if call.method != POST or passes else Fault(code, status=503 if code == "html" else 200)

    due.recorder.decide = decide
    due.drain(due.worker(), step=60)
    posts = Counter(call.token for call in due.recorder.of(POST))
    each = Counter(call.key for call in due.recorder.of(POST))
    for token, code in tokens.items():
        team = [row for row in due.table() if f"xoxb-{row.team_id}" == token]
        states, meant = Counter(row.state for row in team), CODES[code]
        active = [due.nudges.subscription(Member(row.team_id, row.user_id)).state for row in team]  # type: ignore[union-attr]  # all are subscribed
        assert active.count("closed") == (3 if meant == "gone" else 0), code
        if meant == "revoked":
            assert posts[token] == 1, code
            assert states == Counter(failed=1, cancelled=2), code
            continue
        assert states == Counter({"sent" if meant == "sent" else "failed": 3}), code
        assert posts[token] == {"sent": 9, "tried": 15}.get(meant, 3), code
    figure(
        f"{due.repositories.engine.dialect.name}: {len(CODES)} answers, each ended as listed; at most "
        f"{max(each.values())} attempts; a dead token: {sum(posts[t] for t, c in tokens.items() if CODES[c] == 'revoked')}"
        f" calls in {sum(m == 'revoked' for m in CODES.values())} workspaces with 3 rows each"
    )
    assert max(each.values()) <= 5


@pytest.mark.fault("D8")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ["refused", "reset", "slow"])
def test_d8_nothing_is_sent_again_while_the_history_cannot_be_read(due: Bench, how: str, full: bool, figure) -> None:
    count = 40 if full else 8
    due.seed(count)
    end = due.clock.now() + 3 * LEASE + LEASE

    def decide(call: Call) -> Fault | None:
        if call.method == POST:
            return Fault("500", taken=int(str(call.key)[-1]) % 2 == 0) if call.number == 1 else None
        if call.at >= end.timestamp():
            return None
        if how == "slow":  # longer than the lease, and then a good answer
            return Fault("ok", seconds=1.5 * LEASE.total_seconds(), taken=True)
        return Fault("internal_error" if how == "refused" else "reset")

    due.recorder.decide = decide
    worker = due.worker()
    meanwhile = 0
    while due.open_rows():
        worker.tick()
        if how != "slow" and due.clock.now() < end:
            meanwhile = len(due.recorder.of(POST)) - count
        due.clock.move(LEASE / 4)
    lost, twice = due.lost_and_twice()
    figure(
        f"{due.repositories.engine.dialect.name}: history {how} for three leases after {count} uncertain sends: "
        f"{max(0, meanwhile)} sent again meanwhile, then {lost} lost, {twice} twice"
    )
    assert (max(0, meanwhile), lost, twice) == (0, 0, 0)
    assert due.states() == Counter(sent=count)


@pytest.mark.fault("D13")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
def test_d13_a_clock_that_jumps_sends_nobody_two_in_a_period(due: Bench, hours: int, full: bool, figure) -> None:
    count = 200 if full else 30
    due.seed(count)
    delivery = due.delivery()
    worker = due.worker(delivery)
    claimed = delivery.claim(20)
    for number, nudge in enumerate(claimed):
        if number == 5:
            due.clock.move(timedelta(hours=hours))
        delivery.deliver(nudge)
    due.drain(worker, step=600, hours=40)
    out = due.recorder.keys()
    periods = Counter((row.team_id, row.user_id) for row in due.table() if out[row.id])
    outside = sum(not schedule.in_hours(_instant(call), ZONE) for call in due.recorder.of(POST))
    figure(
        f"{due.repositories.engine.dialect.name}: clock moved by {hours:+d} h in the middle of {count}: at most "
        f"{max(out.values())} a person and period, {outside} outside the hours, {due.states()['skipped']} skipped"
    )
    assert set(out.values()) == {1}
    assert set(periods.values()) == {1}
    assert outside == 0
    assert due.open_rows() == 0
    assert all(row.reason == "too late" for row in due.table() if row.state == "skipped")


def _instant(call: Call) -> datetime:
    return datetime.fromtimestamp(call.at, UTC)


@pytest.mark.fault("D14")
@pytest.mark.timeout(900)
def test_d14_after_three_days_away_what_is_too_late_is_skipped_and_the_rest_comes_once(
    due: Bench, full: bool, figure
) -> None:
    count = 2000 if full else 100
    due.seed(count, due=DUE, spread=3 * 24 * 3600.0, teams=("T1",))
    now = due.clock.now()
    worker = due.worker()
    first = worker.health()
    due.drain(worker)
    sent, skipped = due.states()["sent"], due.states()["skipped"]
    in_time = sum(now - row.due_at <= timedelta(hours=12) for row in due.table())
    times = sorted(call.at for call in due.recorder.of(POST))
    figure(
        f"{due.repositories.engine.dialect.name}: {count} rows from three days: {skipped} skipped as too late, {sent} "
        f"sent, {due.lost_and_twice()[1]} twice, at most {most_within(times, 1.0)} in a second; the oldest was "
        f"{first.late_by.total_seconds() / 3600:.0f} h late, as health said"
    )
    assert sent + skipped == count
    assert abs(sent - in_time) <= max(2, count // 500)  # the drain itself takes a minute or so
    assert due.lost_and_twice()[1] == 0
    assert most_within(times, 1.0) <= 5
    assert {row.reason for row in due.table() if row.state == "skipped"} == {"too late"}
    assert first.waiting == count
    late = sum(row.state == "sent" and now - row.due_at > LATE for row in due.table())
    assert sent >= worker.figures.now().late >= late > 0


def most_within(times: list[float], seconds: float) -> int:
    """The most of these in any span of that length."""
    start, most = 0, 0
    for end, at in enumerate(times):
        while times[start] <= at - seconds:
            start += 1
        most = max(most, end - start + 1)
    return most
