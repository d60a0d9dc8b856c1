"""Which week brings what: a reflection by one's rhythm, or a self-check that takes the week's slot. Pure.

A self-check is due so many weeks after the last one (done, or asked for), on the first of the person's own days from
then on. It takes that week's slot, in a week without one too, so there are never two nudges in a week. Where
reflections come more seldom than weekly and the nudge before was a self-check as well, the reflection goes first and
the self-check follows a week later: otherwise checks every four weeks would leave a monthly rhythm no reflection.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from bot.core import schedule

CHECK_WEEKS = (4, 8, 13)
CADENCES = (1, 2, 4)  # weeks from one reflection to the next


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a person, or a channel, wants what."""

    weekday: int  # 0 Monday to 6
    minute: int  # local, after midnight
    zone: str
    every_weeks: int = 1
    since: date | None = None  # from which week every second or fourth is counted
    not_before: date | None = None
    check_weeks: int | None = None
    checked: date | None = None  # the local day from which the weeks to the next self-check are counted
    before: Literal["reflection", "selfcheck", "team"] | None = None  # the kind of the latest nudge

    def check_due(self, day: date) -> bool:
        """True where a self-check is wanted by that local day."""
        return bool(self.check_weeks and self.checked) and day >= self.next_check

    @property
    def next_check(self) -> date:
        """The first day on which a self-check may come; far off where none is wanted."""
        if not self.check_weeks or not self.checked:
            return date.max
        return self.checked + timedelta(weeks=self.check_weeks)

    def has_reflection(self, day: date) -> bool:
        """True where the week of that day has a reflection by the rhythm."""
        return schedule.in_rhythm(day, self.every_weeks, self.since)


@dataclass(frozen=True, slots=True)
class Slot:
    """One week's nudge."""

    due: schedule.Due
    kind: Literal["reflection", "selfcheck"]


def slots(rhythm: Rhythm, after: datetime) -> Iterator[Slot]:
    """What comes after an instant, without end, each check as though it were only asked for. Raises UnknownZone."""
    weekly = schedule.due_dates(rhythm.weekday, rhythm.minute, rhythm.zone, after=after, not_before=rhythm.not_before)
    before = rhythm.before
    next_check = rhythm.next_check
    for due in weekly:
        day = due.local.date()
        reflects = rhythm.has_reflection(day)
        yields = reflects and rhythm.every_weeks > 1 and before == "selfcheck"
        if rhythm.check_weeks and day >= next_check and not yields:
            next_check = day + timedelta(weeks=rhythm.check_weeks)
            before = "selfcheck"
            yield Slot(due, "selfcheck")
        elif reflects:
            before = "reflection"
            yield Slot(due, "reflection")
