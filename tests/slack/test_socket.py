"""S7: a socket that is closed, dropped, refused or silent is back within ten seconds, and nothing is answered twice."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

from bot.core.errors import SettingsError
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from bot.slack.bolt import SlackApp, build_slack
from bot.slack.manifest import manifest

WITHIN = 10.0


def _fresh(sandbox: Sandbox, old: set[int]) -> bool:
    return any(id(c) not in old for c in sandbox.hub.connections)


# slack_sdk leaves the sockets of refused handshakes to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.fault("S7")
@pytest.mark.parametrize("kind", ["disconnect", "warning", "drop", "silent", "refuse"])
def test_s7_a_disturbed_socket_is_back_within_ten_seconds(sandbox: Sandbox, bot: SlackApp, kind: str, figure) -> None:
    old = {id(c) for c in list(sandbox.hub.connections)}
    held = list(sandbox.hub.connections)  # keeps the ids from being used again
    begun = time.monotonic()
    sandbox.disturb_sockets(kind, 2 if kind == "refuse" else 1)
    if kind == "refuse":
        sandbox.disturb_sockets("drop")
    sandbox.wait_for(lambda: _fresh(sandbox, old), timeout=30, what="a new connection")
    took = time.monotonic() - begun
    sandbox.say("U0ANA", "D0ANA", "What is readiness?")
    sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.wait_idle()
    assert len([m for m in sandbox.messages("D0ANA") if "comes first" in m["text"]]) == 1
    figure(f"{kind}: back after {took:.1f} s, answered once")
    assert took <= WITHIN
    assert held
    gc.collect()


@pytest.mark.fault("S7")
def test_s7_an_event_that_was_never_acknowledged_is_answered_once_after_the_reconnect(
    sandbox: Sandbox, bot: SlackApp
) -> None:
    sandbox.disturb_sockets("silent")
    sandbox.say("U0ANA", "D0ANA", "What is readiness?")
    sandbox.wait_for_message("D0ANA", "comes first", timeout=20)
    sandbox.wait_idle()
    assert len([m for m in sandbox.messages("D0ANA") if "comes first" in m["text"]]) == 1


def test_a_refused_bot_token_stops_the_start_with_its_name(
    settings: Settings, coach, repositories, sandbox: Sandbox, wording
) -> None:
    wrong = settings.model_copy(update={"slack_bot_token": type(settings.slack_bot_token)("xoxb-wrong")})
    app = build_slack(wrong, coach=coach, repositories=repositories, clock=sandbox.clock, wording=wording)
    with pytest.raises(SettingsError, match="SLACK_BOT_TOKEN"):
        app.start()
    app.stop()


def test_a_refused_app_token_stops_the_start_with_its_name(
    settings: Settings, coach, repositories, sandbox: Sandbox, wording
) -> None:
    wrong = settings.model_copy(update={"slack_app_token": type(settings.slack_app_token)("xapp-wrong")})
    app = build_slack(wrong, coach=coach, repositories=repositories, clock=sandbox.clock, wording=wording)
    with pytest.raises(SettingsError, match="SLACK_APP_TOKEN"):
        app.start()
    app.stop()


def test_a_start_while_slack_is_away_waits_and_then_works(sandbox: Sandbox, build: Callable[[], SlackApp]) -> None:
    sandbox.faults.add("auth.test", "503")
    sandbox.faults.add("apps.connections.open", "503")
    build().start()
    sandbox.wait_connected()


def test_the_prefix_names_the_commands_that_are_heard(
    sandbox: Sandbox, settings: Settings, coach, repositories, wording
) -> None:
    prefixed = settings.model_copy(update={"command_prefix": "my-"})
    sandbox.install(manifest(prefixed))
    app = build_slack(prefixed, coach=coach, repositories=repositories, clock=sandbox.clock, wording=wording)
    app.start()
    try:
        sandbox.command("U0ANA", "C0GENERAL", "/my-coach", "help")
        sandbox.wait_for_message("C0GENERAL", "/my-coach ask", user="U0ANA")
    finally:
        app.stop()
