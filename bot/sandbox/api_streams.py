"""Web API: streamed messages, assistant status and suggested prompts, agent sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.sandbox.api_chat import MARKDOWN_LIMIT, metadata, own_message, refuse, thread_root
from bot.sandbox.limits import check_message
from bot.sandbox.records import BOT_USER, TEAM, Channel, Json, Message, Stream
from bot.sandbox.web_api import Call, SlackError, method
from bot.sandbox.wire import message_wire

STREAM_LIFE = timedelta(minutes=5)
TITLE, PROMPTS, LOADING, TASK_TITLE = 200, 4, 10, 256
SESSION_STATES = frozenset({"processing", "active", "suspended", "closed"})


@method("chat.startStream", "chat:write")
def _start(call: Call) -> Json:
    channel = call.channel()
    root = thread_root(call, channel)
    if not channel.is_im and not (call.text("recipient_user_id") and call.text("recipient_team_id")):
        raise SlackError(
            "missing_recipient_user_id" if not call.text("recipient_user_id") else "missing_recipient_team_id"
        )
    if call.text("task_display_mode") not in {"", "timeline", "plan"}:
        raise SlackError("invalid_arguments", "must be timeline or plan [json-pointer:/task_display_mode]")
    message = Message(channel.id, call.state.new_ts(), BOT_USER, "", thread_ts=root)
    message.stream = Stream(call.state.now())
    additions = _additions(call, message.stream)
    _grow(message, additions)
    call.state.post(message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.appendStream", "chat:write")
def _append(call: Call) -> Json:
    channel, message, stream = _streaming(call)
    additions = _additions(call, stream)
    if not additions:
        raise SlackError("no_text")
    call.state.edit(message, lambda target: _grow(target, additions), mark=False)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.stopStream", "chat:write")
def _stop(call: Call) -> Json:
    channel, message, stream = _streaming(call)
    additions = _additions(call, stream)
    blocks = call.items("blocks", "invalid_blocks_format") or []
    refuse(check_message({"blocks": blocks}))
    extra = metadata(call)

    def finish(target: Message) -> None:
        stream.blocks += blocks
        _grow(target, additions)
        target.stream = None
        target.metadata = extra or target.metadata

    call.state.edit(message, finish, mark=False)
    call.state.set_status(channel.id, message.root_ts, "")
    session = call.state.sessions.get((channel.id, message.root_ts))
    if session is not None:
        session["status"] = call.text("session_status") or "active"
    return {"channel": channel.id, "ts": message.ts, "message": message_wire(call.state, message)}


def _streaming(call: Call) -> tuple[Channel, Message, Stream]:
    channel, message = own_message(call, "message_not_owned_by_app")
    stream = message.stream
    if stream is not None and stream.stopped_by_user:
        raise SlackError("stopped_by_user")
    if stream is not None and call.state.now() - stream.started > STREAM_LIFE:
        message.stream = stream = None  # Slack ends it by itself; the text stays
        call.state.show(message)
    if stream is None:
        raise SlackError("message_not_in_streaming_state")
    return channel, message, stream


def _additions(call: Call, stream: Stream) -> list[Json]:
    """What a call adds, as chunks. Raises SlackError."""
    text, chunks = call.text("markdown_text"), call.items("chunks", "invalid_chunks")
    if text and chunks:
        raise SlackError("invalid_arguments", "only one of markdown_text and chunks is allowed")
    mode = "text" if text else "chunks" if chunks else None
    if mode and stream.mode not in {None, mode}:
        raise SlackError("streaming_mode_mismatch")
    stream.mode = stream.mode or ("text" if text else "chunks" if chunks else None)
    additions = [{"type": "markdown_text", "text": text}] if text else chunks or []
    for chunk in additions:
        _check_chunk(chunk)
    return additions


def _check_chunk(chunk: Any) -> None:
    if not isinstance(chunk, dict):
        raise SlackError("invalid_chunks")
    kind = chunk.get("type")
    if kind == "markdown_text":
        if not isinstance(chunk.get("text"), str):
            raise SlackError("invalid_chunks", "a markdown_text chunk needs text")
        if len(chunk["text"]) > MARKDOWN_LIMIT:
            raise SlackError("msg_too_long")
    elif kind == "task_update":
        if not chunk.get("id") or len(str(chunk.get("title") or "")) > TASK_TITLE:
            raise SlackError("invalid_chunks", "a task_update chunk needs an id, and a title of at most 256 characters")
    elif kind == "plan_update":
        if not 1 <= len(str(chunk.get("title") or "")) <= TASK_TITLE:
            raise SlackError("invalid_chunks", "a plan_update chunk needs a title of at most 256 characters")
    elif kind == "blocks":
        refuse(check_message({"blocks": chunk.get("blocks") or []}))
    else:
        raise SlackError("invalid_chunks", f"unsupported type: {kind}")


def _grow(message: Message, chunks: list[Json]) -> None:
    stream = message.stream
    assert stream is not None
    for chunk in chunks:
        if chunk["type"] == "markdown_text":
            message.text += chunk["text"]
        elif chunk["type"] == "task_update":
            _update_task(stream, chunk)
        elif chunk["type"] == "plan_update":
            stream.plan = chunk["title"]
        else:
            stream.blocks += chunk["blocks"]
    message.blocks = _blocks(message, stream) or None


def _update_task(stream: Stream, chunk: Json) -> None:
    task = stream.tasks.setdefault(
        chunk["id"], {"type": "task_card", "task_id": chunk["id"], "title": "", "status": "pending"}
    )
    task |= {key: chunk[key] for key in ("title", "status") if chunk.get(key)}
    for key in ("details", "output"):
        if chunk.get(key):
            old = task.get(key, {"type": "rich_text", "elements": []})
            section = {"type": "rich_text_section", "elements": [{"type": "text", "text": str(chunk[key])}]}
            task[key] = {"type": "rich_text", "elements": [*old["elements"], section]}
    if chunk.get("sources"):
        task["sources"] = [*task.get("sources", []), *chunk["sources"]]


def _blocks(message: Message, stream: Stream) -> list[Json]:
    tasks = list(stream.tasks.values())
    blocks = [{"type": "plan", "title": stream.plan, "tasks": tasks}] if stream.plan else tasks
    if message.text:
        blocks = [*blocks, {"type": "markdown", "text": message.text}]
    return [*blocks, *stream.blocks]


# --- assistant status and prompts ---


def _thread(call: Call) -> tuple[Channel, str]:
    channel = call.channel("channel_id")
    thread_ts = call.text("thread_ts")
    if thread_ts and call.state.find(channel.id, thread_ts) is None:
        raise SlackError("thread_not_found")
    return channel, thread_ts


@method("assistant.threads.setStatus", "chat:write", "assistant:write")
def _set_status(call: Call) -> Json:
    channel, thread_ts = _thread(call)
    if not thread_ts:
        raise SlackError("invalid_arguments", "missing required field: thread_ts")
    messages = call.items("loading_messages", "invalid_arguments") or []
    if len(messages) > LOADING:
        raise SlackError("invalid_arguments", "no more than 10 items allowed [json-pointer:/loading_messages]")
    call.state.set_status(channel.id, thread_ts, call.text("status"))
    return {}


@method("assistant.threads.setSuggestedPrompts", "assistant:write")
def _set_prompts(call: Call) -> Json:
    channel, _thread_ts = _thread(call)
    prompts = call.items("prompts", "invalid_arguments") or []
    if not 1 <= len(prompts) <= PROMPTS:
        raise SlackError("invalid_arguments", "must be 1 to 4 prompts [json-pointer:/prompts]")
    for prompt in prompts:
        if not isinstance(prompt, dict) or not prompt.get("title") or not prompt.get("message"):
            raise SlackError("invalid_arguments", "each prompt needs title and message")
    call.state.prompts[channel.id] = [{"title": p["title"], "message": p["message"]} for p in prompts]
    return {}


@method("agents.sessions.setStatus", "chat:write")
def _session_status(call: Call) -> Json:
    channel, thread_ts = _thread(call)
    status, title = call.text("status", needed=True), call.text("title")
    if status not in SESSION_STATES:
        raise SlackError("invalid_status")
    if len(title) > TITLE:
        raise SlackError("title_too_long")
    session = call.state.sessions.setdefault((channel.id, thread_ts), {"title": "", "team_id": TEAM})
    session |= {"status": status, "title": title or session["title"]}
    call.state.set_status(channel.id, thread_ts, "is thinking…" if status == "processing" else "")
    return {"session": {"channel_id": channel.id, "thread_ts": thread_ts, **session}}


@method("agents.sessions.rename", "chat:write")
def _session_rename(call: Call) -> Json:
    channel, thread_ts = _thread(call)
    title = call.text("title", needed=True)
    if len(title) > TITLE:
        raise SlackError("title_too_long")
    session = call.state.sessions.setdefault((channel.id, thread_ts), {"status": "active", "team_id": TEAM})
    session["title"] = title
    return {"session": {"channel_id": channel.id, "thread_ts": thread_ts, **session}}
