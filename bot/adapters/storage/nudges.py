"""Subscriptions and due rows: claimed with a lease, so that each is sent at most once, by whichever replica."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Row,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.adapters.storage.database import Database, given, insert_into, of, theirs, whose
from bot.adapters.storage.tables import Instant, nudges, send_slots, subscriptions
from bot.adapters.storage.tables import to_microseconds as micros
from bot.core.records import DECLINED, LEFT_OUT, Member, Nudge, NudgeKind, Subscription
from bot.ports import Backlog

_OPEN = nudges.c.state.in_(["due", "claimed"])
_GIVEN_BACK = and_(nudges.c.state == "claimed", nudges.c.owner.is_(None), nudges.c.attempt == 0)  # surely never sent
_ENDED = nudges.c.state.in_(["sent", "skipped", "failed", "in_doubt"])
_SECOND = 1_000_000  # microseconds
_FARTHEST = 15 * 60 * _SECOND
_REST = timedelta(seconds=1)  # of a conversation after a message: Slack takes about one a second there
_another = nudges.alias("another")  # rows of the same member, beside the one that is looked at


class SqlNudges:
    """`bot.ports.NudgeRepository` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- subscriptions ---

    def subscription(self, member: Member) -> Subscription | None:
        """A person's subscription; None where they never asked for one."""
        with self._database.reading() as connection:
            row = connection.execute(_SUBSCRIPTION, given(member)).first()
        return None if row is None else _subscription(row)

    def subscribe(self, subscription: Subscription) -> None:
        """Write or replace a person's subscription; due rows not yet claimed are cancelled with it."""
        chosen = _choices(subscription)
        with self._database.writing() as connection:
            connection.execute(
                insert_into(connection, subscriptions)
                .values(**whose(subscription.member), **chosen)
                .on_conflict_do_update(index_elements=["team_id", "user_id"], set_=chosen)
            )
            connection.execute(
                update(nudges)
                .where(of(nudges, subscription.member), or_(nudges.c.state == "due", _GIVEN_BACK))
                .values(state="cancelled", reason="settings changed")
            )

    def active_subscriptions(
        self, *, after: Member | None = None, limit: int = 500, resuming: date | None = None, unplanned: bool = False
    ) -> list[Subscription]:
        """Active ones by workspace and person; with `resuming`, those too whose pause ends by that day.

        `unplanned` leaves out those that have an open due row.
        """
        wanted: ColumnElement[bool] = subscriptions.c.state == "active"
        if resuming is not None:
            wanted = or_(wanted, and_(subscriptions.c.state == "paused", subscriptions.c.paused_until <= resuming))
        if unplanned:
            theirs = and_(nudges.c.team_id == subscriptions.c.team_id, nudges.c.user_id == subscriptions.c.user_id)
            wanted = and_(wanted, ~exists().where(theirs, _OPEN))
        statement = (
            select(subscriptions).where(wanted).order_by(subscriptions.c.team_id, subscriptions.c.user_id).limit(limit)
        )
        if after is not None:
            here = tuple_(subscriptions.c.team_id, subscriptions.c.user_id)
            statement = statement.where(here > tuple_(literal(after.team_id), literal(after.user_id)))
        with self._database.reading() as connection:
            return [_subscription(row) for row in connection.execute(statement)]

    # --- due rows ---

    def plan(self, nudge: Nudge) -> bool:
        """Insert a due row; False where the member already has one in that period.

        One that was cancelled before anybody claimed it makes room: a person who moves the day keeps this week's.
        """
        row = {**whose(nudge.member), **_columns(nudge)}
        with self._database.writing() as connection:
            if connection.execute(_insert_nudge(connection.dialect.name), row).first() is not None:
                return True
            never_claimed = and_(nudges.c.state == "cancelled", nudges.c.attempt == 0)
            revive = update(nudges).where(of(nudges, nudge.member), nudges.c.period == nudge.period, never_claimed)
            return connection.execute(revive.values(row)).rowcount == 1

    def cancel_open(self, member: Member, reason: str) -> int:
        """Cancel what is due and not sent, claimed rows too: their worker's next renewal fails and it stops."""
        statement = update(nudges).where(of(nudges, member), _OPEN).values(state="cancelled", reason=reason)
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount

    def cancel_team(self, team_id: str, reason: str) -> int:
        """The same for a whole workspace."""
        statement = update(nudges).where(nudges.c.team_id == team_id, _OPEN).values(state="cancelled", reason=reason)
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount

    def reopen_team(self, team_id: str, reasons: Collection[str], *, due_after: datetime) -> int:
        """Take up again what was cancelled or failed for one of these reasons and was due after an instant; how many.

        A row that somebody had claimed keeps its number of attempts and the end of its lease, so that whoever takes it
        waits for a send that may be on its way, and looks for it; it has no owner, so the send's own note is lost.
        """
        ended = or_(nudges.c.state == "cancelled", nudges.c.state == "failed")
        again = and_(nudges.c.team_id == team_id, ended, nudges.c.reason.in_(reasons), nudges.c.due_at > due_after)
        untouched = and_(nudges.c.attempt == 0, nudges.c.lease_until.is_(None))
        changed = (
            update(nudges)
            .where(again)
            .values(
                state=case((untouched, "due"), else_="claimed"),
                sending=case((nudges.c.state == "failed", False), else_=nudges.c.sending),  # surely not taken
                lease_until=case((~untouched, func.coalesce(nudges.c.lease_until, nudges.c.due_at))),
                owner=None,
                reason=None,
            )
        )
        with self._database.writing() as connection:
            return connection.execute(changed).rowcount

    def claim(
        self, owner: str, *, now: datetime, lease: timedelta, limit: int, ahead: timedelta | None = None
    ) -> list[Nudge]:
        """Take due rows whose lease is free or lapsed, oldest first, counting an attempt."""
        free = and_(_is_free(nudges, now), ~_member_is_busy(now))
        if ahead is not None:
            # A reservation beyond the farthest means that the clock was set back: `take_slot` starts anew there.
            far = send_slots.c.next_at.between(now + ahead, now + timedelta(microseconds=_FARTHEST))
            free = and_(free, nudges.c.team_id.not_in(select(send_slots.c.team_id).where(far)))
        # A common table expression is worked once. As a plain subquery, PostgreSQL may work it again for each row
        # and lock more than `limit`. SQLite has no row locks and needs none: its writers go one by one.
        picked = (
            select(nudges.c.id)
            .where(free)
            .order_by(nudges.c.due_at, nudges.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("picked")
        )
        statement = (
            update(nudges)
            .where(nudges.c.id.in_(select(picked.c.id)))
            .values(state="claimed", owner=owner, attempt=nudges.c.attempt + 1, lease_until=now + lease)
            .returning(nudges)
        )
        with self._database.writing() as connection:
            claimed = [_nudge(row) for row in connection.execute(statement)]
        return sorted(claimed, key=lambda nudge: (nudge.due_at, nudge.id))

    def renew(self, nudge: Nudge, *, now: datetime, lease: timedelta) -> bool:
        """Lengthen a lease; False where it was lost."""
        return self._change_held(nudge, lease_until=now + lease)

    def release(self, nudge: Nudge, *, until: datetime, counted: bool) -> bool:
        """Give a claimed row back, for nobody to claim before that instant; False where the lease was lost.

        The number of an attempt that is taken back can't come to stand beside the same owner's name twice: only its
        holder takes it back, once, and an attempt whose lease lapsed keeps its number.
        """
        back: dict[str, Any] = {} if counted else {"attempt": nudge.attempt - 1, "sending": nudge.sending}
        return self._change_held(nudge, owner=None, lease_until=until, **back)

    def settle(
        self,
        nudge: Nudge,
        state: Literal["sent", "skipped", "cancelled", "failed", "in_doubt"],
        *,
        ts: str | None = None,
        reason: str | None = None,
    ) -> bool:
        """End a claimed row; False where the lease was lost.

        A send that crossed with a cancellation did happen, so "sent" is noted then too.
        """
        crossed, rests = ("cancelled", self._database.now() + _REST) if state == "sent" else ("claimed", None)
        return self._change_held(nudge, also=crossed, state=state, ts=ts, reason=reason, lease_until=rests)

    def choose(self, nudge: Nudge, *, kind: NudgeKind, prompt_id: str | None, unit: str | None) -> bool:
        """Note what a claimed row sends, and that its send begins now; False where the lease was lost."""
        return self._change_held(nudge, kind=kind, prompt_id=prompt_id, unit=unit, sending=True)

    def unsent(self, nudge: Nudge) -> bool:
        """Note that Slack surely didn't take a begun send; False where the lease was lost."""
        return self._change_held(nudge, sending=False)

    def restore(self, nudge_id: str, member: Member, *, now: datetime) -> bool:
        """Make a row due again that was left out before anybody claimed it; False where its time is over."""
        left_out = and_(nudges.c.state == "skipped", nudges.c.reason == LEFT_OUT, nudges.c.attempt == 0)
        mine = and_(nudges.c.id == nudge_id, of(nudges, member), nudges.c.due_at > now)
        return self._change(and_(mine, left_out), state="due", reason=None)

    def decline(self, nudge_id: str, member: Member) -> bool:
        """Note on a nudge that came that the person didn't want this one; False where there is none."""
        came = and_(nudges.c.id == nudge_id, of(nudges, member), nudges.c.state == "sent")
        return self._change(came, reason=DECLINED)

    def get(self, nudge_id: str, member: Member) -> Nudge | None:
        """A nudge of this member; somebody else's is None."""
        return self._first(nudges.c.id == nudge_id, of(nudges, member))

    def by_ts(self, member: Member, ts: str) -> Nudge | None:
        """The nudge that was sent as this message."""
        return self._first(of(nudges, member), nudges.c.ts == ts)

    def sent(self, member: Member, *, limit: int = 60) -> list[Nudge]:
        """What was sent to a person, newest first."""
        return self._all(_SENT, {**given(member), "at_most": limit})

    def ended(self, member: Member, *, kind: NudgeKind | None = None, limit: int = 60) -> list[Nudge]:
        """Rows that came to an end other than being cancelled, newest first; of one kind where it is given."""
        if kind is None:
            return self._all(_ENDED_ROWS, {**given(member), "at_most": limit})
        return self._all(_ENDED_OF_KIND, {**given(member), "at_most": limit, "of_kind": kind})

    def upcoming(self, member: Member) -> Nudge | None:
        """The next open row of a person."""
        return next(iter(self._all(_UPCOMING, given(member))), None)

    def next_due(self) -> datetime | None:
        """When the next row that nobody has claimed is due."""
        statement = select(func.min(nudges.c.due_at, type_=Instant())).where(nudges.c.state == "due")
        with self._database.reading() as connection:
            return connection.execute(statement).scalar()

    def backlog(self, *, now: datetime) -> Backlog:
        """What is due by now and neither sent nor ended."""
        counted = select(func.count(), func.min(nudges.c.due_at, type_=Instant()))
        with self._database.reading() as connection:
            waiting, oldest = connection.execute(counted.where(_OPEN, nudges.c.due_at <= now)).one()
        return Backlog(waiting, oldest)

    # --- the rate ---

    def take_slot(
        self, team_id: str, *, now: datetime, per_second: float, within: timedelta | None = None
    ) -> datetime | None:
        """Reserve the workspace's next send slot, shared by all replicas; the instant at which to send.

        A reservation further ahead than any backlog reaches means that the clock was set back; it starts anew. None,
        and nothing reserved, where the slot would be later than `within` from now.
        """
        step = round(_SECOND / per_second)
        reach = now + within if within is not None else datetime.max.replace(tzinfo=UTC)
        asked = {
            "team_id": team_id,
            "next_at": now + timedelta(microseconds=step),
            "this_instant": micros(now),
            "farthest": micros(now) + max(_FARTHEST, 100 * step),
            "one_step": step,
            "reach": micros(reach),
        }
        with self._database.writing() as connection:
            reserved = connection.execute(_reserve(connection.dialect.name), asked)
            until: datetime | None = reserved.scalar_one_or_none()
        return None if until is None else until - timedelta(microseconds=step)

    def hold(self, team_id: str, *, until: datetime) -> None:
        """Give no slot of this workspace before that instant, as Slack asked; a quarter of an hour ahead at most."""
        later = {
            column.name: case((column > until, column), else_=literal(until, Instant))
            for column in (send_slots.c.next_at, send_slots.c.held_until)
        }
        with self._database.writing() as connection:
            connection.execute(
                insert_into(connection, send_slots)
                .values(team_id=team_id, next_at=until, held_until=until)
                .on_conflict_do_update(index_elements=["team_id"], set_=later)
            )

    def held_until(self, team_id: str) -> datetime | None:
        """The end of the latest hold of a workspace, over or not; None where there never was one."""
        with self._database.reading() as connection:
            return connection.execute(_HELD_UNTIL, {"of_team": team_id}).scalar()

    # --- shared ---

    def _change(self, condition: ColumnElement[bool], **values: Any) -> bool:
        with self._database.writing() as connection:
            return connection.execute(update(nudges).where(condition).values(**values)).rowcount == 1

    def _change_held(self, nudge: Nudge, *, also: str = "claimed", **values: Any) -> bool:
        """Change a row while the lease is the claim's: owner and attempt name it, and nobody took or ended it since."""
        claim = {"held_id": nudge.id, "held_owner": nudge.owner, "held_attempt": nudge.attempt}
        changes = {f"new_{name}": value for name, value in values.items()}
        with self._database.writing() as connection:
            return connection.execute(_held_update(tuple(values), also), {**claim, **changes}).rowcount == 1

    def _all(self, statement: Select[Any], asked: dict[str, Any]) -> list[Nudge]:
        with self._database.reading() as connection:
            return [_nudge(row) for row in connection.execute(statement, asked)]

    def _first(self, *conditions: ColumnElement[bool]) -> Nudge | None:
        statement = select(nudges).where(*conditions).order_by(nudges.c.due_at, nudges.c.id).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(statement).first()
        return None if row is None else _nudge(row)


def _is_free(table: FromClause, now: datetime) -> ColumnElement[bool]:
    return or_(
        and_(table.c.state == "due", table.c.due_at <= now),
        and_(table.c.state == "claimed", table.c.lease_until <= now),
    )


def _member_is_busy(now: datetime) -> ColumnElement[bool]:
    """Another row of the member is being sent, was sent a moment ago, or comes first."""
    other, this = _another.c, nudges.c
    working = and_(other.state == "claimed", other.owner.is_not(None), other.lease_until > now)
    resting = and_(other.state == "sent", other.lease_until > now)
    comes_first = and_(_is_free(_another, now), tuple_(other.due_at, other.id) < tuple_(this.due_at, this.id))
    theirs = and_(other.team_id == this.team_id, other.user_id == this.user_id, other.id != this.id)
    return exists().where(theirs, or_(working, resting, comes_first))


# --- statements that every delivery needs, built once ---

_NEWEST = (nudges.c.due_at.desc(), nudges.c.id.desc())
_AT_MOST = bindparam("at_most", type_=Integer)
_SUBSCRIPTION = select(subscriptions).where(theirs(subscriptions))
_SENT = select(nudges).where(theirs(nudges), nudges.c.state == "sent").order_by(*_NEWEST).limit(_AT_MOST)
_ENDED_ROWS = select(nudges).where(theirs(nudges), _ENDED).order_by(*_NEWEST).limit(_AT_MOST)
_ENDED_OF_KIND = _ENDED_ROWS.where(nudges.c.kind == bindparam("of_kind"))
_UPCOMING = select(nudges).where(theirs(nudges), _OPEN).order_by(nudges.c.due_at, nudges.c.id).limit(1)
_HELD_UNTIL = select(send_slots.c.held_until).where(send_slots.c.team_id == bindparam("of_team"))


@cache
def _held_update(names: tuple[str, ...], also: str) -> Update:
    held = and_(
        nudges.c.id == bindparam("held_id"),
        nudges.c.owner == bindparam("held_owner"),
        nudges.c.attempt == bindparam("held_attempt"),
        nudges.c.state.in_(["claimed", also]),
    )
    return update(nudges).where(held).values({name: bindparam(f"new_{name}") for name in names})


@cache
def _insert_nudge(dialect: str) -> Any:
    return _insert(dialect, nudges).on_conflict_do_nothing().returning(nudges.c.id)


@cache
def _reserve(dialect: str) -> Any:
    number, one_step = type_coerce(send_slots.c.next_at, BigInteger), bindparam("one_step", type_=BigInteger)
    this_instant = bindparam("this_instant", type_=BigInteger)
    ahead = number.between(this_instant, bindparam("farthest", type_=BigInteger))
    free = case((ahead, number), else_=this_instant)
    return (
        _insert(dialect, send_slots)
        .values(team_id=bindparam("team_id"), next_at=bindparam("next_at"))
        .on_conflict_do_update(
            index_elements=["team_id"],
            set_={"next_at": free + one_step},
            where=free <= bindparam("reach", type_=BigInteger),
        )
        .returning(send_slots.c.next_at)
    )


def _insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def _choices(subscription: Subscription) -> dict[str, Any]:
    return {
        "channel": subscription.channel,
        "zone": subscription.zone,
        "weekday": subscription.weekday,
        "minute": subscription.minute,
        "state": subscription.state,
        "every_weeks": subscription.every_weeks,
        "paused_until": subscription.paused_until,
        "zone_is_own": subscription.zone_is_own,
        "topic": subscription.topic,
        "units": list(subscription.units),
        "created_at": subscription.created_at,
        "kind": subscription.kind,
        "tone": subscription.tone,
        "check_weeks": subscription.check_weeks,
        "check_from": subscription.check_from,
    }


def _subscription(row: Row[Any]) -> Subscription:
    chosen = row._asdict()
    member = Member(chosen.pop("team_id"), chosen.pop("user_id"))
    # A row that an older version wrote has neither kind nor tone.
    given = {"units": tuple(chosen["units"]), "kind": chosen["kind"] or "person", "tone": chosen["tone"] or "gentle"}
    return Subscription(member=member, **{**chosen, **given})


def _columns(nudge: Nudge) -> dict[str, Any]:
    return {
        "id": nudge.id,
        "period": nudge.period,
        "due_at": nudge.due_at,
        "local_time": nudge.local_time,
        "zone": nudge.zone,
        "state": nudge.state,
        "kind": nudge.kind,
        "prompt_id": nudge.prompt_id,
        "unit": nudge.unit,
        "owner": nudge.owner,
        "lease_until": nudge.lease_until,
        "attempt": nudge.attempt,
        "ts": nudge.ts,
        "reason": nudge.reason,
        "sending": nudge.sending,
    }


def _nudge(row: Row[Any]) -> Nudge:
    columns = row._asdict()
    member = Member(columns.pop("team_id"), columns.pop("user_id"))
    return Nudge(member=member, **{**columns, "sending": bool(columns["sending"])})
