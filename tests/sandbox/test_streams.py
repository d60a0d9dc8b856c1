from __future__ import annotations

from collections.abc import Callable

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.messages.chunk import MarkdownTextChunk, TaskUpdateChunk

from bot.sandbox import Sandbox
from tests.sandbox.payloads import refused
from tests.sandbox.rawbot import RawBot

WHO = {"recipient_team_id": "T0SANDBOX", "recipient_user_id": "U0ANA"}


def asked(sandbox: Sandbox) -> str:
    return sandbox.say("U0ANA", "D0ANA", "tell me")


def test_a_stream_grows_and_ends_whole(sandbox: Sandbox, client: WebClient) -> None:
    root = asked(sandbox)
    stream = client.chat_stream(channel="D0ANA", thread_ts=root, buffer_size=1, **WHO)
    stream.append(markdown_text="**Hello** ")
    growing = sandbox.messages("D0ANA")[-1]
    assert (growing["streaming"], growing["text"], growing["thread_ts"]) == (True, "**Hello** ", root)
    stream.append(markdown_text="there")
    metadata = {"event_type": "answer", "event_payload": {"id": "1"}}
    stream.stop(blocks=[{"type": "divider"}], metadata=metadata)
    whole = sandbox.wait_for_message("D0ANA", "Hello")
    assert (whole["text"], "streaming" in whole, "edited" in whole) == ("**Hello** there", False, False)
    assert [block["type"] for block in whole["blocks"]] == ["markdown", "divider"]
    assert whole["metadata"] == metadata


def test_tasks_are_updated_in_place_and_their_details_grow(sandbox: Sandbox, client: WebClient) -> None:
    stream = client.chat_stream(channel="D0ANA", thread_ts=asked(sandbox), **WHO)
    stream.append(chunks=[TaskUpdateChunk(id="1", title="Searching", status="in_progress", details="C4")])
    stream.append(chunks=[TaskUpdateChunk(id="1", title="Searched", status="complete", details="C5")])
    stream.stop(chunks=[MarkdownTextChunk(text="Done")])
    task, text = sandbox.messages("D0ANA")[-1]["blocks"]
    assert (task["type"], task["title"], task["status"], len(task["details"]["elements"])) == (
        "task_card",
        "Searched",
        "complete",
        2,
    )
    assert text["text"] == "Done"


def test_a_stream_dies_after_five_minutes(sandbox: Sandbox, client: WebClient) -> None:
    root = asked(sandbox)
    ts = client.chat_startStream(channel="D0ANA", thread_ts=root, markdown_text="one")["ts"]
    sandbox.clock.advance(299)
    client.chat_appendStream(channel="D0ANA", ts=ts, markdown_text=" two")
    sandbox.clock.advance(2)
    answer = refused(client, "chat.appendStream", channel="D0ANA", ts=ts, markdown_text=" three")
    assert answer["error"] == "message_not_in_streaming_state"
    assert sandbox.messages("D0ANA")[-1]["text"] == "one two"
    client.chat_update(channel="D0ANA", ts=ts, text="one two three")


def test_the_person_can_stop_it(sandbox: Sandbox, client: WebClient, page) -> None:
    ts = client.chat_startStream(channel="D0ANA", thread_ts=asked(sandbox), markdown_text="one")["ts"]
    assert page.post("/ui/stop", json={"user": "U0ANA", "channel": "D0ANA", "ts": ts}).json()["ok"]
    assert refused(client, "chat.stopStream", channel="D0ANA", ts=ts)["error"] == "stopped_by_user"


def test_text_and_chunks_do_not_mix(sandbox: Sandbox, client: WebClient) -> None:
    ts = client.chat_startStream(channel="D0ANA", thread_ts=asked(sandbox), markdown_text="one")["ts"]
    chunk = {"type": "markdown_text", "text": "two"}
    answer = refused(client, "chat.appendStream", channel="D0ANA", ts=ts, chunks=[chunk])
    assert answer["error"] == "streaming_mode_mismatch"


def test_an_update_during_a_stream_is_a_conflict(sandbox: Sandbox, client: WebClient) -> None:
    ts = client.chat_startStream(channel="D0ANA", thread_ts=asked(sandbox))["ts"]
    assert refused(client, "chat.update", channel="D0ANA", ts=ts, text="x")["error"] == "streaming_state_conflict"


def test_a_stopped_stream_takes_nothing_more(sandbox: Sandbox, client: WebClient) -> None:
    ts = client.chat_startStream(channel="D0ANA", thread_ts=asked(sandbox), markdown_text="one")["ts"]
    client.chat_stopStream(channel="D0ANA", ts=ts)
    with pytest.raises(SlackApiError, match="message_not_in_streaming_state"):
        client.chat_appendStream(channel="D0ANA", ts=ts, markdown_text="two")


def test_in_a_channel_a_stream_needs_its_reader(sandbox: Sandbox, client: WebClient) -> None:
    root = sandbox.mention("U0ANA", "C0ROLLOUT", "tell me")
    answer = refused(client, "chat.startStream", channel="C0ROLLOUT", thread_ts=root, markdown_text="x")
    assert answer["error"] == "missing_recipient_user_id"
    assert client.chat_startStream(channel="C0ROLLOUT", thread_ts=root, markdown_text="x", **WHO)["ok"]


def test_a_status_shows_until_the_bot_replies(sandbox: Sandbox, client: WebClient) -> None:
    root = asked(sandbox)
    client.assistant_threads_setStatus(channel_id="D0ANA", thread_ts=root, status="is thinking…")
    assert sandbox.state.statuses["D0ANA", root] == "is thinking…"
    client.chat_postMessage(channel="D0ANA", thread_ts=root, text="done")
    assert sandbox.state.statuses["D0ANA", root] == ""


def test_a_session_that_is_processing_does_not_end_with_the_reply(sandbox: Sandbox, client: WebClient) -> None:
    root = asked(sandbox)
    client.agents_sessions_setStatus(channel_id="D0ANA", thread_ts=root, status="processing")
    client.chat_postMessage(channel="D0ANA", thread_ts=root, text="done")
    assert sandbox.state.statuses["D0ANA", root] != ""
    client.agents_sessions_setStatus(channel_id="D0ANA", thread_ts=root, status="active")
    assert sandbox.state.statuses["D0ANA", root] == ""
    assert (
        refused(client, "agents.sessions.setStatus", channel_id="D0ANA", thread_ts=root, status="odd")["error"]
        == "invalid_status"
    )
    assert (
        client.agents_sessions_rename(channel_id="D0ANA", thread_ts=root, title="Falls")["session"]["title"] == "Falls"
    )


def test_suggested_prompts_need_the_assistant_scope(
    sandbox: Sandbox, client: WebClient, raw_bot: Callable[..., RawBot]
) -> None:
    prompts = [{"title": "Plan", "message": "Help me plan"}]
    assert (
        refused(client, "assistant.threads.setSuggestedPrompts", channel_id="D0ANA", prompts=prompts)["needed"]
        == "assistant:write"
    )
