"""Storage in memory: the same promises as the SQL one, held to them by the contract tests in tests/storage."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from bot.core.drafts import Usage
from bot.core.records import (
    DECLINED,
    LEFT_OUT,
    PARTS,
    Came,
    Check,
    Exchange,
    Focus,
    InboxItem,
    Installation,
    KeptKind,
    Member,
    Nudge,
    NudgeKind,
    Part,
    Profile,
    ProfileRun,
    Reflection,
    Remembered,
    Subscription,
    Tally,
    Workspace,
)
from bot.ports import (
    Backlog,
    CheckRepository,
    Clock,
    ConversationRepository,
    ExchangeRepository,
    FocusRepository,
    InboxRepository,
    InstallationRepository,
    JournalRepository,
    NudgeRepository,
    ProfileRepository,
    RunRepository,
    UsageRepository,
)

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="_Part")


class StandingClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> datetime:
        self._now += by
        return self._now


class _Part:
    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self.clock = clock
        self.lock = lock

    def rows_by_table(self) -> dict[str, Iterable[Any]]:
        """The rows that belong to people, by table."""
        raise AssertionError(f"{type(self).__name__} doesn't say what it holds")

    def forget(self, whose: Callable[[Member], bool]) -> dict[str, int]:
        """Drop the rows of these people; how many by table."""
        raise AssertionError(f"{type(self).__name__} doesn't say how it forgets")


def _one_at_a_time(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    def locked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.lock:
            return method(self, *args, **kwargs)

    return locked


def _aware(instant: datetime | None) -> datetime | None:
    if instant is not None and instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return None if instant is None else instant.astimezone(UTC)


def _json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _drop(rows: dict[Any, Any], condition: Callable[[Any], bool]) -> int:
    keys = [key for key, row in rows.items() if condition(row)]
    for key in keys:
        del rows[key]
    return len(keys)


class MemoryInbox(_Part):
    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        super().__init__(clock, lock)
        self.items: dict[str, InboxItem] = {}
        self.begun: dict[str, datetime] = {}
        self.closed: dict[str, datetime] = {}

    @_one_at_a_time
    def record(self, item: InboxItem) -> bool:
        if item.key in self.items:
            return False
        received_at = _aware(item.received_at)
        assert received_at is not None
        self.items[item.key] = replace(item, payload=_json(item.payload), received_at=received_at)
        return True

    @_one_at_a_time
    def begin(self, key: str, *, attempts: int | None = None) -> InboxItem | None:
        item = self._open(key)
        if item is None or attempts not in {None, item.attempts}:
            return None
        self.items[key] = replace(item, attempts=item.attempts + 1)
        self.begun[key] = self.clock.now()
        return copy.deepcopy(self.items[key])

    @_one_at_a_time
    def sending(self, key: str, *, attempts: int | None = None) -> bool:
        item = self._open(key)
        if item is None or attempts not in {None, item.attempts}:
            return key not in self.items
        self.items[key] = replace(item, sending=True)
        self.begun[key] = self.clock.now()
        return True

    @_one_at_a_time
    def keep(self, working: Mapping[str, int]) -> None:
        for key, attempts in working.items():
            item = self._open(key)
            if item is not None and item.attempts == attempts:
                self.begun[key] = self.clock.now()

    @_one_at_a_time
    def done(self, key: str, outcome: str) -> None:
        item = self._open(key)
        if item is not None:
            self.items[key] = replace(item, state="done", outcome=outcome, payload={})
            self.closed[key] = self.clock.now()

    @_one_at_a_time
    def unfinished(self, *, received_before: datetime | None = None) -> list[InboxItem]:
        left = [item for item in self.items.values() if item.state == "received"]
        if received_before is not None:
            left = [item for item in left if self.begun.get(item.key, item.received_at) < received_before]
        return copy.deepcopy(sorted(left, key=lambda item: (item.received_at, item.key)))

    @_one_at_a_time
    def sweep(self, *, done_before: datetime) -> int:
        return _drop(self.items, lambda item: item.state == "done" and self.closed[item.key] < done_before)

    def rows_by_table(self) -> dict[str, Iterable[Any]]:
        return {"inbox": self.items.values()}

    def forget(self, whose: Callable[[Member], bool]) -> dict[str, int]:
        return {"inbox": _drop(self.items, lambda item: whose(item.member))}

    def _open(self, key: str) -> InboxItem | None:
        item = self.items.get(key)
        return item if item is not None and item.state == "received" else None


class MemoryConversations(_Part):
    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        super().__init__(clock, lock)
        self.messages: dict[int, Remembered] = {}
        self.seq = 0

    @_one_at_a_time
    def remember(self, message: Remembered) -> None:
        self.seq += 1
        at = _aware(message.at)
        assert at is not None
        self.messages[self.seq] = replace(message, at=at)

    @_one_at_a_time
    def recall(self, conversation: str, member: Member, *, since: datetime, limit: int = 8) -> list[Remembered]:
        there = [
            (message.at, seq, message)
            for seq, message in self.messages.items()
            if message.conversation == conversation and message.member == member and message.at >= since
        ]
        return [message for _, _, message in sorted(there, key=lambda found: found[:2])][-limit:]

    @_one_at_a_time
    def sweep(self, *, before: datetime) -> int:
        return _drop(self.messages, lambda message: message.at < before)

    def rows_by_table(self) -> dict[str, Iterable[Any]]:
        return {"conversations": self.messages.values()}

    def forget(self, whose: Callable[[Member], bool]) -> dict[str, int]:
        return {"conversations": _drop(self.messages, lambda message: whose(message.member))}


class MemoryExchanges(_Part):
    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        super().__init__(clock, lock)
        self.rows: dict[tuple[Member, str], Exchange] = {}

    @_one_at_a_time
    def save(self, exchange: Exchange) -> None:
        created_at = _aware(exchange.created_at)
        assert created_at is not None
        self.rows[exchange.member, exchange.id] = replace(
            exchange, result=_json(exchange.result), created_at=created_at
        )

    @_one_at_a_time
    def get(self, exchange_id: str, member: Member) -> Exchange | None:
        return copy.deepcopy(self.rows.get((member, exchange_id)))

    @_one_at_a_time
    def recent(self, member: Member, *, since: datetime, limit: int = 20) -> list[Exchange]:
        found = [row for row in self.rows.values() if row.member == member and row.created_at >= since]
        newest = sorted(sorted(found, key=lambda row: row.id), key=lambda row: row.created_at, reverse=True)
        return copy.deepcopy(newest[:limit])

    @_one_at_a_time
    def rate(self, exchange_id: str, member: Member, *, helpful: bool) -> bool:
        return self._change(exchange_id, member, helpful=helpful)

    @_one_at_a_time
    def correct(self, exchange_id: str, member: Member, *, correction: str, may_share: bool) -> bool:
        return self._change(exchange_id, member, correction=correction, may_share=may_share)

    @_one_at_a_time
    def share(self, exchange_id: str, member: Member) -> bool:
        return self._change(exchange_id, member, may_share=True)

    @_one_at_a_time
    def asked(self, *, since: datetime, team_id: str | None = None) -> list[Exchange]:
        found = [row for row in self.rows.values() if row.kind == "ask" and row.created_at >= since]
        wanted = [row for row in found if team_id in {None, row.member.team_id}]
        return copy.deepcopy(sorted(wanted, key=lambda row: (row.created_at, row.id)))

    @_one_at_a_time
    def came_out(self, team_id: str, *, since: datetime) -> list[Came]:
        return [
            Came(row.member.user_id, row.kind, str(row.result.get("outcome") or ""))
            for row in self.rows.values()
            if row.member.team_id == team_id and row.created_at >= since
        ]

    @_one_at_a_time
    def corrections(self, *, team_id: str | None = None) -> list[Exchange]:
        shared = [row for row in self.rows.values() if self._is_shared(row)]
        wanted = [row for row in shared if team_id in {None, row.member.team_id}]
        return copy.deepcopy(sorted(wanted, key=lambda row: (row.created_at, row.id)))

    @_one_at_a_time
    def sweep(self, *, before: datetime) -> int:
        return _drop(self.rows, lambda row: row.created_at < before and not self._is_shared(row))

    def rows_by_table(self) -> dict[str, Iterable[Any]]:
        return {"exchanges": self.rows.values()}

    def forget(self, whose: Callable[[Member], bool]) -> dict[str, int]:
        return {"exchanges": _drop(self.rows, lambda row: whose(row.member))}

    @staticmethod
    def _is_shared(row: Exchange) -> bool:
        return row.correction is not None and row.may_share

    def _change(self, exchange_id: str, member: Member, **changes: Any) -> bool:
        row = self.rows.get((member, exchange_id))
        if row is None:
            return False
        self.rows[member, exchange_id] = replace(row, **changes)
        return True


class MemoryChecks(_Part):
    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        super().__init__(clock, lock)
        self.rows: dict[tuple[Member, str], Check] = {}

    @_one_at_a_time
    def add(self, check: Check) -> None:
        created_at = _aware(check.created_at)
        assert created_at is not None
        self.rows.setdefault((check.member, check.id), replace(check, created_at=created_at))

    @_one_at_a_time
    def latest(self, member: Member) -> dict[str, Check]:
        newest: dict[str, Check] = {}
        for row in self._newest_first(member):
            newest.setdefault(row.unit, row)
        return newest

    @_one_at_a_time
    def history(self, member: Member, unit: str | None = None, *, limit: int = 100) -> list[Check]:
        return [row for row in self._newest_first(member) if unit in {None, row.unit}][:limit]

    def rows_by_table(self) -> dict[str, Iterable[Any]]:
        return {"checks": self.rows.values()}

    def forget(self, whose: Callable[[Member], bool]) -> dict[str, int]:
        return {"checks": _drop(self.rows, lambda row: whose(row.member))}

    def _newest_first(self, member: Member) -> list[Check]:
        latest_added_first = [row for row in self.rows.values() if row.member == member][::-1]
        return sorted(latest_added_first, key=lambda row: row.created_at, reverse=True)


def _oldest_first(rows: Iterable[Nudge]) -> list[Nudge]:
    return sorted(rows, key=lambda row: (row.due_at, row.id))


class _NudgeRows(dict[str, Nudge]):
    """Rows by id, found by member and by being open without a look at all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.of_member: dict[Member, dict[str, Nudge]] = {}
        self.open: dict[str, Nudge] = {}
        self.leased: dict[str, Nudge] = {}

    def __setitem__(self, key: str, row: Nudge) -> None:
        super().__setitem__(key, row)
        self.of_member.setdefault(row.member, {})[key] = row
        if row.state in {"due", "claimed"}:
            self.open[key] = row
        else:
            self.open.pop(key, None)
        if row.lease_until is None:
            self.leased.pop(key, None)
        else:
            self.leased[key] = row

    def __delitem__(self, key: str) -> None:
        del self.of_member[self[key].member][key]
        self.open.pop(key, None)
        self.leased.pop(key, None)
        super().__delitem__(key)

    def pop(self, key: str) -> Nudge:  # type: ignore[override]  # no default is ever given here
        row = self[key]
        del self[key]
        return row


class MemoryNudges(_Part):
    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        super().__init__(clock, lock)
        self.subscriptions: dict[Member, Subscription] = {}
        self.rows = _NudgeRows()
        self.next_at: dict[str, datetime] = {}
        self.holds: dict[str, datetime] = {}

    @_one_at_a_time
    def subscription(self, member: Member) -> Subscription | None:
        return self.subscriptions.get(member)

    @_one_at_a_time
    def subscribe(self, subscription: Subscription) -> None:
        self.subscriptions[subscription.member] = replace(subscription, created_at=_aware(subscription.created_at))
        for row in self._of(subscription.member):
            if row.state == "due" or (row.state == "claimed" and row.owner is None and row.attempt == 0):
                self.rows[row.id] = replace(row, state="cancelled", reason="settings changed")

    @_one_at_a_time
    def active_subscriptions(
        self, *, after: Member | None = None, limit: int = 500, resuming: date | None = None, unplanned: bool = False
    ) -> list[Subscription]:
        def wanted(subscription: Subscription) -> bool:
            if unplanned and any(row.state in {"due", "claimed"} for row in self._of(subscription.member)):
                return False
            until = subscription.paused_until
            resumes = resuming is not None and until is not None and until <= resuming
            return subscription.state == "active" or (subscription.state == "paused" and resumes)

        def place(member: Member) -> tuple[str, str]:
            return member.team_id, member.user_id

        rows = [row for row in self.subscriptions.values() if wanted(row)]
        rows = [row for row in rows if after is None or place(row.member) > place(after)]
        return sorted(rows, key=lambda row: place(row.member))[:limit]

    @_one_at_a_time
    def plan(self, nudge: Nudge) -> bool:
        taken = next((row for row in self._of(nudge.member) if row.period == nudge.period), None)
        if taken is not None:
            if taken.state != "cancelled" or taken.attempt:
                return False
            del self.rows[taken.id]
        due_at = _aware(nudge.due_at)
        assert due_at is not None
        self.rows[nudge.id] = replace(nudge, due_at=due_at)
        return True

    @_one_at_a_time
    def cancel_open(self, member: Member, reason: str) -> int:
        rows = [row for row in self._of(member) if row.state in {"due", "claimed"}]
        for row in rows:
            self.rows[row.id] = replace(row, state="cancelled", reason=reason)
        return len(rows)

    @_one_at_a_time
    def cancel_team(self, team_id: str, reason: str) -> int:
        members = {row.member for row in self.rows.values() if row.member.team_id == team_id}
        return sum(self.cancel_open(member, reason) for member in members)

    @_one_at_a_time
    def reopen_team(self, team_id: str, reasons: Collection[str], *, due_after: datetime) -> int:
        again = [
            row
            for row in self.rows.values()
            if row.member.team_id == team_id
            and row.state in {"cancelled", "failed"}
            and row.reason in reasons
            and row.due_at > due_after
        ]
        for row in again:
            self.rows[row.id] = replace(
                row,
                state="claimed" if row.attempt or row.lease_until else "due",
                sending=row.sending and row.state != "failed",
                lease_until=(row.lease_until or row.due_at) if row.attempt else None,
                owner=None,
                reason=None,
            )
        return len(again)

    @_one_at_a_time
    def claim(
        self, owner: str, *, now: datetime, lease: timedelta, limit: int, ahead: timedelta | None = None
    ) -> list[Nudge]:
        over = now - timedelta(hours=1)
        for row in [row for row in self.rows.leased.values() if row.state == "sent" and row.lease_until < over]:
            del self.rows.leased[row.id]  # its rest is long over: not looked at again
        busy = {row.member for row in self.rows.leased.values() if self._is_busy(row, now)}
        free: list[Nudge] = []
        for row in _oldest_first(self.rows.open.values()):
            if not self._is_free(row, now) or row.member in busy or self._is_booked_out(row, now, ahead):
                continue
            busy.add(row.member)
            free.append(row)
        del free[limit:]
        taken = [
            replace(row, state="claimed", owner=owner, attempt=row.attempt + 1, lease_until=now + lease) for row in free
        ]
        for row in taken:
            self.rows[row.id] = row
        return taken

    @_one_at_a_time
    def renew(self, nudge: Nudge, *, now: datetime, lease: timedelta) -> bool:
        return self._change(nudge, {"claimed"}, lease_until=now + lease)

    @_one_at_a_time
    def release(self, nudge: Nudge, *, until: datetime, counted: bool) -> bool:
        back = {} if counted else {"attempt": nudge.attempt - 1, "sending": nudge.sending}
        return self._change(nudge, {"claimed"}, owner=None, lease_until=until, **back)

    @_one_at_a_time
    def settle(
        self,
        nudge: Nudge,
        state: Literal["sent", "skipped", "cancelled", "failed", "in_doubt"],
        *,
        ts: str | None = None,
        reason: str | None = None,
    ) -> bool:
        held = {"claimed", "cancelled"} if state == "sent" else {"claimed"}
        rests = self.clock.now() + timedelta(seconds=1) if state == "sent" else None
        return self._change(nudge, held, state=state, ts=ts, reason=reason, lease_until=rests)

    @_one_at_a_time
    def choose(self, nudge: Nudge, *, kind: NudgeKind, prompt_id: str | None, unit: str | None) -> bool:
        return self._change(nudge, {"claimed"}, kind=kind, prompt_id=prompt_id, unit=unit, sending=True)

    @_one_at_a_time
    def unsent(self, nudge: Nudge) -> bool:
        return self._change(nudge, {"claimed"}, sending=False)

    @_one_at_a_time
    def restore(self, nudge_id: str, member: Member, *, now: datetime) -> bool:
        row = self.rows.get(nudge_id)
        if row is None or row.member != member or row.due_at <= now:
            return False
        if (row.state, row.reason, row.attempt) != ("skipped", LEFT_OUT, 0):
            return False
        self.rows[nudge_id] = replace(row, state="due", reason=None)
        return True

    @_one_at_a_time
    def decline(self, nudge_id: str, member: Member) -> bool:
        row = self.rows.get(nudge_id)
        if row is None or row.member != member or row.state != "sent":
            return False
        self.rows[nudge_id] = replace(row, reason=DECLINED)
        return True

    @_one_at_a_time
    def get(self, nudge_id: str, member: Member) -> Nudge | None:
        row = self.rows.get(nudge_id)
        return row if row is not None and row.member == member else None

    @_one_at_a_time
    def by_ts(self, member: Member, ts: str) -> Nudge | None:
        return next((row for row in self._of(member) if row.ts == ts), None)

    @_one_at_a_time
    def sent(self, member: Member, *, limit: int = 60) -> list[Nudge]:
        return self._newest(member, {"sent"})[:limit]

    @_one_at_a_time
    def ended(self, member: Member, *, kind: NudgeKind | None = None, limit: int = 60) -> list[Nudge]:
        rows = self._newest(member, {"sent", "skipped", "failed", "in_doubt"})
        return [row for row in rows if kind is None or row.kind == kind][:limit]

    @_one_at_a_time
    def upcoming(self, member: Member) -> Nudge | None:
        rows = _oldest_first(row for row in self._of(member) if row.state in {"due", "claimed"})
        return rows[0] if rows else None

    @_one_at_a_time
    def next_due(self) -> datetime | None:
        return min((row.due_at for row in self.rows.open.values() if row.state == "due"), default=None)

    @_one_at_a_time
    def backlog(self, *, now: datetime) -> Backlog:
        open_rows = [row.due_at for row in self.rows.open.values() if row.due_at <= now]
        return Backlog(len(open_rows), min(open_rows, default=None))

    @_one_at_a_time
    def take_slot(
        self, team_id: str, *, now: datetime, per_second: float, within: timedelta | None = None
    ) -> datetime | None:
        step = timedelta(microseconds=round(1_000_000 / per_second))
        next_at = self.next_at.get(team_id, now)
        if not now <= next_at <= now + max(timedelta(minutes=15), 100 * step):
            next_at = now
        if within is not None and next_at > now + within:
            return None
        self.next_at[team_id] = next_at + step
        return next_at

    @_one_at_a_time
    def hold(self, team_id: str, *, until: datetime) -> None:
        self.next_at[team_id] = max(until, self.next_at.get(team_id, until))
        self.holds[team_id] = max(until, self.holds.get(team_id, until))

    @_one_at_a_time
    def held_until(self, team_id: str) -> datetime | None:
        return self.holds.get(team_id)

    def rows_by_table(self) -> dict[str, Iterable[Any]]:
        return {"subscriptions": self.subscriptions.values(), "nudges": self.rows.values()}

    def forget(self, whose: Callable[[Member], bool]) -> dict[str, int]:
        return {
            "subscriptions": _drop(self.subscriptions, lambda row: whose(row.member)),
            "nudges": _drop(self.rows, lambda row: whose(row.member)),
        }

    def _of(self, member: Member) -> list[Nudge]:
        return list(self.rows.of_member.get(member, {}).values())

    def _newest(self, member: Member, states: set[str]) -> list[Nudge]:
        rows = [row for row in self._of(member) if row.state in states]
        return sorted(rows, key=lambda row: (row.due_at, row.id), reverse=True)

    @staticmethod
    def _is_busy(row: Nudge, now: datetime) -> bool:
        until = row.lease_until
        working = row.state == "claimed" and row.owner is not None
        return until is not None and until > now and (row.state == "sent" or working)

    def _is_booked_out(self, row: Nudge, now: datetime, ahead: timedelta | None) -> bool:
        next_at = self.next_at.get(row.member.team_id)
        return ahead is not None and next_at is not None and now + ahead <= next_at <= now + timedelta(minutes=15)

    @staticmethod
    def _is_free(row: Nudge, now: datetime) -> bool:
        lapsed = row.state == "claimed" and row.lease_until is not None and row.lease_until <= now
        return lapsed or (row.state == "due" and row.due_at <= now)

    def _change(self, nudge: Nudge, states: set[str], **changes: Any) -> bool:
        row = self.rows.get(nudge.id)
        if row is None or (row.owner, row.attempt) != (nudge.owner, nudge.attempt) or row.state not in states:
            return False
        self.rows[nudge.id] = replace(row, **changes)
        return True


class MemoryJournal(_Part):
    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        super().__init__(clock, lock)
        self.rows: dict[tuple[Member, str], Reflection] = {}

    @_one_at_a_time
    def add(self, reflection: Reflection) -> None:
        created_at = _aware(reflection.created_at)
        assert created_at is not None
        self.rows.setdefault((reflection.member, reflection.id), replace(reflection, created_at=created_at))

    @_one_at_a_time
    def entries(self, member: Member, *, limit: int = 50) -> list[Reflection]:
        return self._newest_first(member)[:limit]

    @_one_at_a_time
    def get(self, reflection_id: str, member: Member) -> Reflection | None:
        return self.rows.get((member, reflection_id))

    @_one_at_a_time
    def update(self, reflection: Reflection) -> bool:
        if (reflection.member, reflection.id) not in self.rows:
            return False
        self.rows[reflection.member, reflection.id] = reflection
        return True

    @_one_at_a_time
    def delete(self, reflection_id: str, member: Member) -> bool:
        return self.rows.pop((member, reflection_id), None) is not None

    @_one_at_a_time
    def open_commitment(self, member: Member, *, before: date) -> Reflection | None:
        limit = datetime.combine(before, time(), UTC)
        rows = [row for row in self._newest_first(member) if row.commitment_state == "open" and row.created_at < limit]
        return rows[0] if rows else None

    def rows_by_table(self) -> dict[str, Iterable[Any]]:
        return {"journal": self.rows.values()}

    def forget(self, whose: Callable[[Member], bool]) -> dict[str, int]:
        return {"journal": _drop(self.rows, lambda row: whose(row.member))}

    def _newest_first(self, member: Member) -> list[Reflection]:
        latest_added_first = [row for row in self.rows.values() if row.member == member][::-1]
        return sorted(latest_added_first, key=lambda row: row.created_at, reverse=True)


class MemoryProfiles(_Part):
    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        super().__init__(clock, lock)
        self.rows: dict[Member, Profile] = {}

    @_one_at_a_time
    def get(self, member: Member) -> Profile:
        return copy.deepcopy(self.rows.get(member, Profile(member)))

    @_one_at_a_time
    def put(self, profile: Profile) -> None:
        self.rows[profile.member] = replace(profile, extra=_json(profile.extra))

    @_one_at_a_time
    def change(self, member: Member, change: Callable[[Profile], Profile]) -> Profile:
        changed = change(self.get(member))
        self.put(changed)
        return changed

    def rows_by_table(self) -> dict[str, Iterable[Any]]:
        return {"profiles": self.rows.values()}

    def forget(self, whose: Callable[[Member], bool]) -> dict[str, int]:
        return {"profiles": _drop(self.rows, lambda row: whose(row.member))}


class MemoryRuns(_Part):
    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        super().__init__(clock, lock)
        self.rows: dict[Member, ProfileRun] = {}

    @_one_at_a_time
    def get(self, member: Member) -> ProfileRun | None:
        return self.rows.get(member)

    @_one_at_a_time
    def put(self, run: ProfileRun) -> None:
        standing = self.rows.get(run.member)
        if standing is None or standing.id != run.id:
            self.rows[run.member] = run

    @_one_at_a_time
    def end(self, member: Member, run_id: str) -> bool:
        standing = self.rows.get(member)
        if standing is None or standing.id != run_id:
            return False
        del self.rows[member]
        return True

    def rows_by_table(self) -> dict[str, Iterable[Any]]:
        return {"profile_runs": self.rows.values()}

    def forget(self, whose: Callable[[Member], bool]) -> dict[str, int]:
        return {"profile_runs": _drop(self.rows, lambda row: whose(row.member))}


class MemoryFocuses(_Part):
    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        super().__init__(clock, lock)
        self.rows: dict[tuple[Member, str], Focus] = {}

    @_one_at_a_time
    def begin(self, focus: Focus) -> None:
        if (focus.member, focus.id) in self.rows:
            return
        for key, row in self.rows.items():
            if row.member == focus.member and row.state == "open":
                self.rows[key] = replace(row, state="replaced", closed_at=focus.created_at)
        self.rows[focus.member, focus.id] = focus

    @_one_at_a_time
    def current(self, member: Member) -> Focus | None:
        found = [row for row in self.rows.values() if row.member == member and row.state == "open"]
        return found[-1] if found else None

    @_one_at_a_time
    def get(self, focus_id: str, member: Member) -> Focus | None:
        return self.rows.get((member, focus_id))

    @_one_at_a_time
    def update(self, focus: Focus) -> bool:
        if (focus.member, focus.id) not in self.rows:
            return False
        self.rows[focus.member, focus.id] = focus
        return True

    def rows_by_table(self) -> dict[str, Iterable[Any]]:
        return {"focuses": self.rows.values()}

    def forget(self, whose: Callable[[Member], bool]) -> dict[str, int]:
        return {"focuses": _drop(self.rows, lambda row: whose(row.member))}


class MemoryInstallations:
    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self._clock, self._lock = clock, lock
        self._rows: dict[str, Installation] = {}
        self._states: dict[str, datetime] = {}

    def save(self, installation: Installation) -> None:
        with self._lock:
            self._rows[installation.team_id] = installation

    def get(self, team_id: str) -> Installation | None:
        with self._lock:
            return self._rows.get(team_id)

    def remove(self, team_id: str) -> bool:
        with self._lock:
            return self._rows.pop(team_id, None) is not None

    def count(self) -> int:
        with self._lock:
            return len(self._rows)

    def issue_state(self, state: str, *, expires_at: datetime) -> None:
        with self._lock:
            now = self._clock.now()
            self._states = {s: at for s, at in self._states.items() if at >= now} | {state: expires_at}

    def consume_state(self, state: str) -> bool:
        with self._lock:
            expires_at = self._states.pop(state, None)
        return expires_at is not None and expires_at > self._clock.now()


@dataclass(frozen=True)
class _UsageRow:
    member: Member
    day: date
    calls: int
    tokens_in: int
    tokens_out: int


class MemoryUsage(_Part):
    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        super().__init__(clock, lock)
        self.rows: dict[tuple[Member, date], _UsageRow] = {}

    @_one_at_a_time
    def spend(self, member: Member, day: date, usage: Usage) -> None:
        row = self.rows.get((member, day), _UsageRow(member, day, 0, 0, 0))
        self.rows[member, day] = _UsageRow(
            member, day, row.calls + 1, row.tokens_in + usage.tokens_in, row.tokens_out + usage.tokens_out
        )

    @_one_at_a_time
    def spent(self, member: Member, day: date) -> int:
        row = self.rows.get((member, day))
        return row.tokens_in + row.tokens_out if row else 0

    @_one_at_a_time
    def spent_by_team(self, team_id: str, day: date) -> int:
        mine = [r for r in self.rows.values() if r.member.team_id == team_id and r.day == day]
        return sum(r.tokens_in + r.tokens_out for r in mine)

    @_one_at_a_time
    def totals(self, *, since: date) -> tuple[int, Usage]:
        mine = [r for r in self.rows.values() if r.day >= since]
        return sum(r.calls for r in mine), Usage(sum(r.tokens_in for r in mine), sum(r.tokens_out for r in mine))

    def rows_by_table(self) -> dict[str, Iterable[Any]]:
        return {"model_usage": self.rows.values()}

    def forget(self, whose: Callable[[Member], bool]) -> dict[str, int]:
        return {"model_usage": _drop(self.rows, lambda row: whose(row.member))}


class MemoryWorkspaces:
    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._rows: dict[str, Workspace] = {}

    def get(self, team_id: str) -> Workspace:
        with self._lock:
            return self._rows.get(team_id, Workspace(team_id))

    def all(self) -> list[Workspace]:
        with self._lock:
            return [self._rows[team] for team in sorted(self._rows)]

    def change(self, team_id: str, change: Callable[[Workspace], Workspace]) -> Workspace:
        with self._lock:
            self._rows[team_id] = change(self.get(team_id))
            return self._rows[team_id]

    def forget(self, team_id: str) -> bool:
        with self._lock:
            return self._rows.pop(team_id, None) is not None


_PART_OF: dict[str, Part | None] = {
    "subscriptions": "reminders",
    "nudges": "reminders",
    "journal": "reflections",
    "checks": "selfchecks",
    "exchanges": "questions",
    "conversations": "questions",
    "profile_runs": "selfchecks",
    "focuses": "selfchecks",
    "profiles": "profile",
    "model_usage": "questions",
    "inbox": None,
}


class MemoryRepositories:
    """`bot.ports.Repositories` in memory."""

    inbox: InboxRepository
    conversations: ConversationRepository
    exchanges: ExchangeRepository
    checks: CheckRepository
    nudges: NudgeRepository
    journal: JournalRepository
    profiles: ProfileRepository
    runs: RunRepository
    focuses: FocusRepository
    installations: InstallationRepository
    usage: UsageRepository

    def __init__(self, clock: Clock | None = None) -> None:
        clock, lock = clock or StandingClock(), threading.RLock()
        self._lock = lock
        inbox, conversations = MemoryInbox(clock, lock), MemoryConversations(clock, lock)
        exchanges, checks = MemoryExchanges(clock, lock), MemoryChecks(clock, lock)
        nudges, journal, profiles = MemoryNudges(clock, lock), MemoryJournal(clock, lock), MemoryProfiles(clock, lock)
        runs, focuses = MemoryRuns(clock, lock), MemoryFocuses(clock, lock)
        self.usage = usage = MemoryUsage(clock, lock)
        self._parts: tuple[_Part, ...] = (
            inbox,
            conversations,
            exchanges,
            checks,
            nudges,
            journal,
            profiles,
            runs,
            focuses,
            usage,
        )
        self.runs, self.focuses = runs, focuses
        self.workspaces = MemoryWorkspaces(lock)
        self.installations = self._workspaces = MemoryInstallations(clock, lock)
        self._slots = nudges.next_at
        self.inbox, self.conversations, self.exchanges, self.checks = inbox, conversations, exchanges, checks
        self.nudges, self.journal, self.profiles = nudges, journal, profiles

    def erase(self, member: Member, parts: Collection[Part] | None = None) -> dict[str, int]:
        return self._forget(lambda whose: whose == member, parts)

    def counts_of(self, member: Member) -> dict[Part, int]:
        counts = dict.fromkeys(PARTS, 0)
        for table, rows in self.everything_of(member).items():
            if _PART_OF[table] is not None:
                counts[_PART_OF[table]] += len(rows)
        return counts

    def counts_of_team(self, team_id: str) -> dict[str, int]:
        with self._lock:
            by_table = {
                table: [row for row in rows if row.member.team_id == team_id]
                for part in self._parts
                for table, rows in part.rows_by_table().items()
            }
        people = {row.member.user_id for rows in by_table.values() for row in rows} - {""}
        channels = {s.member.user_id for s in by_table["subscriptions"] if s.kind == "team"}
        return {"people": len(people - channels), **{table: len(rows) for table, rows in by_table.items()}}

    def tallies_of_team(self, team_id: str, *, since: datetime) -> dict[str, Tally]:
        people = self.counts_of_team(team_id)["people"]
        with self._lock:
            mine = [s for s in self.nudges.subscriptions.values() if s.member.team_id == team_id]
            subscribers = sum(s.state == "active" and s.kind == "person" for s in mine)
            checks = [c for c in self.checks.rows.values() if c.member.team_id == team_id and c.created_at >= since]
        return {
            "people": Tally(people, people),
            "subscribers": Tally(subscribers, subscribers),
            "checks": Tally(len(checks), len({c.member for c in checks})),
        }

    def sweep(self, kind: KeptKind, *, before: datetime, team_id: str | None = None, but: Collection[str] = ()) -> int:
        def of(member: Member) -> bool:
            return member.team_id == team_id if team_id is not None else member.team_id not in but

        old: dict[str, tuple[tuple[dict[Any, Any], Callable[[Any], bool]], ...]] = {
            "conversations": ((self.conversations.messages, lambda row: row.at < before),),
            "questions": (
                (
                    self.exchanges.rows,
                    lambda row: row.created_at < before and not (row.correction is not None and row.may_share),
                ),
            ),
            "selfchecks": (
                (self.checks.rows, lambda row: row.created_at < before),
                (self.focuses.rows, lambda row: row.closed_at is not None and row.closed_at < before),
            ),
            "reflections": ((self.journal.rows, lambda row: row.created_at < before),),
            "reminders": ((self.nudges.rows, lambda row: row.due_at < before and row.state not in {"due", "claimed"}),),
        }
        with self._lock:
            return sum(_drop(rows, lambda row, past=past: of(row.member) and past(row)) for rows, past in old[kind])

    def everything_of(self, member: Member) -> dict[str, list[dict[str, Any]]]:
        with self._lock:
            return {
                table: [_plain(row) for row in rows if row.member == member]
                for part in self._parts
                for table, rows in part.rows_by_table().items()
            }

    def purge_team(self, team_id: str) -> dict[str, int]:
        slots = 1 if self._slots.pop(team_id, None) else 0
        removed = int(self._workspaces.remove(team_id))
        forgotten = self._forget(lambda whose: whose.team_id == team_id)
        chosen = int(self.workspaces.forget(team_id))
        return {**forgotten, "send_slots": slots, "installations": removed, "workspaces": chosen}

    def ping(self) -> None:
        """Memory is always there."""

    def close(self) -> None:
        """Nothing to close."""

    def _forget(self, whose: Callable[[Member], bool], only: Collection[Part] | None = None) -> dict[str, int]:
        with self._lock:
            wanted = [p for p in self._parts if only is None or _PART_OF[next(iter(p.rows_by_table()))] in only]
            counts = [part.forget(whose) for part in wanted]
        return {table: count for part in counts for table, count in part.items()}


def _plain(row: Any) -> dict[str, Any]:
    columns = asdict(row)
    columns |= columns.pop("member")
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in columns.items()}
