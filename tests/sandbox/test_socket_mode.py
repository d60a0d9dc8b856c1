from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from slack_sdk import WebClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from bot.sandbox import Sandbox
from bot.sandbox.seed import default_manifest
from tests.sandbox.rawbot import SILENCE, RawBot

Opened = Callable[..., RawBot]


def test_hello_tells_the_life_of_the_connection(raw_bot: Opened) -> None:
    raw_bot()
    hello = raw_bot().frames[0]
    assert (hello["type"], hello["num_connections"]) == ("hello", 2)
    assert hello["debug_info"]["approximate_connection_time"] > 3_600
    assert hello["connection_info"]["app_id"] == "A0COACH"


def test_a_ticket_opens_one_socket(sandbox: Sandbox, client: WebClient) -> None:
    url = client.apps_connections_open(app_token=sandbox.app_token)["url"]
    with connect(url, proxy=None), pytest.raises(InvalidStatus):
        connect(url, proxy=None)


def test_connections_open_needs_the_app_token(client: WebClient, sandbox: Sandbox) -> None:
    answer = client.api_call("api.test")
    assert answer["ok"]
    wrong = sandbox.api.answer("apps.connections.open", {}, sandbox.bot_token)
    assert wrong["error"] == "not_allowed_token_type"


def test_a_direct_message_has_slacks_shape(sandbox: Sandbox, raw_bot: Opened) -> None:
    bot = raw_bot()
    ts = sandbox.say("U0ANA", "D0ANA", "Is 3 < 4 & <!here> at https://x.example/a?b=1&c=2.")
    envelope = bot.wait(1, "events_api")[0]
    event = envelope["payload"]["event"]
    assert envelope["accepts_response_payload"] is False
    assert (envelope["retry_attempt"], envelope["payload"]["type"]) == (0, "event_callback")
    assert envelope["payload"]["authorizations"][0]["user_id"] == "U0COACH"
    assert (event["type"], event["channel_type"], event["user"], event["ts"]) == ("message", "im", "U0ANA", ts)
    assert event["text"] == "Is 3 &lt; 4 &amp; &lt;!here&gt; at <https://x.example/a?b=1&amp;c=2>."
    assert event["blocks"][0]["elements"][0]["elements"][0]["text"] == "Is 3 < 4 & <!here> at "


def test_the_bots_own_posts_come_back_with_its_bot_id(client: WebClient, raw_bot: Opened) -> None:
    bot = raw_bot()
    ts = client.chat_postMessage(channel="D0ANA", text="hello")["ts"]
    client.chat_update(channel="D0ANA", ts=ts, text="hello again")
    client.chat_delete(channel="D0ANA", ts=ts)
    bot.wait(3, "events_api")
    posted, changed, deleted = sorted(bot.events("message") or [], key=lambda event: event["event_ts"])
    assert (posted["bot_id"], posted["user"]) == ("B0COACH", "U0COACH")
    assert (changed["subtype"], changed["message"]["text"], changed["previous_message"]["text"]) == (
        "message_changed",
        "hello again",
        "hello",
    )
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)


def test_a_mention_is_heard_only_where_the_bot_is(sandbox: Sandbox, raw_bot: Opened) -> None:
    bot = raw_bot()
    sandbox.mention("U0ANA", "C0QUIET", "are you there?")
    root = sandbox.mention("U0ANA", "C0ROLLOUT", "which one?")
    sandbox.mention("U0BEN", "C0ROLLOUT", "and now?", thread_ts=root)
    sandbox.say("U0BEN", "C0ROLLOUT", "no mention here")
    bot.wait(2, "events_api")
    sandbox.wait_idle()
    first, second = bot.events()
    assert (first["type"], first["text"], "thread_ts" in first) == ("app_mention", "<@U0COACH> which one?", False)
    assert (second["thread_ts"], second["parent_user_id"]) == (root, "U0ANA")


def test_a_mention_in_the_dm_is_a_message_and_nothing_else(sandbox: Sandbox, raw_bot: Opened) -> None:
    bot = raw_bot()
    sandbox.mention("U0ANA", "D0ANA", "hello")
    bot.wait(1, "events_api")
    sandbox.wait_idle()
    assert [event["type"] for event in bot.events()] == ["message"]


def test_what_is_not_subscribed_is_not_delivered(sandbox: Sandbox, raw_bot: Opened) -> None:
    manifest = default_manifest()
    manifest["settings"]["event_subscriptions"]["bot_events"] = ["app_mention"]
    sandbox.install(manifest)
    bot = raw_bot()
    sandbox.say("U0ANA", "D0ANA", "hello")
    sandbox.mention("U0ANA", "C0GENERAL", "hello")
    bot.wait(1, "events_api")
    sandbox.wait_idle()
    assert [event["type"] for event in bot.events()] == ["app_mention"]


def test_an_event_without_acknowledgement_is_tried_three_times_more(sandbox: Sandbox, raw_bot: Opened) -> None:
    sandbox.hub.ack_timeout = 0.1
    bot = raw_bot(lambda _: SILENCE)
    sandbox.say("U0ANA", "D0ANA", "hello")
    tries = bot.wait(4, "events_api")
    sandbox.wait_for(lambda: sandbox.hub.given_up)
    assert [frame["retry_attempt"] for frame in tries] == [0, 1, 2, 3]
    assert {frame["retry_reason"] for frame in tries[1:]} == {"timeout"}
    assert len({frame["payload"]["event_id"] for frame in tries}) == 1
    assert len({frame["envelope_id"] for frame in tries}) == 4


def test_events_wait_for_the_first_connection(sandbox: Sandbox, raw_bot: Opened) -> None:
    sandbox.say("U0ANA", "D0ANA", "anybody there?")
    sandbox.say("U0ANA", "D0ANA", "hello?")
    bot = raw_bot()
    bot.wait(2, "events_api")
    assert {event["text"] for event in bot.events()} == {"anybody there?", "hello?"}


def test_an_event_lost_with_its_connection_comes_again_on_the_next(sandbox: Sandbox, raw_bot: Opened) -> None:
    first = raw_bot(lambda _: SILENCE)
    sandbox.say("U0ANA", "D0ANA", "hello")
    first.wait(1, "events_api")
    sandbox.disturb_sockets("drop")
    second = raw_bot()
    again = second.wait(1, "events_api")[0]
    assert again["payload"]["event_id"] == first.envelopes("events_api")[0]["payload"]["event_id"]
    assert again["retry_attempt"] == 1


def test_connections_share_the_envelopes(sandbox: Sandbox, raw_bot: Opened) -> None:
    bots = [raw_bot(), raw_bot()]
    for number in range(6):
        sandbox.say("U0ANA", "D0ANA", f"message {number}")
    sandbox.wait_for(lambda: sum(len(bot.events()) for bot in bots) == 6)
    assert all(bot.events() for bot in bots)


def test_the_eleventh_connection_is_one_too_many(sandbox: Sandbox, raw_bot: Opened, client: WebClient) -> None:
    for _ in range(10):
        raw_bot()
    url = client.apps_connections_open(app_token=sandbox.app_token)["url"]
    with connect(url, proxy=None) as extra:
        assert "too_many_websockets" in str(extra.recv(timeout=5))


def test_a_commands_acknowledgement_is_shown_to_the_asker(sandbox: Sandbox, raw_bot: Opened) -> None:
    bot = raw_bot(lambda _: {"text": "Only you see this"})
    sandbox.command("U0ANA", "C0ROLLOUT", "/coach", "which  <tag> & @ben")
    sent = bot.wait(1, "slash_commands")[0]
    assert sent["accepts_response_payload"] is True
    assert (sent["payload"]["command"], sent["payload"]["channel_id"]) == ("/coach", "C0ROLLOUT")
    assert sent["payload"]["text"] == "which  &lt;tag&gt; &amp; @ben"
    shown = [m for m in sandbox.messages("C0ROLLOUT", "U0ANA") if m.get("ephemeral")]
    assert [m["text"] for m in shown] == ["Only you see this"]


def test_an_in_channel_acknowledgement_shows_the_command_too(sandbox: Sandbox, raw_bot: Opened) -> None:
    raw_bot(lambda _: {"response_type": "in_channel", "text": "For all"})
    sandbox.command("U0ANA", "C0ROLLOUT", "/coach", "help")
    assert [m["text"] for m in sandbox.messages("C0ROLLOUT", "U0BEN")][-2:] == ["/coach help", "For all"]


def test_escaped_commands_carry_ids(sandbox: Sandbox, raw_bot: Opened) -> None:
    manifest = default_manifest()
    manifest["features"]["slash_commands"][0]["should_escape"] = True
    sandbox.install(manifest)
    bot = raw_bot()
    sandbox.command("U0ANA", "C0ROLLOUT", "/coach", "ask <@U0BEN> in <#C0GENERAL>")
    assert bot.wait(1, "slash_commands")[0]["payload"]["text"] == "ask <@U0BEN|ben> in <#C0GENERAL|general>"
    sandbox.command("U0ANA", "C0ROLLOUT", "/selfcheck", "<@U0BEN>")
    assert bot.wait(2, "slash_commands")[1]["payload"]["text"] == "@ben"


def test_pings_are_answered_until_the_socket_falls_silent(sandbox: Sandbox, client: WebClient) -> None:
    url = client.apps_connections_open(app_token=sandbox.app_token)["url"]
    with connect(url, proxy=None, ping_interval=None, close_timeout=0.2) as socket:
        socket.recv(timeout=5)
        assert socket.ping().wait(5)
        sandbox.disturb_sockets("silent")
        assert not socket.ping().wait(0.5)
    sandbox.wait_for(lambda: not sandbox.hub.connections, what="the silent socket to be forgotten")


def test_a_refresh_stops_new_envelopes_on_that_connection(sandbox: Sandbox, raw_bot: Opened) -> None:
    old = raw_bot()
    sandbox.disturb_sockets("disconnect")
    sandbox.wait_for(lambda: old.envelopes("disconnect"))
    new = raw_bot()
    sandbox.say("U0ANA", "D0ANA", "hello")
    new.wait(1, "events_api")
    assert old.envelopes("disconnect")[0]["reason"] == "refresh_requested"
    assert old.envelopes("events_api") == []


def test_a_warned_connection_still_gets_envelopes(sandbox: Sandbox, raw_bot: Opened) -> None:
    bot = raw_bot()
    sandbox.disturb_sockets("warning")
    sandbox.say("U0ANA", "D0ANA", "hello")
    bot.wait(1, "events_api")
    assert bot.envelopes("disconnect")[0]["reason"] == "warning"


def test_refused_handshakes(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.disturb_sockets("refuse", times=1)
    with pytest.raises(InvalidStatus):
        connect(client.apps_connections_open(app_token=sandbox.app_token)["url"], proxy=None)
    with connect(client.apps_connections_open(app_token=sandbox.app_token)["url"], proxy=None) as socket:
        assert "hello" in str(socket.recv(timeout=5))


def test_many_sandboxes_live_beside_each_other() -> None:
    began = time.monotonic()
    with Sandbox() as one, Sandbox() as two:
        assert one.url != two.url
        one.say("U0ANA", "D0ANA", "here")
        assert two.messages("D0ANA") == []
    assert time.monotonic() - began < 10
