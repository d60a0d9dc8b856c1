"""Web API: chat.* and reactions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.sandbox.limits import Problem, check_message
from bot.sandbox.records import BOT_USER, Channel, Json, Message
from bot.sandbox.web_api import Call, SlackError, method
from bot.sandbox.wire import message_wire

POST_CUT = 40_000  # characters; the rest of a longer text is dropped
UPDATE_LIMIT = 4_000
MARKDOWN_LIMIT = 12_000
METADATA_LIMIT = 8_000  # not documented; generous for ids, small for anything private
ATTACHMENTS_LIMIT = 100


def refuse(problems: list[Problem], code: str = "invalid_blocks") -> None:
    """Raise SlackError where there are problems, with all of them in its messages."""
    if problems:
        special = next((problem.code for problem in problems if problem.code != "invalid_blocks"), code)
        raise SlackError(special, *(f"{p.message} [json-pointer:{p.pointer}]" for p in problems))


def content(call: Call) -> Json:
    """text, blocks and attachments of a call, checked. Raises SlackError."""
    return content_of(call.args)


def content_of(args: Mapping[str, Any]) -> Json:
    """text, blocks and attachments of a message, checked: what Message takes. Raises SlackError."""
    text, markdown = _string(args, "text"), _string(args, "markdown_text")
    blocks, attachments = args.get("blocks"), args.get("attachments")
    if markdown:
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        if len(markdown) > MARKDOWN_LIMIT:
            raise SlackError("msg_too_long", "markdown_text is at most 12,000 characters long")
        text, blocks = markdown, [{"type": "markdown", "text": markdown}]
    if blocks and not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if not text.strip() and not blocks and not attachments:
        raise SlackError("no_text")
    if len(attachments or ()) > ATTACHMENTS_LIMIT:
        raise SlackError("too_many_attachments")
    refuse(check_message({"blocks": blocks or []}))
    return {"text": text or text_of(blocks or []), "blocks": blocks or None, "attachments": attachments or None}


def _string(args: Mapping[str, Any], name: str) -> str:
    value = args.get(name)
    if value is None:
        return ""
    if isinstance(value, dict | list):
        raise SlackError("invalid_arguments", f"must be a string [json-pointer:/{name}]")
    return str(value)


def text_of(blocks: list[Json]) -> str:
    """The text that Slack builds from blocks where none was given."""
    found: list[str] = []
    _collect(blocks, found)
    return " ".join(found)[:3000]


def _collect(value: Any, found: list[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _collect(item, found)
    elif isinstance(value, dict):
        for key in ("title", "text", "fields", "elements", "rows", "caption"):
            inner = value.get(key)
            if isinstance(inner, str):
                found.append(inner)
            else:
                _collect(inner, found)


def metadata(call: Call) -> Json | None:
    """The metadata argument, checked; None where it is absent, {} where it is to be removed."""
    value = call.args.get("metadata")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise SlackError("invalid_metadata_format")
    if value and (not isinstance(value.get("event_type"), str) or not isinstance(value.get("event_payload"), dict)):
        raise SlackError("invalid_metadata_schema", "metadata needs event_type and event_payload")
    if len(json.dumps(value)) > METADATA_LIMIT:
        raise SlackError("metadata_too_large")
    return value


def thread_root(call: Call, channel: Channel) -> str | None:
    """The root of the thread to post into. Raises SlackError where no such message is there."""
    wanted = call.text("thread_ts")
    if not wanted:
        return None
    message = call.state.find(channel.id, wanted)
    if message is None or message.ephemeral_for is not None:
        raise SlackError("thread_not_found")
    return message.root_ts


@method("chat.postMessage", "chat:write")
def _post(call: Call) -> Json:
    channel = call.channel()
    message = Message(
        channel.id, "", BOT_USER, "", thread_ts=thread_root(call, channel), metadata=metadata(call) or None
    )
    for name, value in content(call).items():
        setattr(message, name, value)
    message.text = message.text[:POST_CUT]
    message.ts = call.state.new_ts()
    call.state.post(message)
    return {"channel": channel.id, "ts": message.ts, "message": message_wire(call.state, message)}


@method("chat.postEphemeral", "chat:write")
def _post_ephemeral(call: Call) -> Json:
    channel = call.channel()
    user = call.text("user", needed=True)
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    parts = content(call)
    message = Message(
        channel.id, call.state.new_ts(), BOT_USER, thread_ts=thread_root(call, channel), ephemeral_for=user, **parts
    )
    call.state.post(message)
    return {"message_ts": message.ts}


def own_message(call: Call, error: str) -> tuple[Channel, Message]:
    """The bot's message that the arguments name."""
    channel = call.channel()
    if channel.id != call.text("channel"):
        raise SlackError("channel_not_found")  # editing needs the conversation's own id
    message = call.message(channel)
    if not message.from_bot:
        raise SlackError(error)
    return channel, message


@method("chat.update", "chat:write")
def _update(call: Call) -> Json:
    channel, message = own_message(call, "cant_update_message")
    if message.stream is not None:
        raise SlackError("streaming_state_conflict")
    if len(call.text("text")) > UPDATE_LIMIT:
        raise SlackError("msg_too_long")
    parts, extra = content(call), metadata(call)

    def apply(target: Message) -> None:
        for name, value in parts.items():
            setattr(target, name, value)
        if extra is not None:
            target.metadata = extra or None

    call.state.edit(message, apply)
    wire = message_wire(call.state, message)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": wire}


@method("chat.delete", "chat:write")
def _delete(call: Call) -> Json:
    channel, message = own_message(call, "cant_delete_message")
    call.state.delete(message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.getPermalink")
def _permalink(call: Call) -> Json:
    channel = call.channel()
    message = call.message(channel, "message_ts")
    thread = f"?thread_ts={message.thread_ts}&cid={channel.id}" if message.thread_ts else ""
    address = f"{call.state.base_url}/archives/{channel.id}/p{message.ts.replace('.', '')}{thread}"
    return {"channel": channel.id, "permalink": address}


@method("reactions.add", "reactions:write")
def _react(call: Call) -> Json:
    message = call.message(call.channel(), "timestamp")
    name = call.text("name", needed=True, error="no_reaction").strip(":")
    who = message.reactions.setdefault(name, [])
    if BOT_USER in who:
        raise SlackError("already_reacted")
    who.append(BOT_USER)
    call.state.show(message)
    return {}
