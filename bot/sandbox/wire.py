"""Records in the forms in which Slack's API and the page see them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.sandbox.records import APP, BOT, BOT_USER, ROLES, TEAM, Channel, File, Json, Message, User

if TYPE_CHECKING:
    from bot.sandbox.state import State


def bot_profile() -> Json:
    """What Slack says about the app in its messages."""
    return {"id": BOT, "app_id": APP, "name": "ISP Coach", "icons": {}, "deleted": False, "updated": 0, "team_id": TEAM}


def message_wire(state: State, message: Message, *, for_page: bool = False, metadata: bool = True) -> Json:
    """A message object. For the page: without the block that repeats typed text, with `streaming` and `ephemeral`."""
    wire: Json = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text, "team": TEAM}
    if message.from_bot:
        wire |= {"bot_id": BOT, "app_id": APP, "bot_profile": bot_profile()}
    blocks = message.blocks if for_page else message.blocks or message.typed_blocks
    optional = {
        "blocks": blocks,
        "attachments": message.attachments,
        "subtype": message.subtype,
        "edited": message.edited,
        "metadata": message.metadata if metadata else None,
        "files": [file_wire(state, state.files[file]) for file in message.files],
        "reactions": [{"name": name, "users": who, "count": len(who)} for name, who in message.reactions.items()],
    }
    wire |= {key: value for key, value in optional.items() if value}
    home = state.users[message.user].team if message.user in state.users else TEAM
    if home != TEAM:  # as in a channel shared with another organization
        wire |= {"team": home, "user_team": home, "source_team": home, "user_profile": {"team": home}}
    wire |= _thread_fields(state, message)
    if for_page:
        wire |= {"streaming": True} if message.stream else {}
        wire |= {"ephemeral": True} if message.ephemeral_for else {}
    return wire


def _thread_fields(state: State, message: Message) -> Json:
    if message.thread_ts and message.thread_ts != message.ts:
        root = state.find(message.channel, message.thread_ts)
        return {"thread_ts": message.thread_ts, **({"parent_user_id": root.user} if root else {})}
    replies = state.replies(message)
    if not replies:
        return {}
    people = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": people,
        "reply_users_count": len(people),
        "latest_reply": replies[-1].ts,
    }


def file_wire(state: State, file: File) -> Json:
    """A file object; `url` is where the page finds it."""
    address = f"{state.base_url}/files/{file.id}"
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": file.name.rsplit(".", 1)[-1] if "." in file.name else "binary",
        "size": file.length,
        "created": file.created,
        "user": BOT_USER,
        "mode": "hosted",
        "alt_txt": file.alt_txt,
        "url": address,
        "url_private": address,
        "url_private_download": address,
        "permalink": address,
        "channels": [c for c in file.channels if c.startswith("C")],
        "ims": [c for c in file.channels if c.startswith("D")],
        "is_public": False,
    }


def user_wire(user: User, now: datetime) -> Json:
    """A user object, as users.info gives it without users:read.email."""
    local = now.astimezone(ZoneInfo(user.tz))
    offset = local.utcoffset()
    return {
        "id": user.id,
        "team_id": user.team,
        "name": user.name,
        "color": user.colour.lstrip("#"),
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_label": local.tzname() or user.tz,
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "profile": {"real_name": user.real_name, "display_name": user.name, "team": user.team},
        **{role: role in user.roles for role in ROLES},
        "is_stranger": user.team != TEAM,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 0,
    }


def channel_wire(channel: Channel) -> Json:
    """A conversation object."""
    if channel.is_im:
        return {
            "id": channel.id,
            "is_im": True,
            "user": channel.im_user,
            "is_archived": False,
            "is_user_deleted": False,
        }
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_private": False,
        "is_archived": False,
        "is_member": BOT_USER in channel.members,
        "num_members": len(channel.members),
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }
