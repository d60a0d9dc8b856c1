"""The parts below the scenarios: outcomes of sends, the pool, the wording's keys, and what goes over the wire."""

from __future__ import annotations

import re
import threading
from http.client import RemoteDisconnected
from pathlib import Path
from urllib.error import URLError

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.core.records import Member
from bot.core.wording import Wording
from bot.sandbox.server import Sandbox
from bot.slack.bolt import SlackApp
from bot.slack.messenger import TEXT_LIMIT, classify, outgoing
from bot.slack.mrkdwn import NO_LINKS
from bot.slack.pool import WorkPool
from tests.slack.scripted import ScriptedCoach

ANA, BEN = Member("T", "A"), Member("T", "B")
SLACK = Path(__file__).parents[2] / "bot" / "slack"


def _refused(status: int, data: object, headers: dict[str, str] | None = None) -> SlackApiError:
    response = SlackResponse(
        client=None, http_verb="POST", api_url="x", req_args={}, data=data, headers=headers or {}, status_code=status
    )
    return SlackApiError("refused", response)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (_refused(200, {"ok": False, "error": code}), outcome)
        for code, outcome in {
            "channel_not_found": "failed",
            "not_in_channel": "failed",
            "is_archived": "failed",
            "msg_too_long": "failed",
            "no_text": "failed",
            "invalid_blocks": "failed",
            "restricted_action": "failed",
            "missing_scope": "failed",
            "user_disabled": "failed",
            "a_code_of_next_year": "failed",
            "ratelimited": "retry",
            "token_revoked": "revoked",
            "invalid_auth": "revoked",
            "account_inactive": "revoked",
            "internal_error": "uncertain",
            "fatal_error": "uncertain",
            "service_unavailable": "uncertain",
            "request_timeout": "retry",
            "org_login_required": "retry",
            "Received a response in a non-JSON format: <html>": "uncertain",
        }.items()
    ]
    + [
        (_refused(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "7"}), "retry"),
        (_refused(500, {}), "uncertain"),
        (_refused(503, {"ok": False, "error": "Received a response in a non-JSON format"}), "uncertain"),
        (TimeoutError(), "uncertain"),
        (URLError("refused"), "uncertain"),
        (RemoteDisconnected(), "uncertain"),
        (ConnectionResetError(), "uncertain"),
    ],
)
def test_each_way_a_send_can_end_has_its_outcome(error: Exception, outcome: str) -> None:
    assert classify(error).outcome == outcome


def test_a_rate_limit_says_how_long_to_wait() -> None:
    sent = classify(_refused(429, {"ok": False, "error": "ratelimited"}, {"retry-after": "7"}))
    assert sent.retry_after == 7.0


def test_every_payload_has_previews_off_an_opaque_key_and_fits() -> None:
    made = outgoing("x" * 50_000, [{"type": "divider"}] * 60, NO_LINKS, key="k1", thread_ts="1.2")
    assert made["unfurl_links"] is made["unfurl_media"] is False
    assert made["metadata"] == {"event_type": "isp_coach", "event_payload": {"key": "k1"}}
    assert len(made["text"]) <= TEXT_LIMIT
    assert len(made["blocks"]) == 50


def test_only_the_messenger_calls_slack() -> None:
    """No other file of the ring makes a payload or holds a client that posts (the token check and the socket apart)."""
    calls = re.compile(
        r"\bchat_(?!stream)\w+\(|views_\w+\(|\bsay_stream|\brespond\(text|chat\.postMessage|files_upload"
    )
    found = {p.name for p in SLACK.glob("*.py") if calls.search(p.read_text("utf-8"))}
    assert found == {"messenger.py"}


def test_every_text_that_is_asked_for_exists_and_every_text_is_used(wording: Wording) -> None:
    code = "\n".join(p.read_text("utf-8") for p in SLACK.glob("*.py"))
    code = re.sub(r"\blog\.\w+\(\s*\"[a-z_.]+\"", "", code)
    literal = set(re.findall(r"\"(slack\.[a-z_.0-9]+[a-z0-9])\"", code))
    assert literal <= set(wording.texts)
    patterns = [re.sub(r"\\\{.*?\\\}", "[a-z_0-9]+", re.escape(f)) for f in re.findall(r"f\"(slack\.[^\"]*)\"", code)]
    built = {"slack.ask.feedback.up", "slack.ask.feedback.down"}
    unused = {
        key
        for key in wording.texts
        if key.startswith("slack.") and key not in literal | built and not any(re.fullmatch(p, key) for p in patterns)
    }
    assert unused == set()


def _pool(workers: int = 2, per_person: int = 3, limit: int = 10) -> WorkPool:
    pool = WorkPool("test", workers=workers, per_person=per_person, limit=limit)
    pool.start()
    return pool


def test_one_persons_jobs_run_in_order_one_at_a_time_and_others_get_their_turn() -> None:
    pool, order, gate = _pool(workers=1, per_person=10), [], threading.Event()
    pool.submit(ANA, gate.wait)
    for n in range(3):
        pool.submit(ANA, lambda n=n: order.append(f"a{n}"))
    pool.submit(BEN, lambda: order.append("b"))
    gate.set()
    assert pool.stop(drain_seconds=5)
    assert [o for o in order if o.startswith("a")] == ["a0", "a1", "a2"]
    assert order.index("b") == 0, "the person who came last waits for one job, not for all of another's"


def test_the_limits_are_kept_and_named() -> None:
    pool, gate = _pool(workers=1, per_person=2, limit=3), threading.Event()
    running = threading.Event()
    pool.submit(ANA, lambda: (running.set(), gate.wait()))
    assert running.wait(5)
    assert [pool.submit(ANA, lambda: None) for _ in range(3)] == ["queued", "queued", "person_full"]
    assert [pool.submit(BEN, lambda: None) for _ in range(2)] == ["queued", "full"]
    gate.set()
    assert pool.stop(drain_seconds=5)
    assert pool.submit(ANA, lambda: None) == "stopped"


def test_a_job_that_fails_does_not_take_its_worker_along() -> None:
    pool, done = _pool(workers=1), threading.Event()
    pool.submit(ANA, lambda: 1 // 0)
    pool.submit(ANA, done.set)
    assert done.wait(5)
    assert pool.stop(drain_seconds=5)


def test_a_delayed_job_runs_after_its_time_whatever_the_limits() -> None:
    pool, done = _pool(per_person=0, limit=0), threading.Event()
    pool.later(0.01, ANA, done.set)
    assert done.wait(5)
    assert pool.stop(drain_seconds=5)


def test_stopping_gives_up_on_a_job_that_does_not_end() -> None:
    pool, gate = _pool(workers=1), threading.Event()
    pool.submit(ANA, lambda: gate.wait(30) and None)
    assert not pool.stop(drain_seconds=0.1)
    gate.set()


@pytest.mark.parametrize(
    "nasty", ["<!channel> <@U0BEN> look", "[paper](https://evil.example/?q=1) ![x](https://evil.example/i)"]
)
def test_l3_nothing_live_goes_over_the_wire_in_any_kind_of_answer(
    sandbox: Sandbox, bot: SlackApp, coach: ScriptedCoach, nasty: str
) -> None:
    coach.answer_text = f"{nasty} [1]"
    sandbox.say("U0ANA", "D0ANA", nasty)
    message = sandbox.wait_for_message("D0ANA", "Sources")
    sandbox.click("U0ANA", message["ts"], "share.open")
    sandbox.wait_for_modal("U0ANA", "Share this answer")
    sandbox.submit("U0ANA", {"channel": "C0ROLLOUT"})
    sandbox.wait_for_message("C0ROLLOUT", "shared this")
    sandbox.command("U0ANA", "C0GENERAL", "/coach", f"which {nasty}")
    sandbox.wait_for_message("C0GENERAL", "sounds like", user="U0ANA")
    sent = str([c.args for c in sandbox.calls if c.method != "auth.test"])
    assert not re.search(r"<!(?!date)|<@U|evil\.example|<https?://(?!www\.centerforimplementation)", sent)
