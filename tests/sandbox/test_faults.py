from __future__ import annotations

import time
from collections.abc import Callable
from urllib.error import URLError

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError

from bot.sandbox import Sandbox
from bot.sandbox.faults import FaultError
from tests.sandbox.rawbot import RawBot

Opened = Callable[..., RawBot]


def post(client: WebClient, text: str = "x") -> None:
    client.chat_postMessage(channel="D0ANA", text=text)


def test_429_says_when_to_come_back_and_takes_nothing(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.faults.add("chat.postMessage", "429", retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        post(client)
    assert (caught.value.response.status_code, caught.value.response.headers["retry-after"]) == (429, "7")
    assert sandbox.messages("D0ANA") == []
    post(client)
    assert len(sandbox.messages("D0ANA")) == 1


@pytest.mark.parametrize(("kind", "posted"), [("500", 0), ("503", 0), ("500_after", 1), ("html", 0), ("html_after", 1)])
def test_server_errors_and_pages_with_and_without_the_work_done(
    sandbox: Sandbox, client: WebClient, kind: str, posted: int
) -> None:
    sandbox.faults.add("chat.postMessage", kind)
    with pytest.raises((SlackApiError, SlackRequestError)):
        post(client)
    assert len(sandbox.messages("D0ANA")) == posted
    assert sandbox.calls[-1].fault == kind


@pytest.mark.parametrize(("kind", "posted"), [("reset", 0), ("reset_after", 1), ("cut_after", 1)])
def test_broken_connections_with_and_without_the_work_done(
    sandbox: Sandbox, client: WebClient, kind: str, posted: int
) -> None:
    sandbox.faults.add("chat.postMessage", kind)
    with pytest.raises((URLError, OSError, httpx.HTTPError, Exception)) as caught:
        post(client)
    assert not isinstance(caught.value, SlackApiError)
    assert len(sandbox.messages("D0ANA")) == posted


def test_the_default_client_posts_twice_when_the_answer_is_lost(sandbox: Sandbox) -> None:
    careless = WebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
    sandbox.faults.add("chat.postMessage", "reset_after")
    post(careless)
    assert len(sandbox.messages("D0ANA")) == 2


def test_a_time_out_leaves_the_caller_in_doubt(sandbox: Sandbox) -> None:
    hasty = WebClient(token=sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[], timeout=1)
    sandbox.faults.add("chat.postMessage", "timeout_after", seconds=1.5)
    began = time.monotonic()
    with pytest.raises(OSError, match="timed out"):
        post(hasty)
    assert time.monotonic() - began < 5
    assert len(sandbox.messages("D0ANA")) == 1


def test_a_slow_answer_arrives_and_blocks_nobody_else(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.faults.add("chat.postMessage", "slow", seconds=0.6)
    began = time.monotonic()
    with httpx.Client(base_url=sandbox.api_url, trust_env=False) as other:
        headers = {"authorization": f"Bearer {sandbox.bot_token}"}
        post(client)
        assert time.monotonic() - began >= 0.6
        assert other.post("auth.test", headers=headers).json()["ok"]


def test_an_error_code_hits_one_method_so_many_times(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.faults.add("chat.postMessage", "error:account_inactive", times=2)
    client.auth_test()
    for _ in range(2):
        with pytest.raises(SlackApiError, match="account_inactive"):
            post(client)
    post(client)


def test_faults_can_skip_pick_a_channel_and_hit_a_share(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.faults.add("chat.postMessage", "error:fatal_error", channel="D0BEN", skip=1)
    post(client)
    client.chat_postMessage(channel="D0BEN", text="first")
    with pytest.raises(SlackApiError, match="fatal_error"):
        client.chat_postMessage(channel="D0BEN", text="second")
    sandbox.faults.add("auth.test", "error:fatal_error", times=0, rate=0.5)
    answers = [sandbox.faults.take_api("auth.test", None) is not None for _ in range(200)]
    assert 70 < sum(answers) < 130


def test_a_channel_can_be_limited_to_one_message_a_second(
    sandbox: Sandbox, client: WebClient, page: httpx.Client
) -> None:
    page.post("/ui/faults", json={"channel_rate": 1})
    post(client)
    with pytest.raises(SlackApiError, match="ratelimited"):
        post(client)
    client.chat_postMessage(channel="D0BEN", text="another channel")
    page.post("/ui/faults", json={"clear": True})
    post(client)


def test_an_unknown_fault_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(FaultError, match="429"):
        sandbox.faults.add("chat.postMessage", "gremlins")
    with pytest.raises(FaultError, match="retry_after"):
        sandbox.faults.add("chat.postMessage", "429", colour=1)
    with pytest.raises(FaultError, match="duplicate"):
        sandbox.faults.add_event("sideways")


def test_a_duplicated_event_comes_twice_with_one_id(sandbox: Sandbox, raw_bot: Opened) -> None:
    bot = raw_bot()
    sandbox.faults.add_event("duplicate")
    sandbox.say("U0ANA", "D0ANA", "hello")
    twice = bot.wait(2, "events_api")
    sandbox.say("U0ANA", "D0ANA", "once")
    sandbox.wait_idle()
    assert len({frame["payload"]["event_id"] for frame in twice}) == 1
    assert len(bot.events()) == 3


def test_a_late_event_comes_after_a_newer_one(sandbox: Sandbox, raw_bot: Opened) -> None:
    bot = raw_bot()
    sandbox.faults.add_event("late", seconds=0.3)
    sandbox.say("U0ANA", "D0ANA", "first")
    sandbox.say("U0ANA", "D0ANA", "second")
    bot.wait(2, "events_api")
    assert [event["text"] for event in bot.events()] == ["second", "first"]


def test_a_withheld_event_comes_only_as_a_retry(sandbox: Sandbox, raw_bot: Opened) -> None:
    bot = raw_bot()
    sandbox.faults.add_event("withhold")
    sandbox.say("U0ANA", "D0ANA", "hello")
    only = bot.wait(1, "events_api")[0]
    assert only["retry_attempt"] == 1


def test_the_page_orders_faults_and_clears_them(sandbox: Sandbox, page: httpx.Client) -> None:
    order = {"method": "chat.postMessage", "kind": "429", "times": 2, "retry_after": 3}
    assert page.post("/ui/faults", json=order).json()["faults"]["api"][0]["retry_after"] == 3
    assert page.post("/ui/faults", json={"events": "duplicate"}).json()["faults"]["events"][0]["kind"] == "duplicate"
    assert page.post("/ui/faults", json={"socket": "refuse", "times": 2}).json()["faults"]["refused_sockets"] == 2
    assert page.post("/ui/faults", json={"clear": True}).json()["faults"] == {
        "api": [],
        "events": [],
        "refused_sockets": 0,
        "channel_rate": None,
    }
    for nonsense in (
        {"method": "chat.postMessage", "kind": "gremlins"},
        {"socket": "tickle"},
        {},
        {"method": "x", "kind": "429", "times": "many"},
    ):
        answer = page.post("/ui/faults", json=nonsense)
        assert (answer.status_code, answer.json()["ok"]) == (400, False)
