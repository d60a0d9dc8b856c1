"""Deliveries: each answered once, whatever is repeated, late, refused, slow or cut off (S3, S4, S10, L9)."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.records import InboxItem, Member
from bot.sandbox.server import Sandbox
from bot.slack.bolt import SlackApp
from bot.slack.payloads import Identity, kind_of, parse, to_row
from tests.fakes.memory import MemoryRepositories
from tests.slack.conftest import payload
from tests.slack.scripted import ScriptedCoach

ANA = Member("T0SANDBOX", "U0ANA")
ROUNDS = 100


def _message(number: int, text: str = "What is readiness?") -> dict:
    body = copy.deepcopy(payload("message_im"))
    body["event_id"] = f"Ev0ROUND{number:04}"
    body["event"] |= {"text": f"{text} ({number})", "ts": f"1795339400.{number:06}"}
    return body


def _answers(sandbox: Sandbox, channel: str = "D0ANA", words: str = "comes first") -> list[dict]:
    return [m for m in sandbox.messages(channel, "U0ANA") if words in m["text"] and m["user"] == "U0COACH"]


@pytest.mark.fault("S3")
def test_s3_the_same_event_four_times_gives_one_answer(sandbox: Sandbox, bot: SlackApp, figure) -> None:
    for number in range(ROUNDS):
        body = _message(number)
        threads = [threading.Thread(target=bot.dispatch, args=(body,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sandbox.wait_for(lambda n=number: len(_answers(sandbox)) > n, what=f"answer {number}")
    sandbox.wait_idle()
    assert len(_answers(sandbox)) == ROUNDS
    figure(f"{ROUNDS} events, each delivered 4 times at once to one process: {len(_answers(sandbox))} answers")


@pytest.mark.fault("S4")
def test_s4_where_only_the_retry_arrives_it_is_answered_once(sandbox: Sandbox, bot: SlackApp, figure) -> None:
    for number in range(ROUNDS):
        sandbox.faults.add_event("withhold")
        sandbox.say("U0ANA", "D0ANA", f"What is readiness? ({number})")
        sandbox.wait_for(lambda n=number: len(_answers(sandbox)) > n, what=f"answer {number}")
    sandbox.wait_idle()
    assert len(_answers(sandbox)) == ROUNDS
    figure(f"{ROUNDS} events whose first delivery was withheld: {len(_answers(sandbox))} answers")


def test_a_duplicate_and_a_late_copy_are_dropped(sandbox: Sandbox, bot: SlackApp) -> None:
    sandbox.faults.add_event("duplicate")
    sandbox.say("U0ANA", "D0ANA", "What is readiness?")
    sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.wait_idle()
    assert len(_answers(sandbox)) == 1


@pytest.mark.parametrize("kind", ["500", "html", "reset", "cut", "500_after", "html_after", "reset_after", "cut_after"])
def test_an_uncertain_post_in_a_dm_is_checked_before_it_is_repeated(sandbox: Sandbox, bot: SlackApp, kind: str) -> None:
    sandbox.faults.add("chat.postMessage", kind)
    sandbox.say("U0ANA", "D0ANA", "What is readiness?")
    sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.wait_idle()
    assert len(_answers(sandbox)) == 1


def test_a_rate_limited_post_waits_and_goes_out_once(sandbox: Sandbox, bot: SlackApp) -> None:
    sandbox.faults.add("chat.postMessage", "429", retry_after=1)
    sandbox.say("U0ANA", "D0ANA", "What is readiness?")
    sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.wait_idle()
    assert len(_answers(sandbox)) == 1
    posts = [c for c in sandbox.calls if c.method == "chat.postMessage"]
    assert posts[1].arrived - posts[0].arrived >= 1


def test_what_another_replica_took_over_is_not_answered_here(
    sandbox: Sandbox, bot: SlackApp, repositories: MemoryRepositories, coach: ScriptedCoach
) -> None:
    """It was slow, or frozen, for so long that another one began the work anew."""
    ask = coach.ask

    def overtaken(question):
        (item,) = repositories.inbox.unfinished()
        assert repositories.inbox.begin(item.key, attempts=item.attempts) is not None
        return ask(question)

    coach.ask = overtaken
    sandbox.say("U0ANA", "D0ANA", "What is readiness?")
    sandbox.wait_for(lambda: [i.attempts for i in repositories.inbox.unfinished()] == [2])
    sandbox.wait_for(lambda: not bot.inbox._working, what="leaving it to the other one")
    assert _answers(sandbox) == []
    coach.ask = ask
    assert bot.inbox.resume() == 1  # as the other one, were it to die
    sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.wait_idle()
    assert len(_answers(sandbox)) == 1


def test_a_process_frozen_on_its_way_to_the_post_looks_again_before_it_sends(
    sandbox: Sandbox, bot: SlackApp, repositories: MemoryRepositories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The freeze comes when all but the last byte is written; the other replica answers meanwhile."""
    post, frozen = bot.messenger.post, []

    def freezing(member: Member, channel: str, **more: object) -> object:
        still = more["still"]

        def asked() -> bool:
            if not frozen:
                frozen.append(True)
                sandbox.clock.move(timedelta(minutes=2))
                (item,) = repositories.inbox.unfinished()
                assert repositories.inbox.begin(item.key, attempts=item.attempts) is not None
                assert post(member, channel, **(more | {"still": None})).outcome == "sent"
                repositories.inbox.done(item.key, "answered")
            return still()

        return post(member, channel, **(more | {"still": asked}))

    monkeypatch.setattr(bot.messenger, "post", freezing)
    sandbox.say("U0ANA", "D0ANA", "What is readiness?")
    sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.wait_for(lambda: not bot.inbox._working, what="leaving it to the other one")
    sandbox.wait_idle()
    assert frozen
    assert len(_answers(sandbox)) == 1


def test_a_slow_way_to_the_post_alone_loses_no_answer(
    sandbox: Sandbox, bot: SlackApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    post, slow = bot.messenger.post, []

    def slowly(member: Member, channel: str, **more: object) -> object:
        if not slow:
            slow.append(True)
            sandbox.clock.move(timedelta(minutes=2))
        return post(member, channel, **more)

    monkeypatch.setattr(bot.messenger, "post", slowly)
    sandbox.say("U0ANA", "D0ANA", "What is readiness?")
    sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.wait_idle()
    assert len(_answers(sandbox)) == 1


@pytest.mark.parametrize("kind", ["500_after", "reset_after"])
def test_an_uncertain_answer_in_a_channel_is_not_repeated_but_owned_up_to(
    sandbox: Sandbox, bot: SlackApp, kind: str
) -> None:
    sandbox.faults.add("chat.postMessage", kind, channel="C0ROLLOUT")
    sandbox.mention("U0ANA", "C0ROLLOUT", "What is readiness?")
    sandbox.wait_for_message("D0ANA", "can't tell whether my answer arrived")
    sandbox.wait_idle()
    assert len(_answers(sandbox, "C0ROLLOUT")) == 1
    assert len(_answers(sandbox, "D0ANA", "can't tell")) == 1


def test_the_history_check_failing_holds_the_send_back_until_it_works(sandbox: Sandbox, bot: SlackApp) -> None:
    sandbox.faults.add("chat.postMessage", "500_after")
    sandbox.faults.add("conversations.history", "error:internal_error", times=1)
    sandbox.say("U0ANA", "D0ANA", "What is readiness?")
    sandbox.wait_for(lambda: len([c for c in sandbox.calls if c.method == "conversations.history"]) >= 2)
    sandbox.wait_idle()
    assert len(_answers(sandbox)) == 1
    assert len([c for c in sandbox.calls if c.method == "chat.postMessage"]) == 1


def test_a_used_up_response_url_is_answered_in_the_dm(sandbox: Sandbox, bot: SlackApp) -> None:
    body = payload("command") | {"response_url": f"{sandbox.url}/respond/gone"}
    bot.dispatch(body)
    sandbox.wait_for_message("D0ANA", "comes first")


def test_a_channel_that_refuses_the_bot_is_answered_in_the_dm(sandbox: Sandbox, bot: SlackApp) -> None:
    sandbox.faults.add("chat.postMessage", "error:is_archived", channel="C0ROLLOUT", times=0)
    sandbox.mention("U0ANA", "C0ROLLOUT", "What is readiness?")
    sandbox.wait_for_message("D0ANA", "Slack didn't let me answer there")


def _left_behind(sandbox: Sandbox, name: str, *, sending: bool) -> InboxItem:
    request = parse(payload(name), Identity("U0COACH"))
    return InboxItem(
        key=request.key,
        kind=kind_of(request),
        member=request.member,
        payload=to_row(request),
        received_at=sandbox.clock.now(),
        sending=sending,
    )


def test_what_a_crash_left_before_the_send_is_answered_on_start(
    sandbox: Sandbox, build: Callable[[], SlackApp], repositories: MemoryRepositories
) -> None:
    repositories.inbox.record(_left_behind(sandbox, "message_im", sending=False))
    build().start()
    sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.wait_idle()
    assert len(_answers(sandbox)) == 1
    assert repositories.inbox.unfinished() == []


@pytest.mark.parametrize("landed", [True, False])
def test_after_a_crash_in_the_midst_of_a_send_the_dm_holds_exactly_one_answer(
    sandbox: Sandbox,
    build: Callable[[], SlackApp],
    repositories: MemoryRepositories,
    coach: ScriptedCoach,
    landed: bool,
) -> None:
    if landed:  # a first life of the bot that got its answer out and died before it could note so
        first = build()
        first.start()
        first.dispatch(payload("message_im"))
        sandbox.wait_for_message("D0ANA", "comes first")
        sandbox.wait_idle()
        first.stop()
        repositories.inbox.sweep(done_before=sandbox.clock.advance(1))
    repositories.inbox.record(_left_behind(sandbox, "message_im", sending=True))
    build().start()
    sandbox.wait_for(lambda: not repositories.inbox.unfinished(), what="the row closed")
    assert len(_answers(sandbox)) == 1


@pytest.mark.parametrize("name", ["app_mention", "command"])
def test_after_a_crash_in_a_place_that_cant_be_read_one_line_in_the_dm_says_so(
    sandbox: Sandbox, build: Callable[[], SlackApp], repositories: MemoryRepositories, name: str
) -> None:
    item = _left_behind(sandbox, name, sending=True)
    repositories.inbox.record(item)
    dm = "D0ANA" if item.member == ANA else "D0BEN"
    for _ in range(2):  # the second start finds the line in the history, and repeats nothing
        build().start()
        sandbox.wait_for(lambda: not repositories.inbox.unfinished(), what="the row closed")
        repositories.inbox.sweep(done_before=sandbox.clock.advance(1))
        repositories.inbox.record(item)
    apologies = [m for m in sandbox.messages(dm) if "can't tell whether my answer arrived" in m["text"]]
    assert len(apologies) == 1
    assert not [m for m in sandbox.messages("C0ROLLOUT") if m["user"] == "U0COACH"]


def test_a_delivery_that_kills_the_bot_each_time_is_apologised_for(
    sandbox: Sandbox, build: Callable[[], SlackApp], repositories: MemoryRepositories, coach: ScriptedCoach
) -> None:
    repositories.inbox.record(replace(_left_behind(sandbox, "message_im", sending=False), attempts=5))
    build().start()
    sandbox.wait_for_message("D0ANA", "Something went wrong")
    assert coach.asked == []


def test_where_nothing_can_be_written_an_event_is_not_acknowledged_and_a_command_is_told(
    sandbox: Sandbox, bot: SlackApp, repositories: MemoryRepositories, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_item: InboxItem) -> bool:
        raise OSError("disk full")

    monkeypatch.setattr(repositories.inbox, "record", full)
    assert bot.dispatch(payload("message_im")).status == 503
    response = bot.dispatch(payload("command"))
    assert response.status == 200
    assert "can't take this down" in response.body


def test_s10_one_person_who_floods_is_told_once_and_others_are_served(
    sandbox: Sandbox, bot: SlackApp, coach: ScriptedCoach
) -> None:
    coach.seconds = 0.05
    for number in range(200):
        bot.dispatch(_message(number))
    sandbox.mention("U0BEN", "C0ROLLOUT", "What is readiness?")
    before = len(_answers(sandbox))
    sandbox.wait_for_message("C0ROLLOUT", "comes first")
    assert len(_answers(sandbox)) - before < 10, "the other person did not wait for the flood"
    sandbox.wait_idle(timeout=30)
    assert len(_answers(sandbox, words="That's a lot at once")) == 1


def test_one_persons_messages_are_answered_in_their_order(
    sandbox: Sandbox, bot: SlackApp, coach: ScriptedCoach
) -> None:
    for number in range(10):
        bot.dispatch(_message(number))
    sandbox.wait_for(lambda: len(_answers(sandbox)) == 10, what="ten answers")
    assert [q.text for q in coach.asked] == [f"What is readiness? ({n})" for n in range(10)]


def test_stopping_lets_an_answer_under_way_finish(
    sandbox: Sandbox, build: Callable[[], SlackApp], coach: ScriptedCoach, repositories: MemoryRepositories
) -> None:
    app = build()
    app.start()
    coach.seconds = 0.5
    app.dispatch(payload("message_im"))
    sandbox.wait_for(lambda: coach.asked)
    app.stop()
    assert len(_answers(sandbox)) == 1
    assert repositories.inbox.unfinished() == []


def test_no_words_and_no_secrets_are_logged(
    sandbox: Sandbox, bot: SlackApp, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    canary = "canary-7f3a"
    for text in (canary, f"{canary} please fail", f"which competency {canary}"):
        sandbox.say("U0ANA", "D0ANA", text)
    sandbox.command("U0ANA", "C0GENERAL", "/coach", f"ask {canary}")
    sandbox.wait_for(lambda: len(_answers(sandbox, words="")) >= 3)
    sandbox.wait_idle()
    out, err = capfd.readouterr()
    logged = out + err + caplog.text
    assert "inbox.done" in logged
    for secret in (canary, sandbox.bot_token, sandbox.app_token, "/respond/"):
        assert secret not in logged


def test_of_two_replicas_that_take_up_the_same_item_one_answers(
    sandbox: Sandbox, build: Callable[[], SlackApp], repositories: MemoryRepositories
) -> None:
    first, second = build(), build()
    for app in (first, second):
        app.verify()
    for number in range(20):
        item = _left_behind(sandbox, "message_im", sending=False)
        repositories.inbox.record(replace(item, key=f"{item.key}{number}"))
    for app in (first, second):
        app.inbox.resume()
    for app in (first, second):
        app.start_workers()
    sandbox.wait_for(lambda: not repositories.inbox.unfinished(), what="all rows closed")
    for app in (first, second):
        app.stop()
    assert len(_answers(sandbox)) == 20


def test_s3_the_same_event_to_two_replicas_at_once_gives_one_answer(
    sandbox: Sandbox, build: Callable[[], SlackApp]
) -> None:
    apps = build(), build()
    for app in apps:
        app.verify()
        app.start_workers()
    for number in range(20):
        threads = [threading.Thread(target=app.dispatch, args=(_message(number),)) for app in apps for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sandbox.wait_for(lambda: len(_answers(sandbox)) >= 20)
    for app in apps:
        app.stop()
    assert len(_answers(sandbox)) == 20
