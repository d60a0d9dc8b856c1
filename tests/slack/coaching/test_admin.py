"""/coach admin: numbers without names, what admins choose for everybody, and a calm refusal for everybody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.records import Member, Workspace
from bot.ports import Repositories
from bot.sandbox.limits import check_view
from bot.sandbox.server import Sandbox
from bot.services.admin import FEW, shortened
from bot.settings import Settings
from bot.slack import admin_form, nudge_settings
from bot.slack.bolt import SlackApp
from bot.slack.payloads import Submission
from bot.slack.roles import Roles
from tests.storage.rows import ANA, BEN, check, exchange, fill, subscription

TEAM = "T0SANDBOX"
CANARY = "kestrel-over-ward-seven"
FORM: dict[str, Any] = {"where": "everywhere", "day": "3", "time": "14:15"}


@pytest.fixture(autouse=True)
def _running(bot: SlackApp) -> None:
    """All of it needs the bot, connected."""


def people(repositories: Repositories, sandbox: Sandbox, number: int, *, outcome: str = "answered") -> None:
    """So many people, each with an answered question, a self-check and their own words in both."""
    now = sandbox.clock.now()
    for n in range(number):
        who = Member(TEAM, f"U0N{outcome}{n}")
        repositories.exchanges.save(
            exchange(f"x{n}", member=who, kind="ask", asked=CANARY, result={"outcome": outcome}, created_at=now)
        )
        repositories.checks.add(check(f"c{n}", member=who, example=CANARY, created_at=now))


def open_form(sandbox: Sandbox, user: str = "U0ANA") -> None:
    sandbox.command(user, "C0GENERAL", "/coach", "admin")
    message = sandbox.wait_for_message("C0GENERAL", "This workspace", user=user)
    sandbox.click(user, message["ts"], "admin.settings")
    sandbox.wait_for_modal(user, "For this workspace")


def workspace(repositories: Repositories) -> Workspace:
    return repositories.workspaces.get(TEAM)


# --- who may ---


@pytest.mark.parametrize("role", ["is_admin", "is_owner", "is_primary_owner"])
def test_whom_slack_calls_admin_or_owner_sees_the_numbers(sandbox: Sandbox, role: str) -> None:
    sandbox.set_person("U0BEN", role)
    sandbox.command("U0BEN", "C0GENERAL", "/coach", "admin")
    sandbox.wait_for_message("C0GENERAL", "in the last 30 days", user="U0BEN")


@pytest.mark.parametrize("roles", [(), ("is_restricted",), ("is_admin", "deleted")])
def test_everybody_else_gets_a_calm_refusal_and_no_number(
    sandbox: Sandbox, repositories: Repositories, roles: tuple[str, ...]
) -> None:
    people(repositories, sandbox, 7)
    sandbox.set_person("U0BEN", *[role for role in roles if role != "deleted"])
    sandbox.wait_idle()
    sandbox.state.users["U0BEN"].roles = frozenset(roles)
    sandbox.command("U0BEN", "C0GENERAL", "/coach", "admin")
    text = sandbox.wait_for_message("C0GENERAL", "for the admins", user="U0BEN")["text"]
    assert "/coach privacy" in text
    assert "7" not in text


def test_an_admin_of_another_organization_administers_nothing_here(sandbox: Sandbox) -> None:
    sandbox.set_person("U0BEN", "is_admin", "is_owner", team="T0ELSEWHERE")
    sandbox.wait_idle()
    sandbox.command("U0BEN", "C0GENERAL", "/coach", "admin")
    sandbox.wait_for_message("C0GENERAL", "the organization that installed me", user="U0BEN")


def test_a_form_that_was_open_when_its_admin_ceased_to_be_one_changes_nothing(
    sandbox: Sandbox, repositories: Repositories, bot: SlackApp
) -> None:
    open_form(sandbox)
    sandbox.set_person("U0ANA")
    bot.messenger._roles._known.clear()  # a minute later
    sandbox.submit("U0ANA", {**FORM, "support": "Call me"})
    sandbox.wait_for_message("D0ANA", "for the admins", user="U0ANA")
    assert workspace(repositories) == Workspace(TEAM)


def test_a_role_is_asked_for_once_a_minute() -> None:
    asked: list[Member] = []
    now = [0.0]

    def ask(member: Member) -> dict[str, Any]:
        asked.append(member)
        return {"is_admin": len(asked) == 1}

    roles = Roles(ask, seconds=lambda: now[0])
    assert roles.of(ANA) == roles.of(ANA) == frozenset({"is_admin"})
    assert len(asked) == 1
    now[0] = 61.0
    assert roles.of(ANA) == frozenset()


@pytest.mark.parametrize(
    ("user", "foreign"),
    [
        ({"team_id": TEAM}, False),
        ({"team_id": "T0ELSEWHERE"}, True),
        ({"team_id": TEAM, "is_stranger": True}, True),
        ({"team_id": "T0OTHER", "enterprise_user": {"teams": ["T0OTHER", TEAM]}}, False),
        ({"team_id": "T0OTHER", "enterprise_user": {"teams": ["T0OTHER"]}}, True),
        ({}, False),
    ],
)
def test_who_is_of_another_organization_is_told_from_the_workspaces_of_one_enterprise(
    user: dict[str, Any], foreign: bool
) -> None:
    assert ("of elsewhere" in Roles(lambda _: user).of(ANA)) is foreign


def test_where_slack_cannot_be_asked_nobody_is_let_in_and_it_is_said_so(sandbox: Sandbox) -> None:
    sandbox.faults.add("users.info", "error:internal_error", times=50)
    sandbox.command("U0ANA", "C0GENERAL", "/coach", "admin")
    sandbox.wait_for_message("C0GENERAL", "couldn't ask Slack", user="U0ANA")


def test_a_setting_names_admins_and_with_many_workspaces_only_together_with_theirs() -> None:
    one = Settings(_env_file=None, admins="U0BEN, T1/U2")
    assert one.names_admin(TEAM, "U0BEN")
    assert one.names_admin("T1", "U2")
    assert not one.names_admin("T9", "U2")
    assert not one.names_admin(TEAM, "")
    many = Settings(_env_file=None, admins="U0BEN, T1/U2", slack_mode="http", SLACK_CLIENT_ID="1")
    assert not many.names_admin(TEAM, "U0BEN")
    assert many.names_admin("T1", "U2")


# --- the numbers ---


def test_the_numbers_name_nobody_show_no_word_and_leave_out_what_is_about_a_few(
    sandbox: Sandbox, repositories: Repositories, nudges: Any
) -> None:
    people(repositories, sandbox, 7)
    people(repositories, sandbox, FEW - 1, outcome="out_of_scope")
    people(repositories, sandbox, 5, outcome="care")  # fourteen people, and who asks
    elsewhere = Member("T0OTHER", "U0ANA")
    repositories.exchanges.save(exchange("x", member=elsewhere, kind="ask", created_at=sandbox.clock.now()))
    sandbox.command("U0ANA", "C0GENERAL", "/coach", "admin")
    message = sandbox.wait_for_message("C0GENERAL", "in the last 30 days", user="U0ANA")
    said = str(message)
    assert "People with anything kept: 15" in said
    assert "self-checks made: 14" in said
    assert "answered 7" in said
    assert "of another field a few" in said
    assert "Questions: 9" not in said  # the total would tell the few
    assert "care" not in message["text"]
    assert CANARY not in said
    assert "U0N" not in said


def test_a_channel_with_a_weekly_question_is_no_person(repositories: Repositories) -> None:
    repositories.nudges.subscribe(subscription(member=Member(TEAM, "C0ROLLOUT"), kind="team"))
    repositories.nudges.subscribe(subscription(member=BEN))
    tallies = repositories.tallies_of_team(TEAM, since=exchange().created_at)
    assert (tallies["people"].count, tallies["subscribers"].count) == (1, 1)


def test_a_mention_is_answered_in_the_dm_and_never_in_the_channel(sandbox: Sandbox) -> None:
    sandbox.mention("U0ANA", "C0GENERAL", "admin")
    sandbox.wait_for_message("D0ANA", "in the last 30 days", user="U0ANA")
    sandbox.mention("U0ANA", "C0GENERAL", "privacy")
    sandbox.wait_for_message("D0ANA", "What I keep", user="U0ANA")
    assert not [m for m in sandbox.messages("C0GENERAL", "U0BEN") if m["user"] == "U0COACH"]


# --- choosing ---


def test_what_is_chosen_holds_and_privacy_care_home_and_reminders_say_so(
    sandbox: Sandbox, repositories: Repositories, bot: SlackApp
) -> None:
    open_form(sandbox)
    sandbox.submit("U0ANA", {**FORM, "support": "Sister Agnes, room 4, 555-0199", "keep_questions": "30"})
    sandbox.wait_for_modal("U0ANA", "Delete what is older?")
    sandbox.submit("U0ANA", {})
    saved = sandbox.wait_for_message("D0ANA", "Saved", user="U0ANA")["text"]
    assert "Thursday at 14:15" in saved
    assert sandbox.modal("U0ANA") is None
    chosen = workspace(repositories)
    assert (chosen.support_line, chosen.keep_days, chosen.weekday, chosen.minute, chosen.channels) == (
        "Sister Agnes, room 4, 555-0199",
        {"questions": 30},
        3,
        14 * 60 + 15,
        None,
    )
    sandbox.command("U0BEN", "C0GENERAL", "/coach", "I don't want to live any more")
    sandbox.wait_for_message("C0GENERAL", "Sister Agnes, room 4", user="U0BEN")
    sandbox.command("U0BEN", "C0GENERAL", "/coach", "privacy")
    sandbox.wait_for_message("C0GENERAL", "30 days", user="U0BEN")
    sandbox.open_home("U0BEN")
    sandbox.wait_for_home("U0BEN", "for 30 days")
    usual = nudge_settings.proposed(TEAM, bot.deps)
    assert (usual.weekday, usual.minute) == (3, 14 * 60 + 15)
    sandbox.command("U0BEN", "C0GENERAL", "/reflect", "settings")
    view = sandbox.wait_for_modal("U0BEN", "Weekly prompts")
    assert "14:15" in str(view.content)


def test_what_is_past_the_shorter_time_goes_with_the_next_sweep_and_other_workspaces_keep_theirs(
    sandbox: Sandbox, repositories: Repositories, bot: SlackApp
) -> None:
    old = sandbox.clock.now() - timedelta(days=45)
    elsewhere = Member("T0OTHER", "U0BEN")
    for who in (BEN, elsewhere):
        repositories.exchanges.save(exchange("old", member=who, created_at=old, kind="ask"))
        repositories.exchanges.save(exchange("new", member=who, created_at=sandbox.clock.now(), kind="ask"))
    repositories.workspaces.change(TEAM, lambda w: replace(w, keep_days={"questions": 30}))
    bot.sweep()
    assert repositories.exchanges.get("old", BEN) is None
    assert repositories.exchanges.get("new", BEN) is not None
    assert repositories.exchanges.get("old", elsewhere) is not None


def test_nothing_is_deleted_sooner_without_a_second_word(sandbox: Sandbox, repositories: Repositories) -> None:
    open_form(sandbox)
    sandbox.submit("U0ANA", {**FORM, "keep_reflections": "30"})
    modal = sandbox.wait_for_modal("U0ANA", "reflections (30 days)")
    assert "can't be brought back" in str(modal.content)
    sandbox.close("U0ANA")
    sandbox.wait_for_modal("U0ANA", "For this workspace")  # the form waits below
    sandbox.wait_idle()
    assert workspace(repositories).keep_days == {}
    assert shortened({"questions": 30}, {"questions": 90}) == []
    assert shortened({"questions": 30}, {"questions": 7, "reflections": 365}) == ["questions", "reflections"]


def test_a_form_that_cannot_hold_says_what_is_wrong_with_it(
    sandbox: Sandbox, repositories: Repositories, bot: SlackApp
) -> None:
    open_form(sandbox)
    for wrong, field, words in (
        ({"support": "See https://evil.example/help"}, "support", "addresses"),
        ({"where": "chosen", "channels": []}, "channels", "at least one"),
        ({"time": "21:00"}, "time", "8:00"),
    ):
        answer = sandbox.submit("U0ANA", {**FORM, "support": "Agnes", **wrong})
        assert words in answer[field]
    odd = Submission(
        key="k",
        member=ANA,
        callback_id="admin.settings",
        view_id="V1",
        view_hash="",
        metadata="",
        values={**FORM, "keep_questions": "3650", "keep_reminders": "x", "channels": tuple(f"C{n}" for n in range(51))},
    )
    assert set(admin_form.problems(odd, bot.deps)) == {"keep_questions", "keep_reminders", "channels"}
    assert workspace(repositories) == Workspace(TEAM)


def test_where_only_some_channels_are_allowed_it_speaks_in_no_other(
    sandbox: Sandbox, repositories: Repositories
) -> None:
    sandbox.command("U0BEN", "C0ROLLOUT", "/reflect", "team Tuesday 9:30")
    sandbox.wait_for_message("C0ROLLOUT", "Tuesdays")
    open_form(sandbox)
    sandbox.submit("U0ANA", {**FORM, "where": "chosen", "channels": ["C0GENERAL"]})
    saved = sandbox.wait_for_message("D0ANA", "Saved", user="U0ANA")["text"]
    assert "no longer among those allowed: 1" in saved
    subscribed = repositories.nudges.subscription(Member(TEAM, "C0ROLLOUT"))
    assert subscribed is not None
    assert subscribed.state == "stopped"
    before = len(sandbox.messages("C0ROLLOUT"))
    sandbox.mention("U0BEN", "C0ROLLOUT", "How do barriers differ from problems?")
    sandbox.wait_for_message("D0BEN", "in some channels only", user="U0BEN")
    sandbox.command("U0BEN", "C0ROLLOUT", "/reflect", "team Tuesday 9:30")
    sandbox.wait_for_message("C0ROLLOUT", "speak in some channels only", user="U0BEN")
    sandbox.wait_idle()
    spoken = [m for m in sandbox.messages("C0ROLLOUT")[before:] if m["user"] == "U0COACH"]
    assert spoken == []
    sandbox.mention("U0BEN", "C0GENERAL", "How do barriers differ from problems?")
    sandbox.wait_for(
        lambda: [m for m in sandbox.messages("C0GENERAL") if m["user"] == "U0COACH" or m.get("reply_count")],
        what="an answer where it is allowed",
    )


def test_shared_answers_go_to_allowed_channels_only(sandbox: Sandbox, repositories: Repositories) -> None:
    repositories.workspaces.change(TEAM, lambda w: replace(w, channels=()))
    sandbox.say("U0BEN", "D0BEN", "How do barriers differ from problems?")
    message = sandbox.wait_for_message("D0BEN", "comes first", user="U0BEN")
    sandbox.click("U0BEN", message["ts"], "share.open")
    sandbox.wait_for_modal("U0BEN", "Share this answer")
    sandbox.submit("U0BEN", {"channel": "C0GENERAL"})
    sandbox.wait_for_message("D0BEN", "some channels only", user="U0BEN")
    assert not [m for m in sandbox.messages("C0GENERAL") if m["user"] == "U0COACH"]


def test_the_form_keeps_slacks_limits_at_its_fullest(bot: SlackApp) -> None:
    channels = tuple(f"C0{n:09}" for n in range(admin_form.MOST_CHANNELS))
    full = Workspace(TEAM, "ä" * admin_form.SUPPORT_LIMIT, channels, {"questions": 30}, 6, 19 * 60 + 59)
    assert check_view(admin_form.form(full, bot.deps)) == []
    keep = {"questions": 7, "selfchecks": 30, "reflections": 730, "reminders": 365}
    choices = admin_form.Choices("ä" * admin_form.SUPPORT_LIMIT, channels, keep, 6, 19 * 60 + 59)
    view = admin_form.sure(choices, list(keep), bot.deps)
    assert check_view(view) == []
    assert admin_form.carried(view["private_metadata"]) == choices
    assert admin_form.carried("{}") is None


def test_the_numbers_are_of_this_workspace_in_every_store(repositories: Repositories) -> None:
    fill(repositories, ANA, CANARY)
    fill(repositories, Member("T0OTHER", "U0ANA"), CANARY)
    since = exchange().created_at - timedelta(days=1)
    assert [(c.user_id, c.kind) for c in repositories.exchanges.came_out(TEAM, since=since)] == [("U0ANA", "triage")]
    assert repositories.exchanges.came_out(TEAM, since=since + timedelta(days=9)) == []
    assert repositories.tallies_of_team(TEAM, since=since)["checks"].count == 1
