"""The rule for each kind of person, at every door: message, mention, command, shortcuts, Home, button, select, form."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from bot.core.records import Member
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from bot.slack.bolt import SlackApp
from tests.fakes.memory import MemoryRepositories
from tests.slack.conftest import payload
from tests.slack.scripted import ScriptedCoach
from tests.storage.rows import fill

DOORS = (
    "message_im",
    "message_im_thread",
    "app_mention",
    "app_mention_thread",
    "command",
    "message_shortcut",
    "global_shortcut",
    "home_opened",
    "messages_tab_opened",
    "button",
    "select",
    "view_submission",
    "view_closed",
)
Deliver = Callable[[dict[str, Any]], None]
STRANGER, GUEST = "the organization that installed me", "not opened me to guests"
# Doors behind which words reach the person also in a recording, whose response URLs lead nowhere.
TOLD = frozenset(DOORS) - {"messages_tab_opened", "select", "view_closed", "command", "message_shortcut"}
ANA = Member("T0SANDBOX", "U0ANA")
_numbers = itertools.count(1)


def through(door: str, change: Callable[[dict[str, Any]], None] = lambda _: None) -> dict[str, Any]:
    """A recorded payload of that door, not delivered before, changed in some way."""
    body = copy.deepcopy(payload(door))
    n = next(_numbers)
    for name in ("event_id", "trigger_id"):
        if name in body:
            body[name] = f"{body[name]}.{n}"
    if "view" in body:
        body["view"] |= {"id": f"V{n}", "hash": f"h{n}"}
    if "event" in body:
        body["event"]["user"] = ANA.user_id
    change(body)
    return body


def from_elsewhere(body: dict[str, Any]) -> None:
    """As Slack delivers it from somebody of another organization, where it tells."""
    if "event" in body:
        if body["event"]["type"] in {"message", "app_mention"}:
            body["event"] |= {"team": "T0ELSEWHERE", "user_team": "T0ELSEWHERE", "source_team": "T0ELSEWHERE"}
    elif "command" not in body:
        body["user"]["team_id"] = "T0ELSEWHERE"


def worked(coach: ScriptedCoach, repositories: MemoryRepositories) -> list[str]:
    """What was done for the person: questions asked, rows kept (the inbox aside, whose rows are empty once done)."""
    rows = {t: r for t, r in repositories.everything_of(ANA).items() if r and t != "inbox"}
    return [*(q.text for q in coach.asked), *rows]


def said(sandbox: Sandbox, since: int = 0) -> str:
    calls = [c for c in sandbox.calls[since:] if c.method in {"chat.postMessage", "response_url", "views.publish"}]
    return " ".join(str(call.args) for call in calls)


def shown(sandbox: Sandbox) -> list[str]:
    return [c.method for c in sandbox.calls if c.method in {"views.open", "views.push", "views.update"}]


@pytest.fixture
def deliver(bot: SlackApp, sandbox: Sandbox) -> Deliver:
    """Deliver a payload and wait until everything that came of it is over."""

    def work(body: dict[str, Any]) -> None:
        assert bot.dispatch(body).status == 200
        sandbox.wait_for(lambda: not bot.deps.repositories.inbox.unfinished(), what="the work")

    return work


def test_a_stranger_of_another_organization_is_told_so_and_nothing_is_worked_or_kept(
    deliver: Deliver, sandbox: Sandbox, coach: ScriptedCoach, repositories: MemoryRepositories
) -> None:
    sandbox.state.users["U0ANA"].team = "T0ELSEWHERE"
    for door in DOORS:
        before = len(sandbox.calls)
        deliver(through(door, from_elsewhere))
        assert worked(coach, repositories) == [], door
        assert (STRANGER in said(sandbox, before)) == (door in TOLD), door
    assert shown(sandbox) == []
    sandbox.command("U0ANA", "C0GENERAL", "/coach", "ask how do barriers differ?")
    sandbox.wait_for_message("C0GENERAL", STRANGER, user="U0ANA")
    assert coach.asked == []


@pytest.mark.parametrize("role", ["is_restricted", "is_ultra_restricted"])
def test_guests_are_served_like_members_unless_a_setting_says_otherwise(  # noqa: PLR0917 - pytest gives fixtures by name
    role: str,
    deliver: Deliver,
    sandbox: Sandbox,
    settings: Settings,
    coach: ScriptedCoach,
    repositories: MemoryRepositories,
) -> None:
    sandbox.state.users["U0ANA"].roles = frozenset({role})
    for door in DOORS:
        deliver(through(door))
    assert GUEST not in said(sandbox)
    assert len(coach.asked) >= 4
    served, opened = worked(coach, repositories), shown(sandbox)
    object.__setattr__(settings, "serve_guests", False)
    for door in DOORS:
        before = len(sandbox.calls)
        deliver(through(door))
        assert worked(coach, repositories) == served, door
        assert (GUEST in said(sandbox, before)) == (door in TOLD), door
    assert shown(sandbox) == opened


def test_where_slack_cannot_be_asked_a_closed_door_stays_closed(
    deliver: Deliver, sandbox: Sandbox, settings: Settings, coach: ScriptedCoach, repositories: MemoryRepositories
) -> None:
    object.__setattr__(settings, "serve_guests", False)
    sandbox.faults.add("users.info", "error:internal_error", times=500)
    for door in DOORS:
        deliver(through(door))
        assert worked(coach, repositories) == [], door


@pytest.mark.parametrize("user", ["USLACKBOT", "U0COACH"])
def test_nothing_comes_of_what_slackbot_or_the_bot_itself_would_send(
    user: str, sandbox: Sandbox, bot: SlackApp, coach: ScriptedCoach, repositories: MemoryRepositories
) -> None:
    def by_bot(body: dict[str, Any]) -> None:
        if "event" in body:
            body["event"]["user"] = user
        elif "command" in body:
            body["user_id"] = user
        else:
            body["user"]["id"] = user

    calls = len(sandbox.calls)
    for door in DOORS:
        assert bot.dispatch(through(door, by_bot)).status == 200
    sandbox.wait_idle()
    assert coach.asked == []
    assert len(sandbox.calls) == calls
    assert not any(repositories.everything_of(Member("T0SANDBOX", user)).values())


def test_nothing_comes_of_what_another_bot_writes(sandbox: Sandbox, bot: SlackApp, coach: ScriptedCoach) -> None:
    calls = len(sandbox.calls)
    marks = ({"bot_id": "B0OTHER"}, {"subtype": "bot_message"}, {"bot_profile": {"id": "B0OTHER"}})
    for door in ("message_im", "message_im_thread", "app_mention", "app_mention_thread"):
        for mark in marks:
            bot.dispatch(through(door, lambda body, mark=mark: body["event"].update(mark)))
    sandbox.wait_idle()
    assert (coach.asked, len(sandbox.calls)) == ([], calls)


def user_change(**changes: Any) -> dict[str, Any]:
    body = through("app_mention")
    body["event"] = {"type": "user_change", "event_ts": "1", "user": {"id": "U0ANA", "tz": "Europe/London", **changes}}
    return body


def test_what_still_comes_from_a_deactivated_person_is_not_worked_and_nothing_is_sent_to_them(
    deliver: Deliver, sandbox: Sandbox, coach: ScriptedCoach, repositories: MemoryRepositories
) -> None:
    fill(repositories, ANA)
    for left in repositories.inbox.unfinished():
        repositories.inbox.done(left.key, "answered")
    deliver(user_change(deleted=True))
    before, calls = worked(coach, repositories), len(sandbox.calls)
    for door in DOORS:
        deliver(through(door))
        assert worked(coach, repositories) == before, door
    assert len(sandbox.calls) == calls


def test_a_deactivated_person_of_whom_nothing_is_kept_leaves_no_row(
    deliver: Deliver, repositories: MemoryRepositories
) -> None:
    deliver(user_change(deleted=True))
    assert {t for t, r in repositories.everything_of(ANA).items() if r} <= {"inbox"}
