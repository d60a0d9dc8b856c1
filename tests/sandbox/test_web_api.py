from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk import WebClient

from bot.sandbox import Sandbox
from bot.sandbox.seed import default_manifest
from bot.sandbox.web_api import METHODS, WebApi
from tests.sandbox.payloads import refused


def with_scopes(*scopes: str, **features: Any) -> dict[str, Any]:
    manifest = default_manifest()
    manifest["oauth_config"]["scopes"]["bot"] = [*scopes, "commands", "app_mentions:read", "im:history"]
    manifest["features"].update(features)
    return manifest


def test_auth_test_names_the_bot_and_its_scopes(client: WebClient) -> None:
    answer = client.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0COACH", "B0COACH", "T0SANDBOX")
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


@pytest.mark.parametrize(("token", "error"), [("", "not_authed"), ("xoxb-wrong", "invalid_auth")])
def test_a_missing_or_wrong_token_is_refused(sandbox: Sandbox, token: str, error: str) -> None:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = httpx.post(f"{sandbox.api_url}auth.test", headers=headers, trust_env=False).json()
    assert answer["error"] == error


def test_a_revoked_token_is_refused(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.revoke_token()
    assert refused(client, "chat.postMessage", channel="D0ANA", text="x")["error"] == "token_revoked"


def test_an_unknown_method_is_never_a_silent_success(client: WebClient) -> None:
    assert refused(client, "chat.postMesage", channel="D0ANA", text="x")["error"] == "unknown_method"


def test_a_method_without_its_scope_says_which_is_missing(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.install(with_scopes("im:write"))
    answer = refused(client, "chat.postMessage", channel="D0ANA", text="x")
    assert (answer["error"], answer["needed"]) == ("missing_scope", "chat:write")
    assert "im:write" in answer["provided"]


def test_two_equal_posts_are_two_messages(sandbox: Sandbox, client: WebClient) -> None:
    first, second = (client.chat_postMessage(channel="D0ANA", text="again") for _ in range(2))
    assert first["ts"] != second["ts"]
    assert [m["text"] for m in sandbox.messages("D0ANA")] == ["again", "again"]


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": "C0QUIET", "text": "x"}, "not_in_channel"),
        ({"channel": "D0ANA"}, "no_text"),
        ({"channel": "D0ANA", "text": "  "}, "no_text"),
        ({"channel": "D0ANA", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": "D0ANA", "markdown_text": "x", "text": "y"}, "markdown_text_conflict"),
        ({"channel": "D0ANA", "markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"channel": "D0ANA", "text": "x", "blocks": [{"type": "nope"}]}, "invalid_blocks"),
        ({"channel": "D0ANA", "text": "x", "blocks": {"type": "section"}}, "invalid_blocks_format"),
        ({"channel": "D0ANA", "text": "x", "metadata": {"event_type": "nudge"}}, "invalid_metadata_schema"),
        (
            {"channel": "D0ANA", "text": "x", "metadata": {"event_type": "n", "event_payload": {"key": "k" * 9_000}}},
            "metadata_too_large",
        ),
        ({"channel": "D0ANA", "text": {"a": 1}}, "invalid_arguments"),
    ],
)
def test_post_refuses_what_slack_refuses(client: WebClient, args: dict[str, Any], error: str) -> None:
    assert refused(client, "chat.postMessage", **args)["error"] == error


def test_refused_blocks_say_where_and_why(client: WebClient) -> None:
    header = {"type": "header", "text": {"type": "plain_text", "text": "h" * 151}}
    answer = refused(client, "chat.postMessage", channel="D0ANA", text="x", blocks=[header])
    assert "/blocks/0/text/text" in answer["response_metadata"]["messages"][0]


def test_a_long_text_is_cut_where_slack_cuts_it(client: WebClient) -> None:
    assert len(client.chat_postMessage(channel="D0ANA", text="x" * 41_000)["message"]["text"]) == 40_000


def test_a_persons_id_stands_for_the_dm(client: WebClient) -> None:
    assert client.chat_postMessage(channel="U0BEN", text="x")["channel"] == "D0BEN"


def test_update_keeps_metadata_unless_told_and_marks_as_edited(client: WebClient) -> None:
    metadata = {"event_type": "nudge", "event_payload": {"key": "n1"}}
    ts = client.chat_postMessage(channel="D0ANA", text="one", metadata=metadata)["ts"]
    assert client.chat_update(channel="D0ANA", ts=ts, text="two")["message"]["metadata"] == metadata
    changed = client.chat_update(channel="D0ANA", ts=ts, text="three", metadata={})["message"]
    assert "metadata" not in changed
    assert changed["edited"]["user"] == "U0COACH"


def test_update_without_blocks_takes_the_blocks_away(client: WebClient) -> None:
    divider = {"type": "divider"}
    ts = client.chat_postMessage(channel="D0ANA", text="one", blocks=[divider])["ts"]
    assert "blocks" not in client.chat_update(channel="D0ANA", ts=ts, text="two")["message"]


def test_update_refuses_what_slack_refuses(sandbox: Sandbox, client: WebClient) -> None:
    theirs = sandbox.say("U0ANA", "D0ANA", "mine")
    ts = client.chat_postMessage(channel="D0ANA", text="one")["ts"]
    assert refused(client, "chat.update", channel="D0ANA", ts=theirs, text="x")["error"] == "cant_update_message"
    assert refused(client, "chat.update", channel="D0ANA", ts="1.000000", text="x")["error"] == "message_not_found"
    assert refused(client, "chat.update", channel="U0ANA", ts=ts, text="x")["error"] == "channel_not_found"
    assert refused(client, "chat.update", channel="D0ANA", ts=ts, text="x" * 4_001)["error"] == "msg_too_long"
    assert refused(client, "chat.delete", channel="D0ANA", ts=theirs)["error"] == "cant_delete_message"


def test_an_ephemeral_message_is_only_its_readers_and_cannot_be_edited(sandbox: Sandbox, client: WebClient) -> None:
    ts = client.chat_postEphemeral(channel="C0ROLLOUT", user="U0ANA", text="for you")["message_ts"]
    assert [m["text"] for m in sandbox.messages("C0ROLLOUT", "U0ANA") if m.get("ephemeral")] == ["for you"]
    assert not [m for m in sandbox.messages("C0ROLLOUT", "U0BEN") if m.get("ephemeral")]
    assert refused(client, "chat.update", channel="C0ROLLOUT", ts=ts, text="x")["error"] == "message_not_found"
    assert (
        refused(client, "chat.postEphemeral", channel="D0ANA", user="U0BEN", text="x")["error"] == "user_not_in_channel"
    )


def test_history_is_newest_first_with_metadata_only_when_asked(client: WebClient) -> None:
    metadata = {"event_type": "nudge", "event_payload": {"key": "n1"}}
    client.chat_postMessage(channel="D0ANA", text="one", metadata=metadata)
    root = client.chat_postMessage(channel="D0ANA", text="two")["ts"]
    client.chat_postMessage(channel="D0ANA", text="below", thread_ts=root)
    plain = client.conversations_history(channel="D0ANA")["messages"]
    assert [m["text"] for m in plain] == ["two", "one"]
    assert (plain[0]["reply_count"], "metadata" in plain[1]) == (1, False)
    full = client.conversations_history(channel="D0ANA", include_all_metadata=True, limit=1, oldest="1.0")
    assert full["has_more"]
    rest = client.conversations_history(
        channel="D0ANA", include_all_metadata=True, limit=1, cursor=full["response_metadata"]["next_cursor"]
    )
    assert rest["messages"][0]["metadata"] == metadata
    assert [m["text"] for m in client.conversations_replies(channel="D0ANA", ts=root)["messages"]] == ["two", "below"]


def test_history_needs_scope_and_membership(sandbox: Sandbox, client: WebClient) -> None:
    assert refused(client, "conversations.history", channel="C0QUIET")["error"] == "not_in_channel"
    sandbox.install(with_scopes("chat:write"))
    assert refused(client, "conversations.history", channel="C0GENERAL")["needed"] == "channels:history"


def test_people_and_rooms_can_be_looked_up(client: WebClient) -> None:
    assert client.users_info(user="U0CHI")["user"]["tz"] == "Asia/Tokyo"
    assert refused(client, "users.info", user="U0NOBODY")["error"] == "user_not_found"
    assert len(client.users_list()["members"]) == 4
    assert client.conversations_open(users="U0BEN")["channel"]["id"] == "D0BEN"
    assert client.conversations_info(channel="C0ROLLOUT")["channel"]["is_member"]
    assert "U0COACH" in client.conversations_members(channel="C0ROLLOUT")["members"]


def test_a_file_takes_three_steps_and_is_then_in_the_channel(sandbox: Sandbox, client: WebClient) -> None:
    done = client.files_upload_v2(
        channel="D0ANA", filename="profile.png", content=b"\x89PNG\r\n", alt_txt="Your profile", initial_comment="Here"
    )
    shared = sandbox.messages("D0ANA")[-1]
    assert (shared["text"], shared["files"][0]["alt_txt"]) == ("Here", "Your profile")
    assert client.files_info(file=done["file"]["id"])["file"]["ims"] == ["D0ANA"]
    assert httpx.get(shared["files"][0]["url"], trust_env=False).content == b"\x89PNG\r\n"


def test_a_file_is_completed_once_and_only_after_its_bytes(client: WebClient) -> None:
    ticket = client.files_getUploadURLExternal(filename="a.csv", length=3)
    file = [{"id": ticket["file_id"], "title": "a"}]
    assert refused(client, "files.completeUploadExternal", files=file)["error"] == "file_not_found"
    assert httpx.post(ticket["upload_url"], content=b"too long", trust_env=False).status_code == 400
    assert httpx.post(ticket["upload_url"], content=b"abc", trust_env=False).status_code == 200
    client.files_completeUploadExternal(files=file, channel_id="D0ANA")
    assert refused(client, "files.completeUploadExternal", files=file)["error"] == "file_already_completed"


def test_reactions_and_permalinks(sandbox: Sandbox, client: WebClient) -> None:
    ts = sandbox.say("U0ANA", "D0ANA", "hello")
    client.reactions_add(channel="D0ANA", timestamp=ts, name="eyes")
    assert refused(client, "reactions.add", channel="D0ANA", timestamp=ts, name="eyes")["error"] == "already_reacted"
    assert sandbox.messages("D0ANA")[0]["reactions"][0]["name"] == "eyes"
    assert ts.replace(".", "") in client.chat_getPermalink(channel="D0ANA", message_ts=ts)["permalink"]


def test_blocks_validate_gives_pointers(client: WebClient) -> None:
    assert client.blocks_validate(blocks=[{"type": "divider"}])["ok"]
    answer = refused(client, "blocks.validate", blocks=[{"type": "nope"}])
    assert answer["errors"][0]["pointer"] == "/blocks/0/type"


def test_form_and_json_calls_mean_the_same(sandbox: Sandbox) -> None:
    headers = {"authorization": f"Bearer {sandbox.bot_token}"}
    form = {"channel": "D0ANA", "text": "x", "blocks": '[{"type": "divider"}]'}
    answer = httpx.post(f"{sandbox.api_url}chat.postMessage", data=form, headers=headers, trust_env=False).json()
    assert answer["message"]["blocks"][0]["type"] == "divider"


@pytest.mark.parametrize(
    ("kind", "body", "error"),
    [
        ("application/json", b"{nope", "invalid_json"),
        ("application/json", b"[1]", "json_not_object"),
        ("application/json", b"[" * 100_000, "invalid_json"),
        ("text/plain", b"x", "invalid_post_type"),
        ("application/x-www-form-urlencoded", b"blocks=%7Bnope", "invalid_blocks_format"),
    ],
)
def test_an_unreadable_call_is_refused_in_slacks_words(sandbox: Sandbox, kind: str, body: bytes, error: str) -> None:
    headers = {"authorization": f"Bearer {sandbox.bot_token}", "content-type": kind}
    answer = httpx.post(f"{sandbox.api_url}chat.postMessage", content=body, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["error"]) == (200, error)


def test_timestamps_stay_in_order_when_the_clock_goes_back(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.clock.advance(timedelta(days=3))
    first = client.chat_postMessage(channel="D0ANA", text="later")["ts"]
    sandbox.clock.reset()
    assert client.chat_postMessage(channel="D0ANA", text="now")["ts"] > first


def test_every_call_is_recorded_without_its_token(sandbox: Sandbox, client: WebClient) -> None:
    client.chat_postMessage(channel="D0ANA", text="x")
    call = sandbox.wait_for_call("chat.postMessage")
    assert (call.args["channel"], call.ok, call.status) == ("D0ANA", True, 200)
    assert sandbox.bot_token not in str(sandbox.recorder.wire())


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["D0ANA", "C0ROLLOUT", "U0ANA"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "id", "blocks", "text"]), inner)
    ),
    max_leaves=5,
)
NAMES = [
    "channel",
    "channel_id",
    "user",
    "users",
    "user_id",
    "ts",
    "thread_ts",
    "text",
    "blocks",
    "attachments",
    "metadata",
    "view",
    "view_id",
    "trigger_id",
    "files",
    "chunks",
    "markdown_text",
    "limit",
    "cursor",
    "oldest",
    "prompts",
    "status",
    "title",
    "name",
    "filename",
    "length",
    "message",
    "file",
    "hash",
    "message_ts",
]


@pytest.fixture(scope="module")
def api() -> WebApi:
    """The Web API without a server around it."""
    return Sandbox().api


@pytest.mark.parametrize("method", sorted(METHODS))
@settings(max_examples=60, deadline=None)
@given(args=st.dictionaries(st.sampled_from(NAMES), ODD, max_size=6))
def test_no_method_breaks_on_odd_arguments(api: WebApi, method: str, args: dict[str, Any]) -> None:
    token = api.app_token if METHODS[method].token == "app" else api.bot_token
    assert api.answer(method, args, token)["ok"] in {True, False}
