"""Web API: conversations.*, users.*, files.*, blocks.validate."""

from __future__ import annotations

import mimetypes
from typing import Any

from bot.sandbox.api_chat import content_of, thread_root
from bot.sandbox.limits import Problem, check_home, check_message, check_view
from bot.sandbox.records import BOT_USER, Channel, File, Json, Message
from bot.sandbox.web_api import Call, SlackError, method
from bot.sandbox.wire import channel_wire, file_wire, message_wire, user_wire

PAGE_LIMIT = 999
ALT_TEXT = 1_000
MAX_PEOPLE = 8


@method("conversations.open", "im:write")
def _open(call: Call) -> Json:
    if call.text("channel"):
        channel = call.channel()
    else:
        people = [
            person for person in call.text("users", needed=True, error="users_list_not_supplied").split(",") if person
        ]
        if len(people) > MAX_PEOPLE:
            raise SlackError("too_many_users")
        if len(people) > 1:
            raise SlackError("missing_scope", "this workspace has no group DMs", needed="mpim:write")
        dm = call.state.dm_of(people[0].strip())
        if dm is None:
            raise SlackError("user_not_found" if people[0] not in call.state.users else "cannot_dm_bot")
        channel = dm
    full = channel_wire(channel) if call.flag("return_im") else {"id": channel.id}
    return {"no_op": True, "already_open": True, "channel": full}


def _reading(call: Call, kind: str, *, member: bool) -> Channel:
    channel = call.channel(member=False)
    call.needs(f"{'im' if channel.is_im else 'channels'}:{kind}")
    if BOT_USER not in channel.members and (member or channel.is_im):
        raise SlackError("channel_not_found" if channel.is_im else "not_in_channel")
    return channel


@method("conversations.info")
def _info(call: Call) -> Json:
    return {"channel": channel_wire(_reading(call, "read", member=False))}


@method("conversations.members")
def _members(call: Call) -> Json:
    channel = _reading(call, "read", member=False)
    return {"members": sorted(channel.members), "response_metadata": {"next_cursor": ""}}


@method("conversations.history")
def _history(call: Call) -> Json:
    channel = _reading(call, "history", member=True)
    roots = [
        m for m in call.state.messages[channel.id].values() if m.thread_ts in {None, m.ts} and m.ephemeral_for is None
    ]
    return _page(call, sorted(_within(call, roots), key=lambda m: m.ts, reverse=True))


@method("conversations.replies")
def _replies(call: Call) -> Json:
    channel = _reading(call, "history", member=True)
    message = call.state.find(channel.id, call.text("ts", needed=True))
    if message is None or message.ephemeral_for is not None:
        raise SlackError("thread_not_found")
    root = call.state.find(channel.id, message.root_ts) or message
    replies = sorted(call.state.replies(root), key=lambda m: m.ts)
    return _page(call, [root, *_within(call, replies)])


def _within(call: Call, messages: list[Message]) -> list[Message]:
    oldest, latest = call.text("oldest") or "0", call.text("latest") or "99999999999"
    inclusive = call.flag("inclusive")
    try:
        low, high = float(oldest), float(latest)
    except ValueError as error:
        raise SlackError("invalid_ts_oldest") from error
    return [m for m in messages if low < float(m.ts) < high or (inclusive and float(m.ts) in {low, high})]


def _page(call: Call, messages: list[Message]) -> Json:
    limit = call.number("limit", 100)
    if not 1 <= limit <= PAGE_LIMIT + 1:
        raise SlackError("invalid_limit")
    try:
        start = int(call.text("cursor") or 0)
    except ValueError as error:
        raise SlackError("invalid_cursor") from error
    shown, more = messages[start : start + limit], len(messages) > start + limit
    metadata = call.flag("include_all_metadata")
    return {
        "messages": [message_wire(call.state, m, metadata=metadata) for m in shown],
        "has_more": more,
        "response_metadata": {"next_cursor": str(start + limit) if more else ""},
    }


@method("users.info", "users:read")
def _user(call: Call) -> Json:
    user = call.state.users.get(call.text("user", needed=True, error="user_not_found"))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": user_wire(user, call.state.now())}


@method("users.list", "users:read")
def _users(call: Call) -> Json:
    now = call.state.now()
    return {
        "members": [user_wire(user, now) for user in call.state.users.values()],
        "response_metadata": {"next_cursor": ""},
    }


# --- files: an address, the bytes, then sharing ---


@method("files.getUploadURLExternal", "files:write")
def _upload_url(call: Call) -> Json:
    name, length = call.text("filename", needed=True), call.number("length", 0)
    if length <= 0:
        raise SlackError("invalid_arguments", "length must be above zero [json-pointer:/length]")
    alt = call.text("alt_txt")
    if len(alt) > ALT_TEXT:
        raise SlackError("invalid_arguments", "must be at most 1000 characters [json-pointer:/alt_txt]")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    file = File(call.state.new_id("F"), name, length, name, kind, alt, created=int(call.state.now().timestamp()))
    call.state.files[file.id] = file
    return {"upload_url": f"{call.state.base_url}/upload/{file.id}", "file_id": file.id}


@method("files.completeUploadExternal", "files:write")
def _complete(call: Call) -> Json:
    files = [_uploaded(call, entry) for entry in call.items("files", "invalid_arguments") or []]
    if not files:
        raise SlackError("invalid_arguments", "missing required field: files")
    if call.text("initial_comment") and call.args.get("blocks"):
        raise SlackError("invalid_arguments", "only one of initial_comment and blocks is allowed")
    wanted = call.text("channel_id") or call.text("channels").partition(",")[0]
    channel = call.state.channels.get(wanted) if wanted else None  # an id, not a person's
    if wanted and channel is None:
        raise SlackError("channel_not_found")
    if channel is not None and BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    for file in files:
        file.completed = True
    if channel is not None:
        _share(call, channel, files)
    return {"files": [file_wire(call.state, file) for file in files]}


def _uploaded(call: Call, entry: Any) -> File:
    file = call.state.files.get(str(entry.get("id"))) if isinstance(entry, dict) else None
    if file is None or file.content is None:
        raise SlackError("file_not_found")
    if file.completed:
        raise SlackError("file_already_completed")
    file.title = str(entry.get("title") or file.name)
    return file


def _share(call: Call, channel: Channel, files: list[File]) -> None:
    text, blocks = call.text("initial_comment"), call.args.get("blocks")
    parts = content_of({"text": text, "blocks": blocks}) if text or blocks else {"text": ""}
    message = Message(channel.id, call.state.new_ts(), BOT_USER, **parts)
    message.thread_ts = thread_root(call, channel)
    message.files = [file.id for file in files]
    for file in files:
        file.channels.append(channel.id)
    call.state.post(message)


@method("files.info", "files:read")
def _file(call: Call) -> Json:
    file = call.state.files.get(call.text("file", needed=True, error="file_not_found"))
    if file is None:
        raise SlackError("file_not_found")
    return {"file": file_wire(call.state, file)}


# --- blocks.validate: public ---


@method("blocks.validate", token="")
def _validate(call: Call) -> Json:
    given = [name for name in ("blocks", "view", "message") if call.args.get(name) is not None]
    if len(given) != 1:
        raise SlackError("invalid_arguments", "exactly one of blocks, view and message is needed")
    value = call.args[given[0]]
    if given[0] == "blocks":
        problems = check_message({"blocks": value})
    elif not isinstance(value, dict):
        raise SlackError("invalid_arguments", f"must be an object [json-pointer:/{given[0]}]")
    elif given[0] == "message":
        problems = check_message(value)
    else:
        problems = check_home(value) if value.get("type") == "home" else check_view(value)
    if problems:
        raise SlackError("invalid_blocks", errors=[_wire(problem) for problem in problems])
    return {"errors": []}


def _wire(problem: Problem) -> Json:
    return {"pointer": problem.pointer, "code": problem.code, "message": problem.message}
