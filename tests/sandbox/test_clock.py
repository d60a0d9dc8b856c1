from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.ports import Clock
from bot.sandbox import SandboxClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_it_is_a_clock_of_the_ports() -> None:
    clock: Clock = SandboxClock(standing_at=NOON)
    assert clock.now() == NOON


def test_moves_add_up_and_reset_undoes_them() -> None:
    clock = SandboxClock(standing_at=NOON)
    clock.advance(timedelta(days=7))
    clock.advance(90)
    assert clock.now() == NOON + timedelta(days=7, seconds=90)
    assert clock.offset == timedelta(days=7, seconds=90)
    assert clock.reset() == NOON


def test_move_to_lands_on_the_instant_in_utc() -> None:
    clock = SandboxClock(standing_at=NOON)
    there = datetime.fromisoformat("2026-07-01T09:00:00+09:00")
    assert clock.move_to(there) == there
    assert clock.now().tzinfo is UTC


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        SandboxClock().move_to(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


def test_listeners_hear_of_each_move_until_they_leave() -> None:
    clock, heard = SandboxClock(standing_at=NOON), []
    leave = clock.on_change(lambda: heard.append(clock.now()))
    clock.advance(60)
    leave()
    clock.advance(60)
    assert heard == [NOON + timedelta(minutes=1)]


def test_it_runs_on_after_a_move() -> None:
    clock = SandboxClock()
    clock.advance(timedelta(days=1))
    first = clock.now()
    assert clock.now() >= first
    assert timedelta(hours=23) < first - datetime.now(UTC) < timedelta(hours=25)
