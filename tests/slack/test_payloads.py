"""Recorded payloads become typed values, and what isn't addressed to the bot becomes nothing (S8)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.records import Member
from bot.sandbox.server import Sandbox
from bot.slack.bolt import SlackApp
from bot.slack.payloads import (
    Choice,
    Click,
    Closed,
    Command,
    GlobalShortcut,
    HomeOpened,
    Identity,
    Ignored,
    Lifecycle,
    Mention,
    Message,
    MessageShortcut,
    ProfileChanged,
    Submission,
    from_row,
    kind_of,
    parse,
    plain,
    to_row,
)
from bot.slack.replies import place_of
from tests.slack.conftest import payload

US = Identity("U0COACH", "B0COACH", "T0SANDBOX", "A0COACH")
ANA, BEN = Member("T0SANDBOX", "U0ANA"), Member("T0SANDBOX", "U0BEN")
NAMES = sorted(p.stem for p in (Path(__file__).parent / "payloads").glob("*.json"))
IGNORED = [n for n in NAMES if n.startswith("ignored_")]
ADDRESSED = [n for n in NAMES if not n.startswith("ignored_")]

EXPECTED = {
    "message_im": Message(
        key="event:Ev0MSG00001",
        member=ANA,
        channel="D0ANA",
        ts="1795339400.000100",
        thread_ts=None,
        text="How do barriers differ from problems?",
    ),
    "app_mention": Mention(
        key="event:Ev0MEN00001",
        member=BEN,
        channel="C0ROLLOUT",
        ts="1795339400.000200",
        thread_ts=None,
        text="what is readiness?",
    ),
    "command": Command(
        key="command:13345224609.738474920.8088930838d88f008e0",
        member=ANA,
        name="/coach",
        text="ask what is & readiness?",
        channel="C0GENERAL",
        response_url="http://127.0.0.1:9/respond/1",
        trigger_id="13345224609.738474920.8088930838d88f008e0",
        user_name="ana",
    ),
    "message_shortcut": MessageShortcut(
        key="shortcut:1.2.sc",
        member=ANA,
        callback_id="triage.which",
        channel="C0ROLLOUT",
        message_ts="1795339400.000800",
        thread_ts=None,
        text="They nod & nothing happens, someone.",
        response_url="http://127.0.0.1:9/respond/2",
        trigger_id="1.2.sc",
    ),
    "global_shortcut": GlobalShortcut(key="shortcut:1.2.gl", member=ANA, callback_id="ask.open", trigger_id="1.2.gl"),
    "view_closed": Closed(
        key="closed:V0MODAL", member=ANA, callback_id="selfcheck.page", view_id="V0MODAL", metadata="c1"
    ),
    "home_opened": HomeOpened(key="event:Ev0HOM00001", member=ANA, tab="home", channel="D0ANA"),
    "user_change": ProfileChanged(key="event:Ev0USR00001", member=ANA, zone="Europe/Berlin"),
    "app_uninstalled": Lifecycle(key="event:Ev0UNI00001", member=Member("T0SANDBOX", ""), name="app_uninstalled"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_payload_becomes_its_typed_value(name: str) -> None:
    assert parse(payload(name), US) == EXPECTED[name]


def test_escapes_mentions_and_links_become_plain_words() -> None:
    request = parse(payload("message_im_escaped"), US)
    assert isinstance(request, Message)
    assert request.text == "Is <b> & @ben in #falls-prevention ok? @here the link a@b.org"


def test_a_button_knows_where_it_stood() -> None:
    request = parse(payload("button"), US)
    assert isinstance(request, Click)
    assert (request.action_id, request.value, request.on.channel) == ("share.open", "e1", "D0ANA")
    assert place_of(request).thread_ts == "1795339300.000100"


def test_a_select_on_the_home_gives_its_value_and_view() -> None:
    request = parse(payload("select"), US)
    assert isinstance(request, Choice)
    assert (request.action_id, request.values, request.on.view_type) == ("home.zone", ("America/Toronto",), "home")
    assert place_of(request).kind == "dm"


def test_a_submission_gives_every_kind_of_input_by_block_id() -> None:
    request = parse(payload("view_submission"), US)
    assert isinstance(request, Submission)
    assert request.key == "view:V0MODAL:156772938.1827394"
    assert request.values == {
        "competency": "C7",
        "share": ("share",),
        "note": " two words ",
        "day": "2026-11-24",
        "at": "1795339400",
        "who": ("U0BEN",),
        "where": "C0ROLLOUT",
        "none": None,
    }
    assert request.text("note") == "two words"
    assert request.chosen("share") == ("share",)


@pytest.mark.parametrize("name", IGNORED)
def test_s8_what_is_not_addressed_to_the_bot_is_ignored_by_the_parser(name: str) -> None:
    assert isinstance(parse(payload(name), US), Ignored)


@pytest.mark.parametrize("name", ADDRESSED)
def test_every_request_survives_the_inbox_unchanged(name: str) -> None:
    request = parse(payload(name), US)
    assert not isinstance(request, Ignored)
    assert from_row(kind_of(request), to_row(request)) == request


@pytest.mark.fault("S8")
def test_s8_own_posts_bots_edits_joins_and_copies_get_no_reply_at_all(sandbox: Sandbox, bot: SlackApp, figure) -> None:
    before = len(sandbox.calls)
    for name in IGNORED:
        assert bot.dispatch(payload(name)).status == 200, name
    bot.dispatch(payload("message_im"))  # handled after them: once it is answered, they would have been too
    sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.wait_idle()
    posts = [
        c for c in sandbox.calls[before:] if c.method in {"chat.postMessage", "response_url", "chat.postEphemeral"}
    ]
    assert len(posts) == 1
    figure(f"{len(IGNORED)} payloads that are not the bot's business: {len(posts) - 1} replies")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(
    ["event", "event_id", "team_id", "type", "user", "command", "trigger_id", "view", "actions", "team", "message"]
)


@given(st.dictionaries(_KEYS, _JSON | st.sampled_from(["block_actions", "view_submission", "message_action"])))
def test_no_payload_makes_the_parser_fail(body: dict) -> None:
    parse(body, US)


@given(st.text())
def test_no_text_makes_the_plain_words_fail(text: str) -> None:
    plain(text)
