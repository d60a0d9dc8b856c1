"""Rows for tests, with every field filled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.core.drafts import Usage
from bot.core.records import (
    Check,
    Exchange,
    Focus,
    InboxItem,
    Installation,
    Member,
    Nudge,
    Profile,
    ProfileRun,
    Reflection,
    Remembered,
    Subscription,
)
from bot.ports import Repositories

NOW = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = timedelta(minutes=5)
ANA = Member("T0SANDBOX", "U0ANA")
BEN = Member("T0SANDBOX", "U0BEN")
CHI_ELSEWHERE = Member("T0OTHER", "U0ANA")  # another workspace may use the same id for somebody else

# What people write: other scripts, marks that look like ours, and what databases dislike.
ODD_TEXTS = (
    "",
    "plain",
    "日本語 🎈 naïve",
    "enc:v1:not really",
    "raw:v1:bm8=",
    "nul \0 inside",
    "half \ud83d of it",
    "'; --\n%s",
)


def item(key: str = "Ev1", **changes: Any) -> InboxItem:
    return replace(InboxItem(key, "message", ANA, {"text": "How do I start?", "n": [1, None]}, NOW), **changes)


def said(text: str = "Who joins the team?", **changes: Any) -> Remembered:
    return replace(Remembered("D0ANA", ANA, "user", text, NOW), **changes)


def exchange(exchange_id: str = "x1", **changes: Any) -> Exchange:
    result = {"outcome": "match", "ranking": [["C4", 0.8]], "why": ["staff resist"]}
    return replace(Exchange(exchange_id, ANA, "triage", "The staff resist.", result, NOW), **changes)


def check(check_id: str = "c1", **changes: Any) -> Check:
    row = Check(check_id, ANA, "C4", (3, None, 5), "foundational", "I asked the night shift.", "v1", NOW)
    return replace(row, **changes)


def subscription(**changes: Any) -> Subscription:
    row = Subscription(
        member=ANA,
        channel="D0ANA",
        zone="America/Toronto",
        weekday=1,
        minute=570,
        state="active",
        every_weeks=2,
        paused_until=date(2026, 12, 24),
        zone_is_own=True,
        topic="chosen",
        units=("C4", "FB"),
        created_at=NOW,
        kind="person",
        tone="direct",
        check_weeks=8,
        check_from=date(2026, 11, 20),
    )
    return replace(row, **changes)


def nudge(nudge_id: str = "n1", **changes: Any) -> Nudge:
    row = Nudge(nudge_id, ANA, "2026-W48", NOW, "2026-11-24T09:30", "America/Toronto", "due", unit="C4")
    return replace(row, **changes)


def reflection(reflection_id: str = "r1", **changes: Any) -> Reflection:
    row = Reflection(
        id=reflection_id,
        member=ANA,
        unit="C4",
        prompt="What got in the way?",
        text="The night shift was never asked.",
        commitment="Ask the night shift.",
        commitment_due=date(2026, 11, 30),
        created_at=NOW,
        nudge_id="n1",
        commitment_state="open",
    )
    return replace(row, **changes)


def profile(**changes: Any) -> Profile:
    extra = {"role": "coach on ward 7", "asked": [1, 2]}
    row = Profile(ANA, "America/Toronto", "doing", "C4", "hash", extra, ("C4", "FB"))
    return replace(row, **changes)


def run(run_id: str = "p1", **changes: Any) -> ProfileRun:
    return replace(ProfileRun(run_id, ANA, ("C1", "C4", "FB"), NOW), **changes)


def focus(focus_id: str = "f1", **changes: Any) -> Focus:
    return replace(Focus(focus_id, ANA, "C4", "Ask the night shift.", date(2026, 12, 21), NOW), **changes)


def installation(**changes: Any) -> Installation:
    row = Installation(
        team_id=ANA.team_id,
        team_name="Northside Health",
        bot_token="xoxb-a-token",
        bot_id="B0COACH",
        bot_user_id="U0COACH",
        scopes=("chat:write", "commands"),
        installed_by="U0ANA",
        installed_at=NOW,
        app_id="A0COACH",
    )
    return replace(row, **changes)


def fill(repositories: Repositories, member: Member, text: str = "plain") -> None:
    """One row in every table that belongs to people, with the text in every field that is free."""
    name = f"{member.team_id}-{member.user_id}"
    repositories.inbox.record(item(f"Ev-{name}", member=member, payload={"text": text}))
    repositories.conversations.remember(said(text, member=member))
    repositories.exchanges.save(exchange(member=member, asked=text, result={"answer": text}))
    repositories.checks.add(check(member=member, example=text))
    repositories.nudges.subscribe(subscription(member=member))
    repositories.nudges.plan(nudge(f"n-{name}", member=member))
    repositories.nudges.take_slot(member.team_id, now=NOW, per_second=5)
    repositories.journal.add(reflection(member=member, prompt=text, text=text, commitment=text))
    repositories.profiles.put(profile(member=member, extra={"note": text}))
    repositories.runs.put(run(member=member))
    repositories.focuses.begin(focus(member=member, action=text))
    repositories.usage.spend(member, date(2026, 11, 23), Usage(900, 120))
