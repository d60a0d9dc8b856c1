"""Payloads in Slack's own shapes: Events API events, slash commands, interactions."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from bot.sandbox.records import APP, BOT_USER, TEAM, TEAM_DOMAIN, Channel, Json, Message, View
from bot.sandbox.wire import message_wire

if TYPE_CHECKING:
    from bot.sandbox.state import State

TOKEN = "sandbox-verification-token"  # noqa: S105 - deprecated field of Slack's payloads, secret to nobody


def event_callback(event: Json, event_id: str) -> Json:
    """The outer event around an inner one."""
    return {
        "token": TOKEN,
        "team_id": TEAM,
        "context_team_id": TEAM,
        "context_enterprise_id": None,
        "api_app_id": APP,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(float(event.get("event_ts", time.time()))),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{event_id}",
    }


# --- inner events ---


def _channel_type(channel: Channel) -> str:
    return "im" if channel.is_im else "channel"


def message_event(state: State, channel: Channel, message: Message) -> Json:
    """A new message. The bot's own comes too, with its bot_id, as in Slack."""
    event = message_wire(state, message)
    event |= {"channel": channel.id, "channel_type": _channel_type(channel), "event_ts": message.ts}
    if not message.from_bot:
        event["client_msg_id"] = str(uuid.uuid4())
    return event


def message_changed(state: State, channel: Channel, message: Message, before: Json) -> Json:
    """A message was edited."""
    ts = state.new_ts()
    return {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "message": message_wire(state, message),
        "previous_message": before,
        "channel": channel.id,
        "channel_type": _channel_type(channel),
        "ts": ts,
        "event_ts": ts,
    }


def message_deleted(state: State, channel: Channel, message: Message, before: Json) -> Json:
    """A message was deleted."""
    ts = state.new_ts()
    return {
        "type": "message",
        "subtype": "message_deleted",
        "hidden": True,
        "deleted_ts": message.ts,
        "previous_message": before,
        "channel": channel.id,
        "channel_type": _channel_type(channel),
        "ts": ts,
        "event_ts": ts,
    }


def app_home_opened(state: State, user: str, tab: str) -> Json:
    """A person opened the app: `tab` is home or messages."""
    channel = state.dm_of(user)
    event: Json = {
        "type": "app_home_opened",
        "user": user,
        "channel": channel.id if channel else "",
        "tab": tab,
        "event_ts": state.new_ts(),
    }
    home = state.homes.get(user)
    if tab == "home" and home is not None:
        event["view"] = home.wire()
    return event


# --- commands and interactions ---


def _common(state: State, user: str) -> Json:
    name = state.users[user].name
    return {
        "token": TOKEN,
        "team": {"id": TEAM, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "user": {"id": user, "username": name, "name": name, "team_id": state.users[user].team},
        "api_app_id": APP,
    }


def slash_command(state: State, user: str, channel: Channel, command: str, text: str) -> Json:
    """A slash command."""
    return {
        "token": TOKEN,
        "team_id": TEAM,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": user,
        "user_name": state.users[user].name,
        "command": command,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": response_url(state, user, channel.id),
        "trigger_id": state.new_trigger(user),
    }


def response_url(state: State, user: str, channel: str, message_ts: str | None = None) -> str:
    """A fresh response_url."""
    return f"{state.base_url}/respond/{state.new_response_url(user, channel, message_ts).id}"


def message_action(state: State, user: str, channel: Channel, message: Message, callback_id: str) -> Json:
    """A message shortcut."""
    return {
        **_common(state, user),
        "type": "message_action",
        "action_ts": state.new_ts(),
        "callback_id": callback_id,
        "trigger_id": state.new_trigger(user),
        "response_url": response_url(state, user, channel.id),
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": channel.name},
        "message": message_wire(state, message),
    }


def global_shortcut(state: State, user: str, callback_id: str) -> Json:
    """A global shortcut: no channel, no response_url."""
    return {
        **_common(state, user),
        "type": "shortcut",
        "action_ts": state.new_ts(),
        "callback_id": callback_id,
        "trigger_id": state.new_trigger(user),
    }


def message_block_actions(state: State, user: str, message: Message, action: Json, values: Json) -> Json:
    """A click in a message."""
    channel = state.channels[message.channel]
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.ephemeral_for is not None,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload = {
        **_common(state, user),
        "type": "block_actions",
        "container": container,
        "trigger_id": state.new_trigger(user),
        "channel": {"id": channel.id, "name": channel.name},
        "state": {"values": values},
        "response_url": response_url(state, user, channel.id, message.ts),
        "actions": [action],
    }
    if message.ephemeral_for is None:  # Slack does not repeat an ephemeral message
        payload["message"] = message_wire(state, message)
    return payload


def view_block_actions(state: State, user: str, view: View, action: Json) -> Json:
    """A click in a modal or the Home."""
    return {
        **_common(state, user),
        "type": "block_actions",
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": state.new_trigger(user, view.id),
        "view": view.wire(),
        "actions": [action],
    }


def view_submission(state: State, user: str, view: View) -> Json:
    """A modal was sent in."""
    return {
        **_common(state, user),
        "type": "view_submission",
        "trigger_id": state.new_trigger(user, view.id),
        "view": view.wire(),
        "response_urls": [],
    }


def view_closed(state: State, user: str, view: View, *, is_cleared: bool) -> Json:
    """A modal was dismissed."""
    return {**_common(state, user), "type": "view_closed", "view": view.wire(), "is_cleared": is_cleared}


def block_suggestion(state: State, user: str, view: View | None, message: Message | None, query: Json) -> Json:
    """A person typed into an external select; `query` has block_id, action_id and value."""
    payload = {**_common(state, user), "type": "block_suggestion", **query}
    if view is not None:
        payload |= {"container": {"type": "view", "view_id": view.id}, "view": view.wire()}
    if message is not None:
        channel = state.channels[message.channel]
        payload |= {
            "container": {"type": "message", "message_ts": message.ts, "channel_id": channel.id, "is_ephemeral": False},
            "channel": {"id": channel.id, "name": channel.name},
            "message": message_wire(state, message),
        }
    return payload
