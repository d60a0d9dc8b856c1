"""Every message and view that the builders make is one that Slack takes, whatever goes into it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot.core.answer import Citation
from bot.core.framework import COMPETENCIES, Knowledge
from bot.core.records import Exchange, Member
from bot.core.wording import Wording
from bot.sandbox.limits import check_message, check_view
from bot.sandbox.manifest import parse_manifest
from bot.settings import Settings
from bot.slack import listeners
from bot.slack.ask import answer_message, nearest_titles, question_modal
from bot.slack.bolt import links_of
from bot.slack.manifest import EVENTS, manifest
from bot.slack.messenger import outgoing
from bot.slack.mrkdwn import NO_LINKS
from bot.slack.payloads import Command, GlobalShortcut, MessageShortcut
from bot.slack.replies import Say
from bot.slack.share import share_modal, shared_blocks
from bot.slack.sources import locator_words, passage_modal
from bot.slack.triage import Card, correction_modal, triage_message
from tests.slack.scripted import answer, refusal, triage

LONG = "word " * 3000
SAMPLES = {
    "empty": "",
    "letter": "x",
    "scripts": "Äöü 👍🏽 שלום",
    "one word": "a" * 5000,
    "long": LONG,
    "escapes": "&<>" * 2000,
    "lines": "\n\n\n",
    "hidden": "\u200b",
    "hosts": "evil.com " * 40,
    "links": "https://evil.com/x " * 300,
}
TEXTS = st.sampled_from(sorted(SAMPLES))


def _takes(say: Say) -> None:
    assert say.text.strip()
    assert check_message(outgoing(say.text, say.blocks, NO_LINKS)) == []


@given(text=TEXTS, title=TEXTS, count=st.integers(0, 40), private=st.booleans())
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_answer_of_any_size_is_taken(
    knowledge: Knowledge, wording: Wording, *, text: str, title: str, count: int, private: bool
) -> None:
    text, title = SAMPLES[text], SAMPLES[title]
    plain = answer("q", knowledge)
    cited = tuple(
        Citation(
            marker=n,
            unit="C4",
            passage_id="C4/definition",
            title=title or "t",
            quote=text,
            verbatim=False,
            source="framework",
        )
        for n in range(1, count + 1)
    )
    made = plain.model_copy(update={"answer": text or "x", "citations": cited, "coach_question": text or None})
    _takes(answer_message(made, "e" * 24, wording, NO_LINKS, private=private))


@pytest.mark.parametrize(("count", "label"), [(2, "[1] C4 Assess"), (11, "[11] C4"), (60, "[60] C4")])
def test_every_source_of_an_answer_has_its_button(
    knowledge: Knowledge, wording: Wording, count: int, label: str
) -> None:
    first = answer("q", knowledge).citations[0]
    cited = tuple(first.model_copy(update={"marker": n}) for n in range(1, count + 1))
    made = answer("q", knowledge).model_copy(update={"citations": cited})
    message = answer_message(made, "e1", wording, NO_LINKS, private=True)
    _takes(message)
    assert str(message.blocks).count("source.open:") == count
    assert label in str(message.blocks)


@pytest.mark.parametrize("outcome", ["not_in_sources", "out_of_scope", "unverified", "declined", "care", "failed"])
def test_each_kind_of_refusal_is_taken(knowledge: Knowledge, wording: Wording, outcome: str) -> None:
    made = refusal("q", knowledge).model_copy(update={"outcome": outcome})
    message = answer_message(made, "e1", wording, NO_LINKS, titles=nearest_titles(made, knowledge), private=True)
    _takes(message)
    assert "share.open" not in str(message.blocks)
    assert ("source.open:near1" in str(message.blocks)) is (outcome in {"not_in_sources", "unverified"})


def test_every_passage_opens_in_a_modal_that_slack_takes(knowledge: Knowledge, wording: Wording) -> None:
    links = links_of(knowledge, Settings(_env_file=None))
    for passage in knowledge.passages():
        view = passage_modal(passage, None, knowledge, wording, links)
        assert check_view(view) == [], passage.id


def test_a_verbatim_passage_is_labelled_as_quoted_and_ours_as_ours(knowledge: Knowledge, wording: Wording) -> None:
    passage = knowledge.passages()[0]
    ours = str(passage_modal(passage, None, knowledge, wording, NO_LINKS))
    quoted = str(passage_modal(passage.model_copy(update={"verbatim": True}), None, knowledge, wording, NO_LINKS))
    assert "In our own words" in ours
    assert "Quoted from the original." in quoted
    assert "In our own words" not in quoted


def test_a_source_keeps_the_papers_own_address_and_names_a_section_once(knowledge: Knowledge, wording: Wording) -> None:
    passages = knowledge.passages()
    links = links_of(knowledge, Settings(_env_file=None))
    cite = next(p for p in passages if p.unit == "P-CITE" and "https://" in p.text)
    assert "link removed" not in str(passage_modal(cite, None, knowledge, wording, links))
    places = next(p for p in passages if p.id.startswith("P-RESULTS/") and len(p.locators) > 1)
    title = knowledge.title("P-RESULTS")
    last = places.locators[:4][-1].rpartition(":p")[2]
    (words,) = [w for w in locator_words(places, knowledge, wording) if title in w]
    assert words.startswith(f"“{title}”, paragraphs ")
    assert words.endswith(f" and {last}")


@pytest.mark.parametrize("outcome", ["match", "close_call", "none"])
@pytest.mark.parametrize("why", [(), ("nods", "<!channel>"), (LONG,)])
def test_a_triage_of_any_outcome_is_taken(
    knowledge: Knowledge, wording: Wording, outcome: str, why: tuple[str, ...]
) -> None:
    _takes(triage_message(Card(triage(outcome, why=why), "e1", knowledge, wording, can_check=True)))


@pytest.mark.parametrize("code", COMPETENCIES)
def test_a_settled_call_is_taken_for_every_competency(knowledge: Knowledge, wording: Wording, code: str) -> None:
    message = triage_message(Card(triage("close_call"), "e1", knowledge, wording, settled=code))
    _takes(message)
    assert f"Then it's {code}" in message.text


@pytest.mark.parametrize("own", [True, False])
def test_the_correction_offers_ten_competencies_and_none(knowledge: Knowledge, wording: Wording, own: bool) -> None:
    view = correction_modal("e1", knowledge, wording, own_words=own)
    assert check_view(view) == []
    options = view["blocks"][1]["element"]["options"]
    assert [o["value"] for o in options] == [*COMPETENCIES, "none"]


@pytest.mark.parametrize("asked", ["q", LONG])
def test_the_share_modal_shows_what_is_posted_and_is_taken(knowledge: Knowledge, wording: Wording, asked: str) -> None:
    made = answer(asked, knowledge, text=LONG[:6000])
    exchange = Exchange("e1", Member("T", "U"), "ask", asked, {}, datetime(2026, 11, 23, tzinfo=UTC))
    view = share_modal(exchange, made, wording, NO_LINKS)
    assert check_view(view) == []
    posted = shared_blocks(exchange, made, wording, NO_LINKS)
    assert view["blocks"][-len(posted) :] == posted


def test_the_question_modal_is_taken() -> None:
    assert check_view(question_modal()) == []


@pytest.mark.parametrize("prefix", ["", "my-", "a-long-12ch-"])
@pytest.mark.parametrize("agent", [True, False])
def test_the_manifest_is_one_that_slack_takes(prefix: str, agent: bool) -> None:
    parsed = parse_manifest(manifest(Settings(_env_file=None, command_prefix=prefix), agent=agent))
    assert parsed.commands[0].command == f"/{prefix}coach"
    assert parsed.agent is agent


def test_the_manifest_is_in_step_with_the_listeners() -> None:
    made = manifest(Settings(_env_file=None))
    registry = listeners.registry("")
    offered = {c["command"] for c in made["features"]["slash_commands"]}
    assert set(registry.names(Command)) <= offered
    shortcuts = {s["callback_id"]: s["type"] for s in made["features"]["shortcuts"]}
    heard = dict.fromkeys(registry.names(MessageShortcut), "message") | dict.fromkeys(
        registry.names(GlobalShortcut), "global"
    )
    assert shortcuts == heard
    assert set(made["settings"]["event_subscriptions"]["bot_events"]) == set(EVENTS)


def test_two_features_that_claim_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        listeners.registry("", (*listeners.FEATURES, listeners.FEATURES[0]))
