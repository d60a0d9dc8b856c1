"""Delivery of nudges against faults: once, on time, within the hours, or not at all and with the reason.

The same tests over storage in memory and SQLite. "Slack" is a recorder that can fail in every way a send can.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.content import load_knowledge
from bot.adapters.prompt_files import load_reflections
from bot.adapters.storage.engine import sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.core.errors import StorageError
from bot.core.records import Member, Nudge
from bot.ports import LookupUnavailable, Repositories, Sent
from bot.services.delivery import Delivery, Pace
from bot.services.lease import Held
from bot.services.nudge_worker import NudgeWorker
from bot.services.nudges import Letter, Nudges, Wishes
from bot.slack.messenger import TIMEOUT
from tests.fakes.memory import MemoryRepositories, StandingClock

ROOT = Path(__file__).parents[2]
PROMPTS = load_reflections(ROOT, load_knowledge(ROOT))
ANA, BEN = Member("T1", "UANA"), Member("T1", "UBEN")
MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)  # 9:30 in Toronto
SENT = Sent("sent", ts="1.0")


@dataclass
class Slack:
    """Records sends. `script` holds what the next ones come to; "taken" says that Slack took it all the same."""

    clock: StandingClock
    script: list[tuple[Sent, bool]] = field(default_factory=list)
    posts: list[tuple[datetime, str, str]] = field(default_factory=list)  # when, channel, key: calls made
    taken: list[str] = field(default_factory=list)  # keys of what stands in the history
    readable: bool = True
    before_post: Callable[[], None] = lambda: None
    dead: set[str] = field(default_factory=set)  # workspaces whose token was refused
    lock: threading.Lock = field(default_factory=threading.Lock)

    def post(
        self,
        member: Member,
        channel: str,
        *,
        text: str,
        blocks: Sequence[dict[str, Any]] = (),
        key: str | None = None,
        thread_ts: str | None = None,
        still: Callable[[], bool] | None = None,
    ) -> Sent:
        self.before_post()
        if still is not None and not still():
            return Sent("withheld")
        with self.lock:
            assert key
            self.posts.append((self.clock.now(), channel, key))
            sent, took = self.script.pop(0) if self.script else (SENT, True)
            if took:
                self.taken.append(key)
            if sent.outcome == "revoked":
                self.dead.add(member.team_id)
            return replace(sent, ts=f"{len(self.taken)}.0") if sent.outcome == "sent" else sent

    def refused(self, team_id: str) -> bool:
        return team_id in self.dead

    def forget_refusal(self, team_id: str) -> None:
        self.dead.discard(team_id)

    def find(
        self, member: Member, channel: str, *, key: str, since: datetime, thread_ts: str | None = None
    ) -> str | None:
        if not self.readable:
            raise LookupUnavailable
        return f"{self.taken.index(key) + 1}.0" if key in self.taken else None

    def open_dm(self, member: Member) -> str:
        return f"D-{member.user_id}"


@dataclass
class World:
    """Everything that one test needs."""

    clock: StandingClock
    repositories: Repositories
    slack: Slack
    nudges: Nudges
    compose: Callable[[Letter], tuple[str, Sequence[dict[str, Any]]]] = lambda letter: (letter.prompt.text, ())

    def delivery(self, owner: str = "one", **pace: Any) -> Delivery:
        return Delivery(
            nudges=self.nudges,
            repositories=self.repositories,
            messenger=self.slack,
            compose=self.compose,
            clock=self.clock,
            owner=owner,
            pace=Pace(**({"per_second": 1000.0} | pace)),
            wait=self.wait,
        )

    def wait(self, seconds: float) -> bool:
        self.clock.move(timedelta(seconds=seconds))
        return True

    def run(self, delivery: Delivery | None = None) -> Counter[str]:
        worker = NudgeWorker(
            delivery=delivery or self.delivery(), nudges=self.nudges, repositories=self.repositories, clock=self.clock
        )
        if delivery:
            delivery.use_wait(self.wait)
        return worker.tick()

    def subscribe(self, member: Member = ANA, minute: int = 570, **more: Any) -> None:
        wishes = Wishes(weekday=1, minute=minute, zone="America/Toronto", **more)
        self.nudges.subscribe(member, wishes, channel=f"D-{member.user_id}")

    def to(self, instant: datetime) -> None:
        self.clock.move(instant - self.clock.now())

    def states(self, member: Member = ANA) -> list[tuple[str, str, str | None]]:
        rows = self.repositories.everything_of(member)["nudges"]
        return sorted((r["period"], r["state"], r["reason"]) for r in rows)


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    clock = StandingClock(MONDAY)
    repositories: Repositories
    if request.param == "memory":
        repositories = MemoryRepositories(clock)
    else:
        repositories = SqlRepositories(sqlite_url(tmp_path / "bot.db"), clock=clock)
    numbers = itertools.count(1)
    nudges = Nudges(repositories=repositories, prompts=PROMPTS, clock=clock, new_id=lambda: f"key-{next(numbers):04d}")
    yield World(clock, repositories, Slack(clock), nudges)
    repositories.close()


def test_what_is_due_is_sent_once_and_the_next_week_is_planned(world: World) -> None:
    world.subscribe()
    assert world.run() == Counter()
    world.to(TUESDAY)
    assert world.run() == Counter(sent=1)
    assert world.run() == Counter()
    assert world.slack.taken == ["key-0001"]
    assert world.states() == [("2026-W48", "sent", None), ("2026-W49", "due", None)]
    sent = world.repositories.nudges.sent(ANA)[0]
    assert (sent.ts, sent.unit) == ("1.0", world.nudges.prompts[str(sent.prompt_id)].unit)


def test_an_uncertain_send_that_slack_took_is_found_and_not_repeated(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    world.slack.script = [(Sent("uncertain", error="timeout"), True)]
    assert world.run() == Counter(uncertain=1)
    assert world.run() == Counter()  # the lease still holds it
    world.clock.move(timedelta(minutes=3))
    assert world.run() == Counter(sent=1)
    assert len(world.slack.posts) == len(world.slack.taken) == 1


def test_an_uncertain_send_that_slack_did_not_take_is_sent_again(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    world.slack.script = [(Sent("uncertain", error="http_500"), False)]
    world.run()
    world.clock.move(timedelta(minutes=3))
    assert world.run() == Counter(sent=1)
    assert len(world.slack.posts) == 2
    assert len(world.slack.taken) == 1


def test_a_second_attempt_sends_nothing_while_the_history_cannot_be_read(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    world.slack.script = [(Sent("uncertain", error="reset"), False)]
    world.run()
    world.slack.readable = False
    for _ in range(4):
        world.clock.move(timedelta(minutes=5))
        assert world.run().keys() <= {"later"}
    assert len(world.slack.posts) == 1
    world.slack.readable = True
    world.clock.move(timedelta(minutes=20))
    assert world.run() == Counter(sent=1)
    assert world.slack.taken == ["key-0001"]


def test_what_stays_unknown_to_the_cut_off_is_shown_as_in_doubt(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    world.slack.script = [(Sent("uncertain", error="reset"), False)]
    world.run()
    world.slack.readable = False
    world.clock.move(timedelta(hours=13))
    assert world.run() == Counter(in_doubt=1)
    assert ("2026-W48", "in_doubt", "an earlier send may have got through") in world.states()
    assert len(world.slack.posts) == 1


def test_a_late_row_whose_earlier_send_got_through_is_noted_as_sent(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    world.slack.script = [(Sent("uncertain", error="reset"), True)]
    world.run()
    world.clock.move(timedelta(hours=13))
    assert world.run() == Counter(sent=1)
    assert len(world.slack.posts) == 1


def test_a_worker_that_slept_through_its_lease_sends_nothing(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    frozen, other = world.delivery("frozen"), world.delivery("other")
    (row,) = frozen.claim()
    world.clock.move(timedelta(minutes=3))
    assert [other.deliver(n) for n in other.claim()] == ["sent"]
    assert frozen.deliver(row) == "lost"
    assert len(world.slack.posts) == 1


def test_a_stop_between_claim_and_send_is_heeded(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    delivery = world.delivery()
    (row,) = delivery.claim()
    world.nudges.stop(ANA)
    assert delivery.deliver(row) in {"cancelled", "lost"}
    assert world.slack.posts == []
    assert world.repositories.nudges.next_due() is None


def test_a_stop_while_the_text_is_written_is_heeded(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)

    def stopping(letter: Letter) -> tuple[str, Sequence[dict[str, Any]]]:
        world.nudges.stop(ANA)
        return letter.prompt.text, ()

    world.compose = stopping
    assert world.run().keys() <= {"cancelled", "lost"}
    assert world.slack.posts == []


def test_a_stop_while_waiting_for_a_slot_is_heeded(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    delivery = world.delivery()
    (row,) = delivery.claim()
    world.repositories.nudges.take_slot("T1", now=world.clock.now(), per_second=0.1)

    def stopping(_seconds: float) -> bool:
        return world.nudges.stop(ANA)

    delivery.use_wait(stopping)
    assert delivery.deliver(row) == "lost"
    assert world.slack.posts == []


def test_a_change_of_hour_keeps_it_to_one_a_week(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    world.run()
    world.subscribe(minute=700)
    world.clock.move(timedelta(hours=6))
    assert world.run() == Counter()
    assert [d.period for d, _ in world.nudges.next_dates(world.nudges.subscription(ANA))] == [  # type: ignore[arg-type]
        "2026-W49",
        "2026-W50",
        "2026-W51",
    ]


def test_too_late_is_skipped_with_the_reason_and_there_is_no_burst(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY + timedelta(weeks=6, hours=13))
    assert world.run() == Counter(skipped=1)
    assert world.slack.posts == []
    assert world.states() == [("2026-W48", "skipped", "too late"), ("2027-W02", "due", None)]


def test_outside_the_hours_nothing_is_sent_and_a_long_cut_off_waits_for_the_morning(world: World) -> None:
    world.subscribe(minute=19 * 60 + 30)
    world.to(datetime(2026, 11, 25, 1, 30, tzinfo=UTC))  # 20:30 in Toronto
    patient = world.delivery(cutoff=timedelta(hours=24))
    assert world.run(patient) == Counter(later=1)
    world.to(datetime(2026, 11, 25, 12, 59, tzinfo=UTC))  # 7:59
    assert world.run(patient) == Counter()
    world.to(datetime(2026, 11, 25, 13, 1, tzinfo=UTC))
    assert world.run(patient) == Counter(sent=1)
    assert len(world.slack.posts) == 1


def test_outside_the_hours_the_usual_cut_off_skips(world: World) -> None:
    world.subscribe(minute=19 * 60 + 30)
    world.to(datetime(2026, 11, 25, 1, 30, tzinfo=UTC))
    assert world.run() == Counter(skipped=1)
    assert world.slack.posts == []


def test_too_many_requests_hold_the_workspace_until_slack_allows_it(world: World) -> None:
    world.subscribe()
    world.subscribe(BEN)
    world.to(TUESDAY)
    world.slack.script = [(Sent("retry", error="ratelimited", retry_after=30.0), False)]
    delivery = world.delivery()
    first, second = delivery.claim()
    assert delivery.deliver(first) == "later"
    assert delivery.deliver(second) == "sent"
    assert world.slack.posts[1][0] >= TUESDAY + timedelta(seconds=30)
    world.clock.move(timedelta(seconds=5))
    assert world.run() == Counter(sent=1)
    assert sorted(world.slack.taken) == ["key-0001", "key-0002"]


def test_a_slot_reserved_before_slack_asked_for_a_pause_is_not_used(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    delivery = world.delivery()
    (row,) = delivery.claim()
    world.repositories.nudges.take_slot("T1", now=world.clock.now(), per_second=1)

    def turned_away_elsewhere(_seconds: float) -> bool:
        world.repositories.nudges.hold("T1", until=world.clock.now() + timedelta(seconds=30))
        return True

    delivery.use_wait(turned_away_elsewhere)
    assert delivery.deliver(row) == "later"
    assert world.slack.posts == []
    world.clock.move(timedelta(seconds=30))
    assert world.run() == Counter(sent=1)
    assert world.repositories.nudges.sent(ANA)[0].attempt == 1


def test_workspaces_do_not_wait_for_one_on_hold(world: World) -> None:
    world.subscribe()
    world.subscribe(Member("T2", "UELSE"))
    world.to(TUESDAY)
    world.repositories.nudges.hold("T1", until=TUESDAY + timedelta(minutes=1))
    assert world.run() == Counter(sent=1)
    assert world.clock.now() == TUESDAY


def test_a_long_look_in_the_history_does_not_outlive_the_lease(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.subscribe()
    world.to(TUESDAY)
    world.slack.script = [(Sent("uncertain", error="reset"), False)]
    world.run()
    world.clock.move(timedelta(minutes=3))
    slow, quick = world.delivery("slow"), world.delivery("quick")
    find = world.slack.find

    def meanwhile(member: Member, channel: str, *, key: str, since: datetime, thread_ts: str | None = None) -> None:
        monkeypatch.setattr(world.slack, "find", find)
        found = find(member, channel, key=key, since=since, thread_ts=thread_ts)
        world.clock.move(timedelta(minutes=3))
        assert [quick.deliver(n) for n in quick.claim()] == ["sent"]
        assert found is None

    monkeypatch.setattr(world.slack, "find", meanwhile)
    assert [slow.deliver(n) for n in slow.claim()] == ["lost"]
    assert len(world.slack.taken) == 1


def test_a_worker_frozen_between_renewal_and_send_sends_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.subscribe()
    world.to(TUESDAY)
    delivery, other = world.delivery("frozen"), world.delivery("other")
    (row,) = delivery.claim()
    rows = world.repositories.nudges
    choose = rows.choose

    def freeze(nudge: Nudge, **chosen: Any) -> bool:
        monkeypatch.setattr(rows, "choose", choose)
        held = choose(nudge, **chosen)
        world.clock.move(timedelta(minutes=3))
        assert [other.deliver(n) for n in other.claim()] == ["sent"]
        return held

    monkeypatch.setattr(rows, "choose", freeze)
    assert delivery.deliver(row) == "lost"
    assert len(world.slack.posts) == 1


def test_a_worker_frozen_while_it_connects_sends_nothing(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    delivery, other = world.delivery("frozen"), world.delivery("other")
    (row,) = delivery.claim()

    def freeze() -> None:
        world.slack.before_post = lambda: None
        world.clock.move(timedelta(minutes=3))
        assert [other.deliver(n) for n in other.claim()] == ["sent"]

    world.slack.before_post = freeze
    assert delivery.deliver(row) == "lost"
    assert len(world.slack.posts) == 1


def test_a_send_that_was_held_back_in_time_is_no_attempt(world: World) -> None:
    """Longer than is safe and shorter than the lease: nobody else took the row, so it goes on at once."""
    world.subscribe()
    world.to(TUESDAY)

    def freeze() -> None:
        world.slack.before_post = lambda: None
        world.clock.move(Pace().lease - Pace().margin + timedelta(seconds=1))

    world.slack.before_post = freeze
    assert world.run() == Counter(later=1, sent=1)
    assert len(world.slack.posts) == 1
    (row,) = (r for r in world.repositories.everything_of(ANA)["nudges"] if r["state"] == "sent")
    assert row["attempt"] == 1


def test_a_clock_set_back_does_not_make_a_lease_young_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = [100.0]
    monkeypatch.setattr("bot.services.lease.seconds", lambda: counted[0])
    held = Held(world.clock)
    assert held.younger_than(timedelta(minutes=1))
    world.clock.move(timedelta(hours=-1))
    counted[0] += 61
    assert not held.younger_than(timedelta(minutes=1))


def test_the_lease_leaves_a_send_far_more_time_than_it_may_take() -> None:
    """A message whose last byte went out is taken, or given up by the kernel, long before anybody takes the row over."""
    assert Pace().margin >= 3 * timedelta(seconds=TIMEOUT)


def test_five_crashes_before_any_send_do_not_use_up_the_attempts(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    for _ in range(7):
        assert len(world.delivery().claim()) == 1  # and then the process dies
        world.clock.move(timedelta(minutes=3))
    assert world.run() == Counter(sent=1)


def test_a_worker_that_is_stopped_gives_back_what_it_has_not_sent(world: World) -> None:
    for member in (ANA, BEN):
        world.subscribe(member)
    world.to(TUESDAY)
    delivery = world.delivery()
    assert [delivery.give_back(n) for n in delivery.claim()] == ["later", "later"]
    assert world.run() == Counter(sent=2)  # at once: no lease has to lapse


def test_health_tells_the_oldest_due_row_and_figures_count_what_was_late(world: World) -> None:
    world.subscribe()
    world.subscribe(BEN)
    world.to(TUESDAY + timedelta(minutes=30))
    worker = NudgeWorker(
        delivery=world.delivery(), nudges=world.nudges, repositories=world.repositories, clock=world.clock
    )
    health = worker.health()
    assert (health.ok, health.waiting, health.oldest_due) == (True, 2, TUESDAY)
    assert health.late_by == timedelta(minutes=30)
    world.slack.script = [(Sent("failed", error="invalid_blocks"), False)]
    worker.tick()
    figures = worker.figures.now()
    assert figures.outcomes == {("failed", "reflection"): 1, ("sent", "reflection"): 1}
    assert (figures.late, figures.latest_seconds) == (1, 1800.0)
    assert worker.health().waiting == 0


def test_health_is_red_while_the_database_cannot_be_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = NudgeWorker(
        delivery=world.delivery(), nudges=world.nudges, repositories=world.repositories, clock=world.clock
    )
    assert worker.health().ok

    def away(**_: object) -> None:
        raise StorageError("The database can't be reached.")

    monkeypatch.setattr(world.repositories.nudges, "backlog", away)
    health = worker.health()
    assert (health.ok, health.problem) == (False, "The database can't be reached.")


def test_a_refusal_that_may_pass_is_tried_five_times_and_no_more(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    world.slack.script = [(Sent("retry", error="team_added_to_org", retry_after=1.0), False)] * 20
    outcomes: Counter[str] = Counter()
    for _ in range(30):
        outcomes += world.run()
        world.clock.move(timedelta(minutes=20))
    assert len(world.slack.posts) == 5
    assert outcomes["failed"] == 1


@pytest.mark.parametrize("code", ["user_disabled", "channel_not_found", "cannot_dm_bot"])
def test_a_person_who_left_is_closed_quietly(world: World, code: str) -> None:
    world.subscribe()
    world.to(TUESDAY)
    world.slack.script = [(Sent("failed", error=code), False)]
    assert world.run() == Counter(failed=1)
    subscription = world.nudges.subscription(ANA)
    assert subscription is not None
    assert subscription.state == "closed"
    world.clock.move(timedelta(weeks=3))
    assert world.run() == Counter()
    assert len(world.slack.posts) == 1


def test_a_refusal_of_the_message_itself_fails_that_one_and_keeps_the_subscription(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    world.slack.script = [(Sent("failed", error="invalid_blocks"), False)]
    assert world.run() == Counter(failed=1)
    world.to(TUESDAY + timedelta(weeks=1))
    assert world.run() == Counter(sent=1)


def test_a_dead_token_stops_the_workspace_at_once(world: World) -> None:
    other = Member("T2", "UELSE")
    for member in (ANA, BEN, other):
        world.subscribe(member)
    world.to(TUESDAY)
    delivery = world.delivery()
    rows = sorted(delivery.claim(), key=lambda n: (n.member.team_id, n.member.user_id))
    world.slack.script = [(Sent("revoked", error="token_revoked"), False)]
    assert [delivery.deliver(n) for n in rows] == ["failed", "lost", "sent"]
    assert len(world.slack.posts) == 2
    assert world.states(ANA) == [("2026-W48", "failed", "token_revoked")]
    assert world.states(BEN) == [("2026-W48", "cancelled", "workspace disconnected")]


def _dead_token(world: World) -> Delivery:
    """Slack refused the token at the first of two nudges; the other one was cancelled with it."""
    for member in (ANA, BEN):
        world.subscribe(member)
    world.to(TUESDAY)
    delivery = world.delivery()
    world.slack.script = [(Sent("revoked", error="token_revoked"), False)]
    assert [delivery.deliver(n) for n in delivery.claim()] == ["failed", "lost"]
    return delivery


def test_a_workspace_with_a_new_token_goes_on_with_what_is_not_too_late(world: World) -> None:
    delivery = _dead_token(world)
    world.clock.move(timedelta(hours=2))
    assert world.run(delivery) == Counter()
    assert delivery.reconnected("T2") == 0
    assert world.run(delivery) == Counter()
    assert delivery.reconnected("T1") == 2
    assert world.run(delivery) == Counter(sent=2)
    assert sorted(world.slack.taken) == ["key-0001", "key-0002"]
    world.to(TUESDAY + timedelta(weeks=1))
    assert world.run(delivery) == Counter(sent=2)


def test_what_is_too_late_when_the_new_token_comes_stays_as_it_ended(world: World) -> None:
    delivery = _dead_token(world)
    world.clock.move(Pace().cutoff + timedelta(minutes=1))
    assert delivery.reconnected("T1") == 0
    assert world.run(delivery) == Counter()
    assert world.states(ANA)[0] == ("2026-W48", "failed", "token_revoked")
    assert world.states(BEN)[0] == ("2026-W48", "cancelled", "workspace disconnected")
    world.to(TUESDAY + timedelta(weeks=1))
    assert world.run(delivery) == Counter(sent=2)


def test_a_new_token_in_the_evening_skips_what_may_not_come_any_more(world: World) -> None:
    delivery = _dead_token(world)
    world.clock.move(timedelta(hours=11))  # 20:30 there, and still within the cut-off
    assert delivery.reconnected("T1") == 2
    assert world.run(delivery) == Counter(skipped=2)
    assert world.slack.taken == []


def test_a_new_token_wakes_nobody_who_stopped_meanwhile(world: World) -> None:
    delivery = _dead_token(world)
    world.nudges.stop(ANA)
    world.clock.move(Pace().lease)
    assert delivery.reconnected("T1") == 2
    assert world.run(delivery) == Counter(cancelled=1, sent=1)
    assert world.slack.taken == ["key-0002"]


def test_a_send_that_was_on_its_way_as_the_token_died_is_looked_for_and_not_repeated(world: World) -> None:
    """One replica's send is with Slack when another one's is refused; the new token comes before its answer."""
    for member in (ANA, BEN):
        world.subscribe(member)
    world.to(TUESDAY)
    one, two = world.delivery("one"), world.delivery("two")
    (first,), (second,) = one.claim(1), two.claim(1)

    def meanwhile() -> None:
        world.slack.before_post = lambda: None
        world.slack.script = [(Sent("revoked", error="token_revoked"), False)]
        assert two.deliver(second) == "failed"
        assert two.reconnected("T1") == 2
        world.slack.script = [(Sent("uncertain", error="reset"), True)]

    world.slack.before_post = meanwhile
    assert one.deliver(first) == "uncertain"
    assert world.run(two) == Counter(sent=1)  # the other person's; this one's lease has not ended
    world.clock.move(Pace().lease)
    assert world.run(two) == Counter(sent=1)
    assert Counter(world.slack.taken) == Counter({"key-0001": 1, "key-0002": 1})


def test_sends_keep_to_the_rate_of_the_workspace(world: World) -> None:
    members = [Member("T1", f"U{n:02d}") for n in range(30)]
    for member in members:
        world.subscribe(member)
    world.to(TUESDAY)
    delivery = world.delivery(per_second=5.0)
    outcomes: Counter[str] = Counter()
    while rows := delivery.claim():
        outcomes.update(delivery.deliver(n) for n in rows)
    assert outcomes == Counter(sent=30)
    times = [at for at, _, _ in world.slack.posts]
    assert max(sum(t <= u < t + timedelta(seconds=1) for u in times) for t in times) <= 5
    assert times[-1] - times[0] <= timedelta(seconds=29 / 5 * 1.05)


def test_two_workers_at_once_send_each_row_once(world: World) -> None:
    members = [Member("T1", f"U{n:02d}") for n in range(60)]
    for member in members:
        world.subscribe(member)
    world.to(TUESDAY)
    workers = [
        NudgeWorker(
            delivery=world.delivery(name), nudges=world.nudges, repositories=world.repositories, clock=world.clock
        )
        for name in ("one", "two")
    ]
    threads = [threading.Thread(target=w.tick) for w in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    counts = Counter(channel for _, channel, _ in world.slack.posts)
    assert counts == Counter({f"D-{m.user_id}": 1 for m in members})


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(hours=-1), timedelta(hours=1), timedelta(days=1)])
def test_a_clock_that_jumps_brings_at_most_one_a_week(world: World, jump: timedelta) -> None:
    world.subscribe()
    world.to(TUESDAY)
    world.run()
    world.clock.move(jump)
    world.run()
    world.clock.move(-jump)
    world.run()
    world.to(TUESDAY + timedelta(hours=5))
    world.run()
    assert len(world.slack.posts) == 1


def test_one_broken_row_does_not_hold_up_the_others(world: World) -> None:
    world.subscribe()
    world.subscribe(BEN)
    world.to(TUESDAY)

    def breaking(letter: Letter) -> tuple[str, Sequence[dict[str, Any]]]:
        if letter.nudge.member == ANA:
            raise RuntimeError("a secret inside")
        return letter.prompt.text, ()

    world.compose = breaking
    assert world.run() == Counter(sent=1, broken=1)
    world.compose = lambda letter: (letter.prompt.text, ())
    world.clock.move(timedelta(minutes=3))
    assert world.run() == Counter(sent=1)


def test_a_running_worker_sends_when_it_is_woken_and_outlives_a_failing_store(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sent = threading.Event(), threading.Event()
    world.slack.before_post = sent.set
    real = world.repositories.nudges.claim

    def claim(*args: Any, **kwargs: Any) -> list[Nudge]:
        if not broken.is_set():
            broken.set()
            raise RuntimeError("the database is away")
        return real(*args, **kwargs)

    monkeypatch.setattr(world.repositories.nudges, "claim", claim)
    world.subscribe()
    worker = NudgeWorker(
        delivery=world.delivery(),
        nudges=world.nudges,
        repositories=world.repositories,
        clock=world.clock,
        poll_seconds=30,
    )
    worker.start()
    assert broken.wait(10)
    world.to(TUESDAY)
    worker.wake()
    assert sent.wait(10)
    worker.stop()
    assert len(world.slack.posts) == 1
    assert worker.figures.now().of("sent") == 1


def test_a_due_row_in_a_zone_that_was_dropped_ends_and_is_not_tried_for_ever(world: World) -> None:
    world.subscribe()
    world.to(TUESDAY)
    delivery = world.delivery()
    (row,) = delivery.claim()
    subscription = world.nudges.subscription(ANA)
    assert subscription is not None
    world.repositories.nudges.subscribe(replace(subscription, zone="Mars/Olympus"))
    assert delivery.deliver(row) == "failed"
    assert world.slack.posts == []


def test_an_unknown_zone_stops_nobody_elses_plan(world: World) -> None:
    world.subscribe()
    world.subscribe(BEN)
    subscription = world.nudges.subscription(ANA)
    assert subscription is not None
    world.repositories.nudges.subscribe(replace(subscription, zone="Mars/Olympus"))
    world.to(TUESDAY)
    assert world.run() == Counter(sent=1)
    assert {channel for _, channel, _ in world.slack.posts} == {"D-UBEN"}


# --- in a channel, whose history isn't read ---


TEAM = Member("T1", "C1")


def _channel(world: World) -> None:
    world.slack.readable = False
    wishes = Wishes(weekday=1, minute=570, zone="America/Toronto", topic="rotate")
    world.nudges.subscribe(TEAM, wishes, channel="C1", kind="team")
    world.to(TUESDAY)


def test_an_uncertain_send_in_a_channel_ends_in_doubt_at_once_and_is_not_repeated(world: World) -> None:
    _channel(world)
    world.slack.script = [(Sent("uncertain", error="timeout"), True)]
    assert world.run() == Counter({"in_doubt": 1})
    world.clock.move(timedelta(minutes=30))
    assert world.run() == Counter()
    assert len(world.slack.posts) == 1
    assert world.states(TEAM)[0] == ("2026-W48", "in_doubt", "an earlier send may have got through")


def test_a_worker_that_died_before_its_send_in_a_channel_loses_nothing(world: World) -> None:
    _channel(world)
    assert len(world.delivery("dead").claim()) == 1
    world.clock.move(timedelta(minutes=3))
    assert world.run() == Counter({"sent": 1})


def test_a_worker_that_died_during_its_send_in_a_channel_leaves_a_doubt_and_no_second_post(world: World) -> None:
    _channel(world)
    (claimed,) = world.delivery("dead").claim()
    assert world.repositories.nudges.choose(claimed, kind="team", prompt_id="C1-r01", unit="C1")
    world.clock.move(timedelta(minutes=3))
    assert world.run() == Counter({"in_doubt": 1})
    assert world.slack.posts == []


def test_a_refusal_for_now_in_a_channel_is_no_doubt(world: World) -> None:
    _channel(world)
    world.slack.script = [(Sent("retry", error="ratelimited", retry_after=30), False)]
    world.run()
    world.clock.move(timedelta(minutes=3))
    world.run()
    assert next(state for _, state, _ in world.states(TEAM)) == "sent"
    assert len(world.slack.taken) == 1
