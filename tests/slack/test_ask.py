"""Asking, as a person does it: in the DM, by mention, by command; opening sources, sharing, feedback."""

from __future__ import annotations

import pytest

from bot.core.framework import FRAMEWORK_UNITS, Knowledge
from bot.sandbox.server import Sandbox
from bot.slack.ask import _place
from bot.slack.bolt import SlackApp
from tests.fakes.memory import MemoryRepositories
from tests.slack.scripted import ScriptedCoach

pytestmark = pytest.mark.usefixtures("bot")
QUESTION = "How do barriers differ from problems?"


def _buttons(message: dict) -> dict[str, str]:
    return {
        e["action_id"]: e.get("value", "")
        for b in message["blocks"]
        for e in b.get("elements", ())
        if isinstance(e, dict) and "action_id" in e
    }


def test_a_question_in_the_dm_is_answered_there_with_markers_and_sources(sandbox: Sandbox) -> None:
    sandbox.say("U0ANA", "D0ANA", QUESTION)
    message = sandbox.wait_for_message("D0ANA", "comes first")
    assert "*Assess barriers and facilitators*" in message["text"]
    assert "[1]" in message["text"]
    assert "Sources: [1] C4 Assess barriers" in message["text"]
    assert "Whose barriers" in message["text"]
    assert {"source.open:1", "source.open:2", "share.open", "ask.feedback"} <= set(_buttons(message))
    assert message.get("thread_ts") in {None, message["ts"]}


def test_a_question_in_a_dm_thread_is_answered_in_that_thread(sandbox: Sandbox) -> None:
    root = sandbox.say("U0ANA", "D0ANA", "hello")
    sandbox.wait_for_message("D0ANA", "Hello")
    sandbox.say("U0ANA", "D0ANA", QUESTION, thread_ts=root)
    message = sandbox.wait_for_message("D0ANA", "comes first")
    assert message["thread_ts"] == root


def test_a_mention_in_a_channel_is_answered_in_its_thread_without_a_share_button(sandbox: Sandbox) -> None:
    ts = sandbox.mention("U0BEN", "C0ROLLOUT", QUESTION)
    message = sandbox.wait_for_message("C0ROLLOUT", "comes first")
    assert message["thread_ts"] == ts
    assert "share.open" not in _buttons(message)


def test_a_source_names_its_unit_once(knowledge: Knowledge) -> None:
    assert _place("C4", "C4 and C5 compared") == "C4 and C5 compared"
    assert _place("C4", "Definition") == "C4 Definition"
    assert _place("P-METHODS", "Phase one") == "Paper Phase one"
    headings = [(p.unit, p.heading) for p in knowledge.passages() if p.unit in FRAMEWORK_UNITS]
    assert [h for unit, h in headings if _place(unit, h).count(f"{unit} ") != 1] == []


def test_somebody_else_may_open_a_source_in_a_channel_but_not_rate(sandbox: Sandbox) -> None:
    sandbox.mention("U0BEN", "C0ROLLOUT", QUESTION)
    message = sandbox.wait_for_message("C0ROLLOUT", "comes first")
    sandbox.click("U0CHI", message["ts"], "source.open:1")
    sandbox.wait_for_modal("U0CHI", "In our own words")
    sandbox.click("U0CHI", message["ts"], "ask.feedback", "up|" + _buttons(message)["source.open:1"].partition("|")[0])
    sandbox.wait_for_message("C0ROLLOUT", "belongs to the person who asked", user="U0CHI")


def test_coach_ask_is_answered_to_the_asker_alone(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/coach", f"ask {QUESTION}")
    message = sandbox.wait_for_message("C0GENERAL", "comes first", user="U0ANA")
    assert message["ephemeral"] is True
    assert not [m for m in sandbox.messages("C0GENERAL", "U0BEN") if "comes first" in str(m)]


def test_plain_coach_is_routed(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/coach", "everyone nods and then nothing happens")
    message = sandbox.wait_for_message("C0GENERAL", "This sounds like C4", user="U0ANA")
    assert message["ephemeral"] is True


@pytest.mark.parametrize("text", ["", "help"])
def test_coach_alone_or_help_says_what_it_can_do(sandbox: Sandbox, text: str) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/coach", text)
    sandbox.wait_for_message("C0GENERAL", "Check yourself", user="U0ANA")


def test_a_source_opens_with_quote_place_label_and_the_papers_address(sandbox: Sandbox, knowledge: Knowledge) -> None:
    sandbox.say("U0ANA", "D0ANA", QUESTION)
    message = sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.click("U0ANA", message["ts"], "source.open:1")
    view = str(sandbox.wait_for_modal("U0ANA", "Source [1]").content)
    passage = next(p for p in knowledge.passages() if p.unit == "C4")
    assert passage.heading in view
    assert passage.sentences[0] in view
    assert "In our own words, after the white paper." in view
    assert "paragraph 1" in view
    assert "<https://www.centerforimplementation.com/" in view


def test_what_the_sources_dont_hold_is_refused_with_the_nearest_sections(sandbox: Sandbox) -> None:
    sandbox.say("U0ANA", "D0ANA", "How far is the moon?")
    message = sandbox.wait_for_message("D0ANA", "doesn't hold an answer")
    assert {"source.open:near1", "source.open:near2", "source.open:near3"} <= set(_buttons(message))
    sandbox.click("U0ANA", message["ts"], "source.open:near1")
    sandbox.wait_for_modal("U0ANA", "Unearth the problem")


def test_a_private_answer_is_shared_only_after_preview_and_confirmation(sandbox: Sandbox) -> None:
    sandbox.say("U0ANA", "D0ANA", QUESTION)
    message = sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.click("U0ANA", message["ts"], "share.open")
    preview = str(sandbox.wait_for_modal("U0ANA", "Share this answer").content)
    assert QUESTION in preview
    assert "comes first" in preview
    assert "channel" in sandbox.submit("U0ANA", {})
    assert not [m for m in sandbox.messages("C0ROLLOUT") if "comes first" in str(m)]
    sandbox.submit("U0ANA", {"channel": "C0ROLLOUT"})
    shared = sandbox.wait_for_message("C0ROLLOUT", "comes first")
    assert "ana" in shared["text"].lower()
    sandbox.wait_for_message("D0ANA", "it's shared")


def test_sharing_where_the_bot_is_no_member_says_how_to_invite_it(sandbox: Sandbox) -> None:
    sandbox.say("U0ANA", "D0ANA", QUESTION)
    message = sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.click("U0ANA", message["ts"], "share.open")
    sandbox.wait_for_modal("U0ANA", "Share this answer")
    sandbox.submit("U0ANA", {"channel": "C0QUIET"})
    sandbox.wait_for_message("D0ANA", "/invite")
    assert not [m for m in sandbox.messages("D0ANA") if "it's shared" in str(m)]


def test_feedback_is_kept_with_the_answer(sandbox: Sandbox, repositories: MemoryRepositories, bot: SlackApp) -> None:
    sandbox.say("U0ANA", "D0ANA", QUESTION)
    message = sandbox.wait_for_message("D0ANA", "comes first")
    exchange_id = _buttons(message)["share.open"]
    sandbox.click("U0ANA", message["ts"], "ask.feedback", f"down|{exchange_id}")
    sandbox.wait_for_message("D0ANA", "Thank you for telling me", user="U0ANA")
    [exchange] = [e for e in repositories.everything_of(_ana(bot))["exchanges"] if e["id"] == exchange_id]
    assert exchange["helpful"] is False


def test_who_finds_an_answer_of_no_help_may_let_the_question_be_seen_and_nobody_else_does_it_for_them(
    sandbox: Sandbox, repositories: MemoryRepositories, bot: SlackApp
) -> None:
    sandbox.say("U0ANA", "D0ANA", QUESTION)
    message = sandbox.wait_for_message("D0ANA", "comes first")
    exchange_id = _buttons(message)["share.open"]
    sandbox.click("U0ANA", message["ts"], "ask.feedback", f"down|{exchange_id}")
    offer = sandbox.wait_for_message("D0ANA", "without your name", user="U0ANA")
    assert _buttons(offer)["ask.gap"] == exchange_id
    assert repositories.exchanges.get(exchange_id, _ana(bot)).may_share is False
    sandbox.click("U0ANA", offer["ts"], "ask.gap", exchange_id)
    sandbox.wait_for_message("D0ANA", "The question is shared", user="U0ANA")
    assert repositories.exchanges.get(exchange_id, _ana(bot)).may_share is True
    stranger = type(_ana(bot))(bot.identity.team_id, "U0BEN")
    assert not repositories.exchanges.share(exchange_id, stranger)


def _ana(bot: SlackApp):
    from bot.core.records import Member  # noqa: PLC0415

    return Member(bot.identity.team_id, "U0ANA")


def test_a_button_older_than_its_answer_is_met_calmly(
    sandbox: Sandbox, repositories: MemoryRepositories, bot: SlackApp
) -> None:
    sandbox.say("U0ANA", "D0ANA", QUESTION)
    message = sandbox.wait_for_message("D0ANA", "comes first")
    repositories.exchanges.sweep(before=sandbox.clock.advance(3600))
    sandbox.click("U0ANA", message["ts"], "share.open")
    sandbox.wait_for_message("D0ANA", "from some time ago")


def test_a_follow_up_brings_the_conversation_with_it(sandbox: Sandbox, coach: ScriptedCoach) -> None:
    sandbox.say("U0ANA", "D0ANA", QUESTION)
    first = sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.say("U0ANA", "D0ANA", "And who does that?")
    sandbox.wait_for_message("D0ANA", "comes first", after=first["ts"])
    assert [t.role for t in coach.asked[-1].history] == ["user", "assistant"]
    assert coach.asked[-1].history[0].text == QUESTION


def test_another_persons_conversation_is_never_given_as_history(sandbox: Sandbox, coach: ScriptedCoach) -> None:
    ts = sandbox.mention("U0ANA", "C0ROLLOUT", QUESTION)
    first = sandbox.wait_for_message("C0ROLLOUT", "comes first")
    sandbox.mention("U0BEN", "C0ROLLOUT", "And who does that?", thread_ts=ts)
    sandbox.wait_for_message("C0ROLLOUT", "comes first", after=first["ts"])
    assert coach.asked[-1].history == ()


def test_distress_is_met_with_care_and_the_operators_line_even_after_coach_ask(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/coach", "ask I can't go on")
    message = sandbox.wait_for_message("C0GENERAL", "sorry it is like this", user="U0ANA")
    assert "Call Sam, 555-0100." in message["text"]


def test_another_persons_data_is_declined(sandbox: Sandbox) -> None:
    sandbox.say("U0ANA", "D0ANA", "How did Ben do in his self-check?")
    sandbox.wait_for_message("D0ANA", "I don't rate, compare or report on people")


def test_an_unclear_message_is_answered_with_the_other_reading_as_a_button(sandbox: Sandbox) -> None:
    sandbox.say("U0ANA", "D0ANA", "either way: staff are tired")
    message = sandbox.wait_for_message("D0ANA", "comes first")
    assert "which competency this is about" in message["text"]
    sandbox.click("U0ANA", message["ts"], "talk.instead:triage")
    sandbox.wait_for_message("D0ANA", "This sounds like C4")


def test_an_error_ends_in_calm_words_without_its_text(sandbox: Sandbox) -> None:
    sandbox.say("U0ANA", "D0ANA", "please fail")
    message = sandbox.wait_for_message("D0ANA", "Something went wrong")
    assert "secret" not in str(message)


def test_while_the_index_is_built_it_says_so_once_and_answers_when_ready(
    sandbox: Sandbox, coach: ScriptedCoach
) -> None:
    coach.ready.clear()
    sandbox.say("U0ANA", "D0ANA", QUESTION)
    sandbox.wait_for_message("D0ANA", "getting ready")
    coach.ready.set()
    sandbox.wait_for_message("D0ANA", "comes first")
    assert len([m for m in sandbox.messages("D0ANA") if "getting ready" in str(m)]) == 1


def test_the_first_look_at_the_dm_is_welcomed_once_with_suggestions(sandbox: Sandbox) -> None:
    sandbox.open_dm("U0CHI")
    message = sandbox.wait_for_message("D0CHI", "Welcome!")
    sandbox.open_dm("U0CHI")
    sandbox.wait_idle()
    assert len([m for m in sandbox.messages("D0CHI") if "Welcome!" in str(m)]) == 1
    sandbox.click("U0CHI", message["ts"], "talk.suggest:1")
    answered = sandbox.wait_for_message("D0CHI", "comes first")
    assert answered["text"].startswith("You asked: What are the ten competencies?")


def test_the_global_shortcut_asks_from_anywhere_and_answers_in_the_dm(sandbox: Sandbox) -> None:
    sandbox.shortcut("U0ANA", "ask.open")
    sandbox.wait_for_modal("U0ANA", "Ask the coach")
    assert sandbox.submit("U0ANA", {"question": "   "}) == {"question": "Please write a question."}
    sandbox.submit("U0ANA", {"question": QUESTION})
    message = sandbox.wait_for_message("D0ANA", "comes first")
    assert message["text"].startswith("You asked: ")


def test_a_file_alone_is_answered_with_what_the_bot_can_read(sandbox: Sandbox, bot: SlackApp) -> None:
    from tests.slack.conftest import payload  # noqa: PLC0415

    bot.dispatch(payload("message_file_only"))
    sandbox.wait_for_message("D0ANA", "only read words")


def test_every_post_has_previews_off_and_its_full_meaning_in_text(sandbox: Sandbox) -> None:
    sandbox.say("U0ANA", "D0ANA", QUESTION)
    sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.command("U0ANA", "C0GENERAL", "/coach", f"ask {QUESTION}")
    sandbox.wait_for_message("C0GENERAL", "comes first", user="U0ANA")
    posts = [c for c in sandbox.calls if c.method in {"chat.postMessage", "response_url"}]
    assert len(posts) >= 2
    for call in posts:
        assert str(call.args["unfurl_links"]).lower() == "false"
        assert str(call.args["unfurl_media"]).lower() == "false"
        assert call.args["text"]
