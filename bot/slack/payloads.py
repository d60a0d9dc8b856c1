"""The only file that reads an inbound payload: `parse(body, us)` gives a typed request, or `Ignored` with the reason.

Past this door there are no payload dicts. Every text is plain: Slack's escapes are undone, mentions and links have
become words.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.core.records import Member
from bot.slack.requests import (
    KINDS,
    Choice,
    Click,
    Closed,
    Command,
    Delivery,
    GlobalShortcut,
    HomeOpened,
    Identity,
    Ignored,
    Lifecycle,
    Mention,
    Message,
    MessageShortcut,
    ProfileChanged,
    Request,
    Stopped,
    Submission,
    Surface,
    Value,
    from_row,
    kind_of,
    to_row,
    well_formed,
)

__all__ = [
    "KINDS",
    "MALFORMED",
    "Choice",
    "Click",
    "Closed",
    "Command",
    "Delivery",
    "GlobalShortcut",
    "HomeOpened",
    "Identity",
    "Ignored",
    "Lifecycle",
    "Mention",
    "Message",
    "MessageShortcut",
    "ProfileChanged",
    "Request",
    "Stopped",
    "Submission",
    "Surface",
    "Value",
    "from_row",
    "kind_of",
    "parse",
    "plain",
    "to_row",
]

Payload = Mapping[str, Any]

# --- text ---------------------------------------------------------------------------------------------------------

_ENTITY = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_SPECIAL = {"here": "@here", "channel": "@channel", "everyone": "@everyone"}


def plain(text: str) -> str:
    """Slack's wire text as a person reads it: mentions, channels and links become words, escapes are undone."""
    return html.unescape(_ENTITY.sub(_entity_in_words, text)).replace("\u00a0", " ").strip()


def _entity_in_words(match: re.Match[str]) -> str:
    sigil, target, label = match.groups()
    if sigil == "@":
        return f"@{label}" if label else "someone"
    if sigil == "#":
        return f"#{label}" if label else "a channel"
    if sigil == "!":
        return _SPECIAL.get(target, label or "")
    return label or target.removeprefix("mailto:")


# --- parsing ------------------------------------------------------------------------------------------------------

# The message subtypes that a person's own words come with; every other subtype (edits, deletions, joins, copies of
# thread replies, topic changes, …) is somebody else's business.
_SPOKEN = frozenset({None, "", "file_share", "me_message"})
MALFORMED = "malformed"
_SYSTEM_USERS = frozenset({"USLACKBOT", "USLACK"})


def parse(body: Payload, us: Identity) -> Delivery | Ignored:
    """What a payload asks for; `Ignored` for all that isn't addressed to the bot, or can't be read."""
    try:
        request = _parse(body, us)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError):
        return Ignored(MALFORMED)
    if isinstance(request, Ignored):
        return request
    if not well_formed(request):
        return Ignored(MALFORMED)
    if not isinstance(request, Lifecycle) and request.member.user_id in {*_SYSTEM_USERS, us.bot_user_id}:
        return Ignored("not from a person")
    return request


def _parse(body: Payload, us: Identity) -> Delivery | Ignored:
    if "event" in body:
        request = _event(body, us)
        return request if isinstance(request, Ignored) else replace(request, home_team=_elsewhere(body))
    if "command" in body:
        return _command(body)
    kind = body["type"]
    reader = _INTERACTIVE.get(kind)
    if reader is None:
        return Ignored(f"type {kind}")
    request = reader(body)
    return request if isinstance(request, Ignored) else replace(request, home_team=_elsewhere(body))


def _elsewhere(body: Payload) -> str:
    """The person's own workspace where that is not the one in which the bot is installed (Slack Connect)."""
    event, user, team = body.get("event") or {}, body.get("user"), body.get("team")
    here = body.get("team_id") or (team.get("id") if isinstance(team, dict) else "")
    home = event.get("user_team") or event.get("source_team") or event.get("team")
    if isinstance(user, dict):
        home = home or user.get("team_id")
    return str(home) if home and here and home != here else ""


def _event(body: Payload, us: Identity) -> Delivery | Ignored:
    event, key = body["event"], f"event:{body['event_id']}"
    kind, team = event.get("type"), body["team_id"]
    if kind in {"app_uninstalled", "tokens_revoked", "user_change"}:
        return _lifecycle(event, key, team)
    if kind == "app_home_opened":
        return HomeOpened(
            key=key, member=Member(team, event["user"]), tab=event.get("tab", "home"), channel=event.get("channel", "")
        )
    if kind == "agent_session_stopped":
        channel = event.get("channel_id") or event["channel"]
        return Stopped(key=key, member=Member(team, event["user"]), channel=channel, thread_ts=event["thread_ts"])
    reason = _not_for_us(event, us) if kind in {"message", "app_mention"} else f"event {kind}"
    if reason:
        return Ignored(reason)
    return _spoken(event, key=key, member=Member(team, event["user"]), us=_known(us, body))


def _lifecycle(event: Payload, key: str, team: str) -> Lifecycle | ProfileChanged | Ignored:
    kind = event["type"]
    if kind == "tokens_revoked" and not event.get("tokens", {}).get("bot"):
        return Ignored("user token revoked")
    if kind != "user_change":
        return Lifecycle(key=key, member=Member(team, ""), name=kind)
    person = event["user"]
    member = Member(team, person["id"])
    if person.get("deleted"):
        return Lifecycle(key=key, member=member, name="user_deactivated")
    if person.get("is_bot") or member.user_id in _SYSTEM_USERS or not person.get("tz"):
        return Ignored("user change")
    return ProfileChanged(key=key, member=member, zone=person["tz"])


def _known(us: Identity, body: Payload) -> Identity:
    if us.bot_user_id:
        return us
    bot = next((a.get("user_id", "") for a in body.get("authorizations", ()) if a.get("is_bot")), "")
    return Identity(bot_user_id=bot, bot_id=us.bot_id, team_id=us.team_id, app_id=us.app_id)


def _not_for_us(event: Payload, us: Identity) -> str | None:
    if event.get("subtype") not in _SPOKEN:
        return f"subtype {event.get('subtype')}"
    if event.get("bot_id") or event.get("bot_profile"):
        return "from a bot"
    user = event.get("user")
    if not user or user in _SYSTEM_USERS or user == us.bot_user_id:
        return "not from a person"
    if event.get("edited") or event.get("hidden"):
        return "edited"
    direct = event.get("channel_type") == "im" or str(event.get("channel", "")).startswith("D")
    if event["type"] == "message" and not direct:
        return "not addressed to the bot"
    # A mention inside the DM comes as a message too; one of the two is enough.
    return "mention in a DM" if event["type"] == "app_mention" and direct else None


def _spoken(event: Payload, *, key: str, member: Member, us: Identity) -> Message | Mention | Ignored:
    raw = str(event.get("text") or "")
    if us.bot_user_id:
        raw = re.sub(rf"<@{re.escape(us.bot_user_id)}(\|[^<>]*)?>", " ", raw)
    text, files = " ".join(plain(raw).split(" ")).strip(), bool(event.get("files"))
    thread = event.get("thread_ts")
    if event["type"] == "app_mention":
        return Mention(key=key, member=member, channel=event["channel"], ts=event["ts"], thread_ts=thread, text=text)
    if not text and not files:
        return Ignored("empty")
    return Message(
        key=key,
        member=member,
        channel=event["channel"],
        ts=event["ts"],
        thread_ts=thread,
        text=text,
        has_files=files,
    )


def _command(body: Payload) -> Command:
    return Command(
        key=f"command:{body['trigger_id']}",
        member=Member(body["team_id"], body["user_id"]),
        name=body["command"],
        text=plain(body.get("text") or ""),
        channel=body.get("channel_id") or "",
        response_url=body.get("response_url") or "",
        trigger_id=body["trigger_id"],
        user_name=body.get("user_name") or "",
    )


def _member(body: Payload) -> Member:
    team = body.get("team") or {}
    user = body["user"]
    return Member(team.get("id") or user.get("team_id") or (body.get("view") or {})["team_id"], user["id"])


def _user_name(body: Payload) -> str:
    user = body["user"]
    return str(user.get("name") or user.get("username") or "")


def _global_shortcut(body: Payload) -> GlobalShortcut:
    return GlobalShortcut(
        key=f"shortcut:{body['trigger_id']}",
        member=_member(body),
        callback_id=body["callback_id"],
        trigger_id=body["trigger_id"],
    )


def _message_shortcut(body: Payload) -> MessageShortcut:
    message = body["message"]
    return MessageShortcut(
        key=f"shortcut:{body['trigger_id']}",
        member=_member(body),
        callback_id=body["callback_id"],
        channel=body["channel"]["id"],
        message_ts=message.get("ts") or body.get("message_ts") or "",
        thread_ts=message.get("thread_ts"),
        text=_message_text(message),
        response_url=body.get("response_url") or "",
        trigger_id=body["trigger_id"],
    )


def _message_text(message: Payload) -> str:
    """The words of a message, in its attachments where it has none of its own."""
    text = plain(message.get("text") or "")
    if text:
        return text
    parts = [plain(str(a.get("text") or a.get("fallback") or "")) for a in message.get("attachments", ())]
    return "\n".join(p for p in parts if p)


def _surface(body: Payload) -> Surface:
    view = body.get("view")
    if view:
        return Surface(
            view_id=view["id"],
            view_hash=view.get("hash") or "",
            view_type=view.get("type") or "modal",
            callback_id=view.get("callback_id") or "",
            metadata=view.get("private_metadata") or "",
            values=_values(view.get("state")),
        )
    container, message = body.get("container") or {}, body.get("message") or {}
    return Surface(
        channel=(body.get("channel") or {}).get("id") or container.get("channel_id") or "",
        message_ts=message.get("ts") or container.get("message_ts") or "",
        thread_ts=message.get("thread_ts") or container.get("thread_ts"),
        ephemeral=bool(container.get("is_ephemeral")),
        response_url=body.get("response_url") or "",
        values=_values(body.get("state")),
    )


def _action(body: Payload) -> Click | Choice:
    action = body["actions"][0]
    unique = body.get("trigger_id") or action["action_ts"]
    key, member, on = f"action:{unique}", _member(body), _surface(body)
    trigger = body.get("trigger_id") or ""
    if action.get("type") in {"button", "feedback_buttons", "icon_button"}:
        return Click(
            key=key,
            member=member,
            action_id=action["action_id"],
            value=action.get("value") or "",
            on=on,
            trigger_id=trigger,
            user_name=_user_name(body),
        )
    value = _value(action)
    values = value if isinstance(value, tuple) else (value,) if value else ()
    return Choice(
        key=key,
        member=member,
        action_id=action["action_id"],
        block_id=action.get("block_id") or "",
        values=values,
        on=on,
        trigger_id=trigger,
    )


def _submission(body: Payload) -> Submission:
    view = body["view"]
    return Submission(
        key=f"view:{view['id']}:{view.get('hash') or ''}",
        member=_member(body),
        callback_id=view.get("callback_id") or "",
        view_id=view["id"],
        view_hash=view.get("hash") or "",
        metadata=view.get("private_metadata") or "",
        values=_values(view.get("state")),
        trigger_id=body.get("trigger_id") or "",
        user_name=_user_name(body),
    )


def _closed(body: Payload) -> Closed:
    view = body["view"]
    return Closed(
        key=f"closed:{view['id']}",
        member=_member(body),
        callback_id=view.get("callback_id") or "",
        view_id=view["id"],
        metadata=view.get("private_metadata") or "",
    )


_INTERACTIVE: dict[str, Callable[[Payload], Delivery | Ignored]] = {
    "shortcut": _global_shortcut,
    "message_action": _message_shortcut,
    "block_actions": _action,
    "view_submission": _submission,
    "view_closed": _closed,
}


def _values(state: Payload | None) -> dict[str, Value]:
    values = (state or {}).get("values") or {}
    return {block: _value(element) for block, inputs in values.items() for element in inputs.values()}


# Where each kind of input keeps one value, and several.
_ONE = (
    "value",
    "selected_date",
    "selected_time",
    "selected_conversation",
    "selected_channel",
    "selected_user",
)
_MANY = ("selected_conversations", "selected_channels", "selected_users")


def _value(element: Payload) -> Value:
    if "selected_options" in element:
        return tuple(str(o["value"]) for o in element["selected_options"] or ())
    if element.get("selected_option"):
        return str(element["selected_option"]["value"])
    for name in _MANY:
        if name in element:
            return tuple(map(str, element[name] or ()))
    if element.get("selected_date_time") is not None:
        return str(element["selected_date_time"])
    return next((str(element[name]) for name in _ONE if element.get(name)), None)
