from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_sdk import WebClient

from bot.sandbox import Sandbox
from bot.sandbox.seed import default_manifest
from tests.sandbox.payloads import button, modal, plain, refused, text_input
from tests.sandbox.rawbot import SILENCE, RawBot

Opened = Callable[..., RawBot]


class Stream:
    """An open event stream, read event by event."""

    def __init__(self, response: httpx.Response) -> None:
        self.lines = response.iter_lines()

    def next(self, kind: str) -> dict[str, Any]:
        for line in self.lines:
            if line.startswith("data: "):
                event = json.loads(line[6:])
                if event["type"] == kind:
                    return event
        raise AssertionError(f"the stream ended before a {kind}")


@contextmanager
def listening(page: httpx.Client, user: str) -> Iterator[Stream]:
    with page.stream("GET", "/ui/events", params={"user": user}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = Stream(response)
        stream.next("hello")
        yield stream


def state(page: httpx.Client, user: str = "U0ANA") -> dict[str, Any]:
    answer = page.get("/ui/state", params={"user": user})
    assert answer.status_code == 200
    return answer.json()


def test_the_first_look_holds_everything(page: httpx.Client) -> None:
    seen = state(page)
    assert (seen["ok"], seen["me"], seen["team"]["name"]) == (True, "U0ANA", "Riverside Health")
    assert {user["id"]: user["tz"] for user in seen["users"]}["U0CHI"] == "Asia/Tokyo"
    assert seen["users"][0]["avatar"] == {"initials": "AR", "colour": "#0b6e4f"}
    rooms = {room["id"]: room for room in seen["channels"]}
    assert set(rooms) == {"C0GENERAL", "C0ROLLOUT", "C0QUIET", "D0ANA"}
    assert (rooms["C0QUIET"]["is_member_bot"], rooms["D0ANA"]["is_im"]) == (False, True)
    assert len(seen["messages"]["C0ROLLOUT"]) >= 3
    assert [c["command"] for c in seen["commands"]] == ["/coach", "/selfcheck"]
    assert {s["type"] for s in seen["shortcuts"]} == {"global", "message"}
    assert (seen["home"], seen["bot"], seen["clock"]["offset_seconds"]) == (
        None,
        {"status": "starting", "detail": ""},
        0,
    )


@pytest.mark.parametrize("user", ["", "U0NOBODY", "U0COACH"])
def test_only_people_of_the_workspace_can_look(page: httpx.Client, user: str) -> None:
    answer = page.get("/ui/state", params={"user": user})
    assert (answer.status_code, answer.json()["error"]) == (400, "unknown_user")


def test_messages_reach_the_pages_that_may_see_them(page: httpx.Client, client: WebClient) -> None:
    with listening(page, "U0ANA") as ana, listening(page, "U0BEN") as ben:
        page.post("/ui/message", json={"user": "U0ANA", "channel": "D0ANA", "text": "a secret"})
        client.chat_postEphemeral(channel="C0ROLLOUT", user="U0ANA", text="for Ana")
        page.post("/ui/message", json={"user": "U0ANA", "channel": "C0ROLLOUT", "text": "for all"})
        assert ana.next("message")["message"]["text"] == "a secret"
        assert ana.next("message")["message"]["ephemeral"] is True
        assert ben.next("message")["message"]["text"] == "for all"
    assert state(page, "U0BEN")["channels"][1]["unread"] == 1
    page.post("/ui/read", json={"user": "U0BEN", "channel": "C0ROLLOUT"})
    assert state(page, "U0BEN")["channels"][1]["unread"] == 0


def test_a_thread_reply_refreshes_its_root(page: httpx.Client, client: WebClient) -> None:
    with listening(page, "U0ANA") as stream:
        root = page.post("/ui/message", json={"user": "U0ANA", "channel": "D0ANA", "text": "root"}).json()["ts"]
        client.chat_postMessage(channel="D0ANA", thread_ts=root, text="reply")
        stream.next("message")
        assert stream.next("message")["message"]["thread_ts"] == root
        assert stream.next("message")["message"]["reply_count"] == 1


def test_edits_and_deletions_are_told_to_page_and_bot(page: httpx.Client, raw_bot: Opened) -> None:
    bot = raw_bot()
    ts = page.post("/ui/message", json={"user": "U0ANA", "channel": "D0ANA", "text": "one"}).json()["ts"]
    mine = {"user": "U0ANA", "channel": "D0ANA", "ts": ts}
    with listening(page, "U0ANA") as stream:
        assert page.post("/ui/edit", json={**mine, "text": "two"}).json()["ok"]
        assert "edited" in stream.next("message")["message"]
        assert page.post("/ui/delete", json=mine).json()["ok"]
        assert stream.next("message_deleted")["ts"] == ts
    bot.wait(3, "events_api")
    assert {event.get("subtype") for event in bot.events()} == {None, "message_changed", "message_deleted"}


def test_nobody_edits_what_somebody_else_wrote(page: httpx.Client) -> None:
    ts = page.post("/ui/message", json={"user": "U0ANA", "channel": "C0GENERAL", "text": "mine"}).json()["ts"]
    answer = page.post("/ui/edit", json={"user": "U0BEN", "channel": "C0GENERAL", "ts": ts, "text": "ours"})
    assert answer.json()["error"] == "not_yours"


def test_a_deleted_root_with_replies_stays_as_a_tombstone(page: httpx.Client, client: WebClient) -> None:
    ts = page.post("/ui/message", json={"user": "U0ANA", "channel": "D0ANA", "text": "root"}).json()["ts"]
    client.chat_postMessage(channel="D0ANA", thread_ts=ts, text="reply")
    page.post("/ui/delete", json={"user": "U0ANA", "channel": "D0ANA", "ts": ts})
    root = state(page)["messages"]["D0ANA"][0]
    assert (root["subtype"], root["reply_count"]) == ("tombstone", 1)


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("message", {"user": "U0ANA", "channel": "D0BEN", "text": "x"}, "channel_not_found"),
        ("message", {"user": "U0ANA", "channel": "D0ANA", "text": " "}, "no_text"),
        ("message", {"user": "U0ANA", "channel": "D0ANA", "text": "x", "thread_ts": "1.0"}, "message_not_found"),
        ("message", {"user": "U0COACH", "channel": "D0ANA", "text": "x"}, "unknown_user"),
        ("message", {"channel": "D0ANA", "text": "x"}, "missing_field"),
        ("message", ["x"], "invalid_json"),
        ("command", {"user": "U0ANA", "channel": "D0ANA", "command": "/nope"}, "unknown_command"),
        ("shortcut", {"user": "U0ANA", "callback_id": "nope"}, "unknown_shortcut"),
        ("submit", {"user": "U0ANA", "view_id": "V1"}, "view_not_found"),
        ("close", {"user": "U0ANA", "view_id": "V1"}, "view_not_found"),
        ("action", {"user": "U0ANA", "block_id": "b", "action_id": "a"}, "missing_field"),
        ("clock", {"to": "tomorrow"}, "invalid_time"),
        ("clock", {"to": "2026-01-01T00:00:00"}, "invalid_time"),
        ("clock", {"advance_seconds": "7"}, "missing_field"),
    ],
)
def test_what_cannot_be_done_is_said_calmly(page: httpx.Client, path: str, body: Any, error: str) -> None:
    answer = page.post(f"/ui/{path}", json=body)
    assert answer.status_code == 400
    assert (answer.json()["ok"], answer.json()["error"]) == (False, error)
    assert answer.json()["message"].endswith(".")


def test_a_command_without_a_bot_fails_as_in_slack(page: httpx.Client) -> None:
    with listening(page, "U0ANA") as stream:
        order = {"user": "U0ANA", "channel": "D0ANA", "command": "/coach", "text": "hi"}
        assert page.post("/ui/command", json=order).json()["ok"]
        assert stream.next("notice") == {
            "type": "notice",
            "level": "error",
            "text": '/coach failed with the error "dispatch_failed"',
        }


def test_a_command_without_acknowledgement_times_out(sandbox: Sandbox, page: httpx.Client, raw_bot: Opened) -> None:
    sandbox.hub.ack_timeout = 0.2
    raw_bot(lambda _: SILENCE)
    with listening(page, "U0ANA") as stream:
        page.post("/ui/command", json={"user": "U0ANA", "channel": "D0ANA", "command": "/coach", "text": "hi"})
        assert "operation_timeout" in stream.next("notice")["text"]


def test_a_click_carries_message_state_and_response_url(
    sandbox: Sandbox, page: httpx.Client, client: WebClient, raw_bot: Opened
) -> None:
    bot = raw_bot()
    options = [{"text": plain(word), "value": word} for word in ("low", "high")]
    select = {"type": "static_select", "action_id": "level", "options": options}
    row = {"type": "actions", "block_id": "row", "elements": [select, button("go", "42")]}
    ts = client.chat_postMessage(channel="D0ANA", text="Which?", blocks=[row])["ts"]
    where = {"type": "message", "channel": "D0ANA", "ts": ts}
    chosen = {"row": {"level": {"selected_option": options[1]}}}
    click = {"user": "U0ANA", "container": where, "block_id": "row", "action_id": "go", "value": {"type": "button"}}
    assert page.post("/ui/action", json={**click, "state": {"values": chosen}}).json()["ok"]
    sent = bot.wait(1, "interactive")[0]["payload"]
    assert (sent["type"], sent["actions"][0]["value"], sent["container"]["message_ts"]) == ("block_actions", "42", ts)
    assert sent["state"]["values"]["row"]["level"]["selected_option"]["value"] == "high"
    assert (sent["message"]["text"], sent["channel"]["id"], sent["user"]["id"]) == ("Which?", "D0ANA", "U0ANA")
    answer = httpx.post(sent["response_url"], json={"replace_original": True, "text": "Taken"}, trust_env=False)
    assert (answer.status_code, sandbox.messages("D0ANA")[-1]["text"]) == (200, "Taken")


def test_a_click_on_an_ephemeral_message_has_no_message_and_can_delete_it(
    sandbox: Sandbox, client: WebClient, raw_bot: Opened
) -> None:
    bot = raw_bot()
    row = {"type": "actions", "elements": [button("dismiss")]}
    ts = client.chat_postEphemeral(channel="C0ROLLOUT", user="U0ANA", text="x", blocks=[row])["message_ts"]
    sandbox.click("U0ANA", ts, "dismiss")
    sent = bot.wait(1, "interactive")[0]["payload"]
    assert ("message" in sent, sent["container"]["is_ephemeral"]) == (False, True)
    httpx.post(sent["response_url"], json={"delete_original": True}, trust_env=False)
    assert not [m for m in sandbox.messages("C0ROLLOUT", "U0ANA") if m["ts"] == ts]


def test_a_response_url_works_five_times_within_half_an_hour(sandbox: Sandbox, raw_bot: Opened) -> None:
    bot = raw_bot()
    sandbox.command("U0ANA", "C0QUIET", "/coach", "help")
    url = bot.wait(1, "slash_commands")[0]["payload"]["response_url"]
    for number in range(5):
        assert httpx.post(url, json={"text": f"answer {number}"}, trust_env=False).status_code == 200
    assert httpx.post(url, json={"text": "one more"}, trust_env=False).json()["error"] == "used_url"
    sandbox.command("U0ANA", "C0QUIET", "/coach", "help")
    url = bot.wait(2, "slash_commands")[1]["payload"]["response_url"]
    sandbox.clock.advance(timedelta(minutes=31))
    assert httpx.post(url, json={"text": "late"}, trust_env=False).json()["error"] == "expired_url"
    assert len([m for m in sandbox.messages("C0QUIET", "U0ANA") if m.get("ephemeral")]) == 5


def test_a_response_url_answers_in_a_thread_for_all_where_told(sandbox: Sandbox, raw_bot: Opened) -> None:
    bot = raw_bot()
    root = sandbox.say("U0ANA", "C0ROLLOUT", "situation")
    sandbox.shortcut("U0ANA", "triage_message", "C0ROLLOUT", root)
    sent = bot.wait(1, "interactive")[0]["payload"]
    assert (sent["type"], sent["message"]["text"], sent["message_ts"]) == ("message_action", "situation", root)
    answer = {
        "text": "It is C4",
        "response_type": "in_channel",
        "replace_original": False,
        "thread_ts": root,
        "unfurl_links": False,
    }
    httpx.post(sent["response_url"], json=answer, trust_env=False)
    assert sandbox.messages("C0ROLLOUT", thread_ts=root)[-1]["text"] == "It is C4"
    bad = httpx.post(sent["response_url"], json={"blocks": [{"type": "nope"}]}, trust_env=False)
    assert (bad.status_code, bad.json()["error"]) == (400, "invalid_blocks")


def test_a_global_shortcut_has_neither_channel_nor_response_url(sandbox: Sandbox, raw_bot: Opened) -> None:
    bot = raw_bot()
    sandbox.shortcut("U0ANA", "selfcheck")
    sent = bot.wait(1, "interactive")[0]["payload"]
    assert (sent["type"], "channel" in sent, "response_url" in sent) == ("shortcut", False, False)


def test_modals_open_change_and_close_on_the_page(
    sandbox: Sandbox, page: httpx.Client, client: WebClient, raw_bot: Opened
) -> None:
    bot = raw_bot(lambda e: {"response_action": "errors", "errors": {"b": "No"}} if "bad" in str(e) else None)
    with listening(page, "U0ANA") as stream:
        sandbox.shortcut("U0ANA", "selfcheck")
        trigger = bot.wait(1, "interactive")[0]["payload"]["trigger_id"]
        view = client.views_open(trigger_id=trigger, view=modal(text_input("b"), submit=plain("Send")))["view"]
        assert stream.next("modal")["view"]["stack"] == 1
        send = {"user": "U0ANA", "view_id": view["id"]}
        assert page.post("/ui/submit", json={**send, "state": {"values": {}}}).json()["errors"] == {
            "b": "Please complete this required field."
        }
        bad = {"values": {"b": {"typed": {"type": "plain_text_input", "value": "bad"}}}}
        assert page.post("/ui/submit", json={**send, "state": bad}).json() == {"ok": False, "errors": {"b": "No"}}
        good = {"values": {"b": {"typed": {"type": "plain_text_input", "value": "fine"}}}}
        assert page.post("/ui/submit", json={**send, "state": good}).json() == {"ok": True}
        assert stream.next("modal_closed") == {"type": "modal_closed"}


def test_home_status_clock_and_bot_news(sandbox: Sandbox, page: httpx.Client, client: WebClient) -> None:
    with listening(page, "U0ANA") as stream:
        client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": [{"type": "divider"}]})
        assert stream.next("home")["view"]["type"] == "home"
        ts = sandbox.say("U0ANA", "D0ANA", "x")
        client.assistant_threads_setStatus(channel_id="D0ANA", thread_ts=ts, status="is thinking…")
        assert stream.next("status")["text"] == "is thinking…"
        page.post("/ui/clock", json={"advance_seconds": 3600})
        assert stream.next("clock")["offset_seconds"] == 3600
        sandbox.set_bot_status("ready", "8 workers")
        assert stream.next("bot") == {"type": "bot", "status": "ready", "detail": "8 workers"}
    assert state(page)["home"]["type"] == "home"
    there = "2027-01-01T09:00:00+00:00"
    assert page.post("/ui/clock", json={"to": there}).json()["clock"]["now"].startswith("2027-01-01T09:00")
    page.post("/ui/clock", json={"reset": True})
    assert state(page)["clock"]["offset_seconds"] == 0


def test_a_refused_payload_is_shown_on_the_page(page: httpx.Client, client: WebClient) -> None:
    with listening(page, "U0ANA") as stream:
        refused(client, "chat.postMessage", channel="D0ANA", text="x", blocks=[{"type": "nope"}])
        notice = stream.next("notice")
        assert (notice["level"], "unsupported type: nope" in notice["text"]) == ("warning", True)
        refused(client, "chat.nothing")
        assert "chat.nothing" in stream.next("notice")["text"]


def test_a_mention_where_the_bot_is_not_is_explained(page: httpx.Client) -> None:
    with listening(page, "U0ANA") as stream:
        page.post("/ui/message", json={"user": "U0ANA", "channel": "C0QUIET", "text": "<@U0COACH> hi"})
        assert "not in #leadership" in stream.next("notice")["text"]


def test_the_next_nudge_comes_from_the_bot(page: httpx.Client, sandbox: Sandbox) -> None:
    assert page.get("/ui/next_nudge").json() == {"ok": True, "at": None}
    sandbox.next_nudge = lambda: datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert page.get("/ui/next_nudge").json()["at"] == "2026-12-01T09:00:00+00:00"


def test_the_log_lists_calls(page: httpx.Client, client: WebClient) -> None:
    client.chat_postMessage(channel="D0ANA", text="x")
    calls = page.get("/ui/log").json()["calls"]
    assert [(c["method"], c["args"]["text"], c["response"]["ok"]) for c in calls] == [("chat.postMessage", "x", True)]


def test_installing_another_app_changes_what_is_offered(sandbox: Sandbox, page: httpx.Client) -> None:
    manifest = default_manifest()
    manifest["features"]["agent_view"] = {
        "agent_description": "d",
        "suggested_prompts": [{"title": "Plan", "message": "Help me plan"}],
    }
    manifest["features"]["slash_commands"] = []
    with listening(page, "U0ANA") as stream:
        sandbox.install(manifest)
        stream.next("reset")
    seen = state(page)
    assert (seen["commands"], seen["suggested_prompts"]) == ([], [{"title": "Plan", "message": "Help me plan"}])


def test_a_read_only_messages_tab_takes_no_messages(sandbox: Sandbox, page: httpx.Client) -> None:
    manifest = default_manifest()
    manifest["features"]["app_home"]["messages_tab_read_only_enabled"] = True
    sandbox.install(manifest)
    answer = page.post("/ui/message", json={"user": "U0ANA", "channel": "D0ANA", "text": "x"})
    assert answer.json()["error"] == "messages_tab_disabled"


def test_the_page_is_served_with_its_files(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>the page</p>")
    (tmp_path / "app.js").write_text("1")
    with Sandbox(page_dir=tmp_path) as sandbox:
        assert "the page" in httpx.get(sandbox.url, trust_env=False).text
        assert "javascript" in httpx.get(f"{sandbox.url}/static/app.js", trust_env=False).headers["content-type"]
        assert httpx.get(f"{sandbox.url}/static/../server.py", trust_env=False).status_code == 404


def test_without_its_page_the_server_says_so(tmp_path: Path) -> None:
    with Sandbox(page_dir=tmp_path / "none") as sandbox:
        assert "not installed" in httpx.get(sandbox.url, trust_env=False).text


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"host": "evil.example"}, {"origin": "null"}])
def test_other_sites_in_the_same_browser_are_kept_out(page: httpx.Client, headers: dict[str, str]) -> None:
    order = {"user": "U0ANA", "channel": "D0ANA", "text": "x"}
    assert page.post("/ui/message", json=order, headers=headers).status_code == 403
    assert page.post("/ui/message", json=order, headers={"origin": str(page.base_url).rstrip("/")}).status_code == 200


def test_new_people_and_moved_ones(sandbox: Sandbox, client: WebClient, page: httpx.Client) -> None:
    dana = sandbox.add_person("Dana Weber", "Europe/Berlin")
    assert client.chat_postMessage(channel=dana, text="hello")["channel"] == sandbox.dm(dana)
    sandbox.set_timezone(dana, "Pacific/Auckland")
    assert client.users_info(user=dana)["user"]["tz"] == "Pacific/Auckland"
    assert state(page, dana)["messages"][sandbox.dm(dana)][0]["text"] == "hello"
